/** What the tabs of one phone tell each other: a draft was kept, was sent, its person has signed out. */

const channel = globalThis.BroadcastChannel ? new BroadcastChannel("fillonce") : null;

/** Tells the other tabs; browsers without a channel find out when they write. */
export const tell = (message) => channel?.postMessage(message);

/** Calls `act` with what other tabs tell, until the returned function is called. */
export function hear(act) {
  const listen = ({ data }) => act(data);
  channel?.addEventListener("message", listen);
  return () => channel?.removeEventListener("message", listen);
}
