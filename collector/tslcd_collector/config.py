"""The collector's settings: defaults are code, the shipped ``configs/collector.yaml`` says the same and a test proves it.

Units inside are base units: seconds, bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tslcd_collector.access.settings import AccessSettings
from tslcd_collector.backfill.settings import Backfill
from tslcd_runtime import settings
from tslcd_runtime.logs import Format, Level
from tslcd_runtime.mqtt import Endpoint
from tslcd_runtime.units import Duration
from tslcd_wire.topics import ID_PATTERN

#: Where the packages put it.
DEFAULT_FILE: Final = Path("/etc/tslcd/collector.yaml")

LanguageChoice = Literal["auto", "vi", "en"]
ProvinceFilter = Annotated[str, Meta(pattern=rf"^(\+|{ID_PATTERN})\Z")]


def _within(name: str, value: float, low: float, high: float, allowed: str) -> None:
    if not low <= value <= high:
        msg = f"{name}: allowed is {allowed}"
        raise ValueError(msg)


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings."""


class Identity(_Part, frozen=True, kw_only=True):
    """``id``: name of this collector in its acknowledgements; two collectors of one province have different ones."""

    id: Annotated[str, Meta(pattern=rf"^{ID_PATTERN}\Z")] = "a"


class Log(_Part, frozen=True, kw_only=True):
    """Logs go to standard error. ``auto`` is for people on a terminal, logfmt elsewhere."""

    format: Format = "auto"
    level: Level = "info"


class Store(_Part, frozen=True, kw_only=True):
    """``directory`` is made when absent. ``keep``: how long received reports stay in the journal, seconds."""

    directory: str = "/var/lib/tslcd-collector"
    keep: Duration = 900.0

    def __post_init__(self) -> None:
        """Refuse a journal that would be empty before anybody could read it. Raises ValueError."""
        _within("keep", self.keep, 60.0, 30 * 86400.0, "1min to 30d")


class Ledger(_Part, frozen=True, kw_only=True):
    """``keep``: how long the past of the channels is kept, seconds; it stands beside the store."""

    keep: Duration = 400 * 86400.0

    def __post_init__(self) -> None:
        """Refuse a past that no monthly report could be made from. Raises ValueError."""
        _within("keep", self.keep, 35 * 86400.0, 3650 * 86400.0, "35d to 3650d")


class Web(_Part, frozen=True, kw_only=True):
    """Where ``/metrics`` and everything else is served."""

    host: Annotated[str, Meta(min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 9470

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class Intake(_Part, frozen=True, kw_only=True):
    """How reports are taken in.

    ``ack_interval``: an agent hears what is stored at most this often, seconds. ``batch_wait``, ``batch_max``: a
    transaction waits this long (seconds) for at most so many messages, but not when one tells of a change. ``max_future``: a time of measurement further ahead
    is a wrong clock. ``max_age``: a report older than this is confirmed but not kept.
    """

    ack_interval: Duration = 2.0
    batch_wait: Duration = 0.2
    batch_max: Annotated[int, Meta(ge=1, le=1000)] = 500
    max_future: Duration = 2.0
    max_age: Duration = 35 * 86400.0

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        _within("ack_interval", self.ack_interval, 0.05, 60.0, "50ms to 60s")
        _within("batch_wait", self.batch_wait, 0.0, 1.0, "0ms to 1s")
        _within("max_future", self.max_future, 1.0, 3600.0, "1s to 1h")
        _within("max_age", self.max_age, 3600.0, 400 * 86400.0, "1h to 400d")


class Judging(_Part, frozen=True, kw_only=True):
    """``interval``: every channel is judged at least this often (seconds), besides at once when something changed."""

    interval: Duration = 1.0

    def __post_init__(self) -> None:
        """Keep the loop from spinning and from sleeping. Raises ValueError."""
        _within("interval", self.interval, 0.1, 60.0, "100ms to 60s")


class CollectorSettings(_Part, frozen=True, kw_only=True):
    """Everything in ``collector.yaml``.

    ``provinces``: which provinces' topics are read, ``+`` for all. ``inventory``: folder with the inventory, relative to
    the settings file. ``expiry``: a table that was not renewed for so long (seconds) leaves ``/metrics``.
    """

    collector: Identity = Identity()
    provinces: Annotated[tuple[ProvinceFilter, ...], Meta(min_length=1, max_length=64)] = ("+",)
    language: LanguageChoice = "auto"
    log: Log = Log()
    broker: Endpoint = Endpoint()
    inventory: str = "inventory"
    store: Store = Store()
    ledger: Ledger = Ledger()
    web: Web = Web()
    intake: Intake = Intake()
    expiry: Duration = 300.0
    judge: Judging = Judging()
    backfill: Backfill = Backfill()
    access: AccessSettings = AccessSettings()

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        _within("expiry", self.expiry, 5.0, 86400.0, "5s to 1d")
        if len(set(self.provinces)) != len(self.provinces) or ("+" in self.provinces and len(self.provinces) > 1):
            msg = "provinces: each once, and + (all of them) alone"
            raise ValueError(msg)


def load(file: Path) -> CollectorSettings:
    """Read the settings; relative folders are beside the file. Raises SettingsError with every problem."""
    value = settings.load(file, CollectorSettings).value
    return msgspec.structs.replace(
        value,
        inventory=str(file.parent / value.inventory),
        store=msgspec.structs.replace(value.store, directory=str(file.parent / value.store.directory)),
    )
