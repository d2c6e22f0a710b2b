"""Round trips through a real Mosquitto: over the courier's connection, and over one of a command's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from support.broker import Broker
from support.fake_collector import until
from support.processes import free_port
from tslcd_agent.config import Courier as CourierSettings
from tslcd_agent.config import Identity, MqttProbe, Uplink
from tslcd_agent.courier import Courier
from tslcd_agent.probes.mqtt import OwnConnection
from tslcd_agent.probes.prober import Prober
from tslcd_agent.spool import Bounds, Spool, system_clock
from tslcd_runtime.health import Health
from tslcd_runtime.mqtt import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IDENTITY = Identity(id="a-1", province="86")
#: What a broker allows that was set up before there were round trips.
OLD_RIGHTS = "pattern write tslcd/v1/86/a-1/status\npattern read tslcd/v1/86/a-1/ack\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a Mosquitto."""
    with Broker(tmp_path / "broker").running() as one:
        yield one


async def test_a_word_goes_over_the_connection_that_reports_leave_by(tmp_path: Path, broker: Broker) -> None:
    """Before there is a connection the reason is told; on it the word comes back, round after round; nothing else is lost."""
    spool = Spool(tmp_path / "spool", Bounds(50 * 2**20, 86400), system_clock("7c1e0000"))
    settings = CourierSettings(reconnect_min=0.05, reconnect_max=0.2)
    uplinks = (Uplink(port=broker.port),)
    courier = Courier(spool, uplinks, settings, IDENTITY, version="0", boot="7c1e0000", health=Health())
    prober = Prober(exchange=courier.round_trip)
    probe = MqttProbe()
    result = await prober.probe("broker", probe)
    assert (result.outcome, result.reason) == ("no_answer", "not connected yet")
    async with spool:
        task = asyncio.create_task(courier.run())
        await until(lambda: courier.connected_to)
        for _ in range(3):
            result = await prober.probe("broker", probe)
            assert (result.outcome, result.type) == ("ok", "mqtt")
            assert set(result.phases) == {"answer"}
        assert courier.acks == {"applied": 0, "foreign": 0, "malformed": 0}
        broker.program.kill()
        await until(lambda: not courier.connected_to)
        await until(lambda: courier.failures["unreachable"])
        result = await prober.probe("broker", probe)
        assert result.outcome == "unreachable"
        broker.program.start()
        await until(lambda: courier.connected_to)
        assert (await prober.probe("broker", probe)).outcome == "ok"
        courier.stop()
        async with asyncio.timeout(10):
            await task
    assert prober.statistics.unexpected == 0


async def test_a_connection_of_ones_own_goes_to_the_first_broker_that_can_be_used(broker: Broker) -> None:
    """With its phases; a closed port before it is passed over; only closed ones are unreachable."""
    closed = Endpoint(port=free_port())
    own = OwnConnection((closed, Endpoint(host="localhost", port=broker.port)), IDENTITY, frozenset(), 5)
    result = await Prober(exchange=own.round_trip).probe("broker", MqttProbe())
    assert result.outcome == "ok"
    assert set(result.phases) == {"resolve", "connect", "answer"}
    own = OwnConnection((closed,), IDENTITY, frozenset(), 5)
    result = await Prober(exchange=own.round_trip).probe("broker", MqttProbe())
    assert (result.outcome, result.reason) == ("unreachable", f"broker {closed}: connection refused")


async def test_a_broker_that_must_not_be_touched_is_not_connected_to(broker: Broker) -> None:
    """Its name is resolved, and its address held back."""
    own = OwnConnection((Endpoint(host="localhost", port=broker.port),), IDENTITY, {"127.0.0.1", "::1"}, 5)
    result = await Prober(exchange=own.round_trip).probe("broker", MqttProbe())
    assert (result.outcome, result.reason) == ("denied", "nothing may be sent to that address")
    assert (await Prober().probe("broker", MqttProbe())).reason == "no broker is configured"


async def test_missing_rights_are_refused(tmp_path: Path) -> None:
    """A broker with the rights of before says no: that is the reason, and the courier's connection lives on."""
    rights = tmp_path / "acl"
    rights.write_text(OLD_RIGHTS.replace("pattern ", "topic "))
    rights.chmod(0o600)
    lines = f"allow_anonymous true\nacl_file {rights}\n"
    with Broker(tmp_path / "strict", lines=lines).running() as strict:
        own = OwnConnection((Endpoint(port=strict.port),), IDENTITY, frozenset(), 5)
        result = await Prober(exchange=own.round_trip).probe("broker", MqttProbe())
    assert result.outcome == "refused"
    assert "publishing to tslcd/v1/86/a-1/probe refused" in result.reason


async def test_a_word_that_does_not_come_back_is_no_answer(tmp_path: Path) -> None:
    """Written, and never delivered: the deadline decides."""
    rights = tmp_path / "acl"
    rights.write_text("topic write tslcd/v1/86/a-1/#\n")
    rights.chmod(0o600)
    lines = f"allow_anonymous true\nacl_file {rights}\n"
    with Broker(tmp_path / "strict", lines=lines).running() as strict:
        own = OwnConnection((Endpoint(port=strict.port),), IDENTITY, frozenset(), 5)
        result = await Prober(exchange=own.round_trip).probe("broker", MqttProbe(timeout=0.5))
    assert (result.outcome, result.reason) == ("no_answer", "answer: no end within 0.5 s")
