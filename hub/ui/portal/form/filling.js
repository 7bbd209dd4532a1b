/** A form being filled: its answers, what was known beforehand, what is wrong with it. Knows nothing of pages. */
import { inject, provide, reactive, toRaw } from "vue";
import { newId } from "../../shared/ids.js";
import { momentOf } from "../../shared/when.js";
import { isEmpty, photosIn, sentAnswers } from "./answers.js";
import { faultsOf } from "./check.js";
import { controlsOf, innerElements, isGroup, isOptional, nameOf } from "./definition.js";

const KEY = Symbol("filling");

export const provideFilling = (filling) => provide(KEY, filling);
export const useFilling = () => inject(KEY);

/** Starts one: from a draft, from what was sent `earlier`, or empty. `known` is what prefill offered. */
export function startFilling({ definition, place, draft, known = [], earlier }) {
  const begun = draft ?? {
    id: newId(),
    answers: withGroups(definition.ui.elements, plain(earlier?.answers ?? {})),
    occurred_at: earlier?.occurred_at ?? momentOf(),
    location: earlier?.location?.missing === "not_asked" ? null : plain(earlier?.location ?? null),
    sent: null,
  };
  const filling = reactive({ ...begun, place, known: knownByPointer(known, draft?.statuses), faults: {}, isTouched: Boolean(draft) });
  if (!draft && earlier) judgeAll(filling);
  else if (!draft) adopt(filling, filling.answers, "");
  return filling;
}

/** What is kept on the phone. */
export const draftOf = ({ id, answers, known, occurred_at, location, sent }) => ({
  id, answers, occurred_at, location, sent,
  statuses: Object.fromEntries(Object.entries(known).map(([pointer, { status }]) => [pointer, status])),
});

/** Puts what is known into the answers of one object, unless something stands there already. */
export function adopt(filling, object, pointer) {
  for (const [where, known] of Object.entries(filling.known)) {
    const cut = where.lastIndexOf("/");
    const name = where.slice(cut + 1);
    if (where.slice(0, cut) !== pointer || known.status === "refused" || !isEmpty(object[name])) continue;
    object[name] = structuredClone(toRaw(known.value));
  }
}

/** Writes one answer; an empty one is taken away. A known value that changes becomes a correction. */
export function setAnswer(filling, object, pointer, value) {
  const name = pointer.slice(pointer.lastIndexOf("/") + 1);
  if (isEmpty(value)) delete object[name];
  else object[name] = value;
  filling.isTouched = true;
  delete filling.faults[pointer];
  if (filling.known[pointer]) judge(filling.known[pointer], value);
}

/** "This is right": one tap. */
export function keepKnown(filling, object, pointer) {
  setAnswer(filling, object, pointer, structuredClone(toRaw(filling.known[pointer].value)));
}

/** "Do not take this over": the answer is empty again, and the source is told that it was refused. */
export function refuseKnown(filling, object, pointer) {
  setAnswer(filling, object, pointer, undefined);
}

/** Faults found on the phone, by pointer: the schema's and known lines nobody looked at. */
export function foundFaults(filling, definition) {
  const elements = definition.ui.elements;
  const faults = faultsOf(toRaw(definition), sentAnswers(elements, plain(filling.answers)), filling);
  for (const control of controlsOf(elements).filter((one) => one.options?.confirm)) {
    const pointer = `/${nameOf(control.scope)}`;
    if (filling.known[pointer]?.status === "offered") faults[pointer] ??= { key: "answer.unconfirmed", params: {} };
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
    seen: seenValues(filling),
  };
  const content = JSON.stringify(body);
  if (filling.sent?.content !== content) filling.sent = { content, reported_at: momentOf() };
  return { body: { ...body, reported_at: filling.sent.reported_at }, photos: photosIn(definition.ui.elements, answers) };
}

function seenValues(filling) {
  const shown = Object.entries(filling.known).filter(([pointer]) => parentOf(filling.answers, pointer));
  return Object.fromEntries(shown.map(([pointer, { source, as_of, status }]) => [
    pointer,
    { system: source.system, as_of, ...(status === "refused" && { refused: true }) },
  ]));
}

function parentOf(answers, pointer) {
  return pointer.split("/").slice(1, -1).reduce((object, step) => object?.[step], answers);
}

function knownByPointer(values, statuses = {}) {
  return Object.fromEntries(values.map((one) => [one.path, { ...one, status: statuses[one.path] ?? "offered" }]));
}

function judgeAll(filling) {
  for (const [pointer, known] of Object.entries(filling.known)) {
    const parent = parentOf(filling.answers, pointer);
    if (parent) judge(known, parent[pointer.slice(pointer.lastIndexOf("/") + 1)]);
  }
}

function judge(known, value) {
  if (isEmpty(value)) known.status = "refused";
  else known.status = JSON.stringify(value) === JSON.stringify(known.value) ? "kept" : "corrected";
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
