"""What a typical commune reports: two devices with eight interfaces each, four probes, the agent itself; every 30 seconds.

Made from a seed, the same bytes every time, in the form that the agent gives its reports. Five interfaces of eight carry
traffic, with bytes and packets at random around a level of their own; three are up and idle. Times have the digits
of a real clock.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from tslcd_wire import codec
from tslcd_wire.report import Event, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_wire.report import Table, Tables

INTERVAL: Final = 30.0
DEVICES: Final = ("fw", "rt")
INTERFACES: Final = 8
PROBES: Final = 4
#: Reports of one round: a device each, the probes together, the heartbeat.
REPORTS: Final = len(DEVICES) + 2
_BOOT: Final = "7c1e7c1e"
_BEGAN: Final = 1_790_000_000.0
_BUSY: Final = 5
#: One round in so many has a link that changed.
_EVENT_EVERY: Final = 400


class Commune:
    """Everything that changes from round to round."""

    def __init__(self, seed: int = 20261124) -> None:
        """Begin with counters that have run for a while."""
        self.random = random.Random(seed)  # noqa: S311 - the same for every run
        self.round = 0
        self._bytes = {
            device: [
                [self.random.randrange(10**10, 10**13) if busy(row) else 0 for row in range(INTERFACES)]
                for _ in range(2)
            ]
            for device in DEVICES
        }
        self._packets = {
            device: [[one // 700 for one in direction] for direction in both] for device, both in self._bytes.items()
        }

    def drafts(self) -> Iterator[tuple[float, float, str, Tables, list[Event]]]:
        """Measure once more: yield wall time, CLOCK_BOOTTIME, device, tables and events of each report of the round."""
        self.round += 1
        chance = self.random
        for device in DEVICES:
            at = _BEGAN + INTERVAL * self.round + chance.uniform(0, 0.5)
            events = []
            if chance.randrange(_EVENT_EVERY) == 0:
                events = [Event(kind="link", key="wan3", up=bool(self.round % 2), at=round(at, 3), source="trap")]
            yield at, at - _BEGAN + 86_400, device, self._device(device), events
        at = _BEGAN + INTERVAL * self.round + chance.uniform(4, 5)
        yield at, at - _BEGAN + 86_400, "", {"probe": self._probes()}, []
        at += chance.uniform(0, 0.2)
        yield at, at - _BEGAN + 86_400, "", {"agent": self._agent()}, []

    def payload(self, stream: str, seq: int, one: tuple[float, float, str, Tables, list[Event]]) -> bytes:
        """Return the bytes of a report of :meth:`drafts`."""
        at, mono, device, tables, events = one
        return codec.encode(
            Report(
                agent="86-29551-1", stream=stream, seq=seq, at=at, boot=_BOOT, mono=mono, device=device, tables=tables,
                events=events,
            )
        )  # fmt: skip

    def _device(self, device: str) -> Tables:
        chance = self.random
        for direction in (0, 1):
            for row in range(_BUSY):
                moved = int(chance.lognormvariate(15.0 - row, 0.8))
                self._bytes[device][direction][row] += moved
                self._packets[device][direction][row] += moved // chance.randrange(400, 1100)
        nothing = [0] * INTERFACES
        interface: Table = {
            "key": [f"wan{row + 1}" if row < 2 else f"GigabitEthernet0/{row}" for row in range(INTERFACES)],
            "oper_up": [1] * INTERFACES,
            "admin_up": [1] * INTERFACES,
            "speed_bits_per_second": [1e9] * INTERFACES,
            "receive_bytes_total": list(self._bytes[device][0]),
            "transmit_bytes_total": list(self._bytes[device][1]),
            "receive_unicast_packets_total": list(self._packets[device][0]),
            "transmit_unicast_packets_total": list(self._packets[device][1]),
            "receive_errors_total": nothing,
            "transmit_errors_total": nothing,
            "receive_discards_total": [3 * row for row in range(INTERFACES)],
            "transmit_discards_total": nothing,
            "counter_discontinuity_seconds": [0.0] * INTERFACES,
            "alias": [f"Kênh TSLCD cấp II số {row + 1}" if row < 2 else "" for row in range(INTERFACES)],
        }
        table: Table = {
            "key": [""],
            "snmp_up": [1],
            "snmp_state": ["ok"],
            "uptime_seconds": [86_400.25 + INTERVAL * self.round + round(chance.random(), 2)],
            "poll_duration_seconds": [round(chance.lognormvariate(-3.5, 0.4), 6)],
            "poll_complete": [1],
            "interfaces": [float(INTERFACES)],
            "sys_name": [f"{device}-86-29551"],
            "sys_descr": ["RouterOS RB4011iGS+"],
            "sys_object_id": ["1.3.6.1.4.1.14988.1"],
        }
        return {"device": table, "interface": interface}

    def _probes(self) -> Table:
        chance = self.random
        rounds = [sorted(chance.lognormvariate(-4.6, 0.3) for _ in range(10)) for _ in range(PROBES)]

        def each(value: Any) -> list[Any]:
            return [value(rtts) for rtts in rounds]

        return {
            "key": ["gateway", "province", "dns", "internet"],
            "up": [1] * PROBES,
            "outcome": ["ok"] * PROBES,
            "packets_sent": [10.0] * PROBES,
            "packets_received": [10.0] * PROBES,
            "loss_ratio": [0.0] * PROBES,
            "rtt_seconds": each(lambda rtts: round(sum(rtts) / len(rtts), 6)),
            "rtt_min_seconds": each(lambda rtts: round(rtts[0], 6)),
            "rtt_max_seconds": each(lambda rtts: round(rtts[-1], 6)),
            "jitter_seconds": each(lambda rtts: round((rtts[-1] - rtts[0]) / 5, 6)),
            "rtt_median_seconds": each(lambda rtts: round(rtts[5], 6)),
            "rtt_p95_seconds": each(lambda rtts: round(rtts[-2], 6)),
            "duration_seconds": each(lambda rtts: round(0.9 + sum(rtts), 6)),
            "type": ["icmp"] * PROBES,
        }

    def _agent(self) -> Table:
        up = INTERVAL * self.round
        return {
            "key": [""],
            "uptime_seconds": [round(up + self.random.random() / 10, 3)],
            "resident_memory_bytes": [40_000_000.0 + 4096 * self.random.randrange(100)],
            "cpu_seconds_total": [round(up * 0.004 + self.random.random() / 100, 3)],
            "spool_reports": [float(REPORTS * self.round)],
            "spool_bytes": [4096.0 * self.round // 3],
            "spool_limit_bytes": [float(200 * 2**20)],
            "spool_oldest_seconds": [round(up + self.random.random(), 3)],
            "reports_total": [REPORTS * self.round],
            "reports_sent_total": [17],
            "reports_confirmed_total": [17],
            **{
                name: [0]
                for name in (
                    "reports_dropped_total", "broker_connects_total", "poll_overruns_total", "polls_incomplete_total",
                    "traps_received_total", "traps_refused_total", "traps_suppressed_total", "link_events_total",
                    "probe_errors_total", "traps_replayed_total", "reports_dropped_size_total",
                    "reports_dropped_age_total", "reports_dropped_damage_total", "reports_dropped_memory_total",
                    "spool_files_set_aside_total", "spool_in_memory", "uplink_spare", "uplink_changes_total",
                    "history_stopped",
                )
            },
            "uplink": [""],
            "start_reason": ["clean-restart"],
            "version": ["0.1.0"],
        }  # fmt: skip


def busy(row: int) -> bool:
    """Whether an interface carries traffic."""
    return row < _BUSY
