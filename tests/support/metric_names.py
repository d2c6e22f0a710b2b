"""Names of every series that the collector exposes, for checking rules and dashboards against them."""

from __future__ import annotations

import re
from typing import Final

from tslcd_collector.families import FAMILIES
from tslcd_collector.metrics import Metrics

_NAME: Final = re.compile(r"\btslcd_[a-z0-9_]+")


def _own() -> frozenset[str]:
    """Return the sample names of the collector's own metrics."""
    suffix = {"counter": "_total", "info": "_info"}
    return frozenset(family.name + suffix.get(family.type, "") for family in Metrics().registry.collect())


#: Every name that may be used in a query.
KNOWN: Final = frozenset(family.name for family in FAMILIES) | _own()


def names_in(query: str) -> set[str]:
    """Return the names of ours in a query; what stands between quotes is a label value."""
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', query)))
