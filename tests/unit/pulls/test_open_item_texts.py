"""Every kind of open item has a name for people and says what to do about it, in both languages."""

import pytest

from hub.model.open_item import ItemKind
from tests.some_connectors.county import files


@pytest.mark.parametrize("kind", ItemKind)
def test_every_kind_has_a_name_and_a_remedy(kind: ItemKind) -> None:
    for key in (f"open_item.kind.{kind}", f"open_item.kind.{kind}.remedy"):
        assert all(files()[0].messages.both(key).values())
