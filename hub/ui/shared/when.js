/** Times as people say them, and as the hub wants them (RFC 3339 with offset). */
import { language, t } from "./i18n.js";

const pad = (number) => String(number).padStart(2, "0");
const locale = () => (language.value === "en" ? "en-GB" : "zh-CN");

/** 今天 09:12 · 昨天 18:00 · 11月20日 09:12 · 2025年3月1日 */
export function momentText(text, now = new Date()) {
  if (!text) return "";
  const at = new Date(text);
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
  if (days === 0) return t("when.today", { clock });
  if (days === 1) return t("when.yesterday", { clock });
  return at.getFullYear() === now.getFullYear() ? `${dayText(text)} ${clock}` : dayText(text);
}

/** 11月20日, with the year when it is another one. */
export function dayText(text, now = new Date()) {
  if (!text) return "";
  const at = new Date(text.length === 10 ? `${text}T00:00` : text);
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return new Intl.DateTimeFormat(locale(), { ...year, month: "short", day: "numeric" }).format(at);
}

/** 12月1日星期二 */
export function weekdayText(day) {
  const options = { month: "short", day: "numeric", weekday: "long" };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(`${day}T00:00`));
}

/** This moment, or a picked one, with the phone's own offset. */
export function momentOf(date = new Date()) {
  const offset = -date.getTimezoneOffset();
  const size = Math.abs(offset);
  const zone = `${offset < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
  return `${inputText(date)}:${pad(date.getSeconds())}${zone}`;
}

/** What a datetime-local input wants. */
export function inputText(date) {
  return `${dayOf(date)}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** YYYY-MM-DD on the phone's own calendar. */
export function dayOf(date) {
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
