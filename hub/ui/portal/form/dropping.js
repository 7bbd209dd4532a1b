/** What an answer would hide that somebody has filled in: asked before it goes, never dropped without a word. Pure. */
import { isEmpty, shownControls } from "./answers.js";
import { controlsOf, isGroup, isRepeat, nameOf } from "./definition.js";

/** Widgets whose answers cost work; a tap on a choice is given again as fast as it is asked about. */
const WORK = new Set(["text", "textarea", "photos", "location", "track"]);

/** The controls with filled answers that are asked now and would not be with this answer. */
export function hiddenBy(elements, object, name, value) {
  const then = { ...object };
  if (isEmpty(value)) delete then[name];
  else then[name] = value;
  const stays = new Set(shownControls(elements, then));
  return shownControls(elements, object).filter((control) => nameOf(control.scope) !== name && !stays.has(control) && isWork(control, object[nameOf(control.scope)]));
}

/** How many answers stand in it: items of a repeat, questions of a group, else one. */
export function countIn(control, value) {
  if (isRepeat(control)) return value.filter(isFilled).length;
  return isGroup(control) ? Object.values(value).filter((one) => !isEmpty(one)).length : 1;
}

/** Whether losing this answer would lose work. */
export function isWork(control, value) {
  if (isEmpty(value)) return false;
  if (isRepeat(control)) return value.some(isFilled);
  if (isGroup(control)) return controlsOf(control.elements).some((inner) => !isEmpty(value[nameOf(inner.scope)]));
  return WORK.has(control.options?.widget);
}

const isFilled = (item) => Object.entries(item).some(([name, value]) => name !== "id" && !isEmpty(value));
