"""Software that takes changes but never takes anything back."""

from typing import ClassVar

from hub.sdk import Capabilities
from tests.some_connectors.thorough import connector


class Connector(connector.Connector):
    capabilities: ClassVar = Capabilities(honours_key=True, amends=True, sources=("homes",))
