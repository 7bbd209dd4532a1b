"""Puts the built front end into the wheel. An editable install (the checkout itself) is left alone."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebAssets(BuildHookInterface[Any]):
    """Includes hub/ui/dist, which git ignores and `make setup` builds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse a wheel without its pages: it would start and show nothing."""
        if version == "editable":
            return
        dist = Path(self.root) / "hub/ui/dist"
        if not (dist / ".built").exists():
            raise RuntimeError(f"{dist} has no built front end; run `make setup` first")
        build_data["force_include"][str(dist)] = "hub/ui/dist"
