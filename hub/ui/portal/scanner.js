/** Reading a QR code from the camera or a photo, with a decoder served by the hub itself. Loaded only when wanted. */
import { BarcodeDetector, prepareZXingModule } from "barcode-detector/ponyfill";
import wasm from "zxing-wasm/reader/zxing_reader.wasm?url";

// Left alone, the package would fetch its decoder from a CDN.
prepareZXingModule({ overrides: { locateFile: () => wasm } });

const detector = new BarcodeDetector({ formats: ["qr_code", "code_128", "data_matrix"] });

/** The first code in a picture, or null. */
export async function codeIn(picture) {
  const [code] = await detector.detect(picture);
  return code?.rawValue ?? null;
}
