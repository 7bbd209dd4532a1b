/** Which questions are asked and which answers count: SHOW rules on the object they live in. Pure. */
import { Validator } from "@cfworker/json-schema";
import { controlsOf, innerElements, isGroup, isRepeat, nameOf } from "./definition.js";

const conditions = new WeakMap();

/** Nothing was said: absent on the wire, so that server and phone see the same object. */
export function isEmpty(value) {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** The controls that are asked, given the answers around them. Hiding one answer may hide the next. */
export function shownControls(elements, object) {
  const answers = given(object);
  const shown = controlsOf(elements);
  for (let hidden; (hidden = shown.findIndex((control) => !holds(control.rule, answers))) >= 0; ) {
    delete answers[nameOf(shown[hidden].scope)];
    shown.splice(hidden, 1);
  }
  return shown;
}

/** The answers as they are sent: nothing hidden, nothing empty. */
export function sentAnswers(elements, object) {
  const answers = given(object);
  const shown = shownControls(elements, object);
  for (const control of controlsOf(elements)) {
    const name = nameOf(control.scope);
    if (!(name in answers)) continue;
    if (!shown.includes(control)) delete answers[name];
    else if (isGroup(control)) answers[name] = sentAnswers(innerElements(control), answers[name]);
    else if (isRepeat(control)) answers[name] = answers[name].map((item) => sentAnswers(innerElements(control), item));
  }
  return answers;
}

/** Every photo the answers refer to. */
export function photosIn(elements, answers) {
  return controlsOf(elements).flatMap((control) => {
    const value = answers[nameOf(control.scope)];
    if (isEmpty(value)) return [];
    if (isGroup(control)) return photosIn(innerElements(control), value);
    if (isRepeat(control)) return value.flatMap((item) => photosIn(innerElements(control), item));
    return control.options?.widget === "photos" ? value : [];
  });
}

function given(object) {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([, value]) => !isEmpty(value)));
}

function holds(rule, answers) {
  if (!rule) return true;
  const { scope = "#", schema } = rule.condition;
  const subject = scope === "#" ? answers : answers[nameOf(scope)];
  const isMet = subject !== undefined && conditionOf(schema).validate(subject).valid;
  return rule.effect === "HIDE" ? !isMet : isMet;
}

function conditionOf(schema) {
  if (!conditions.has(schema)) conditions.set(schema, new Validator(schema, "2020-12"));
  return conditions.get(schema);
}
