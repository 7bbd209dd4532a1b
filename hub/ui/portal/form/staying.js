/** What is said before sending of a record no System would get: what it is, and why. */
import { pick, t } from "../../shared/i18n.js";

export function staysText({ title, summary, skipped }) {
  const name = [title, summary].map(pick).filter(Boolean).join("：");
  const reasons = skipped.map((one) => t("before.reason", { system: pick(one.title), reason: pick(one.reason) }));
  const why = reasons.length ? ["", t("before.reasons"), ...new Set(reasons)] : [];
  return [t("before.stays", { name }), ...why].join("\n");
}
