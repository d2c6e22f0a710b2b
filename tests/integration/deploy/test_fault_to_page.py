"""From the fault to the page within 30 s, by the intervals that are shipped: the sum of every waiting on the way, at worst.

A fault waits for the collector (1 s, ``tests/bench``), for the next scrape, for the next evaluation of its group, for the rule's ``for`` and for
the Alertmanager's group: ``group_wait`` where the page begins a group, ``group_interval`` where it joins one that was told before.
Prometheus hands over at once what fires, and the pager sends at once. Phases are independent, so hardly any fault waits for all of it.
"""

from __future__ import annotations

import random
import re
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
#: Seconds that are promised, and those from a link's change to the changed /metrics.
PROMISED: Final = 30.0
COLLECTOR: Final = 1.0
#: Alerts that are told when something was seen to fail, with their severity. Others are told when something lasts: a silence, a state.
SEEN: Final = (
    ("ChannelDown", "critical"),
    ("ChannelDown", "major"),
    ("ChannelFlapping", "major"),
    ("ManyChannelsDown", "critical"),
    ("SitePower", "major"),
    ("CollectorDead", "critical"),
    ("PipelineBroken", "critical"),
    ("StoreFailing", "critical"),
)
#: The dead man's switch, promised.
DEAD_MAN: Final = 300.0
UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Way(NamedTuple):
    """What a fault waits for, seconds: ``phases`` from 0 to their length, ``fixed`` always."""

    phases: tuple[float, ...]
    fixed: float

    @property
    def worst(self) -> float:
        """Return the longest time."""
        return sum(self.phases) + self.fixed


def seconds(text: str | None) -> float:
    """Read a duration of Prometheus."""
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|s|m|h|d)", text or ""))


def settings(path: str) -> dict[str, Any]:
    """Return a shipped file."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / path).read_text())
    return found


def route(labels: dict[str, str]) -> dict[str, Any]:
    """Return the route of an alert, with what it takes over from the root."""
    root = settings("alertmanager/alertmanager.yml")["route"]
    for child in root["routes"]:
        if all(_matches(one, labels) for one in child["matchers"]):
            return {**root, **child}
    return {**root}


def _matches(matcher: str, labels: dict[str, str]) -> bool:
    name, operator, value = re.fullmatch(r'(\w+) (=~?) "(.*)"', matcher).groups()  # type: ignore[union-attr]
    given = labels.get(name, "")
    return given == value if operator == "=" else re.fullmatch(value, given) is not None


def way(alert: str, severity: str) -> Way:
    """Return what a fault waits for until its page."""
    files = (settings(f"prometheus/rules/{path.name}") for path in (DEPLOY / "prometheus/rules").glob("*.rules.yml"))
    [(group, rule)] = [
        (group, rule)
        for group in chain.from_iterable(file["groups"] for file in files)
        for rule in group["rules"]
        if rule.get("alert") == alert and rule["labels"]["severity"] == severity
    ]
    evaluation = seconds(group["interval"])
    lasting = -(-seconds(rule.get("for")) // evaluation) * evaluation
    [job] = [
        one for one in settings("prometheus/prometheus.yml")["scrape_configs"] if one["job_name"] == "tslcd-collector"
    ]
    scrape = seconds(job["scrape_interval"])
    seen = seconds(job["scrape_timeout"]) if alert == "CollectorDead" else COLLECTOR
    labels = {"alertname": alert, "severity": severity, "party": rule["labels"].get("party", "operator")}
    told = route(labels)
    joining = seconds(told["group_interval"]) if "site" in told["group_by"] else 0.0
    return Way((scrape, evaluation), seen + lasting + max(seconds(told["group_wait"]), joining))


@pytest.mark.parametrize(("alert", "severity"), SEEN)
def test_a_page_leaves_within_thirty_seconds(alert: str, severity: str) -> None:
    """At worst, so at the 99th percentile too."""
    found = way(alert, severity)
    assert found.worst <= PROMISED, found
    draw = random.Random(20260101)  # noqa: S311 - phases, not secrets
    times = sorted(found.fixed + sum(draw.uniform(0, phase) for phase in found.phases) for _ in range(10_000))
    assert times[9_900] <= found.worst


def test_what_the_documents_say_is_the_sum() -> None:
    """deploy/README.md and prometheus.yml tell the figure of a cut."""
    worst = f"{way('ChannelDown', 'critical').worst:.0f} s"
    assert worst == "26 s"
    for path in ("README.md", "prometheus/prometheus.yml"):
        assert worst in (DEPLOY / path).read_text()


def test_many_cuts_are_told_before_the_single_ones() -> None:
    """Cuts of one cause that are seen up to fifteen seconds apart are one page: the single ones wait longer than the alert of all."""
    single, many = way("ChannelDown", "critical"), way("ManyChannelsDown", "critical")
    assert (
        single.fixed - (many.fixed - seconds(route({"severity": "critical", "party": "operator"})["group_wait"])) >= 15
    )


def test_the_dead_man_calls_within_five_minutes() -> None:
    """A heartbeat every 30 to 45 s, three minutes of silence, and what a failed message takes to be known to have failed."""
    told = route({"alertname": "Watchdog", "severity": "none"})
    heartbeat = seconds(told["repeat_interval"]) + seconds(told["group_interval"])
    assert heartbeat < 180, "one lost heartbeat would call for help"
    assert heartbeat + 180 <= DEAD_MAN
