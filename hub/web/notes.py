"""What a receipt says that the hub found out by itself."""

import orjson

from hub.catalog import Messages
from hub.intake.figures import told
from hub.model.submission import Record
from hub.web.shapes import Text


def track_notes(record: Record, messages: Messages) -> list[Text]:
    """Return how long a Record's track is and what is odd about it; nothing where there is none."""
    if b'"track":' not in record.content:
        return []
    return [Text(**words) for words in told(orjson.loads(record.content)["track"], messages)]
