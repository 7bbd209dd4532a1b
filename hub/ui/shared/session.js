/** Who is signed in. Owns the account of this page; the session itself is a cookie the page cannot read. */
import { shallowRef } from "vue";
import { get, post, remove } from "./api.js";
import { forgetPerson } from "./drafts.js";
import { tell } from "./tabs.js";

export const account = shallowRef(null);

/** Asks the hub who this is; throws a Problem with status 401 when nobody. */
export async function recall() {
  account.value ??= accountOf(await get("sessions/me"));
  return account.value;
}

export async function signIn(login, password) {
  account.value = accountOf(await post("sessions", { login, password }));
}

/** Chooses another password; what was handed out at first is good for nothing else. */
export async function changePassword(old, chosen) {
  await post("sessions/me/password", { old, new: chosen });
  account.value = { ...account.value, must_change_password: false };
}

/** Ends the session and takes what is this person's own off the phone; what others have not sent yet stays theirs. */
export async function signOut() {
  const person = account.value.id;
  await remove("sessions/me");
  tell({ what: "left", person });
  await forgetPerson(person);
  account.value = null;
}

function accountOf(answer) {
  return answer.account ?? answer;
}
