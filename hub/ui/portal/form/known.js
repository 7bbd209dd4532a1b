/**
 * Known values of a form being filled: what was shown, and what the person said of it. Pure.
 *
 * status: "offered" nobody has looked · "kept" right · "corrected" answered otherwise · "refused" not right, nothing
 * better known · "sent" part of what is being corrected, and not touched. `before`: what was shown when the person last
 * said something of it; the source has come to say another thing since, and it is offered again.
 */
import { isEmpty } from "./answers.js";

export const same = (one, other) => (isEmpty(one) && isEmpty(other)) || JSON.stringify(one) === JSON.stringify(other);

/** What is known, by pointer, when a form is opened anew; of a correction nothing is asked again. */
export function firstKnown(offers, isCorrection) {
  return Object.fromEntries(offers.map((offer) => [offer.path, { ...offer, status: isCorrection ? "sent" : "offered" }]));
}

/**
 * What is known when a draft is opened again. The same value stays as it was looked at, with the date it was shown
 * with; another one is asked again beside the old one. What no source says any more is an answer like any other.
 */
export function knownAgain(offers, draft, isCorrection) {
  const now = firstKnown(offers, isCorrection);
  for (const [pointer, offer] of Object.entries(now)) {
    const then = draft.known?.[pointer];
    if (then) now[pointer] = same(then.value, offer.value) ? { ...offer, ...then } : changed(then, offer);
  }
  return now;
}

function changed({ value, shown, source, as_of, status }, offer) {
  // Of the old one nobody had said anything: there is nothing to ask again.
  if (status === "offered" || status === "sent") return { ...offer, status };
  return { ...offer, status: "offered", before: { value, shown, source, as_of, status } };
}

/**
 * Brings the answers of a reopened draft in line with what is known now: where an old value stood as it was offered,
 * the new one does; what somebody typed stays, and is settled where the source has come to say the same.
 */
export function answersAgain(known, answers, draft, isCorrection) {
  for (const [pointer, entry] of Object.entries(known).filter(([, one]) => one.status === "offered")) {
    const object = parentOf(answers, pointer);
    const name = nameIn(pointer);
    if (!object) continue;
    const isAsOffered = isEmpty(object[name]) || (!isCorrection && same(object[name], draft.known?.[pointer]?.value));
    if (isAsOffered) object[name] = structuredClone(entry.value);
    else if (entry.before && same(object[name], entry.value)) judge(entry, entry.value);
  }
}

/** What the person says of a known value by giving this answer; `earlier` is the one being corrected, if any. */
export function judge(known, answer, earlier) {
  delete known.before;
  if (earlier && same(answer, earlier.value)) known.status = "sent";
  else if (isEmpty(answer)) known.status = "refused";
  else known.status = same(answer, known.value) ? "kept" : "corrected";
}

/** Whether somebody still has to look at it. */
export const isWaiting = (known) => known.status === "offered";

/** What is kept of it on the phone. */
export const plainKnown = (known) =>
  Object.fromEntries(Object.entries(known).map(([pointer, { value, shown, source, as_of, status, before }]) => [
    pointer, { value, shown, source, as_of, status, before },
  ]));

/** What the hub is told was shown: of untouched answers of a correction nothing. */
export function seenValues(known, answers) {
  const said = Object.entries(known).filter(([pointer, { status }]) => status !== "sent" && parentOf(answers, pointer));
  return Object.fromEntries(said.map(([pointer, { source, as_of, value, status }]) => [
    pointer,
    { system: source.system, as_of, value, ...(status === "refused" && { refused: true }) },
  ]));
}

/** The object an answer lives in, if it is there. */
export function parentOf(answers, pointer) {
  return pointer.split("/").slice(1, -1).reduce((object, step) => object?.[step], answers);
}

export const nameIn = (pointer) => pointer.slice(pointer.lastIndexOf("/") + 1);
