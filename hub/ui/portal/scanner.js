/** Reading a QR code from the camera or a photo, with a decoder served by the hub itself. Loaded only when wanted. */
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import wasm from "zxing-wasm/reader/zxing_reader.wasm?url";
import { textOf } from "./codetext.js";

// Left alone, the package would fetch its decoder from a CDN.
export const ready = prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });

const OPTIONS = { formats: ["QRCode", "Code128", "DataMatrix"], maxNumberOfSymbols: 1, tryHarder: true };

/** The first code in a picture or a video's present frame, or null. */
export async function codeIn(picture) {
  const [code] = await readBarcodes(pixelsOf(picture), OPTIONS);
  return code?.isValid ? textOf(code) : null;
}

function pixelsOf(picture) {
  const canvas = document.createElement("canvas");
  canvas.width = picture.videoWidth ?? picture.width;
  canvas.height = picture.videoHeight ?? picture.height;
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  paper.drawImage(picture, 0, 0);
  return paper.getImageData(0, 0, canvas.width, canvas.height);
}
