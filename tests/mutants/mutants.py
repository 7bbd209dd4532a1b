"""The wrong engines, each as replacements in the text of the right one, with the tests that must find it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """A piece of text that is in a file exactly once, and what takes its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One wrong engine."""

    name: str
    edits: tuple[Edit, ...]
    found_by: tuple[str, ...]
    """Arguments of pytest: the smallest tests that should notice."""


STORE, WEB, UNIT = "tests/store/test_", "tests/web/test_", "tests/unit/"
MACHINE = ("tests/machine/test_hub_machine.py", "-k", "sqlite")
PULLS = ("tests/machine/test_pull_machine.py", "-k", "sqlite and quiet")
SLIDING = ("tests/machine/test_reader_machine.py",)
DOOR = "tests/connectors/test_http_door.py"
ENGINE, CLAIM, RECORD = "hub/outbox/engine.py", "hub/outbox/claim.py", "hub/outbox/record.py"
RECOVER, HAND = "hub/outbox/recover.py", "hub/outbox/hand.py"
RESUME, LOOK = "hub/outbox/upkeep/resume.py", "hub/outbox/upkeep/look_again.py"
REPLAY = "hub/outbox/decide/replay.py"
ACCEPT, QUERY = "hub/intake/accept.py", "hub/store/query/leases.py"
WRITER, CHANGES = "hub/store/lanes/writer.py", "hub/intake/changes.py"
SETTLE, BREAKER = "hub/outbox/decide/settle.py", "hub/outbox/decide/breaker.py"

MUTANTS = (
    Mutant(
        "ack before commit",
        (Edit(ACCEPT, "    return await asyncio.shield(writing)", "    return _Written(offer.bundle.deliveries, [])"),),
        (f"{STORE}intake_accept.py::test_a_database_that_cannot_write_keeps_nothing_and_says_so",),
    ),
    Mutant(
        "two transactions instead of one",
        (
            Edit(
                ACCEPT, '    passing("intake.row")\n', '    passing("intake.row")\n    session.connection().commit()\n'
            ),
            Edit(WRITER, "transaction.commit()", "session.connection().commit()"),
        ),
        (f"{STORE}intake_accept.py::test_nothing_is_torn_when_the_write_fails_half_way", "-k", "sqlite"),
    ),
    Mutant(
        "done before send",
        (
            Edit(ENGINE, "decide.settle import Claim, Result", "decide.settle import Claim, Outcome, Result"),
            Edit(
                ENGINE,
                "result = await attempt(line.connector, claim, line.answer_within)",
                "result = Result(claim, Outcome.ACCEPTED);"
                " self._sent = asyncio.ensure_future(attempt(line.connector, claim, line.answer_within))",
            ),
        ),
        MACHINE,
    ),
    Mutant(
        "no lease token in settle",
        (
            Edit(QUERY, '    ("id", "lease_token"),\n    (\n        ("lease_token", "NULL"),', '    ("id",),\n    ('),
            Edit(
                QUERY,
                "    return update_rows(session.connection(), _SETTLE, rows)",
                '    return update_rows(session.connection(), _SETTLE, [{**row, "lease_token": None} for row in rows])',
            ),
        ),
        (f"{STORE}outbox_crash.py::test_the_result_of_a_worker_that_overran_its_lease_changes_nothing", "-k", "sqlite"),
    ),
    Mutant(
        "attempts counted on ack",
        (
            Edit(CLAIM, 'attempts=row["attempts"] + int(fresh_push),', 'attempts=row["attempts"],'),
            Edit(
                RECORD,
                '        "attempts": end.attempts,',
                '        "attempts": end.attempts + int(claim.kind == "push" and result.outcome is not Outcome.LOST),',
            ),
        ),
        (f"{STORE}outbox_crash.py::test_a_lease_outlives_the_deadline_and_belongs_to_one_attempt", "-k", "sqlite"),
    ),
    Mutant(
        "one lease for a whole batch",
        (Edit(CLAIM, "until[claim.system]) for claim in claims]", "min(until.values())) for claim in claims]"),),
        ("tests/store/test_outbox_turns.py", "-k", "sqlite and lease"),
    ),
    Mutant(
        "cursor by id: only what is newer than the last sent",
        (
            Edit(
                QUERY,
                '.where(col(Delivery.system) == bindparam("system"), col(Delivery.due_at) <= bindparam("now"))',
                '.where(col(Delivery.system) == bindparam("system"), col(Delivery.due_at) <= bindparam("now"),'
                " text(\"id > (SELECT coalesce(max(id), '') FROM delivery WHERE state = 'delivered')\"))",
            ),
        ),
        MACHINE,
    ),
    Mutant(
        "naive claim: look, then take",
        (
            Edit(QUERY, '_LEASE = Change(_DELIVERY, ("id", "state"), ', '_LEASE = Change(_DELIVERY, ("id",), '),
            Edit(QUERY, '("due_at", "NULL")), "delivery.due_at IS NOT NULL")', '("due_at", "NULL")))'),
            Edit(
                QUERY,
                '    .limit(bindparam("most"))\n    .with_for_update(skip_locked=True)\n',
                '    .limit(bindparam("most"))\n',
            ),
        ),
        ("tests/store/test_outbox_race.py", "-k", "postgres"),
    ),
    Mutant(
        "200 is success",
        (
            Edit(
                "connectors/household_visit/mapping.py",
                "    stored = read_part(response, accept(answer), Stored)\n",
                '    stored = Stored(number=str((answer.data or {}).get("number") or "200"))\n',
            ),
        ),
        ("tests/connectors/test_household_visit.py", "-k", "test_http_200_alone_is_no_success"),
    ),
    Mutant(
        "follow redirects",
        (
            Edit(
                "hub/sdk/http.py",
                "        return _response(answer.status, answer.headers, answer.body, request)\n\n    def _permit",
                "        found = _response(answer.status, answer.headers, answer.body, request)\n"
                '        if found.is_redirect and "location" in found.headers:\n'
                '            moved = httpx.Request(request.method, request.url.join(found.headers["location"]))\n'
                "            return await self.send(moved, deadline_s=deadline_s)\n"
                "        return found\n\n    def _permit",
            ),
        ),
        (DOOR, "-k", "no_redirect_is_followed"),
    ),
    Mutant(
        "a time limit for each read instead of one deadline",
        (
            Edit(
                "hub/sdk/door/connection.py",
                "        deadline = loop.call_at(until, self._fail, TimeoutError())\n",
                "        self._pause_s = until - loop.time()\n"
                "        deadline = self._deadline = loop.call_later(self._pause_s, self._fail, TimeoutError())\n",
            ),
            Edit(
                "hub/sdk/door/connection.py",
                "        self._answer.feed(bytes(memoryview(self._buffer)[:nbytes]))\n",
                "        self._deadline.cancel()\n"
                "        self._deadline = asyncio.get_running_loop().call_later(\n"
                "            self._pause_s, self._fail, TimeoutError())\n"
                "        self._answer.feed(bytes(memoryview(self._buffer)[:nbytes]))\n",
            ),
        ),
        (DOOR, "-k", "test_the_deadline_is_for_everything_together"),
    ),
    Mutant(
        "no scope in a query",
        (
            Edit(
                "hub/store/query/places.py",
                "    return column.between(*ends(scope))",
                "    return column.between('0', '999999999999')",
            ),
        ),
        (f"{STORE}places.py::test_reach_is_ones_own_division_and_the_units_above", "-k", "sqlite"),
    ),
    Mutant(
        "unknown is tried again though the key is not honoured",
        (Edit(SETTLE, "    if can.honours_key:\n", "    if can is not None:\n"),),
        (f"{UNIT}outbox/test_settle.py",),
    ),
    Mutant(
        "a resend makes a second record",
        (
            Edit(
                "hub/intake/plan.py",
                '        "client_id": filled.client_id,',
                '        "client_id": new_id(),',
            ),
        ),
        (f"{STORE}intake_accept.py::test_the_same_again_is_the_same_answer_whatever_its_spelling", "-k", "sqlite"),
    ),
    Mutant(
        "a half-open breaker lets all through",
        (Edit(BREAKER, "        return min(wanted, 1) if ", "        return wanted if "),),
        (f"{STORE}outbox_limits.py", "-k", "sqlite and breaker"),
    ),
    Mutant(
        "two of one ordered flow at once",
        (
            Edit(
                "hub/outbox/release.py",
                "(session, follower) if follower.order_key else None",
                "(session, follower) and None",
            ),
        ),
        ("tests/store/test_outbox_turns.py", "-k", "sqlite"),
    ),
    Mutant(
        "what a dead process held is not looked for",
        (Edit(RECOVER, "self._now(session), REAPED_AT_ONCE)\n", "self._now(session), 0)\n"),),
        (f"{STORE}outbox_crash.py", "-k", "sqlite and dead"),
    ),
    Mutant(
        "a bare status is taken for the System's own word",
        (Edit("hub/sdk/answers.py", "declared or changes_nothing(response.request)", "declared is not None"),),
        ("tests/connectors/test_answers_not_success.py", "-k", "moved_or_went"),
    ),
    Mutant(
        "a read ends what a push began",
        (Edit(RESUME, "    if pause.paused_by is not None and", "    if pause.paused_by is None and"),),
        (f"{STORE}outbox_doubt.py", "-k", "sqlite and mute"),
    ),
    Mutant(
        "old content is sent again after a correction",
        (Edit(REPLAY, "    if newest is not None:\n", "    if newest is not None and newest.revision < 0:\n"),),
        (f"{STORE}outbox_replay.py", "-k", "sqlite and falls_back"),
    ),
    Mutant(
        "what is sent again does not line up",
        (
            Edit(
                HAND,
                'found[row.id].after_id or last.get(row.order_key or "")',
                'found[row.id].after_id and last.get(row.order_key or "")',
            ),
        ),
        (f"{STORE}outbox_replay.py", "-k", "sqlite and one_by_one"),
    ),
    Mutant(
        "leases by the clock of each host",
        (Edit("hub/store/clock.py", "return clock.read(session.connection()) if", "return clock._host.now() if"),),
        (f"{STORE}database_clock.py", "-k", "anothers_hands"),
    ),
    Mutant(
        "a suspect goes with seven others",
        (
            Edit(QUERY, ".where(col(Delivery.lost) < SUSPECT, _RECOGNISED)", ".where(_RECOGNISED)"),
            Edit("hub/outbox/decide/alone.py", "return self.due and now_s >= self.not_before_s", "return now_s < 0"),
        ),
        (f"{STORE}outbox_suspects.py", "-k", "sqlite and killed_five"),
    ),
    Mutant(
        "what nobody understands is claimed",
        (Edit(QUERY, '_RECOGNISED = text(f"NOT {UNRECOGNISED}")', '_RECOGNISED = text("1 = 1")'),),
        (f"{STORE}outbox_odd.py", "-k", "sqlite and never_sent"),
    ),
    Mutant(
        "patience by whatever the clock says",
        (Edit(ENGINE, "self.recovery.ago(now, PATIENCE, tried=True)", "now - PATIENCE"),),
        (f"{STORE}outbox_clock.py", "-k", "sqlite and ends_no_patience"),
    ),
    Mutant(
        "what is there is called lost",
        (Edit(LOOK, 'await engine.ask(own) if can.can_tell_of(row["intent"]) else None', "await engine.ask(own)"),),
        (f"{STORE}outbox_look_again.py", "-k", "sqlite and not_called_lost"),
    ),
    Mutant(
        "a withdrawal forgets what is under way",
        (
            Edit(
                CHANGES,
                '    if previous.intent == "withdraw":\n        return\n    row = withdrawal_row',
                '    if previous.intent == "withdraw" or previous.state == "leased":\n        return\n'
                "    row = withdrawal_row",
            ),
        ),
        MACHINE,
    ),
    Mutant(
        "a withdrawal cancels what may be there",
        (
            Edit(CHANGES, "state in UNTOUCHED and not previous.repeat)", "state in UNTOUCHED)"),
            Edit(CHANGES, "previous.id in occasion.held or previous.repeat", "previous.id in occasion.held"),
        ),
        (f"{STORE}withdraw.py", "-k", "sqlite and under_way"),
    ),
    Mutant(
        "what was taken back is sent again by a replay",
        (Edit(REPLAY, "return Fate(Became.WITHDRAWN, row.revision)", "return None"),),
        MACHINE,
    ),
    Mutant(
        "a move in two transactions",
        (
            Edit(
                "hub/intake/move.py",
                "    if not submissions.insert_new(session, rows):\n        return None\n",
                "    if not submissions.insert_new(session, rows):\n        return None\n"
                "    session.connection().commit()\n",
            ),
            Edit(WRITER, "transaction.commit()", "session.connection().commit()"),
        ),
        (f"{STORE}move.py::test_nothing_of_either_is_kept_when_the_write_fails_half_way", "-k", "sqlite"),
    ),
    Mutant(
        "a withdrawal cancels what somebody is entering",
        (Edit(CHANGES, "previous.id in occasion.held or previous.repeat", "previous.repeat"),),
        (f"{STORE}withdraw_by_hand.py", "-k", "sqlite"),
    ),
    Mutant(
        "rows that vanished never end",
        (
            Edit(
                "hub/pulls/under_way.py",
                "self._whole.ended += await end_vanished",
                "self._whole.ended += 0 and await end_vanished",
            ),
        ),
        PULLS,
    ),
    Mutant(
        "a whole reading on the first day only: what slid past the mark is never found",
        (Edit("hub/pulls/under_way.py", "or since >= self._flow.whole_every or", "or"),),
        PULLS,
    ),
    Mutant(
        "a code that moves stays where it was",
        (
            Edit(
                "hub/pulls/where.py",
                "        return _one_of(anchors, anchored=True)\n    # A sticker",
                "        return Where(place_id)\n    # A sticker",
            ),
        ),
        PULLS,
    ),
    Mutant(
        "a reading moves what a person placed",
        (Edit("hub/pulls/match.py", "    if known.decided_by:\n", "    if known.decided_by and not known.codes:\n"),),
        PULLS,
    ),
    Mutant(
        "the digest of a row leaves a field out",
        (
            Edit(
                "hub/pulls/read.py",
                "for head in self._flow.heads if head in row}",
                "for head in self._flow.heads[:-1] if head in row}",
            ),
        ),
        (f"{STORE}pulls_fields.py", "-k", "sqlite"),
    ),
    Mutant(
        "a row that came without a key has ended",
        (
            Edit(
                "hub/pulls/under_way.py",
                "return whole.complete and (self._asked.believing or not whole.keyless)",
                "return whole.complete",
            ),
        ),
        PULLS,
    ),
    Mutant(
        "a row nobody can decode has ended",
        (Edit("hub/pulls/reading.py", "        self.tally.seen.update(map(hash, keys))\n\n", "\n"),),
        PULLS,
    ),
    Mutant(
        "an item of a row is forgotten when its key is written in another way",
        (Edit("hub/pulls/items.py", "return self._rows.get(comparable(key), key)", "return key"),),
        PULLS,
    ),
    Mutant(
        "numbered pages are read once",
        (
            Edit(
                "connectors/household_visit/households.py",
                "            if pages == earlier:\n",
                "            if pages:\n",
            ),
        ),
        SLIDING,
    ),
    Mutant(
        "a mark passes what is committed late",
        (Edit("hub/sdk/reading/changes.py", "batches(marks.before(mark))", "batches(mark)"),),
        SLIDING,
    ),
    Mutant(
        "a code leaves with the row that no longer gives it",
        (
            Edit(
                "hub/pulls/move.py",
                "if code.ended_at is None:  # one that ended",
                "if code.ended_at is None or True:  # one that ended",
            ),
        ),
        (f"{STORE}pulls_codes_drawn.py", "-k", "sqlite"),
    ),
    Mutant(
        "a code that a row no longer gives ends though another one gives it",
        (Edit("hub/pulls/move.py", "    if others:\n", "    if others and not others:\n"),),
        (f"{STORE}pulls_codes_drawn.py", "-k", "sqlite"),
    ),
    Mutant(
        "a row whose codes tangled is not looked at when it says again what it said before",
        (
            Edit(
                "hub/pulls/merge.py",
                "        if known is not None:\n            merge_again(work, known)",
                "        if False:\n            merge_again(work, known)",
            ),
        ),
        (f"{STORE}pulls_codes_drawn.py", "-k", "sqlite"),
    ),
)
