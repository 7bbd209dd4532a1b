"""Where the ledger is, and where the connector notes when it blocks."""

from pathlib import Path

from tests.fifth.ledger.settings import Settings as LedgerSettings


class Settings(LedgerSettings):
    """Settings of one ledger."""

    block_s: float
    notes: Path
