"""Printable sheets of Place codes, SVG or PDF. A label carries an opaque token: no name, no address, no division."""

from collections.abc import Sequence
from io import BytesIO

import qrcode
from fpdf import FPDF
from qrcode.constants import ERROR_CORRECT_M

from hub.model.place import CODE_PREFIX

COLUMNS, ROWS = 4, 6
CELL_MM, CODE_MM, MARGIN_MM = 47.0, 38.0, 11.0
PAGE_MM = (210.0, 297.0)
CAPTION_POINTS = 7
Matrix = list[list[bool]]


def matrix(token: str) -> Matrix:
    """Return the modules of a token's code, quiet zone included."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=2)
    code.add_data(CODE_PREFIX + token)
    code.make(fit=True)
    return [[bool(module) for module in row] for row in code.get_matrix()]


def _spots(tokens: Sequence[str]) -> list[tuple[str, float, float]]:
    """Return each token with the corner of its cell on its page, in mm."""
    return [
        (token, MARGIN_MM + (index % COLUMNS) * CELL_MM, MARGIN_MM + (index // COLUMNS) % ROWS * CELL_MM)
        for index, token in enumerate(tokens)
    ]


def sheet_pdf(tokens: Sequence[str]) -> bytes:
    """Return A4 pages of codes."""
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(auto=False)
    pdf.set_font("helvetica", size=CAPTION_POINTS)
    for index, (token, x, y) in enumerate(_spots(tokens)):
        if index % (COLUMNS * ROWS) == 0:
            pdf.add_page()
        modules = matrix(token)
        size = CODE_MM / len(modules)
        for row, line in enumerate(modules):
            for column, dark in enumerate(line):
                if dark:
                    pdf.rect(x + column * size, y + row * size, size, size, style="F")
        pdf.text(x + size * 2, y + CODE_MM + 3, token)
    return bytes(pdf.output())


def sheet_svg(tokens: Sequence[str]) -> bytes:
    """Return all pages of codes as one tall SVG, in mm."""
    pages = -(-len(tokens) // (COLUMNS * ROWS))
    body = BytesIO()
    width, height = PAGE_MM[0], PAGE_MM[1] * pages
    size = f'width="{width}mm" height="{height}mm" viewBox="0 0 {width} {height}"'
    body.write(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'.encode())
    for index, (token, x, y) in enumerate(_spots(tokens)):
        top = y + index // (COLUMNS * ROWS) * PAGE_MM[1]
        body.write(_svg_code(token, x, top).encode())
    body.write(b"</svg>")
    return body.getvalue()


def _svg_code(token: str, x: float, y: float) -> str:
    modules = matrix(token)
    size = CODE_MM / len(modules)
    path = "".join(
        f"M{x + column * size:.2f} {y + row * size:.2f}h{size:.2f}v{size:.2f}h-{size:.2f}z"
        for row, line in enumerate(modules)
        for column, dark in enumerate(line)
        if dark
    )
    return f'<path d="{path}"/><text x="{x + size * 2:.2f}" y="{y + CODE_MM + 3:.2f}" font-size="2.4">{token}</text>'
