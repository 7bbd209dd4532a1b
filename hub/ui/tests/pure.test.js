/** The pure modules, without a browser: visibility, what is sent, faults, digests, receipts. Run: npm test */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { photosIn, sentAnswers, shownControls } from "../portal/form/answers.js";
import { faultsOf, pointerFrom } from "../portal/form/check.js";
import { blocksOf } from "../portal/form/definition.js";
import { fieldsOf, holdOf, isToRenew, nextLook, settles } from "../portal/entries.js";
import { isMoving, latestDeliveries, overallOf, toldOf } from "../portal/receipts.js";
import { newId } from "../shared/ids.js";
import { sha256, sha256ByHand } from "../shared/sha256.js";

const whenIs = (name, value) => ({
  effect: "SHOW",
  condition: { scope: "#", schema: { properties: { [name]: { const: value } }, required: [name] } },
});
const control = (name, options = {}, rule) => ({ type: "Control", scope: `#/properties/${name}`, options, rule });

const ELEMENTS = [
  control("a"),
  control("b", {}, whenIs("a", "yes")),
  control("c", {}, whenIs("b", "yes")),
  { type: "Group", scope: "#/properties/g", optional: true, elements: [control("g.x")] },
  control("many", { widget: "repeat", detail: { elements: [control("m.kind"), control("m.photos", { widget: "photos" }, whenIs("m.kind", "river"))] } }),
];

test("hiding one question hides those that hang on it, and their answers are not sent", () => {
  const answers = { a: "no", b: "yes", c: "here" };
  assert.deepEqual(shownControls(ELEMENTS, answers).map((one) => one.scope), ["a", "g", "many"].map((name) => `#/properties/${name}`));
  assert.deepEqual(sentAnswers(ELEMENTS, answers), { a: "no" });
});

test("rules inside a repeat look at their own item, ids stay, empties go", () => {
  const many = [{ id: "1", "m.kind": "river", "m.photos": ["f"] }, { id: "2", "m.kind": "other", "m.photos": ["e"] }];
  const sent = sentAnswers(ELEMENTS, { a: "", g: {}, many });
  assert.deepEqual(sent, { g: {}, many: [many[0], { id: "2", "m.kind": "other" }] });
  assert.deepEqual(photosIn(ELEMENTS, sent), ["f"]);
});

test("questions to confirm that follow each other share a block", () => {
  const blocks = blocksOf([control("p", { confirm: true }), control("q", { confirm: true }), control("r")]);
  assert.deepEqual(blocks.map((block) => block.controls.length), [2, 1]);
});

test("faults are leaves, placed at the question, with their limit", () => {
  const schema = {
    type: "object",
    properties: { a: { type: "string", maxLength: 3 }, many: { type: "array", items: { type: "object", properties: {}, required: ["m.kind"] } } },
    allOf: [{ if: { required: ["a"] }, then: { required: ["b"] } }],
  };
  assert.deepEqual(faultsOf({ schema }, { a: "long", many: [{}] }), {
    "/a": { key: "fault.too_long", params: { name: "a", rule: 3 } },
    "/b": { key: "fault.required", params: { name: "b", rule: "b" } },
    "/many/0/m.kind": { key: "fault.required", params: { name: "m.kind", rule: "m.kind" } },
  });
});

test("all ways of writing a path mean the same question", () => {
  for (const path of ["#/findings/0/x", "/answers/findings/0/x", "findings/0/x", "/findings/0/x"]) assert.equal(pointerFrom(path), "/findings/0/x");
});

test("the digest by hand is SHA-256, at every length around a block", async () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 1000]) {
    const bytes = new Uint8Array(length).map((_, index) => index * 7);
    const expected = createHash("sha256").update(bytes).digest("hex");
    assert.equal(sha256ByHand(bytes.buffer), expected);
    assert.equal(await sha256(bytes.buffer), expected);
  }
});

test("ids are version 4 UUIDs, also without randomUUID", () => {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const own = crypto.randomUUID;
  assert.match(newId(), shape);
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  try {
    assert.match(newId(), shape);
  } finally {
    Object.defineProperty(crypto, "randomUUID", { value: own, configurable: true });
  }
});

const delivery = (system, state, revision = 1) => ({ system, flow: "f", state, revision, title: system });
const viewOf = (revision, ...deliveries) => ({ revision, records: [{ deliveries }] });

test("the overall state is the worst one, and nothing to deliver is not a failure", () => {
  assert.equal(overallOf(viewOf(1, delivery("s", "delivered"), delivery("t", "parked"))).state, "rejected");
  assert.equal(overallOf(viewOf(1, delivery("s", "delivered"), delivery("t", "transported"))).state, "moving");
  assert.equal(overallOf(viewOf(1, delivery("s", "delivered"))).state, "done");
  assert.equal(overallOf(viewOf(1)).state, "kept");
  assert.equal(overallOf(viewOf(1, delivery("s", "never heard of"))).state, "manual");
  const twice = overallOf(viewOf(1, delivery("s", "delivered"), delivery("s", "waiting"), delivery("t", "delivered")));
  assert.deepEqual([twice.done, twice.total], [1, 2]);
  assert.ok(isMoving(viewOf(1, delivery("s", "retry"))));
  assert.ok(!isMoving(viewOf(1, delivery("s", "parked"))));
});

test("what no system takes is counted beside what was delivered", () => {
  const view = viewOf(1, delivery("s", "delivered"));
  view.records.push({ taker: false, deliveries: [] }, { taker: false, withdrawn: true, deliveries: [] });
  assert.deepEqual([overallOf(view).state, overallOf(view).kept], ["done", 1]);
});

test("a correction says who was told and who was left alone", () => {
  const view = viewOf(2, delivery("s", "delivered", 1), delivery("s", "waiting", 2), delivery("t", "delivered", 1));
  assert.deepEqual(toldOf(view), { told: ["s"], leftAlone: ["t"] });
  assert.equal(latestDeliveries(view.records[0]).length, 2);
});

const NOON = Date.parse("2026-11-23T04:00:00Z");
const entry = (state, taken = null) => ({ state, taken });
const heldUntil = (until, mine = false) => entry("manual", { mine, name: null, until });

test("who has an entry by hand, and who settles any", () => {
  assert.deepEqual(["department_admin", "operator", "staff", "leader", "data_bureau"].map((role) => settles({ role })), [true, true, false, false, false]);
  assert.ok(!settles(null));
  assert.equal(holdOf(entry("manual")), "free");
  assert.equal(holdOf(heldUntil("2026-11-23T04:30:00Z", true)), "mine");
  assert.equal(holdOf(heldUntil("2026-11-23T04:30:00Z")), "theirs");
  assert.equal(holdOf(entry("delivered")), "");
  assert.equal(holdOf({ ...entry("manual"), waits_for: "another" }), "waits");
});

test("only who has it takes it again, every five minutes; others look when its time is over", () => {
  assert.ok(isToRenew("mine", NOON - 300_000, NOON));
  assert.ok(!isToRenew("mine", NOON - 299_000, NOON));
  assert.ok(!isToRenew("theirs", 0, NOON));
  assert.ok(!isToRenew("free", 0, NOON));
  assert.equal(nextLook(entry("manual"), NOON), 30_000);
  assert.equal(nextLook(heldUntil("2026-11-23T04:00:05Z"), NOON), 5_000);
  assert.equal(nextLook(heldUntil("2026-11-23T03:00:00Z"), NOON), 1_000);
  assert.equal(nextLook(heldUntil("2026-11-23T04:00:05Z", true), NOON), 30_000);
});

test("what is to be entered is every field with its whole path", () => {
  const payload = { purpose: "回访", none: null, place: { code: 7 }, people: [{ name: "甲" }, { name: "乙" }] };
  assert.deepEqual(fieldsOf(payload), [["purpose", "回访"], ["none", ""], ["place.code", "7"], ["people.1.name", "甲"], ["people.2.name", "乙"]]);
  assert.deepEqual(fieldsOf(null), []);
});
