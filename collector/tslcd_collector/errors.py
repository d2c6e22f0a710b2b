"""Errors of the collector.

::

    CollectorError           code
    ├── StoreError           store      the disk, the file, or what stands in it
    ├── StoreBusyError       busy       another collector has the store
    ├── LedgerError          ledger     the ledger's file, or what stands in it
    ├── OperationsError      operations the file of acknowledgements, windows and people, or what stands in it
    ├── ListenError          listen     the web port cannot be had
    └── TargetError          target     certificates of a time-series store cannot be read

``code`` is bounded. What is wrong with settings and inventory is a :class:`tslcd_runtime.settings.SettingsError`, with the
broker a :class:`tslcd_runtime.mqtt.BrokerError`, with a message a :class:`tslcd_wire.errors.WireError`.
"""

from __future__ import annotations

from typing import ClassVar, Final

from tslcd_wire.errors import CODES as WIRE_CODES


class CollectorError(Exception):
    """Something the collector cannot do. The message says what, to what, and what to do now."""

    code: ClassVar[str] = "collector"


class StoreError(CollectorError):
    """The store cannot be opened, read or written."""

    code = "store"


class StoreBusyError(StoreError):
    """Another process works on the same store."""

    code = "busy"


class LedgerError(CollectorError):
    """The ledger cannot be opened, read or written. Nothing but the past waits for it."""

    code = "ledger"


class OperationsError(CollectorError):
    """What operators enter, or who they are, cannot be read or written. Everything that is only looked at goes on."""

    code = "operations"


class ListenError(CollectorError):
    """The web server cannot listen where it was told to."""

    code = "listen"


class TargetError(CollectorError):
    """A time-series store cannot be spoken to as the settings say."""

    code = "target"


#: Why a message is refused, besides what the contract itself refuses (:data:`tslcd_wire.errors.CODES`).
#: ``identity``: the payload claims another agent than its topic; ``qos``: sent with QoS 0, which nobody can confirm;
#: ``gaps``: more holes in one stream than are kept account of; ``bounds``: more devices, rows or agents than are exposed;
#: ``overload``: more bytes waiting than memory is given for.
REFUSAL_CODES: Final = (*WIRE_CODES, "identity", "qos", "gaps", "bounds", "overload")
