/**
 * What was typed and photographed but not yet received, on this phone. A draft belongs to one person; tabs take turns
 * by its stamp, so that none overwrites what another has kept meanwhile: the loser's content is put aside, not away.
 */
import { newId } from "./ids.js";
import { change, entries, read } from "./storage.js";
import { tell } from "./tabs.js";

const MOST_ASIDE = 5;
const DIGEST = /"([0-9a-f]{64})"/g;

/** One draft a form and place (or a submission being corrected), and person: phones are shared. */
export const draftKey = (...parts) => parts.map((part) => part ?? "").join("@");

/** The record under a key: {stamp, at, about, content | null, aside: [{id, why, at, content}]}. */
export async function readDraft(key) {
  return recordOf(await read("drafts", key));
}

/**
 * Keeps content that was written on top of `stamp`. Gives its new stamp, or "" when another tab has kept its own since:
 * then this content lies aside, under the writer's name (`by`).
 */
export async function keepDraft(key, content, { stamp, about, by }) {
  const made = { content: plainOf(content), about: plainOf(about), at: now() };
  const next = newId();
  let isOnTop = true;
  await change("drafts", key, (kept) => {
    const record = recordOf(kept) ?? { stamp: "", content: null, aside: [] };
    const aside = record.aside.filter(({ id }) => id !== by);
    isOnTop = record.stamp === stamp;
    if (isOnTop) return { ...made, stamp: next, aside };
    return { ...made, ...record, aside: [besideOf(by, "tab", made.content), ...aside].slice(0, MOST_ASIDE) };
  });
  if (isOnTop) tell({ what: "kept", key });
  return isOnTop ? next : "";
}

/** Makes one that lies aside the draft; what was the draft lies aside then. Without an id, begins with nothing. */
export async function swapDraft(key, id = "") {
  await change("drafts", key, (kept) => {
    const record = recordOf(kept);
    if (!record) return undefined;
    const chosen = record.aside.find((one) => one.id === id);
    const rest = record.aside.filter((one) => one !== chosen);
    const aside = record.content ? [besideOf(newId(), id ? "swap" : "again", record.content), ...rest] : rest;
    return { ...record, stamp: newId(), at: now(), content: chosen?.content ?? null, aside: aside.slice(0, MOST_ASIDE) };
  });
  tell({ what: "kept", key });
}

/** Lets go of one that lies aside. */
export const dropAside = (key, id) =>
  change("drafts", key, (kept) => {
    const record = recordOf(kept);
    return record ? orNothing({ ...record, aside: record.aside.filter((one) => one.id !== id) }) : undefined;
  });

/** Removes what was received, with what lay aside and was `seen` there; what another tab has put aside since stays. */
export async function dropDraft(key, { received = "", seen = [] } = {}) {
  await change("drafts", key, (kept) => {
    const record = recordOf(kept);
    return record ? orNothing({ ...record, stamp: newId(), content: null, aside: record.aside.filter(({ id }) => !seen.includes(id)) }) : undefined;
  });
  tell({ what: "sent", key, received });
}

/** What a person has not sent yet, the latest first. */
export async function draftsOf(person) {
  const own = [...(await entries("drafts"))].filter(([key]) => key.startsWith(`${person}@`));
  return own.map(([key, value]) => ({ key, ...recordOf(value) })).sort((one, other) => (other.at > one.at ? 1 : -1));
}

export const readPhoto = (sha) => read("photos", sha);
export const keepPhoto = (sha, blob) => change("photos", sha, () => blob);
export const dropPhoto = (sha) => change("photos", sha, () => null);

/** Forgets one person's drafts, and every photo that nobody else's draft names. */
export async function forgetPerson(person) {
  const drafts = await entries("drafts");
  const isTheirs = (key) => key.startsWith(`${person}@`);
  for (const key of [...drafts.keys()].filter(isTheirs)) await change("drafts", key, () => null);
  const others = [...drafts].filter(([key]) => !isTheirs(key)).map(([, value]) => value);
  const named = new Set([...JSON.stringify(others).matchAll(DIGEST)].map(([, sha]) => sha));
  for (const sha of [...(await entries("photos")).keys()].filter((one) => !named.has(one))) await dropPhoto(sha);
}

const now = () => new Date().toISOString();
const besideOf = (id, why, content) => ({ id, why, at: now(), content });
const orNothing = (record) => (record.content || record.aside.length ? record : null);

// A reactive proxy cannot be stored; a draft is plain JSON by construction.
const plainOf = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/** Pages of before kept the bare content: its statuses without what was shown count for nothing. */
function recordOf(kept) {
  if (!kept) return null;
  if ("aside" in kept) return structuredClone(kept);
  return { stamp: "", at: "", about: null, content: kept, aside: [] };
}
