/** Asks before an answer hides others that cost work, for the questions of one object. */
import { pick, t } from "../../shared/i18n.js";
import { confirmed } from "../parts/confirmed.js";
import { countIn, hiddenBy } from "./dropping.js";
import { nameOf } from "./definition.js";

export const DROPS = Symbol("drops");

/** For the elements around an object: `areMeant(name, value)` is at once true when nothing would go. */
export function dropsOf(elementsOf, objectOf) {
  return {
    areMeant(name, value) {
      const hidden = hiddenBy(elementsOf(), objectOf(), name, value);
      return hidden.length ? askToDrop(hidden.map((control) => [control, objectOf()[nameOf(control.scope)]])) : true;
    },
  };
}

/** Names what would not be sent any more; true when that is what the person wants. */
export function askToDrop(parts) {
  const named = parts.map(([control, value]) => t("drop.part", { title: pick(control.label), count: countIn(control, value) }));
  const taps = { confirmButtonText: t("drop.yes"), cancelButtonText: t("drop.no") };
  return confirmed({ title: t("drop.title"), message: t("drop.help", { parts: named.join(t("app.between")) }), ...taps });
}
