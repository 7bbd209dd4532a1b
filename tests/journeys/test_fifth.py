"""A fifth kind of System: one folder outside the hub and its lines in connectors.yaml."""

import asyncio
import json

from tests.fifth.ledger_world import LEDGERS, Ledgers, wiring
from tests.journeys import visits
from tests.journeys.ledgers import hung_up
from tests.journeys.process import Hub
from tests.journeys.world import World, add_system, has_ended, sent_to

NAME = LEDGERS[0]


async def test_a_fifth_system_needs_no_edit_of_the_hub(world: World, spare_hub: Hub) -> None:
    async with Ledgers() as ledgers:
        add_system(spare_hub, NAME, wiring(ledgers.port)["systems"][NAME])
        spare_hub.told = {**spare_hub.told, "CONNECTOR_PACKAGES": '["connectors","tests.fifth"]'}
        # The ledger answers from this loop, so the people wait in a thread.
        key = await asyncio.to_thread(tell, World(world.county, spare_hub))
        await hung_up()
    assert dict(ledgers.seen[NAME]) == {key: 1}
    (body,) = ledgers.bodies[key]
    assert json.loads(body)["category"] == "dispute"


def tell(world: World) -> str:
    """Report a dispute, which no other System takes; return the key of its delivery."""
    world.hub.serve()
    try:
        officer = world.person("officer")
        view = officer.watch(officer.submit(visits.report("两家为水渠争执。", "dispute")), has_ended)
        one = sent_to(view, NAME)
        assert (one["state"], one["number"]) == ("delivered", f"{NAME}-1")
        assert {skip["system"] for record in view["records"] for skip in record["skipped"]} >= {"river-patrol"}
        assert len(world.person("operator").get("systems")) == 5
        return str(world.person("operator").get(f"deliveries/{one['id']}")["key"])
    finally:
        world.part()
        world.hub.stop()
