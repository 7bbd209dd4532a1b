"""Sheets of codes: what is printed decodes to the token, and nothing else is on the paper."""

import re
import zlib
from functools import cache
from xml.etree import ElementTree as ET

import pytest
import qrcode
from qrcode.constants import ERROR_CORRECT_M

from hub.labels import CODE_MM, COLUMNS, MARGIN_MM, PAGE_MM, ROWS, matrix, sheet_pdf, sheet_svg

TOKENS = [f"tok_{n:02}-AbCdEf" for n in range(COLUMNS * ROWS + 1)]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def modules(content: str) -> list[list[bool]]:
    """A second, independent run of the encoder, without a quiet zone."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(content)
    code.make(fit=True)
    return [[bool(module) for module in row] for row in code.get_matrix()]


def inner(full: list[list[bool]]) -> list[list[bool]]:
    return [row[2:-2] for row in full[2:-2]]


def test_the_code_is_the_hubs_mark_and_the_token_and_nothing_more() -> None:
    assert inner(matrix("abc")) == modules("FO1:abc")
    assert inner(matrix("abc")) != modules("FO1:abd")
    edge = matrix("abc")
    assert not any(edge[0] + edge[1] + edge[-1] + edge[-2] + [row[0] or row[1] or row[-1] or row[-2] for row in edge])


def drawn(path: str, size: float, count: int) -> list[list[bool]]:
    """Read a drawn code back from the corners of its squares."""
    corners = [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h", path)]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    dark = {(round((y - top) / size), round((x - left) / size)) for x, y in corners}
    return [[(row, column) in dark for column in range(count)] for row in range(count)]


def test_every_square_of_the_svg_is_where_it_belongs() -> None:
    root = ET.fromstring(sheet_svg(TOKENS))
    paths, texts = root.findall(f"{SVG}path"), root.findall(f"{SVG}text")
    assert [text.text for text in texts] == TOKENS
    assert root.get("viewBox") == f"0 0 {PAGE_MM[0]} {PAGE_MM[1] * 2}"
    for token, path in zip(TOKENS, paths, strict=True):
        wanted = modules(f"FO1:{token}")
        assert drawn(path.get("d") or "", CODE_MM / (len(wanted) + 4), len(wanted)) == wanted
    last = float(texts[-1].get("y") or 0)
    assert last > PAGE_MM[1] + MARGIN_MM


def test_the_pdf_has_a_page_for_every_full_sheet_and_a_square_for_every_module() -> None:
    pdf = sheet_pdf(TOKENS)
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 2
    streams = [
        zlib.decompress(raw) for raw in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL) if raw[:1] == b"x"
    ]
    squares = sum(len(re.findall(rb" re f\b", stream)) for stream in streams)
    assert squares == sum(sum(map(sum, modules(f"FO1:{token}"))) for token in TOKENS)
    shown = b"".join(streams)
    assert all(f"({token})".encode() in shown for token in TOKENS)
    assert len(re.findall(rb"\(([^)]*)\) Tj", shown)) == len(TOKENS)


@pytest.mark.parametrize("count", [1, COLUMNS * ROWS])
def test_one_page_while_it_fits(count: int) -> None:
    assert f'height="{PAGE_MM[1]}mm"'.encode() in sheet_svg(TOKENS[:count])
    assert len(re.findall(rb"/Type /Page\b", sheet_pdf(TOKENS[:count]))) == 1
