"""Every version, protocol and key extension that Net-SNMP's daemon and snmpsim offer, read by both engines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from support.simulator import AUTH_PASSWORD, EVERY, PRIV_PASSWORD, Simulator, users
from support.snmpd import COMMUNITY, Snmpd
from tslcd_agent.config import Auth, Interfaces, PolledDevice, Priv, Snmp
from tslcd_agent.errors import RefusedError, SnmpError
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.gufo_engine import GufoSession
from tslcd_agent.snmp.pysnmp_engine import PysnmpSession
from tslcd_agent.snmp.session import open_session
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.simulator import Protocols

#: The device that snmpsim gives those who name none.
DEFAULT_CONTEXT = "self"

Engine = type[GufoSession] | type[PysnmpSession]
ENGINES = pytest.mark.parametrize("engine", [GufoSession, PysnmpSession], ids=["gufo", "pysnmp"])
#: A table (sysORTable) that stays as it is while the test runs; this machine's interfaces come and go.
SYS_OR_DESCR = "1.3.6.1.2.1.1.9.1.3"
#: What Net-SNMP calls the key extensions.
NET_SNMP_SUFFIX = {"blumenthal": "", "reeder": "-C", "": ""}


def secure(protocols: Protocols, context: str | None = None) -> Snmp:
    """Make the credentials of a user."""
    values: Any = protocols._asdict()
    auth = Auth(protocol=values["auth"], password=Secret(AUTH_PASSWORD)) if protocols.auth else None
    priv = None
    if protocols.priv:
        priv = Priv(protocol=values["priv"], extension=values["extension"], password=Secret(PRIV_PASSWORD))
    return Snmp(version="3", user=protocols.user, auth=auth, priv=priv, context=context)


def device(port: int, snmp: Snmp, *, timeout: float = 5, retries: int = 1) -> PolledDevice:
    """Make settings with patience, for daemons on busy machines."""
    return PolledDevice(
        id="rt",
        address="127.0.0.1",
        port=port,
        snmp=snmp,
        interfaces=Interfaces(),
        interval=30,
        timeout=timeout,
        retries=retries,
        budget=20,
    )


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """Run Net-SNMP's daemon with a user for every combination."""
    daemon = Snmpd(tmp_path_factory.mktemp("snmpd"))
    for one in EVERY:
        auth = f" {one.auth} {AUTH_PASSWORD}" if one.auth else ""
        priv = f" {one.priv}{NET_SNMP_SUFFIX[one.extension]} {PRIV_PASSWORD}" if one.priv else ""
        if one.auth:
            daemon.add(f"createUser {one.user}{auth}{priv}", f"rouser {one.user} {'priv' if priv else 'auth'}")
    with daemon.running():
        yield daemon


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run snmpsim with a user for every combination and one device, community and context ``router`` and the default."""
    made = Simulator(tmp_path_factory.mktemp("snmpsim"), options=users(EVERY))
    recording = (
        f"{mib.SYS_UP_TIME}|67|4711\n{mib.SYS_NAME}|4|simulated\n{mib.IF_DESCR}.1|4|lan\n{mib.IF_DESCR}.7|4|wan\n"
    )
    for name in ("router", DEFAULT_CONTEXT):
        (made.data / f"{name}.snmprec").write_text(recording)
    with made.running():
        yield made


async def read(engine: Engine, port: int, snmp: Snmp, column: str) -> tuple[object, list[str]]:
    """Read a name, with an object beside it that does not exist, and walk ``column``."""
    session = engine(device(port, snmp))
    try:
        values = await session.get([mib.SYS_UP_TIME, f"{mib.SYS_NAME}.9", mib.SYS_NAME])
        rows = await session.walk(column, 100)
    finally:
        await session.close()
    assert set(values) == {mib.SYS_UP_TIME, mib.SYS_NAME}
    return values[mib.SYS_NAME], list(rows)


async def matrix(engine: Engine, port: int, credentials: dict[str, Snmp], column: str, expected: object) -> None:
    """Read with all of them, a few at the same time, and say which did not do."""
    gate = asyncio.Semaphore(4)

    async def one(snmp: Snmp) -> object:
        async with gate:
            try:
                return await read(engine, port, snmp, column)
            except SnmpError as error:
                return repr(error)

    results = await asyncio.gather(*map(one, credentials.values()))
    assert {name: result for name, result in zip(credentials, results, strict=True) if result != expected} == {}


@ENGINES
async def test_every_combination_of_net_snmp_is_read(engine: Engine, snmpd: Snmpd) -> None:
    """Version 1, 2c, and 43 users: six digests by DES, AES-128 and both extensions of AES-192 and AES-256, and less."""
    credentials = {one.user: secure(one) for one in EVERY}
    credentials |= {version: Snmp(version=version, community=Secret(COMMUNITY)) for version in ("1", "2c")}
    assert len(credentials) == 45
    rows = list(await GufoSession(device(snmpd.port, credentials["2c"])).walk(SYS_OR_DESCR, 100))
    assert len(rows) > 1
    await matrix(engine, snmpd.port, credentials, SYS_OR_DESCR, (b"test-router", rows))


@ENGINES
async def test_every_combination_of_snmpsim_is_read(engine: Engine, simulator: Simulator) -> None:
    """The same, from another implementation."""
    credentials = {version: Snmp(version=version, community=Secret("router")) for version in ("1", "2c")}
    credentials |= {one.user: secure(one) for one in EVERY}
    assert len(credentials) == 45
    await matrix(engine, simulator.port, credentials, mib.IF_DESCR, (b"simulated", ["1", "7"]))


async def test_a_context_is_asked_for_by_the_engine_that_can(simulator: Simulator) -> None:
    """The factory takes pysnmp for it, and gufo-snmp where there is none."""
    session = open_session(device(simulator.port, secure(EVERY[-1], "router")))
    assert isinstance(session, PysnmpSession)
    assert await session.get([mib.SYS_NAME]) == {mib.SYS_NAME: b"simulated"}
    await session.close()
    assert isinstance(open_session(device(simulator.port, secure(EVERY[-1]))), GufoSession)


async def test_a_context_that_a_device_has_not_is_refused(snmpd: Snmpd) -> None:
    """Net-SNMP says nothing there, while it tells anyone of its engine."""
    session = open_session(device(snmpd.port, secure(EVERY[-1], "nowhere"), timeout=0.5, retries=0))
    with pytest.raises(RefusedError, match="leaves the questions in context nowhere unanswered") as caught:
        await session.get([mib.SYS_NAME])
    assert caught.value.reason == "context"
    await session.close()
