"""One System of twenty hangs: do the others wait longer? The same hub, the same load, with and without."""

from benchmarks.candidates import hub_at
from benchmarks.report import Medians, Rounds, lines, medians
from benchmarks.rig import Rig, Sink
from benchmarks.scenarios import Figures, share, warm
from benchmarks.world import wiring, write_home

SYSTEMS = 20
HANGING = 0
ANSWER_WITHIN = "2s"
ASKED = 2.0


def measure(rig: Rig, name: str, *, hangs: bool, seconds: float) -> Figures:
    """Return how long the nineteen others' deliveries took from sending the submission."""
    folder = rig.folder / name
    folder.mkdir()
    write_home(folder, wiring(rig.sink.ports, answer_within=ANSWER_WITHIN))
    candidate = hub_at(folder, name=name)
    candidate.start()
    try:
        warm(rig, candidate, 40)
        rig.sink.do("reset")
        if hangs:
            rig.sink.do("hang", HANGING)
        seen = rig.load(candidate, clients=2, seconds=seconds, gap=0.1)
        rig.settle(seen["accepted"], without=HANGING)
        rig.sink.do("dump", rig.folder / "arrived")
        return waits(rig)
    finally:
        rig.sink.do("reset")
        candidate.stop()


def waits(rig: Rig) -> Figures:
    """Return the others' waits, and how many of their deliveries never came."""
    sent = rig.sent_ns()
    found = []
    for line in (rig.folder / "arrived").read_text().splitlines():
        number, reference, _, first_ns = line.split()
        if int(number) != HANGING and reference in sent:
            found.append((int(first_ns) - sent[reference]) / 1e6)
    return {"p50": share(found, 0.5), "p95": share(found, 0.95), "lost": len(sent) * (SYSTEMS - 1) - len(found)}


def run(rounds: int, seconds: float, rig_of: Rig) -> str:
    """Measure in turn and return the table."""
    rows: Rounds = {"all answer": [], "one hangs": []}
    with Sink(SYSTEMS) as sink:
        rig = Rig(rig_of.folder, sink)
        for number in range(rounds):
            rows["all answer"].append(measure(rig, f"twenty-{number}", hangs=False, seconds=seconds))
            rows["one hangs"].append(measure(rig, f"nineteen-{number}", hangs=True, seconds=seconds))
    rig_of.notes += rig.notes
    return table(medians(rows))


def table(found: Medians) -> str:
    """Return the table and its target."""
    shown = [
        [name, *(f"{row[key]:.1f}" for key in ("p50", "p95")), f"{row['lost']:.0f}"] for name, row in found.items()
    ]
    ratio = found["one hangs"]["p95"] / found["all answer"]["p95"]
    verdict = "met" if ratio <= ASKED else "**not met**"
    return (
        f"Twenty Systems, one of them hanging; submit → delivered at the nineteen others, {ANSWER_WITHIN} a try.\n\n"
        + lines([["", "p50 ms", "p95 ms", "lost"], *shown])
        + f"\n\np95 with one hanging : with none = {ratio:.2f}×, asked ≤ {ASKED:.0f}×: {verdict}."
    )
