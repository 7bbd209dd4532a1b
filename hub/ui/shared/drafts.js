/** What was typed and photographed but not yet received, in IndexedDB on this phone. Emptied at sign-out. */
import { openDB } from "idb";

const opened = openDB("fillonce", 1, {
  upgrade(database) {
    database.createObjectStore("drafts");
    database.createObjectStore("photos");
  },
}).catch(() => null);

// Private windows of some webviews have no IndexedDB: what is typed then lasts as long as the page.
const memory = { drafts: new Map(), photos: new Map() };

async function read(store, key) {
  const database = await opened;
  return database ? database.get(store, key) : memory[store].get(key);
}

async function write(store, key, value) {
  const database = await opened;
  return database ? database.put(store, value, key) : memory[store].set(key, value);
}

async function drop(store, key) {
  const database = await opened;
  return database ? database.delete(store, key) : memory[store].delete(key);
}

/** One draft a form and place (or a submission being corrected), and person: phones are shared. */
export const draftKey = (...parts) => parts.map((part) => part ?? "").join("@");

export const readDraft = (key) => read("drafts", key);
// A reactive proxy cannot be stored; a draft is plain JSON by construction.
export const keepDraft = (key, draft) => write("drafts", key, JSON.parse(JSON.stringify(draft)));
export const dropDraft = (key) => drop("drafts", key);
export const readPhoto = (sha) => read("photos", sha);
export const keepPhoto = (sha, blob) => write("photos", sha, blob);
export const dropPhoto = (sha) => drop("photos", sha);

/** Forgets everything. */
export async function forgetAll() {
  const database = await opened;
  for (const store of ["drafts", "photos"]) database ? await database.clear(store) : memory[store].clear();
}

/** The keys of unfinished drafts that begin with `prefix`. */
export async function draftKeys(prefix) {
  const database = await opened;
  const keys = database ? await database.getAllKeys("drafts") : [...memory.drafts.keys()];
  return keys.filter((key) => key.startsWith(prefix));
}
