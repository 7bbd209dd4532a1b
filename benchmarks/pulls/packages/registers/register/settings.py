"""Settings of the made-up register."""

from pydantic import BaseModel


class Settings(BaseModel):
    """Which register this is, and the file that says how many households it has; none before there is one."""

    number: int
    size_file: str
