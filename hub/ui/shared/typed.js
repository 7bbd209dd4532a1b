/** What people type and paste, as it is meant: full-width signs, blanks of every kind, days in their spellings. Pure. */

const BLANKS = /[\s\u200b-\u200d\u2060\ufeff]+/g;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const DAY = /^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$/;
const DASHES = /[‐-―−ー]/g;

/** Whether nothing was typed that anybody could see. */
export const isBlank = (text) => text.replace(BLANKS, "") === "";

/** One line as machines want it: half-width signs, plain dashes, single blanks, none at the ends. */
export const lineOf = (text) => text.normalize("NFKC").replace(DASHES, "-").replace(BLANKS, " ").trim();

/** The number that was meant; undefined for blanks; what is no number stays as typed, so that checking can say so. */
export function numberOf(text) {
  const bare = lineOf(text).replace(/ /g, "");
  if (bare === "") return undefined;
  return NUMBER.test(bare) && Number.isFinite(Number(bare)) ? Number(bare) : text;
}

/** YYYY-MM-DD of a day in one of its usual spellings; undefined for blanks; anything else as typed. */
export function dayOfText(text) {
  const bare = lineOf(text);
  if (bare === "") return undefined;
  const [, year, month, day] = DAY.exec(bare) ?? [];
  if (!year) return text;
  const made = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  // The 31st of February is no day, and no other one either.
  return new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10) === made ? made : text;
}

/** The day a moment belongs to in China, whose hours licences are counted in. */
export function civilDay(moment) {
  const at = new Date(new Date(moment).getTime() + 8 * 3_600_000);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString().slice(0, 10);
}
