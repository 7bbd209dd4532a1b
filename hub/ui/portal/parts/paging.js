/** A list that comes in pages: the rows so far, the way to more, and whether that is all. */
import { ref, shallowRef } from "vue";
import { Problem } from "../../shared/api.js";

/**
 * Starts at once. `load(after, limit)` gives the rows after the id of the last one.
 * @param {number} size rows a page
 */
export function usePaging(load, size) {
  const rows = shallowRef(null);
  const problem = shallowRef(null);
  const isBusy = ref(false);
  const isAll = ref(false);
  let asked = 0;

  async function turn(after, before) {
    const mine = ++asked;
    isBusy.value = true;
    problem.value = null;
    try {
      const page = await load(after, size);
      // An answer that comes late must not replace a newer one.
      if (mine === asked) take(page, before);
    } catch (failure) {
      if (!(failure instanceof Problem)) throw failure;
      if (mine === asked) problem.value = failure;
    } finally {
      if (mine === asked) isBusy.value = false;
    }
  }

  function take(page, before) {
    const known = new Set(before.map(({ id }) => id));
    const fresh = page.filter(({ id }) => !known.has(id));
    rows.value = [...before, ...fresh];
    // A server that begins at the beginning again has no more to tell.
    isAll.value = page.length < size || !fresh.length;
  }

  const again = () => turn(undefined, []);
  const more = () => turn(rows.value.at(-1).id, rows.value);
  return { rows, problem, isBusy, isAll, again, more };
}
