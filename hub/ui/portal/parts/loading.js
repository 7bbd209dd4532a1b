/** Loading what a page shows: the value, the problem when there is one, and the way to ask again. */
import { ref, shallowRef } from "vue";
import { Problem } from "../../shared/api.js";

/** Starts at once. `load` is called again by `again()`. */
export function useLoading(load) {
  const value = shallowRef(null);
  const problem = shallowRef(null);
  const isBusy = ref(false);

  async function again() {
    isBusy.value = true;
    problem.value = null;
    try {
      value.value = await load();
    } catch (failure) {
      if (!(failure instanceof Problem)) throw failure;
      problem.value = failure;
    } finally {
      isBusy.value = false;
    }
  }

  again();
  return { value, problem, isBusy, again };
}
