"""What connectors share for reads that change nothing: patience, access tokens, lists that move while they are read."""

from hub.sdk.reading.changes import Batch, Marks, read_changes
from hub.sdk.reading.patience import patiently
from hub.sdk.reading.progress import Progress
from hub.sdk.reading.rows import keyed_rows
from hub.sdk.reading.tokens import Token, TokenExpired, Tokens

__all__ = [
    "Batch",
    "Marks",
    "Progress",
    "Token",
    "TokenExpired",
    "Tokens",
    "keyed_rows",
    "patiently",
    "read_changes",
]
