/** The hub's API over fetch: JSON in and out, and every failure as a Problem. Owns no state but the sign-in hook. */
import { language, pick, t } from "./i18n.js";

const BASE = "/api/v1/";
const ANSWER_WITHIN_MS = 30_000;

/** What went wrong, readable: RFC 9457 as the hub sends it, or `offline` when no answer came. */
export class Problem extends Error {
  constructor({ status = 0, code = "offline", title = "", detail = "", faults = [], ...rest }) {
    super(code);
    Object.assign(this, { status, code, title, detail, faults, rest });
  }

  /** Whether asking again can never help: what was there is gone for good. */
  get isFinal() {
    return this.status === 410;
  }

  /** One sentence for the person. */
  get says() {
    const known = t(`failure.${this.code}`, {}, "") || t(`failure.status_${this.status}`, {}, "");
    const own = language.value === "en" && this.rest.en ? this.rest.en : this;
    return known || [pick(own.title), pick(own.detail)].filter(Boolean).join("：") || t("failure.unknown");
  }
}

let signInAgain = () => {};

/** Says what to do when the session has ended. */
export function onSignedOut(action) {
  signInAgain = action;
}

export const get = (path, query = {}) => request("GET", path + queryOf(query));
export const post = (path, body, within) => request("POST", path, { body: JSON.stringify(body), type: "application/json", within });
export const put = (path, blob) => request("PUT", path, { body: blob, type: blob.type });
export const remove = (path) => request("DELETE", path, { type: "application/json" });

async function request(method, path, { body, type, within = ANSWER_WITHIN_MS } = {}) {
  const headers = { Accept: "application/json" };
  if (type) headers["Content-Type"] = type;
  const answer = await reach(BASE + path, { method, headers, body, signal: deadline(within) });
  if (answer.status === 204) return null;
  const content = await readJson(answer);
  if (answer.ok) return content;
  if (answer.status === 401 && content.code !== "auth.wrong" && path !== "sessions") signInAgain();
  throw new Problem({ ...content, status: answer.status, code: codeOf(content, answer.status) });
}

/** Fetches, or throws the Problem `offline`. */
export async function reach(address, options) {
  try {
    return await fetch(address, { ...options, credentials: "same-origin" });
  } catch {
    throw new Problem({});
  }
}

async function readJson(answer) {
  try {
    return await answer.json();
  } catch (failure) {
    // Not JSON, or the connection broke in the middle of it.
    if (!(failure instanceof SyntaxError)) throw new Problem({});
    if (answer.ok) throw new Problem({ status: answer.status, code: "unreadable" });
    return {};
  }
}

function codeOf(content, status) {
  return content.code ?? `status_${status}`;
}

function deadline(within) {
  // Webviews of 2021 have no AbortSignal.timeout.
  return AbortSignal.timeout?.(within);
}

function queryOf(query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** The address of a photo kept by the hub. */
export const photoAddress = (sha) => `${BASE}attachments/${sha}`;
