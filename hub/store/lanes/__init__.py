"""How work reaches the database in groups: the one writer, and the reader of questions many ask at once."""

from hub.store.lanes.reader import Reader
from hub.store.lanes.writer import Writer

__all__ = ["Reader", "Writer"]
