"""What a collector would show that has a sample of every family, so that every query of a screen has something to find.

Two channels of one site and redundancy group: one is down, the other was down for one scrape. One device and one agent with every
problem there is.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from tslcd_collector.families import FAMILIES, Family, labels_text
from tslcd_collector.metrics import Metrics
from tslcd_collector.problems import AgentProblem, DeviceProblem
from tslcd_collector.verdict import State
from tslcd_wire.catalogue import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNELS: Final = ("86-29551-c1", "86-29551-c2")
#: The scrape at which the second channel is down.
_CUT: Final = 2
#: A time in the past, for families whose value is one.
THEN: Final = 1790000000
#: The value of labels that have one only; those without an entry have their own name as value.
_ONE: Final = {
    "province": "86",
    "site": "86-29551",
    "agent": "86-29551-1",
    "device": "fw",
    "interface": "wan1",
    "site_name": "Xã Ví Dụ",
    "agency_name": "UBND xã",
    "operator": "VNPT",
    "class": "standard",
    "tenant": "vpn-ubnd",
    "upstream": "",
    "redundancy_group": "86-29551-g1",
    "reason": "interface_down",
    "party": "operator",
}
#: Which state of a closed set holds: the one that calls for somebody.
_HOLDS: Final = {"tslcd_channel_state": "down", "tslcd_sensor_status": "failed"}
_STATES: Final = {kind.family(one.name): one.states for kind in KINDS for one in kind.columns if one.states}


def _choices(family: Family, label: str) -> tuple[str, ...]:
    """Return the values of a label in a family."""
    if label == "channel":
        return CHANNELS
    if label == "direction":
        return ("receive", "transmit")
    if label == "state":
        return _STATES.get(family.name, tuple(state.value for state in State))
    if label == "problem":
        problems = DeviceProblem if "device" in family.labels else AgentProblem
        return tuple(problem.value for problem in problems)
    return (_ONE.get(label, label),)


def _value(family: Family, labels: dict[str, str], step: int) -> float:
    if "state" in labels and family.name != "tslcd_channels":
        holds = _HOLDS.get(family.name, _choices(family, "state")[0])
        if labels.get("channel") == CHANNELS[1]:
            holds = "down" if step == _CUT else "up"
        return float(labels["state"] == holds)
    if family.name == "tslcd_channel_up":
        return float(labels["channel"] == CHANNELS[1] and step != _CUT)
    if family.type == "counter":
        return step * 1000.0
    if family.name.endswith("timestamp_seconds"):
        return THEN
    return {"tslcd_agent_online": 0.0, "tslcd_channel_contracted_bits_per_second": 10.0}.get(family.name, 1.0)


def _samples(step: int) -> Iterator[str]:
    for family in FAMILIES:
        for values in itertools.product(*(_choices(family, label) for label in family.labels)):
            labels = dict(zip(family.labels, values, strict=True))
            if labels.get("channel") == CHANNELS[1] and "reason" in labels:
                labels |= {"reason": "ok", "party": "none"}
            if labels.get("channel") == CHANNELS[1] and "interface" in labels:
                labels["interface"] = "wan2"
            yield f"{family.name}{{{labels_text(labels)}}} {_value(family, labels, step)}"


def exposition(step: int) -> bytes:
    """Return what is shown at scrape number ``step``: counters move by a thousand."""
    metrics = Metrics()
    metrics.add_target("prometheus")
    metrics.reports.labels("live", "new").inc(step * 10)
    return metrics.render(openmetrics=False) + ("\n".join(_samples(step)) + "\n").encode()
