/** What a code says. Old door plates were printed by programs that wrote GBK and did not say so. Pure. */

/** The text of a decoded code: as it declares itself, else UTF-8, else GB18030 (which GBK is a part of), else as read. */
export function textOf({ bytes, hasECI, text }) {
  if (hasECI || !bytes?.length) return text;
  return decoded("utf-8", bytes) ?? decoded("gb18030", bytes) ?? text;
}

function decoded(encoding, bytes) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
