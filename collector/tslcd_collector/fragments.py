"""Tables to text: a table of a report becomes one chunk of exposition lines a family, once, when it comes in.

The labels of a table's rows hardly ever change, so they are written once as a template with a place for the family's name and
one for each value; a column is then one ``str.replace`` and one ``%``, both in C. A column that says what it said before is not
written again: most counters of errors, all states and speeds, and what a device says of itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tslcd_collector.families import escape, info_name, labels_text
from tslcd_wire.catalogue import KINDS, Type

if TYPE_CHECKING:
    from tslcd_wire.catalogue import Kind
    from tslcd_wire.report import Table

#: Stands for the family's name in a template; never in a label (the contract has no control characters).
_NAME: Final = "\0"
#: What ``%s`` makes of a value that is not known, at the end of its line.
_UNKNOWN: Final = " None\n"


def _plan(kind: Kind) -> tuple[tuple[str, str, tuple[str, ...], bool], ...]:
    """Return of every column its name, its family, its states, and whether it is a text."""
    return tuple(
        (column.name, kind.family(column.name), column.states, column.type is Type.TEXT) for column in kind.columns
    )


_PLANS: Final = {kind.name: _plan(kind) for kind in KINDS}


class TableText:
    """Writes the tables of one kind of one device. Keep one a table: it remembers the templates."""

    __slots__ = ("_base", "_keys", "_kind", "_labels", "_last", "_plan", "_rows", "_template", "_texts", "_texts_chunk")

    def __init__(self, kind: Kind, province: str, site: str, agent: str, device: str) -> None:
        """Remember the labels that all rows share."""
        self._kind = kind
        self._plan = _PLANS.get(kind.name) or _plan(kind)
        self._base = labels_text({"province": province, "site": site, "agent": agent, "device": device})
        self._keys: list[str] = []
        self._labels: list[str] = []
        self._rows: list[str] = []
        self._template = ""
        self._texts: list[Any] = []
        self._texts_chunk = b""
        #: By column: its cells as they were written last, and the chunk.
        self._last: dict[str, tuple[list[Any], bytes]] = {}

    def write(self, table: Table) -> dict[str, bytes]:
        """Return the chunk of every family that has a known value in ``table``."""
        keys = table["key"]
        if keys != self._keys:
            self._take_keys(keys)
        chunks: dict[str, bytes] = {}
        texts: dict[str, list[str | None]] = {}
        for column, family, states, is_text in self._plan:
            cells = table.get(column)
            if cells is None:
                continue
            if is_text:
                texts[column] = cells
                continue
            last = self._last.get(column)
            if last is not None and last[0] == cells:
                chunk = last[1]
            else:
                text = self._states(family, states, cells) if states else self._numbers(family, cells)
                chunk = text.encode()
                self._last[column] = (cells, chunk)
            if chunk:
                chunks[family] = chunk
        if texts and (info := self._info(texts)):
            chunks[info_name(self._kind)] = info
        return chunks

    def _take_keys(self, keys: list[str]) -> None:
        self._keys = keys
        label = self._kind.name
        self._labels = [f'{self._base},{label}="{escape(key)}"' if key else self._base for key in keys]
        self._rows = [f"{_NAME}{{{labels.replace('%', '%%')}}} %s\n" for labels in self._labels]
        self._template = "".join(self._rows)
        self._texts = []
        self._last = {}

    def _numbers(self, name: str, cells: list[Any]) -> str:
        text = self._template.replace(_NAME, name) % tuple(cells)
        if _UNKNOWN not in text:
            return text
        return "".join(
            row.replace(_NAME, name) % cell for row, cell in zip(self._rows, cells, strict=True) if cell is not None
        )

    def _states(self, name: str, states: tuple[str, ...], cells: list[str | None]) -> str:
        return "".join(
            f'{name}{{{labels},state="{state}"}} {int(state == cell)}\n'
            for labels, cell in zip(self._labels, cells, strict=True)
            if cell is not None
            for state in states
        )

    def _info(self, texts: dict[str, list[str | None]]) -> bytes:
        cells = list(texts.values())
        if cells != self._texts or not self._texts_chunk:
            name = info_name(self._kind)
            self._texts = cells
            self._texts_chunk = "".join(
                f"{name}{{{labels}{''.join(_pair(label, text) for label, text in zip(texts, row, strict=True))}}} 1\n"
                for labels, row in zip(self._labels, zip(*cells, strict=True), strict=True)
            ).encode()
        return self._texts_chunk


def _pair(label: str, text: str | None) -> str:
    return f',{label}="{escape(text)}"' if text else ""
