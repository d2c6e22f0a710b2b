"""The search for credentials against models of devices: what it finds, how few questions it takes, and when it stops."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tslcd_agent.config import Auth, Priv, Snmp
from tslcd_agent.snmp.credentials import AT_ONCE, Finding, search
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from tslcd_agent.snmp.credentials import Outcome

PASSWORD, OTHER = Secret("hidden-word"), Secret("another-word")
AUTHS = ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
PRIVS = (
    ("DES", "blumenthal"),
    ("AES", "blumenthal"),
    ("AES-192", "blumenthal"),
    ("AES-192", "reeder"),
    ("AES-256", "blumenthal"),
    ("AES-256", "reeder"),
)
COMMUNITY = Snmp(community=PASSWORD)


def secure(auth: Any = "SHA-256", priv: Any = ("AES", "blumenthal"), *, user: str = "tslcd") -> Snmp:
    """Make version 3 credentials."""
    return Snmp(
        version="3",
        user=user,
        auth=Auth(protocol=auth, password=PASSWORD) if auth else None,
        priv=Priv(protocol=priv[0], extension=priv[1], password=PASSWORD) if priv else None,
    )


@dataclass
class Device:
    """A device that takes ``taken``, at that level or above ``least``, and reports in the order of RFC 3414 section 3.2."""

    taken: Snmp
    least: int = 0
    strict: bool = False
    locks_after: int = 1000
    v3: bool = True
    asked: list[Snmp] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    async def attempt(self, snmp: Snmp) -> Outcome:
        """Answer once."""
        self.asked.append(snmp)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return "silent" if len(self.asked) > self.locks_after else self._judge(snmp)

    def _judge(self, snmp: Snmp) -> Outcome:
        taken = self.taken
        if "3" not in {snmp.version, taken.version}:
            return "answer" if snmp == taken else "silent"
        if snmp.user != taken.user:
            return "user"
        level = (snmp.auth is not None) + (snmp.priv is not None)
        if level > (taken.auth is not None) + (taken.priv is not None) or (self.strict and level < self.least):
            return "level"
        if snmp.auth and snmp.auth != taken.auth:
            return "digest"
        if snmp.priv and snmp.priv != taken.priv:
            return "silent"
        return "answer" if level >= self.least else "access"

    async def speaks_v3(self) -> bool:
        """Whether a discovery is answered."""
        return self.v3


async def find(device: Device, configured: Snmp) -> Finding:
    """Search."""
    return await search(configured, device.attempt, device.speaks_v3)


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("priv", PRIVS, ids="-".join)
async def test_every_combination_is_found_in_few_questions(auth: str, priv: tuple[str, str], strict: bool) -> None:
    """Also on a device that looks at nothing before it is encrypted; never more than a few at a time."""
    device = Device(secure(auth, priv), least=2, strict=strict)
    assert await find(device, secure()) == Finding("takes", device.taken)
    assert len(device.asked) <= (19 if strict else 15)
    assert device.most <= AT_ONCE


@pytest.mark.parametrize(
    ("device", "configured", "finding"),
    [
        (Device(secure("SHA", None)), secure(), Finding("takes", secure("SHA", None))),
        (Device(secure(None, None)), secure(), Finding("takes", secure(None, None))),
        (Device(secure(None, None)), secure(None, None), Finding("takes", secure(None, None))),
        (Device(secure("SHA"), least=2), secure(None, None), Finding("wants auth", secure(None, None))),
        (Device(secure("SHA"), least=2), secure("MD5", None), Finding("wants priv", secure("SHA", None))),
        (Device(secure("SHA"), least=1), secure("MD5", None), Finding("takes", secure("SHA", None))),
        (Device(secure(user="admin")), secure(), Finding("user", secure())),
        (Device(secure(), v3=False), secure(), Finding("nothing", secure())),
        (Device(Snmp(version="1", community=PASSWORD)), COMMUNITY, Finding("takes", Snmp(version="1", community=PASSWORD))),
        (Device(COMMUNITY), Snmp(version="1", community=PASSWORD), Finding("takes", COMMUNITY)),
        (Device(secure()), COMMUNITY, Finding("secure", COMMUNITY)),
        (Device(Snmp(community=OTHER), v3=False), COMMUNITY, Finding("nothing", COMMUNITY)),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_found(device: Device, configured: Snmp, finding: Finding) -> None:
    """Levels, users, versions."""
    assert await find(device, configured) == finding


async def test_wrong_passwords_are_told_apart() -> None:
    """A digest that no protocol makes right is the one, encryption that no protocol makes right the other."""
    taken = secure("SHA")
    assert taken.auth is not None
    assert taken.priv is not None
    other_auth = msgspec.structs.replace(taken, auth=msgspec.structs.replace(taken.auth, password=OTHER))
    other_priv = msgspec.structs.replace(taken, priv=msgspec.structs.replace(taken.priv, password=OTHER))
    assert (await find(Device(other_auth, least=2), secure())).verdict == "auth"
    found = await find(Device(other_priv, least=2), secure())
    assert found == Finding("priv", secure("SHA"))


async def test_a_device_that_locks_out_whom_it_refused_is_left_alone() -> None:
    """Silence after reports ends the search."""
    device = Device(secure("MD5"), least=2, locks_after=3)
    assert (await find(device, secure())).verdict == "auth"
    assert len(device.asked) == 4


async def test_nothing_but_what_is_configured_is_tried() -> None:
    """The user and the passwords stay what they are; the context does, or is left out."""
    device = Device(secure("MD5", ("DES", "blumenthal")), least=2)
    configured = msgspec.structs.replace(secure(), context="vdom-1")
    await find(device, configured)
    assert {snmp.user for snmp in device.asked} == {"tslcd"}
    assert {snmp.context for snmp in device.asked} == {"vdom-1", None}
    assert {part.password.reveal() for snmp in device.asked for part in (snmp.auth, snmp.priv) if part} == {
        "hidden-word"
    }


@dataclass
class WithoutContexts(Device):
    """A device that leaves every question in a context unanswered once the user is right, as Net-SNMP does."""

    def _judge(self, snmp: Snmp) -> Outcome:
        outcome = super()._judge(msgspec.structs.replace(snmp, context=None))
        return "silent" if snmp.context and outcome in {"answer", "access"} else outcome


async def test_a_wrong_context_is_told_from_wrong_passwords() -> None:
    """The same user without the context is answered: two questions."""
    device = WithoutContexts(secure(), least=2)
    configured = msgspec.structs.replace(secure(), context="vdom-9")
    assert await find(device, configured) == Finding("context", secure())
    assert len(device.asked) == 2


async def test_a_wrong_context_and_a_wrong_protocol_are_both_found() -> None:
    """What cannot be decrypted and what is in no context look the same; both are put right at once."""
    device = WithoutContexts(secure("SHA", ("AES-256", "reeder")), least=1)
    configured = msgspec.structs.replace(secure("SHA", ("DES", "blumenthal")), context="vdom-9")
    assert await find(device, configured) == Finding("takes", secure("SHA", ("AES-256", "reeder")))
