"""What a Delivery becomes when the hub goes on from a copy: pure, one case after another."""

from dataclasses import dataclass

from hub.model.delivery import State
from hub.sdk import Capabilities

PUSHABLE = frozenset({State.WAITING, State.RETRY})


@dataclass(frozen=True)
class Change:
    """What is written to Deliveries that stood alike."""

    state: State
    due: bool | None = None
    """Due now (True), for a person only (False), or as it was (None)."""
    repeat: bool = False
    """Its effect may be there already."""
    told: bool = False
    """Whether the reason is written down for people."""


def after_restore(state: State, can: Capabilities, *, held: bool, probing: bool, transported: bool) -> Change | None:
    """Say what becomes of Deliveries of one System that stood like this in the copy; None: nothing.

    They may have been sent, confirmed or settled by a person after the copy was taken. With a key that is honoured they
    go again and nothing happens twice. Without, they are asked about or left to a person, never sent blindly.
    """
    if state is State.LEASED and probing:
        return Change(State.TRANSPORTED if transported else State.UNKNOWN, due=True, repeat=not transported)
    if state in PUSHABLE or state is State.LEASED:
        if can.honours_key:
            return Change(State.RETRY, due=True, repeat=True) if state is State.LEASED else Change(state, repeat=True)
        # One that waits its turn is not asked about: a no would send it before its turn.
        return Change(State.UNKNOWN, due=can.probes and not held, repeat=True, told=True)
    if state in {State.PARKED, State.MANUAL}:
        return Change(state, repeat=True, told=True)
    return None
