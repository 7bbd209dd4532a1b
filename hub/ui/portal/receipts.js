/** What became of a submission, from its view: states in the words people use. Pure. */

/** Delivery state -> the words (receipt.<words>), the tone, and whether it may still move by itself. */
const STATES = {
  waiting: ["waiting", "calm", true],
  leased: ["waiting", "calm", true],
  retry: ["retry", "calm", true],
  transported: ["transported", "calm", true],
  delivered: ["delivered", "good", false],
  unknown: ["unknown", "warn", true],
  parked: ["rejected", "bad", false],
  manual: ["manual", "warn", false],
  cancelled: ["cancelled", "quiet", false],
};

/** How one delivery stands. A state nobody knows needs a person, not a guess. */
export function standOf(delivery) {
  const isBack = delivery.intent === "withdraw";
  if (isBack && delivery.state === "delivered") return { words: "withdrawn", tone: "good", isOpen: false };
  if (isBack && delivery.state === "manual") return { words: "withdrawn_by_hand", tone: "calm", isOpen: false };
  // Parked for a fault of our own: the department sent nothing back, somebody here has to act.
  const [words, tone, isOpen] = (!delivery.ours && STATES[delivery.state]) || STATES.manual;
  return { words, tone, isOpen };
}

const deliveriesOf = (view) => (view.records ?? []).flatMap((record) => record.deliveries ?? []);

const systemsOf = (deliveries) => new Set(deliveries.map((delivery) => delivery.system));

/** Whether anything may still change without anybody doing something. */
export const isMoving = (view) => deliveriesOf(view).some((delivery) => standOf(delivery).isOpen);

/**
 * One state for all of it, counted in systems: a system is done when everything owed to it is. `kept` are the records
 * no system gets: delivered to all is not all that was filled in.
 */
export function overallOf(view) {
  const kept = (view.records ?? []).filter((record) => record.taker === false && !record.withdrawn).length;
  if (view.withdrawn) return withdrawalOf(view);
  return { kept, ...standOfAll(view) };
}

function standOfAll(view) {
  if (!view.records) return { state: "unseen", tone: "quiet", done: 0, total: 0 };
  const owed = deliveriesOf(view).filter((delivery) => standOf(delivery).tone !== "quiet");
  const stands = owed.map(standOf);
  const total = systemsOf(owed).size;
  const done = total - systemsOf(owed.filter((delivery) => standOf(delivery).tone !== "good")).size;
  if (stands.some((stand) => stand.tone === "bad")) return { state: "rejected", tone: "bad", done, total };
  if (stands.some((stand) => stand.words === "manual" || stand.words === "unknown")) return { state: "manual", tone: "warn", done, total };
  if (!total) return { state: "kept", tone: "quiet", done, total };
  return done === total ? { state: "done", tone: "good", done, total } : { state: "moving", tone: "calm", done, total };
}

/** The same of one that was taken back: whether it is back everywhere. What others do by hand is nothing to do here. */
function withdrawalOf(view) {
  const owed = (view.records ?? []).flatMap(latestDeliveries).filter((delivery) => standOf(delivery).tone !== "quiet");
  const total = systemsOf(owed).size;
  const done = total - systemsOf(owed.filter((delivery) => standOf(delivery).tone !== "good")).size;
  const stands = owed.map(standOf);
  const words = stands.some((stand) => stand.tone === "bad") ? "stuck" : done === total ? "done" : stands.some((stand) => stand.isOpen) ? "moving" : "by_hand";
  return { state: `withdrawn_${words}`, tone: words === "stuck" ? "bad" : words === "done" ? "quiet" : "calm", done, total };
}

/** The newest delivery of each system and flow; the older ones of earlier revisions behind it. */
export function latestDeliveries(record) {
  const newest = new Map();
  for (const delivery of record.deliveries ?? []) {
    const key = `${delivery.system}/${delivery.flow}`;
    const other = newest.get(key);
    if (!other || (delivery.revision ?? 0) >= (other.revision ?? 0)) newest.set(key, delivery);
  }
  return [...newest.values()];
}

/** What the systems of a submission are called. */
export const titlesIn = (view) =>
  Object.fromEntries((view.records ?? []).flatMap((one) => [...(one.deliveries ?? []), ...(one.skipped ?? [])]).map((one) => [one.system, one.title]));

/** After a correction: which systems were told of it and which were left alone. */
export function toldOf(view) {
  const told = new Map();
  const leftAlone = new Map();
  for (const delivery of (view.records ?? []).flatMap(latestDeliveries)) {
    (delivery.revision === view.revision ? told : leftAlone).set(delivery.system, delivery.title);
  }
  for (const system of told.keys()) leftAlone.delete(system);
  return { told: [...told.values()], leftAlone: [...leftAlone.values()] };
}
