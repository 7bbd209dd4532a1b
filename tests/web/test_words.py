"""What officers read about a Delivery or an Issue that waits for somebody: who that is, and nothing that is not so."""

from typing import Any

import pytest
from sqlmodel import Session, col, select, update

from hub.model import Account, Delivery, SystemState
from hub.model.delivery import LOST_THERE, State
from tests.web.conftest import Site

URL = "/api/v1/submissions"
BIN, RIVER = "garbage-scoring", "river-patrol"
ANSWERS_FOR_IT = "这一份由{name}处理，电话 {phone}。"


async def put(site: Site, system: str, state: State, **values: object) -> None:
    """Bring the System's one Delivery into a state, as the outbox would."""

    def write(session: Session) -> None:
        row = session.exec(select(Delivery).where(Delivery.system == system)).one()
        row.sqlmodel_update({"state": state, "due_at": None, **values})
        session.add(row)

    await site.store.write(write)


async def change(site: Site, login: str, **values: object) -> None:
    """Change somebody's account behind the hub's back."""
    await site.store.write(
        lambda session: (
            session.connection().execute(update(Account).where(col(Account.login) == login).values(values)) and None
        )
    )


async def shown(site: Site, submitted: dict[str, Any], system: str, login: str = "ada") -> dict[str, Any]:
    """The System's row of the receipt, as this person reads it."""
    view = (await (await site.client(login)).get(f"{URL}/{submitted['id']}")).json()
    found: dict[str, Any] = next(d for r in view["records"] for d in r["deliveries"] if d["system"] == system)
    return found


@pytest.mark.case("C44")
@pytest.mark.parametrize("code", ["[FAIL] ", "[42202] ", "[DUP]", "[4022] DATA_REFUSE：", "[退回] ", ""])
async def test_a_systems_error_code_is_for_administrators(site: Site, submitted: dict[str, Any], code: str) -> None:
    said = f"{code}编码不存在"
    await put(site, BIN, State.PARKED, reason=said)
    mine, theirs = await shown(site, submitted, BIN), await shown(site, submitted, BIN, "dan")
    assert (mine["reason"], mine["says"]["zh"]) == ("编码不存在", "东阳考垃没有接收：编码不存在。")
    assert theirs["reason"] == said
    assert said in theirs["says"]["zh"]


@pytest.mark.case("C44")
@pytest.mark.parametrize("said", ["编码[KL 01]不存在", "[请 核对] 后再报", "ID 不存在"])
async def test_words_that_are_no_code_stay(site: Site, submitted: dict[str, Any], said: str) -> None:
    await put(site, BIN, State.PARKED, reason=said)
    assert (await shown(site, submitted, BIN))["reason"] == said


@pytest.mark.case("C44")
@pytest.mark.parametrize(
    ("state", "reason"),
    [(State.PARKED, "不收"), (State.PARKED, LOST_THERE), (State.UNKNOWN, ""), (State.MANUAL, "")],
)
async def test_who_can_do_something_is_named_with_a_number(
    site: Site, submitted: dict[str, Any], state: State, reason: str
) -> None:
    await put(site, BIN, state, reason=reason)
    row = await shown(site, submitted, BIN)
    assert row["ask"]["zh"] == ANSWERS_FOR_IT.format(name="名dan", phone="19900000001")
    assert "管理员" not in row["says"]["zh"]
    assert "名dan" in row["ask"]["en"]
    assert (await shown(site, submitted, RIVER))["ask"] is None, "nobody is needed there"


@pytest.mark.case("C44")
async def test_without_a_department_the_operator_is_named_and_else_nobody(
    site: Site, submitted: dict[str, Any]
) -> None:
    await put(site, BIN, State.PARKED, reason="不收")
    await change(site, "dan", disabled_at=site.parts.clock.now())
    await change(site, "opal", phone="")
    assert (await shown(site, submitted, BIN))["ask"]["zh"] == "这一份由名opal处理。"
    await change(site, "opal", division="330700000000", disabled_at=site.parts.clock.now())
    assert (await shown(site, submitted, BIN))["ask"]["zh"] == "还没有登记由谁处理，请告诉本单位管一填通的同事。"


@pytest.mark.case("C44")
async def test_the_nearest_of_a_department_is_named(site: Site, submitted: dict[str, Any]) -> None:
    await put(site, RIVER, State.PARKED, reason="不收")
    await change(site, "dan", department="water-bureau", division="330783005000", phone="19900000077")
    assert (await shown(site, submitted, RIVER))["ask"]["zh"] == ANSWERS_FOR_IT.format(
        name="名dan", phone="19900000077"
    )
    await change(site, "dan", division="330783123000")
    assert "名wes" in (await shown(site, submitted, RIVER))["ask"]["zh"], "another town's is not theirs to ask"


@pytest.mark.case("C44")
@pytest.mark.parametrize("login", ["dan", "opal", "bea"])
async def test_who_settles_it_or_reads_no_values_is_not_sent_to_anybody(
    site: Site, submitted: dict[str, Any], login: str
) -> None:
    await put(site, BIN, State.PARKED, reason="不收")
    assert (await shown(site, submitted, BIN, login))["ask"] is None


@pytest.mark.case("C44")
@pytest.mark.parametrize("state", [State.WAITING, State.RETRY])
async def test_while_a_system_is_paused_nothing_is_said_to_come_soon(
    site: Site, submitted: dict[str, Any], state: State
) -> None:
    await put(site, BIN, state)
    assert "很快" not in (await shown(site, submitted, BIN))["says"]["zh"]
    await site.store.write(lambda session: session.add(SystemState(system=BIN, paused_reason="401 wrong secret")))
    row = await shown(site, submitted, BIN)
    assert row["says"]["zh"] == "东阳考垃暂停接收，恢复后自动发送，不用重填。"
    assert row["paused"] is True
    assert (await shown(site, submitted, "household-visit"))["paused"] is False
    listed = (await (await site.client("ada")).get("/api/v1/deliveries")).json()
    assert {one["says"]["zh"] for one in listed if one["system"] == BIN} == {row["says"]["zh"]}


@pytest.mark.case("C44")
async def test_what_has_ended_is_told_as_ever_while_its_system_is_paused(site: Site, submitted: dict[str, Any]) -> None:
    await put(site, BIN, State.DELIVERED, remote_id="KL1")
    await site.store.write(lambda session: session.add(SystemState(system=BIN, paused_reason="401 wrong secret")))
    assert (await shown(site, submitted, BIN))["says"]["zh"] == "东阳考垃已接收，编号 KL1。"


@pytest.mark.case("C44")
async def test_a_finding_says_who_handles_it(site: Site, submitted: dict[str, Any]) -> None:
    async def finding(*, taker: bool = False) -> dict[str, Any]:
        view = (await (await site.client("ada")).get(f"{URL}/{submitted['id']}")).json()
        found: dict[str, Any] = next(r["issue"] for r in view["records"] if r["issue"] and r["taker"] is taker)
        return found

    issue = await finding()
    assert (await finding(taker=True))["ask"] is None, "a System has it, and its row says so"
    assert (issue["assignee"], issue["ask"]["zh"]) == (None, "还没有人接办，可以找名lea，电话 19900000001。")
    lea = await site.client("lea")
    body = {"to": "assigned", "assignee": "cy", "note": ""}
    assert (await lea.post(f"/api/v1/issues/{issue['id']}/steps", json=body)).status_code == 200
    issue = await finding()
    assert (issue["state"], issue["assignee"], issue["ask"]) == ("assigned", "名cy", None)


@pytest.mark.case("C44")
async def test_who_may_not_do_something_is_told_who_to_ask(site: Site, submitted: dict[str, Any]) -> None:
    ada = await site.client("ada")
    refused = (await ada.get("/api/v1/systems")).json()
    assert refused["detail"] == "您的账号不能做这件事。请找名opal，电话 19900000001。"
    assert "名opal" in refused["en"]["detail"]
    issue = next(r["issue"] for r in submitted["records"] if r["issue"])
    step = await ada.post(f"/api/v1/issues/{issue['id']}/steps", json={"to": "assigned", "assignee": "cy", "note": ""})
    assert step.json()["detail"] == "您的账号不能做这件事。请找名lea，电话 19900000001。"
    await change(site, "opal", disabled_at=site.parts.clock.now())
    assert (await ada.get("/api/v1/systems")).json()["detail"].endswith("请找本单位管一填通的同事。")
