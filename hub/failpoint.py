"""Named points at which tests stop the hub. Nothing here can be armed by a setting: only a test's own launcher does."""

from collections.abc import Callable

_act: Callable[[str], None] | None = None


def passing(name: str) -> None:
    """Say that the hub is at this point; in every build but a test's it does nothing."""
    if _act is not None:
        _act(name)


def arm(act: Callable[[str], None] | None) -> None:
    """Let `act` be called at every point; it may kill, raise or wait. For tests."""
    global _act  # noqa: PLW0603 - one switch a process
    _act = act
