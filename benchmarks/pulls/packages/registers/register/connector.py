"""Makes rows of households as they are asked for: five values and three codes each, always the same ones."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

from hub.sdk import Capabilities, Outgoing, Page, Receipt

PAGE = 1_000
VILLAGES = 400


class Connector:
    """Reads everything at every pull, and says so."""

    capabilities: ClassVar[Capabilities] = Capabilities(honours_key=True, sources=("households",))

    def __init__(self, settings: Any, _doors: Any) -> None:  # noqa: ANN401 - as any hub gives them
        self._settings = settings

    async def check(self) -> str:
        return "made up"

    async def push(self, outgoing: Outgoing) -> Receipt:
        raise NotImplementedError

    async def probe(self, key: str) -> Receipt | None:
        raise NotImplementedError

    async def pull(self, _source: str, _cursor: str) -> AsyncIterator[Page]:
        households = self._households()
        if not households:
            yield Page((), "")
        for start in range(0, households, PAGE):
            numbers = range(start, min(start + PAGE, households))
            yield Page(tuple(map(self._row, numbers)), "", complete=numbers.stop == households)

    def _households(self) -> int:
        file = Path(self._settings.size_file)
        return int(file.read_text()) if file.exists() else 0

    def _row(self, number: int) -> dict[str, object]:
        return {
            "code": f"R{self._settings.number}-{number:06}",
            "village": f"330783{number % VILLAGES:06}",
            "address": f"幸福路{number}号",
            "head": f"陈{number}",
            "phone": f"199{number:08}",
            "members": number % 7 + 1,
            "income": 10_000 + number,
            "plates": [{"by": "police", "text": f"P{number:07}"}, {"by": "civil", "text": f"C{number:07}"}],
        }
