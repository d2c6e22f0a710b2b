"""TCP, TLS and HTTP probes against servers of every sort: good, wrong, slow, endless, mute, closing, and not there."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.listeners import Authority, serving
from support.processes import free_port
from tslcd_agent.config import HttpProbe, TcpProbe, TlsProbe
from tslcd_agent.probes.prober import Prober

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Iterator

    from support.listeners import Handler
    from tslcd_agent.probes.contract import ProbeResult

DAY = 86400


def descriptors() -> list[str]:
    """Return the open descriptors of this process."""
    return sorted(str(one) for one in Path("/proc/self/fd").iterdir())


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """Make a prober that must not touch one address."""
    made = Prober({"127.0.0.9"})
    before = descriptors()
    yield made
    made.close()
    await asyncio.sleep(0)
    assert made.statistics.unexpected == 0
    assert descriptors() == before


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make an authority that our settings trust."""
    return Authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture
def full() -> Iterator[int]:
    """Listen with a backlog that is full: who comes now is neither taken nor refused."""
    with socket.socket() as hole, socket.socket() as first, socket.socket() as second:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for one in (first, second):
            one.settimeout(0)
            one.connect_ex(hole.getsockname())
        yield hole.getsockname()[1]


async def mute(reader: StreamReader, writer: StreamWriter) -> None:
    """Read, and never answer."""
    del writer
    while await reader.read(4096):
        pass


def saying(*pieces: bytes, pause: float = 0, then: Handler = mute, drop: bool = False) -> Handler:
    """Read a request, say pieces with a pause before each, and go on like ``then``, or close."""

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            await asyncio.sleep(pause)
            writer.write(piece)
            await writer.drain()
        if drop:
            writer.close()
        else:
            await then(reader, writer)

    return handle


async def endless(reader: StreamReader, writer: StreamWriter) -> None:
    """Say more and more, for as long as anybody listens."""
    del reader
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


def answer(status: str = "200 OK", body: bytes = b"hello", *headers: str) -> bytes:
    """Write an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def fetch(prober: Prober, handler: Handler, path: str = "/", **keys: Any) -> ProbeResult:
    """Probe a server that behaves like ``handler``."""
    async with serving(handler) as port:
        settings = HttpProbe(target=f"http://127.0.0.1:{port}{path}", **{"timeout": 10.0, **keys})
        return await prober.probe("web", settings)


async def test_an_open_port_a_closed_one_and_one_that_swallows_are_told_apart(prober: Prober, full: int) -> None:
    """The connection is measured; a closed port is refused at once, a full one does not answer within the timeout."""
    async with serving(mute) as port:
        good = await prober.probe("x", TcpProbe(target="127.0.0.1", port=port))
        assert (good.outcome, good.address, good.reason, good.type) == ("ok", "127.0.0.1", "", "tcp")
        assert set(good.phases) == {"connect"}
        named = await prober.probe("x", TcpProbe(target="localhost", port=port, source="127.0.0.2", dscp=46))
        assert named.outcome == "ok"
        assert set(named.phases) == {"resolve", "connect"}
    closed = await prober.probe("x", TcpProbe(target="127.0.0.1", port=free_port()))
    assert (closed.outcome, closed.reason) == ("refused", "connection refused")
    swallowed = await prober.probe("x", TcpProbe(target="127.0.0.1", port=full, timeout=0.3))
    assert (swallowed.outcome, swallowed.reason) == ("no_answer", "connect: no end within 0.3 s")
    assert swallowed.phases == {}
    assert swallowed.duration is not None


@pytest.mark.parametrize(
    ("target", "source", "outcome"),
    [
        ("203.0.113.1", "203.0.113.9", "unreachable"),
        ("no-such-name.invalid", None, "unresolved"),
        ("127.0.0.9", None, "denied"),
        ("::ffff:127.0.0.9", None, "denied"),
        ("224.0.0.1", None, "denied"),
        ("255.255.255.255", None, "denied"),
        ("0.0.0.0", None, "denied"),  # noqa: S104 - not to be bound to
        ("64:ff9b::127.0.0.9", None, "denied"),
        ("2002:7f00:9::1", None, "denied"),
    ],
)
async def test_what_cannot_or_must_not_be_reached_is_said_so(
    prober: Prober, target: str, source: str | None, outcome: str
) -> None:
    """A source that is not ours, a name without address, an address that nothing may be sent to in any disguise."""
    result = await prober.probe("x", TcpProbe(target=target, port=9, source=source))
    assert result.outcome == outcome
    assert result.phases.get("connect") is None


async def test_a_good_certificate_tells_how_long_it_lasts(prober: Prober, authority: Authority) -> None:
    """The first end of the verified chain counts: the leaf's, or the authority's where that is sooner."""
    for days, expected in ((20, 20), (300, 30)):
        async with serving(mute, tls=authority.server("127.0.0.1", "portal.example", days=days)) as port:
            for name in (None, "portal.example"):
                settings = TlsProbe(target="127.0.0.1", port=port, ca=str(authority.pem), server_name=name)
                result = await prober.probe("x", settings)
                assert result.outcome == "ok", result.reason
                assert set(result.phases) == {"connect", "tls"}
                assert result.figures.certificate_expiry == pytest.approx(expected * DAY, abs=300)


async def test_every_bad_certificate_has_its_reason_and_still_tells_its_end(
    prober: Prober, authority: Authority, tmp_path: Path
) -> None:
    """Expired, of another name, by an unknown authority, signed by itself; without verification each is taken."""
    stranger = Authority(tmp_path, "stranger")
    cases = {
        "certificate has expired": (authority.server("127.0.0.1", days=-3), -3),
        "ip address mismatch, certificate is not valid for '127.0.0.1'": (authority.server("portal.example"), 20),
        "unable to get local issuer certificate": (stranger.server("127.0.0.1"), 20),
        "self-signed certificate": (authority.server("127.0.0.1", bare=True), 20),
    }
    for reason, (tls, days) in cases.items():
        async with serving(mute, tls=tls) as port:
            target = {"target": "127.0.0.1", "port": port}
            refused = await prober.probe("x", TlsProbe(**target, ca=str(authority.pem)))  # type: ignore[arg-type]
            assert (refused.outcome, refused.reason) == ("bad_certificate", reason)
            assert set(refused.phases) == {"connect"}
            taken = await prober.probe("x", TlsProbe(**target, verify=False))  # type: ignore[arg-type]
            assert (taken.outcome, set(taken.phases)) == ("ok", {"connect", "tls"})
            for result in (refused, taken):
                assert result.figures.certificate_expiry == pytest.approx(days * DAY, abs=300)


async def test_a_server_that_speaks_no_tls(prober: Prober) -> None:
    """Garbage and a closed connection are bad answers; silence ends with the deadline."""

    async def garbage(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await mute(reader, writer)

    async def rude(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(10)
        writer.transport.abort()

    async def settle(handler: Handler, within: float = 10) -> ProbeResult:
        async with serving(handler) as port:
            return await prober.probe("x", TlsProbe(target="127.0.0.1", port=port, verify=False, timeout=within))

    babbled = await settle(garbage)
    assert (babbled.outcome, babbled.reason) == ("bad_answer", "TLS: wrong version number")
    closed = await settle(rude)
    assert closed.outcome == "bad_answer"
    assert closed.reason.startswith(("ended the connection in the TLS handshake: ", "TLS: unexpected eof"))
    silent = await settle(mute, 0.3)
    assert (silent.outcome, silent.reason) == ("no_answer", "tls: no end within 0.3 s")


async def test_a_ca_file_that_is_not_there_or_is_none(prober: Prober, tmp_path: Path) -> None:
    """Nothing is sent, and the reason names the file."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for file, reason in (("/nowhere/ca.pem", "no such file or directory"), (str(empty), "no certificate in it")):
        result = await prober.probe("x", TlsProbe(target="127.0.0.1", port=9, ca=file))
        assert (result.outcome, result.reason) == ("denied", f"ca {file}: {reason}")


async def test_a_good_page_has_every_phase(prober: Prober, authority: Authority) -> None:
    """Status, body and certificate; what is sent is one plain request without a body."""
    seen: list[bytes] = []

    async def page(reader: StreamReader, writer: StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(body="Cổng thông tin".encode()))
        await writer.drain()

    async with serving(page, tls=authority.server("localhost")) as port:
        settings = HttpProbe(target=f"https://localhost:{port}/a?b=c#d", ca=str(authority.pem), body="C.ng thông")
        result = await prober.probe("x", settings)
    assert (result.outcome, result.reason, result.figures.http_status) == ("ok", "", 200)
    assert list(result.phases) == ["resolve", "connect", "tls", "answer", "transfer"]
    assert result.figures.certificate_expiry == pytest.approx(20 * DAY, abs=300)
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "GET /a?b=c HTTP/1.1"
    assert f"Host: localhost:{port}" in lines
    assert "Connection: close" in lines


async def test_a_bad_certificate_of_a_page(prober: Prober, authority: Authority) -> None:
    """It is no connection that was refused, and nothing is asked."""
    async with serving(mute, tls=authority.server("portal.example", days=-1)) as port:
        settings = HttpProbe(target=f"https://127.0.0.1:{port}/", ca=str(authority.pem))
        result = await prober.probe("x", settings)
    assert (result.outcome, result.figures.http_status) == ("bad_certificate", None)
    assert result.figures.certificate_expiry == pytest.approx(-DAY, abs=300)


@pytest.mark.parametrize(
    ("said", "keys", "outcome", "reason", "status"),
    [
        (answer("204 No Content", b""), {}, "ok", "", 204),
        (answer("500 Oops"), {}, "bad_answer", "status 500", 500),
        (answer("401 Who"), {"status": (200, 401)}, "ok", "", 401),
        (answer("201 Made"), {"status": (200,)}, "bad_answer", "status 201", 201),
        (answer("302 Away", b"", "Location: /b"), {}, "bad_answer", "status 302", 302),
        (answer(), {"body": "^hell"}, "ok", "", 200),
        (answer(), {"body": "^heaven"}, "bad_answer", "the body does not match, in its first 5 bytes", 200),
        (answer(), {"body": "hello", "max_body": 3.0}, "bad_answer", "the body does not match, in its first 3 bytes", 200),
        (answer("302 Away", b"", "Location: ftp://portal.example/"), {"redirects": 1}, "bad_answer", "redirected to what is no web address", 302),
        (answer("302 Away", b"", "Location: http://127.0.0.9/"), {"redirects": 1}, "denied", "nothing may be sent to that address", 302),
        (b"HTTP/1.1 100 Go on\r\n\r\n" * 20, {}, "bad_answer", "interim answers without end", None),
    ],
)  # fmt: skip
async def test_what_a_page_says_is_compared_with_what_is_wanted(
    prober: Prober, said: bytes, keys: dict[str, Any], outcome: str, reason: str, status: int | None
) -> None:
    """Status, body and redirects, each with its reason."""
    result = await fetch(prober, saying(said), **keys)
    assert (result.outcome, result.reason, result.figures.http_status) == (outcome, reason, status)


async def test_head_reads_no_body(prober: Prober) -> None:
    """A length without a body is right in an answer to HEAD."""
    result = await fetch(prober, saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), method="HEAD")
    assert result.outcome == "ok"


async def test_redirects_are_followed_as_often_as_configured(prober: Prober, authority: Authority) -> None:
    """Two of them; with one allowed the second is the answer; from https to http never."""

    async def turn(reader: StreamReader, writer: StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        number = int(head.split(b" ")[1][1:])
        location = f"Location: /{number + 1}"
        writer.write(answer("301 Moved", b"", location) if number < 3 else answer())
        await writer.drain()

    assert (await fetch(prober, turn, "/1", redirects=2)).outcome == "ok"
    short = await fetch(prober, turn, "/1", redirects=1)
    assert (short.outcome, short.reason) == ("bad_answer", "status 301")
    away = saying(answer("302 Away", b"", "Location: http://127.0.0.1/"))
    async with serving(away, tls=authority.server("127.0.0.1")) as port:
        settings = HttpProbe(target=f"https://127.0.0.1:{port}/", ca=str(authority.pem), redirects=3)
        result = await prober.probe("x", settings)
    assert (result.outcome, result.reason) == ("bad_answer", "redirected from https to http")


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (saying(b"\x00\xff garbage\r\n\r\n", drop=True), "not HTTP as it should be: "),
        (saying(drop=True), "closed the connection without an answer"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", drop=True), "not HTTP as it should be: peer closed"),
        (saying(b"HTTP/1.1 200 OK\r\nX: ", then=endless), "not HTTP as it should be: "),
    ],
    ids=["garbage", "nothing", "half a body", "endless head"],
)  # fmt: skip
async def test_broken_servers_are_bad_answers(prober: Prober, handler: Handler, reason: str) -> None:
    """None of them is taken for silence, and none is read without end."""
    result = await fetch(prober, handler)
    assert result.outcome == "bad_answer"
    assert result.reason.startswith(reason)


async def test_an_endless_page_is_read_to_its_bound(prober: Prober) -> None:
    """A camera's stream is a page that answers."""
    result = await fetch(prober, saying(b"HTTP/1.1 200 OK\r\n\r\n", then=endless), body="^x+$", max_body=100_000.0)
    assert result.outcome == "ok"


async def test_slow_servers_end_with_the_deadline_and_keep_what_was_measured(prober: Prober) -> None:
    """A server that says one byte at a time, and one that never says the rest."""
    drops = saying(*(bytes([one]) for one in answer()), pause=0.05)
    slow = await fetch(prober, drops, timeout=0.4)
    assert (slow.outcome, slow.reason) == ("no_answer", "answer: no end within 0.4 s")
    assert set(slow.phases) == {"connect"}
    half = await fetch(prober, saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"), timeout=0.4)
    assert (half.outcome, half.reason, half.figures.http_status) == ("no_answer", "transfer: no end within 0.4 s", 200)
    assert set(half.phases) == {"connect", "answer"}


async def test_a_server_that_wants_a_certificate_of_ours(prober: Prober, authority: Authority) -> None:
    """TLS 1.3 says so after the handshake only: a bad answer with its reason."""
    tls = authority.server("127.0.0.1")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(authority.pem)
    async with serving(mute, tls=tls) as port:
        settings = HttpProbe(target=f"https://127.0.0.1:{port}/", ca=str(authority.pem))
        result = await prober.probe("x", settings)
    assert result.outcome == "bad_answer"
    assert "certificate required" in result.reason or "the connection" in result.reason


@pytest.mark.parametrize(
    ("pattern", "body"),
    [("(a+)+$", b"a" * 60_000 + b"!"), ("(a|a)*b", b"a" * 60_000), (".*.*.*.*x", b"a" * 60_000)],
    ids=["nested", "alternatives", "polynomial"],
)
async def test_a_pattern_that_would_take_years_is_given_up(prober: Prober, pattern: str, body: bytes) -> None:
    """The reason names the setting; the agent's loop is free again, and the next probe is as ever."""

    async def page(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(body=body))

    result = await fetch(prober, page, body=pattern)
    assert (result.outcome, result.reason) == (
        "bad_answer",
        "the pattern of body takes longer than 0.1 s on this page: write it without nested repeats",
    )
    assert (await fetch(prober, page, body="a{3}")).outcome == "ok"
