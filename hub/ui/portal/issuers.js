/** The names of those who issue codes. Where the hub does not let this person read the Systems, there are none. */
import { get } from "../shared/api.js";
import { pick } from "../shared/i18n.js";

let asked = null;

export function issuerTitles() {
  asked ??= get("systems")
    .then((systems) => Object.fromEntries((systems.items ?? systems).map((one) => [one.system, pick(one.title)])))
    .catch(() => ({}));
  return asked;
}
