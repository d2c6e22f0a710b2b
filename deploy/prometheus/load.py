"""Recording rules of traffic and the alert about the lawful load (Circular 06/2026/TT-BKHCN, article 5.6)."""

from __future__ import annotations

from typing import Final

from prometheus.channels import CHANNEL
from prometheus.rule import Alert, Group, Record, RuleFile
from prometheus.thresholds import LAWFUL_DAYS, LAWFUL_SAMPLES, LAWFUL_SHARE
from prometheus.words import at_site

from tslcd_collector.verdict import Words

ABOUT: Final = """
The lawful load: the 95th percentile of each direction against the contracted bandwidth, from 5-minute samples, over 7 days running (Circular 06/2026/TT-BKHCN, article 5.6). The text can be read in two ways, so there are two readings: one window of 7 days ("window"), and each of 7 days running ("daily", days from midnight to midnight in Viet Nam).

These rules alone read measurements, which are backfilled, and a replay of history cannot fire them wrongly:

* A 5-minute sample is made once, at its time, from the counters of the five minutes before, and never again. Samples of the past that come later change none of it, and what is missing stays missing: a hole is no zero.
* Into the newest five minutes a replay brings what was measured in them, in its place in time. The counter is the same one, so the increase is right.
* Where nobody knew the channel during the five minutes (state unknown, from `stale_after` of its class on) no sample is made. So the counter that stands still on the page while its agent is silent, and the jump at the return, make none. What is left is a silence shorter than that, which moves at most 90 s of traffic into the next sample.
* A percentile of less than half of a week's samples raises no alert, nor do days of which one is missing.

For the monthly figures, which need the filled holes, the collector's ledger is the source.
"""

#: Seven days of samples, but not the one of seven days ago to the second.
WEEK: Final = "6d23h59m"
DAY: Final = "23h59m"
#: Midnight in Viet Nam is 17:00 UTC; a day's sample is taken there, and subqueries stand at midnight UTC.
SINCE_MIDNIGHT: Final = "7h"
UNKNOWN: Final = f'max by ({CHANNEL}) (max_over_time(tslcd_channel_state{{state="unknown"}}[5m])) == 1'


def _bits(direction: str) -> str:
    return f"channel:{direction}_bits:rate5m"


def _share(direction: str, over: str) -> str:
    return f"channel:{direction}_utilization:p95_{over}"


def _records(direction: str) -> tuple[Record, ...]:
    contracted = f'max by ({CHANNEL}) (tslcd_channel_contracted_bits_per_second{{direction="{direction}"}})'
    return (
        Record(
            name=_bits(direction),
            expr=f"""
                8 * max by ({CHANNEL}) (rate(tslcd_channel_{direction}_bytes_total[5m]))
                unless on ({CHANNEL}) ({UNKNOWN})
            """,
        ),
        *(
            Record(
                name=_share(direction, over),
                expr=f"quantile_over_time(0.95, {_bits(direction)}[{window}]) / on ({CHANNEL}) {contracted}",
            )
            for over, window in (("1d", DAY), ("7d", WEEK))
        ),
    )


def _window(direction: str) -> str:
    return f"""
            {_share(direction, "7d")} > {LAWFUL_SHARE}
              and on ({CHANNEL}) count_over_time({_bits(direction)}[{WEEK}]) >= {LAWFUL_SAMPLES}"""


def _daily(direction: str) -> str:
    days = f"({_share(direction, '1d')} offset {SINCE_MIDNIGHT})[{LAWFUL_DAYS}d:1d]"
    return f"""
            min_over_time({days}) > {LAWFUL_SHARE}
              and on ({CHANNEL}) count_over_time({days}) >= {LAWFUL_DAYS}"""


def _alert(reading: str, window: str, vi: str, en: str) -> Alert:
    received = _window("receive") if window == "7d" else _daily("receive")
    sent = _window("transmit") if window == "7d" else _daily("transmit")
    note = {
        "7d": "",
        "1d": "Judged anew at seven in the morning in Viet Nam, from the percentile that stood at each midnight.",
    }[window]
    return Alert(
        name="ChannelOverloaded95",
        severity="warning",
        party="agency",
        labels={"reading": reading},
        note=note,
        expr=f"{received}\n            or on ({CHANNEL}){sent}",
        hold="1h",
        summary=at_site(
            f"Kênh {{{{ $labels.channel }}}} ({{{{ $name }}}}): phân vị 95 {vi} là {{{{ $value | humanizePercentage }}}} băng thông hợp đồng",
            f"Channel {{{{ $labels.channel }}}} ({{{{ $name }}}}): the 95th percentile {en} is {{{{ $value | humanizePercentage }}}} of the contracted bandwidth",
        ),
        action=Words(
            f"Quá mức {LAWFUL_SHARE:.0%} của Thông tư 06/2026/TT-BKHCN, điều 5.6: xem ai dùng nhiều, đăng ký thêm băng thông",
            f"Above the {LAWFUL_SHARE:.0%} of Circular 06/2026/TT-BKHCN, article 5.6: see who uses it, register more bandwidth",
        ),
    )


FILE: Final = RuleFile(
    name="load",
    about=ABOUT,
    groups=(
        Group(
            name="tslcd-load",
            interval="5m",
            rules=(
                *_records("receive"),
                *_records("transmit"),
                _alert("window", "7d", "của 7 ngày", "of 7 days"),
                _alert("daily", "1d", "thấp nhất trong 7 ngày liên tiếp", "on the best of 7 days running"),
            ),
        ),
    ),
)
