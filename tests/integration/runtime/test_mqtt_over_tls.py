"""TLS to a broker: every mistake with certificates has its own words, and none waits for a timeout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.broker import Broker
from support.certificate import self_signed
from support.faulty import FaultyServer, read_until_closed
from support.processes import wait_until
from tslcd_runtime.mqtt import BrokerError, Connection, Endpoint, Tls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make three certificates that are their own authorities: the broker's, the client's and a stranger's."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("broker", "client", "stranger"):
        self_signed(folder, name)
    return folder


@pytest.fixture(scope="module")
def broker(folder: Path) -> Iterator[Broker]:
    """Run a broker that wants the client's certificate."""
    lines = f"certfile {folder}/broker.pem\nkeyfile {folder}/broker.key\ncafile {folder}/client.pem\n"
    with Broker(folder, lines=f"{lines}require_certificate true\nallow_anonymous true\n").running() as broker:
        yield broker


async def failure(endpoint: Endpoint) -> tuple[str, str]:
    """Connect with a timeout that is far away, and return code and message of the error."""
    with pytest.raises(BrokerError) as caught:
        async with Connection(endpoint, "a", timeout=100):
            pass
    return caught.value.code, str(caught.value).removeprefix(f"broker {endpoint}: ")


def tls(folder: Path, ca: str = "broker", client: str | None = "client") -> Tls:
    """Name the files of a client."""
    certificate, key = (f"{folder}/{client}.pem", f"{folder}/{client}.key") if client else (None, None)
    return Tls(ca=f"{folder}/{ca}.pem", certificate=certificate, key=key)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_both_sides_are_known(broker: Broker, folder: Path, protocol: str) -> None:
    """With both certificates known, large messages go out and come back whole: TLS holds bytes that select() cannot see."""
    endpoint = Endpoint(port=broker.port, protocol=protocol, tls=tls(folder))  # type: ignore[arg-type]
    async with Connection(endpoint, "a") as connection:
        await connection.subscribe(["big"])
        payload = os.urandom(1_000_000)
        await connection.publish("big", payload)
        assert (await anext(connection.deliveries())).payload == payload


async def test_broker_signed_by_a_stranger(broker: Broker, folder: Path) -> None:
    """The broker's certificate is not of our authority."""
    code, message = await failure(Endpoint(port=broker.port, tls=tls(folder, ca="stranger")))
    assert (code, message) == ("tls", "TLS: self-signed certificate")


async def test_broker_with_another_name(broker: Broker, folder: Path) -> None:
    """The broker's certificate is for another address."""
    code, message = await failure(Endpoint(host="localhost", port=broker.port, tls=tls(folder)))
    assert code == "tls"
    assert message == "TLS: hostname mismatch, certificate is not valid for 'localhost'."


@pytest.mark.parametrize("client", [None, "stranger"])
async def test_client_that_the_broker_does_not_know(broker: Broker, folder: Path, client: str | None) -> None:
    """Without a certificate, or with one of a stranger, the broker closes, and we say what that means."""
    code, message = await failure(Endpoint(port=broker.port, tls=tls(folder, client=client)))
    assert (code, message) == ("refused", "closed the connection: client certificate not accepted")


async def test_files_that_are_missing_or_no_certificates(folder: Path) -> None:
    """A missing file is named; a file that is not a certificate is told."""
    absent = f"{folder}/absent.pem"
    assert await failure(Endpoint(tls=Tls(ca=absent))) == ("tls", f"{absent}: no such file")
    ca = f"{folder}/broker.pem"
    missing_key = Tls(ca=ca, certificate=ca, key=absent)
    assert await failure(Endpoint(tls=missing_key)) == ("tls", f"{absent}: no such file")
    (folder / "text.pem").write_text("hello\n")
    code, message = await failure(Endpoint(tls=Tls(ca=f"{folder}/text.pem")))
    assert code == "tls"
    assert message.startswith("certificate or key not usable: ")
    other_key = Tls(ca=ca, certificate=ca, key=f"{folder}/client.key")
    code, message = await failure(Endpoint(tls=other_key))
    assert code == "tls"
    assert message.startswith("certificate or key not usable: ")


async def test_broker_without_tls(folder: Path, tmp_path: Path) -> None:
    """TLS spoken to a plain broker is a TLS error or a closed connection, at once."""
    with Broker(tmp_path).running() as plain:
        code, _ = await failure(Endpoint(port=plain.port, tls=tls(folder)))
    assert code in {"tls", "unreachable"}


def test_half_a_client_certificate() -> None:
    """A certificate without its key is a mistake of the settings."""
    with pytest.raises(ValueError, match="certificate and key belong together: give both or none"):
        Tls(ca="ca.pem", certificate="client.pem")


PROGRAM = """
import asyncio, signal, sys
from tslcd_runtime.mqtt import Connection, Endpoint, Tls

async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    async with Connection(Endpoint(port=int(sys.argv[1]), tls=Tls(ca=sys.argv[2])), "a", timeout=600):
        pass

try:
    asyncio.run(main())
except asyncio.CancelledError:
    print("cancelled", flush=True)
"""


def test_a_handshake_that_does_not_end_never_holds_the_end_of_a_program(folder: Path) -> None:
    """SIGTERM in the middle of a blocking handshake ends the program: the thread that hangs is not waited for."""
    with FaultyServer(read_until_closed).running() as server:
        command = [sys.executable, "-W", "error", "-c", PROGRAM, str(server.port), f"{folder}/broker.pem"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            wait_until(lambda: server.accepted, what="the program to connect")
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"cancelled\n", b"")
