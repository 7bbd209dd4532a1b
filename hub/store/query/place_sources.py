"""Which rows and codes stand on a Place, and what did before."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from hub.model.known import PlaceHistory, PullRow
from hub.model.place import Alias, Place

MOST_EARLIER = 100


@dataclass(frozen=True)
class Sources:
    """A Place with all that stands on it, and the latest of what did."""

    place: Place
    rows: Sequence[PullRow]
    codes: Sequence[Alias]
    history: Sequence[PlaceHistory]

    @property
    def keys(self) -> Mapping[tuple[str, str], str]:
        """Return the own number of each row as its System writes it, by System and the number as it is compared."""
        return {(code.issuer, code.code_key): code.code for code in self.codes}

    def people(self) -> set[str]:
        """Return whoever decided anything of it."""
        decided = {row.decided_by for row in self.rows} | {code.decided_by for code in self.codes}
        return (decided | {one.account_id for one in self.history}) - {""}


def of(session: Session, place_id: str) -> Sources | None:
    """Return what stands on a Place, by its id."""
    place = session.get(Place, place_id)
    if place is None:
        return None
    rows = select(PullRow).where(PullRow.place_id == place_id, col(PullRow.ended_at).is_(None))
    codes = select(Alias).where(Alias.place_id == place_id, col(Alias.ended_at).is_(None))
    history = select(PlaceHistory).where(PlaceHistory.place_id == place_id).order_by(col(PlaceHistory.id).desc())
    return Sources(
        place,
        session.exec(rows.order_by(col(PullRow.system), col(PullRow.pull), col(PullRow.row_key))).all(),
        session.exec(codes.order_by(col(Alias.issuer), col(Alias.code))).all(),
        session.exec(history.limit(MOST_EARLIER)).all(),
    )


def tell_of(session: Session, systems: Collection[str], place_ids: Collection[str]) -> bool:
    """Say whether one of these Systems has a row about one of these Places."""
    query = select(PullRow.place_id).where(
        col(PullRow.place_id).in_(sorted(place_ids)), col(PullRow.system).in_(sorted(systems))
    )
    return session.exec(query.limit(1)).first() is not None
