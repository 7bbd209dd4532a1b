"""After a restore: what becomes of Deliveries that may have been sent after the copy was taken (F26)."""

from hub.outbox.epoch.reckon import Reckoned, reckon

__all__ = ["Reckoned", "reckon"]
