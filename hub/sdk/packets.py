"""What an SFTP server answers, packet by packet: taken in only so far, before the library makes anything of it.

The library takes packets of four megabytes and makes a kilobyte of each name of a few bytes in them.
"""

import asyncio
from typing import Final

from asyncssh import SFTPBadMessage, SSHClientConnection
from asyncssh.constants import FXP_NAME
from asyncssh.packet import PacketDecodeError, SSHPacket
from asyncssh.sftp import SFTPClientHandler

__all__ = ["PACKET_BYTES", "PACKET_NAMES", "PacketDecodeError", "Packets", "start_packets"]

PACKET_BYTES: Final = 256 * 1024
"""As OpenSSH takes them; the standard speaks of 34,000."""
PACKET_NAMES: Final = 1_000
"""Common servers send a hundred at once."""
_VERSION: Final = 3
_AT: Final = slice(5, 9)
"""Where a packet of names says how many there are."""


class Packets(SFTPClientHandler):
    """One session's packets; `left_bytes` is what the operation under way may still be answered."""

    left_bytes = PACKET_BYTES

    async def recv_packet(self) -> SSHPacket:
        """Return the next packet; SFTPBadMessage ends the session."""
        packet = await super().recv_packet()
        raw = packet.get_remaining_payload()
        self.left_bytes -= len(raw)
        if len(raw) > PACKET_BYTES:
            raise SFTPBadMessage(f"the server answers with a packet of more than {PACKET_BYTES} bytes")
        if self.left_bytes < 0:
            raise SFTPBadMessage("the server answers with more than was asked for")
        if raw[:1] == bytes([FXP_NAME]) and int.from_bytes(raw[_AT], "big") > PACKET_NAMES:
            raise SFTPBadMessage(f"the server answers with more than {PACKET_NAMES} names at once")
        return packet


async def start_packets(connection: SSHClientConnection) -> Packets:
    """Start SFTP on a connection, as the library would with a handler of its own."""
    writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
    packets = Packets(asyncio.get_running_loop(), "backslashreplace", reader, writer, _VERSION)
    await packets.start()
    connection.create_task(packets.recv_packets(), packets.logger)
    await packets.request_limits()
    return packets
