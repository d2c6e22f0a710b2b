"""The judge: from what was measured to verdicts of channels and problems of devices and agents. Pure; time is an argument.

``channel`` has the order of judgement, ``evidence`` what still counts, ``steadiness`` what was told before, ``traffic`` counters made
into loads, ``devices`` and ``agents`` the problems, ``reasoning`` an account of a verdict for people.
"""

from tslcd_collector.judge.channel import grouped, in_service, is_silent, judge, measured, planned
from tslcd_collector.judge.evidence import listed
from tslcd_collector.judge.readings import (
    ALONE,
    ROUNDS,
    AgentReading,
    DeviceReading,
    InterfaceReading,
    Lost,
    ProbeReading,
    Readings,
    Surroundings,
)
from tslcd_collector.judge.steadiness import UNTOLD, Past, past_of
from tslcd_collector.judge.traffic import CounterReading, TrafficReading

__all__ = [
    "ALONE",
    "ROUNDS",
    "UNTOLD",
    "AgentReading",
    "CounterReading",
    "DeviceReading",
    "InterfaceReading",
    "Lost",
    "Past",
    "ProbeReading",
    "Readings",
    "Surroundings",
    "TrafficReading",
    "grouped",
    "in_service",
    "is_silent",
    "judge",
    "listed",
    "measured",
    "past_of",
    "planned",
]
