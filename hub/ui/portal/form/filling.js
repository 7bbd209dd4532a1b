/** A form being filled: its answers, what was known beforehand, what is wrong with it. Knows nothing of pages. */
import { inject, markRaw, provide, reactive, toRaw } from "vue";
import { newId } from "../../shared/ids.js";
import { momentOf } from "../../shared/when.js";
import { isEmpty, photosIn, sentAnswers } from "./answers.js";
import { faultsOf } from "./check.js";
import { controlsOf, innerElements, isGroup, isOptional, nameOf } from "./definition.js";
import { answersAgain, firstKnown, isWaiting, judge, knownAgain, nameIn, parentOf, plainKnown, same, seenValues } from "./known.js";

const KEY = Symbol("filling");

export const provideFilling = (filling) => provide(KEY, filling);
export const useFilling = () => inject(KEY);

/** Starts one: from a draft, from what was sent `earlier`, or empty. `offers` is what prefill said. */
export function startFilling({ definition, place, draft, offers = [], earlier }) {
  const isCorrection = Boolean(earlier);
  const begun = { ...fresh(definition, earlier), ...(draft && plain(draft)) };
  const known = draft ? knownAgain(offers, draft, isCorrection) : firstKnown(offers, isCorrection);
  if (draft) answersAgain(known, begun.answers, draft, isCorrection);
  leaveTracksRaw(definition.ui.elements, begun.answers);
  const untaken = new Set(definition.untaken);
  const sentBefore = earlier ? markRaw(plain(earlier.answers)) : null;
  const filling = reactive({ ...begun, place, known, untaken, sentBefore, faults: {}, isTouched: Boolean(draft) });
  if (!draft && !earlier) adopt(filling, filling.answers, "");
  return filling;
}

function fresh(definition, earlier) {
  return {
    id: newId(),
    form: definition.form,
    version: definition.version,
    base: earlier?.revision ?? 0,
    answers: withGroups(definition.ui.elements, plain(earlier?.answers ?? {})),
    occurred_at: earlier?.occurred_at ?? momentOf(),
    location: earlier?.location?.missing === "not_asked" ? null : plain(earlier?.location ?? null),
    left: [],
    sent: null,
  };
}

/** What is kept on the phone: bound to the form's version, to the values that were shown, to the revision corrected. */
export const draftOf = ({ id, form, version, base, answers, known, occurred_at, location, left, resent, sent }) => ({
  id, form, version, base, answers, occurred_at, location, left, resent, sent, known: plainKnown(known),
});

/** The same content as a correction of what was received: under a new id, untouched answers saying nothing. */
export function asCorrection(filling, received) {
  const before = received.answers;
  const known = plain(filling.known);
  for (const [pointer, entry] of Object.entries(known)) {
    const [mine, theirs] = [filling.answers, before].map((answers) => parentOf(answers, pointer)?.[nameIn(pointer)]);
    if (same(mine, theirs)) entry.status = "sent";
  }
  return { ...plain(draftOf(filling)), id: newId(), base: received.revision, known, resent: true, sent: null };
}

/** Puts what is known into the answers of one object, unless something stands there already. */
export function adopt(filling, object, pointer) {
  for (const [where, known] of Object.entries(filling.known)) {
    const name = nameIn(where);
    if (where.slice(0, -name.length - 1) !== pointer || known.status === "refused" || !isEmpty(object[name])) continue;
    object[name] = structuredClone(toRaw(known.value));
  }
}

/** Writes one answer; an empty one is taken away. A known value that changes becomes a correction. */
export function setAnswer(filling, object, pointer, value) {
  const name = nameIn(pointer);
  if (isEmpty(value)) delete object[name];
  else object[name] = value;
  filling.isTouched = true;
  delete filling.faults[pointer];
  if (filling.known[pointer]) judge(filling.known[pointer], value, earlierOf(filling, pointer));
}

function earlierOf(filling, pointer) {
  return filling.sentBefore && { value: parentOf(filling.sentBefore, pointer)?.[nameIn(pointer)] };
}

/** "This is right": one tap. */
export function keepKnown(filling, object, pointer) {
  setAnswer(filling, object, pointer, structuredClone(toRaw(filling.known[pointer].value)));
}

/** "This is not right": the answer is empty again, and the hub keeps that it was turned down. */
export function refuseKnown(filling, object, pointer) {
  setAnswer(filling, object, pointer, undefined);
}

/** "What I wrote stays", also beside what the source has come to say. */
export function standBy(filling, object, pointer) {
  setAnswer(filling, object, pointer, object[nameIn(pointer)]);
}

/** Faults found on the phone, by pointer: the schema's and known lines nobody looked at. */
export function foundFaults(filling, definition) {
  const elements = definition.ui.elements;
  const faults = faultsOf(toRaw(definition), sentAnswers(elements, plain(filling.answers)), filling);
  for (const control of controlsOf(elements).filter((one) => one.options?.confirm)) {
    const pointer = `/${nameOf(control.scope)}`;
    if (filling.known[pointer] && isWaiting(filling.known[pointer])) faults[pointer] ??= { key: "answer.unconfirmed", params: {} };
  }
  return faults;
}

/** What is sent. The same content keeps its reported time, so that a second try is the same letter, not a conflict. */
export function letterOf(filling, definition) {
  const answers = sentAnswers(definition.ui.elements, plain(filling.answers));
  const body = {
    id: filling.id,
    form: definition.form,
    version: definition.version,
    place: filling.place?.id ?? null,
    occurred_at: filling.occurred_at,
    location: plain(filling.location) ?? { missing: "not_asked" },
    answers,
    seen: seenValues(plain(filling.known), filling.answers),
  };
  const content = JSON.stringify(body);
  if (filling.sent?.content !== content) filling.sent = { content, reported_at: momentOf() };
  return { body: { ...body, reported_at: filling.sent.reported_at }, photos: photosIn(definition.ui.elements, answers) };
}

/** Thousands of points are looked at by nobody one by one. */
function leaveTracksRaw(elements, answers) {
  for (const control of controlsOf(elements)) {
    const value = answers?.[nameOf(control.scope)];
    if (isGroup(control)) leaveTracksRaw(innerElements(control), value);
    else if (control.options?.widget === "track" && value) markRaw(value);
  }
}

function withGroups(elements, answers) {
  for (const group of controlsOf(elements).filter((one) => isGroup(one) && !isOptional(one))) {
    answers[nameOf(group.scope)] = withGroups(innerElements(group), answers[nameOf(group.scope)] ?? {});
  }
  return answers;
}

function plain(value) {
  return value === null ? null : JSON.parse(JSON.stringify(value));
}
