/** Small choices kept on this phone. Where the browser forbids it, they last as long as the page. */

const memory = new Map();

/** What was kept under a name, or null. */
export function kept(name) {
  try {
    return localStorage.getItem(name) ?? memory.get(name) ?? null;
  } catch {
    // Cookies switched off: even looking at localStorage throws.
    return memory.get(name) ?? null;
  }
}

export function keep(name, value) {
  memory.set(name, value);
  try {
    localStorage.setItem(name, value);
  } catch {
    // Full or forbidden: the memory has it.
  }
}
