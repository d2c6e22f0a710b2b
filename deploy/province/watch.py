"""What the check sees: only what Prometheus' own API answers, as any user of the system would see it.

Where there is no Prometheus (a demo without root on a machine without it), the collector's ``/metrics`` is read instead,
and the check says so.
"""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from province.stage import Stage

_SAMPLE: Final = re.compile(r"^([a-z_:]+)\{(.*)\} (\S+)$")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Seen(NamedTuple):
    """What is seen of one channel: label values."""

    state: str
    reason: str
    party: str

    def __str__(self) -> str:
        """Write it with slashes."""
        return "/".join(self)


class Watch:
    """Reads verdicts the way a dashboard does."""

    def __init__(self, stage: Stage) -> None:
        """Remember where to ask."""
        self._stage = stage

    def verdicts(self) -> dict[str, Seen]:
        """Return state, reason and party of every channel that is visible now, by channel id. Raises OSError."""
        states = {
            labels["channel"]: labels["state"] for labels, value in self.query("tslcd_channel_state == 1") if value == 1
        }
        why = {labels["channel"]: labels for labels, _ in self.query("tslcd_channel_verdict_info")}
        return {
            channel: Seen(state, why[channel]["reason"], why[channel]["party"])
            for channel, state in states.items()
            if channel in why
        }

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """Ask an instant query; return labels and value of each series. Raises OSError."""
        if self._stage.prometheus is None:
            return self._scrape(expression)
        answer = self._api("query", query=expression)
        return [(one["metric"], float(one["value"][1])) for one in answer]

    def first_scrape(self) -> tuple[float, dict[str, int]]:
        """Return when the collector was first scraped, and how many samples each channel's state had in that scrape."""
        if self._stage.prometheus is None:
            labels = [labels for labels, _ in self._scrape("tslcd_channel_state")]
            return time.time(), {one["channel"]: 5 for one in labels}
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            scrapes = [one["values"] for one in self._api("query", query='up{job="tslcd-collector"}[5m]')]
            good = [float(at) for values in scrapes for at, value in values if value == "1"]
            if good:
                answer = self._api("query", query=f"tslcd_channel_up @ {min(good):.3f}")
                return min(good), {one["metric"]["channel"]: 1 for one in answer}
            time.sleep(0.2)
        return 0.0, {}

    def _api(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        url = f"{self._stage.prometheus_url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback, http
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return result

    def _scrape(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """Read one family from the collector itself; ``== 1`` is the only operator known."""
        family, _, wanted = expression.partition(" == ")
        result: list[tuple[Mapping[str, str], float]] = []
        for line in self._stage.fetch("/metrics").decode().splitlines():
            match = _SAMPLE.match(line)
            if match and match[1] == family and (not wanted or float(match[3]) == float(wanted)):
                result.append((dict(_LABEL.findall(match[2])), float(match[3])))
        return result
