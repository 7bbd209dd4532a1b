"""How the command line speaks: problems and faults as sentences in the reader's language, exit codes."""

import locale
import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from rich.console import Console

from hub.catalog.documents import Fault
from hub.catalog.load import BadFiles
from hub.catalog.messages import Messages, load_messages
from hub.errors import Problem
from hub.mapping import BadMapping
from hub.settings import Settings

out = Console()
err = Console(stderr=True)
BAD_INPUT = 2
FAILED = 1


def language() -> str:
    """Return the language to speak: Chinese, unless the terminal is set to another one explicitly."""
    name = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""  # noqa: TID251 - the terminal's, not a setting of ours
    return "en" if name.startswith("en") else "zh"


def read_settings() -> Settings:
    """Return the settings, or end with what is wrong in them."""
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            name = "HUB_" + "_".join(str(part) for part in fault["loc"]).upper()
            err.print(f"{name}: {fault['msg']}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(BAD_INPUT) from error


@contextmanager
def speaking(settings: Settings) -> Iterator[Messages]:
    """Turn what the hub raises into sentences and an exit code."""
    messages, _ = load_messages(settings.home)
    try:
        yield messages
    except Problem as problem:
        err.print(sentence(messages, problem), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from problem
    except BadFiles as bad:
        _list(bad.sentences(language()))
        raise typer.Exit(BAD_INPUT) from bad
    except BadMapping as bad:
        _list([messages.sentence(Fault(f.file, f.path, f.reason, f.params), language()) for f in bad.faults])
        raise typer.Exit(BAD_INPUT) from bad
    except FileNotFoundError as missing:
        err.print(f"{missing.filename}: 没有这个文件 / no such file", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(BAD_INPUT) from missing


def sentence(messages: Messages, problem: Problem) -> str:
    """Return a Problem as one or more lines: what is wrong, and what to do about it where the catalogue says."""
    key = f"problem.{problem.code}"
    lines = [text_of(messages, key, problem.params)]
    lines += [text_of(messages, f"{key}.detail", problem.params)] if f"{key}.detail" in messages else []
    for fault in problem.faults:
        keys = [f"fault.{fault.code}", f"fault.{fault.code}.remedy"]
        said = [text_of(messages, key, fault.params) for key in keys if key in messages or key == keys[0]]
        lines.append(f"  {fault.path}: {' '.join(said)}")
    return "\n".join(lines)


def text_of(messages: Messages, key: str, params: dict[str, object]) -> str:
    """Return a text, or the bare key and its parameters where the catalogue lacks it."""
    if key in messages:
        return messages.text(key, language(), **params)
    return f"{key} {params}" if params else key


def _list(lines: list[str]) -> None:
    for line in lines:
        err.print(line, style="red", soft_wrap=True, markup=False)
    err.print(f"{len(lines)} 处需要修改 / to mend", style="bold red")
