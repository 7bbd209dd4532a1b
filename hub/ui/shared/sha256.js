/** SHA-256 of bytes: the browser's own, or FIPS 180-4 by hand where crypto.subtle is missing (plain http). */
import { hex } from "./ids.js";

/** The digest of an ArrayBuffer as lower-case hex. */
export async function sha256(buffer) {
  if (globalThis.crypto?.subtle) return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", buffer)));
  return sha256ByHand(buffer);
}

const PRIMES = firstPrimes(64);
const ROUND = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

export function sha256ByHand(buffer) {
  const state = Uint32Array.from(START);
  const view = new DataView(padded(new Uint8Array(buffer)).buffer);
  const words = new Uint32Array(64);
  for (let at = 0; at < view.byteLength; at += 64) mix(state, view, at, words);
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => out.setUint32(index * 4, word));
  return hex(new Uint8Array(out.buffer));
}

function mix(state, view, at, words) {
  for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + i * 4);
  for (let i = 16; i < 64; i++) {
    const a = words[i - 15];
    const b = words[i - 2];
    words[i] = words[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + words[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + words[i]) | 0;
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index] += word));
}

function padded(bytes) {
  const whole = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  whole.set(bytes);
  whole[bytes.length] = 0x80;
  const tail = new DataView(whole.buffer);
  tail.setUint32(whole.length - 8, Math.floor(bytes.length / 0x20000000));
  tail.setUint32(whole.length - 4, (bytes.length << 3) >>> 0);
  return whole;
}

function turn(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

function fraction(number) {
  return ((number - Math.floor(number)) * 0x100000000) | 0;
}

function firstPrimes(count) {
  const primes = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  return primes;
}
