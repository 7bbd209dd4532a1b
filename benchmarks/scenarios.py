"""The scenarios: each takes a started candidate and returns figures by name. Targets and tables are report's."""

import time
from collections.abc import Sequence

from benchmarks.candidates import Candidate
from benchmarks.machine import rss_mb
from benchmarks.rig import Arrivals, Rig

Figures = dict[str, float]
MOST = 64
CALM_S = 0.3


def share(values: Sequence[float], part: float) -> float:
    """Return the value below which this part of the values lies."""
    ordered = sorted(values)
    return ordered[int((len(ordered) - 1) * part)] if ordered else float("nan")


def tallied(arrivals: Arrivals) -> Figures:
    """Return what must be 0, or nearly."""
    return {"lost": arrivals.lost, "repeated": arrivals.repeated}


def warm(rig: Rig, candidate: Candidate, count: int = 200) -> Figures:
    """Send a few first, so that caches and connections are there."""
    rig.sink.do("reset")
    rig.load(candidate, clients=8, count=count)
    return tallied(rig.settle(count))


def accept(rig: Rig, candidate: Candidate, clients: int, seconds: float) -> Figures:
    """Measure durable answers a second in a closed loop, the Systems answering at once."""
    rig.sink.do("reset")
    time.sleep(CALM_S)
    seen = rig.load(candidate, clients=clients, seconds=seconds, warm=min(0.5, seconds / 4))
    arrivals = rig.settle(seen["accepted"])
    at = f"@{clients}"
    return {
        f"accepted{at}": seen["per_second"],
        f"answer_p50{at}": seen["p50_ms"],
        f"answer_p99{at}": seen["p99_ms"],
        **tallied(arrivals),
    }


def complete(rig: Rig, candidate: Candidate, count: int) -> Figures:
    """Measure submissions a second that all Systems have: a fixed count from the first request to the last arrival."""
    rig.sink.do("reset")
    time.sleep(CALM_S)
    watch = rig.watch(candidate)
    seen = rig.load(candidate, clients=MOST, count=count)
    arrivals = rig.settle(seen["accepted"])
    seconds = max((arrivals.last_ns - seen["started_ns"]) / 1e9, 1e-9)
    done = len(arrivals.complete_ns) / seconds
    spent = watch.spent()
    parts = {name: spent[role] * 1000 / max(len(arrivals.complete_ns), 1)
             for name, role in (("cpu_ms", "candidate"), ("cpu_database_ms", "database")) if role in spent}  # fmt: skip
    deliveries = done * len(rig.sink.ports)
    return {"complete": done, "deliveries": deliveries, "load_share": seen["shares"]["load"],
            "sink_share": seen["shares"]["sink"], **parts, **tallied(arrivals)}  # fmt: skip


def idle(rig: Rig, candidate: Candidate, count: int, gap: float) -> Figures:
    """Measure the way of a single submission, from sending it to the last System having it."""
    rig.sink.do("reset")
    time.sleep(CALM_S)
    rig.load(candidate, clients=1, count=count, gap=gap)
    arrivals = rig.settle(count)
    sent = rig.sent_ns()
    waits = [(at - sent[reference]) / 1e6 for reference, at in arrivals.complete_ns.items()]
    return {"idle_p50": share(waits, 0.5), "idle_p99": share(waits, 0.99), **tallied(arrivals)}


def backlog(rig: Rig, candidate: Candidate, count: int, down_s: float = 1.0) -> Figures:
    """Let the Systems refuse connections while `count` are accepted; measure the drain once they are back."""
    rig.sink.do("reset")
    rig.sink.do("refuse")
    seen = rig.load(candidate, clients=MOST, count=count)
    time.sleep(down_s)
    held_mb = rss_mb(candidate.pids())
    began_ns = time.monotonic_ns()
    rig.sink.do("accept")
    arrivals = rig.settle(seen["accepted"])
    return {
        "drain_s": arrivals.busy_s,
        "back_s": (arrivals.last_ns - began_ns) / 1e9,
        "rss_backlog": held_mb,
        "backlog": seen["accepted"],
        "accepted_down": seen["per_second"],
        **tallied(arrivals),
    }


def long_run(rig: Rig, candidate: Candidate, count: int, parts: int = 10) -> Figures:
    """Send many submissions in parts and note the memory after each: flat means the last equals the second."""
    sizes = []
    totals = {"lost": 0.0, "repeated": 0.0}
    for _ in range(parts):
        figures = complete(rig, candidate, count // parts)
        totals = {name: totals[name] + figures[name] for name in totals}
        sizes.append(rss_mb(candidate.pids()))
    return {"rss_early": sizes[1], "rss_late": sizes[-1], "rss_growth": sizes[-1] / sizes[1], **totals}
