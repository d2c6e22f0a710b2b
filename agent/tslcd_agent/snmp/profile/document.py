"""A profile as it stands in its file; ``agent/tslcd_agent/profiles/README.md`` says the same to people.

Invariants:

* The columns that a file may fill are those of the catalogue whose source is the profile; what the poll itself knows
  (``snmp_up``, ``uptime_seconds``, ...) no profile can claim.
* ``UNSET`` stands for a column that the file does not speak of, ``None`` for one that it takes away from its parents.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta

from tslcd_wire.catalogue import DEVICE, FIREWALL, PATH, SENSOR, TUNNEL, UPS, Kind

#: Raw values and words as a file has them.
Scalar: TypeAlias = int | float | str
Pace: TypeAlias = Literal["round", "slow", "start"]
Standard: TypeAlias = Literal["entity-identity", "host-resources"]
TableStandard: TypeAlias = Literal["entity-sensor", "cisco-entity-sensor"]
Oid = Annotated[str, Meta(pattern=r"^[0-2](\.(0|[1-9][0-9]{0,9})){2,127}\Z")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z")]
_Pattern = Annotated[str, Meta(min_length=1, max_length=256)]
_Factor = Annotated[float, Meta(ge=-1e15, le=1e15)]
_Line = Annotated[str, Meta(min_length=1, max_length=200)]

#: Kinds without keys and kinds with keys that profiles fill.
SCALAR_KINDS: Final = (DEVICE, FIREWALL, UPS)
ROW_KINDS: Final = (SENSOR, TUNNEL, PATH)
_OWN: Final = "profile"  # the column device.profile is the engine's
#: The column of the poll itself that a profile may write anew: some descriptions have counters in them.
_REWRITTEN: Final = "sys_descr"
#: Rows of one table of a device, unless it says otherwise.
DEFAULT_ROWS: Final = 512


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of a profile is: immutable, named, strict."""


class Where(_Part, frozen=True, kw_only=True):
    """Which rows count: by the raw value of the column ``oid``, by the ``index`` (a regular expression), or by both.

    A row without that cell counts only with ``not_in``.
    """

    oid: Oid | None = None
    in_: Annotated[tuple[Scalar, ...], Meta(min_length=1)] | None = msgspec.field(default=None, name="in")
    not_in: Annotated[tuple[Scalar, ...], Meta(min_length=1)] | None = None
    pattern: _Pattern | None = None
    index: _Pattern | None = None


class Join(_Part, frozen=True, kw_only=True):
    """The cell of another table.

    It stands at the first ``index`` arcs of the row's index (the last ones when negative), at the row's index without its
    last ``drop`` arcs, or at the index that is the value of the row's own column ``by``.
    """

    oid: Oid
    index: Annotated[int, Meta(ge=-64, le=64)] | None = None
    drop: Annotated[int, Meta(ge=1, le=64)] | None = None
    by: Oid | None = None


class Expression(_Part, frozen=True, kw_only=True):
    """Where a value comes from, and what becomes of it on the way.

    The source is exactly one of ``oid``, ``const``, ``first``, ``ratio``, ``sum``, ``product``, ``difference``, ``join``;
    ``aggregate`` goes with ``oid``. Applied in this order: ``invalid``, ``text``, ``pattern``, ``map``, ``scale``,
    ``offset``, ``decibel`` (ten times the decimal logarithm), ``minimum`` and ``maximum``.
    """

    oid: Oid | None = None
    const: Scalar | None = None
    first: Annotated[tuple[Expression, ...], Meta(min_length=1)] | None = None
    ratio: Annotated[tuple[Expression, ...], Meta(min_length=2, max_length=2)] | None = None
    sum: Annotated[tuple[Expression, ...], Meta(min_length=1, max_length=8)] | None = None
    product: Annotated[tuple[Expression, ...], Meta(min_length=1, max_length=8)] | None = None
    difference: Annotated[tuple[Expression, ...], Meta(min_length=2, max_length=2)] | None = None
    join: Join | None = None
    aggregate: Literal["mean", "max", "min", "sum", "count", "first"] | None = None
    where: Where | None = None
    invalid: tuple[Scalar, ...] = ()
    text: Literal["hex"] | None = None
    pattern: _Pattern | None = None
    map: dict[int | str, Scalar] | None = None
    map_else: Scalar | None = None
    scale: _Factor | None = None
    offset: _Factor | None = None
    decibel: bool = False
    minimum: float | None = None
    maximum: float | None = None
    every: Pace | None = None


class Key(_Part, frozen=True, kw_only=True):
    """How a row is called.

    ``strings``: the index begins with so many texts, each with its length before it (RFC 2578 section 7.7). A ``template``
    may have ``{index}``, ``{name}``, ``{other}``, ``{string1}``, ``{string2}``, ... in it.
    """

    oid: Oid | None = None
    join: Join | None = None
    index: bool = False
    strings: Annotated[int, Meta(ge=1, le=4)] | None = None
    template: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    name: Expression | None = None
    other: Expression | None = None
    text: Literal["hex"] | None = None
    pattern: _Pattern | None = None
    map: dict[int | str, Scalar] | None = None


def _columns(kind: Kind) -> type[Any]:
    """Make the struct of the columns of ``kind`` that a profile may fill."""
    fields: list[tuple[str, Any, Any]] = [
        (column.name, Expression | None, UNSET)
        for column in kind.columns
        if column.source == "the profile" and column.name != _OWN
    ]
    if kind is DEVICE:
        fields.insert(0, ("standard", Standard | None, UNSET))
        fields.append((_REWRITTEN, Expression | None, UNSET))
    return msgspec.defstruct(
        f"{kind.name.capitalize()}Columns",
        fields,
        bases=(_Part,),
        frozen=True,
        kw_only=True,
        module=__name__,
        namespace={"__doc__": f"What a profile may tell of: {kind.help_en}."},
    )


#: The types of what stands under ``values.<kind>`` and, for kinds with keys, under a table's ``columns``.
COLUMN_TYPES: Final[dict[str, Any]] = {kind.name: _columns(kind) for kind in (*SCALAR_KINDS, *ROW_KINDS)}

Values: Any = msgspec.defstruct(
    "Values",
    [(kind.name, COLUMN_TYPES[kind.name] | None, UNSET) for kind in SCALAR_KINDS],
    bases=(_Part,),
    frozen=True,
    kw_only=True,
    module=__name__,
    namespace={"__doc__": "Expressions by kind and column."},
)


class Table(_Part, frozen=True, kw_only=True):
    """One table of a device. ``null`` for ``kind`` takes the parents' table of this ``id`` away.

    ``standard`` reads a MIB that needs no columns; ``rows`` bounds how many rows are read; ``newest``: of several rows with
    one name the one with the highest index counts (tables of results that grow a row every run). ``missed``: what is told of a
    row that was there and is not any more, where a table has a row only for what is up.
    """

    id: Name
    kind: Literal["sensor", "tunnel", "path"] | None
    every: Pace | None = None
    key: Key | None = None
    where: Where | None = None
    columns: dict[str, Expression] | None = None
    standard: TableStandard | None = None
    newest: bool = False
    missed: dict[str, Scalar] | None = None
    rows: Annotated[int, Meta(ge=1, le=4096)] = DEFAULT_ROWS


class Match(_Part, frozen=True, kw_only=True):
    """Which devices a profile is for: a prefix of sysObjectID, a regular expression over sysDescr, or both."""

    sys_object_id: Oid | None = None
    sys_descr: _Pattern | None = None


class Document(_Part, frozen=True, kw_only=True):
    """One file."""

    profile: Name
    title: _Line
    source: _Line
    inherits: tuple[Name, ...] = ()
    match: tuple[Match, ...] = ()
    values: Values = Values()
    tables: tuple[Table, ...] = ()
