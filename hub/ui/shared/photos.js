/** Photos: made small on the phone, named by their digest, kept until the hub has them. */
import { keepPhoto, readPhoto } from "./drafts.js";
import { photoAddress, put } from "./api.js";
import { sha256 } from "./sha256.js";

const LONGEST_SIDE_PX = 1600;
const QUALITY = 0.8;

/** Shrinks a picked file and keeps it; gives the digest the answers refer to it by. */
export async function takePhoto(file) {
  const small = await shrink(file);
  const sha = await sha256(await small.arrayBuffer());
  await keepPhoto(sha, small);
  return sha;
}

/** Something an <img> can show: what is on the phone, else what the hub holds. */
export async function photoSource(sha) {
  const blob = await readPhoto(sha);
  return blob ? URL.createObjectURL(blob) : photoAddress(sha);
}

/** Gives the hub one photo. Doing it again is harmless: the address is the digest. */
export async function uploadPhoto(sha) {
  const blob = await readPhoto(sha);
  if (blob) await put(`attachments/${sha}`, blob);
}

async function shrink(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_SIDE_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  // Redrawing also drops EXIF, and with it a place the person never agreed to send.
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("canvas gave no picture"))), "image/jpeg", QUALITY);
  });
}
