"""Real echoes: loopback, and a small network of namespaces with everything that can be wrong with a path."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.namespace import Namespace, join
from support.processes import Program, find_program, running
from tslcd_agent.config import AgentConfig, Device, Identity, Uplink
from tslcd_agent.probes.contract import Echoes
from tslcd_agent.probes.icmp import Pinger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

#: Probes each argument once and writes what came of it.
PROBE = """
import asyncio, json, sys
from tslcd_agent.probes.contract import Echoes
from tslcd_agent.probes.icmp import Pinger

async def main(targets):
    pinger = Pinger()
    results = await asyncio.gather(*(pinger.probe(Echoes(t, count=2, spacing=0.05, wait=4)) for t in targets))
    pinger.close()
    print(json.dumps({t: [r.outcome, r.sent, len(r.answered)] for t, r in zip(targets, results)}))

asyncio.run(main(sys.argv[1:]))
"""


def probe_in(prefix: list[str], *targets: str) -> dict[str, Any]:
    """Probe targets from somewhere else; return outcome, packets sent and packets answered."""
    command = [*prefix, sys.executable, "-c", PROBE, *targets]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def open_descriptors() -> list[str]:
    """Return the descriptors of this process."""
    return sorted(str(one) for one in Path("/proc/self/fd").iterdir())


@pytest.fixture
async def pinger() -> AsyncIterator[Pinger]:
    """Open a pinger that must not touch one address."""
    made = Pinger(forbidden={"127.0.0.9"})
    yield made
    made.close()


@pytest.mark.parametrize(
    ("target", "address"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0:0:0:0:0:0:0:1", "::1")]
)
async def test_loopback_answers_every_echo(pinger: Pinger, target: str, address: str) -> None:
    """Both families; times are positive and small."""
    result = await pinger.probe(Echoes(target, count=5, spacing=0.01))
    assert (result.outcome, result.sent, len(result.answered), result.loss) == ("ok", 5, 5, 0)
    assert result.address == address
    assert all(0 < rtt < 1 for rtt in result.answered)


async def test_a_name_is_resolved_and_one_without_address_is_said_so(pinger: Pinger) -> None:
    """Nothing is sent for a name that has no address (RFC 2606 names one)."""
    assert (await pinger.probe(Echoes("localhost", count=1))).outcome == "ok"
    for name in ("no-such-name.invalid", "not a name", "x" * 300, "bad\udcff"):
        result = await pinger.probe(Echoes(name, count=1))
        assert (result.outcome, result.sent) == ("unresolved", 0), name


@pytest.mark.parametrize("target", ["127.0.0.9", "::ffff:127.0.0.9", "0:0:0:0:0:ffff:7f00:9"])
async def test_what_must_not_be_touched_is_not_sent_to_however_it_is_spelled(pinger: Pinger, target: str) -> None:
    """The address answers; no echo leaves."""
    result = await pinger.probe(Echoes(target, count=1))
    assert (result.outcome, result.sent) == ("denied", 0)


async def test_a_name_is_no_way_around_what_must_not_be_touched() -> None:
    """A pinger made from settings holds back an address that only the resolver knows."""
    config = AgentConfig(
        agent=Identity(id="a", province="86"),
        brokers=(Uplink(),),
        devices={
            "cipher": Device(address="127.0.0.1", touch=False),
            "six": Device(address="::1", touch=False),
        },
    )
    pinger = Pinger(config.untouchable())
    assert (await pinger.probe(Echoes("localhost", count=1))).outcome == "denied"
    assert await pinger.reachable("127.0.0.1", 0.1)
    pinger.close()


async def test_many_probes_at_once_keep_their_answers_apart(pinger: Pinger) -> None:
    """One socket, forty rounds at the same time."""
    targets = [f"127.0.1.{number}" for number in range(1, 41)]
    results = await asyncio.gather(*(pinger.probe(Echoes(target, count=3, spacing=0.01)) for target in targets))
    assert [(result.outcome, len(result.answered), result.address) for result in results] == [
        ("ok", 3, target) for target in targets
    ]


async def test_a_source_address_is_used_and_one_that_is_not_ours_is_said_so(pinger: Pinger) -> None:
    """An address that this system does not have is no path."""
    assert (await pinger.probe(Echoes("127.0.0.1", count=1, source="127.0.0.2"))).outcome == "ok"
    result = await pinger.probe(Echoes("127.0.0.1", count=1, source="203.0.113.9"))
    assert (result.outcome, result.sent) == ("unreachable", 0)
    assert (await pinger.probe(Echoes("localhost", count=1, source="127.0.0.2"))).address == "127.0.0.1"


@pytest.mark.parametrize("size", [64, 1500])
async def test_sizes_are_sent_as_configured(pinger: Pinger, size: int) -> None:
    """From the smallest to a full Ethernet frame, in both families."""
    for target in ("127.0.0.1", "::1"):
        assert (await pinger.probe(Echoes(target, count=1, size=size))).outcome == "ok"


async def test_cancelling_a_round_harms_no_other(pinger: Pinger) -> None:
    """What answers later finds nobody waiting, and the socket goes on."""
    async with asyncio.timeout(10):
        cut = asyncio.create_task(pinger.probe(Echoes("127.0.0.1", count=50, spacing=0.005)))
        await asyncio.sleep(0)
        other = asyncio.create_task(pinger.probe(Echoes("127.0.0.1", count=20, spacing=0.005)))
        await asyncio.sleep(0)
        cut.cancel()
        assert len((await other).answered) == 20


async def test_closing_frees_the_sockets_and_the_pinger_may_be_used_again() -> None:
    """No descriptor is left; who still waits hears of a loss."""
    before = open_descriptors()
    pinger = Pinger()
    for _ in range(3):
        assert (await pinger.probe(Echoes("127.0.0.1", count=1))).outcome == "ok"
        pinger.close()
    assert open_descriptors() == before


@pytest.mark.parametrize(("target", "mark"), [("127.0.0.1", 46), ("::1", 46), ("127.0.0.1", 0), ("::1", 0)])
async def test_echoes_are_marked_as_configured(pinger: Pinger, target: str, mark: int) -> None:
    """The mark is in every packet as the system sees it come in, and another probe's is its own."""
    six = ":" in target
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    with socket.socket(family, socket.SOCK_RAW, protocol) as listener:
        if six:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        listener.settimeout(5)
        await pinger.probe(Echoes(target, count=1, dscp=10))
        assert (await pinger.probe(Echoes(target, count=2, spacing=0.01, dscp=mark))).outcome == "ok"
        marks = []
        for _ in range(6):
            packet, ancillary, _, _ = listener.recvmsg(4096, 256)
            if packet[0 if six else (packet[0] & 15) * 4] == (128 if six else 8):
                octet = int.from_bytes(ancillary[0][2], sys.byteorder) if six else packet[1]
                marks.append(octet >> 2)
    assert marks == [10, mark, mark]


#: Stands for the system, which is told not to answer: answers each echo as its number says (twice; after a while; not).
ODD_RESPONDER = """
import socket, time
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("ready", flush=True)
seen = 0
late = []
while True:
    packet, (peer, _) = raw.recvfrom(4096)
    echo = packet[(packet[0] & 15) * 4:]
    if echo[0] != 8:
        continue
    answer = bytearray(echo)
    answer[0], answer[2:4] = 0, b"\\0\\0"
    total = sum(int.from_bytes(answer[at:at + 2].ljust(2, b"\\0"), "big") for at in range(0, len(answer), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    answer[2:4] = (~total & 0xFFFF).to_bytes(2, "big")
    seen += 1
    if seen == 1:
        late.append(answer)
        continue
    for one in [*late, answer, answer, answer]:
        raw.sendto(bytes(one), (peer, 0))
    late.clear()
"""


def test_duplicates_and_late_answers_are_not_counted(tmp_path: Path) -> None:
    """The first echo is answered after its wait, the others three times each: one lost, the others counted once."""
    probe = """
import asyncio, json
from tslcd_agent.probes.contract import Echoes
from tslcd_agent.probes.icmp import Pinger

async def main():
    pinger = Pinger()
    result = await pinger.probe(Echoes("127.0.0.1", count=3, spacing=1.5, wait=1.0))
    print(json.dumps([result.outcome, [rtt is not None for rtt in result.rtts]]))
    pinger.close()

asyncio.run(main())
"""
    with Namespace("odd").existing() as odd:
        subprocess.run([*odd.prefix, "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1"], check=True)
        responder = Program([*odd.prefix, sys.executable, "-c", ODD_RESPONDER], tmp_path / "responder.log")
        with running(responder, lambda: "ready" in responder.output()):
            said = subprocess.run([*odd.prefix, sys.executable, "-c", probe], check=True, capture_output=True).stdout
    assert json.loads(said) == ["ok", [False, True, True]]


@pytest.fixture
def path() -> Iterator[Namespace]:
    """Join a site to a gateway that knows a way, refuses one, and swallows one."""
    with Namespace("near").existing() as near, Namespace("gate").existing() as gate:
        join(near, gate, "wan", "198.51.100.1/30", "198.51.100.2/30")
        near.ip("route", "add", "203.0.113.0/24", "via", "198.51.100.2")
        gate.ip("address", "add", "203.0.113.1/32", "dev", "lo")
        gate.ip("route", "add", "unreachable", "203.0.113.64/26")
        gate.ip("route", "add", "blackhole", "203.0.113.128/26")
        subprocess.run([*gate.prefix, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
        yield near


def test_what_the_network_says_is_told_apart_from_silence(path: Namespace) -> None:
    """A gateway that says "host unreachable", a path that swallows, a neighbour that is not there, no route at all."""
    assert probe_in(
        path.prefix, "203.0.113.1", "203.0.113.65", "203.0.113.129", "192.0.2.1", "2001:db8::1", "198.51.100.2"
    ) == {
        "203.0.113.1": ["ok", 2, 2],
        "198.51.100.2": ["ok", 2, 2],
        "203.0.113.65": ["unreachable", 2, 0],
        "203.0.113.129": ["no_answer", 2, 0],
        "192.0.2.1": ["unreachable", 2, 0],
        "2001:db8::1": ["unreachable", 2, 0],
    }


def test_a_neighbour_that_is_not_there_is_unreachable(path: Namespace) -> None:
    """Nobody answers to ARP: the system itself says so."""
    path.ip("address", "add", "198.51.100.9/29", "dev", "wan")
    assert probe_in(path.prefix, "198.51.100.12")["198.51.100.12"] == ["unreachable", 2, 0]


def test_without_the_right_to_icmp_the_probe_is_denied() -> None:
    """Neither a raw nor a datagram socket: that is said, and is no loss."""
    with Namespace("closed").existing() as closed:
        subprocess.run([*closed.prefix, "sysctl", "-qw", "net.ipv4.ping_group_range=1 0"], check=True)
        without = [*closed.prefix, find_program("setpriv"), "--bounding-set=-net_raw", "--inh-caps=-all"]
        assert probe_in([*without, "--reuid=65534", "--clear-groups"], "127.0.0.1") == {"127.0.0.1": ["denied", 0, 0]}


def test_datagram_sockets_are_enough() -> None:
    """Where net.ipv4.ping_group_range lets the group in, no capability is needed."""
    with Namespace("open").existing() as opened:
        subprocess.run([*opened.prefix, "sysctl", "-qw", "net.ipv4.ping_group_range=0 65535"], check=True)
        without = [*opened.prefix, find_program("setpriv"), "--bounding-set=-net_raw", "--inh-caps=-all"]
        found = probe_in([*without, "--reuid=65534", "--regid=65534", "--clear-groups"], "127.0.0.1", "::1")
        assert found == {"127.0.0.1": ["ok", 2, 2], "::1": ["ok", 2, 2]}
