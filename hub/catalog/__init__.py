"""What the county asks and knows: reads forms/ and schemas/, compiles forms, decides and explains answers.

The only user of JSON Schema engines and of YAML. Knows no System and stores nothing.
"""

from hub.catalog.conditions import BadCondition, compile_condition
from hub.catalog.contents import Catalog, Code, Element, Form, Make, Policy, Question, RecordField, RecordType
from hub.catalog.documents import Fault, read_yaml, validate
from hub.catalog.lineage import Trace, trace
from hub.catalog.load import BadFiles, load_catalog
from hub.catalog.make import Draft, make_records
from hub.catalog.messages import Messages, load_messages
from hub.catalog.verdicts import Verdict

__all__ = [
    "BadCondition",
    "BadFiles",
    "Catalog",
    "Code",
    "Draft",
    "Element",
    "Fault",
    "Form",
    "Make",
    "Messages",
    "Policy",
    "Question",
    "RecordField",
    "RecordType",
    "Trace",
    "Verdict",
    "compile_condition",
    "load_catalog",
    "load_messages",
    "make_records",
    "read_yaml",
    "trace",
    "validate",
]
