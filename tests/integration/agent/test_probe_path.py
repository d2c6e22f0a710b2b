"""Path probes over routers of the test's own: hops, silence on the way, a route that changes, a way that ends."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.namespace import Namespace, join
from support.processes import find_program
from tslcd_agent.config import PathProbe
from tslcd_agent.probes.prober import Prober

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Probes its argument for every line of standard input that it is given, and writes what came of it.
PROBE = """
import asyncio, json, sys
from tslcd_agent.config import PathProbe
from tslcd_agent.probes.contract import probe_table
from tslcd_agent.probes.prober import Prober
from tslcd_runtime import logs

async def main():
    logs.configure("logfmt", "info")
    prober = Prober()
    settings = PathProbe(target=sys.argv[1], timeout=float(sys.argv[2]), max_hops=12)
    for line in sys.stdin:
        result = await prober.probe("way", settings)
        table = probe_table({"way": result})
        print(json.dumps({"outcome": result.outcome, "reason": result.reason, "hops": result.figures.hops,
                          "route": [hop.address for hop in result.figures.route],
                          "changes": result.figures.path_changes, "up": table["up"][0], "table": str(table),
                          "sent": prober.statistics.unexpected}), flush=True)
    prober.close()

asyncio.run(main())
"""


class Probing:
    """A prober inside a namespace that goes round when told."""

    def __init__(self, site: Namespace, target: str, timeout: float = 3, *wrap: str) -> None:
        """Start it."""
        command = [*site.prefix, *wrap, sys.executable, "-c", PROBE, target, str(timeout)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def round(self) -> dict[str, Any]:
        """Go round once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def end(self) -> str:
        """End it; return its log."""
        _, log = self._process.communicate()
        return log


@contextlib.contextmanager
def probing(site: Namespace, target: str, timeout: float = 3, *wrap: str) -> Iterator[Probing]:
    """Probe for the time of a block."""
    one = Probing(site, target, timeout, *wrap)
    try:
        yield one
    finally:
        one.end()


class Country:
    """A site, two ways through two routers each, and the centre.

    site - left - core - centre, and site - right - core - centre; the centre is 203.0.113.1 and 2001:db8:f::1.
    """

    def __init__(self, site: Namespace, left: Namespace, right: Namespace, core: Namespace, centre: Namespace) -> None:
        """Join them; the way goes left."""
        self.site, self.left, self.right, self.core = site, left, right, core
        self.all = (site, left, right, core, centre)
        for namespace in self.all:
            subprocess.run(
                [
                    *namespace.prefix, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                    "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0", "net.ipv4.icmp_ratelimit=0",
                    "net.ipv6.icmp.ratelimit=0", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0",
                    "net.ipv4.ping_group_range=0 65535",
                ],
                check=True,
            )  # fmt: skip
        cables = ((site, left, 1), (site, right, 2), (left, core, 3), (right, core, 4), (core, centre, 5))
        for near, far, number in cables:
            join(near, far, f"w{number}", f"198.51.100.{number * 4 + 1}/30", f"198.51.100.{number * 4 + 2}/30")
            near.ip("address", "add", f"2001:db8:{number}::1/64", "dev", f"w{number}", "nodad")
            far.ip("address", "add", f"2001:db8:{number}::2/64", "dev", f"w{number}", "nodad")
        centre.ip("address", "add", "203.0.113.1/32", "dev", "lo")
        centre.ip("address", "add", "2001:db8:f::1/128", "dev", "lo")
        self.go(site, 1)
        for router, forth, back in ((left, 3, 1), (right, 4, 2)):
            router.ip("route", "add", "203.0.113.0/24", "via", f"198.51.100.{forth * 4 + 2}")
            router.ip("route", "add", "2001:db8:f::/48", "via", f"2001:db8:{forth}::2")
            router.ip("route", "add", "default", "via", f"198.51.100.{back * 4 + 1}")
            router.ip("-6", "route", "add", "default", "via", f"2001:db8:{back}::1")
        core.ip("route", "add", "203.0.113.0/24", "via", "198.51.100.22")
        core.ip("route", "add", "2001:db8:f::/48", "via", "2001:db8:5::2")
        core.ip("route", "add", "default", "via", "198.51.100.13")
        core.ip("-6", "route", "add", "default", "via", "2001:db8:3::1")
        centre.ip("route", "add", "default", "via", "198.51.100.21")
        centre.ip("-6", "route", "add", "default", "via", "2001:db8:5::1")

    def go(self, where: Namespace, number: int) -> None:
        """Let the way to the centre begin with a cable."""
        where.ip("route", "replace", "203.0.113.0/24", "via", f"198.51.100.{number * 4 + 2}")
        where.ip("route", "replace", "2001:db8:f::/48", "via", f"2001:db8:{number}::2")

    def silence(self, router: Namespace) -> None:
        """Let a router say nothing more: it forwards, and its errors get nowhere."""
        router.ip("rule", "add", "ipproto", "icmp", "iif", "lo", "prohibit")


@pytest.fixture
def country() -> Iterator[Country]:
    """Make the country."""
    with contextlib.ExitStack() as stack:
        yield Country(*(stack.enter_context(Namespace(name).existing()) for name in ("si", "le", "ri", "co", "ce")))


@pytest.mark.parametrize(
    ("target", "left", "right"),
    [
        ("203.0.113.1", ["198.51.100.6", "198.51.100.14", "203.0.113.1"], ["198.51.100.10", "198.51.100.18", "203.0.113.1"]),
        ("2001:db8:f::1", ["2001:db8:1::2", "2001:db8:3::2", "2001:db8:f::1"], ["2001:db8:2::2", "2001:db8:4::2", "2001:db8:f::1"]),
    ],
)  # fmt: skip
def test_a_changed_way_is_told_once_and_silence_is_no_change(
    country: Country, target: str, left: list[str], right: list[str]
) -> None:
    """Three hops; the other way is a change in one round; a router that falls silent is none; no address is in a table."""
    with probing(country.site, target) as way:
        for _ in range(3):
            found = way.round()
            assert (found["outcome"], found["hops"], found["changes"], found["up"]) == ("ok", 3, 0, 1), found
            assert found["route"][0] == left[0]
            assert found["route"][2] == left[2]
        country.go(country.site, 2)
        found = way.round()
        assert (found["outcome"], found["hops"], found["changes"], found["up"]) == ("path_changed", 3, 1, 1)
        assert found["route"][0] == right[0]
        assert "198.51.100" not in found["table"]
        assert "2001:" not in found["table"]
        assert [way.round()["outcome"] for _ in range(2)] == ["ok", "ok"]
        country.go(country.site, 1)
        found = way.round()
        assert (found["outcome"], found["changes"], found["sent"]) == ("path_changed", 2, 0)


def test_a_silent_router_is_a_star_and_no_change(country: Country) -> None:
    """It forwards, and says nothing: its hop is not known, the others are."""
    with probing(country.site, "203.0.113.1", 4) as way:
        assert way.round()["route"][0] == "198.51.100.6"
        country.silence(country.left)
        for _ in range(2):
            found = way.round()
            assert (found["outcome"], found["hops"], found["changes"]) == ("ok", 3, 0), found
            assert found["route"][0] == ""
        country.left.ip("rule", "del", "ipproto", "icmp", "iif", "lo", "prohibit")
        assert way.round()["outcome"] == "ok"


def test_a_way_that_ends_is_told_apart_from_one_that_is_barred(country: Country) -> None:
    """Swallowed behind the second router; refused by it; no route at all; and each is over in time."""
    with probing(country.site, "203.0.113.77", 4) as way:
        country.core.ip("route", "add", "blackhole", "203.0.113.77/32")
        found = way.round()
        assert (found["outcome"], found["hops"], found["up"]) == ("no_answer", None, 0)
        assert found["reason"] == "not reached; the last router that answered is hop 1"
        country.core.ip("route", "replace", "unreachable", "203.0.113.77/32")
        assert way.round()["outcome"] == "unreachable"
    with probing(country.site, "192.0.2.1", 4) as way:
        found = way.round()
        assert found["outcome"] == "unreachable"


def test_neither_datagram_sockets_nor_raw_ones_are_needed_both(country: Country) -> None:
    """One kind is enough, whichever it is; without both the probe is denied."""
    bare = [find_program("setpriv"), "--bounding-set=-net_raw", "--inh-caps=-all", "--reuid=65534", "--regid=65534", "--clear-groups"]  # fmt: skip
    with probing(country.site, "203.0.113.1", 3, *bare) as way:
        assert way.round()["hops"] == 3
    subprocess.run([*country.site.prefix, "sysctl", "-qw", "net.ipv4.ping_group_range=1 0"], check=True)
    for target in ("203.0.113.1", "2001:db8:f::1"):
        with probing(country.site, target) as way:
            assert way.round()["hops"] == 3
    with probing(country.site, "203.0.113.1", 3, *bare) as way:
        found = way.round()
        assert (found["outcome"], found["reason"]) == ("denied", "no right to ICMP")


def test_the_log_has_digests_and_no_addresses(country: Country) -> None:
    """A change is logged with what stands for both ways."""
    one = Probing(country.site, "203.0.113.1")
    try:
        one.round()
        country.go(country.site, 2)
        one.round()
    finally:
        log = one.end()
    assert "path changed" in log
    assert "198.51.100" not in log


async def test_loopback_is_one_hop_and_what_must_not_be_touched_is_denied() -> None:
    """In both families; nothing is sent to a forbidden address."""
    prober = Prober({"127.0.0.9"})
    for target in ("127.0.0.1", "::1", "localhost"):
        result = await prober.probe(target, PathProbe(target=target))
        assert (result.outcome, result.figures.hops) == ("ok", 1)
    assert (await prober.probe("x", PathProbe(target="127.0.0.9"))).outcome == "denied"
    assert (await prober.probe("x", PathProbe(target="127.0.0.1", source="203.0.113.9"))).outcome == "unreachable"
    prober.close()
