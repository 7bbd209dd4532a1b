"""Reads the list of bins, whose changes are numbered. Asks, but does no I/O itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from hub.sdk import Page, Unavailable
from hub.sdk.reading import Batch, Progress, keyed_rows

KEY: Final = "binCode"


class Bins(BaseModel):
    """A page of bins in the order of their change; each is judged by itself."""

    rows: list[Any] = Field(alias="list")
    next: Annotated[int | None, BeforeValidator(lambda text: None if text == "" else text)]
    """The change number of the last of them."""
    more: bool
    newest: int | None = None
    """The greatest change number it has given so far."""
    total: int = Field(ge=0)
    """Bins in use."""

    @property
    def ahead(self) -> str:
        """What to say of a change that cannot have happened yet."""
        if self.next is None or self.newest is None or self.next <= self.newest:
            return ""
        return f"a bin has the change number {self.next}, the newest the System has given is {self.newest}"

    @property
    def mark(self) -> int | None:
        """The last change on the page that can have happened; on the last page, the newest there is."""
        if self.newest is None or (self.more and not self.ahead):
            return self.next
        return self.newest


def bins_of(data: object) -> Bins:
    """Check an answer against the shape the vendor documents; another shape is no answer."""
    try:
        return Bins.model_validate(data)
    except ValidationError as failure:
        where = failure.errors(include_url=False, include_input=False)[0]
        raise Unavailable(f"/bins: an answer of another shape: {where['loc']} {where['msg']}") from failure


Ask = Callable[[int], Awaitable[tuple[Bins, datetime | None]]]
"""Gives the page after a change number, and the System's own time."""


async def read_bins(ask: Ask, change: int | None) -> AsyncIterator[Batch[int]]:
    """Yield the bins that changed after a number, or all; one that changes meanwhile comes again at the end."""
    keys, vouched, progress, after, more = set[int](), change is None, Progress("bins"), change or 0, True
    while more:
        page, as_of = await ask(after)
        rows, left_out = keyed_rows(page.rows, KEY)
        after, more = page.next or after, page.more
        in_use = tuple(row for row in rows if row.get("removed") is not True)
        gone = tuple(str(row[KEY]) for row in rows if row.get("removed") is True)
        keys.update(hash(str(row[KEY])) for row in in_use)
        keys.difference_update(map(hash, gone))
        vouched = vouched and not left_out
        complete = vouched and not more and len(keys) >= page.total
        yield Batch(Page(in_use, "", as_of, complete, left_out, gone, page.ahead), page.mark)
        if more:
            progress.step(after, len(page.rows))
