/** Faults in words, and the way to the first of them. */
import { nextTick } from "vue";
import { pick, t } from "../../shared/i18n.js";
import { pointerFrom } from "./check.js";

/** A fault found here carries a key, one the server found its own words. */
export function faultText(fault) {
  if (!fault.message) return t(fault.key, fault.params, t("answer.other"));
  return [pick(fault.message), pick(fault.remedy)].filter(Boolean).join(" ");
}

/** The server's faults by pointer, as the page keeps them. */
export function faultsFromServer(faults) {
  return Object.fromEntries(faults.map((fault) => [pointerFrom(fault.path ?? ""), fault]));
}

/** The faults no question on the page can show. Call when the page has drawn the others. */
export function homelessFaults(faults) {
  return Object.entries(faults)
    .filter(([pointer]) => !document.getElementById(`q${pointer}-box`))
    .map(([, fault]) => fault);
}

/** Scrolls to the first fault on the page and puts the cursor there. */
export async function goToFirstFault() {
  await nextTick();
  const box = document.querySelector(".wrong");
  if (!box) return;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  box.scrollIntoView({ block: "center", behavior: isCalm ? "auto" : "smooth" });
  box.querySelector("input, textarea, select, button")?.focus({ preventScroll: true });
}
