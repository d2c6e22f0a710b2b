"""Link state at once: who may tell the agent that an interface changed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tslcd_agent.config.values import Address, Glob, Settings
from tslcd_runtime.units import Duration
from tslcd_wire.report import Id


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
