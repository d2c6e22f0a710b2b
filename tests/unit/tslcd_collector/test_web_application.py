"""The web application without a network: readiness, health, and addresses that cannot be had."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from support import inventories
from tslcd_collector.admit import Admission
from tslcd_collector.board import Board
from tslcd_collector.commands.channels import ApiError, fetch
from tslcd_collector.commands.tap import summary
from tslcd_collector.errors import ListenError
from tslcd_collector.exposition import Exposition
from tslcd_collector.metrics import Metrics
from tslcd_collector.supervision import Supervision
from tslcd_collector.web import View, application, bind, serve
from tslcd_runtime.health import Health

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.applications import Starlette
    from starlette.types import Message

    from tslcd_collector.inventory import Inventory


@pytest.fixture
def known(tmp_path: Path) -> Inventory:
    """Load the small inventory."""
    return inventories.small(tmp_path)


def _view() -> View:
    exposition = Exposition()
    board = Board(exposition, 300.0)
    return View(
        collector="a",
        exposition=exposition,
        metrics=Metrics(),
        supervision=Supervision(board, exposition),
        board=board,
        admission=Admission(),
        health=Health(),
    )


@pytest.fixture
def made() -> tuple[View, Starlette]:
    """Make an application over a view, before the loop runs: templates are read on the way."""
    view = _view()
    return view, application(view)


async def _get(app: Starlette, path: str) -> tuple[int, bytes]:
    """Ask the application itself, by ASGI."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:9470")],
        "server": ("127.0.0.1", 9470),
        "scheme": "http",
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def test_not_ready_says_why(known: Inventory, made: tuple[View, Starlette]) -> None:
    """503 with every reason, 200 when all of them are gone."""
    view, app = made
    assert await _get(app, "/-/ready") == (
        503,
        b"not ready: the inventory is not loaded; the store is not restored, or the collector is stopping\n",
    )
    view.supervision.set_inventory(known)
    view.ready = True
    assert await _get(app, "/-/ready") == (200, b"ready\n")


async def test_stuck_loops_are_named(made: tuple[View, Starlette]) -> None:
    """503 with the names of the loops that do not go round."""
    view, app = made
    assert await _get(app, "/-/healthy") == (200, b"healthy\n")
    view.health.register("judge", 1.0, now=0.0)
    assert await _get(app, "/-/healthy") == (503, b"stuck: judge\n")


async def test_without_an_inventory_pages_are_empty_and_not_broken(made: tuple[View, Starlette]) -> None:
    """Every page answers before anything is known."""
    _, app = made
    assert await _get(app, "/api/v1/channels") == (200, b'{"channels":[]}')
    assert await _get(app, "/api/v1/agents") == (200, b'{"agents":[]}')
    assert (await _get(app, "/"))[0] == 200


def test_addresses_that_cannot_be_had_are_named() -> None:
    """A name that does not exist, an address of another machine, a port in use."""
    with pytest.raises(ListenError, match=r"web: cannot use nowhere\.invalid: "):
        bind("nowhere.invalid", 9470)
    with pytest.raises(
        ListenError, match=r"web: cannot listen on 192\.0\.2\.1 port 9470: cannot assign requested address"
    ):
        bind("192.0.2.1", 9470)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=f"port {port} on 127.0.0.1 is in use by another program"):
            bind("127.0.0.1", port)


async def test_a_port_taken_between_binding_and_listening_is_named(made: tuple[View, Starlette]) -> None:
    """Two may bind; the second to listen is told."""
    first, other = bind("127.0.0.1", 0), socket.socket()
    port = first.getsockname()[1]
    try:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(ListenError, match=f"port {port} on 127.0.0.1 is in use"):
            async with serve(made[1], first):
                pytest.fail("served on a port of another program")
    finally:
        first.close()
        other.close()


@pytest.mark.parametrize("url", ["ftp://x", "http://", "nonsense"])
def test_address_of_a_collector_has_a_form(url: str) -> None:
    """What is not http://HOST:PORT is told."""
    with pytest.raises(ApiError, match="an address looks like http://HOST:PORT"):
        fetch(url)


def test_tap_tells_messages_in_a_line() -> None:
    """Reports by what is in them, a cleared status, and what cannot be decoded."""
    head = {"topic": "t", "bytes": 5}
    assert summary({**head, "message": None}) == "t 5 B (cleared)"
    assert summary({**head, "code": "malformed", "error": "no"}) == "t 5 B ! malformed: no"
    assert summary({**head, "message": {"upto": 3}}) == 't 5 B {"upto":3}'
    report = {"tables": {"probe": {"key": ["a", "b"]}}, "events": [], "device": "", "stream": "s", "seq": 9}
    assert summary({**head, "message": report}) == "t 5 B s/9 (agent) probe[2]"
