"""Thresholds of classes of channels and of devices, as they stand in ``classes.yaml`` and ``device_classes.yaml``.

The defaults are ours: no rule gives lawful numbers for loss, delay, jitter or availability (Circular 06/2026/TT-BKHCN, article
13.2), so every class may change them. The share of the bandwidth is that of article 5.6, and the room's temperature that of annex I.

Invariant: what began at a threshold ends only when it is clearly on the good side: below ``clear`` times the threshold (above it
divided by ``clear``, where low is bad). So a figure that dances around a threshold makes one change and not a hundred.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tslcd_runtime.units import Duration, Ratio
from tslcd_wire.topics import ID_PATTERN

Id = Annotated[str, Meta(pattern=rf"^{ID_PATTERN}\Z")]
#: Names that become label values: no control characters, no long prose.
Name = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+\Z", max_length=128)]
Count = Annotated[int, Meta(ge=2, le=100)]
Celsius = Annotated[float, Meta(ge=0, le=150)]
#: Optical power relative to one milliwatt.
Dbm = Annotated[float, Meta(ge=-60, le=20)]


class ChannelClass(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of a class of channels: durations in seconds, shares as ratios.

    Evidence older than ``stale_after`` says nothing any more. Errors and traffic are judged over ``traffic_over``;
    ``overload_warn`` is a share of the contracted bandwidth. A channel that was cut ``flap_count`` times within
    ``flap_window`` flaps. ``availability_target`` is a share of time.
    """

    id: Id
    stale_after: Duration = 90.0
    loss_warn: Ratio = 0.01
    loss_critical: Ratio = 0.05
    latency_warn: Duration = 0.020
    latency_critical: Duration = 0.050
    jitter_warn: Duration = 0.010
    jitter_critical: Duration = 0.030
    errors_warn: Ratio = 0.001
    errors_critical: Ratio = 0.01
    overload_warn: Ratio = 0.9
    traffic_over: Duration = 300.0
    flap_count: Count = 3
    flap_window: Duration = 900.0
    clear: Ratio = 0.8
    availability_target: Ratio = 0.995
    repair_within: Duration = 4 * 3600.0


class DeviceClass(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of a class of devices.

    ``temperature_warn`` counts where a sensor tells no limit of its own, ``room_warn`` for the air of the room. ``ignored``: names
    of sensors, tunnels and paths that are not judged. ``ha_changed_for`` and ``restarted_for``: how long such a change is told.
    """

    id: Id
    cpu_warn: Ratio = 0.9
    memory_warn: Ratio = 0.9
    sessions_warn: Ratio = 0.8
    temperature_warn: Celsius = 75.0
    room_warn: Celsius = 32.0
    optical_receive_low: Dbm = -22.0
    battery_low: Ratio = 0.3
    ha_changed_for: Duration = 1800.0
    restarted_for: Duration = 600.0
    clear: Ratio = 0.9
    ignored: tuple[Name, ...] = ()


#: The class of channels that name none.
STANDARD: Final = ChannelClass(id="standard")
#: The class of devices that name none.
STANDARD_DEVICE: Final = DeviceClass(id="standard")
