"""Holds a form to the policy profile: nothing compulsory that may not be, no forbidden words, reasoned exceptions."""

from collections.abc import Iterator

from hub.catalog.contents import Feature, Json, Policy, Text
from hub.catalog.forms.questions import Block, Entry, Path, every_question
from hub.catalog.verdicts import Leaf


def policy_faults(document: Json, entries: tuple[Entry, ...], policy: Policy) -> list[Leaf]:
    """Return where a form does what the profile turns off without a fitting exception of its own.

    Whether the exception has ended is asked on the day (Form.licensed_on): a form whose exception ended is not offered.
    """
    exception: Json = document.get("exception", {})
    faults = list(_exception_faults(exception, policy)) if exception else []
    allowed = None if faults else exception.get("feature")
    for feature in policy.features.values():
        if feature.feature != allowed:
            faults += _compulsory(entries, feature)
            faults += _worded(document, entries, feature)
    return faults


def _exception_faults(exception: Json, policy: Policy) -> Iterator[Leaf]:
    feature = policy.features.get(exception["feature"])
    if feature is None:
        yield Leaf(("exception", "feature"), "exception_feature", {"feature": exception["feature"]})
    elif exception["scene"] not in feature.scenes:
        params = {"title": feature.title, "scenes": "、".join(feature.scenes) or "—"}
        yield Leaf(("exception", "scene"), "exception_scene", params)


def _compulsory(entries: tuple[Entry, ...], feature: Feature) -> Iterator[Leaf]:
    for _, asked in every_question(entries):
        if asked.element.type == feature.mandatory and not asked.optional:
            params = {"element": asked.element.id, "title": feature.title, "citation": feature.citation}
            yield Leaf(asked.at, "policy_mandatory", params)


def _worded(document: Json, entries: tuple[Entry, ...], feature: Feature) -> Iterator[Leaf]:
    for at, title in _titles(document, entries):
        for word in feature.words:
            if word.lower() in f"{title['zh']}\n{title['en']}".lower():
                params = {"word": word, "title": feature.title, "citation": feature.citation}
                yield Leaf(at, "policy_word", params)


def _titles(document: Json, entries: tuple[Entry, ...]) -> Iterator[tuple[Path, Text]]:
    # Titles only: a help text must stay free to say "this is not attendance".
    yield ("title",), document["title"]
    yield from (((*entry.at, "title"), entry.title) for entry in entries if isinstance(entry, Block))
    yield from ((asked.at, asked.title) for _, asked in every_question(entries))
