/**
 * A page that stays open while the hub is upgraded: parts it has not loaded yet are gone, or of another version. It is
 * loaded anew, once, where it was going; what was filled lies on the phone. Where that does not help, the page says so.
 */
import { ref } from "vue";
import { reach } from "./api.js";
import { storage } from "./storage.js";

const KEPT = "fillonce.reloaded";
const ONCE_IN_MS = 30_000;

/** Why a part of the page could not be loaded: "" | "offline" | "updated". */
export const missing = ref("");

/**
 * Loads a part of the page. When it is not there, gives `instead`, and reloads the page at `address` if that can help.
 * @param {() => Promise<object>} load
 */
export async function loadPart(load, instead, address = location.href) {
  try {
    return await load();
  } catch {
    await explain(address);
    return instead;
  }
}

async function explain(address) {
  missing.value = (await isThere()) ? "updated" : "offline";
  // What could not be kept on the phone would be lost: the person is told, and decides.
  if (missing.value === "updated" && !storage.trouble && isFirst()) location.assign(address);
}

/** Loads the page anew, because somebody asked for it; never into the browser's own page for want of a network. */
export async function loadAnew() {
  if (await isThere()) location.reload();
  else missing.value = "offline";
}

async function isThere() {
  try {
    return (await reach("/healthz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Whether the page was not reloaded for this a moment ago already. */
function isFirst() {
  try {
    const last = Number(sessionStorage.getItem(KEPT));
    sessionStorage.setItem(KEPT, String(Date.now()));
    return Date.now() - last > ONCE_IN_MS;
  } catch {
    // Without a memory of it the page might load for ever.
    return false;
  }
}
