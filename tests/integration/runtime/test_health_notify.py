"""systemd's notification socket: a real datagram socket hears what it should (sd_notify(3))."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from tslcd_runtime.health import Health, notify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Listen like systemd does."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield listener


def test_message_arrives(systemd: socket.socket) -> None:
    """A message is one datagram, as it is."""
    assert notify("READY=1\nSTATUS=đang chạy")
    assert systemd.recv(1000).decode() == "READY=1\nSTATUS=đang chạy"


def test_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that begins with @ is in the abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("")  # autobind: the kernel gives an abstract name
        listener.settimeout(10)
        name: bytes = listener.getsockname()
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name[1:].decode())
        assert notify("STOPPING=1")
        assert listener.recv(1000) == b"STOPPING=1"


def test_nobody_listens_or_nobody_reads(
    systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full or absent socket is told as not sent, and never blocks or raises."""
    for _ in range(100_000):
        if not notify("STATUS=" + "x" * 1000):
            break
    else:
        pytest.fail("a socket that nobody reads took everything")
    systemd.recv(2000)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "absent"))
    assert notify("READY=1") is False
    monkeypatch.setenv("NOTIFY_SOCKET", "relative")
    assert notify("READY=1") is False


async def test_watchdog_is_fed_only_while_nothing_is_stuck(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While all loops go round the watchdog hears of us, three times as often as it asks; then it hears who is stuck."""
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    health = Health()
    health.register("poller", 1000.0)
    feeding = asyncio.create_task(health.feed())
    hear = asyncio.to_thread
    assert await hear(systemd.recv, 1000) == b"WATCHDOG=1"
    assert await hear(systemd.recv, 1000) == b"WATCHDOG=1"
    health.register("spool", 0.0, now=0.0)
    while (message := await hear(systemd.recv, 1000)) == b"WATCHDOG=1":
        pass
    assert message == b"STATUS=stuck: spool"
    health.unregister("spool")
    while (message := await hear(systemd.recv, 1000)) != b"WATCHDOG=1":
        assert message == b"STATUS=stuck: spool"
    feeding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await feeding


@pytest.mark.parametrize("said", ["", "0", "soon"])
async def test_without_a_watchdog_the_default_period_holds(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Whatever WATCHDOG_USEC says, one message comes at once."""
    monkeypatch.setenv("WATCHDOG_USEC", said)
    feeding = asyncio.create_task(Health().feed())
    assert await asyncio.to_thread(systemd.recv, 1000) == b"WATCHDOG=1"
    feeding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await feeding
