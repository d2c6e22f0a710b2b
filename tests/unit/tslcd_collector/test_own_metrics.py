"""The collector's own metrics are written as prometheus_client writes them, whatever is kept of the last time."""

from __future__ import annotations

import re

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from tslcd_collector.metrics import Metrics

_PROCESS = re.compile(rb"(?m)^(process_\S+) \S+$")


def steady(text: bytes) -> bytes:
    """Leave out the values that differ from one moment to the next."""
    return _PROCESS.sub(rb"\1", text.removesuffix(b"# EOF\n"))


@pytest.mark.parametrize("openmetrics", [False, True])
def test_values_and_series_that_change_are_written_as_ever(openmetrics: bool) -> None:
    """Other values, other series, labels with every character that must be escaped: no line differs."""
    metrics = Metrics()
    for step in range(4):
        if step == 1:
            metrics.reports.labels("live", "new").inc(3)
            metrics.inventory_loaded.set(1_790_000_000.25)
        elif step == 2:
            metrics.add_target('kho "A"\\ \n1 # 2')
        elif step == 3:
            metrics.backfill_oldest.labels('kho "A"\\ \n1 # 2').set(float("inf"))
        registry = metrics.registry
        expected = generate_openmetrics(registry) if openmetrics else generate_latest(registry)  # type: ignore[no-untyped-call]
        for _ in range(2):
            assert steady(metrics.render(openmetrics=openmetrics)) == steady(expected)
