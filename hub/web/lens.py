"""What views are drawn with: names and words, and what the reader's role may see of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from hub.catalog import Catalog
from hub.errors import Phrase
from hub.masks import masked
from hub.model.delivery import Delivery, Skip
from hub.model.people import Role
from hub.systems import Registry
from hub.web.shapes import Text

SEES_VALUES = frozenset({Role.STAFF, Role.LEADER})
SEES_REASONS = SEES_VALUES | {Role.DEPARTMENT_ADMIN}
"""Others read a System's words with the numbers of people blanked: it may quote what was sent (A25)."""
MENDS_WIRING = frozenset({Role.DEPARTMENT_ADMIN, Role.OPERATOR})
"""Who reads which field of the wiring is at fault; to others it says nothing, and is not theirs to mend."""
BLANK = "…"
"""What people read in place of a number of a person."""
SEES_HOLDERS = frozenset({Role.DEPARTMENT_ADMIN, Role.OPERATOR})
_CODE = re.compile(r"^(\[[^\[\]\s]{1,40}\]\s*)?([A-Z][A-Z0-9_]{2,39}[:：]\s*)?")
"""A System's error code before its words, and the code's own name: for those who can look it up."""


@dataclass(frozen=True)
class Lens:
    """What a view is drawn with: names and words, and whose eyes it is for."""

    catalog: Catalog
    registry: Registry
    role: Role
    durable: bool = True
    """Whether what is answered was flushed before (HUB_DURABILITY)."""

    def rank(self, row: Delivery | Skip) -> tuple[int, str]:
        """Return where a flow stands in the wiring, so that every page lists Systems in one order."""
        return self._ranks.get(row.system, len(self._ranks)), row.flow

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.registry.systems)}

    def names(self, system: str) -> Text:
        """Return a System's title; one no longer wired keeps its name."""
        return self._names.get(system) or Text(zh=system, en=system)

    @cached_property
    def _names(self) -> dict[str, Text]:
        return {name: Text(**system.title) for name, system in self.registry.systems.items()}

    def says(self, key: str, **params: object) -> Text:
        """Return one of our texts."""
        return Text(**self.catalog.messages.both(key, **params))

    def ask(self, known: Mapping[str, Phrase], about: str) -> Text | None:
        """Return whom to ask about something that waits for a person, where that is known."""
        phrase = known.get(about)
        return None if phrase is None else self.says(phrase.key, **phrase.params)

    def told(self, reason: str) -> str:
        """Return a System's words for this reader: codes are for administrators, numbers for its own people."""
        if self.role in SEES_VALUES:
            return _CODE.sub("", reason, count=1)
        return reason if self.role in SEES_REASONS else masked(reason, BLANK)

    def stands(self, key: str, system: str, number: str, reason: str) -> Text:
        """Return how a Delivery stands with a System; what quotes no word of the System's is made once."""
        if number or reason:
            return self.says(key, system=vars(self.names(system)), number=number, reason=reason.rstrip("。."))
        if (key, system) not in self._unquoted:
            self._unquoted[key, system] = self.says(key, system=vars(self.names(system)), number="", reason="")
        return self._unquoted[key, system]

    @cached_property
    def _unquoted(self) -> dict[tuple[str, str], Text]:
        return {}
