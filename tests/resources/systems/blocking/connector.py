"""Blocks the event loop at its first push, as a driver does that waits for its answer without giving way."""

import json
import time

from hub.sdk import Outgoing, Receipt
from hub.sdk.doors import Doors
from tests.fifth.ledger.connector import Connector as Ledger
from tests.resources.systems.blocking.settings import Settings


class Connector(Ledger):
    """One ledger."""

    def __init__(self, settings: Settings, doors: Doors) -> None:
        super().__init__(settings, doors)
        self._settings, self._blocks = settings, True

    async def push(self, outgoing: Outgoing) -> Receipt:
        if self._blocks:
            self._blocks = False
            self._block()
        return await super().push(outgoing)

    def _block(self) -> None:
        began = time.time()
        time.sleep(self._settings.block_s)
        self._settings.notes.write_text(json.dumps([began, time.time()]))
