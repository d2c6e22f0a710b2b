"""Readings of the counters that channels are judged by. No clock, no disk.

Invariants:

* Only interfaces that a channel is bound to are counted, and of each no more readings are kept than
  :func:`tslcd_collector.judge.traffic.kept` keeps.
* A sum is made once for each new reading, however often it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tslcd_collector.judge.traffic import counters, kept, summed

if TYPE_CHECKING:
    from tslcd_collector.inventory import DeviceKey, Inventory
    from tslcd_collector.inventory.classes import ChannelClass
    from tslcd_collector.judge.traffic import CounterReading, TrafficReading
    from tslcd_wire.report import Table


class Counted:
    """Counter readings by device and interface."""

    def __init__(self) -> None:
        """Start with nothing wanted."""
        #: Names that are wanted of a device, with the seconds that their traffic is judged over.
        self._wanted: dict[DeviceKey, dict[str, float]] = {}
        self._readings: dict[tuple[DeviceKey, str], tuple[CounterReading, ...]] = {}
        self._sums: dict[
            tuple[DeviceKey, str, float, float], tuple[tuple[CounterReading, ...], TrafficReading | None]
        ] = {}

    def set_inventory(self, inventory: Inventory) -> None:
        """Count the interfaces that channels of ``inventory`` are bound to; readings of those already counted stay."""
        self._wanted, self._sums = {}, {}
        for key, channels in inventory.channels_by_device.items():
            for channel in channels:
                name = channel.binding.interface if channel.binding is not None else None
                if name is not None:
                    wanted = self._wanted.setdefault(key, {})
                    wanted[name] = max(wanted.get(name, 0.0), channel.channel_class.traffic_over)
        names = ((key, name) for key, wanted in self._wanted.items() for name in wanted)
        self._readings = {one: self._readings.get(one, ()) for one in names}

    def note(self, device: DeviceKey, table: Table, at: float, absence: float) -> None:
        """Read an interface table measured at ``at``; ``absence``: seconds that the collector was away since."""
        for name, over in self._wanted.get(device, {}).items():
            if name in table["key"]:
                new = counters(table, table["key"].index(name), at, absence)
                self._readings[device, name] = kept(self._readings[device, name], new, over)

    def traffic(self, key: DeviceKey, name: str, limits: ChannelClass) -> TrafficReading | None:
        """Return what went over an interface lately, by the times of a channel's class."""
        readings = self._readings.get((key, name))
        if not readings:
            return None
        wanted = (key, name, limits.traffic_over, limits.stale_after)
        known = self._sums.get(wanted)
        if known is None or known[0] is not readings:
            known = self._sums[wanted] = (readings, summed(readings, limits.traffic_over, limits.stale_after))
        return known[1]
