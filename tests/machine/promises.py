"""D1 to D9 as checks of one moment against all that was promised before it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from hub.model.delivery import CLOCKS_APART, HELD_FOR, State, may_move
from tests.machine.peer import Ledger
from tests.machine.rows import Owed, Rows
from tests.machine.stage import CAN

ENDED = {"delivered", "cancelled"}


@dataclass(frozen=True)
class Receipted:
    """A Submission somebody got a receipt for."""

    submission_id: str
    client_id: str
    body: dict[str, object]
    corrects: bool
    flows: frozenset[tuple[str, str, str]]
    """(record type, system, flow) in force when it came."""
    owed: frozenset[tuple[str, str]]
    """For a first one: exactly what the shape of its answers owes."""
    moves: str = ""
    """The one it was filed in the stead of."""


@dataclass
class Memory:
    """What the story so far obliges the hub to."""

    receipts: list[Receipted] = field(default_factory=list)
    maybe: set[str] = field(default_factory=set)
    """Client ids of Submissions nobody got an answer for."""
    frozen: dict[str, tuple[str, bytes, str, str]] = field(default_factory=dict)
    by_hand: set[str] = field(default_factory=set)
    """Deliveries a person confirmed."""
    replayed: set[str] = field(default_factory=set)
    taken: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Entries by hand somebody took: who, and until when."""
    erased: dict[str, dict[str, int]] = field(default_factory=dict)
    """First revisions somebody wanted erased: the keys it owed, and how often each had been sent by then."""
    wanted_back: set[str] = field(default_factory=set)
    """First revisions somebody wanted withdrawn."""
    withdrawn: set[str] = field(default_factory=set)
    """Those of which somebody was told so."""
    left_there: set[str] = field(default_factory=set)
    """Withdrawals a person ended without taking anything back."""
    taken_back: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Records that a System has no more, and how often anything of them had been sent there by then."""
    unwired: set[str] = field(default_factory=set)
    """Systems that connectors.yaml did not name for a while: what was lost then is left to a person."""

    def holder(self, delivery_id: str, now: datetime) -> str | None:
        """Return who has an entry by hand at a moment."""
        who, until = self.taken.get(delivery_id, ("", now))
        return who if now < until <= now + HELD_FOR + CLOCKS_APART else None

    def want_erased(self, rows: Rows, receipt: Receipted, ledger: Ledger) -> None:
        """Note that somebody wants one erased with all its revisions."""
        root_id, sent = rows.root_of(receipt.submission_id), Counter(outgoing.key for outgoing in ledger.sent)
        self.erased[root_id] = {row.key: sent[row.key] for row in rows.of_root(root_id)}

    def want_withdrawn(self, rows: Rows, receipt: Receipted) -> None:
        """Note that somebody wants one withdrawn with all its revisions."""
        self.wanted_back.add(rows.root_of(receipt.submission_id))

    def unerased(self, rows: Rows) -> list[Receipted]:
        """Return the receipts whose content must still be there."""
        erased = {row.id for row in rows.submissions if row.erased_at is not None}
        return [receipt for receipt in self.receipts if receipt.submission_id not in erased]

    def want_kept(self, rows: Rows, receipt: Receipted) -> None:
        """Note that it was refused."""
        del self.erased[rows.root_of(receipt.submission_id)]


def check(rows: Rows, memory: Memory, ledger: Ledger) -> None:
    """Hold one moment against every promise."""
    _receipts_are_durable(rows, memory)
    _fanout_is_whole(rows, memory)
    _deliveries_stay_what_they_are(rows, memory)
    _claims_are_exclusive(rows, ledger)
    _done_means_confirmed(rows, memory, ledger)
    _nothing_goes_blindly(rows, memory, ledger)
    _order_holds(rows, memory, ledger)
    _erased_is_gone(rows, memory, ledger)
    _withdrawn_is_taken_back(rows, memory, ledger)


def _receipts_are_durable(rows: Rows, memory: Memory) -> None:
    """D1, D2: each receipt's Submission is there once, and nothing is there that nobody sent."""
    ids = Counter(row.id for row in rows.submissions)
    sent = [row for row in rows.submissions if row.withdrawn_by is None]  # a withdrawal is nobody's body
    clients = {row.client_id for row in sent}
    receipts = {receipt.submission_id for receipt in memory.receipts}
    assert all(ids[one] == 1 for one in receipts), "D1: an acknowledged submission is gone"
    assert clients <= {receipt.client_id for receipt in memory.receipts} | memory.maybe, "D2: one nobody sent"
    assert len(clients) == len(sent), "D2: one id, two submissions"
    assert len({(row.key, row.revision) for row in rows.records}) == len(rows.records), "D2: a record twice"


def _fanout_is_whole(rows: Rows, memory: Memory) -> None:
    """D1: for every Record each flow in force has one Delivery or one reason, never both, never neither."""
    made: dict[str, list[tuple[str, str]]] = defaultdict(list)
    taken_back: set[tuple[str, str, str]] = set()
    for row in rows.deliveries:
        made[row.record_id].append((row.system, row.flow))
        if row.intent == "withdraw":
            taken_back.add((row.record_id, row.system, row.flow))
    skipped: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for skip in rows.skips:
        # One that listens no more is told to take back what it has: a reason and a Delivery, both.
        if (skip.record_id, skip.system, skip.flow) not in taken_back:
            skipped[skip.record_id].append((skip.system, skip.flow))
    records = defaultdict(list)
    for record in rows.records:
        records[record.submission_id].append(record)
    for receipt in memory.unerased(rows):
        of_this = records[receipt.submission_id]
        assert of_this, "D1: a submission without its records"
        for record in of_this:
            listen = {(system, flow) for kind, system, flow in receipt.flows if kind == record.record}
            both = Counter(made[record.id] + skipped[record.id])
            assert set(both.values()) <= {1}, "D1: two of one flow"
            assert record.withdrawn or set(both) == listen, "D1: a torn fan-out"
        owed = {pair for record in of_this for pair in made[record.id]}
        assert receipt.corrects or owed == receipt.owed, f"D1: owed {owed}, not {set(receipt.owed)}"


def _deliveries_stay_what_they_are(rows: Rows, memory: Memory) -> None:
    """D3: none is ever gone, each is in one named state by legal moves, its key and bytes never change."""
    now = {row.id: (row.key, bytes(row.payload), row.system, row.flow) for row in rows.deliveries}
    gone = {key for row in rows.submissions if row.erased_at is not None for key in memory.erased[row.root_id]}
    for delivery_id, was in memory.frozen.items():
        is_erased = delivery_id not in now and was[0] in gone
        assert is_erased or now.get(delivery_id) == was, "D3: a delivery vanished or changed its key or bytes"
    memory.frozen = now
    assert len({row.key for row in rows.deliveries}) == len(rows.deliveries), "D4: a key twice"
    counted = Counter(row.state for row in rows.deliveries)
    assert set(counted) <= {state.value for state in State}
    assert sum(counted.values()) == len(now)
    illegal = [(old, new) for old, new in rows.moves if not may_move(State(old), State(new))]
    assert not illegal, f"D3: {illegal}"
    pushes = Counter(a.delivery_id for a in rows.attempts if a.kind == "push" and a.outcome != "misconfigured")
    for row in rows.deliveries:
        assert row.attempts == pushes[row.id], f"D7: {row.attempts} attempts counted, {pushes[row.id]} made"


def _claims_are_exclusive(rows: Rows, ledger: Ledger) -> None:
    """D7: a lease is exactly one open attempt; nobody sends without one; no key is in two hands."""
    leased = {row.lease_token: row.id for row in rows.deliveries if row.state == "leased"}
    opened = {attempt.id: attempt.delivery_id for attempt in rows.attempts if attempt.ended_at is None}
    assert leased == opened, "D7: leases and open attempts differ"
    assert all((row.lease_token is None) == (row.state != "leased") for row in rows.deliveries)
    held = {row.key for row in rows.deliveries if row.state == "leased"}
    under_way = Counter(call.key for call in ledger.calls)
    assert set(under_way) <= held, "D7: something is sent without a lease"
    assert all(count == 1 for count in under_way.values()), "D7: one delivery in two hands"


def _done_means_confirmed(rows: Rows, memory: Memory, ledger: Ledger) -> None:
    """D6, D12: delivered only where the System said so, or a person."""
    done = {row.key: row.id for row in rows.deliveries if row.state == "delivered"}
    claimed = [key for key, one in done.items() if key not in ledger.confirmed and one not in memory.by_hand]
    assert not claimed, f"D6: delivered though nobody confirmed it: {claimed}"


def _nothing_goes_blindly(rows: Rows, memory: Memory, ledger: Ledger) -> None:
    """D4, D5: the frozen bytes under the frozen key, and no second effect where keys are not honoured."""
    owed = {row.key: (bytes(row.payload), row.flow) for row in rows.deliveries}
    forgotten = {key for keys in memory.erased.values() for key in keys} - set(owed)
    for outgoing in ledger.sent:
        assert outgoing.payload, "D4: nothing at all was sent"
        is_known = owed.get(outgoing.key) == (outgoing.payload, outgoing.flow)
        assert is_known or outgoing.key in forgotten, "D4: other bytes were sent"
    assert not ledger.blind, f"D5: sent again blindly: {ledger.blind}"
    assert not ledger.outdated, f"D11: sent though a later revision is there: {ledger.outdated}"
    doubled = [key for key, count in ledger.effects.items() if count > 1]
    assert not doubled, f"D4: two effects of {doubled}"


def _order_holds(rows: Rows, memory: Memory, ledger: Ledger) -> None:
    """D9: revisions of a Record one after the other, and ordered flows one by one, replays too."""
    at = {row.key: row for row in rows.deliveries}
    chains = Counter((at[c.key].record_key, at[c.key].system, at[c.key].flow) for c in ledger.calls)
    queues: dict[str, list[Owed]] = defaultdict(list)
    for row in rows.deliveries:
        if row.order_key is not None:
            queues[row.order_key].append(row)
    for chain, count in chains.items():
        of_chain = [row for row in rows.deliveries if (row.record_key, row.system, row.flow) == chain]
        assert count == 1, f"D9: two revisions under way: {of_chain}"
    for order_key, queue in queues.items():
        heads = [row for row in queue if row.state not in ENDED and row.after_id is None and row.state != "manual"]
        assert len(heads) <= 1, f"D9: at once in {order_key}: {heads}, of {queue}"


def _erased_is_gone(rows: Rows, memory: Memory, ledger: Ledger) -> None:
    """D19: only what somebody wanted erased is; nothing of it is left, and nothing of it is sent any more."""
    sent = Counter(outgoing.key for outgoing in ledger.sent)
    for root_id in {row.root_id for row in rows.submissions if row.erased_at is not None}:
        assert root_id in memory.erased, "D19: nobody wanted that erased"
        assert rows.of_root(root_id) == [], "D19: erased, and still owed"
        assert memory.erased[root_id] == {key: sent[key] for key in memory.erased[root_id]}, "F31: sent though erased"


def _withdrawn_is_taken_back(rows: Rows, memory: Memory, ledger: Ledger) -> None:
    """D21: of what is withdrawn nothing stays at a System unless it is under way there, or a person decided so."""
    gone = rows.withdrawn_roots()
    assert gone <= memory.wanted_back, "D21: withdrawn though nobody wanted that"
    erased = {row.root_id for row in rows.submissions if row.erased_at is not None}
    assert memory.withdrawn <= gone | erased, "D21: a withdrawal somebody was told of is gone"
    _moves_are_whole(rows, memory)
    times = Counter(outgoing.key for outgoing in ledger.sent)
    for chain, ends in ((chain, ends) for root in gone for chain, ends in rows.chains_of(root).items()):
        assert {row.intent for row in ends} != {"withdraw"}, "D21: taken back, and never given"
        before = [row for row in ends if row.intent != "withdraw"]
        back = [row for row in ends if row.intent == "withdraw" and row.state == "delivered"]
        at_system = {row.key for row in before} & (ledger.there - ledger.denied)
        # A new revision that was cancelled before it left changes nothing about what was taken back.
        given = [row for row in before if row.state != "cancelled" or row.key in at_system]
        is_back = bool(back) and all(row.revision < back[-1].revision for row in given)
        is_open = any(row.state not in ENDED for row in ends)
        stays = bool(at_system) or any(row.state == "delivered" for row in before)
        is_decided = any(row.id in memory.left_there for row in ends)
        assert is_back or is_open or is_decided or not stays, f"D21: withdrawn, and still there: {ends}"
        count = sum(times[row.key] for row in before)
        if is_back:
            assert memory.taken_back.setdefault(chain, count) == count, (
                f"D21: sent again after it was taken back: {ends}"
            )


def _moves_are_whole(rows: Rows, memory: Memory) -> None:
    """D21: what was moved is withdrawn here and filed there, each naming the other, or nothing happened."""
    to = {row.moved_to: row.root_id for row in rows.submissions if row.moved_to is not None}
    filed = {row.root_id: row.moved_from for row in rows.submissions if row.moved_from is not None}
    erased = {row.root_id for row in rows.submissions if row.erased_at is not None}
    assert all(filed.get(new) == old or new in erased for new, old in to.items()), "D21: a move without what it filed"
    assert all(to.get(new) == old or old in erased for new, old in filed.items()), "D21: filed without a withdrawal"
    moved = {receipt.submission_id for receipt in memory.receipts if receipt.moves}
    assert moved <= filed.keys() | erased, "D21: a move somebody was told of is gone"


def check_end(rows: Rows, memory: Memory) -> None:
    """D3 at the end, every fault gone and time enough passed: each Delivery is done, or waits for a person."""
    stuck_with = {"parked", "manual", "unknown"}
    by_id = {row.id: row for row in rows.deliveries}
    for row in rows.deliveries:
        if row.state in ENDED:
            continue
        if row.state in {"parked", "manual"}:
            told = row.after_id is None or by_id[row.after_id].state not in ENDED
            assert told, f"stuck: nobody told {row.key} what became of {row.after_id}"
            continue
        if row.state == "unknown":
            assert not CAN[row.system].probes or row.system in memory.unwired, (
                f"stuck: {row.system} could be asked about {row.key}"
            )
            continue
        assert row.state == "waiting", f"stuck: {row.state} {row.key}"
        ahead = row
        while ahead.after_id is not None:
            ahead = by_id[ahead.after_id]
        assert ahead is not row, f"stuck: {row.key} waits for nothing"
        assert ahead.state in stuck_with, f"stuck: {row.key} behind one that is {ahead.state}"
