"""Names to addresses with a resolver that is slow, dead or odd."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from tslcd_agent.probes.names import Resolver


class Dns:
    """Stands in for getaddrinfo: answers when told to."""

    def __init__(self, *addresses: str) -> None:
        """Answer with ``addresses``."""
        self.addresses = addresses
        self.asked: list[tuple[str, int]] = []
        self.go = threading.Event()

    def __call__(self, name: str, port: None, *, family: int, type: int) -> list[Any]:  # noqa: A002 - getaddrinfo's name
        """Answer once it may."""
        assert (port, type) == (None, socket.SOCK_DGRAM)
        self.asked.append((name, family))
        self.go.wait(10)
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (address, 0)) for address in self.addresses]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Dns:
    """Answer for the system."""
    made = Dns("192.0.2.7", "192.0.2.8")
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


async def test_an_address_is_not_looked_up(dns: Dns) -> None:
    """It is its own, in its normal form."""
    assert await Resolver().address("2001:DB8:0::1", None, 1) == "2001:db8::1"
    assert dns.asked == []


@pytest.mark.parametrize(
    ("source", "family"),
    [(None, socket.AF_UNSPEC), ("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6)],
)
async def test_a_name_is_looked_up_in_the_family_of_the_source(dns: Dns, source: str | None, family: int) -> None:
    """The first address that the system gives is taken."""
    dns.go.set()
    assert await Resolver().address("gw.example", source, 10) == "192.0.2.7"
    assert dns.asked == [("gw.example", family)]


async def test_a_dead_resolver_costs_one_thread_a_name(dns: Dns) -> None:
    """Rounds give up in time, ask no second time meanwhile, and take the answer when it comes at last."""
    resolver = Resolver()
    for _ in range(3):
        assert await resolver.address("gw.example", None, 0.01) is None
    assert len(dns.asked) == 1
    dns.go.set()
    async with asyncio.timeout(10):
        assert await resolver.address("gw.example", None, 10) == "192.0.2.7"


async def test_a_name_without_address_is_none_and_asked_again(dns: Dns) -> None:
    """What is not there now may be there in the next round."""
    dns.addresses = ()
    dns.go.set()
    resolver = Resolver()
    assert await resolver.address("gw.example", None, 10) is None
    dns.addresses = ("192.0.2.9",)
    assert await resolver.address("gw.example", None, 10) == "192.0.2.9"


def test_an_answer_after_the_end_of_the_loop_harms_nobody(dns: Dns) -> None:
    """The program may end while DNS is silent."""

    async def give_up() -> None:
        assert await Resolver().address("gw.example", None, 0.01) is None

    asyncio.run(give_up())
    waiting = [thread for thread in threading.enumerate() if thread.name.startswith("resolve 'gw.example'")]
    assert all(thread.daemon for thread in waiting)
    dns.go.set()
    for thread in waiting:
        thread.join(10)
        assert not thread.is_alive()
