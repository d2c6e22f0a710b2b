"""Devices that lie, loop or storm: each harms its own rounds only, and every round ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tslcd_agent.config import Interfaces, PolledDevice, Snmp
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.gufo_engine import GufoSession
from tslcd_agent.snmp.poller import DevicePoller, PollStatistics
from tslcd_runtime.health import Health
from tslcd_runtime.secret import Secret
from tslcd_wire.report import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tslcd_agent.readings import Reading

GET, RESPONSE, GET_BULK = 0xA0, 0xA2, 0xA5


def tlv(tag: int, content: bytes) -> bytes:
    """Encode one BER element (ITU-T X.690)."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + length + content


def oid(text: str) -> bytes:
    """Encode an object identifier whose first two arcs are 1.3."""
    content = bytearray([43])
    for arc in map(int, text.split(".")[2:]):
        septets = [arc & 127]
        while arc := arc >> 7:
            septets.insert(0, arc & 127 | 128)
        content += bytes(septets)
    return tlv(6, bytes(content))


def response(request: bytes, *cells: tuple[str, bytes], change_id: int = 0) -> bytes:
    """Answer a v2c request with cells of encoded values."""
    at = next(index for index, byte in enumerate(request[10:], 10) if byte in {GET, GET_BULK})
    size = request[at + 3]
    number = bytearray(request[at + 4 : at + 4 + size])
    number[-1] ^= change_id
    bindings = b"".join(tlv(0x30, oid(name) + value) for name, value in cells)
    pdu = tlv(RESPONSE, tlv(2, bytes(number)) + tlv(2, b"\0") + tlv(2, b"\0") + tlv(0x30, bindings))
    return tlv(0x30, tlv(2, b"\1") + tlv(4, b"public") + pdu)


class Hostile(asyncio.DatagramProtocol):
    """An agent that answers the first questions well, and walks as ``mode`` says."""

    def __init__(self, mode: str) -> None:
        """``mode``: ``loop``, ``backwards``, ``endless``, ``storm``, ``foreign``."""
        self.mode = mode
        self.row = 0
        self.storm: asyncio.Task[None] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer."""
        if self.mode == "storm":
            if self.storm is None:
                self.storm = asyncio.create_task(self._rain(data, addr))
            return
        head = data[:20]
        if GET in head and GET_BULK not in head:
            self._transport.sendto(
                response(data, (mib.SYS_UP_TIME, tlv(0x43, b"\1")), (mib.IF_NUMBER, tlv(2, b"\1"))), addr
            )
            return
        self.row += 1
        match self.mode:
            case "loop":
                cells = [(f"{mib.IF_NAME}.1", tlv(4, b"loop"))] * 3
            case "backwards":
                cells = [(f"{mib.IF_NAME}.{1000 - self.row % 900}", tlv(4, b"back"))]
            case "endless":
                cells = [(f"{mib.IF_NAME}.{self.row * 30 + number}", tlv(4, b"more")) for number in range(25)]
            case _:
                cells = [("1.3.6.1.4.1.9.9.1", tlv(4, b"foreign"))]
        self._transport.sendto(response(data, *cells), addr)

    async def _rain(self, data: bytes, addr: Any) -> None:
        while True:
            for _ in range(20):
                self._transport.sendto(response(data, (mib.SYS_UP_TIME, tlv(0x43, b"\1")), change_id=1), addr)
            await asyncio.sleep(0.005)


@pytest.fixture
async def device(request: pytest.FixtureRequest) -> AsyncIterator[int]:
    """Run a hostile device; give its port."""
    made = Hostile(request.param)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")[1]
    if made.storm is not None:
        made.storm.cancel()
    transport.close()


def poller(port: int, statistics: PollStatistics) -> DevicePoller:
    """Make a poller with little time."""
    settings = PolledDevice(
        id="rt",
        address="127.0.0.1",
        port=port,
        snmp=Snmp(community=Secret("public")),
        interfaces=Interfaces(),
        interval=30,
        timeout=0.2,
        retries=0,
        budget=2,
    )

    async def submit(reading: Reading) -> None:
        raise AssertionError(reading)

    async def reachable(address: str, wait: float) -> bool:
        return bool(address and wait)

    return DevicePoller(
        settings, GufoSession(settings), submit, reachable=reachable, health=Health(), statistics=statistics
    )


@pytest.mark.parametrize("device", ["loop", "backwards", "endless", "storm", "foreign"], indirect=True)
async def test_a_hostile_device_cannot_hold_a_round(device: int) -> None:
    """Whatever it does, there is a reading, with no more rows than the contract allows."""
    statistics = PollStatistics()
    one = poller(device, statistics)
    for _ in range(2):
        reading = await one.poll()
        assert reading.tables["device"]["snmp_state"][0] in {"ok", "silent", "broken"}
        assert len(reading.tables.get("interface", {"key": []})["key"]) <= MAX_ROWS
    assert statistics.rounds == 2


async def test_failing_rounds_leave_no_socket_behind() -> None:
    """A device that refuses for a year costs no descriptor."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    transport.close()
    await asyncio.sleep(0)
    one = poller(port, PollStatistics())
    await one.poll()
    before = descriptors()
    for _ in range(50):
        assert (await one.poll()).tables["device"]["snmp_state"] == ["refused"]
    assert descriptors() <= before


def descriptors() -> int:
    """Count the descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))
