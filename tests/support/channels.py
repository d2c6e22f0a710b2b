"""A channel and readings for tests of verdicts, without any file."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tslcd_collector.inventory import Agency, Binding, Channel, Site
from tslcd_collector.inventory.classes import STANDARD
from tslcd_collector.inventory.model import Place
from tslcd_collector.judge import AgentReading, DeviceReading, InterfaceReading, ProbeReading, Readings, TrafficReading
from tslcd_runtime.settings import Loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.inventory import ChannelClass

#: The time of every judgement, UTC seconds.
NOW = 1_790_000_000.0
BOTH = Binding(agent="a1", device="fw", interface="wan1", probes=("gateway", "core"))
INTERFACE = Binding(agent="a1", device="fw", interface="wan1")
PROBE = Binding(agent="a1", probes=("gateway",))
DEVICE_PROBE = Binding(agent="a1", device="fw", probes=("gateway",))


def channel(binding: Binding | None = BOTH, channel_class: ChannelClass = STANDARD, **changes: Any) -> Channel:
    """Return a channel of agent a1, of the standard class unless told otherwise, with ``changes``."""
    made = Channel(
        id="c1",
        name="",
        site=Site(id="s1", unit="29551", name="Trụ sở"),
        agency=Agency(id="ubnd", name="Ủy ban nhân dân", kind="state"),
        operator="VNPT",
        circuit="VNPT-1",
        access_level="II",
        channel_class=channel_class,
        receive_bits_per_second=200e6,
        transmit_bits_per_second=200e6,
        tenant="",
        connected_since=dt.date(2025, 7, 1),
        legal_document="01/2025",
        upstream="c0",
        binding=binding,
        place=Place(Loaded(None, "channels.yaml", {}), ()),
    )
    return replace(made, **changes)


def rounds(
    *received: int, sent: int = 5, rtt: float = 0.004, age: float = 5.0, jitter: float = 0.001, apart: float = 10.0
) -> tuple[ProbeReading, ...]:
    """Return rounds of one probe, oldest first, ``apart`` seconds from each other, the newest ``age`` seconds old."""
    newest = NOW - age
    count = len(received)
    return tuple(
        ProbeReading(
            newest - apart * (count - 1 - index),
            sent,
            answered,
            rtt if answered else None,
            jitter if answered else None,
        )
        for index, answered in enumerate(received)
    )


def traffic(
    receive: float | None = 0.1,
    transmit: float | None = 0.1,
    bad: int | None = 0,
    packets: int | None = 1_000_000,
    *,
    span: float = 300.0,
    age: float = 5.0,
) -> TrafficReading:
    """Return what went over the interface: shares of the 200 Mbit/s of :func:`channel`, bad packets and good ones."""
    bits = [None if share is None else share * 200e6 for share in (receive, transmit)]
    return TrafficReading(NOW - age, span, bits[0], bits[1], packets, bad)


def readings(**changes: Any) -> Readings:
    """Return readings under which everything is good, with ``changes``."""
    probes: Mapping[str, tuple[ProbeReading, ...]] = {"gateway": rounds(5, 5, 5), "core": rounds(5, 5, 5)}
    good: dict[str, Any] = {
        "agent": AgentReading(online=True, last_heard=NOW - 3),
        "device": DeviceReading("ok", NOW - 5),
        "interface": InterfaceReading(oper_up=True, admin_up=True, at=NOW - 5),
        "interfaces_known": ("lan", "wan1"),
        "probes": probes,
    }
    return Readings(**{**good, **changes})


def device(state: str, age: float = 4.0) -> DeviceReading:
    """Return a poll of the device, by default one after that of the interface in :func:`readings`."""
    return DeviceReading(state, NOW - age)


def interface(*, oper: bool | None, admin: bool | None = True, age: float = 5.0) -> InterfaceReading:
    """Return a reading of the interface."""
    return InterfaceReading(oper, admin, NOW - age)
