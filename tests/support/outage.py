"""An outage as agents tell it: reports that were measured in the past and come afterwards, and what a store must have of them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from support.collector import interface_table
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from support.collector import ScriptedAgent
    from support.prometheus import Prometheus

#: Bytes that the channel's counter grows a second.
RATE: Final = 1000
RECEIVED: Final = "tslcd_interface_receive_bytes_total"
#: How a collector with short times is told to backfill; then a list of targets, and samples a second.
SETTINGS: Final = (
    "expiry: 5s\nbackfill: {scrape_gap: %s, timeout: 2s, targets: [%s], rate: %d}\nintake: {ack_interval: 50ms}\n"
)


def settings(url: str, *, scraped: bool = False, rate: int = 100_000) -> str:
    """Return lines of ``collector.yaml`` with the target ``tsdb``; ``scraped``: the page is, every second."""
    return SETTINGS % ("2s" if scraped else "200ms", f"{{name: tsdb, url: {json.dumps(url)}}}", rate)


def scraping(collector_port: int) -> str:
    """Return a configuration that scrapes a collector every second, with the labels of the shipped one."""
    return (
        "scrape_configs:\n- job_name: tslcd-collector\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  static_configs:\n"
        f'  - targets: ["127.0.0.1:{collector_port}"]\n    labels: {{instance: collector-a}}\n'
    )


def out_of_order(window: str) -> str:
    """Return the part of Prometheus' configuration that takes the past in."""
    return f"storage:\n  tsdb:\n    out_of_order_time_window: {window}\n"


def reading(at: float, epoch: float) -> int:
    """Return the counter's reading at ``at``."""
    return int((at - epoch) * RATE)


async def replay(agent: ScriptedAgent, epoch: float, since: float, until: float, step: float = 10.0) -> list[float]:
    """Send the history of an outage, newest first; return the times of measurement."""
    times = []
    at = until
    while at >= since:
        await agent.report(interface_table(received=reading(at, epoch)), Lane.HISTORY, at=at, mono=at - 1_700_000_000)
        times.append(at)
        at -= step
    return times


async def live(agent: ScriptedAgent, epoch: float) -> None:
    """Send one live report."""
    await agent.report(interface_table(received=reading(time.time(), epoch)))


def holes(store: Prometheus, since: float, until: float, interface: str = "wan1") -> list[float]:
    """Return the ends of the half minutes from ``since`` to ``until`` without a sample of the interface's counter."""
    expr = f'count_over_time({RECEIVED}{{interface="{interface}"}}[30s])'
    found = store.query_range(expr, since + 30, until, 30)
    assert len(found) <= 1, f"{len(found)} series where one is"
    there = {round(float(at)) for one in found for at, _ in one["values"]}
    start = round(since + 30)
    return [
        float(at)
        for at in range(start, int(until) + 1, 30)
        if at not in there and at - 1 not in there and at + 1 not in there
    ]
