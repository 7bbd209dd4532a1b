"""Settings of a connector that is never sent anything."""

from pydantic import BaseModel


class Settings(BaseModel):
    """None."""
