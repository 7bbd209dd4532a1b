/** What people type, paste, pick and scan (C25, C28, C31, C34): as it is meant, or as it stands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { textOf } from "../portal/codetext.js";
import { countIn, hiddenBy } from "../portal/form/dropping.js";
import { byCount } from "../portal/parts/counting.js";
import { civilDay, dayOfText, isBlank, lineOf, numberOf } from "../shared/typed.js";

test("blanks of every kind in a number are no answer, never nought", () => {
  for (const blank of ["", " ", "\u3000", "\u00a0", "\ufeff", "\u200b", " \t\u3000 "]) {
    assert.equal(numberOf(blank), undefined);
    assert.ok(isBlank(blank));
  }
  assert.equal(numberOf("0"), 0);
});

test("full-width figures are figures, blanks between them do not matter", () => {
  assert.deepEqual(["４", " 4 ", "４．５", "１ ２００", "－３", "+7", "4.50"].map(numberOf), [4, 4, 4.5, 1200, -3, 7, 4.5]);
});

test("what is no number stays as typed, so that it can be said", () => {
  for (const text of ["约4人", "4人", "4.", "1e3", "0x10", "Infinity", "1,2", "--4"]) assert.equal(numberOf(text), text);
});

test("pasted phones and codes lose full width and blanks, not their sense", () => {
  assert.equal(lineOf(" １９９ ００００ ０１２３　"), "199 0000 0123");
  assert.equal(lineOf("0579\u201086000000"), "0579-86000000");
});

test("days are read in their usual spellings; what is no day stays", () => {
  for (const text of ["2026-12-1", "2026/12/01", "2026.12.1", "２０２６年12月1日", " 2026年12月1日 "]) assert.equal(dayOfText(text), "2026-12-01");
  for (const text of ["2026-02-31", "12月1日", "明天"]) assert.equal(dayOfText(text), text);
  assert.equal(dayOfText("\u3000"), undefined);
});

test("a day begins at midnight in China", () => {
  assert.deepEqual([civilDay("2026-11-30T15:59:00Z"), civilDay("2026-11-30T16:00:00Z"), civilDay("no time")], ["2026-11-30", "2026-12-01", ""]);
});

const gbk = Uint8Array.of(0xb6, 0xab, 0xd1, 0xf4, 0x2f, 0xcd, 0xf5, 0xb4, 0xe5, 0x2f, 0x31, 0x32); // 东阳/王村/12

test("a code without a declaration is UTF-8 if it can be, else GB18030", () => {
  assert.equal(textOf({ bytes: gbk, hasECI: false, text: "\ufffd" }), "东阳/王村/12");
  assert.equal(textOf({ bytes: new TextEncoder().encode("东阳/王村/12"), hasECI: false, text: "?" }), "东阳/王村/12");
  assert.equal(textOf({ bytes: Uint8Array.of(0x95, 0x32, 0x82, 0x36), hasECI: false, text: "?" }), "\u{20000}", "four bytes, beyond GBK");
});

test("what declares itself, is empty or is in no such coding is taken as it was read", () => {
  assert.equal(textOf({ bytes: gbk, hasECI: true, text: "as declared" }), "as declared");
  assert.equal(textOf({ bytes: new Uint8Array(), hasECI: false, text: "" }), "");
  assert.equal(textOf({ bytes: Uint8Array.of(0xff, 0xff), hasECI: false, text: "ÿÿ" }), "ÿÿ");
});

test("names with numbers come as people count", () => {
  const names = ["第10段", "第2段", "第１段", "第11段", "第92段", "第1段"];
  assert.deepEqual(names.sort(byCount).map((name) => name.normalize("NFKC")), ["第1段", "第1段", "第2段", "第10段", "第11段", "第92段"]);
});

const unless = (name) => ({ effect: "SHOW", condition: { scope: "#", schema: { not: { properties: { [name]: { const: true } }, required: [name] } } } });
const when = (name, value) => ({ effect: "SHOW", condition: { scope: "#", schema: { properties: { [name]: { const: value } }, required: [name] } } });
const control = (name, widget, rule, more = {}) => ({ type: "Control", scope: `#/properties/${name}`, options: { widget, ...more }, rule });
const ELEMENTS = [
  control("nothing", "switch"),
  control("findings", "repeat", unless("nothing"), { detail: { elements: [control("words", "textarea")] } }),
  control("kind", "radio"),
  control("leak", "radio", when("kind", "housing")),
  control("where", "location", when("kind", "river")),
  { type: "Group", scope: "#/properties/bin", optional: true, rule: unless("nothing"), elements: [control("level", "radio")] },
];
const named = (controls) => controls.map((one) => one.scope.split("/").at(-1));

test("filled findings are named before an answer hides them; empty ones and choices are not", () => {
  const findings = [{ id: "1", words: "桥下有污水" }, { id: "2" }];
  assert.deepEqual(named(hiddenBy(ELEMENTS, { findings }, "nothing", true)), ["findings"]);
  assert.equal(countIn(ELEMENTS[1], findings), 1);
  assert.deepEqual(hiddenBy(ELEMENTS, { findings: [{ id: "1" }] }, "nothing", true), []);
  assert.deepEqual(hiddenBy(ELEMENTS, { kind: "housing", leak: "roof" }, "kind", "other"), []);
});

test("so are a place that was taken and a part that was filled in", () => {
  assert.deepEqual(named(hiddenBy(ELEMENTS, { kind: "river", where: { lon: 1 } }, "kind", "other")), ["where"]);
  assert.deepEqual(named(hiddenBy(ELEMENTS, { bin: { level: "good" } }, "nothing", true)), ["bin"]);
  assert.equal(countIn(ELEMENTS[5], { level: "good" }), 1);
  assert.deepEqual(hiddenBy(ELEMENTS, { bin: {} }, "nothing", true), []);
});

test("what was hidden already is not asked about again", () => {
  assert.deepEqual(hiddenBy(ELEMENTS, { nothing: true, findings: [{ id: "1", words: "x" }] }, "kind", "river"), []);
});
