/** A draft and the versions of its form: in which it may still be sent, and what another version no longer asks. Pure. */
import { civilDay } from "../../shared/typed.js";
import { isEmpty } from "./answers.js";
import { controlsOf, innerElements, isGroup, isRepeat, nameOf } from "./definition.js";

/** Whether the hub takes this draft in this version: its licence covers the day it happened. */
export function isOpenFor(definition, draft) {
  const [first, last] = definition.licence?.valid ?? [];
  const day = civilDay(draft.occurred_at);
  return !first || (first <= day && day <= last);
}

/**
 * The draft's content for a version of its form, from another one (null where that is not known any more): answers to
 * the same questions go along, wherever they stand now. `left` are those nobody asks there, for people to read and copy:
 * [{name, value, control?, item?}].
 */
export function carried(draft, from, to) {
  const rest = collected(controlsByName(from?.ui.elements), draft.answers);
  const answers = placed(to.ui.elements, draft.answers, rest);
  const left = [...(draft.left ?? []), ...[...rest.values()].filter(({ value }) => !isEmpty(value))];
  return { ...draft, form: to.form, version: to.version, answers, left, sent: null };
}

/** The draft as it is, unless something stands in it that its own version does not ask. */
export function fitted(draft, definition) {
  const tried = carried(draft, definition, definition);
  return tried.left.length > (draft.left?.length ?? 0) ? tried : draft;
}

function controlsByName(elements = []) {
  const all = controlsOf(elements).flatMap((control) => (isGroup(control) ? [control, ...controlsOf(innerElements(control))] : [control]));
  return new Map(all.map((control) => [nameOf(control.scope), control]));
}

/** Every answer by the name of its question, out of its group. */
function collected(controls, answers) {
  const found = new Map();
  for (const [name, value] of Object.entries(answers)) {
    const control = controls.get(name);
    if (control ? isGroup(control) : isBareGroup(value)) for (const [key, one] of collected(controls, value)) found.set(key, one);
    else found.set(name, { name, value, control });
  }
  return found;
}

/** Without its question, an object of answers is told from a location by the names in it. */
const isBareGroup = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !("lon" in value || "missing" in value);

/** The answers where a version asks for them; what was placed is taken out of `rest`. */
function placed(elements, before, rest) {
  const made = {};
  for (const control of controlsOf(elements)) {
    const name = nameOf(control.scope);
    if (isGroup(control)) {
      const inner = placed(innerElements(control), before?.[name], rest);
      if (Object.keys(inner).length || before?.[name]) made[name] = inner;
    } else if (rest.has(name)) {
      made[name] = rest.get(name).value;
      rest.delete(name);
      if (isRepeat(control)) made[name] = itemsOf(control, made[name], rest);
    }
  }
  return made;
}

/** Items of a repeat keep their id and what is still asked of them; nothing else is thrown away unseen. */
function itemsOf(control, items, rest) {
  const asked = new Set(["id", ...controlsOf(innerElements(control)).map((inner) => nameOf(inner.scope))]);
  items.forEach((item, index) => {
    for (const [name, value] of Object.entries(item)) {
      if (!asked.has(name)) rest.set(`${nameOf(control.scope)}/${index}/${name}`, { name, value, item: index + 1 });
    }
  });
  return items.map((item) => Object.fromEntries(Object.entries(item).filter(([name]) => asked.has(name))));
}
