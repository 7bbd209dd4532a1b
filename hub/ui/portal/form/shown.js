/** Answers as text: codes by their label, places and times as people say them. */
import { pick, t } from "../../shared/i18n.js";
import { dayText, momentText } from "../../shared/when.js";

const BY_WIDGET = {
  date: dayText,
  time: (value) => momentText(value),
  photos: (value) => t("photo.count", { count: value.length }),
  track: (value) => t("track.points", { count: value.length }),
  location: (value) => locationText(value),
  switch: (value) => t(value ? "form.yes" : "form.no"),
};

/** One answer in words. */
export function answerText(value, control = {}) {
  if (value === null || value === undefined) return "";
  const { widget, codes, retired = [], unit } = control.options ?? {};
  if (codes) return [value].flat().map((code) => codeText(code, [...codes, ...retired])).join(t("app.between"));
  if (BY_WIDGET[widget] && typeof value !== "string" ) return BY_WIDGET[widget](value);
  if (widget === "date" || widget === "time") return BY_WIDGET[widget](value);
  const text = Array.isArray(value) ? value.map(thingText).join(t("app.between")) : thingText(value);
  return unit ? `${text} ${pick(unit)}` : text;
}

/** What the time of a form's event is called: a visit is made, an issue is found. */
export const occurredText = (form) => t(`occurred.${form}`, {}, t("form.occurred"));

/** A location, honest when there is none. */
export function locationText(location) {
  if (!location) return t("location.not_asked");
  if (location.missing) return t(`location.${location.missing}`);
  const where = `${location.lat.toFixed(5)}, ${location.lon.toFixed(5)}`;
  return location.accuracy_m === undefined ? where : t("location.shown", { where, metres: Math.round(location.accuracy_m) });
}

function codeText(code, codes) {
  const known = codes.find((one) => one.code === code);
  return known ? pick(known) : String(code);
}

function thingText(thing) {
  if (typeof thing !== "object") return String(thing);
  return pick(thing.zh ? thing : (thing.name ?? thing["person.name"] ?? Object.values(thing).join(" ")));
}
