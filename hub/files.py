"""Reads and checks every file people write: forms, schemas, connectors.yaml. Opens no database and no connection."""

from collections.abc import Callable

from hub.catalog import Catalog, load_catalog
from hub.catalog.conditions import compile_condition
from hub.catalog.documents import Fault, read_yaml, validate
from hub.catalog.load import BadFiles
from hub.settings import Settings
from hub.systems import Registry, Surroundings, load_registry

MOST_WIRING_BYTES = 4 * 1024 * 1024
"""A thousand Systems with their flows fit into one connectors.yaml."""
Secrets = Callable[[str], str | None]
PhotoAddress = Callable[[str], str]
"""Photo digest to the address a System may fetch it from."""


def read_files(settings: Settings, secrets: Secrets, photo_address: PhotoAddress) -> tuple[Catalog, Registry]:
    """Return all that the files say; raises BadFiles or BadSystems with all faults at once."""
    catalog = load_catalog(settings.home, settings.policy)
    return catalog, _read_wiring(settings, catalog, secrets, photo_address)


def _read_wiring(settings: Settings, catalog: Catalog, secrets: Secrets, photo_address: PhotoAddress) -> Registry:
    """Read connectors.yaml against the catalog."""
    file = str(settings.connectors_file)
    document, faults = read_yaml(settings.wiring, file, MOST_WIRING_BYTES)
    faults = faults or _wiring_faults(settings, document, file)
    if faults:
        raise BadFiles(faults, catalog.messages)
    around = Surroundings(
        records={
            name: {field.element: catalog.elements[field.element].type for field in record.fields}
            for name, record in catalog.records.items()
        },
        elements=catalog.elements,
        place_kinds=_place_kinds(catalog),
        compile_condition=compile_condition,
        secrets=secrets,
        attachment_url=photo_address,
        packages=settings.connector_packages,
        sure={name: _sure(catalog, name) for name in catalog.records},
        codes={
            element.id: [code.code for code in catalog.codes[element.codes]]
            for element in catalog.elements.values()
            if element.codes
        },
    )
    return load_registry(document, file, around)


def _wiring_faults(settings: Settings, document: object, file: str) -> list[Fault]:
    return validate(document, settings.home / "schemas" / "connectors.json", file)


def _sure(catalog: Catalog, record: str) -> set[str]:
    """Return what every such record has: compulsory elements, and a Place where all forms that make it are at one."""
    makers = [form for form in catalog.forms.values() if any(make.record == record for make in form.makes)]
    sure = {field.element for field in catalog.records[record].fields if not field.optional}
    return sure | {"place"} if makers and all(form.at for form in makers) else sure


def _place_kinds(catalog: Catalog) -> tuple[str, ...]:
    """Return the kinds of Place that forms are filled at or ask for."""
    kinds = {form.at for form in catalog.forms.values()} | {element.kind for element in catalog.elements.values()}
    return tuple(sorted(kind for kind in kinds if kind))
