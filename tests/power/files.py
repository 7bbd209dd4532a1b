"""What the operating system is asked to do with files, noted call by call, and what a power cut would leave of it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., None]
Names = dict[str, int]
"""Path -> which file it is."""


class Tape:
    """Notes every call that makes, renames, removes or flushes a name below `top`, and lets it happen."""

    def __init__(self, top: Path, patch: pytest.MonkeyPatch) -> None:
        self.top = str(top)
        self._before = {str(top), *(str(path) for path in top.rglob("*") if path.is_dir())}
        self.calls: list[tuple[str, str, Any]] = []
        self._open, self._fsync = os.open, os.fsync
        patch.setattr(os, "open", self._opening)
        patch.setattr(os, "fsync", self._flushing)
        for name in ("mkdir", "unlink"):
            patch.setattr(os, name, self._one(name, getattr(os, name)))
        for name in ("replace", "rename", "link"):
            patch.setattr(os, name, self._two(name, getattr(os, name)))

    def note(self, call: str, path: object, what: object = None) -> None:
        if str(path).startswith(self.top):
            self.calls.append((call, str(path), what))

    def _opening(self, path: object, flags: int, *rest: object, **more: object) -> int:
        handle = self._open(path, flags, *rest, **more)
        if flags & os.O_CREAT:
            self.note("make", path)
        return handle

    def _flushing(self, handle: int) -> None:
        self._fsync(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_dir():
            self.note("flush_folder", path)
        else:
            self.note("flush", path, path.read_bytes())

    def _one(self, name: str, call: Call) -> Call:
        def noted(path: object, *rest: object, **more: object) -> None:
            call(path, *rest, **more)
            self.note("make" if name == "mkdir" else "remove", path)

        return noted

    def _two(self, name: str, call: Call) -> Call:
        def noted(old: object, new: object, **more: object) -> None:
            call(old, new, **more)
            self.note("link" if name == "link" else "rename", new, str(old))

        return noted

    def after_cut(self, cut: int, *, names_stay: bool) -> dict[str, bytes]:
        """Return the files that are surely there after a cut; with `names_stay` every name, flushed or not, is.

        Their content is what was flushed of it, else nothing.
        """
        now, kept, content = Names(), Names(), dict[int, bytes]()
        for number, (call, path, what) in enumerate(self.calls[:cut]):
            if call == "make":
                now[path] = number
            elif call == "remove":
                now.pop(path, None)
            elif call == "rename":
                now[path] = now.pop(what, number)
            elif call == "link":
                now[path] = now[what]
            elif call == "flush" and path in now:  # what SQLite makes by itself is not seen
                content[now[path]] = what
            elif call == "flush_folder":
                inside = {name: file for name, file in now.items() if str(Path(name).parent) == path}
                kept = {n: f for n, f in kept.items() if str(Path(n).parent) != path} | inside
        left = now if names_stay else {name: file for name, file in kept.items() if self._reached(name, kept)}
        return {name: content.get(file, b"") for name, file in left.items()}

    def _reached(self, name: str, kept: Names) -> bool:
        """Say whether every folder above it is on the disk too."""
        above = str(Path(name).parent)
        return above in self._before or (above in kept and self._reached(above, kept))
