"""The judge of devices: from the tables of one device to its problems. Pure; time is an argument.

Invariants:

* A problem is told, true or false, exactly while the tables that were handed in can tell about it: a device without fans has no
  ``fan_failed``, and never one that is 0.
* What was before is an argument (:class:`DevicePast`). Figures let go of a problem later than they took hold of it.
* A change of role is one between two known roles; the first role that is ever heard is none. An uptime that starts anew since its
  counter of hundredths is full after 497 days (SNMPv2-MIB::sysUpTime) is no restart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tslcd_collector.problems import DeviceProblem
from tslcd_wire.catalogue import DEVICE, FIREWALL, PATH, SENSOR, TUNNEL, UPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tslcd_collector.inventory.classes import DeviceClass
    from tslcd_wire.report import Table

#: ``sensor.type`` of what has a problem of its own.
FAN: Final = "fan"
POWER: Final = frozenset({"power supply", "power"})
ROOM: Final = "room"
#: ``sensor.status`` that tells of a fault.
FAULTY: Final = frozenset({"critical", "failed"})
#: Below this there is no light at all: the port is dark, which its interface tells, dBm.
DARK: Final = -39.0
#: A low optical power is over when it is so much higher, dB.
MARGIN: Final = 1.0
#: sysUpTime starts anew after so many seconds.
WRAP: Final = 2**32 / 100
#: How far from that the last uptime may have been, seconds.
BEFORE_WRAP: Final = 600.0
ROLES: Final = frozenset({"active", "passive", "standalone"})


@dataclass(frozen=True, slots=True)
class DevicePast:
    """What was known of a device before: its problems, its role and when that changed, its uptime and when that was read.

    ``wrapped``: the uptime started anew by itself, and is still small since.
    """

    problems: frozenset[DeviceProblem] = frozenset()
    role: str = ""
    role_changed: float = float("-inf")
    uptime: float | None = None
    uptime_at: float = 0.0
    wrapped: bool = False


class DeviceVerdict(NamedTuple):
    """Every problem that can be told of, and what to hand in the next time."""

    problems: dict[DeviceProblem, bool]
    past: DevicePast


def judge_device(
    tables: Mapping[str, tuple[Table, float]], limits: DeviceClass, past: DevicePast, now: float
) -> DeviceVerdict:
    """Judge a device at ``now`` (UTC seconds) by its tables, each with the time it was measured."""
    past = _followed(tables, limits, past)
    told: dict[DeviceProblem, bool] = {}
    for problem, there in (
        *_device(tables, limits, past, now),
        *_firewall(tables, limits, past, now),
        *_sensors(tables, limits, past),
        *_ways(tables, limits),
        *_ups(tables, limits, past),
    ):
        told[problem] = told.get(problem, False) or there
    held = frozenset(problem for problem, there in told.items() if there)
    return DeviceVerdict(told, replace(past, problems=held))


def _followed(tables: Mapping[str, tuple[Table, float]], limits: DeviceClass, past: DevicePast) -> DevicePast:
    """Follow role and uptime."""
    if FIREWALL.name in tables:
        table, at = tables[FIREWALL.name]
        role = _cell(table, "ha_role")
        if role in ROLES and role != past.role:
            past = replace(past, role=role, role_changed=at if past.role else past.role_changed)
    if DEVICE.name in tables:
        table, at = tables[DEVICE.name]
        uptime = _cell(table, "uptime_seconds")
        if uptime is not None and at != past.uptime_at:
            wrapped = past.wrapped and uptime < limits.restarted_for
            if past.uptime is not None and uptime < past.uptime:
                wrapped = past.uptime + (at - past.uptime_at) >= WRAP - BEFORE_WRAP
            past = replace(past, uptime=uptime, uptime_at=at, wrapped=wrapped)
    return past


def _device(
    tables: Mapping[str, tuple[Table, float]], limits: DeviceClass, past: DevicePast, now: float
) -> Iterator[tuple[DeviceProblem, bool]]:
    if DEVICE.name not in tables:
        return
    table, at = tables[DEVICE.name]
    state = _cell(table, "snmp_state")
    up = _cell(table, "snmp_up")
    if state is not None or up is not None:
        yield DeviceProblem.SNMP_UNREADABLE, state != "ok" if state is not None else not up
    for column, warn, problem in (
        ("cpu_utilization_ratio", limits.cpu_warn, DeviceProblem.CPU_HIGH),
        ("memory_utilization_ratio", limits.memory_warn, DeviceProblem.MEMORY_HIGH),
    ):
        value = _cell(table, column)
        if value is not None:
            yield problem, value >= _bound(warn, problem, past, limits)
    uptime = _cell(table, "uptime_seconds")
    if uptime is not None:
        yield DeviceProblem.RESTARTED, now - (at - uptime) < limits.restarted_for and not past.wrapped


def _firewall(
    tables: Mapping[str, tuple[Table, float]], limits: DeviceClass, past: DevicePast, now: float
) -> Iterator[tuple[DeviceProblem, bool]]:
    if FIREWALL.name not in tables:
        return
    table, _ = tables[FIREWALL.name]
    share, used, most = (_cell(table, name) for name in ("sessions_utilization_ratio", "sessions", "sessions_limit"))
    if share is None and used is not None and most:
        share = used / most
    if share is not None:
        problem = DeviceProblem.SESSIONS_NEAR_LIMIT
        yield problem, share >= _bound(limits.sessions_warn, problem, past, limits)
    if past.role:
        yield DeviceProblem.HA_CHANGED, now - past.role_changed < limits.ha_changed_for
    peer = _cell(table, "ha_peer_up")
    if peer is not None:
        yield DeviceProblem.HA_PEER_LOST, not peer


def _sensors(
    tables: Mapping[str, tuple[Table, float]], limits: DeviceClass, past: DevicePast
) -> Iterator[tuple[DeviceProblem, bool]]:
    if SENSOR.name not in tables:
        return
    table, _ = tables[SENSOR.name]
    for row, name in enumerate(table["key"]):
        if name not in limits.ignored:
            yield from _sensor(table, row, limits, past)


def _sensor(table: Table, row: int, limits: DeviceClass, past: DevicePast) -> Iterator[tuple[DeviceProblem, bool]]:
    kind, status = _cell(table, "type", row), _cell(table, "status", row)
    heat, power = _cell(table, "temperature_celsius", row), _cell(table, "receive_power_dbm", row)
    if heat is not None:
        limit = _cell(table, "temperature_limit_celsius", row)
        if limit is None or limit <= 0:
            limit = limits.room_warn if kind == ROOM else limits.temperature_warn
        hot = heat >= _bound(limit, DeviceProblem.TOO_HOT, past, limits)
        yield DeviceProblem.TOO_HOT, hot or status == "critical"
    if power is not None:
        held = DeviceProblem.OPTICAL_POWER_LOW in past.problems
        wanted = limits.optical_receive_low + (MARGIN if held else 0.0)
        yield DeviceProblem.OPTICAL_POWER_LOW, DARK < power <= wanted
    if status in {None, "absent", "unknown"}:
        return
    if kind == FAN:
        yield DeviceProblem.FAN_FAILED, status in FAULTY
    elif kind in POWER:
        yield DeviceProblem.POWER_SUPPLY_FAILED, status in FAULTY
    else:
        yield DeviceProblem.SENSOR_FAILED, status == "failed" or (status == "critical" and heat is None)


def _ways(tables: Mapping[str, tuple[Table, float]], limits: DeviceClass) -> Iterator[tuple[DeviceProblem, bool]]:
    for kind, problem in ((TUNNEL, DeviceProblem.TUNNEL_DOWN), (PATH, DeviceProblem.PATH_DOWN)):
        if kind.name not in tables:
            continue
        table, _ = tables[kind.name]
        for row, name in enumerate(table["key"]):
            up = _cell(table, "up", row)
            if up is not None and name not in limits.ignored:
                yield problem, not up


def _ups(
    tables: Mapping[str, tuple[Table, float]], limits: DeviceClass, past: DevicePast
) -> Iterator[tuple[DeviceProblem, bool]]:
    if UPS.name not in tables:
        return
    table, _ = tables[UPS.name]
    for row in range(len(table["key"])):
        on, status, charge = (
            _cell(table, name, row) for name in ("on_battery", "battery_status", "battery_charge_ratio")
        )
        if on is not None:
            yield DeviceProblem.ON_BATTERY, bool(on)
        if status is not None or charge is not None:
            held = DeviceProblem.BATTERY_LOW in past.problems
            wanted = limits.battery_low / (limits.clear if held else 1.0)
            yield DeviceProblem.BATTERY_LOW, status in {"low", "depleted"} or (charge is not None and charge <= wanted)
        if status is not None:
            yield DeviceProblem.BATTERY_FAILED, status == "failed"


def _bound(warn: float, problem: DeviceProblem, past: DevicePast, limits: DeviceClass) -> float:
    return warn * limits.clear if problem in past.problems else warn


def _cell(table: Table, column: str, row: int = 0) -> Any:
    cells = table.get(column)
    return cells[row] if cells is not None and row < len(cells) else None
