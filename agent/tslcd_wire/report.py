"""The messages of the contract as types: report, event, status, acknowledgement.

Invariants of a report:

* Every value is absolute and carries its time of measurement, so applying a report twice changes nothing.
* ``(agent, stream, seq)`` names a report for ever. ``seq`` starts at 1 and has no gaps within a stream.
* Tables are columnar: ``table["key"]`` names the rows, every other list is as long, ``None`` stands for "not known".
* Nothing is in a table that the catalogue does not have.

The documents are msgspec structs made from the catalogue, so that shape, types, bounds and label values are checked while
decoding, in C. :mod:`tslcd_wire.codec` has the checks that a schema cannot express.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tslcd_wire.catalogue import KINDS, MAX_COUNTER, MAX_KEY_CHARS, MAX_TEXT_CHARS, Column, Kind, Type, Unit
from tslcd_wire.topics import ID_PATTERN, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bounds of one report. 1,300 interfaces with every column stay below half of MAX_BYTES.
MAX_BYTES: Final = 1_048_576
MAX_ROWS: Final = 4_096
MAX_EVENTS: Final = 256
#: Bounds of an acknowledgement and of the ranges in a status.
MAX_RANGES: Final = 256
#: 2242: far enough for a clock that is wrong by decades, near enough for every time library.
MAX_TIME: Final = 2.0**33

Value: TypeAlias = float | int | str | None
#: One table: ``key`` and columns, equally long lists.
Table: TypeAlias = dict[str, list[Any]]
Tables: TypeAlias = dict[str, Table]

#: Nothing in a text moves a terminal's cursor, ends a line, or ends a string (C0, C1, line and paragraph separator).
PRINTABLE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"
# msgspec reads these at run time
Id = Annotated[str, Meta(pattern=rf"^{ID_PATTERN}\Z")]
DeviceId = Annotated[str, Meta(pattern=rf"^({ID_PATTERN})?\Z", description="Empty for tables about the agent itself")]
Key = Annotated[str, Meta(max_length=MAX_KEY_CHARS, pattern=PRINTABLE)]
# cells by the thousand: the codec checks the pattern once a column, 0.3 us a cell cheaper than msgspec
_KeyCell = Annotated[str, Meta(max_length=MAX_KEY_CHARS, extra_json_schema={"pattern": PRINTABLE})]
_TextCell = Annotated[str, Meta(max_length=MAX_TEXT_CHARS, extra_json_schema={"pattern": PRINTABLE})]
Time = Annotated[float, Meta(ge=0, le=MAX_TIME, description="UTC, seconds since 1970-01-01")]
Seq = Annotated[int, Meta(ge=1, le=2**53)]
Mark = Annotated[int, Meta(ge=0, le=2**53)]
Stream = Annotated[str, Meta(pattern=r"^[0-9a-f]{8,16}\Z", description="Random, made with the spool")]
Boot = Annotated[str, Meta(pattern=r"^[0-9a-f]{4,32}\Z", description="The kernel's boot id, shortened")]
Mono = Annotated[float, Meta(ge=0, le=MAX_TIME, description="CLOCK_BOOTTIME, seconds")]
Short = Annotated[str, Meta(max_length=64, pattern=PRINTABLE)]
Range = tuple[Seq, Seq]
Ranges = Annotated[list[Range], Meta(max_length=MAX_RANGES, description="Closed ranges of sequence numbers")]


def _value_type(column: Column) -> Any:
    """Return the type of one cell of a column."""
    match column.type:
        case Type.GAUGE:
            return float
        case Type.COUNTER:
            # msgspec's bounds end at 2**63-1: the schema has the true bound, the codec checks it
            bound = Meta(ge=0, extra_json_schema={"maximum": MAX_COUNTER})
            return Annotated[float if column.unit is Unit.SECONDS else int, bound]
        case Type.BOOL:
            return Literal[0, 1]
        case Type.STATE:
            return Literal[column.states]
        case Type.TEXT:
            return _TextCell


def _table_type(kind: Kind) -> Any:
    """Make the struct of a kind's table: ``key``, and every column optional."""
    key: Any = (
        Annotated[list[_KeyCell], Meta(min_length=1, max_length=MAX_ROWS)]
        if kind.keyed
        else Annotated[list[Literal[""]], Meta(min_length=1, max_length=1)]
    )
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [("key", key)]
    for column in kind.columns:
        cell: Any = _value_type(column)
        meta = Meta(
            max_length=MAX_ROWS,
            description=f"{column.help_vi} · {column.help_en}",
            extra_json_schema={"x-unit": column.unit.value} if column.unit.value else None,
        )
        annotated: Any = Annotated  # made at run time, which no type checker follows
        cells = annotated[list[cell | None], meta]
        fields.append((column.name, cells | UnsetType, UNSET))
    return msgspec.defstruct(
        f"{kind.name.capitalize()}Table",
        fields,
        forbid_unknown_fields=True,
        module=__name__,
        namespace={"__doc__": f"{kind.help_vi} · {kind.help_en}"},
    )


TABLE_TYPES: Final[dict[str, Any]] = {kind.name: _table_type(kind) for kind in KINDS}

TablesDocument: Any = msgspec.defstruct(
    "Tables",
    [(name, table | UnsetType, UNSET) for name, table in TABLE_TYPES.items()],
    forbid_unknown_fields=True,
    module=__name__,
)


class Event(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A change that must not wait for the next round.

    ``kind`` is ``link``: the interface ``key`` went up or down at ``at`` (UTC seconds), as told by ``source``.
    """

    kind: Literal["link"]
    key: Key
    up: bool
    at: Time
    source: Literal["trap", "netlink", "poll"]


Events = Annotated[list[Event], Meta(max_length=MAX_EVENTS)]


class _Head(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every report carries besides its tables; ``v`` is the schema version."""

    v: Literal[VERSION] = VERSION  # type: ignore[valid-type]
    agent: Id
    stream: Stream
    seq: Seq
    at: Time
    boot: Boot
    mono: Mono
    device: DeviceId = ""
    tables: Any = {}
    events: Events = []


class ReportDocument(_Head, kw_only=True, forbid_unknown_fields=True):
    """A report exactly as the schema has it. Programs use :class:`Report`."""

    tables: TablesDocument = msgspec.field(default_factory=TablesDocument)


class Report(_Head, kw_only=True, forbid_unknown_fields=True):
    """A report in memory; ``tables`` maps a kind's name to its columnar table.

    ``at``: wall time of measurement, UTC seconds. ``boot``, ``mono``: boot id and CLOCK_BOOTTIME seconds, which survive a
    wrong clock. ``device``: id of the device the tables tell about, empty for the agent itself and its probes.
    """

    tables: Tables = {}

    def rows(self) -> int:
        """Count the rows of all tables."""
        return sum(len(table["key"]) for table in self.tables.values())

    def samples(self) -> Iterator[tuple[str, str, str, Value]]:
        """Yield ``(kind, column, key, value)`` for every known value."""
        for kind, table in self.tables.items():
            keys = table["key"]
            for column, cells in table.items():
                if column != "key":
                    for key, value in zip(keys, cells, strict=True):
                        if value is not None:
                            yield kind, column, key, value


class Status(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Retained state of an agent, and its last will (``online: false``, everything else at its default).

    ``oldest``: lowest sequence number that the spool still holds (``newest + 1`` when it is empty); the collector stops
    waiting for what is below. ``newest``: highest number given so far. ``lost``: numbers at or above ``oldest`` that can
    never be sent. ``config``: digest of the configuration in use. ``clock_offset``: seconds, positive when the agent's
    clock is ahead of its time source; absent when not known. A status with a stream asks for the mark: every collector
    answers it with an :class:`Ack`.

    Everything else that a collector learns of an agent (drops by cause, the way in use, why and since when it runs) stands
    in tables of kind ``agent``, which are kept in the spool like all reports: a field more here would be a new version.
    """

    v: Literal[VERSION] = VERSION  # type: ignore[valid-type]
    agent: Id
    online: bool
    at: Time = 0.0
    version: Short = ""
    config: Short = ""
    stream: Stream | None = None
    boot: Boot | None = None
    oldest: Seq | None = None
    newest: Mark | None = None
    lost: Ranges = []
    clock_offset: float | None = None
    start_reason: Short = ""


class Ack(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one collector has stored and synced of one stream of one agent.

    Every report up to ``upto`` and every one in ``have`` is stored: the agent may delete it. ``missing`` are numbers that
    the collector knows to be absent below its newest: the agent sends them again, or says that they are lost.
    """

    v: Literal[VERSION] = VERSION  # type: ignore[valid-type]
    collector: Id
    stream: Stream
    upto: Mark
    have: Ranges = []
    missing: Ranges = []
