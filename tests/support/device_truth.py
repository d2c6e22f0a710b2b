"""The whole truth of the judge of devices, as a table: the tables of a device, what was before, and every problem that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tslcd_collector.judge.devices import WRAP, DevicePast
from tslcd_collector.problems import DeviceProblem as P

if TYPE_CHECKING:
    from typing import TypeAlias

#: The time of every judgement, UTC seconds; tables were measured 5 s before.
NOW = 1_790_000_000.0
AGE = 5.0
LONG = 90 * 86400.0

Row: TypeAlias = tuple[str, dict[str, dict[str, list[Any]]], DevicePast, str]


def was(*problems: P, **known: Any) -> DevicePast:
    """Return what was before: these problems, and what else is known."""
    return DevicePast(frozenset(problems), **known)


def device(**cells: Any) -> dict[str, dict[str, list[Any]]]:
    """Return the device's own table."""
    return {"device": {"key": [""], **{name: [cell] for name, cell in cells.items()}}}


def firewall(**cells: Any) -> dict[str, dict[str, list[Any]]]:
    """Return the firewall's table."""
    return {"firewall": {"key": [""], **{name: [cell] for name, cell in cells.items()}}}


def sensor(kind: str, **cells: Any) -> dict[str, dict[str, list[Any]]]:
    """Return a table of one sensor of this type."""
    return {"sensor": {"key": ["s1"], "type": [kind], **{name: [cell] for name, cell in cells.items()}}}


def ups(**cells: Any) -> dict[str, dict[str, list[Any]]]:
    """Return the table of a UPS."""
    return {"ups": {"key": [""], **{name: [cell] for name, cell in cells.items()}}}


NONE = DevicePast()
#: Just before, and at the very time.
JUST, LATELY = NOW - 1799.9, NOW - 1800

# what | tables | before | problems told, those that are not there in brackets
TABLE: list[Row] = [
    ("nothing", {}, NONE, ""),
    ("a table that tells nothing", device(), NONE, ""),
    ("readable", device(snmp_state="ok"), NONE, "(snmp_unreadable)"),
    ("refused", device(snmp_state="refused"), NONE, "snmp_unreadable"),
    ("unreachable", device(snmp_state="unreachable", snmp_up=0), NONE, "snmp_unreadable"),
    ("readable by an old agent", device(snmp_up=1), NONE, "(snmp_unreadable)"),
    ("not readable by an old agent", device(snmp_up=0), NONE, "snmp_unreadable"),
    ("CPU at the threshold", device(cpu_utilization_ratio=0.9), NONE, "cpu_high"),
    ("CPU just below", device(cpu_utilization_ratio=0.899), NONE, "(cpu_high)"),
    ("CPU that goes on", device(cpu_utilization_ratio=0.811), was(P.CPU_HIGH), "cpu_high"),
    ("CPU that is over", device(cpu_utilization_ratio=0.809), was(P.CPU_HIGH), "(cpu_high)"),
    ("CPU in between, after memory", device(cpu_utilization_ratio=0.85), was(P.MEMORY_HIGH), "(cpu_high)"),
    ("memory at the threshold", device(memory_utilization_ratio=0.9), NONE, "memory_high"),
    ("memory just below", device(memory_utilization_ratio=0.899), NONE, "(memory_high)"),
    ("started lately", device(uptime_seconds=594), NONE, "restarted"),
    ("started long enough ago", device(uptime_seconds=595), NONE, "(restarted)"),
    ("uptime that is full", device(uptime_seconds=10), was(uptime=WRAP - 20, uptime_at=NOW - AGE - 30), "(restarted)"),
    ("uptime that was full a while ago", device(uptime_seconds=40), was(uptime=10, uptime_at=NOW - AGE - 30, wrapped=True), "(restarted)"),
    ("a restart after a full uptime", device(uptime_seconds=10), was(uptime=40, uptime_at=NOW - AGE - 30, wrapped=True), "restarted"),
    ("uptime that was not full yet", device(uptime_seconds=10), was(uptime=WRAP - 700, uptime_at=NOW - AGE - 30), "restarted"),
    ("sessions at the threshold", firewall(sessions_utilization_ratio=0.8), NONE, "sessions_near_limit"),
    ("sessions just below", firewall(sessions_utilization_ratio=0.799), NONE, "(sessions_near_limit)"),
    ("sessions that go on", firewall(sessions_utilization_ratio=0.73), was(P.SESSIONS_NEAR_LIMIT), "sessions_near_limit"),
    ("sessions by number", firewall(sessions=80, sessions_limit=100), NONE, "sessions_near_limit"),
    ("sessions by number, few", firewall(sessions=79, sessions_limit=100), NONE, "(sessions_near_limit)"),
    ("sessions without a limit", firewall(sessions=80, sessions_limit=0), NONE, ""),
    ("a role for the first time", firewall(ha_role="passive"), NONE, "(ha_changed)"),
    ("the same role", firewall(ha_role="active"), was(role="active"), "(ha_changed)"),
    ("another role", firewall(ha_role="passive"), was(role="active"), "ha_changed"),
    ("another role lately", firewall(ha_role="passive"), was(role="passive", role_changed=JUST), "ha_changed"),
    ("another role long ago", firewall(ha_role="passive"), was(role="passive", role_changed=LATELY), "(ha_changed)"),
    ("a role that it does not know now", firewall(ha_role="unknown"), was(role="active"), "(ha_changed)"),
    ("a peer", firewall(ha_peer_up=1), NONE, "(ha_peer_lost)"),
    ("no peer", firewall(ha_peer_up=0), NONE, "ha_peer_lost"),
    ("hot", sensor("temperature", temperature_celsius=75.0), NONE, "too_hot"),
    ("warm", sensor("temperature", temperature_celsius=74.9), NONE, "(too_hot)"),
    ("hot that goes on", sensor("temperature", temperature_celsius=67.5), was(P.TOO_HOT), "too_hot"),
    ("hot that is over", sensor("temperature", temperature_celsius=67.4), was(P.TOO_HOT), "(too_hot)"),
    ("hot by its own limit", sensor("temperature", temperature_celsius=60.0, temperature_limit_celsius=60), NONE, "too_hot"),
    ("warm by its own limit", sensor("temperature", temperature_celsius=80.0, temperature_limit_celsius=95), NONE, "(too_hot)"),
    ("a limit of nothing", sensor("temperature", temperature_celsius=40.0, temperature_limit_celsius=0), NONE, "(too_hot)"),
    ("a hot room", sensor("room", temperature_celsius=32.0), NONE, "too_hot"),
    ("a room", sensor("room", temperature_celsius=31.9), NONE, "(too_hot)"),
    ("hot by its own word", sensor("temperature", temperature_celsius=40.0, status="critical"), NONE, "too_hot (sensor_failed)"),
    ("a thermometer that failed", sensor("temperature", temperature_celsius=40.0, status="failed"), NONE, "(too_hot) sensor_failed"),
    ("a fan", sensor("fan", status="ok"), NONE, "(fan_failed)"),
    ("a fan that failed", sensor("fan", status="failed"), NONE, "fan_failed"),
    ("a fan in a critical state", sensor("fan", status="critical"), NONE, "fan_failed"),
    ("a fan with a warning", sensor("fan", status="warning"), NONE, "(fan_failed)"),
    ("no fan in its place", sensor("fan", status="absent"), NONE, ""),
    ("a fan that nobody knows of", sensor("fan", status="unknown"), NONE, ""),
    ("a power supply", sensor("power supply", status="ok"), NONE, "(power_supply_failed)"),
    ("a power supply that failed", sensor("power", status="failed"), NONE, "power_supply_failed"),
    ("a module that failed", sensor("module", status="critical"), NONE, "sensor_failed"),
    ("light at the threshold", sensor("optical", receive_power_dbm=-22.0), NONE, "optical_power_low"),
    ("light enough", sensor("optical", receive_power_dbm=-21.9), NONE, "(optical_power_low)"),
    ("little light that goes on", sensor("optical", receive_power_dbm=-21.0), was(P.OPTICAL_POWER_LOW), "optical_power_low"),
    ("little light that is over", sensor("optical", receive_power_dbm=-20.9), was(P.OPTICAL_POWER_LOW), "(optical_power_low)"),
    ("no light at all", sensor("optical", receive_power_dbm=-39.0), NONE, "(optical_power_low)"),
    ("hardly any light", sensor("optical", receive_power_dbm=-38.9), NONE, "optical_power_low"),
    ("one of two fans", {"sensor": {"key": ["a", "b"], "type": ["fan", "fan"], "status": ["failed", "ok"]}}, NONE, "fan_failed"),
    ("a sensor that is ignored", {"sensor": {"key": ["old"], "type": ["fan"], "status": ["failed"]}}, NONE, ""),
    ("tunnels", {"tunnel": {"key": ["a", "b"], "up": [1, 1]}}, NONE, "(tunnel_down)"),
    ("a tunnel that is down", {"tunnel": {"key": ["a", "b"], "up": [0, 1]}}, NONE, "tunnel_down"),
    ("a tunnel that is ignored", {"tunnel": {"key": ["old", "b"], "up": [0, 1]}}, NONE, "(tunnel_down)"),
    ("a tunnel that nobody knows of", {"tunnel": {"key": ["a"], "up": [None]}}, NONE, ""),
    ("a path that is bad", {"path": {"key": ["a"], "up": [0]}}, NONE, "path_down"),
    ("mains", ups(on_battery=0, battery_status="ok", battery_charge_ratio=1.0), NONE, "(on_battery) (battery_low) (battery_failed)"),
    ("battery", ups(on_battery=1), NONE, "on_battery"),
    ("battery at the threshold", ups(battery_charge_ratio=0.3), NONE, "battery_low"),
    ("battery above", ups(battery_charge_ratio=0.301), NONE, "(battery_low)"),
    ("battery that is low still", ups(battery_charge_ratio=0.333), was(P.BATTERY_LOW), "battery_low"),
    ("battery that is charged", ups(battery_charge_ratio=0.334), was(P.BATTERY_LOW), "(battery_low)"),
    ("battery low by its own word", ups(battery_status="low"), NONE, "battery_low (battery_failed)"),
    ("battery empty", ups(battery_status="depleted"), NONE, "battery_low (battery_failed)"),
    ("battery failed", ups(battery_status="failed"), NONE, "(battery_low) battery_failed"),
]  # fmt: skip
