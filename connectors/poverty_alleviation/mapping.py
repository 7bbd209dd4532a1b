"""The files of this System: names, columns, cells, in GB18030. Pure: no I/O, no settings."""

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any

from hub.sdk import Intent, Misconfigured, Receipt, Refused, Unavailable

CHARSET = "gb18030"
BEIJING = timezone(timedelta(hours=8))
KEY, OPERATION, EARLIER = "流水号", "操作", "原受理编号"
COLUMNS = {
    "visit": {"户编号": "fileNumber", "走访时间": "visitTime", "走访人": "officer", "内容": "content"},
    "finding": {
        "户编号": "fileNumber",
        "发现时间": "foundTime",
        "报告人": "officer",
        "风险类型": "riskType",
        "说明": "description",
    },
}
OPERATIONS: Mapping[Intent, str] = {"create": "新增", "amend": "更正", "withdraw": "撤回"}
_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
# Excel runs a cell that starts so; `'` is in the list so that taking one `'` off always gives the text back.
_QUOTED = tuple("=+-@＝＋－＠'")


def upload_name(key: str) -> str:
    """Return the file name of a delivery: by its key alone, so that it can be asked for on any later day."""
    return f"{_stem(key)}.csv"


def result_name(key: str) -> str:
    """Return the name of the file that answers a delivery."""
    return f"{_stem(key)}.result.csv"


def _stem(key: str) -> str:
    return f"hub_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def upload(flow: str, intent: Intent, key: str, earlier: str, payload: Mapping[str, Any]) -> bytes:
    """Return a delivery as a file of one row."""
    columns = COLUMNS.get(flow)
    if columns is None:
        raise Misconfigured(f"flow {flow!r} has no file layout here; this System takes: {', '.join(COLUMNS)}")
    row = {KEY: key, **{title: payload.get(name) for title, name in columns.items()}}
    row |= {OPERATION: OPERATIONS[intent], EARLIER: earlier}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(row)
    writer.writerow([cell(title, value) for title, value in row.items()])
    return text.getvalue().encode(CHARSET)


def cell(title: str, value: object) -> str:
    """Return a value as one cell: no line break, no formula; what cannot be written whole is refused, never `?`."""
    text = _BREAKS.sub(" ", "" if value is None else str(value))
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise Refused(f"{title}: U+{ord(character):04X} cannot be written in a {CHARSET} file; remove it", "CELL")
    return f"'{text}" if text.lstrip().startswith(_QUOTED) else text


def verdict(result: bytes, key: str) -> Receipt:
    """Return the receipt a result file holds for a key; Refused carries its no, Unavailable a file to be mended."""
    try:
        rows = list(csv.DictReader(io.StringIO(result.decode(CHARSET), newline="")))
    except (UnicodeDecodeError, csv.Error) as failure:
        raise Unavailable(f"the result file cannot be read as {CHARSET} CSV") from failure
    # A row without a key is the System's verdict on the whole file, which holds this key alone.
    row = next((row for row in rows if row.get(KEY) in (key, "")), {})
    if row.get("结果") == "退回":
        raise Refused(row.get("原因") or "退回，未说明原因", code="退回")
    if row.get("结果") != "接收" or not row.get("受理编号"):
        raise Unavailable("the result file neither accepts with a number (受理编号) nor returns (退回) this delivery")
    return Receipt(row["受理编号"], message=row.get("原因") or "", answer=f"接收 {row['受理编号']}")
