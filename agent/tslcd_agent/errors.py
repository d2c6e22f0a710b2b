"""The errors of the reading side, a closed set.

::

    ReadingError            code
    └── SnmpError
        ├── RefusedError    refused   wrong user or password, or the port is closed
        ├── SilentError     silent    no answer within timeout and retries
        └── BrokenError     broken    answers that cannot be understood

Foreign exceptions (the engines', the system's) are translated once, in :mod:`tslcd_agent.snmp.asking`. A probe raises nothing:
its outcome is a value. Settings have their own error, :class:`tslcd_runtime.settings.SettingsError`.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal, TypeAlias

SnmpCode: TypeAlias = Literal["refused", "silent", "broken"]
RefusalReason: TypeAlias = Literal["user", "privacy", "context", "port"]


class ReadingError(Exception):
    """Something could not be read. ``code`` is bounded and may be a label; the message is for people and has no secret."""

    code: ClassVar[str]


class SnmpError(ReadingError):
    """A device could not be asked over SNMP."""

    code: ClassVar[SnmpCode]


class RefusedError(SnmpError):
    """The device refused. ``reason``: ``user`` (SNMPv3, RFC 3414 section 3.2), ``privacy``, ``context``, ``port`` (ICMP)."""

    code = "refused"

    def __init__(self, reason: RefusalReason, message: str) -> None:
        """Keep the reason beside the message."""
        super().__init__(message)
        self.reason: RefusalReason = reason


class SilentError(SnmpError):
    """Nothing came back. A wrong v2c community looks exactly like this: RFC 3584 has no error for it."""

    code = "silent"

    def __init__(self, message: str, *, answered_from: str | None = None) -> None:
        """``answered_from``: another address than the configured one, from which an answer came."""
        super().__init__(message)
        self.answered_from = answered_from


class BrokenError(SnmpError):
    """Something came back that is not the answer: undecodable, or without what every device must have."""

    code = "broken"


#: Every code of an SnmpError, for counters that exist at zero from the start.
SNMP_CODES: Final[tuple[SnmpCode, ...]] = ("refused", "silent", "broken")
