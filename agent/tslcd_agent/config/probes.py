"""Probes: what is measured actively, and the checks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from tslcd_agent.config.values import MIN_INTERVAL, Address, Settings, normal_address
from tslcd_runtime.units import DURATION, Duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tslcd_runtime.settings import Loaded, Path_, Problem


class Probe(Settings, frozen=True, kw_only=True):
    """Echoes to one target (address or name): ``count`` of them, ``spacing`` apart, each of ``size`` bytes with its headers."""

    target: Annotated[str, Meta(min_length=1, max_length=253)]
    count: Annotated[int, Meta(ge=1, le=100)] = 5
    spacing: Duration = 0.2
    timeout: Duration = 1.0
    interval: Duration = 30.0
    size: Annotated[int, Meta(ge=64, le=1500)] = 64
    source: Address | None = None


def check_probes(loaded: Loaded[Any]) -> Iterator[Problem]:
    """Yield the problems of ``probes`` of an AgentConfig."""
    config = loaded.value
    untouched = {}
    for name, device in config.devices.items():
        if not device.touch:
            try:
                untouched[normal_address(device.address)] = name
            except ValueError:
                continue  # told already
    for name, probe in config.probes.items():
        where: Path_ = ("probes", name)
        if probe.source is not None:
            try:
                normal_address(probe.source)
            except ValueError:
                yield loaded.problem((*where, "source"), f"{probe.source!r} is not an IP address")
        longest = (probe.count - 1) * probe.spacing + probe.timeout
        if longest > probe.interval >= MIN_INTERVAL:
            message = (
                f"a round may last {DURATION.show(longest)}, longer than its interval, {DURATION.show(probe.interval)}"
            )
            yield loaded.problem(where, message)
        try:
            target = normal_address(probe.target)
        except ValueError:
            continue  # a name; what it resolves to is held back by the pinger
        if target in untouched:
            yield loaded.problem(
                (*where, "target"), f"the address of device {untouched[target]}, which has touch: false"
            )
