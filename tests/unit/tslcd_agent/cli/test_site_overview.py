"""The screen of a site: rates from two readings, and silence that does not look like health."""

from __future__ import annotations

from tslcd_agent.commands.overview import Overview
from tslcd_agent.readings import Reading
from tslcd_wire.report import Event, Table, Tables


def reading(mono: float, received: int | None, *, state: str = "ok", errors: int = 0) -> Reading:
    """Return one round of a firewall with one interface; without ``received`` it did not answer."""
    tables: Tables = {
        "device": {"key": [""], "snmp_state": [state], "poll_complete": [1], "vendor": ["Acme"], "model": ["1"]}
    }
    if received is not None:
        tables["interface"] = {
            "key": ["wan1"],
            "oper_up": [1],
            "receive_bytes_total": [received],
            "receive_errors_total": [errors],
            "transmit_errors_total": [errors],
        }
    return Reading("fw", tables, (), 1.0, mono)


async def test_rates_are_made_of_two_readings() -> None:
    """Bits from bytes over CLOCK_BOOTTIME; errors of both directions together; nothing after one reading only."""
    overview = Overview()
    await overview.take(reading(10.0, 1000))
    (line,) = overview.interfaces()
    assert (line.receive_bits_per_second, line.errors_per_second) == (None, None)
    await overview.take(reading(12.0, 2000, errors=4))
    (line,) = overview.interfaces()
    assert (line.receive_bits_per_second, line.transmit_bits_per_second, line.errors_per_second) == (4000.0, None, 4.0)


async def test_a_counter_that_went_back_has_no_rate() -> None:
    """A restart of the device is not a rate, neither negative nor enormous."""
    overview = Overview()
    for mono, received in ((10.0, 5000), (12.0, 10)):
        await overview.take(reading(mono, received))
    (line,) = overview.interfaces()
    assert line.receive_bits_per_second is None


async def test_a_silent_device_keeps_its_interfaces_marked_old() -> None:
    """What was known stays on the screen and says that it is old; the device says why."""
    overview = Overview()
    await overview.take(reading(10.0, 1000))
    await overview.take(reading(12.0, None, state="silent"))
    (line,) = overview.interfaces()
    assert (line.old, line.up, overview.devices["fw"].state) == (True, True, "silent")
    await overview.take(reading(14.0, 1000))
    assert [line.old for line in overview.interfaces()] == [False]


async def test_an_event_changes_the_line_at_once() -> None:
    """A trap between two rounds is on the screen before the next round."""
    overview = Overview()
    await overview.take(reading(10.0, 1000))
    await overview.take(Reading("fw", {}, (Event("link", "wan1", up=False, at=11.0, source="trap"),), 11.0, 11.0))
    (line,) = overview.interfaces()
    assert line.up is False


async def test_probes_are_told_as_they_came() -> None:
    """A probe that failed has its reason and no times."""
    overview = Overview()
    table: Table = {
        "key": ["gateway", "core"],
        "outcome": ["ok", "no_answer"],
        "loss_ratio": [0.0, 1.0],
        "rtt_seconds": [0.002, None],
    }
    await overview.take(Reading("", {"probe": table}, (), 1.0, 1.0))
    assert [(one.name, one.outcome, one.rtt_seconds) for one in overview.probes.values()] == [
        ("gateway", "ok", 0.002),
        ("core", "no_answer", None),
    ]
