"""Whether who began something may still finish it: judged in the transaction that writes, whatever took so long."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from hub.errors import Problem
from hub.model.people import Account, Proof
from hub.store.query.people.signing import session_accounts, token_accounts

_ASKED = {"session": session_accounts, "token": token_accounts}
_REACH = ("role", "division", "department", "must_change_password")
"""What a person may do follows from these; a plan made for others must not be carried out."""


def no_longer(session: Session, proofs: Sequence[Proof]) -> list[Problem | None]:
    """Return for each why it does not hold any more, None where it does; one look at each table, however many they are.

    Whoever changes an account waits until this transaction ends, and this one has waited for whoever was changing it.
    """
    _lock(session, {proof.account.id for proof in proofs})
    now = dict[tuple[str, str], Account | None]()
    for how, ask in _ASKED.items():
        shown = {proof.digest: proof.at for proof in proofs if proof.how == how}
        now |= zip(((how, digest) for digest in shown), ask(session, [*shown.items()]), strict=True) if shown else ()
    return [_fault(proof, now[proof.how, proof.digest]) for proof in proofs]


def demand_standing(session: Session, proof: Proof) -> None:
    """Raise Problem when what somebody showed does not hold any more."""
    for fault in no_longer(session, [proof]):
        if fault is not None:
            raise fault


def _lock(session: Session, account_ids: set[str]) -> None:
    """On SQLite whoever writes is alone already."""
    if session.get_bind().dialect.name == "postgresql":
        asked = select(col(Account.id)).where(col(Account.id).in_(account_ids)).order_by(col(Account.id))
        session.connection().execute(asked.with_for_update(read=True)).all()


def _fault(proof: Proof, account: Account | None) -> Problem | None:
    if account is None:
        return Problem("auth.required", 401)
    if any(getattr(account, name) != getattr(proof.account, name) for name in _REACH):
        return Problem("auth.changed", 409)
    return None
