"""Finds out what a device takes that does not answer as configured, so that a technician need not guess.

Only what is configured is tried in other combinations: the community in the other version, the user's name and passwords
with every protocol and key extension. No community and no password is invented.

A device that speaks SNMPv3 tells in its reports how far a question came (RFC 3414 section 3.2), so the search goes by steps:
its engine, the user's name, the authentication protocol (the digest is checked before anything is decrypted), the privacy
protocol. That is 15 questions at most instead of 42. A context that the device does not answer in is told from credentials that
it does not take by asking without it, which doubles them at most.

Invariants:

* It ends within :data:`FIND_WITHIN` seconds, whatever the device does, and has :data:`AT_ONCE` questions under way at most.
* A device that reported and then falls silent is asked no more: some lock out whom they refused too often.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

import msgspec

from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.asking import Report, ReportedError, UndecodableError
from tslcd_agent.snmp.knock import DISCOVERY, knock
from tslcd_agent.snmp.pysnmp_engine import PysnmpSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tslcd_agent.config import PolledDevice, Priv, Snmp

T = TypeVar("T")

#: Seconds.
FIND_WITHIN: Final = 12.0
AT_ONCE: Final = 4

#: What is known after the search. ``takes``: it answers with ``Finding.snmp``. ``secure``: it speaks version 3, and no user is
#: configured. ``user``, ``auth``, ``priv``: what of the user is wrong. ``wants auth``, ``wants priv``: what the device wants more.
#: ``context``: the user is right as configured, and nothing is answered in the context.
Verdict: TypeAlias = Literal[
    "takes", "secure", "user", "auth", "priv", "context", "wants auth", "wants priv", "nothing"
]

#: ``answer``: objects came. ``access``, as a report: the credentials are right, and the device shows them nothing.
Outcome: TypeAlias = Literal["answer", "silent"] | Report

#: Tries credentials once.
Try: TypeAlias = "Callable[[Snmp], Awaitable[Outcome]]"

_AUTH_ORDER: Final = ("SHA-256", "SHA", "SHA-512", "SHA-384", "SHA-224", "MD5")
_PRIV_ORDER: Final = (
    ("AES", "blumenthal"),
    ("AES-256", "blumenthal"),
    ("AES-256", "reeder"),
    ("AES-192", "blumenthal"),
    ("AES-192", "reeder"),
    ("DES", "blumenthal"),
)
_RIGHT: Final = ("answer", "access")


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a search; ``snmp``: the settings that got furthest."""

    verdict: Verdict
    snmp: Snmp


async def find_credentials(device: PolledDevice) -> Finding:
    """Search. Raises nothing but cancellation."""

    async def attempt(snmp: Snmp) -> Outcome:
        return await try_once(msgspec.structs.replace(device, snmp=snmp, retries=0))

    async def speaks_v3() -> bool:
        return (await knock(device.address, device.port, DISCOVERY, device.timeout)).answered_from == device.address

    try:
        async with asyncio.timeout(FIND_WITHIN):
            return await search(device.snmp, attempt, speaks_v3)
    except TimeoutError:
        return Finding("nothing", device.snmp)


async def try_once(device: PolledDevice) -> Outcome:
    """Ask for sysUpTime, without retries."""
    session = PysnmpSession(device)
    try:
        link = session.link()
    except OSError:
        return "silent"
    try:
        return "answer" if (await link.get([mib.SYS_UP_TIME])).cells else "access"
    except ReportedError as error:
        return error.report
    except (TimeoutError, UndecodableError, OSError):
        return "silent"
    finally:
        link.close()


async def search(configured: Snmp, attempt: Try, speaks_v3: Callable[[], Awaitable[bool]]) -> Finding:
    """Search, with what is configured, by the means that are given."""
    if configured.version == "3":
        if not await speaks_v3():
            return Finding("nothing", configured)
        if configured.context is None:
            return await _search_user(configured, attempt)
        return await _search_context(configured, attempt)
    other: Literal["1", "2c"] = "1" if configured.version == "2c" else "2c"
    candidate = msgspec.structs.replace(configured, version=other)
    if await attempt(candidate) == "answer":
        return Finding("takes", candidate)
    return Finding("secure" if await speaks_v3() else "nothing", configured)


async def _search_context(configured: Snmp, attempt: Try) -> Finding:
    """Search for a user that is asked in a context. The user is checked before the context (RFC 3412 section 7.2)."""
    if await attempt(configured) == "answer":
        return Finding("takes", configured)
    without = msgspec.structs.replace(configured, context=None)
    outcome = await attempt(without)
    if outcome in _RIGHT:
        return Finding("context", without if outcome == "answer" else configured)
    finding = await _search_user(configured, attempt)
    if finding.verdict in {"auth", "priv"}:
        # silence in the context says nothing of the user
        other = await _search_user(without, attempt)
        if other.verdict == "takes":
            return other
    return finding


async def _search_user(configured: Snmp, attempt: Try) -> Finding:
    bare = msgspec.structs.replace(configured, auth=None, priv=None)
    plain = await attempt(bare)
    if plain == "user":
        return Finding("user", configured)
    if configured.auth is None:
        return Finding("takes" if plain == "answer" else "wants auth", bare)
    found = await _search_auth(configured, attempt)
    if found is None:
        return Finding("takes", bare) if plain == "answer" else Finding("auth", configured)
    authenticated, outcome = found
    without = msgspec.structs.replace(authenticated, priv=None)
    if configured.priv is None:
        return Finding("takes" if outcome == "answer" else "wants priv", without)
    encrypted = await _search_priv(authenticated, configured.priv, attempt)
    if encrypted is not None:
        return Finding("takes", encrypted)
    return Finding("takes", without) if outcome == "answer" else Finding("priv", authenticated)


async def _search_auth(configured: Snmp, attempt: Try) -> tuple[Snmp, Outcome] | None:
    """Return settings whose authentication is right, and what came of them without encryption; None when none is."""
    auth = configured.auth
    if auth is None:
        return None
    reported = False
    for protocol in _first(auth.protocol, _AUTH_ORDER):
        candidate = msgspec.structs.replace(configured, auth=msgspec.structs.replace(auth, protocol=protocol))
        outcome = await attempt(msgspec.structs.replace(candidate, priv=None))
        if outcome == "level" and configured.priv is not None:
            # a device that wants encryption before it looks at the digest
            encrypted = await attempt(candidate)
            outcome = "access" if encrypted not in {"digest", "level", "user"} else encrypted
        if outcome in _RIGHT:
            return candidate, outcome
        if outcome == "silent" and reported:
            return None
        reported = reported or outcome != "silent"
    return None


async def _search_priv(authenticated: Snmp, priv: Priv, attempt: Try) -> Snmp | None:
    """Return settings whose encryption is right. Devices leave what they cannot decrypt unanswered, so several are tried at once."""
    candidates = [
        msgspec.structs.replace(
            authenticated, priv=msgspec.structs.replace(priv, protocol=protocol, extension=extension)
        )
        for protocol, extension in _first((priv.protocol, priv.extension), _PRIV_ORDER)
    ]
    for start in range(0, len(candidates), AT_ONCE):
        together = candidates[start : start + AT_ONCE]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_outcome(attempt, one), name="credentials") for one in together]
        for candidate, task in zip(together, tasks, strict=True):
            if task.result() in _RIGHT:
                return candidate
    return None


async def _outcome(attempt: Try, snmp: Snmp) -> Outcome:
    return await attempt(snmp)


def _first(one: T, others: Sequence[T]) -> list[T]:
    return [one, *(other for other in others if other != one)]
