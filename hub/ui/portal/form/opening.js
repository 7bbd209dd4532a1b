/** Fetching what a form needs before it can be filled: its definition, the Place, what is known, draft or revision. */
import { get } from "../../shared/api.js";
import { draftKey, readDraft } from "../../shared/drafts.js";
import { account } from "../../shared/session.js";
import { carried, fitted, isOpenFor } from "./versions.js";

/**
 * Everything for a new filling, for the correction of a submission, or for filing it at another place instead.
 * @param {{form?: string, place?: string, submission?: string, isMove?: boolean}} asked
 */
export async function openForm({ form, place, submission, isMove = false }) {
  if (isMove) return openMove(place, await get(`submissions/${submission}`));
  const earlier = submission ? await get(`submissions/${submission}`) : null;
  const newest = await get(`forms/${earlier?.form ?? form}`, { version: earlier?.version });
  const placeId = earlier?.place?.id ?? place;
  const key = keyOf(newest.form, placeId, submission);
  const record = await readDraft(key);
  const bound = await boundTo(newest, record?.content);
  const offered = placeId ? await whatIsKnown(bound.definition, placeId, bound.draft) : { place: null, values: [] };
  return { ...bound, newest, earlier, key, stamp: record?.stamp ?? "", aside: record?.aside ?? [], ...offered };
}

/** Where the draft of a form, or of a correction, lies. */
export const keyOf = (form, place, submission) =>
  submission ? draftKey(account.value?.id, "revise", submission) : draftKey(account.value?.id, form, place);

/** A draft stays with the version it was filled in; where that can no longer be sent, it goes along to this one. */
async function boundTo(newest, draft) {
  if (!draft) return { definition: newest, draft: null, isCarried: false };
  if ((draft.version ?? newest.version) === newest.version) return { definition: newest, draft: fitted(draft, newest), isCarried: false };
  const own = await versionOf(newest.form, draft.version);
  if (own && (isOpenFor(own, draft) || !isOpenFor(newest, draft))) return { definition: own, draft: fitted(draft, own), isCarried: false };
  return { definition: newest, draft: carried(draft, own, newest), isCarried: true };
}

async function versionOf(form, version) {
  try {
    return await get(`forms/${form}`, { version });
  } catch (problem) {
    if (problem.status === 404) return null;
    throw problem;
  }
}

/** A move is filled in as what it replaces was, unless that version may not be filled today. */
async function openMove(place, moved) {
  const own = await get(`forms/${moved.form}`, { version: moved.version });
  const definition = own.licensed === false ? await get(`forms/${moved.form}`) : own;
  const key = draftKey(account.value?.id, "move", moved.id, place);
  const record = await readDraft(key);
  const bound = await boundTo(definition, record?.content);
  const offered = await whatIsKnown(bound.definition, place, bound.draft);
  return { ...bound, newest: definition, earlier: null, moved, key, stamp: record?.stamp ?? "", aside: record?.aside ?? [], ...offered };
}

// A form can be filled without knowing anything: only the Place itself must be found.
async function whatIsKnown(definition, place, draft) {
  try {
    return { ...(await get(`forms/${definition.form}/prefill`, { place, version: definition.version })), isBlind: false };
  } catch (problem) {
    if (problem.status === 404) throw problem;
    const then = Object.entries(draft?.known ?? {}).map(([path, known]) => ({ ...known, path }));
    return { place: await get(`places/${encodeURIComponent(place)}`), values: then, isBlind: true };
  }
}
