/**
 * A track as it is recorded: every fix is looked at once, and few are kept. Standing still leaves a point now and then;
 * when the most that may be sent is reached, those go whose neighbours are nearest in time. Pure; no clock, no page.
 */

/** Metres a point must be from the last kept one. */
const STEP_M = 3;
/** Standing still, one point in so many seconds shows that somebody was there. */
const STILL_S = 30;
/** What is left when room is made: the more goes at once, the less work each point costs. */
const LEFT = 0.75;
/** What counts as having walked on, as the hub reckons it: beyond the wobble of a phone that lies still. */
const WALKED_M = 20;
const WOBBLES = 4;
const USUAL_ACCURACY_M = 10;

export class Recorder {
  /** @param {object[]} points kept before; @param {number} most that the hub takes */
  constructor(points, most) {
    this.most = most;
    this.points = [];
    this.heard = 0;
    this.metres = 0;
    this.anchor = null;
    this.isThinned = false;
    for (const point of points) this.add(point);
  }

  /** Takes a fix in, or leaves it out. */
  add(fix) {
    this.heard += 1;
    this.walk(fix);
    const last = this.points.at(-1);
    if (last && apart(last, fix) < STEP_M && seconds(last, fix) < STILL_S) return;
    if (this.points.length >= this.most) this.thin();
    this.points.push(fix);
  }

  walk(fix) {
    const gate = Math.max(WALKED_M, WOBBLES * (fix.accuracy_m ?? USUAL_ACCURACY_M));
    const way = this.anchor ? apart(this.anchor, fix) : 0;
    if (this.anchor && way < gate) return;
    this.metres += way;
    this.anchor = fix;
  }

  /** Makes room; the first and the last point stay. */
  thin() {
    this.isThinned = true;
    const enough = Math.max(2, Math.floor(this.most * LEFT));
    const between = [];
    for (let at = 1; at < this.points.length - 1; at += 2) between.push([seconds(this.points[at - 1], this.points[at + 1]), at]);
    between.sort(([one], [other]) => one - other);
    const gone = new Set(between.slice(0, this.points.length - enough).map(([, at]) => at));
    this.points = this.points.filter((_, at) => !gone.has(at));
    if (this.points.length >= this.most) this.points.pop();
  }
}

const seconds = (one, other) => (Date.parse(other.at) - Date.parse(one.at)) / 1000;

/** Metres between two points (haversine). */
export function apart(a, b) {
  const rad = Math.PI / 180;
  const half = Math.sin(((b.lat - a.lat) * rad) / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(((b.lon - a.lon) * rad) / 2) ** 2;
  return 2 * 6_371_000 * Math.asin(Math.sqrt(half));
}
