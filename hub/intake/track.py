"""What a recorded track says, reckoned by the hub: how far, how long, how much of a segment, what is odd. Pure.

Standing still, a receiver wanders, and the sum of its steps is kilometres nobody walked. So a fix counts only once it
is further from the last one that counted than its own error explains. Whatever a client reckons is not asked.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from math import ceil, cos, hypot, radians
from statistics import median
from typing import Any

from hub.catalog.contents import TrackRules
from hub.sdk.geo import convert

METRES_A_DEGREE = 111_320
SHAPE_STEPS = 200
"""Parts a segment is looked at in, at most; each at least ten metres long."""
LEAST_STEP_M = 10
MOST_RUNS = 8
"""Places a receiver may seem to be at in turn; who jumps about more is not followed further."""
NEARLY_ALL = 0.95
SAME_PLACE = 5
"""Decimals of a degree, about a metre, within which two tracks are the same."""
Point = tuple[float, float]
"""Metres east and north of the first fix."""


@dataclass(frozen=True)
class _Fix:
    """One fix on the plane of its track."""

    at: datetime
    here: Point
    accuracy_m: float
    """0 where the receiver did not say."""
    position: tuple[float, float]
    """Longitude and latitude in WGS-84."""


@dataclass(frozen=True)
class Walked:
    """What a track says."""

    fixes: int
    length_m: int
    minutes: int
    path: tuple[tuple[float, float], ...]
    """The way without its noise: longitude and latitude in WGS-84; Systems that reckon by it get the same length."""
    flags: tuple[str, ...]
    """`mocked`, `teleport`, `even`: reasons to look, never to refuse."""

    def covers(self, shape: Sequence[Mapping[str, Any]], near_m: float) -> float | None:
        """Return the share of a segment's length that lies near the way; None for a segment that has no length."""
        if not self.path:
            return 0.0
        plane = _plane(self.path[0])
        way = [plane(each) for each in self.path]
        along = _parts([plane(_position(each)) for each in shape])
        if not along:
            return None
        legs = list(pairwise(way)) or [(way[0], way[0])]
        near = sum(min(_apart_from(point, *leg) for leg in legs) <= near_m for point in along)
        return round(near / len(along), 2)


def walked(fixes: Sequence[Mapping[str, Any]], rules: TrackRules) -> Walked:
    """Return what a track says, without fixes too vague or too fast, standing still not counted, simplified."""
    flags = ["mocked"] if any(fix.get("mocked") or fix.get("provider") == "mock" for fix in fixes) else []
    read = _read(fixes)
    clear = [fix for fix in read if fix.accuracy_m <= rules.accuracy_m]
    leg = _possible(clear, rules)
    if len(leg) < len(clear) and _jumps(clear, rules):
        flags.append("teleport")
    if _is_even(read, rules):
        flags.append("even")
    way = _simplified(_moved(leg, rules), rules.simplify_m)
    length = sum(_apart(a.here, b.here) for a, b in pairwise(way))
    minutes = (leg[-1].at - leg[0].at).total_seconds() / 60 if leg else 0
    path = tuple((round(lon, 6), round(lat, 6)) for lon, lat in (fix.position for fix in way))
    return Walked(len(fixes), round(length), round(minutes), path, tuple(flags))


def track_digest(fixes: Sequence[Mapping[str, Any]], rules: TrackRules) -> str:
    """Return what two copies of one track share, whenever sent, forwards or backwards; empty for too few fixes."""
    places = [f"{lon:.{SAME_PLACE}f},{lat:.{SAME_PLACE}f}" for lon, lat in map(_position, fixes)]
    distinct = [place for place, before in zip(places, ["", *places], strict=False) if place != before]
    if len(distinct) < rules.repeat_fixes:
        return ""
    return hashlib.sha256("\n".join(min(distinct, distinct[::-1])).encode()).hexdigest()


def _position(fix: Mapping[str, Any]) -> tuple[float, float]:
    """Return where a fix is in WGS-84; outside the mainland nothing is shifted, so it is as it was given."""
    try:
        return convert(fix["lon"], fix["lat"], fix["crs"], "wgs84")
    except ValueError:
        return fix["lon"], fix["lat"]


def _read(fixes: Iterable[Mapping[str, Any]]) -> list[_Fix]:
    """Return the fixes in the order of their times, each time once."""
    at_times = {datetime.fromisoformat(fix["at"]): fix for fix in reversed(list(fixes))}
    if not at_times:
        return []
    ordered = sorted(at_times.items())
    positions = [_position(fix) for _, fix in ordered]
    plane = _plane(positions[0])
    return [
        _Fix(at, plane(position), fix.get("accuracy_m", 0), position)
        for (at, fix), position in zip(ordered, positions, strict=True)
    ]


def _plane(origin: tuple[float, float]) -> "partial[Point]":
    """Return what puts a position on the plane around an origin: good to a centimetre within a county."""
    return partial(_flat, origin, cos(radians(origin[1])))


def _flat(origin: tuple[float, float], shrink: float, position: tuple[float, float]) -> Point:
    return (position[0] - origin[0]) * METRES_A_DEGREE * shrink, (position[1] - origin[1]) * METRES_A_DEGREE


def _possible(fixes: Sequence[_Fix], rules: TrackRules) -> list[_Fix]:
    """Return the longest run of fixes of which each can be reached from the one before at a possible speed.

    A fix that cannot follow begins a run of its own; a receiver that jumps away and back goes on with the run it left.
    """
    runs: list[list[_Fix]] = []
    for fix in fixes:
        for run in sorted(runs, key=len, reverse=True):
            if _can_follow(run[-1], fix, rules):
                run.append(fix)
                break
        else:
            runs.append([fix])
            if len(runs) > MOST_RUNS:
                runs.remove(min(runs[:-1], key=len))
    return max(runs, key=len, default=[])


def _can_follow(before: _Fix, fix: _Fix, rules: TrackRules) -> bool:
    seconds = max((fix.at - before.at).total_seconds(), 1)
    # What both may be off by is no speed.
    certain = _apart(before.here, fix.here) - before.accuracy_m - fix.accuracy_m
    return certain <= rules.speed_mps * seconds


def _jumps(fixes: Sequence[_Fix], rules: TrackRules) -> bool:
    """Say whether somewhere a fix lies impossibly far from the one before."""
    return any(_apart(a.here, b.here) >= rules.teleport_m and not _can_follow(a, b, rules) for a, b in pairwise(fixes))


def _is_even(fixes: Sequence[_Fix], rules: TrackRules) -> bool:
    """Say whether nearly all steps are of one length, as a program makes them and no person walks; corners are not."""
    steps = [_apart(a.here, b.here) for a, b in pairwise(fixes)]
    moving = [step for step in steps if step > 1]
    if len(moving) < rules.even_steps:
        return False
    usual = median(moving)
    alike = sum(abs(step - usual) <= rules.even_share * usual for step in moving)
    return alike >= NEARLY_ALL * len(moving)


def _moved(fixes: Sequence[_Fix], rules: TrackRules) -> list[_Fix]:
    """Return the fixes at which somebody has certainly moved on; the last one too, once anybody moved at all."""
    way = list(fixes[:1])
    for fix in fixes[1:]:
        if _apart(way[-1].here, fix.here) >= max(rules.gate_m, rules.gate_accuracies * fix.accuracy_m):
            way.append(fix)
    return [*way, fixes[-1]] if len(way) > 1 and way[-1] is not fixes[-1] else way


def _simplified(way: list[_Fix], within_m: float) -> list[_Fix]:
    """Return the corners of a way: what is left out lies within so many metres of it (Douglas and Peucker)."""
    keep, spans = {0, len(way) - 1}, [(0, len(way) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:  # noqa: PLR2004 - nothing between neighbours
            continue
        far = max(range(first + 1, last), key=lambda at: _apart_from(way[at].here, way[first].here, way[last].here))
        if _apart_from(way[far].here, way[first].here, way[last].here) > within_m:
            keep.add(far)
            spans += [(first, far), (far, last)]
    return [way[at] for at in sorted(keep) if 0 <= at < len(way)]


def _parts(shape: Sequence[Point]) -> list[Point]:
    """Return points evenly along a line, each standing for an equal part of its length."""
    lengths = [_apart(a, b) for a, b in pairwise(shape)]
    total = sum(lengths)
    if not total:
        return []
    count = max(1, min(SHAPE_STEPS, ceil(total / LEAST_STEP_M)))
    points: list[Point] = []
    done, legs = 0.0, list(zip(pairwise(shape), lengths, strict=True))
    wanted = [(number + 0.5) * total / count for number in range(count)]
    for (start, end), length in legs:
        while len(points) < count and wanted[len(points)] <= done + length:
            share = (wanted[len(points)] - done) / length
            points.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
        done += length
    return points


def _apart(a: Point, b: Point) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


def _apart_from(point: Point, start: Point, end: Point) -> float:
    """Return how far a point is from a leg."""
    leg = end[0] - start[0], end[1] - start[1]
    square = leg[0] ** 2 + leg[1] ** 2
    share = ((point[0] - start[0]) * leg[0] + (point[1] - start[1]) * leg[1]) / square if square else 0.0
    share = min(1.0, max(0.0, share))
    return _apart(point, (start[0] + share * leg[0], start[1] + share * leg[1]))
