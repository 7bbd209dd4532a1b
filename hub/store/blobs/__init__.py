"""Photos as files by digest: written whole before any row names them, and removed when no row ever came."""

from hub.store.blobs.keep import (
    KEY_BYTES,
    MOST_BYTES,
    Blob,
    attachment_key,
    attachment_url,
    blob_path,
    drop_leftovers,
    give_place,
    has_room,
    keep_blob,
    signature,
)
from hub.store.blobs.tidy import TIDY_EVERY, name_blob, tidy

__all__ = [
    "KEY_BYTES",
    "MOST_BYTES",
    "TIDY_EVERY",
    "Blob",
    "attachment_key",
    "attachment_url",
    "blob_path",
    "drop_leftovers",
    "give_place",
    "has_room",
    "keep_blob",
    "name_blob",
    "signature",
    "tidy",
]
