/** Sending what was filled, and what each refusal means for the page. The draft lives until there is a receipt. */
import { reactive } from "vue";
import { get, Problem } from "../../shared/api.js";
import { ask, send } from "../../shared/outbox.js";
import { foundFaults, letterOf } from "./filling.js";
import { faultsFromServer, faultText, goToFirstFault, homelessFaults } from "./faults.js";

/**
 * The state of sending one filling; `submit` gives the view, or null when something must be put right first.
 * @param {(records: object[]) => Promise<boolean>} agree is asked once about records no System would get
 */
export function useSending(agree) {
  const sending = reactive({ isBusy: false, isFaulty: false, failure: "", homeless: [] });

  /** @param {(view: object) => Promise<void>} becomeCorrection is told what was received under this id before */
  async function submit(filling, { definition, earlier, moved, extra }, { keepNow, becomeCorrection }) {
    Object.assign(sending, { isFaulty: false, failure: "", homeless: [] });
    if (await hasFaults(filling, foundFaults(filling, definition))) return null;
    const letter = letterOf(filling, definition);
    const path = moved ? `submissions/${moved.id}/move` : earlier ? `submissions/${earlier.id}/revisions` : "submissions";
    sending.isBusy = true;
    try {
      // Kept before sending: if the phone dies meanwhile, the second try must be the same letter. Where nothing can be
      // kept, it goes all the same.
      await keepNow();
      if (!earlier && !(await isAgreed(letter))) return null;
      return await send({ path, ...letter, body: { ...letter.body, ...extra } });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      await explain(problem, filling, becomeCorrection);
      return null;
    } finally {
      sending.isBusy = false;
    }
  }

  async function isAgreed(letter) {
    const stays = (await ask(letter).catch(nothingToSay)).filter(({ systems }) => !systems.length);
    if (!stays.length) return true;
    sending.isBusy = false;
    const yes = await agree(stays);
    sending.isBusy = yes;
    return yes;
  }

  async function hasFaults(filling, faults) {
    filling.faults = faults;
    if (!Object.keys(faults).length) return false;
    sending.isFaulty = true;
    await goToFirstFault();
    sending.homeless = homelessFaults(faults).map(faultText);
    return true;
  }

  async function explain(problem, filling, becomeCorrection) {
    if (problem.status === 422 && (await hasFaults(filling, faultsFromServer(problem.faults)))) return;
    const received = problem.code === "submission.conflict" && (await receivedBefore(problem.rest.submission));
    if (received) await becomeCorrection(received);
    else sending.failure = problem.says;
  }

  return { sending, submit };
}

/** The submission that the same letter made earlier, when its answer never reached the phone. */
function receivedBefore(id) {
  return id ? get(`submissions/${id}`).catch(() => null) : null;
}

/** Faults are told at once. Anything else in the way of asking is in the way of sending, which then says it, or is not. */
function nothingToSay(problem) {
  if (!(problem instanceof Problem) || problem.status === 422) throw problem;
  return [];
}
