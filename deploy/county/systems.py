"""Starts and stops the simulated departmental Systems, each a process of its own, on fixed ports or any free ones."""

import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from deploy.county import seed
from deploy.county.child import Child, NotStarted, require_free, start_child, stop_children

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 30.0
PORTS = {"household-visit": 9101, "garbage-scoring": 9102, "river-patrol": 9103, "poverty-alleviation": 9104}
"""Where connectors.yaml expects each System of the demo."""
PAGE_PORT = 9114
"""The file-exchange System also shows a page for people, next to its SFTP port."""
PAGED = "poverty-alleviation"

_PORT = re.compile(r":(\d+)")


class County:
    """The four Systems of one county, with their data under one folder. Use it as a context manager."""

    def __init__(self, data: Path, *, households: int = 300, fixed_ports: bool = False) -> None:
        self.data = data
        self.ports: dict[str, int] = {}
        self._page_ports: dict[str, int] = {}
        self._fixed = fixed_ports
        self._children: dict[str, Child] = {}
        seed.write(data / "seed", households)

    def __enter__(self) -> Self:
        """Start every System."""
        self.start_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every System."""
        self.stop_all()

    @property
    def addresses(self) -> dict[str, str]:
        """Return `host:port` of each running System."""
        return {name: f"127.0.0.1:{self.ports[name]}" for name in self._children if name in self.ports}

    @property
    def pages(self) -> dict[str, str]:
        """Return where a person can look into each running System."""
        return {name: f"http://127.0.0.1:{self._page_ports[name]}" for name in self._children}

    def start_all(self) -> None:
        """Start every System, all at the same time; none is left running when one does not start."""
        try:
            for name in PORTS:
                self._launch(name)
            for name in PORTS:
                self._await(name)
        except NotStarted:
            self.stop_all()
            raise

    def start(self, name: str) -> str:
        """Start one System and return its address. A restarted one keeps its data and its port."""
        try:
            self._launch(name)
            self._await(name)
        except NotStarted:
            self.stop(name)
            raise
        return self.addresses[name]

    def _launch(self, name: str) -> None:
        if self._fixed:
            require_free(PORTS[name], "a county already runs here; stop it first")
        self._children[name] = start_child(name, self._command(name), self._log(name), cwd=ROOT)

    def _await(self, name: str) -> None:
        lines = 2 if name == PAGED else 1
        said = self._children[name].wait_until(lambda: _said(self._log(name), lines), READY_WITHIN_S)
        ports = [int(port) for port in _PORT.findall(said)]
        self.ports[name], self._page_ports[name] = ports[0], ports[-1]

    def _log(self, name: str) -> Path:
        return self.data / "logs" / f"{name}.log"

    def stop(self, name: str) -> None:
        """Stop one System; its port and data wait for its return."""
        if child := self._children.pop(name, None):
            child.stop()

    def stop_all(self) -> None:
        """Stop whatever this county started."""
        stop_children(self._children)
        self._children.clear()

    def rewire(self, wiring: Path, copy: Path) -> None:
        """Write a copy of connectors.yaml in which each System has the port it really runs on."""
        document = yaml.safe_load(wiring.read_text(encoding="utf-8"))
        moved = {PORTS[name]: port for name, port in self.ports.items()}
        copy.write_text(yaml.safe_dump(_moved(document, moved), allow_unicode=True, sort_keys=False), encoding="utf-8")

    def secrets(self, wiring: Path) -> dict[str, str]:
        """Return the `HUB_SECRET_` variables for connectors.yaml: what the simulators accept, known to everybody."""
        systems = yaml.safe_load(wiring.read_text(encoding="utf-8"))["systems"]
        return {
            f"HUB_SECRET_{value['secret']}": str(self._simulated(name)[key])
            for name in PORTS
            for key, value in systems[name]["settings"].items()
            if isinstance(value, dict) and "secret" in value
        }

    def _simulated(self, name: str) -> dict[str, Any]:
        kind = name.replace("-", "_")
        simulator = importlib.import_module(f"connectors.{kind}.simulator")
        settings: dict[str, Any] = simulator.settings_for(self._port(name), self.data / kind)
        return settings

    def _command(self, name: str) -> list[str]:
        kind = name.replace("-", "_")
        command = [sys.executable, "-m", f"connectors.{kind}.simulator"]
        command += ["--port", str(self._port(name)), "--data", str(self.data / kind)]
        command += ["--seed", str(self.data / "seed" / f"{kind}.json")]
        if name == PAGED:
            command += ["--page-port", str(self._page_ports.get(name, PAGE_PORT if self._fixed else 0))]
        return command

    def _port(self, name: str) -> int:
        return self.ports.get(name, PORTS[name] if self._fixed else 0)


def _said(log: Path, lines: int) -> str | None:
    """Return the addresses a simulator announces, `ready …` and `page …`, once all are there."""
    words = log.read_text(encoding="utf-8", errors="replace").splitlines()
    announced = [line for line in words if line.startswith(("ready ", "page "))]
    return " ".join(announced) if len(announced) == lines else None


def _moved(value: Any, ports: Mapping[int, int]) -> Any:  # noqa: ANN401 - YAML is any shape
    """Return the document with every old port, alone or after a colon, replaced by the new one."""
    if isinstance(value, dict):
        return {key: _moved(item, ports) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, ports) for item in value]
    if isinstance(value, str):
        return _PORT.sub(lambda found: f":{ports.get(int(found[1]), int(found[1]))}", value)
    return ports.get(value, value) if isinstance(value, int) and not isinstance(value, bool) else value
