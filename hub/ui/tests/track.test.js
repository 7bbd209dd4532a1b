/** A track while it is recorded (C27): never more than can be sent, never a dead end, the whole way in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Recorder, apart } from "../portal/widgets/track.js";

const START = Date.parse("2026-11-30T00:00:00Z");
const METRE = 1 / 111_195;
const MOST = 5_000;

/** A fix a second: north along a river at a walk, with the wobble of a phone. */
function* walk(seconds, metresASecond = 1.2, wobble = 3) {
  let state = 7;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647 - 0.5;
  for (let s = 0; s < seconds; s += 1) {
    const north = s * metresASecond + random() * 2 * wobble;
    yield { lat: 29.3 + north * METRE, lon: 120.2 + (random() * 2 * wobble * METRE) / 0.87, crs: "wgs84", accuracy_m: 8, at: new Date(START + s * 1000).toISOString() };
  }
}

const recorded = (fixes, most = MOST) => {
  const recorder = new Recorder([], most);
  for (const fix of fixes) recorder.add(fix);
  return recorder;
};

for (const [name, seconds] of [["83 minutes", 83 * 60 + 21], ["eight hours", 8 * 3_600]]) {
  test(`${name} at one fix a second fit, from the first to the last, without a gap`, () => {
    const made = recorded(walk(seconds));
    const { points } = made;
    assert.ok(points.length <= MOST && points.length > MOST / 3, `${points.length} points`);
    assert.equal(points[0].at, new Date(START).toISOString());
    assert.ok(Date.parse(points.at(-1).at) >= START + (seconds - 31) * 1000);
    const gaps = points.slice(1).map((point, index) => apart(points[index], point));
    assert.ok(Math.max(...gaps) < 60, `${Math.max(...gaps)} m between two points`);
    assert.equal(made.heard, seconds);
    assert.ok(points.every((point, index) => !index || points[index - 1].at < point.at));
  });
}

test("a long track takes no more time for each point than a short one", () => {
  const timed = (seconds) => {
    const fixes = [...walk(seconds)];
    const before = performance.now();
    recorded(fixes);
    return (performance.now() - before) / seconds;
  };
  timed(20_000);
  const [short, long] = [timed(20_000), timed(160_000)];
  assert.ok(long < short * 4, `${short} ms, then ${long} ms a fix`);
});

test("standing still is few points and no way", () => {
  const made = recorded(walk(1_800, 0, 1));
  assert.ok(made.points.length < 700, `${made.points.length} points`);
  assert.ok(made.metres < 5, `${made.metres} m`);
});

test("what was walked is told as the hub will reckon it", () => {
  const made = recorded(walk(3_600));
  assert.ok(Math.abs(made.metres - 4_320) < 4_320 * 0.05, `${made.metres} m`);
  assert.ok(!made.isThinned);
});

test("what an older page kept beyond the limit is made to fit, and can go on", () => {
  const made = new Recorder([...walk(20_000)], MOST);
  assert.ok(made.points.length <= MOST);
  assert.ok(made.isThinned);
  made.add({ ...[...walk(1)][0], lat: 30, at: new Date(START + 30_000_000).toISOString() });
  assert.equal(made.points.at(-1).lat, 30);
});

test("a limit of two still has both ends", () => {
  const { points } = recorded(walk(100, 10), 2);
  assert.deepEqual([points.length, points[0].at], [2, new Date(START).toISOString()]);
});
