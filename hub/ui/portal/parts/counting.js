/** The order people count in: 1, 2, 10. Pure. */

const collator = new Intl.Collator("zh-CN", { numeric: true });
const plain = (name) => name.normalize("NFKC");

/** Compares two names so that numbers in them count by their value, also in full-width figures. */
export const byCount = (one, other) => collator.compare(plain(one), plain(other));
