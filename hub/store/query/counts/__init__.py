"""How many there are: what stands open is counted where it stands, what only grows is counted once."""

from hub.store.query.counts.standing import Counts, delivery_counts, open_counts, withdrawn_count
from hub.store.query.counts.totals import Advance, Gone, add_cancelled, advance, count_gone, keep, totals

__all__ = [
    "Advance",
    "Counts",
    "Gone",
    "add_cancelled",
    "advance",
    "count_gone",
    "delivery_counts",
    "keep",
    "open_counts",
    "totals",
    "withdrawn_count",
]
