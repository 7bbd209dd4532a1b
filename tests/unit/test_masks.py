"""What looks like a person's number is blanked however it is written; what is none stays."""

import time

import pytest

from hub.masks import masked

PERSONAL = {
    "an identity number": ("330799199001011239", "id-number"),
    "with blanks": ("330799 1990 0101 1239", "id-number"),
    "with dashes": ("330799-19900101-1239", "id-number"),
    "with dots": ("330799.1990.01.01.1239", "id-number"),
    "with every sign": ("330799　1990·0101—1239", "id-number"),
    "in full width": ("３３０７９９１９９００１０１１２３９", "id-number"),
    "half of it in full width": ("330799１９９００１０１1239", "id-number"),
    "with an X": ("33079919900101123X", "id-number"),
    "with a small x": ("33079919900101123x", "id-number"),
    "with an X in full width": ("３３０７９９ １９９０ ０１０１ １２３Ｘ", "id-number"),
    "with the X apart": ("330799 19900101 123 X", "id-number"),
    "digit by digit": ("3 3 0 7 9 9 1 9 9 0 0 1 0 1 1 2 3 9", "id-number"),
    "with a slip in it": ("330799199001011234", "id-number"),
    "of a child": ("330799201905011239", "id-number"),
    "of fifteen digits": ("330799600101123", "id-number"),
    "of fifteen digits in groups": ("330799 600101 123", "id-number"),
    "a phone": ("19900000101", "phone"),
    "a phone with dashes": ("199-0000-0101", "phone"),
    "a phone with dots": ("199.0000.0101", "phone"),
    "a phone with blanks": ("1990000 0101", "phone"),
    "a phone in full width": ("１９９－００００－０１０１", "phone"),
    "a phone with both": ("199-0000 ０１０１", "phone"),
    "a phone digit by digit": ("1-9-9-0-0-0-0-0-1-0-1", "phone"),
    "a phone with zero width signs": ("199\u200b0000\u200b0101", "phone"),
    "a landline": ("0579-86000000", "phone"),
    "a landline in brackets": ("0579）86000000", "phone"),
    "a landline glued": ("057986000000", "phone"),
    "a landline in groups": ("0579 8600 0000", "phone"),
    "a landline of a capital": ("010-62000000", "phone"),
    "a landline of seven digits": ("0917-3200000", "phone"),
    "a landline in full width": ("０５７９－８６００００００", "phone"),
    "a bank card": ("6222021234567890128", "card"),
    "a bank card in groups": ("6222 0212 3456 7890 128", "card"),
}  # fmt: skip
STAYS = [
    "S-20260105-7", "2026-01-05 12:00:00", "20260105120000", "2026.01.05", "2026年1月5日", "1764547200",
    "1764547200000",
    "1,395,791,234.00", "139,057,912.34", "139057912.34", "￥13905791.00", "120.23456789, 29.27654321", "4022",
    "330783005004", "330783-20260105-0001", "330783202601050001", "2026 1105 0000 0007", "1234567890123456789",
    "12345678901", "10.20.30.40:8080", "0198c1de-7c1e-7a01-9d3f-5f1d3a1f0c11", "000000001234567", "86000000",
    "330799199013011239", "999999199001011239", "3307991990010112391239", "1990000010", "199000001012",
    "6222021234567890123",
    "330799260101123", "编号 0579-20260105", "HTTP 500 2026-01-05 10 20 30",
]  # fmt: skip


@pytest.mark.fault("F88")
@pytest.mark.case("C66")
@pytest.mark.parametrize(("written", "kind"), PERSONAL.values(), ids=PERSONAL)
@pytest.mark.parametrize("around", ["{}", "户主 {} 重复", "tel:{}ok", "（{}）", "2026-01-05，{}，￥13.50", "\n{}\n"])
def test_numbers_of_people_are_blanked_however_they_are_written(written: str, kind: str, around: str) -> None:
    assert masked(around.format(written)) == around.format(f"[{kind}]")
    assert masked(around.format(written), "…") == around.format("…")


@pytest.mark.fault("F88")
@pytest.mark.case("C66")
@pytest.mark.parametrize("text", STAYS)
def test_what_is_nobodys_number_stays(text: str) -> None:
    assert masked(text) == text
    assert masked(f"单号{text}已有") == f"单号{text}已有"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("330724 1990 0101 1234", "[id-number]"),
        ("139-0579-1234", "[phone]"),
        ("+8619900000101", "+86[phone]"),
        ("+86 199 0000 0101", "+86 [phone]"),
        ("+86-579-86000000", "+86-[phone]"),
        ("0086 19900000101", "0086 [phone]"),
        ("(0579)86000000", "([phone]"),
        ("13800000000/0579-86000000", "[phone]/[phone]"),
        ("19900000101 19900000102", "[phone] [phone]"),
        ("1990000010119900000102", "[phone][phone]"),
        ("33079919900101123919900000101", "[id-number][phone]"),
        ("33079919900101123X19900000101", "[id-number][phone]"),
        ("057986000000转8012", "[phone]转8012"),
        ("19900000101.0", "[phone].0"),
        ("户 330799199001010014、19900000102 重复，代码 4022", "户 [id-number]、[phone] 重复，代码 4022"),
    ],
)
def test_a_text_keeps_all_that_is_not_a_persons(text: str, told: str) -> None:
    assert masked(text) == told


@pytest.mark.parametrize("piece", ["1", "1 ", "19900000101 ", "330799199001011239", "0579", "6222 "])
def test_a_text_four_times_as_long_takes_about_four_times_as_long(piece: str) -> None:
    short, long = (min(took_s(piece, length) for _ in range(3)) for length in (20_000, 80_000))
    assert long < 8 * short


def took_s(piece: str, length: int) -> float:
    text = piece * (length // len(piece))
    began = time.thread_time()
    masked(text)
    return time.thread_time() - began
