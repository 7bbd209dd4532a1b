/** Sending what was filled, and what each refusal means for the page. The draft lives until there is a receipt. */
import { reactive } from "vue";
import { get, Problem } from "../../shared/api.js";
import { dropDraft, keepDraft } from "../../shared/drafts.js";
import { send } from "../../shared/outbox.js";
import { draftOf, foundFaults, letterOf } from "./filling.js";
import { faultsFromServer, faultText, goToFirstFault, homelessFaults } from "./faults.js";

/** The state of sending one filling; `submit` gives the view, or null when something must be put right first. */
export function useSending() {
  const sending = reactive({ isBusy: false, isFaulty: false, failure: "", homeless: [], received: null });

  async function submit(filling, { definition, earlier, moved, extra, key }) {
    Object.assign(sending, { isFaulty: false, failure: "", homeless: [], received: null });
    if (await hasFaults(filling, foundFaults(filling, definition))) return null;
    const letter = letterOf(filling, definition);
    const path = moved ? `submissions/${moved.id}/move` : earlier ? `submissions/${earlier.id}/revisions` : "submissions";
    sending.isBusy = true;
    try {
      // Kept before sending: if the phone dies meanwhile, the second try must be the same letter.
      await keepDraft(key, draftOf(filling));
      const view = await send({ path, ...letter, body: { ...letter.body, ...extra } });
      await dropDraft(key);
      return view;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      await explain(problem, filling);
      return null;
    } finally {
      sending.isBusy = false;
    }
  }

  async function hasFaults(filling, faults) {
    filling.faults = faults;
    if (!Object.keys(faults).length) return false;
    sending.isFaulty = true;
    await goToFirstFault();
    sending.homeless = homelessFaults(faults).map(faultText);
    return true;
  }

  async function explain(problem, filling) {
    if (problem.status === 422 && (await hasFaults(filling, faultsFromServer(problem.faults)))) return;
    sending.failure = problem.says;
    if (problem.status === 409) sending.received = await receivedBefore(filling.id);
  }

  return { sending, submit };
}

/** The submission that the same letter made earlier, when its answer never reached the phone. */
async function receivedBefore(clientId) {
  const mine = await get("submissions", { mine: "true" }).catch(() => []);
  return (mine.items ?? mine).find((one) => one.client_id === clientId)?.id ?? null;
}
