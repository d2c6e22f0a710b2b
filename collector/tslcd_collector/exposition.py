"""The body of ``/metrics``: chunks rendered when something changed, joined when somebody asks.

Invariants:

* A chunk is complete lines of one family. All chunks of a family stand together below its ``# HELP`` and ``# TYPE``, as
  both formats want (Prometheus text 0.0.4; OpenMetrics 1.0, which ends in ``# EOF``).
* Joining works on a snapshot: a scrape never sees half of a report of one family.
* gzip (RFC 1952) is done a chunk at a time and kept with it, since a gzip body may be a sequence of members: a chunk is compressed
  once however often it is read. Measured: 0.26 µs a sample the first time, 0.01 µs after; a whole body costs 0.33 µs a
  sample on every scrape.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tslcd_collector.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.families import Family

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_EOF: Final = b"# EOF\n"
#: gzip instead of zlib framing (zlib manual, deflateInit2).
_GZIP_BITS: Final = 31

#: Who a chunk belongs to: kind of owner, and its names.
Owner: TypeAlias = tuple[str, ...]


class _Chunk:
    """Lines of one family, and their gzip member once somebody wanted it."""

    __slots__ = ("member", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.member: bytes | None = None

    def zipped(self) -> bytes:
        if self.member is None:
            self.member = _gzip(self.text)
        return self.member


class Scrape(NamedTuple):
    """A snapshot to be joined, here or in another thread."""

    parts: list[tuple[_Chunk, list[_Chunk]]]
    own: bytes
    openmetrics: bool
    zipped: bool

    def body(self) -> bytes:
        """Join everything. Pure work on bytes: no lock, no loop."""
        tail = self.own + (_EOF if self.openmetrics else b"")
        if not self.zipped:
            return b"".join([*(one.text for head, chunks in self.parts for one in (head, *chunks)), tail])
        return b"".join([*(one.zipped() for head, chunks in self.parts for one in (head, *chunks)), _gzip(tail)])


class Exposition:
    """All chunks, by family and owner."""

    def __init__(self, families: tuple[Family, ...] = FAMILIES) -> None:
        """Start empty. ``families`` are exposed in this order."""
        self._chunks: dict[str, dict[Owner, _Chunk]] = {family.name: {} for family in families}
        self._owned: dict[Owner, tuple[str, ...]] = {}
        self._heads = {
            form: {family.name: _Chunk(family.head(openmetrics=form)) for family in families} for form in (False, True)
        }

    def put(self, owner: Owner, chunks: Mapping[str, bytes]) -> None:
        """Replace everything of ``owner`` by these chunks, one a family. What did not change keeps its gzip member."""
        names = tuple(chunks)
        before = self._owned.get(owner, ())
        if names != before:
            for name in before:
                if name not in chunks:
                    del self._chunks[name][owner]
            self._owned[owner] = names
        for name, text in chunks.items():
            known = self._chunks[name].get(owner)
            if known is None or known.text != text:
                self._chunks[name][owner] = _Chunk(text)

    def drop(self, owner: Owner) -> None:
        """Forget everything of ``owner``; unknown ones are no error."""
        for name in self._owned.pop(owner, ()):
            del self._chunks[name][owner]

    def owners(self) -> int:
        """Count the owners."""
        return len(self._owned)

    def scrape(self, own: bytes, *, openmetrics: bool, zipped: bool) -> Scrape:
        """Take a snapshot; ``own`` is what else belongs into the body, without ``# EOF``."""
        heads = self._heads[openmetrics]
        parts = [(heads[name], list(chunks.values())) for name, chunks in self._chunks.items() if chunks]
        return Scrape(parts, own, openmetrics, zipped)


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header (RFC 9110 section 12.5.1) prefers OpenMetrics to the text format."""
    best = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if name in best:
            best[name] = max(best[name], weight)
    return best["application/openmetrics-text"] > best["text/plain"] or (
        best["application/openmetrics-text"] == best["text/plain"] > 0
    )


def wants_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header (RFC 9110 section 12.5.3) allows gzip."""
    for part in accept_encoding.lower().split(","):
        name, _, parameter = (piece.strip() for piece in part.partition(";"))
        if name == "gzip":
            return parameter.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _gzip(text: bytes) -> bytes:
    stream = zlib.compressobj(1, zlib.DEFLATED, _GZIP_BITS)
    return stream.compress(text) + stream.flush()
