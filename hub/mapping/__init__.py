"""The closed field-map language: rules in a file, compiled once to closures. Knows no System, no store and no file."""

from hub.mapping.compile import compile_fields
from hub.mapping.fault import BadMapping, MappingFault, Unmapped
from hub.mapping.fieldmap import Context, FieldMap, Link
from hub.mapping.payload import changed_fields, digest, encode

__all__ = [
    "BadMapping",
    "Context",
    "FieldMap",
    "Link",
    "MappingFault",
    "Unmapped",
    "changed_fields",
    "compile_fields",
    "digest",
    "encode",
]
