/** Asking the phone where it is, only when somebody tapped. Always answers: a location, or an honest reason for none. */

const OPTIONS = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 };

/** One location, or {missing: denied|unavailable}. */
export function locateOnce() {
  if (!navigator.geolocation) return Promise.resolve({ missing: "unavailable" });
  return new Promise((done) => {
    navigator.geolocation.getCurrentPosition((fix) => done(locationOf(fix)), (error) => done(missingOf(error)), OPTIONS);
  });
}

/** Calls `onPoint` for every fix until the returned function is called; `onLost` when there are none. */
export function followTrack(onPoint, onLost) {
  if (!navigator.geolocation) {
    onLost({ missing: "unavailable" });
    return () => {};
  }
  const watch = navigator.geolocation.watchPosition(
    (fix) => onPoint({ ...locationOf(fix), at: new Date(fix.timestamp).toISOString() }),
    (error) => onLost(missingOf(error)),
    OPTIONS,
  );
  return () => navigator.geolocation.clearWatch(watch);
}

// Browsers give WGS-84; a webview that shifts to GCJ-02 on its own cannot be told apart here.
function locationOf({ coords }) {
  return { lon: round(coords.longitude), lat: round(coords.latitude), crs: "wgs84", accuracy_m: Math.round(coords.accuracy) };
}

const missingOf = (error) => ({ missing: error.code === error.PERMISSION_DENIED ? "denied" : "unavailable" });

// Six places are 0.1 m: more is noise.
const round = (degrees) => Number(degrees.toFixed(6));
