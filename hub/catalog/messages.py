"""The one catalogue of user-facing text, merged from schemas/messages/*.json. Chooses no language by itself."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from hub.catalog.documents import Fault, pointer, read_json
from hub.catalog.verdicts import Document
from hub.errors import Phrase

LANGUAGES = ("zh", "en")
_BETWEEN = {"zh": "；", "en": "; "}
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@lru_cache(maxsize=4096)
def _parted(text: str) -> tuple[str, ...]:
    """Return a text cut at its placeholders: words, the name of what goes there, words, and so on."""
    return tuple(_PLACEHOLDER.split(text))


class Messages:
    """Texts by key, in Chinese and English."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        self.texts = texts

    def __contains__(self, key: str) -> bool:
        """Say whether there is a text under `key`."""
        return key in self.texts

    def text(self, key: str, /, lang: str = "zh", **params: object) -> str:
        """Return the text of `key` with its placeholders filled.

        A param may itself be `{"zh": …, "en": …}`, a Phrase, or a tuple of these.
        """
        words = list(_parted(self.texts[key][lang]))
        for place in range(1, len(words), 2):
            words[place] = self._said(params[words[place]], lang)
        return "".join(words)

    def _said(self, value: object, lang: str) -> str:
        if isinstance(value, tuple):
            return _BETWEEN[lang].join(self._said(part, lang) for part in value)
        if isinstance(value, Mapping):
            return str(value[lang])
        if isinstance(value, Phrase):
            return self.text(value.key, lang, **value.params) if value.key in self else value.key
        return str(value)

    def both(self, key: str, /, **params: object) -> dict[str, str]:
        """Return the text of `key` in both languages, as the API gives it."""
        return {lang: self.text(key, lang, **params) for lang in LANGUAGES}

    def sentence(self, fault: Fault, lang: str = "zh") -> str:
        """Return one line for a person: file, place, reason, remedy; the bare key where the text itself is missing."""
        where = f"{fault.file}#{fault.path}" if fault.path else fault.file
        said = [self.text(key, lang, **fault.params) if key in self else key for key in (fault.reason, fault.remedy)]
        return f"{where}  {' '.join(said)}"


def load_messages(root: Path) -> tuple[Messages, list[Fault]]:
    """Read every file of schemas/messages; what is faulty is left out and reported."""
    texts: dict[str, Mapping[str, str]] = {}
    faults: list[Fault] = []
    for path in sorted((root / "schemas/messages").glob("*.json")):
        file = path.relative_to(root).as_posix()
        document, problems = read_json(path, file)
        faults += problems
        for key, entry in (document or {}).items():
            found = [*_entry_faults(file, key, entry)]
            if key in texts:
                found.append(Fault(file, pointer([key]), "catalog.message_repeated", {"key": key}))
            faults += found
            if not found:
                texts[key] = entry
    return Messages(texts), faults


def _entry_faults(file: str, key: str, entry: Document) -> Iterator[Fault]:
    if not (isinstance(entry, dict) and all(isinstance(entry.get(lang), str) and entry[lang] for lang in LANGUAGES)):
        yield Fault(file, pointer([key]), "catalog.message_incomplete", {"key": key})
    elif len({frozenset(_PLACEHOLDER.findall(entry[lang])) for lang in LANGUAGES}) > 1:
        yield Fault(file, pointer([key]), "catalog.message_placeholders", {"key": key})
