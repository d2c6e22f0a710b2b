"""Link state at once: who may tell the agent that an interface changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from tslcd_agent.config.values import Address, Glob, Settings, normal_address
from tslcd_runtime.units import Duration
from tslcd_wire.report import Id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tslcd_runtime.settings import Loaded, Problem


class Traps(Settings, frozen=True, kw_only=True):
    """Where traps and informs are listened for; without this section nothing listens.

    Only configured devices are heard, with the credentials that the agent asks them with. ``rate``: notifications a
    second of one device that are looked at, more are counted and dropped.
    """

    addresses: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=8)] = ("0.0.0.0",)  # noqa: S104 - a listener's default
    port: Annotated[int, Meta(ge=1, le=65535)] = 162
    rate: Annotated[int, Meta(ge=1, le=1000)] = 20


class Links(Settings, frozen=True, kw_only=True):
    """The interfaces of the agent's own box, reported as the device ``device``: changes at once, everything every ``interval``."""

    device: Id = "box"
    include: Annotated[tuple[Glob, ...], Meta(max_length=64)] = ("*",)
    exclude: Annotated[tuple[Glob, ...], Meta(max_length=64)] = ("lo",)
    interval: Duration = 30.0


def check_links(loaded: Loaded[Any]) -> Iterator[Problem]:
    """Yield the problems of ``traps`` and ``links`` of an AgentConfig."""
    config = loaded.value
    if config.traps is not None:
        yield from _addresses(loaded, config.traps.addresses)
        if not any(device.touch and device.snmp is not None for device in config.devices.values()):
            yield loaded.problem(
                ("traps",), "no device is polled, and no other is heard: add devices, or leave this out"
            )
    if config.links is not None and config.links.device in config.devices:
        yield loaded.problem(("links", "device"), f"the name of a device of devices: {config.links.device}")


def _addresses(loaded: Loaded[Any], addresses: tuple[str, ...]) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, text in enumerate(addresses):
        try:
            address = normal_address(text)
        except ValueError:
            yield loaded.problem(("traps", "addresses", place), f"{text!r} is not an IP address")
            continue
        if address in seen:
            yield loaded.problem(("traps", "addresses", place), f"{text} is there twice")
        seen.add(address)
