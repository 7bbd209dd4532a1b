/** Entries by hand: who settles them, who has one, what is to be entered, when to ask again. Pure. */

const SETTLERS = ["department_admin", "operator"];
const BY_HAND = ["manual", "parked", "unknown"];
const LOOK_MS = 30_000;
// A sixth of the time it is held: a page the browser lets sleep for a while still comes in time.
const RENEW_MS = 300_000;

/** Whether this person settles deliveries. */
export const settles = (account) => SETTLERS.includes(account?.role);

/** "free", "mine" or "theirs", "waits" while an earlier revision has not ended; nothing where no person is needed. */
export function holdOf(delivery) {
  if (!BY_HAND.includes(delivery.state)) return "";
  if (delivery.waits_for) return "waits";
  if (!delivery.taken) return "free";
  return delivery.taken.mine ? "mine" : "theirs";
}

/** The fields to enter as [path, text], those inside others with their whole path. */
export function fieldsOf(payload, path = "") {
  if (payload === null || typeof payload !== "object") return path ? [[path, payload === null ? "" : String(payload)]] : [];
  return Object.entries(payload).flatMap(([name, value]) => fieldsOf(value, path ? `${path}.${Array.isArray(payload) ? Number(name) + 1 : name}` : name));
}

/** Whether it is time to take again what one has; who has nothing only looks. */
export const isToRenew = (hold, takenAt, now) => hold === "mine" && now - takenAt >= RENEW_MS;

/** How long until the page looks again; the moment another's time is over is not missed. */
export function nextLook(delivery, now) {
  const left = holdOf(delivery) === "theirs" ? Date.parse(delivery.taken.until) - now : LOOK_MS;
  return Math.min(LOOK_MS, Math.max(1_000, left));
}
