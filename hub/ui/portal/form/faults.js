/** Faults in words, and the way to the first of them. */
import { nextTick } from "vue";
import { language, pick, t } from "../../shared/i18n.js";
import { pointerFrom } from "./check.js";

/** A fault found here carries the key of the very words the server has for it: what is wrong, and what to do. */
export function faultText(fault) {
  const params = Object.fromEntries(Object.entries(fault.params ?? {}).map(([name, value]) => [name, value?.key ? t(value.key) : pick(value)]));
  const words = fault.message ? [pick(fault.message), pick(fault.remedy)] : [t(fault.key, params), t(`${fault.key}.remedy`, params, "")];
  // Chinese sentences stand without a blank between them.
  return words.filter(Boolean).join(language.value === "en" ? " " : "");
}

/** The server's faults by pointer, as the page keeps them. */
export function faultsFromServer(faults) {
  return Object.fromEntries(faults.map((fault) => [pointerFrom(fault.path ?? ""), fault]));
}

/** The faults whose words no question on the page shows. Call when the page has drawn the others. */
export function homelessFaults(faults) {
  return Object.entries(faults)
    .filter(([pointer]) => !document.getElementById(`q${pointer}-box`)?.querySelector(".fault"))
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
