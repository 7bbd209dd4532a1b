/** What was known beforehand, and drafts of it: bound to what was shown (C20), saying nothing in corrections (C21). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answersAgain, firstKnown, isWaiting, judge, knownAgain, plainKnown, seenValues } from "../portal/form/known.js";

const PHONE = "/household.phone";
const offer = (value, as_of = "2026-11-20T02:00:00Z") => ({ path: PHONE, value, source: { system: "s" }, as_of, others: [{ value: "x" }] });
const draft = (status, value = "1") => ({ known: { [PHONE]: { value, as_of: "2026-11-20T02:00:00Z", source: { system: "s" }, status } } });

/** A draft opened again while the source says `now`; its answer, and how the known value stands. */
function reopened(was, answer, now, isCorrection = false) {
  const answers = answer === undefined ? {} : { "household.phone": answer };
  const known = knownAgain([offer(now, "2026-11-29T02:00:00Z")], was, isCorrection);
  answersAgain(known, answers, was, isCorrection);
  return { answer: answers["household.phone"], ...known[PHONE] };
}

test("a value that did not change stays as it was looked at, with the date it was shown with", () => {
  for (const status of ["kept", "corrected", "refused"]) {
    const { status: now, as_of, before } = reopened(draft(status), "1", "1");
    assert.deepEqual([now, as_of, before], [status, "2026-11-20T02:00:00Z", undefined]);
  }
});

test("a confirmed value that changed is asked again, the new one in its place and the old one beside it", () => {
  const again = reopened(draft("kept"), "1", "2");
  assert.deepEqual([again.answer, again.status, again.before.value, again.before.status], ["2", "offered", "1", "kept"]);
  assert.ok(isWaiting(again));
});

test("what somebody typed stays, and is asked about beside the new value", () => {
  const again = reopened(draft("corrected"), "9", "2");
  assert.deepEqual([again.answer, again.status, again.before.value], ["9", "offered", "1"]);
});

test("a source that came to say what was typed needs no answer", () => {
  const again = reopened(draft("corrected"), "2", "2");
  assert.deepEqual([again.answer, again.status, again.before], ["2", "kept", undefined]);
});

test("who turned down an old value has said nothing of the new one", () => {
  const again = reopened(draft("refused"), undefined, "2");
  assert.deepEqual([again.answer, again.status, again.before.status], ["2", "offered", "refused"]);
});

test("a value nobody had looked at is simply another one now", () => {
  const again = reopened(draft("offered"), "1", "2");
  assert.deepEqual([again.answer, again.status, again.before], ["2", "offered", undefined]);
});

test("a value that becomes known after something was typed is asked about, and nothing typed goes", () => {
  const again = reopened({ known: {} }, "9", "2");
  assert.deepEqual([again.answer, again.status], ["9", "offered"]);
});

test("drafts of before say nothing of what was shown: all is asked again, nothing typed goes", () => {
  const again = reopened({ statuses: { [PHONE]: "kept" } }, "1", "2");
  assert.deepEqual([again.answer, again.status], ["1", "offered"]);
});

test("an answer says what the person thinks of a known value; looked at, it is not asked again", () => {
  const known = { ...offer("1"), status: "offered", before: { value: "0", status: "kept" } };
  judge(known, "1");
  assert.deepEqual([known.status, known.before], ["kept", undefined]);
  judge(known, "2");
  assert.equal(known.status, "corrected");
  judge(known, undefined);
  assert.equal(known.status, "refused");
});

test("of a correction nothing is asked again and untouched answers say nothing to the hub", () => {
  const known = firstKnown([offer("2")], true);
  assert.ok(!isWaiting(known[PHONE]));
  assert.deepEqual(seenValues(known, { "household.phone": "1" }), {});
  judge(known[PHONE], "3", { value: "1" });
  assert.deepEqual(seenValues(known, { "household.phone": "3" })[PHONE].value, "2");
  judge(known[PHONE], "1", { value: "1" });
  assert.deepEqual(seenValues(known, { "household.phone": "1" }), {}, "changed back, it is untouched");
});

test("an answer that was empty and stays empty is untouched", () => {
  const known = firstKnown([offer("2")], true);
  judge(known[PHONE], undefined, { value: undefined });
  assert.equal(known[PHONE].status, "sent");
});

test("the untouched answer of a correction stays whatever a source says meanwhile", () => {
  const again = reopened(draft("sent"), "1", "2", true);
  assert.deepEqual([again.answer, again.status], ["1", "sent"]);
});

test("the hub is told what was shown, and that it was turned down", () => {
  const known = firstKnown([offer("1")], false);
  judge(known[PHONE], undefined);
  assert.deepEqual(seenValues(known, {}), { [PHONE]: { system: "s", as_of: "2026-11-20T02:00:00Z", value: "1", refused: true } });
  const grouped = { "/bin/bin.level": { ...offer("1"), status: "kept" } };
  assert.deepEqual(seenValues(grouped, {}), {}, "of a group that is not filled in nothing was said");
});

test("on the phone lies what was shown and said, not what other systems think", () => {
  assert.deepEqual(Object.keys(plainKnown(firstKnown([offer("1")], false))[PHONE]), ["value", "shown", "source", "as_of", "status", "before"]);
});
