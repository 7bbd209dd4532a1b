/** Languages: one catalogue merged from schemas/messages, `t` for our texts, `pick` for texts the hub sends. */
import { ref, watchEffect } from "vue";
import { keep, kept } from "./kept.js";

// check.json speaks to people who write forms on the command line, not to the phone.
const AREAS = import.meta.glob(["../../../schemas/messages/*.json", "!**/check.json"], { eager: true, import: "default" });
const CATALOGUE = Object.assign({}, ...Object.values(AREAS));
const KEPT = "fillonce.language";

export const language = ref(kept(KEPT) === "en" ? "en" : "zh");

watchEffect(() => {
  keep(KEPT, language.value);
  document.documentElement.lang = language.value === "en" ? "en" : "zh-CN";
});

/** The text of `key` in the chosen language, with {params} filled in. An unknown key gives `otherwise`. */
export function t(key, params = {}, otherwise = key) {
  const text = CATALOGUE[key];
  return text ? fill(pick(text), params) : otherwise;
}

/** The right side of a {zh, en} the hub sent; anything else as it is. */
export function pick(text) {
  if (text === null || text === undefined) return "";
  if (typeof text !== "object") return String(text);
  return text[language.value] || text.zh || text.en || "";
}

function fill(text, params) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}
