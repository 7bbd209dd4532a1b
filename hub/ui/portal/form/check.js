/**
 * Checking answers on the phone as the server does: with the same schema, the same limits between moments and the same
 * refused characters, giving the same codes (hub/catalog/checks.py, hub/model/characters.py; tests/browser/
 * test_checks_alike.py holds both to one another). Says what is wrong and where, not in which words.
 */
import { Validator } from "@cfworker/json-schema";

/** Keywords that only wrap the real reason. */
const WRAPPERS = new Set(["properties", "items", "allOf", "anyOf", "oneOf", "if", "then", "else", "$ref", "dependentSchemas"]);

/** Validator keyword -> code of the text `fault.<code>`. */
const CODES = {
  required: "required", additionalProperties: "unknown", enum: "enum", const: "const", type: "type", pattern: "pattern",
  format: "format", maxLength: "too_long", minLength: "too_short", maxItems: "too_many", minItems: "too_few",
  maxProperties: "too_many", minProperties: "too_few", maximum: "too_large", minimum: "too_small", uniqueItems: "repeated",
  not: "hidden", false: "hidden",
};
const NUMBERS = { integer: "not_whole", number: "not_a_number" };
const ONE_LINE = "^[^\t\n\r\u2028\u2029]*$";

/** Characters nothing can hold: controls but tab and line breaks, what turns the reading round, marks, halves. */
const REFUSED = new RegExp(
  `[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\\ud800-\\udfff\ufdd0-\ufdef${nonCharacters()}]`, "u",
);

const BEIJING_MS = 8 * 3_600_000;
/** How far a phone's clock may be ahead before what it calls now is the future. */
const SLACK_MS = 5 * 60_000;

/**
 * Every fault by JSON pointer into the answers (and /occurred_at); the first one of a place wins.
 * @param {object} definition the form as the hub serves it
 * @param {object} answers as they are sent
 * @param {{occurred_at?: string}} around
 * @returns {Record<string, {key: string, params: object}>}
 */
export function faultsOf(definition, answers, around = {}, now = new Date()) {
  const moments = { licence: definition.licence?.valid?.[0], now: now.toISOString(), occurred_at: around.occurred_at };
  const found = [
    ...occurredFaults(definition, moments),
    ...characterFaults(answers, ""),
    ...(definition.limits ?? []).flatMap((limit) => limitFaults(limit, answers, moments)),
    ...Object.entries(definition.dated ?? {}).flatMap(([path, codes]) => codeFaults(path, codes, answers, moments)),
    ...schemaFaults(definition.schema, answers),
  ];
  const faults = {};
  for (const [pointer, code, params] of found) faults[pointer] ??= { key: `fault.${code}`, params };
  return faults;
}

/** "/answers/findings/0/x", "#/findings/0/x" and "findings/0/x" all mean the same question. */
export function pointerFrom(path) {
  const bare = decodeURI(path).replace(/^#/, "").replace(/^\/?answers(?=\/|$)/, "");
  return bare && !bare.startsWith("/") ? `/${bare}` : bare;
}

function schemaFaults(schema, answers) {
  const { errors } = new Validator(schema, "2020-12", false).validate(answers);
  return errors.filter((one) => !WRAPPERS.has(one.keyword)).map((error) => {
    const rule = valueAt(schema, error.keywordLocation);
    const pointer = pointerOf(error);
    const name = pointer.slice(pointer.lastIndexOf("/") + 1);
    return [pointer, codeOf(error.keyword, rule), { name, rule: Array.isArray(rule) ? rule.join("、") : rule }];
  });
}

function codeOf(keyword, rule) {
  if (keyword === "pattern" && rule === ONE_LINE) return "one_line";
  return (keyword === "type" && NUMBERS[rule]) || CODES[keyword] || "invalid";
}

function pointerOf(error) {
  const place = pointerFrom(error.instanceLocation);
  // The validator names a property only in its sentence.
  const named = ["required", "additionalProperties"].includes(error.keyword) && /[Pp]roperty "(.+?)"/.exec(error.error);
  return named ? `${place}/${named[1]}` : place;
}

function valueAt(schema, location) {
  const steps = pointerFrom(location).split("/").slice(1);
  return steps.reduce((inner, step) => inner?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], schema);
}

function characterFaults(value, pointer) {
  if (typeof value === "string") {
    const found = REFUSED.exec(value);
    if (!found) return [];
    const position = [...value.slice(0, found.index)].length + 1;
    const character = `U+${found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    return [[pointer, "character", { position, character }]];
  }
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, inner]) => characterFaults(inner, `${pointer}/${name}`));
}

function occurredFaults({ licence }, { occurred_at, now }) {
  if (!licence) return [];
  if (!occurred_at) return [["/occurred_at", "required", {}]];
  const [first, last] = licence.valid;
  const day = dayOf(occurred_at);
  const found = [];
  // A phone whose own clock is outside does not know better; the hub does.
  if (day < first && dayOf(now) >= first) found.push(["/occurred_at", "too_early", { other: { key: "moment.licence" }, limit: first }]);
  else if (day > last) found.push(["/occurred_at", "form_not_licensed", { number: licence.number, first, last }]);
  if (Date.parse(occurred_at) > Date.parse(now) + SLACK_MS) found.push(["/occurred_at", "in_future", { limit: said(now) }]);
  return found;
}

function limitFaults(limit, answers, moments) {
  return every(answers, limit.path).flatMap(({ item, pointer, value }) => {
    const other = limit.other in moments
      ? moments[limit.other]
      : every(answers, limit.other).find((one) => one.item === item || one.item === "")?.value;
    if (!isMoment(value) || !isMoment(other)) return [];
    if (limit.other === "now" && limit.kind === "not_after") {
      const late = new Date(Date.parse(other) + SLACK_MS).toISOString();
      return order(value, isTime(value) ? late : other) > 0 ? [[pointer, "in_future", { limit: said(other) }]] : [];
    }
    const isWrong = limit.kind === "not_before" ? order(value, other) < 0 : order(value, other) > 0;
    const code = limit.kind === "not_before" ? "too_early" : "too_late";
    return isWrong ? [[pointer, code, { other: limit.title, limit: said(other) }]] : [];
  });
}

/** Codes that were good neither when it happened nor are today. */
function codeFaults(path, codes, answers, { occurred_at, now }) {
  const today = dayOf(now);
  const days = [occurred_at ? dayOf(occurred_at) : today, today];
  return every(answers, path).flatMap(({ pointer, value }) =>
    [value].flat().filter((code) => Object.hasOwn(codes, code)).flatMap((code) => {
      const { title, first, last } = codes[code];
      if (days.some((day) => first <= day && (!last || day <= last))) return [];
      const hasEnded = last && last < today;
      return [[pointer, hasEnded ? "code_ended" : "code_not_yet", { title, limit: hasEnded ? last : first }]];
    }),
  );
}

/** Every answer at a pointer whose `*` stands for each item of a repeat. */
function every(answers, pointer) {
  const [head, rest] = pointer.split("/*/");
  const found = below(answers, head.split("/").slice(1));
  if (rest === undefined) return found === undefined ? [] : [{ item: "", pointer, value: found }];
  return (Array.isArray(found) ? found : []).flatMap((item, index) => {
    const value = below(item, [rest]);
    return value === undefined ? [] : [{ item: String(index), pointer: `${head}/${index}/${rest}`, value }];
  });
}

const below = (value, steps) => steps.reduce((inner, step) => inner?.[step] ?? undefined, value);

const isTime = (text) => text.includes("T");
const isMoment = (text) => typeof text === "string" && !Number.isNaN(Date.parse(text));

/** Which is later: instants as they are, days as Beijing counts them where either is only a day. */
function order(a, b) {
  if (isTime(a) && isTime(b)) return Math.sign(Date.parse(a) - Date.parse(b));
  return dayOf(a) < dayOf(b) ? -1 : Number(dayOf(a) > dayOf(b));
}

const inBeijing = (text) => new Date(Date.parse(text) + BEIJING_MS).toISOString();
const dayOf = (text) => (isTime(text) ? inBeijing(text).slice(0, 10) : text);
const said = (text) => (isTime(text) ? inBeijing(text).slice(0, 16).replace("T", " ") : text);

/** The last two of every plane. */
function nonCharacters() {
  return Array.from({ length: 17 }, (_, plane) => String.fromCodePoint(plane * 0x10000 + 0xfffe, plane * 0x10000 + 0xffff)).join("");
}
