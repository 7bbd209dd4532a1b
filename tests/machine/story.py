"""One story's memory and the parts its rules are made of."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

import orjson

from hub.errors import Problem
from hub.intake.accept import accept
from hub.intake.move import move
from hub.intake.revise import revise
from hub.model.people import Account
from hub.outbox.upkeep.resume import resume
from hub.store import Session
from tests.builders import Loose
from tests.machine.mortal import DIED
from tests.machine.peer import Call
from tests.machine.promises import ENDED, Memory, Receipted
from tests.machine.rows import Owed, Rows
from tests.machine.stage import CAN, HOME, Stage
from tests.some_connectors.county import visit

Flows = frozenset[tuple[str, str, str]]


@dataclass(frozen=True)
class Draft:
    """A body somebody sends, and what is known of its fate."""

    body: dict[str, Loose]
    corrects: Receipted | None
    owed: frozenset[tuple[str, str]]
    moves: Receipted | None = None
    flows: Flows | None = None
    """In force when it was kept, for one that was kept though nobody got an answer."""


class Story:
    """What rules share; `stage` and `read` are set by the test, one database for all stories."""

    stage: ClassVar[Stage]
    read: ClassVar[Callable[[], Rows]]

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.unanswered: dict[str, Draft] = {}
        self.rows = Rows([], [], [], [], [], [], [])
        self._number = 0

    def _body(self, answers: dict[str, Loose], place: str = HOME) -> dict[str, Loose]:
        self._number += 1
        return visit(id=str(UUID(int=self._number, version=4)), answers=answers, place=place)

    def _send(self, draft: Draft) -> None:
        """Submit, correct or move; keep the receipt, or that there was no answer."""
        client_id, flows = draft.body["id"], self._flows()
        self.unanswered[client_id] = draft
        self.memory.maybe.add(client_id)
        if draft.moves:
            self.memory.want_withdrawn(self.read(), draft.moves)
        try:
            found = self.stage.do(self._sending(draft))
        except Problem as problem:
            self._demand_over(problem, draft.corrects or draft.moves)
            del self.unanswered[client_id]
            return
        if found is DIED:
            if draft.flows is None and client_id in {row.client_id for row in self.read().submissions}:
                self.unanswered[client_id] = replace(draft, flows=flows)
            return
        assert found.created is (draft.flows is None), "D2: created anew, or not at all"
        del self.unanswered[client_id]
        self.memory.maybe.discard(client_id)
        then = draft.flows or flows
        listening = {(system, flow) for _, system, flow in then}
        self.memory.receipts.append(
            Receipted(
                found.submission_id, client_id, draft.body, bool(draft.corrects), then, draft.owed & listening,
                draft.moves.submission_id if draft.moves else "",
            )
        )  # fmt: skip
        if draft.moves:
            self.memory.withdrawn.add(self.read().root_of(draft.moves.submission_id))

    def _sending(self, draft: Draft) -> Loose:
        intake, author = self.stage.intake, self.stage.county.ada
        if draft.moves:
            raw = orjson.dumps(draft.body | {"why": "wrong door"})
            return move(intake, author, draft.moves.submission_id, raw)
        raw = orjson.dumps(draft.body)
        if draft.corrects:
            return revise(intake, author, draft.corrects.submission_id, raw)
        return accept(intake, author, raw)

    def _demand_over(self, problem: Problem, earlier: Receipted | None) -> None:
        """Raise a refusal unless what was to be changed is there no more."""
        earlier_id = earlier.submission_id if earlier else ""
        is_over = {"submission.erased": self._is_erased, "submission.withdrawn": self._is_withdrawn}
        if problem.code not in is_over or not is_over[problem.code](earlier_id):
            raise problem

    def _flows(self) -> Flows:
        return frozenset(
            (record, flow.system, flow.name) for record, flows in self.stage.registry.flows.items() for flow in flows
        )

    def _receipt(self, pick: int) -> Receipted | None:
        return pick_of(self.memory.receipts, pick)

    def _is_erased(self, submission_id: str) -> bool:
        return any(row.id == submission_id and row.erased_at is not None for row in self.read().submissions)

    def _is_withdrawn(self, submission_id: str) -> bool:
        rows = self.read()
        return rows.root_of(submission_id) in rows.withdrawn_roots()

    def _call(self, pick: int) -> Call | None:
        return pick_of(sorted(self.stage.ledger.calls, key=lambda call: call.key), pick)

    def _answer(self, call: Call, word: str) -> None:
        call.answer.set_result(word)
        self.stage.settle()

    def _states(self, *states: str) -> list[Owed]:
        return sorted((row for row in self.rows.deliveries if row.state in states), key=lambda row: row.key)

    def _row(self, pick: int, *states: str) -> Owed | None:
        return pick_of(self._states(*states), pick)

    def _is_done(self, row: Owed, who: str, deed: Callable[[Session], Loose]) -> bool:
        """Let somebody do something to an entry; refused while another has it, or an earlier revision is on its way."""
        holder = self.memory.holder(row.id, self.stage.clock.now())
        try:
            done = self.stage.write(deed)
        except Problem as problem:
            self._demand_reason(problem, row, who, holder)
            return False
        assert done is DIED or holder in (None, who), "D12: done to what somebody else was entering"
        self._note_end(row)
        return True

    def _demand_reason(self, problem: Problem, row: Owed, who: str, holder: str | None) -> None:
        """Raise a refusal that nothing explains."""
        if problem.code in {"delivery.taken", "delivery.taken_elsewhere"}:
            assert holder not in (None, who), "D12: refused though nobody else has it"
        elif problem.code != "delivery.not_its_turn" or row.attempts:
            raise problem  # only what nobody sent yet may have to wait for an earlier revision

    def _note_end(self, row: Owed) -> None:
        """Forget a take that was ended by somebody who might; a hub that died may not have written it down."""
        if row.id not in {take.delivery_id for take in self.read().takes}:
            self.memory.taken.pop(row.id, None)

    def _person(self, who: str) -> Account:
        return getattr(self.stage.county, who)

    def _resume(self, system: str) -> None:
        with contextlib.suppress(Problem):  # its refusal may not have been written down before the hub died
            self.stage.write(lambda session: resume(session, system, self.stage.deed()))

    def _ring(self) -> None:
        """Wake the engine, as the API does after a person's deed."""
        self.stage.engine.ring(CAN)
        self.stage.settle()

    def _counts(self) -> tuple[int, ...]:
        rows = self.read()
        return len(rows.submissions), len(rows.records), len(rows.deliveries), len(rows.skips)

    def _is_over(self) -> bool:
        """Say whether nothing is left that a machine would still do."""
        return all(
            row.state in ENDED
            or row.state in {"parked", "manual"}
            or (row.state == "unknown" and (not CAN[row.system].probes or row.system in self.memory.unwired))
            or (row.state == "waiting" and row.after_id is not None)
            for row in self.rows.deliveries
        )


def pick_of(among: Sequence[Loose], pick: int) -> Loose:
    return among[pick % len(among)] if among else None
