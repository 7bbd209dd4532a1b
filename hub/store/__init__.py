"""The database: engine, the one writer, migrations; all queries live in `query`. Decides nothing."""

from sqlmodel import Session

from hub.store.engine import Store, open_store
from hub.store.trouble import Taken

__all__ = ["Session", "Store", "Taken", "open_store"]
