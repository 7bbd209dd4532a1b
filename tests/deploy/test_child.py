"""Child processes of the demo: ready when they say so, heard when they fail, stopped by their own id."""

import socket
import sys
from pathlib import Path

import pytest

from deploy.county.child import NotStarted, require_free, start_child, stop_children


def test_waits_for_the_word_and_stops_the_child(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = start_child("one", [sys.executable, "-uc", "print('ready now')\nimport signal\nsignal.pause()"], log)
    try:
        said = child.wait_until(lambda: "yes" if "ready" in log.read_text() else None, 20)
        assert said == "yes"
        assert child.process.poll() is None
    finally:
        stop_children({"one": child})
    assert child.process.poll() is not None


def test_a_child_that_fails_is_quoted(tmp_path: Path) -> None:
    child = start_child("two", [sys.executable, "-c", "raise SystemExit('port 9101 is taken')"], tmp_path / "log")
    with pytest.raises(NotStarted, match="two ended with code 1: port 9101 is taken"):
        child.wait_until(lambda: None, 20)


def test_a_silent_child_is_not_waited_for_forever(tmp_path: Path) -> None:
    child = start_child("three", [sys.executable, "-c", "import signal; signal.pause()"], tmp_path / "log")
    try:
        with pytest.raises(NotStarted, match="three was not ready after 0 s"):
            child.wait_until(lambda: None, 0.2)
    finally:
        child.stop()


def test_nothing_starts_where_somebody_else_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(NotStarted, match=rf"port {port} is taken .*; use --port"):
            require_free(port, "use --port")
    require_free(port, "use --port")
