/**
 * Drafts and photos in IndexedDB. Where the browser gives no room, forbids it or has closed it, they are kept in the
 * memory of this page instead: `storage.trouble` then says why, and nothing throws.
 */
import { openDB } from "idb";
import { reactive } from "vue";

const PATIENCE_MS = 3_000;
const memory = { drafts: new Map(), photos: new Map() };
let opening = null;

/** "" while all is kept; "full" or "closed" while something lives in this page only. */
export const storage = reactive({ trouble: "" });

async function opened() {
  opening ??= open();
  return opening;
}

async function open() {
  try {
    return await openDB("fillonce", 1, {
      upgrade(database) {
        database.createObjectStore("drafts");
        database.createObjectStore("photos");
      },
      terminated: forgetConnection,
    });
  } catch (failure) {
    forgetConnection();
    throw failure;
  }
}

function forgetConnection() {
  opening = null;
}

/** Runs one transaction, once more over a new connection when the browser had closed the old one. */
async function within(store, mode, act) {
  try {
    return await once(store, mode, act);
  } catch (failure) {
    if (failure?.name !== "InvalidStateError") throw failure;
    forgetConnection();
    return once(store, mode, act);
  }
}

async function once(store, mode, act) {
  const database = await opened();
  const transaction = database.transaction(store, mode);
  const [result] = await Promise.all([act(transaction.store), transaction.done]);
  return result;
}

/** A browser in trouble may also never answer; nobody waits for it longer than this. */
function inTime(work) {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("storage does not answer")), PATIENCE_MS));
  return Promise.race([work, late]);
}

/** One value, as it was last kept. */
export async function read(store, key) {
  if (memory[store].has(key)) return memory[store].get(key);
  try {
    return await inTime(within(store, "readonly", (rows) => rows.get(key)));
  } catch {
    return undefined;
  }
}

/**
 * Replaces a value by what `next` makes of it, in one stroke that no other tab can come between; null removes it,
 * undefined leaves it as it is. Gives what stands there then.
 */
export async function change(store, key, next) {
  try {
    const made = await inTime(within(store, "readwrite", (rows) => replace(rows, key, next, memory[store].get(key))));
    memory[store].delete(key);
    settle();
    return made;
  } catch (failure) {
    storage.trouble = failure?.name === "QuotaExceededError" ? "full" : "closed";
    return inMemory(store, key, next);
  }
}

async function replace(rows, key, next, unsaved) {
  const before = unsaved ?? (await rows.get(key));
  const value = next(before);
  if (value === null) await rows.delete(key);
  else if (value !== undefined) await rows.put(value, key);
  else if (unsaved !== undefined) await rows.put(unsaved, key);
  return value === undefined ? before : value;
}

async function inMemory(store, key, next) {
  const before = await read(store, key);
  const value = next(before);
  // What is removed here may still lie in the database: the memory says that it is gone.
  if (value !== undefined) memory[store].set(key, value ?? undefined);
  return value === undefined ? before : value;
}

function settle() {
  const isKept = (rows) => [...rows.values()].every((value) => value === undefined);
  if (isKept(memory.drafts) && isKept(memory.photos)) storage.trouble = "";
}

/** Every key with its value. */
export async function entries(store) {
  const all = new Map();
  try {
    const [keys, values] = await inTime(within(store, "readonly", (rows) => Promise.all([rows.getAllKeys(), rows.getAll()])));
    keys.forEach((key, index) => all.set(key, values[index]));
  } catch {
    // What is in memory is all there is.
  }
  for (const [key, value] of memory[store]) value === undefined ? all.delete(key) : all.set(key, value);
  return all;
}
