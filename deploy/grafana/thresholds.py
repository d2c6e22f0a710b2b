"""The numbers at which a screen changes its colour: the defaults of the classes of channels and devices, and of the rules.

A test compares each with ``configs/inventory`` and ``deploy/prometheus/rules``. A class of the inventory may have others; the
verdicts and problems on the screens follow those, and only the lines in graphs stay where the standard class has them.
"""

from __future__ import annotations

from typing import Final

#: Of a channel: from here degraded, from here down (classes.yaml); shares and seconds.
LOSS: Final = (0.01, 0.05)
LATENCY: Final = (0.020, 0.050)
JITTER: Final = (0.010, 0.030)
ERRORS: Final = (0.001, 0.01)
#: Share of the contracted bandwidth that the 95th percentile may reach (Circular 06/2026/TT-BKHCN article 5.6).
LOAD: Final = 0.9
AVAILABILITY: Final = 0.995

#: Of a device (device_classes.yaml); shares, degrees Celsius, dBm.
CPU: Final = 0.9
MEMORY: Final = 0.9
SESSIONS: Final = 0.8
TEMPERATURE: Final = 75.0
OPTICAL: Final = -22.0
BATTERY: Final = 0.3

#: Share of the channels that must be seen (SupervisionIncomplete).
COVERAGE: Final = 1.0
#: Share of the spool's bound from which it fills, and seconds from which a clock is wrong: the collector's own.
SPOOL: Final = 0.8
CLOCK: Final = 10.0
