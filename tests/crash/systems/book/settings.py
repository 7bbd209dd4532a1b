"""Where the book is."""

from pydantic import BaseModel


class Settings(BaseModel):
    """Settings of one book."""

    base_url: str
    name: str
