/** Filing at another Place what was filed at a wrong one: which answers go along, which are asked again. Pure. */
import { controlsOf, innerElements, isGroup, nameOf } from "./definition.js";

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** Answers without those a known value of the first Place was shown for: they say something of that Place. */
export function answersToCarry(answers, shown) {
  const carried = structuredClone(answers);
  for (const pointer of shown) {
    const steps = pointer.split("/").slice(1);
    const name = steps.pop();
    const holder = steps.reduce((object, step) => object?.[step], carried);
    if (holder) delete holder[name];
  }
  return carried;
}

/** Takes over what was answered before, but nothing the new Place's sources say already. */
export function carryOver(filling, { answers, shown, occurred_at, location }) {
  merge(filling.answers, answersToCarry(answers, shown ?? []));
  filling.occurred_at = occurred_at;
  if (location && location.missing !== "not_asked") filling.location = structuredClone(location);
  return filling;
}

/** The questions, in words and in the order of the form, that had an answer at the first Place and are asked again. */
export function askedAgain(elements, { answers, shown }) {
  const again = new Set(shown ?? []);
  return labelled(elements, answers).filter(([pointer]) => again.has(pointer)).map(([, label]) => label);
}

/** Every answered question as [pointer, label], those inside groups with their whole pointer. */
function labelled(elements, answers, within = "") {
  return controlsOf(elements).flatMap((control) => {
    const name = nameOf(control.scope);
    const value = answers[name];
    if (value === undefined) return [];
    const pointer = `${within}/${name}`;
    return isGroup(control) ? labelled(innerElements(control), value, pointer) : [[pointer, control.label]];
  });
}

function merge(target, source) {
  for (const [name, value] of Object.entries(source)) {
    if (isObject(value) && isObject(target[name])) merge(target[name], value);
    else if (target[name] === undefined) target[name] = value;
  }
}
