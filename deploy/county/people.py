"""Invented people: names from common surnames, id numbers of a county that does not exist, phones of nobody."""

from datetime import date
from random import Random

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢唐许韩冯邓曹彭曾"
GIVEN = "建国华明丽秀英芳桂兰玉梅春燕志强海平文军晓红小云美玲金凤立新永林宝根水生雪松月娟"
UNASSIGNED_COUNTY = "330799"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def full_name(random: Random, surname: str = "") -> str:
    """Return a surname and one or two common characters."""
    given = "".join(random.sample(GIVEN, random.choice((1, 2, 2, 2))))
    return (surname or random.choice(SURNAMES)) + given


def id_number(born_on: date, order: int) -> str:
    """Return a number that passes every check and that nobody holds: GB 11643-1999, unassigned county code."""
    body = f"{UNASSIGNED_COUNTY}{born_on:%Y%m%d}{order % 1000:03d}"
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True))
    return body + "10X98765432"[total % 11]


def phone(index: int) -> str:
    """Return one of a thousand numbers kept for inventions."""
    return f"19900000{index % 1000:03d}"


def family(random: Random, head: str, size: int) -> list[dict[str, str]]:
    """Return the head and `size - 1` relatives, the oldest generation first after the spouse."""
    relations = ["户主", "配偶", *random.sample(("父亲", "母亲", "儿子", "女儿", "孙子", "孙女"), 6)][:size]
    return [_member(random, head, relation) for relation in relations]


def _member(random: Random, head: str, relation: str) -> dict[str, str]:
    years = {"父亲": 1944, "母亲": 1946, "儿子": 1995, "女儿": 1997, "孙子": 2018, "孙女": 2020}
    born_on = date(years.get(relation, 1968) + random.randrange(4), random.randrange(1, 13), random.randrange(1, 29))
    male = relation in {"父亲", "儿子", "孙子"} or (relation == "户主" and random.choice((True, False)))
    order = random.randrange(0, 998, 2) + (1 if male else 0)
    name = head if relation == "户主" else full_name(random, "" if relation in {"配偶", "母亲"} else head[0])
    return {"name": name, "relation": relation, "idNumber": id_number(born_on, order)}
