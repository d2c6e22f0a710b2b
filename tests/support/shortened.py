"""The shipped configuration of Prometheus and Alertmanager with every waiting time divided, so that an hour of alerts takes minutes.

What is divided: intervals, timeouts, ``for``, ``keep_firing_for``, the short ranges and offsets of expressions, and what an Alertmanager waits. What is
not: anything else; so a rule that names a label wrongly, or an inhibition that misses, is as wrong here as it is where it is used.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d|w)")
_RANGE: Final = re.compile(r"\[((?:\d+(?:ms|s|m|h|d|w))+)\]")
_OFFSET: Final = re.compile(r"\boffset ((?:\d+(?:ms|s|m|h|d|w))+)")
#: Ranges up to this are divided, in seconds: longer ones are of rules for the days, which no fault of minutes concerns.
_SHORT: Final = 3600.0
#: A scrape costs what it costs, whatever times are divided by: so long, in seconds, is between two of them at least, and one may take as long.
_SCRAPE: Final = 1.0
#: What waits for scrapes that do not come waits for so long at least, in seconds: on a busy machine some come late.
_PATIENCE: Final = 10.0
_SCRAPED: Final = "CollectorDead"
#: How often alerts are told again at most, in seconds: an Alertmanager on a busy machine must hear of them before it takes them for over.
_RESEND: Final = 3.75
_WAITING: Final = ("group_wait", "group_interval", "repeat_interval")
_TIMES: Final = ("mute_time_intervals", "active_time_intervals")


def seconds(text: str) -> float:
    """Read a duration of Prometheus, such as ``1m30s``."""
    return sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def divided(text: str, factor: float, least: float = 0.0) -> str:
    """Return a duration divided by ``factor``, in milliseconds; ``least`` seconds of it are left."""
    whole = seconds(text)
    return f"{round(max(whole / factor, min(whole, least)) * 1000)}ms"


def rules(text: str, factor: float, scrape: float) -> str:
    """Return a file of rules; ranges keep room for four scrapes of ``scrape`` seconds, as they have when shipped."""

    def shorter(found: re.Match[str]) -> str:
        long = seconds(found[1])
        return found[0] if long > _SHORT else f"[{round(max(long / factor, 4 * scrape) * 1000)}ms]"

    def earlier(found: re.Match[str]) -> str:
        return found[0] if seconds(found[1]) > _SHORT else f"offset {divided(found[1], factor)}"

    document = yaml.safe_load(text)
    for group in document["groups"]:
        if "interval" in group:
            group["interval"] = divided(group["interval"], factor)
        for rule in group["rules"]:
            rule["expr"] = _OFFSET.sub(earlier, _RANGE.sub(shorter, str(rule["expr"])))
            least = _PATIENCE if rule.get("alert") == _SCRAPED else 0.0
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    rule[key] = divided(rule[key], factor, least)
    return yaml.safe_dump(document, allow_unicode=True)


def prometheus(folder: Path, factor: float, ports: Mapping[str, int]) -> str:
    """Write the shipped rules into ``folder``; return ``prometheus.yml`` for the jobs that have a port, and Alertmanager's."""
    shipped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    jobs = [job for job in shipped["scrape_configs"] if job["job_name"] in ports]
    usual = shipped["global"]["scrape_interval"]
    fastest = min(seconds(divided(job.get("scrape_interval", usual), factor, _SCRAPE)) for job in jobs)
    folder.mkdir(parents=True, exist_ok=True)
    for file in (DEPLOY / "prometheus/rules").glob("*.rules.yml"):
        (folder / file.name).write_text(rules(file.read_text(), factor, fastest))
    for holder in (shipped["global"], *jobs):
        for key, least in (("scrape_interval", _SCRAPE), ("scrape_timeout", _SCRAPE), ("evaluation_interval", 0.0)):
            if key in holder:
                holder[key] = divided(holder[key], factor, least)
    for job in jobs:
        job["scrape_timeout"] = job.get("scrape_interval", shipped["global"]["scrape_interval"])
        for static in job["static_configs"]:
            static["targets"] = [f"127.0.0.1:{ports[job['job_name']]}"]
    shipped["scrape_configs"] = jobs
    shipped["rule_files"] = [f"{folder}/*.rules.yml"]
    shipped["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{ports['alertmanager']}"]
    return yaml.safe_dump(shipped)


def alertmanager(factor: float, pager: int) -> str:
    """Return ``alertmanager.yml`` for a pager on another port, at any hour of the day: calendars have tests of their own."""
    shipped = yaml.safe_load((DEPLOY / "alertmanager/alertmanager.yml").read_text())
    _route(shipped["route"], factor)
    for receiver in shipped["receivers"]:
        for hook in receiver.get("webhook_configs", ()):
            hook["url"] = re.sub(r"//[^/]+/", f"//127.0.0.1:{pager}/", hook["url"])
            hook.pop("http_config", None)
    return yaml.safe_dump(shipped)


def _route(route: dict[str, Any], factor: float) -> None:
    for key in _TIMES:
        route.pop(key, None)
    for key in _WAITING:
        if key in route:
            route[key] = divided(route[key], factor)
    for child in route.get("routes", ()):
        _route(child, factor)


def resend(factor: float) -> tuple[float, float]:
    """Return how often Prometheus tells an Alertmanager again, in seconds: divided, and what a busy machine is given besides.

    An Alertmanager takes an alert for over when it was not told again for four times that.
    """
    found = re.search(r"--rules\.alert\.resend-delay=(\w+)", (DEPLOY / "prometheus/prometheus.yml").read_text())
    assert found, "prometheus.yml says how it is started"
    shorter = seconds(found[1]) / factor
    return shorter, max(0.0, _RESEND - shorter)
