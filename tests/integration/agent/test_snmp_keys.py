"""Keys of SNMPv3: what is sent can be decrypted with the published vectors; and answers that come from the wrong place or time."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:
    from cryptography.hazmat.primitives.ciphers.modes import CFB

from support import snmp_message as snmp
from tslcd_agent.config import Auth, Interfaces, PolledDevice, Priv, Snmp
from tslcd_agent.errors import SilentError, SnmpError
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.gufo_engine import GufoSession
from tslcd_agent.snmp.pysnmp_engine import PysnmpSession
from tslcd_runtime.secret import Secret

Engine = type[GufoSession] | type[PysnmpSession]
ENGINES = pytest.mark.parametrize("engine", [GufoSession, PysnmpSession], ids=["gufo", "pysnmp"])

#: RFC 3414 A.3: the password "maplesyrup" at the engine 00..02, by MD5 and SHA.
ENGINE_ID = bytes(11) + b"\x02"
KEYS = {
    "MD5": bytes.fromhex("526f5eed9fcce26f8964c2930787d82b"),
    "SHA": bytes.fromhex("6695febc9288e36282235fc7151f128497b38f3f"),
}
#: draft-reeder-snmpv3-usm-3desede-00, appendix B: the same, extended.
REEDER = {
    "MD5": bytes.fromhex("526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12"),
    "SHA": bytes.fromhex("6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9cd2d5065547743fb5"),
}


def blumenthal(auth: str) -> bytes:
    """Extend as draft-blumenthal-aes-usm-04, section 3.1.2.1: the digest of the key is put after it."""
    key = KEYS[auth]
    return key + hashlib.new("md5" if auth == "MD5" else "sha1", key).digest()  # the old digests are the subject


def device(port: int, credentials: Snmp, *, address: str = "127.0.0.1", retries: int = 0) -> PolledDevice:
    """Make settings of a device on loopback."""
    return PolledDevice(
        id="rt",
        address=address,
        port=port,
        snmp=credentials,
        interfaces=Interfaces(),
        interval=30,
        timeout=0.4,
        retries=retries,
        budget=10,
    )


class Listener(asyncio.DatagramProtocol):
    """An engine that tells its name, takes every digest for right in its reports, and keeps what it is sent encrypted."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        self.heard: list[tuple[bytes, bytes]] = []
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Report to questions without encryption, keep the others."""
        parts = children(data)
        header, security = children_of(parts[1]), children(parts[2][1])
        if header[2][1][0] & 2:
            initial = b"".join(int.from_bytes(security[at][1], "big").to_bytes(4, "big") for at in (1, 2))
            self.heard.append((initial + security[5][1], parts[3][1]))
            return
        number = header[0][1]
        report = snmp.pdu(
            snmp.REPORT, 0, [snmp.binding(snmp.oid("1.3.6.1.6.3.15.1.1.4.0"), snmp.number(1, snmp.COUNTER32))]
        )
        usm = snmp.octets(ENGINE_ID) + snmp.number(0) + snmp.number(0) + snmp.octets(b"") * 3
        message = snmp.tlv(
            snmp.SEQUENCE,
            snmp.number(3)
            + snmp.tlv(
                snmp.SEQUENCE,
                snmp.tlv(snmp.INTEGER, number) + snmp.number(65507) + snmp.octets(b"\0") + snmp.number(3),
            )
            + snmp.octets(snmp.tlv(snmp.SEQUENCE, usm))
            + snmp.tlv(snmp.SEQUENCE, snmp.octets(ENGINE_ID) + snmp.octets(b"") + report),
        )
        self.transport.sendto(message, addr)


def children_of(element: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    """Return the elements in a sequence's content."""
    data, at, found = element[1], 0, []
    while at < len(data):
        tag, begin, end = snmp.element(data, at, len(data))
        found.append((tag, data[begin:end]))
        at = end
    return found


def children(data: bytes) -> list[tuple[int, bytes]]:
    """Return the elements in an encoded sequence."""
    tag, begin, end = snmp.element(data, 0, len(data))
    return children_of((tag, data[begin:end]))


@ENGINES
@pytest.mark.parametrize("extension", ["reeder", "blumenthal"])
@pytest.mark.parametrize("auth", ["MD5", "SHA"])
@pytest.mark.parametrize(("protocol", "octets"), [("AES", 16), ("AES-192", 24), ("AES-256", 32)])
async def test_what_is_sent_is_encrypted_with_the_published_key(
    engine: Engine, auth: Any, extension: Any, protocol: Any, octets: int
) -> None:
    """Decrypted with the key of the drafts, a question is a scoped PDU for the object that was asked for."""
    listener = Listener()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: listener, local_addr=("127.0.0.1", 0)
    )
    credentials = Snmp(
        version="3",
        user="tslcd",
        auth=Auth(protocol=auth, password=Secret("maplesyrup")),
        priv=Priv(protocol=protocol, extension=extension, password=Secret("maplesyrup")),
    )
    session = engine(device(transport.get_extra_info("sockname")[1], credentials))
    with pytest.raises(SnmpError):
        await session.get([mib.SYS_NAME])
    await session.close()
    transport.close()
    key = (REEDER[auth] if extension == "reeder" else blumenthal(auth))[:octets]
    initial, text = listener.heard[0]
    plain = Cipher(algorithms.AES(key), CFB(initial)).decryptor().update(text)
    assert plain[0] == snmp.SEQUENCE
    assert children(plain)[0] == (snmp.OCTETS, ENGINE_ID)


class Replier(asyncio.DatagramProtocol):
    """A version 2c device that answers each question with the number of it, ``late`` seconds later, by ``mouth``."""

    def __init__(self, late: float, mouth: asyncio.DatagramTransport | None = None) -> None:
        """Remember."""
        self.late = late
        self.mouth = mouth
        self.asked = 0
        self.timers: list[asyncio.TimerHandle] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer by the same socket, unless there is another."""
        self.mouth = self.mouth or transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer later."""
        self.asked += 1
        question = snmp.decode(data)
        cells = [snmp.binding(snmp.oid(name), snmp.number(self.asked)) for name in question.names]
        answer = snmp.message(snmp.V2C, question.community, snmp.pdu(snmp.RESPONSE, question.request_id, cells))
        assert self.mouth is not None
        late = self.late if self.asked == 1 else 0.0
        self.timers.append(asyncio.get_running_loop().call_later(late, self.mouth.sendto, answer, addr))


@ENGINES
async def test_a_late_answer_is_never_taken_for_a_newer_questions(engine: Engine) -> None:
    """The first answer comes while the second question is waited for; what is returned is the second's."""
    made = Replier(0.45)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
    session = engine(device(transport.get_extra_info("sockname")[1], Snmp(community=Secret("public")), retries=1))
    assert await session.get([mib.SYS_NAME]) == {mib.SYS_NAME: 2}
    await asyncio.sleep(0.2)
    assert await session.get([mib.SYS_NAME]) == {mib.SYS_NAME: 3}
    await session.close()
    transport.close()


@ENGINES
async def test_an_answer_from_another_address_is_told_and_never_taken(engine: Engine) -> None:
    """A device with several addresses that answers from the wrong one is silent, and the reason says from where it answers."""
    loop = asyncio.get_running_loop()
    mouth, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.2", 0))
    ear, _ = await loop.create_datagram_endpoint(lambda: Replier(0, mouth), local_addr=("127.0.0.1", 0))
    port = ear.get_extra_info("sockname")[1]
    session = engine(device(port, Snmp(community=Secret("public"))))
    with pytest.raises(SilentError, match=r"it answers from 127\.0\.0\.2$") as caught:
        await session.get([mib.SYS_NAME])
    assert caught.value.answered_from == "127.0.0.2"
    await session.close()
    ear.close()
    mouth.close()
