"""A device's own word on its SNMPv3 clock, for when its traps look as if they were sent before.

A device that lost count of its starts (a battery, a reset to factory settings, a card that was replaced) sends traps that are
older than the time window (RFC 3414 section 3.2.7) for ever. They stay refused, and the device is asked: an answer to our own
question is authentic and fresh, which no recorded trap is, so what it says may be believed also when it is less than before
(RFC 3414 section 2.3 lets who is not authoritative take over what it learns from an authentic answer).

Invariants:

* A refused trap is never taken afterwards, whatever the device says.
* Only devices with authentication are asked, by an engine that checks it, at most once in ASK_AGAIN seconds: recorded traps of
  an attacker cost a device one question a minute.
* What is left: traps that were recorded before the device lost count, with more starts than it has now, are authentic. A new
  password or user is what ends that, and the log says so.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tslcd_agent.errors import BrokenError, SilentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_agent.config import PolledDevice
    from tslcd_agent.snmp.session import SnmpSession

#: SNMP-FRAMEWORK-MIB (RFC 3411): snmpEngineID, snmpEngineBoots, snmpEngineTime.
ENGINE_ID: Final = "1.3.6.1.6.3.10.2.1.1.0"
ENGINE_BOOTS: Final = "1.3.6.1.6.3.10.2.1.2.0"
ENGINE_TIME: Final = "1.3.6.1.6.3.10.2.1.3.0"
#: Seconds between two questions to one device.
ASK_AGAIN: Final = 60.0


class EngineClock(NamedTuple):
    """What a device says of its engine. ``seconds`` since its last start, ``boots``: how many there were."""

    engine_id: bytes
    boots: int
    seconds: int


class ClockQuestions:
    """Which devices may be asked now. Pure: ``now`` in seconds of a clock that does not jump."""

    def __init__(self) -> None:
        """Nobody was asked."""
        self._asked: dict[str, float] = {}

    def may_ask(self, device: PolledDevice, now: float) -> bool:
        """Whether to ask ``device``; it counts as asked then."""
        asked = self._asked.get(device.id)
        if device.snmp.auth is None or (asked is not None and now - asked < ASK_AGAIN):
            return False
        self._asked[device.id] = now
        return True


async def ask_clock(device: PolledDevice, open_session: Callable[[PolledDevice], SnmpSession]) -> EngineClock:
    """Ask ``device`` over a session of its own. Raises SnmpError, also for an answer without these objects."""
    # pysnmp, which is in memory where traps are heard, checks that an answer is authentic
    session = open_session(msgspec.structs.replace(device, snmp=msgspec.structs.replace(device.snmp, engine="pysnmp")))
    try:
        async with asyncio.timeout(device.budget):
            values = await session.get((ENGINE_ID, ENGINE_BOOTS, ENGINE_TIME))
    except TimeoutError:
        raise SilentError(f"no answer within {device.budget:g} s") from None
    finally:
        await session.close()
    match values.get(ENGINE_ID), values.get(ENGINE_BOOTS), values.get(ENGINE_TIME):
        case bytes(engine_id), int(boots), int(seconds):
            return EngineClock(engine_id, boots, seconds)
        case _:
            raise BrokenError("it does not show snmpEngine (1.3.6.1.6.3.10.2.1)")
