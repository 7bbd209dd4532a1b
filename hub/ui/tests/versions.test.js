/** Drafts and versions of their form (C22): nothing typed goes unseen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { carried, fitted, isOpenFor } from "../portal/form/versions.js";

const control = (name, options = {}) => ({ type: "Control", scope: `#/properties/${name}`, label: { zh: name }, options });
const group = (name, elements) => ({ type: "Group", scope: `#/properties/${name}`, optional: true, elements });
const repeat = (name, elements) => control(name, { widget: "repeat", detail: { elements } });
const form = (version, ...elements) => ({ form: "visit", version, ui: { elements }, licence: { valid: ["2026-01-01", "2026-12-31"] } });
const draft = (answers, more = {}) => ({ id: "d", form: "visit", version: 1, answers, sent: { content: "…" }, ...more });
const left = (made) => made.left.map(({ name, value }) => [name, value]);

test("what the new version does not ask is left over with its question, to be read", () => {
  const made = carried(draft({ a: "1", summary: "老人身体好" }), form(1, control("a"), control("summary")), form(2, control("a")));
  assert.deepEqual([made.version, made.answers, made.sent], [2, { a: "1" }, null]);
  assert.deepEqual(left(made), [["summary", "老人身体好"]]);
  assert.deepEqual(made.left[0].control.label, { zh: "summary" });
});

test("a question that moved into a group, or out of one, takes its answer along", () => {
  const flat = form(1, control("level"), control("a"));
  const grouped = form(2, control("a"), group("bin", [control("level")]));
  assert.deepEqual(carried(draft({ a: "1", level: "good" }), flat, grouped).answers, { a: "1", bin: { level: "good" } });
  const back = carried(draft({ a: "1", bin: { level: "good" } }), grouped, flat);
  assert.deepEqual([back.answers, back.left], [{ a: "1", level: "good" }, []]);
});

test("an optional group that was opened and is empty stays open", () => {
  const same = form(2, group("bin", [control("level")]));
  assert.deepEqual(carried(draft({ bin: {} }), form(1, group("bin", [control("level")])), same).answers, { bin: {} });
});

test("items of a repeat keep their id; what is no longer asked of them is left over with the item's number", () => {
  const items = [{ id: "x", kind: "river", note: "桥下" }, { id: "y", kind: "other" }];
  const made = carried(draft({ many: items }), form(1, repeat("many", [control("kind"), control("note")])), form(2, repeat("many", [control("kind")])));
  assert.deepEqual(made.answers, { many: [{ id: "x", kind: "river" }, { id: "y", kind: "other" }] });
  assert.deepEqual(made.left.map(({ name, value, item }) => [name, value, item]), [["note", "桥下", 1]]);
});

test("without the old version nothing is guessed and nothing is lost", () => {
  const answers = { a: "1", bin: { level: "good" }, gone: "words", here: { lon: 1, lat: 2, crs: "wgs84" } };
  const made = carried(draft(answers), null, form(3, control("a"), control("level"), control("here")));
  assert.deepEqual(made.answers, { a: "1", level: "good", here: answers.here });
  assert.deepEqual(left(made), [["gone", "words"]]);
});

test("what was left over before stays to be read", () => {
  const made = carried(draft({ b: "2" }, { left: [{ name: "a", value: "1" }] }), form(2, control("b")), form(3));
  assert.deepEqual(left(made), [["a", "1"], ["b", "2"]]);
});

test("a draft that fits its version is not touched, so that it stays the same letter", () => {
  const fine = draft({ a: "1", bin: { level: "good" } });
  const own = form(1, control("a"), group("bin", [control("level")]));
  assert.equal(fitted(fine, own), fine);
  const stray = fitted(draft({ a: "1", gone: "words" }), own);
  assert.deepEqual([stray.answers, left(stray)], [{ a: "1" }, [["gone", "words"]]]);
});

test("a version is open for what happened while its licence covered the day, by Chinese days", () => {
  const own = form(1);
  assert.ok(isOpenFor(own, { occurred_at: "2026-12-31T23:59:00+08:00" }));
  assert.ok(!isOpenFor(own, { occurred_at: "2026-12-31T16:30:00Z" }), "half past midnight in China");
  assert.ok(isOpenFor({ ...own, licence: undefined }, { occurred_at: "" }));
});
