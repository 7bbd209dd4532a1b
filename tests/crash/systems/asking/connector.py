"""A book that would write everything twice; it can be asked for a key."""

from typing import ClassVar

from hub.sdk import Capabilities
from tests.crash.systems.book import connector


class Connector(connector.Connector):
    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=False, probes=True, probes_changes=True, amends=True, withdraws=True
    )
