"""Who we are to senders of SNMPv3 informs: an engine id for life, and how often the engine started (RFC 3414 section 2.2).

Senders remember both. An engine that came back with the same id and fewer boots would be refused by them as a replay, for
ever; so the number is on disk, synced, before the first message is answered.

Invariants:

* ``boots`` of one id only grows. What cannot be read or kept is answered with a new id, which nobody remembers anything of.
* A time beyond 2**31-1 seconds or boots never happens in a device's life, and is not provided for.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

#: RFC 3411 section 5, SnmpEngineID: first bit set, an enterprise number, format 5 (octets), and those. The project has no
#: enterprise number; 20408 is the one of the SNMP library that speaks for it.
_PREFIX: Final = (0x80000000 | 20408).to_bytes(4, "big") + b"\x05"
_RANDOM_OCTETS: Final = 12
_MAX_BOOTS: Final = 2**31 - 2
_log = get_logger("traps")


class EngineIdentity(NamedTuple):
    """snmpEngineID and snmpEngineBoots."""

    engine_id: bytes
    boots: int


def next_identity(path: Path) -> EngineIdentity:
    """Return who we are for this start, kept in the file ``path``. Blocks. Never raises for a disk or its content."""
    known = _read(path)
    identity = EngineIdentity(known.engine_id, known.boots + 1) if known else new_identity()
    try:
        _write(path, identity)
    except OSError as error:
        _log.warning("engine boots not kept, informs go to a new engine id", file=str(path), reason=error.strerror)
        return new_identity()
    return identity


def new_identity() -> EngineIdentity:
    """Return somebody nobody ever heard of."""
    return EngineIdentity(_PREFIX + secrets.token_bytes(_RANDOM_OCTETS), 1)


def _read(path: Path) -> EngineIdentity | None:
    try:
        content = json.loads(path.read_bytes())
        engine_id, boots = bytes.fromhex(content["engine_id"]), content["boots"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        _log.warning("engine identity not readable, a new one is made", file=str(path), reason=str(error))
        return None
    good = len(engine_id) == len(_PREFIX) + _RANDOM_OCTETS and isinstance(boots, int) and 0 < boots < _MAX_BOOTS
    return EngineIdentity(engine_id, boots) if good else None


def _write(path: Path, identity: EngineIdentity) -> None:
    fresh = path.with_name(f"{path.name}.new")
    text = json.dumps({"engine_id": identity.engine_id.hex(), "boots": identity.boots})
    try:
        with fresh.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
