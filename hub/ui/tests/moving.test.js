/** Filing at another place: what goes along and what is asked again; how a withdrawn receipt stands. Run: npm test */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answersToCarry, askedAgain, carryOver } from "../portal/form/moving.js";
import { overallOf, standOf } from "../portal/receipts.js";

const control = (name) => ({ type: "Control", scope: `#/properties/${name}`, label: name.toUpperCase() });
const ELEMENTS = [control("a"), control("b"), { type: "Group", scope: "#/properties/g", elements: [control("g.x"), control("g.y")] }];
const MOVED = {
  answers: { a: "of the first", b: "mine", g: { "g.x": "of the first", "g.y": "mine" }, many: [{ id: "1" }] },
  shown: ["/g/g.x", "/a", "/not_answered"],
  occurred_at: "2026-11-30T08:00:00+08:00",
  location: { missing: "not_asked" },
};

test("what is known of the first place stays behind, also inside a group; nothing is changed in place", () => {
  const before = structuredClone(MOVED.answers);
  assert.deepEqual(answersToCarry(MOVED.answers, MOVED.shown), { b: "mine", g: { "g.y": "mine" }, many: [{ id: "1" }] });
  assert.deepEqual(MOVED.answers, before);
});

test("what the new place's sources say is not overwritten, and the rest goes along", () => {
  const filling = { answers: { a: "of the second", g: { "g.x": "of the second" } }, occurred_at: "now", location: null };
  carryOver(filling, MOVED);
  assert.deepEqual(filling.answers, { a: "of the second", b: "mine", g: { "g.x": "of the second", "g.y": "mine" }, many: [{ id: "1" }] });
  assert.deepEqual([filling.occurred_at, filling.location], [MOVED.occurred_at, null]);
  const point = { lon: 120.2, lat: 29.3, crs: "wgs84" };
  assert.deepEqual(carryOver({ answers: {} }, { ...MOVED, shown: null, location: point }).location, point);
});

test("questions to ask again are named in the order of the form, those never answered are not", () => {
  assert.deepEqual(askedAgain(ELEMENTS, MOVED), ["A", "G.X"]);
  assert.deepEqual(askedAgain(ELEMENTS, { answers: {}, shown: ["/a"] }), []);
});

const withdrawn = (...states) => ({
  withdrawn: { at: "now" },
  records: states.map((state, number) => ({ deliveries: [{ system: `s${number}`, flow: "f", revision: 2, intent: "withdraw", state }] })),
});

test("a withdrawn receipt says how far it is back, and calls nobody who has nothing to do", () => {
  assert.deepEqual(overallOf(withdrawn("delivered", "delivered")), { state: "withdrawn_done", tone: "quiet", done: 2, total: 2 });
  assert.deepEqual(overallOf(withdrawn("delivered", "waiting")), { state: "withdrawn_moving", tone: "calm", done: 1, total: 2 });
  assert.deepEqual(overallOf(withdrawn("delivered", "manual")), { state: "withdrawn_by_hand", tone: "calm", done: 1, total: 2 });
  assert.deepEqual(overallOf(withdrawn("manual", "parked")), { state: "withdrawn_stuck", tone: "bad", done: 0, total: 2 });
  assert.deepEqual(overallOf({ withdrawn: {}, records: [] }), { state: "withdrawn_done", tone: "quiet", done: 0, total: 0 });
  const never = { withdrawn: {}, records: [{ deliveries: [{ system: "s", flow: "f", intent: "create", state: "cancelled" }] }] };
  assert.equal(overallOf(never).state, "withdrawn_done");
});

test("a withdrawal has its own words: taken back is not delivered, and a department's work is not the officer's", () => {
  assert.deepEqual(standOf({ intent: "withdraw", state: "delivered" }), { words: "withdrawn", tone: "good", isOpen: false });
  assert.equal(standOf({ intent: "withdraw", state: "manual" }).tone, "calm");
  assert.equal(standOf({ intent: "amend", state: "manual" }).tone, "warn");
});
