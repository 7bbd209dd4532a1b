"""The Systems the hub talks to, from connectors.yaml: who they are, what goes there, what is pulled. Sends nothing."""

from hub.systems.known import Surroundings
from hub.systems.lineage import FlowLink, links, links_of
from hub.systems.load import BadSystems, load_registry
from hub.systems.system import BY_HAND_WITHIN, County, Flow, Limits, PullFlow, Registry, System, connect

__all__ = [
    "BY_HAND_WITHIN",
    "BadSystems",
    "County",
    "Flow",
    "FlowLink",
    "Limits",
    "PullFlow",
    "Registry",
    "Surroundings",
    "System",
    "connect",
    "links",
    "links_of",
    "load_registry",
]
