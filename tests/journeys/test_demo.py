"""`hub demo`: the whole story as a newcomer runs it, on its fixed ports; a second start is quick."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.county.child import NotStarted, require_free
from deploy.county.systems import PAGE_PORT, PORTS
from tests.journeys.process import ROOT, Hub, free_port, until

pytestmark = pytest.mark.timeout(400)
STORY_WITHIN_S, READY_WITHIN_S = 240, 30
HUB = str(Path(sys.executable).with_name("hub"))


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the demo county, once its ports are known to be free."""
    for port in (*PORTS.values(), PAGE_PORT):
        try:
            require_free(port, "the demo needs it: stop the other county (a running `make run`?) and test again")
        except NotStarted as taken:
            pytest.fail(str(taken), pytrace=False)
    return tmp_path_factory.mktemp("demo")


def demo(county: Path, port: int, *options: str) -> "subprocess.Popen[str]":
    """Start `hub demo`."""
    command = [HUB, "demo", "--port", str(port), "--data", str(county), *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment | {"COLUMNS": "160", "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_story_comes_true_and_ends(county: Path) -> None:
    with demo(county, free_port(), "--once") as running:
        said, _ = running.communicate(timeout=STORY_WITHIN_S)
    assert running.returncode == 0, said[-4000:]
    assert "每一份回执都如所说" in said
    assert "✗" not in said
    for title in ("走村入户", "东阳考垃", "河长制巡河", "防返贫监测"):
        assert title in said
    for promise in ("停机的系统经重试补送成功", "先送达，结果文件回来才算接收", "更正只送走村入户一个系统"):
        assert any("✓" in line and promise in line for line in said.splitlines()), promise
    for number in ("ZCRH-", "KL", "SX", "FP"):
        assert number in said


def test_a_second_start_is_ready_soon(county: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (county / "hub" / "hub.db").exists(), "the first start left nothing to start from"
    hub = Hub(county / "hub", "", {}, port=free_port())
    began = time.monotonic()
    with demo(county, hub.port) as running:
        try:
            until(hub.is_ready, READY_WITHIN_S, what="the second start")
            took_s = time.monotonic() - began
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.communicate(timeout=90)
            finally:
                running.kill()  # it must not hold up all that comes after
    with capsys.disabled():
        sys.stdout.write(f"\n  second start of the demo: ready after {took_s:.1f} s\n")
    for port in PORTS.values():
        require_free(port, "the demo did not stop its children")
