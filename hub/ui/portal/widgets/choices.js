/** The choices of a question: those on offer, and one that was chosen when it still was. */
import { pick, t } from "../../shared/i18n.js";

export function choicesOf({ codes, retired = [] }, answer) {
  const offered = codes.map((one) => ({ value: one.code, text: pick(one) }));
  const gone = [answer ?? []].flat().filter((code) => !codes.some((one) => one.code === code));
  const named = (code) => pick(retired.find((one) => one.code === code)) || t("choice.gone");
  return [...offered, ...gone.map((code) => ({ value: code, text: t("choice.retired", { title: named(code) }) }))];
}
