"""Errors of the contract.

::

    WireError              code
    ├── TopicError         topic
    ├── OversizeError      oversize
    ├── MalformedError     malformed   not JSON, not UTF-8, nested too deep, not decompressible
    ├── VersionError       version     a schema version this program does not speak
    └── InvalidError       invalid     JSON of the wrong shape: type, length, label, value

``code`` is bounded and safe as a metric label. Messages name the place in the document, never more than a few words of
its content.
"""

from __future__ import annotations

from typing import ClassVar, Final


class WireError(Exception):
    """A message that is not of the contract."""

    code: ClassVar[str] = "wire"


class TopicError(WireError):
    """A topic that is not of the contract."""

    code = "topic"


class OversizeError(WireError):
    """A payload, before or after decompression, above its bound."""

    code = "oversize"


class MalformedError(WireError):
    """Bytes that are not a document at all."""

    code = "malformed"


class VersionError(WireError):
    """A document of another schema version."""

    code = "version"


class InvalidError(WireError):
    """A document of the wrong shape."""

    code = "invalid"


#: Every code, for counters that exist at zero from the start.
CODES: Final = (TopicError.code, OversizeError.code, MalformedError.code, VersionError.code, InvalidError.code)
