"""Which database, and which names in it: what settings may say. Connects to nothing, loads no driver."""

import re
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlsplit

from hub.sdk.errors import Misconfigured

NAME: Final = r"^[^\W\d][\w$#]{0,62}$"
"""A column's name. It is quoted as written, so that upper and lower case count."""
TABLE: Final = r"^([^\W\d][\w$#]{0,62}\.)?[^\W\d][\w$#]{0,62}$"
"""A table's name, its schema before it where that is not the account's own."""
URL: Final = r"^[a-z][a-z0-9+]*://(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9._-]+):[0-9]{1,5}/[^\W\d][\w$-]*$"
"""`postgresql://host:port/database`; user and password are settings of their own, and it can say nothing else."""


@dataclass(frozen=True)
class TableAddress:
    """Where rows go, as whom, and who vouches for the machine there."""

    scheme: str
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    authority: str = ""
    """PEM file of the authority whose certificate the database must show; empty: the line is not encrypted."""

    @classmethod
    def parse(cls, url: str, user: str, password: str, authority: str = "") -> Self:
        """Make it from settings; Misconfigured says how a URL must look."""
        if not re.fullmatch(URL, url):
            raise Misconfigured("the URL is not scheme://host:port/database with nothing before or after that")
        split = urlsplit(url)
        return cls(split.scheme, split.hostname or "", split.port or 0, split.path[1:], user, password, authority)

    @property
    def place(self) -> str:
        """Its name for people."""
        return f"{self.host}:{self.port}/{self.database}"
