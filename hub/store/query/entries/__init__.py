"""Entries by hand: who has one, which late ones are pressed for, and what a page shows of both."""

from hub.store.query.entries.aside import Aside, asides
from hub.store.query.entries.reminders import (
    Late,
    add_reminders,
    close_reminders,
    late_counts,
    unended_reminders,
    unreminded,
)
from hub.store.query.entries.takes import (
    Holder,
    follow_clock,
    forget_takes,
    give_back,
    holders,
    is_corrected,
    let_go,
    take,
)

__all__ = [
    "Aside",
    "Holder",
    "Late",
    "add_reminders",
    "asides",
    "close_reminders",
    "follow_clock",
    "forget_takes",
    "give_back",
    "holders",
    "is_corrected",
    "late_counts",
    "let_go",
    "take",
    "unended_reminders",
    "unreminded",
]
