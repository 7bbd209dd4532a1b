/** Checking answers on the phone with the schema the server uses. Says what is wrong and where, not in which words. */
import { Validator } from "@cfworker/json-schema";

/** Keywords that only wrap the real reason. */
const WRAPPERS = new Set(["properties", "items", "allOf", "anyOf", "oneOf", "if", "then", "else", "$ref", "dependentSchemas"]);

/**
 * Every fault by JSON pointer into the answers; the first one of a place wins.
 * @returns {Record<string, {key: string, params: {limit?: unknown}}>}
 */
export function faultsOf(schema, answers) {
  const { errors } = new Validator(schema, "2020-12", false).validate(answers);
  const faults = {};
  for (const error of errors.filter((one) => !WRAPPERS.has(one.keyword))) {
    faults[pointerOf(error)] ??= { key: `answer.${error.keyword}`, params: { limit: valueAt(schema, error.keywordLocation) } };
  }
  return faults;
}

/** "/answers/findings/0/x", "#/findings/0/x" and "findings/0/x" all mean the same question. */
export function pointerFrom(path) {
  const bare = decodeURI(path).replace(/^#/, "").replace(/^\/?answers(?=\/|$)/, "");
  return bare && !bare.startsWith("/") ? `/${bare}` : bare;
}

function pointerOf(error) {
  const place = pointerFrom(error.instanceLocation);
  // The validator names a missing property only in its sentence.
  const missing = error.keyword === "required" && /property "(.+)"/.exec(error.error);
  return missing ? `${place}/${missing[1]}` : place;
}

function valueAt(schema, location) {
  const steps = pointerFrom(location).split("/").slice(1);
  return steps.reduce((inner, step) => inner?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], schema);
}
