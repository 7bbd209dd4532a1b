/** The reader of codes, loaded with its decoder when somebody wants it; null when it is not there. */
import { loadPart } from "../shared/updates.js";

export const loadScanner = () =>
  loadPart(async () => {
    const scanner = await import("./scanner.js");
    await scanner.ready;
    return scanner;
  }, null);
