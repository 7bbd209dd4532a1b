/**
 * The one way out for what people fill in. Today it sends at once and throws a Problem when that fails, the draft
 * staying where it is. The offline queue belongs here: keep the letter, send when there is a network.
 */
import { dropPhoto } from "./drafts.js";
import { post } from "./api.js";
import { uploadPhoto } from "./photos.js";

// Who waits to send does not wait long for an answer that is only advice.
const ADVICE_WITHIN_MS = 8_000;

/**
 * Sends a letter: first the photos it refers to, then itself. Sending the same letter twice is harmless, because its
 * id was made on the phone and photos are addressed by digest.
 * @param {{path: string, body: object, photos: string[]}} letter
 */
export async function send({ path, body, photos }) {
  await sendPhotos(photos);
  const view = await post(path, body);
  await Promise.all(photos.map(dropPhoto));
  return view;
}

/** Asks what would become of a letter; nothing of it is kept but the photos, which go ahead. */
export async function ask({ body, photos }) {
  await sendPhotos(photos);
  return (await post(`forms/${body.form}/preview`, body, ADVICE_WITHIN_MS)).records;
}

async function sendPhotos(photos) {
  for (const sha of photos) await uploadPhoto(sha);
}
