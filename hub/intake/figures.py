"""The `track` of a Record: the hub's own figures, beside the fixes its author recorded. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.catalog.contents import TrackRules
from hub.catalog.messages import Messages
from hub.clock import civil_day
from hub.intake.track import walked
from hub.model.submission import TrackDigest

Fixes = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Around:
    """What a track is compared with."""

    shape: Sequence[Mapping[str, Any]] | None
    """The course of what was walked along, where a System gives it."""
    earlier: Sequence[TrackDigest]
    """Equal tracks of other Records, the oldest first."""


def track_figures(fixes: Fixes, rules: TrackRules, around: Around, messages: Messages) -> dict[str, Any]:
    """Return what flows may send of a track; what is odd about it is flagged and never a reason to refuse it."""
    found = walked(fixes, rules)
    covered = found.covers(around.shape, rules.near_m) if around.shape else None
    flags = [*found.flags, *(["repeat"] if around.earlier else [])]
    figures: dict[str, Any] = {
        "fixes": found.fixes,
        "length_m": found.length_m,
        "minutes": found.minutes,
        "path": [{"lon": lon, "lat": lat, "crs": "wgs84"} for lon, lat in found.path],
        "flags": flags,
    }
    if covered is not None:
        figures["coverage"] = covered
    if around.earlier:
        figures["repeats"] = civil_day(around.earlier[0].occurred_at).isoformat()
    if flags:
        figures["remark"] = "；".join(flag_words(flag, figures, messages)["zh"] for flag in flags)
    return figures


def flag_words(flag: str, figures: Mapping[str, Any], messages: Messages) -> Mapping[str, str]:
    """Return what a flag means, for people."""
    return messages.both(f"track.flag.{flag}", day=figures.get("repeats", ""))


def told(figures: Mapping[str, Any], messages: Messages) -> list[Mapping[str, str]]:
    """Return what a receipt says of a track: its figures, then whatever is odd."""
    params = {"metres": figures["length_m"], "minutes": figures["minutes"]}
    covered = figures.get("coverage")
    key, share = ("track.figures_unshaped", 0) if covered is None else ("track.figures", round(covered * 100))
    return [
        messages.both(key, share=share, **params),
        *(flag_words(flag, figures, messages) for flag in figures["flags"]),
    ]
