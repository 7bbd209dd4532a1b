"""A Submission on its way in, before anything is made of it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from hub.catalog.contents import Form
from hub.intake.filled import Filled
from hub.intake.world import Before, World
from hub.model.people import Account, Proof


@dataclass(frozen=True)
class Arrival:
    """One Submission on its way in: who sent what, when, read against which world."""

    author: Account
    form: Form
    filled: Filled
    body: bytes
    world: World
    received_at: datetime
    proof: Proof | None = None
    """What the author showed when they began to send it."""
    before: Before | None = None
    """What it corrects."""

    @property
    def division(self) -> str:
        """Return where it belongs: where it was filled or, a correction, where the matter was made."""
        here = self.world.at(self.filled.place)
        return self.before.division if self.before else here.place.division if here else self.author.division

    @cached_property
    def submission_id(self) -> str:
        """Return the id it is kept under."""
        return self.filled.submission_id(self.author.id)

    @property
    def client_id(self) -> tuple[str, str]:
        """Return what it is known by before it is kept: whose it is, and its client id."""
        return self.author.id, self.filled.client_id
