"""Settings of the backfill: part of ``collector.yaml``, defaults are code. Units inside are seconds, bytes, samples."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, field

from tslcd_runtime.mqtt import Tls
from tslcd_runtime.secret import Secret
from tslcd_runtime.units import ByteSize, Duration
from tslcd_wire.topics import ID_PATTERN

#: ``off``: nothing is sent; ``gaps``: what was measured and never scraped; ``all``: every sample.
Mode = Literal["off", "gaps", "all"]

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
#: Headers that the protocol itself sets.
_TAKEN: Final = {"authorization", "content-encoding", "content-length", "content-type", "host", "transfer-encoding"}
_DAY: Final = 86400.0


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One time-series store that takes remote write 1.0.

    ``scraper``: address of the program that scrapes ``/metrics`` for this store, as the collector sees it; empty when anybody's
    scrape counts, which is right where there is one. ``password`` without ``username`` is a bearer token. ``headers``: what else a
    store wants, for example ``X-Scope-OrgID``.
    """

    name: Annotated[str, Meta(pattern=rf"^{ID_PATTERN}\Z")]
    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+\Z", max_length=500)]
    scraper: Annotated[str, Meta(max_length=64)] = ""
    tls: Tls | None = None
    username: str | None = None
    password: Secret | None = None
    headers: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        parts = urlsplit(self.url)
        if not parts.hostname or parts.username is not None:
            msg = "url: http://HOST:PORT/PATH is wanted, without a user: username and password have keys of their own"
            raise ValueError(msg)
        if self.username is not None and self.password is None:
            msg = "username: a password belongs to it"
            raise ValueError(msg)
        for name, value in self.headers.items():
            if name.lower() in _TAKEN or not name.isascii() or not value.isprintable() or not value.isascii():
                msg = f"headers: {name!r} is set by the program itself, or has letters that headers cannot have"
                raise ValueError(msg)


class Backfill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes to time-series stores by remote write, besides what they scrape.

    ``labels``: what the scrape configuration adds to every series. ``window``: how far back the stores take samples in
    (``out_of_order_time_window``); ``max_future``: what is measured further ahead is set aside. ``rate``: samples a second and store;
    ``batch``: samples a request; ``timeout``: of a request. ``tail``: what a store took in so lately is sent again when its
    process was started anew. ``scrape_gap``: who has not scraped for so long was away. ``room``: how large the collector's
    store may grow with reports that wait; then the oldest are given up.
    """

    mode: Mode = "gaps"
    targets: Annotated[tuple[Target, ...], Meta(max_length=8)] = ()
    labels: dict[str, str] = field(default_factory=lambda: {"job": "tslcd-collector", "instance": "collector-a"})
    window: Duration = 31 * _DAY
    max_future: Duration = 120.0
    rate: Annotated[int, Meta(ge=100, le=1_000_000)] = 10_000
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 2_000
    timeout: Duration = 30.0
    tail: Duration = 300.0
    scrape_gap: Duration = 30.0
    room: ByteSize = 4.0 * 2**30

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        for name, low, high, allowed in (
            ("window", 60.0, 400 * _DAY, "1min to 400d"),
            ("max_future", 1.0, 600.0, "1s to 10min"),
            ("timeout", 0.1, 300.0, "100ms to 5min"),
            ("tail", 1.0, 3600.0, "1s to 1h"),
            ("scrape_gap", 0.1, 600.0, "100ms to 10min"),
            ("room", 16.0 * 2**20, 1024.0 * 2**30, "16MiB to 1024GiB"),
        ):
            if not low <= getattr(self, name) <= high:
                msg = f"{name}: allowed is {allowed}"
                raise ValueError(msg)
        names = [target.name for target in self.targets]
        if len(set(names)) != len(names):
            msg = "targets: every name once"
            raise ValueError(msg)
        wrong = next((name for name in self.labels if not _LABEL.match(name) or name.startswith("__")), None)
        if wrong is not None:
            msg = (
                f"labels: {wrong!r} is not the name of a label: letters, digits and _ are, and not __ at the beginning"
            )
            raise ValueError(msg)

    @property
    def active(self) -> bool:
        """Whether anything is ever sent."""
        return self.mode != "off" and bool(self.targets)
