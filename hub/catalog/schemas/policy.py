"""The policy profile in force, schemas/policy/<profile>.yaml. Says what is off; forms/policy.py holds forms to it."""

from pathlib import Path

from hub.catalog.contents import Feature, Policy
from hub.catalog.documents import Fault, pointer, read_yaml, validate

PROFILE = "cn-2026-12"
"""The profile where none is named."""
NO_POLICY = Policy(PROFILE, {"zh": "", "en": ""}, "", {})
"""Stands in while faults are being collected, so that the other files are still checked."""


def read_policy(root: Path, profile: str) -> tuple[Policy, list[Fault]]:
    """Return the profile of that name, or NO_POLICY and why not."""
    known = {path.stem: path for path in sorted((root / "schemas/policy").glob("*.yaml"))}
    if profile not in known:
        names = "、".join(known) or "—"
        params = {"profile": profile, "names": names}
        return NO_POLICY, [Fault(f"schemas/policy/{profile}.yaml", "", "catalog.policy_unknown", params)]
    path = known[profile]
    file = path.relative_to(root).as_posix()
    document, faults = read_yaml(path, file)
    faults += [] if faults else validate(document, root / "schemas/policy.json", file)
    if faults:
        return NO_POLICY, faults
    if document["profile"] != profile:
        faults.append(Fault(file, pointer(["profile"]), "catalog.profile_name", {"profile": profile}))
    features = [
        Feature(
            feature=row["feature"],
            title=row["title"],
            citation=row["citation"],
            scenes=tuple(row["scenes"]),
            words=tuple(row.get("words", ())),
            mandatory=row.get("mandatory"),
        )
        for row in document["features"]
    ]
    by_name = {feature.feature: feature for feature in features}
    return Policy(document["profile"], document["title"], document["citation"], by_name), faults
