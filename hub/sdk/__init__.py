"""What connectors see of the hub: the contract, the errors, the guarded doors out, geo and code converters."""

from hub.sdk.contract import Capabilities, Connector, Intent, LeftOut, Outgoing, Page, Receipt
from hub.sdk.errors import Misconfigured, Refused, Unanswered, Unavailable

__all__ = [
    "Capabilities",
    "Connector",
    "Intent",
    "LeftOut",
    "Misconfigured",
    "Outgoing",
    "Page",
    "Receipt",
    "Refused",
    "Unanswered",
    "Unavailable",
]
