/** Fetching what a form needs before it can be filled: its definition, the Place, what is known, draft or revision. */
import { get } from "../../shared/api.js";
import { draftKey, readDraft } from "../../shared/drafts.js";
import { account } from "../../shared/session.js";

/**
 * Everything for a new filling, for the correction of a submission, or for filing it at another place instead.
 * @param {{form?: string, place?: string, submission?: string, isMove?: boolean}} asked
 */
export async function openForm({ form, place, submission, isMove = false }) {
  if (isMove) return openMove(place, await get(`submissions/${submission}`));
  const earlier = submission ? await get(`submissions/${submission}`) : null;
  const definition = await get(`forms/${earlier?.form ?? form}`, { version: earlier?.version });
  const placeId = earlier?.place?.id ?? place;
  const offered = placeId ? await whatIsKnown(definition.form, placeId) : { place: null, values: [] };
  const key = submission ? draftKey(account.value?.id, "revise", submission) : draftKey(account.value?.id, definition.form, placeId);
  return { definition, earlier, key, ...offered, draft: await readDraft(key) };
}

/** A move is filled in as what it replaces was, unless that version may not be filled today. */
async function openMove(place, moved) {
  const own = await get(`forms/${moved.form}`, { version: moved.version });
  const definition = own.licensed === false ? await get(`forms/${moved.form}`) : own;
  const key = draftKey(account.value?.id, "move", moved.id, place);
  return { definition, earlier: null, moved, key, ...(await whatIsKnown(definition.form, place)), draft: await readDraft(key) };
}

// A form can be filled without knowing anything: only the Place itself must be found.
async function whatIsKnown(form, place) {
  try {
    return { ...(await get(`forms/${form}/prefill`, { place })), isBlind: false };
  } catch (problem) {
    if (problem.status === 404) throw problem;
    return { place: await get(`places/${encodeURIComponent(place)}`), values: [], isBlind: true };
  }
}
