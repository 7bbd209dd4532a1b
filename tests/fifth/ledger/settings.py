"""Where the ledger is."""

from pydantic import BaseModel


class Settings(BaseModel):
    """Settings of one ledger."""

    base_url: str
