"""The sentences that say how a Delivery stands: one for every state, in both languages, with nothing left open."""

from datetime import UTC, datetime

import pytest

from hub.catalog import Catalog
from hub.model import Delivery
from hub.model.delivery import LOST_THERE, NEVER_SENT, NOTHING_THERE, State
from hub.model.people import Role
from hub.systems import Registry
from hub.web.lens import Lens
from hub.web.views import delivery_view, latest, says_key

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def delivery(state: State, **changed: object) -> Delivery:
    values = {
        "key": "k", "record_id": "r", "record_key": "r", "record": "visit/v1", "revision": 1, "intent": "create",
        "system": "garbage-scoring", "flow": "visit", "flow_version": "1", "payload": b"{}", "digest": "d",
        "account_id": "a", "division": "330783005004", "state": state, "created_at": AT,
    }  # fmt: skip
    return Delivery(**(values | changed))


@pytest.fixture
def lens(files: tuple[Catalog, Registry]) -> Lens:
    return Lens(*files, Role.STAFF)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("reason", ["", "对方说不行。"])
@pytest.mark.parametrize("intent", ["create", "amend", "withdraw"])
def test_every_state_has_its_sentence(lens: Lens, state: State, reason: str, intent: str) -> None:
    view = delivery_view(delivery(state, reason=reason, intent=intent, remote_id="S-7"), lens)
    for words, system in ((view.says.zh, "东阳考垃"), (view.says.en, "Garbage scoring")):
        assert system in words
        assert not {"{", "}", "（）", "()"} & set(words.split())
        assert "（）" not in words
    assert view.says.zh.startswith({"create": "", "amend": "更正", "withdraw": ""}[intent])
    assert ("撤回" in view.says.zh) == (intent == "withdraw")
    assert "。。" not in view.says.zh
    assert ("S-7" in view.says.zh) == (state is State.DELIVERED)


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (delivery(State.WAITING, after_id="x"), "delivery.says.held"),
        (delivery(State.WAITING, after_id="x", due_at=AT), "delivery.says.waiting"),
        (delivery(State.DELIVERED), "delivery.says.delivered_unnumbered"),
        (delivery(State.UNKNOWN), "delivery.says.unknown_stuck"),
        (delivery(State.UNKNOWN, due_at=AT), "delivery.says.unknown"),
        (delivery(State.TRANSPORTED, due_at=AT), "delivery.says.transported"),
        (delivery(State.PARKED, reason=LOST_THERE), "delivery.says.lost"),
        (delivery(State.CANCELLED, reason=NEVER_SENT), "delivery.says.never_sent"),
        (delivery(State.CANCELLED, reason=NOTHING_THERE), "delivery.says.nothing_there"),
    ],
)
def test_the_same_state_may_mean_different_things_to_a_person(row: Delivery, key: str) -> None:
    assert says_key(row, "") == key


def test_a_system_no_longer_wired_keeps_its_name(lens: Lens) -> None:
    view = delivery_view(delivery(State.PARKED, system="long-gone"), lens)
    assert (view.title.zh, view.simulated) == ("long-gone", False)


def test_the_newest_revision_of_each_flow_counts() -> None:
    first, second = delivery(State.DELIVERED), delivery(State.WAITING, revision=2)
    other = delivery(State.WAITING, flow="other")
    assert latest([first, other, second]) == [second, other]
