/** Keeps a filling on the phone while it is filled, in turns with other tabs. Knows nothing of how it looks. */
import { onBeforeUnmount, reactive, watch } from "vue";
import { dropDraft, keepDraft, readDraft, swapDraft } from "../../shared/drafts.js";
import { newId } from "../../shared/ids.js";
import { storage } from "../../shared/storage.js";
import { hear } from "../../shared/tabs.js";
import { account } from "../../shared/session.js";
import { draftOf } from "./filling.js";

const KEEP_AFTER_MS = 300;
const LOOK_AFTER_MS = 1_000;

/**
 * @param {object} filling what is filled
 * @param {{key: string, stamp: string, about: object, seen: string[]}} place where it lies on the phone, what it is
 *   called there, and what was seen to lie aside
 * @param {() => void} reload shows what another tab has kept, while nothing here is newer
 */
export function useKeeping(filling, place, reload) {
  // "": this tab has the last word · "elsewhere": another tab has kept its own since · "sent", "left": nothing more is kept
  const keeping = reactive({ state: "", received: "" });
  const by = newId();
  let { stamp } = place;
  let timer = 0;
  let looking = 0;
  let running = Promise.resolve();

  const contentNow = () => JSON.stringify(draftOf(filling));
  let kept = contentNow();
  const isOver = () => ["sent", "left"].includes(keeping.state);
  const isDirty = () => filling.isTouched && contentNow() !== kept;

  function keepNow() {
    clearTimeout(timer);
    running = running.then(keepOnce);
    return running;
  }

  async function keepOnce() {
    if (isOver() || !isDirty()) return;
    kept = contentNow();
    const made = await keepDraft(place.key, draftOf(filling), { stamp, about: place.about, by });
    if (made) stamp = made;
    else if (!isOver()) keeping.state = "elsewhere";
  }

  /** What is here becomes the draft; what another tab has kept lies aside. */
  async function insist() {
    await keepNow();
    await swapDraft(place.key, by);
    stamp = (await readDraft(place.key)).stamp;
    keeping.state = "";
  }

  /** It was received: the draft goes, and other tabs hear of it. */
  async function close(received) {
    keeping.state = "sent";
    await running;
    await dropDraft(place.key, { received, seen: place.seen });
  }

  /** A tab in the background waits until somebody looks. */
  function lookSoon() {
    clearTimeout(looking);
    if (!document.hidden) looking = setTimeout(() => keeping.state || isDirty() || reload(), LOOK_AFTER_MS);
  }

  async function lookWhenShown() {
    if (!document.hidden && !keeping.state && !isDirty() && (await readDraft(place.key))?.stamp !== (stamp || undefined)) lookSoon();
  }

  watch(() => draftOf(filling), () => {
    clearTimeout(timer);
    timer = setTimeout(keepNow, KEEP_AFTER_MS);
  }, { deep: true });

  const deaf = hear(({ what, key, received, person }) => {
    if (what === "left" && person === account.value?.id) keeping.state = "left";
    if (key !== place.key || isOver()) return;
    if (what === "sent") Object.assign(keeping, { state: "sent", received });
    else lookSoon();
  });

  const warn = (event) => storage.trouble && filling.isTouched && !isOver() && event.preventDefault();
  addEventListener("pagehide", keepNow);
  addEventListener("beforeunload", warn);
  document.addEventListener("visibilitychange", lookWhenShown);
  onBeforeUnmount(() => {
    deaf();
    clearTimeout(looking);
    keepNow();
    removeEventListener("pagehide", keepNow);
    removeEventListener("beforeunload", warn);
    document.removeEventListener("visibilitychange", lookWhenShown);
  });

  return { keeping, keepNow, insist, close };
}
