"""Sessions and polls of both engines against a real Net-SNMP daemon, and against things that are none."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from support.processes import free_port, wait_until
from support.snmpd import COMMUNITY, V3_AUTH, V3_PRIV, V3_USER, Snmpd
from tslcd_agent.config import Auth, Interfaces, PolledDevice, Priv, Snmp
from tslcd_agent.errors import BrokenError, RefusedError, SilentError, SnmpError
from tslcd_agent.probes.icmp import Pinger
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.asking import LinkSession
from tslcd_agent.snmp.check import check_device
from tslcd_agent.snmp.gufo_engine import GufoSession
from tslcd_agent.snmp.knock import Knock, knock
from tslcd_agent.snmp.poller import DevicePoller, PollStatistics
from tslcd_agent.snmp.pysnmp_engine import PysnmpSession
from tslcd_agent.snmp.session import open_session
from tslcd_runtime.health import Health
from tslcd_runtime.language import Language
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tslcd_agent.readings import Reading

V2C = Snmp(community=Secret(COMMUNITY))
V1 = Snmp(version="1", community=Secret(COMMUNITY))
WRONG = "wrong-password"


def v3(
    *,
    user: str = V3_USER,
    auth: str = V3_AUTH,
    priv: str | None = V3_PRIV,
    auth_protocol: Any = "SHA",
    priv_protocol: Any = "AES",
) -> Snmp:
    """Make version 3 credentials; the daemon's unless said otherwise."""
    return Snmp(
        version="3",
        user=user,
        auth=Auth(protocol=auth_protocol, password=Secret(auth)),
        priv=Priv(protocol=priv_protocol, password=Secret(priv)) if priv else None,
    )


def device(port: int, snmp: Snmp = V2C, *, timeout: float = 0.3, retries: int = 1) -> PolledDevice:
    """Make settings of a device on loopback."""
    return PolledDevice(
        id="rt",
        address="127.0.0.1",
        port=port,
        snmp=snmp,
        interfaces=Interfaces(include=("lo",)),
        interval=30,
        timeout=timeout,
        retries=retries,
        budget=10,
    )


Engine = type[GufoSession] | type[PysnmpSession]
Connect = Callable[..., LinkSession]


@pytest.fixture(params=[GufoSession, PysnmpSession], ids=["gufo", "pysnmp"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Give both engines, one after the other."""
    chosen: Engine = request.param
    return chosen


@pytest.fixture
async def connect(engine: Engine) -> AsyncIterator[Connect]:
    """Make sessions of that engine, and close them."""
    made: list[LinkSession] = []

    def session(device: PolledDevice, **options: Any) -> LinkSession:
        made.append(engine(device, **options))
        return made[-1]

    yield session
    for one in made:
        await one.close()


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """Run a daemon; tests leave it as it is."""
    with Snmpd(tmp_path_factory.mktemp("snmpd")).running() as daemon:
        yield daemon


@pytest.fixture
def fragile(tmp_path: Any) -> Iterator[Snmpd]:
    """Run a daemon that a test may stop, kill and start again."""
    with Snmpd(tmp_path / "snmpd").running() as daemon:
        yield daemon


@pytest.fixture
async def pinger() -> AsyncIterator[Pinger]:
    """Open a pinger."""
    made = Pinger()
    yield made
    made.close()


class Impostor(asyncio.DatagramProtocol):
    """A UDP port that answers everything with what ``answer`` makes of it."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        """Remember."""
        self._answer = answer
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer."""
        self._transport.sendto(self._answer(data), addr)


async def impostor(answer: Callable[[bytes], bytes]) -> tuple[asyncio.BaseTransport, int]:
    """Open an impostor; return it and its port."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Impostor(answer), local_addr=("127.0.0.1", 0)
    )
    return transport, transport.get_extra_info("sockname")[1]


@pytest.mark.parametrize("snmp", [V1, V2C, v3()], ids=["1", "2c", "3"])
async def test_a_real_device_is_read_with_its_interfaces(connect: Connect, snmpd: Snmpd, snmp: Snmp) -> None:
    """Both versions give the same tables; counters move, and later rounds cost no walk."""
    readings: list[Reading] = []

    async def submit(reading: Reading) -> None:
        readings.append(reading)

    async def reachable(address: str, wait: float) -> bool:
        raise AssertionError(address, wait)

    settings = device(snmpd.port, snmp)
    session = connect(settings)
    statistics = PollStatistics()
    poller = DevicePoller(settings, session, submit, reachable=reachable, health=Health(), statistics=statistics)
    first, second = await poller.poll(), await poller.poll()
    for reading in (first, second):
        assert reading.tables["interface"]["key"] == ["lo"]
        assert reading.tables["interface"]["oper_up"] == [1]
        assert reading.tables["device"]["snmp_state"] == ["ok"]
        assert reading.tables["device"]["sys_name"] == ["test-router"]
    assert second.tables["interface"]["receive_bytes_total"][0] >= first.tables["interface"]["receive_bytes_total"][0]
    assert set(first.tables["interface"]) == set(second.tables["interface"])
    assert statistics == PollStatistics(rounds=2)


@pytest.mark.parametrize(
    ("snmp", "error", "message"),
    [
        (Snmp(community=Secret(WRONG)), SilentError, "no SNMP answer from 127.0.0.1 port {port}"),
        (v3(user="nobody"), RefusedError, "SNMPv3 refuses user nobody: name, password, protocol or security level"),
        (v3(auth=WRONG), RefusedError, "SNMPv3 refuses user tslcd: name, password, protocol or security level"),
        (
            v3(auth_protocol="SHA-256"),
            RefusedError,
            "SNMPv3 refuses user tslcd: name, password, protocol or security level",
        ),
        (v3(priv=None), RefusedError, "SNMPv3 refuses user tslcd: name, password, protocol or security level"),
        (v3(user="open"), RefusedError, "SNMPv3 refuses user open: name, password, protocol or security level"),
        (
            v3(priv=WRONG),
            RefusedError,
            "SNMPv3 leaves the encrypted questions of user tslcd unanswered: privacy password or protocol",
        ),
    ],
    ids=[
        "community",
        "user",
        "auth password",
        "auth protocol",
        "no encryption",
        "a user without keys",
        "priv password",
    ],
)
async def test_wrong_credentials_are_told_apart(
    connect: Connect, snmpd: Snmpd, snmp: Snmp, error: type[SnmpError], message: str
) -> None:
    """As far as the device tells: never a secret in the message."""
    with pytest.raises(error) as caught:
        await connect(device(snmpd.port, snmp)).get([mib.SYS_UP_TIME])
    assert str(caught.value) == message.format(port=snmpd.port)
    assert WRONG not in str(caught.value)


@pytest.mark.parametrize(
    ("snmp", "beginning"),
    [
        (V2C, "answers SNMP: test-router, 1 interfaces, read in 0."),
        (v3(), "answers SNMP: test-router, 1 interfaces, read in 0."),
        (
            Snmp(community=Secret(WRONG)),
            'silent in version 2c, but the device speaks SNMPv3: community wrong, or write version: "3" ',
        ),
        (v3(user="nobody"), "refused: the device knows no SNMPv3 user nobody: "),
        (v3(auth=WRONG), "refused: user tslcd is known, but the password fits no authentication protocol: "),
        (
            v3(priv=WRONG),
            "refused: user tslcd is authenticated (auth.protocol: SHA), but the password fits no privacy ",
        ),
        (
            v3(auth_protocol="MD5", priv_protocol="AES-256"),
            "refused as configured, but the device takes auth.protocol: SHA, priv.protocol: AES: ",
        ),
        (v3(priv=None, auth_protocol="MD5"), "refused: user tslcd is known, but the device wants more: add snmp.priv "),
        (Snmp(version="3", user="tslcd"), "refused: user tslcd is known, but the device wants more: add snmp.auth "),
        (v3(user="open"), "refused as configured, but the device takes without auth, without priv: "),
    ],
    ids=[
        "2c",
        "3",
        "community",
        "user",
        "auth password",
        "priv password",
        "protocols",
        "no priv",
        "no auth",
        "no keys",
    ],
)
async def test_the_check_says_what_a_real_device_makes_of_the_credentials(
    snmpd: Snmpd, pinger: Pinger, snmp: Snmp, beginning: str
) -> None:
    """In plain words, with a real ping behind them."""
    settings = device(snmpd.port, snmp)
    result = await check_device(settings, open_session(settings), reachable=pinger.reachable, language=Language.EN)
    assert result.message.startswith(beginning)
    assert result.ok == beginning.startswith("answers")


@pytest.mark.parametrize("snmp", [V2C, v3()], ids=["2c", "3"])
async def test_a_closed_port_is_refused(connect: Connect, snmp: Snmp) -> None:
    """The system says so at once (ICMP port unreachable)."""
    port = free_port(socket.SOCK_DGRAM)
    with pytest.raises(RefusedError, match=f"port {port} of 127.0.0.1 is closed") as caught:
        await connect(device(port, snmp)).get([mib.SYS_UP_TIME])
    assert caught.value.reason == "port"


@pytest.mark.parametrize("snmp", [V2C, v3()], ids=["2c", "3"])
async def test_a_stopped_daemon_is_silent_and_is_read_again_when_it_goes_on(
    connect: Connect, fragile: Snmpd, snmp: Snmp
) -> None:
    """The same session recovers by itself; late answers to old questions do no harm."""
    session = connect(device(fragile.port, snmp))
    await session.get([mib.SYS_UP_TIME])
    fragile.program.signal(signal.SIGSTOP)
    with pytest.raises(SilentError):
        await session.get([mib.SYS_NAME])
    fragile.program.signal(signal.SIGCONT)
    assert await session.get([mib.SYS_NAME]) == {mib.SYS_NAME: b"test-router"}


async def test_an_engine_that_restarted_is_found_again(connect: Connect, fragile: Snmpd) -> None:
    """SnmpEngineBoots changed: the session discovers anew within its retries (RFC 3414 section 3.2.7)."""
    session = connect(device(fragile.port, v3()))
    await session.get([mib.SYS_UP_TIME])
    fragile.program.kill()
    fragile.program.start()
    await asyncio.to_thread(wait_until, fragile.answers)
    assert await session.get([mib.SYS_NAME]) == {mib.SYS_NAME: b"test-router"}


async def test_the_time_window_is_kept_open_over_long_pauses(connect: Connect, snmpd: Snmpd) -> None:
    """After more silence than the window allows, the engine's time is asked for first."""
    now = 0.0
    session = connect(device(snmpd.port, v3()), clock=lambda: now)
    await session.get([mib.SYS_UP_TIME])
    now = 1000.0
    assert await session.get([mib.SYS_NAME]) == {mib.SYS_NAME: b"test-router"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: b"\xff\x00not SNMP at all", BrokenError),
        (lambda data: data[:20], BrokenError),
        (lambda data: data, BrokenError),
        # before Python 3.13 asyncio sends no empty datagram, so nothing comes at all
        (lambda _: b"", (BrokenError, SilentError)),
        (lambda data: data.replace(b"\xa0", b"\xa2", 1).replace(b"public", b"publik"), SilentError),
    ],
    ids=["garbage", "truncated", "echo", "empty", "another community"],
)
async def test_answers_that_are_none_are_broken_or_ignored(
    connect: Connect, answer: Callable[[bytes], bytes], error: type[SnmpError] | tuple[type[SnmpError], ...]
) -> None:
    """And end in time, whatever comes."""
    transport, port = await impostor(answer)
    with pytest.raises(error):
        await connect(device(port)).get([mib.SYS_UP_TIME])
    transport.close()


async def test_an_answer_to_another_question_is_not_taken(connect: Connect) -> None:
    """A wrong request-id (RFC 3416 section 4.1) is late news or forged, and never a value."""

    def other_id(data: bytes) -> bytes:
        answer = bytearray(data.replace(b"\xa0", b"\xa2", 1))
        at = data.index(b"\xa0") + 2
        answer[at + 1 + data[at + 1]] ^= 1
        return bytes(answer)

    transport, port = await impostor(other_id)
    with pytest.raises(SilentError):
        await connect(device(port)).get([mib.SYS_UP_TIME])
    transport.close()


async def test_an_address_that_cannot_be_sent_to_is_silent(connect: Connect) -> None:
    """No route is said in words of the system; nothing of it gets out as an exception of its own."""
    settings = PolledDevice(
        id="rt",
        address="fe80::1",
        port=161,
        snmp=V2C,
        interfaces=Interfaces(),
        interval=30,
        timeout=0.1,
        retries=0,
        budget=1,
    )
    with pytest.raises(SilentError, match="cannot send to fe80::1: "):
        await connect(settings).get([mib.SYS_UP_TIME])
    assert await knock("fe80::1", 161, b"x", 0.1) == Knock()


async def test_a_walk_ends_at_its_limit(connect: Connect, snmpd: Snmpd) -> None:
    """A table without end is not read without end."""
    session = connect(device(snmpd.port))
    assert list(await session.walk(mib.IF_DESCR, 1)) == ["1"]
    assert "1" in await session.walk(mib.IF_DESCR, 100)
