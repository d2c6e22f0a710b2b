"""Every number of the alert rules: thresholds, how long a thing must last (``wait``), how long it is still told (``hold``).

Thresholds of loss, delay, jitter, errors, load and of devices are not here: they belong to the classes in the inventory, and the
rules read what the collector judged by them.
"""

from __future__ import annotations

from typing import Final

#: Article 5.6 of Circular 06/2026/TT-BKHCN: the 95th percentile of a direction, as a share of the contracted bandwidth.
LAWFUL_SHARE: Final = 0.9
#: Article 5.6: days running.
LAWFUL_DAYS: Final = 7
#: 5-minute samples of which a window of seven days must have at least half to say anything (7 × 288 = 2,016 are all).
LAWFUL_SAMPLES: Final = 1008

#: So many channels cut, or agents lost, at once, and at least this share of all, are one event of the province.
MANY: Final = 5
MANY_SHARE: Final = 0.1
#: Cuts within so long are "at once". What was a cut at any moment of as long a time before that is an old one, so that a gap makes no cut new.
LATELY: Final = "5m"

#: Time until the end of a certificate, in seconds: to be renewed, and to be renewed today.
CERTIFICATE_SOON: Final = 14 * 86400
CERTIFICATE_NOW: Final = 3 * 86400

#: A message that waits for so long with the pager, in seconds, and is not held back on purpose, reaches nobody.
MESSAGE_LATE: Final = 120

#: A cut shorter than this pages nobody; it is a part of the 30 s from the fault to the page.
CUT_WAIT: Final = "10s"
#: A cut is told until the channel worked for so long: three cuts in 15 minutes, which the class calls flapping, are one alert.
CUT_HOLD: Final = "5m"
#: Flapping is told for a little less, so that the two do not end at one moment: what holds the other back must end last.
FLAPPING_HOLD: Final = "4m30s"
#: What the inventory says of a channel is remembered so long while no scrape tells it: a collector that starts again takes less.
INVENTORY_HOLD: Final = "5m"
#: A flapping channel is cut when it was down for so long: so many evaluations of 5 s, one of which may be late.
FLAPPING_CUT: Final = "2m"
FLAPPING_CUT_SAMPLES: Final = 23
#: A channel below another that was cut has so long to be measured again before it counts as cut by itself.
UPSTREAM_HOLD: Final = "2m"
