"""Everything that can happen to a hub, as rules for Hypothesis; after each, every promise is checked.

No rule has a precondition: what a database gives first is not always the same, and Hypothesis must be able to draw the
same rules again. A rule that finds nothing to do does nothing.
"""

from collections.abc import Awaitable

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hub.errors import Problem
from hub.intake.accept import accept
from hub.intake.withdraw import withdraw
from hub.model.delivery import HELD_FOR
from hub.model.people import Role, Scope
from hub.outbox.entry.take import give_back, take
from hub.outbox.hand import cancel, confirm, replay
from hub.outbox.upkeep.look_again import look_again
from hub.outbox.upkeep.resume import check_paused
from tests.builders import Loose
from tests.machine.drawn import PICKS
from tests.machine.mortal import DIED
from tests.machine.peer import PROBE_ANSWERS, PUSH_ANSWERS
from tests.machine.promises import check, check_end
from tests.machine.rows import read_at
from tests.machine.stage import CAN, HOME, NEXT_DOOR, POINTS
from tests.machine.story import Draft, Story, pick_of
from tests.some_connectors.county import BIN, DIRT, RIVER, VILLAGE

PLAIN = frozenset({("doors", "visit"), ("files", "visit")})
SHAPES: list[tuple[dict[str, Loose], frozenset[tuple[str, str]]]] = [
    ({}, PLAIN),
    ({"visit.purpose": "safety"}, PLAIN),
    ({"visit.purpose": "policy"}, PLAIN | {("files", "income")}),
    ({"bin": BIN}, PLAIN | {("bins", "bin_score")}),
    ({"bin": BIN | {"bin.sorting": "poor"}}, PLAIN | {("bins", "bin_score")}),
    ({"findings": [DIRT]}, PLAIN | {("bins", "finding")}),
    ({"findings": [RIVER, DIRT]}, PLAIN | {("bins", "finding"), ("rivers", "finding")}),
    ({"bin": BIN, "findings": [RIVER]}, PLAIN | {("bins", "bin_score"), ("rivers", "finding")}),
]
"""What people fill in, and what exactly it owes while all Systems are wired."""
shapes = st.integers(0, len(SHAPES) - 1)
OWN = Scope("ada", Role.STAFF, VILLAGE)
picks = PICKS
people = st.sampled_from(["ada", "bo"])
FORWARD_S = (1, 3, 31, 46, 120, 700, 4_000, 90_000)


class HubMachine(Story, RuleBasedStateMachine):
    """One story of a hub, drawn at random."""

    @initialize()
    def begin(self) -> None:
        self.stage.begin()

    # --- people -----------------------------------------------------------------------------------------------------

    @rule(shape=shapes)
    def submit(self, shape: int) -> None:
        self._send(Draft(self._body(SHAPES[shape][0]), None, SHAPES[shape][1]))

    @rule(pick=picks, shape=shapes)
    def correct(self, pick: int, shape: int) -> None:
        earlier = self._receipt(pick)
        place = earlier.body["place"] if earlier else HOME
        self._send(Draft(self._body(SHAPES[shape][0], place), earlier, frozenset() if earlier else SHAPES[shape][1]))

    @rule(pick=picks)
    def withdraw(self, pick: int) -> None:
        """Its author takes one back, whatever became of it by then; again it is the same answer."""
        receipt = self._receipt(pick)
        if receipt is None:
            return
        was_withdrawn = self._is_withdrawn(receipt.submission_id)
        self.memory.want_withdrawn(self.read(), receipt)
        try:
            found = self.stage.do(withdraw(self.stage.intake, OWN, receipt.submission_id, "wrong door"))
        except Problem as problem:
            self._demand_over(problem, receipt)
            return
        if found is not DIED:
            assert found.created is not was_withdrawn, "D21: withdrawn twice, or not at all"
            self.memory.withdrawn.add(self.read().root_of(receipt.submission_id))

    @rule(pick=picks, shape=shapes)
    def move(self, pick: int, shape: int) -> None:
        """Its author files it at the other door instead, in one act."""
        earlier = self._receipt(pick)
        if earlier is None:
            return
        place = NEXT_DOOR if earlier.body["place"] == HOME else HOME
        self._send(Draft(self._body(SHAPES[shape][0], place), None, SHAPES[shape][1], moves=earlier))

    @rule(pick=picks)
    def resend(self, pick: int) -> None:
        """The same again is the same receipt and makes nothing; of an erased one there is none any more."""
        receipt, before = self._receipt(pick), self._counts()
        if receipt is None:
            return
        again = accept(self.stage.intake, self.stage.county.ada, orjson.dumps(receipt.body))
        if self._is_erased(receipt.submission_id):
            found = self.stage.do(_problem_of(again))
            assert found is DIED or found.code == "submission.erased"
        elif (found := self.stage.do(again)) is not DIED:
            assert (found.submission_id, found.created) == (receipt.submission_id, False)
        assert self._counts() == before

    @rule(pick=picks)
    def mutate(self, pick: int) -> None:
        """Other content under a known id is refused and changes nothing, and so is any under that of an erased one."""
        receipt, before = self._receipt(pick), self._counts()
        if receipt is None:
            return
        other = receipt.body | {"occurred_at": "2026-11-23T08:51:00+08:00"}
        found = self.stage.do(_problem_of(accept(self.stage.intake, self.stage.county.ada, orjson.dumps(other))))
        erased = self._is_erased(receipt.submission_id)
        expected = (410, "submission.erased") if erased else (409, "submission.conflict")
        assert found is DIED or (found.status, found.code) == expected
        assert self._counts() == before

    @rule()
    def ask_again(self) -> None:
        """Who got no answer sends the same again and gets a receipt, whatever became of the first time."""
        if self.unanswered:
            self._send(self.unanswered[min(self.unanswered)])

    @rule(pick=picks, who=people)
    def replay(self, pick: int, who: str) -> None:
        row = self._row(pick, "parked", "unknown", "delivered", "retry")
        if row is None:
            return
        holder = self.memory.holder(row.id, self.stage.clock.now())
        self.memory.replayed.add(row.id)
        take_back = self.stage.ledger.by_person(row.key)
        self.stage.write(lambda session: replay(session, [row.id], self.stage.deed(self._person(who))))
        if row in self.read().deliveries:
            take_back()
        else:
            assert holder in (None, who), "D12: sent again while somebody else was entering it"
        if holder in (None, who):
            self._note_end(row)
        self._ring()

    @rule(pick=picks, who=people)
    def confirm(self, pick: int, who: str) -> None:
        row, person = self._row(pick, "parked", "unknown", "manual"), self._person(who)
        if row is None:
            return
        before = {*self.memory.by_hand}
        self.memory.by_hand.add(row.id)
        if not self._is_done(row, who, lambda session: confirm(session, row.id, self.stage.deed(person), "S-1")):
            self.memory.by_hand = before
        self._ring()

    @rule(pick=picks, who=people)
    def cancel(self, pick: int, who: str) -> None:
        row, person = self._row(pick, "waiting", "retry", "parked", "unknown", "manual"), self._person(who)
        if row is None:
            return
        before = {*self.memory.left_there}
        self.memory.left_there.add(row.id)
        self.stage.ledger.given_up.add(row.key)
        self._is_done(row, who, lambda session: cancel(session, row.id, self.stage.deed(person)))
        if row in self.read().deliveries:  # refused, or the hub died before it was kept
            self.memory.left_there = before
            self.stage.ledger.given_up.discard(row.key)
        self._ring()

    @rule(pick=picks, who=people)
    def take(self, pick: int, who: str) -> None:
        """Somebody begins to enter one there; until it is done, given back or too late, nobody else settles it."""
        row, now = self._row(pick, "parked", "unknown", "manual"), self.stage.clock.now()
        if row is None:
            return
        before = {*self.read().takes}
        self._is_done(row, who, lambda session: take(session, row.id, self._person(who), now))
        if {*self.read().takes} - before:
            self.memory.taken[row.id] = (who, now + HELD_FOR)

    @rule(pick=picks, who=people)
    def give_back(self, pick: int, who: str) -> None:
        """They let others have it; nobody gives back what another has."""
        row, now = self._row(pick, "parked", "unknown", "manual"), self.stage.clock.now()
        if row is None:
            return
        self._is_done(row, who, lambda session: give_back(session, row.id, self._person(who), now))

    @rule(pick=picks)
    def erase(self, pick: int) -> None:
        """Somebody has a Submission erased, once its Issues are closed; refused while anything of it is owed."""
        before = self.read()
        kept = self.memory.unerased(before)
        ended = [one for one in kept if not before.open_of(one.submission_id)]
        receipt = pick_of(ended if pick % 2 and ended else kept, pick)
        if receipt is None:
            return
        self.memory.want_erased(before, receipt, self.stage.ledger)
        try:
            self.stage.write(lambda session: self.stage.erase(session, receipt.submission_id))
        except Problem as problem:
            if problem.code != "submission.open" or not before.open_of(receipt.submission_id):
                raise
            self.memory.want_kept(before, receipt)
        if self._is_erased(receipt.submission_id):
            assert not before.open_of(receipt.submission_id), "D3: erased while something of it was open"
            self._send(Draft(self._body({}, receipt.body["place"]), receipt, frozenset()))

    @rule(by_itself=st.booleans())
    def mend(self, *, by_itself: bool) -> None:
        """Somebody mends what was misconfigured and says so, or the hub looks whether it is."""
        for peer in self.stage.peers.values():
            peer.mended = True
        if by_itself:
            self.stage.begin_to(check_paused(self.stage.engine))
        else:
            self._resume(sorted(CAN)[len(self.stage.ledger.sent) % len(CAN)])
        self._ring()

    # --- Systems ----------------------------------------------------------------------------------------------------

    @rule(pick=picks)
    def answer_well(self, pick: int) -> None:
        call = self._call(pick)
        if call is None:
            return
        self._answer(call, "accepted" if call.outgoing else "honest")

    @rule(pick=picks, word=picks)
    def answer(self, pick: int, word: int) -> None:
        call = self._call(pick)
        if call is None:
            return
        words = PUSH_ANSWERS if call.outgoing else PROBE_ANSWERS
        self._answer(call, words[word % len(words)])

    # --- the machine ------------------------------------------------------------------------------------------------

    @rule(landed=picks)
    def crash(self, landed: int) -> None:
        """SIGKILL; what was under way may or may not have arrived."""
        for number, call in enumerate(sorted(self.stage.ledger.calls, key=lambda call: call.key)):
            if call.outgoing is not None and landed >> (number % 8) & 1:
                call.peer.take(call.key)
        self.stage.die()
        self.stage.start()

    @rule(point=st.sampled_from(POINTS))
    def die_at(self, point: str) -> None:
        """SIGKILL when next it passes this point."""
        self.stage.die_at(point)

    @rule(names=st.sets(st.sampled_from(sorted(CAN)), min_size=2) | st.just(set(CAN)), amend_doors=st.booleans())
    def restart(self, names: set[str], *, amend_doors: bool) -> None:
        """SIGTERM and start; meanwhile connectors.yaml may have lost or regained Systems, or had a flow edited."""
        self.memory.unwired |= set(CAN) - names
        self.stage.rewire(frozenset(names), amend_doors=amend_doors)
        self.stage.stop()
        self.stage.start()

    @rule(seconds=st.sampled_from(FORWARD_S))
    def forward(self, seconds: int) -> None:
        """Time passes; who hangs until then is given up."""
        self.stage.clock.tick(seconds=seconds)
        self.stage.settle()

    @rule(hours=st.sampled_from([-24, -1, 1]))
    def set_clock(self, hours: int) -> None:
        """Somebody sets the wall clock; no time passes."""
        self.stage.set_clock(hours)
        self._ring()
        # Whoever has one keeps it for as long as before, if the hub lived to see the clock set.
        untils = {take.delivery_id: read_at(take.until) for take in self.read().takes}
        self.memory.taken = {one: (who, untils.get(one, until)) for one, (who, until) in self.memory.taken.items()}

    @invariant()
    def every_promise_holds(self) -> None:
        if self.stage.engine is None:
            return
        self.rows = self.read()
        check(self.rows, self.memory, self.stage.ledger)

    def teardown(self) -> None:
        """All faults end: then everything ends too, or waits for a person."""
        try:
            if self.stage.engine is not None:
                self._end_well()
        finally:
            self.stage.forget()

    def _end_well(self) -> None:
        stage = self.stage
        stage.rewire(frozenset(CAN), amend_doors=True)
        stage.die()
        stage.ledger.faultless = True
        for peer in stage.peers.values():
            peer.mended = True
        stage.start()
        for _ in range(60):
            before = self.rows
            stage.clock.tick(hours=26)
            stage.do(check_paused(stage.engine))
            for name in CAN:  # what no check can end, somebody does who looked there
                self._resume(name)
            self._ring()
            self.rows = self.read()
            if self.rows == before and self._is_over():
                break
        check(self.rows, self.memory, stage.ledger)
        check_end(self.rows, self.memory)
        self._replay_what_was_taken_back()
        lost = DIED
        while lost is DIED:  # at most once: the point it is to die at has not come up before
            lost = stage.do(look_again(stage.engine))
        assert lost == [], "a System that loses nothing is believed"

    def _replay_what_was_taken_back(self) -> None:
        """Somebody asks to send again all that was withdrawn, at last: a System that has it no more gets nothing."""
        chains = [ends for root in sorted(self.rows.withdrawn_roots()) for ends in self.rows.chains_of(root).values()]
        before = [
            row.id
            for ends in chains
            if ends[-1].intent == "withdraw" and ends[-1].state != "cancelled"
            for row in ends
            if row.state == "delivered" and row.intent != "withdraw"
        ]
        self.memory.replayed |= {*before}
        self.stage.write(lambda session: replay(session, before, self.stage.deed()))
        self._ring()
        check(self.read(), self.memory, self.stage.ledger)


async def _problem_of(work: Awaitable[object]) -> Problem:
    """Return the Problem that something must end in."""
    with pytest.raises(Problem) as caught:
        await work
    return caught.value
