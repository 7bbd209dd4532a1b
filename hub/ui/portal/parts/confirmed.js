/** One question with two answers, on the page itself; true for the one that goes on. Gives the keyboard back after it. */
import { showConfirmDialog } from "vant/es/dialog";

export async function confirmed(asked) {
  const before = document.activeElement;
  const yes = await showConfirmDialog(asked).then(() => true, () => false);
  // Later: whoever asked acts on the answer first, and may draw anew what had the keyboard.
  setTimeout(() => placeOf(before)?.focus({ preventScroll: true }));
  return yes;
}

function placeOf(element) {
  if (element.isConnected) return element;
  return document.getElementById(element.id) ?? document.querySelector(`[name="${CSS.escape(element.name ?? "")}"]`);
}
