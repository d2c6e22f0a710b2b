"""SNMP answers, wrong in every way: what a session makes of 200,000 of them; and that the rig would see a session that is wrong."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pyasn1.codec.ber import decoder  # type: ignore[import-untyped]
from pyasn1.error import PyAsn1Error  # type: ignore[import-untyped]
from pysnmp.proto import api

from rigs import page
from rigs.__main__ import main
from rigs.fuzz import MAX_GROWTH, Findings, Rig
from rigs.legs import legs
from rigs.mutants import CHECKS, PlainSession
from rigs.mutations import MUTATIONS, Exchange
from support import snmp_message as message
from support import snmp_responder as responder
from tslcd_agent.config import Snmp
from tslcd_agent.snmp.datagram import Ear
from tslcd_agent.snmp.session import open_session
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tslcd_agent.config import PolledDevice
    from tslcd_agent.snmp.session import SnmpSession

COMMUNITY = Snmp(community=Secret("public"), engine="gufo")


@pytest.mark.timeout(600)
def test_two_hundred_thousand_answers_break_nothing() -> None:
    """0 unhandled exceptions, 0 wrong values, 0 honest answers lost, and memory stands still, whichever engine and version."""
    done = CliRunner().invoke(main, ["fuzz", "--packets", "200000", "--json"], catch_exceptions=False)
    print(done.stdout)  # noqa: T201 - figures belong into the report of the run
    found = json.loads(done.stdout)
    assert (done.exit_code, found["failures"]) == (0, [])
    assert sum(int(row["datagrams"].replace(",", "")) for row in found["rows"]) >= 200_000
    assert {row["engine"] for row in found["rows"]} == {
        "gufo, version 2c",
        "gufo, version 1",
        "pysnmp, version 2c",
        "pysnmp, version 1",
    }
    for row in found["rows"]:
        assert (row["unhandled"], row["wrong"], row["lost"]) == ("0", "0", "0")
        assert float(row["RSS growth, MiB"]) * 2**20 <= MAX_GROWTH


async def fuzzed(make: Callable[[PolledDevice], SnmpSession], packets: int = 3000) -> Findings:
    """Run the rig here against a session."""
    rig = Rig(1, COMMUNITY, make=make)
    try:
        return await rig.run(packets)
    finally:
        await rig.close()


async def test_a_session_that_makes_every_check_passes() -> None:
    """The rig asks for nothing that cannot be given."""
    found = await fuzzed(PlainSession)
    assert (found.failures, found.accepted > 1000, found.refused["broken"] > 500) == ([], True, True)


@pytest.mark.parametrize("check", [one for one in CHECKS if one not in {"translation", "memory"}])
async def test_a_session_that_leaves_out_a_check_is_caught(check: str) -> None:
    """Each check is one that some session forgot once."""
    assert (await fuzzed(lambda device: PlainSession(device, check))).wrong > 0


async def test_a_session_that_lets_foreign_exceptions_out_is_caught() -> None:
    """Whatever is no SnmpError would end a poller."""
    assert (await fuzzed(lambda device: PlainSession(device, "translation"))).unhandled > 0


async def test_a_session_that_keeps_what_it_reads_is_caught() -> None:
    """Memory that grows by the datagram is over the bound long before 200,000 of them."""
    assert (await fuzzed(lambda device: PlainSession(device, "memory"))).growth > MAX_GROWTH / 2


async def test_the_engine_without_its_guard_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What gufo-snmp alone makes of such answers: panics that end a program, and wrong values."""

    def unguarded(_ear: Ear, receive: Callable[[], Any]) -> Any:
        return receive()

    monkeypatch.setattr(Ear, "read", unguarded)
    found = await fuzzed(open_session)
    assert found.unhandled > 0
    assert found.wrong > 0


def test_the_same_seed_sends_the_same_datagrams_and_all_of_them_are_sent() -> None:
    """A finding can be tried again; no leg is so small that it tells nothing."""
    for packets in (200_000, 5_000_000):
        chosen = legs(packets, 1, 2)
        assert sum(one.packets for one in chosen) >= packets
        assert len({(one.engine, one.version, one.seed) for one in chosen}) == len(chosen)


def pysnmp_reads(data: bytes) -> list[tuple[str, Any]]:
    """Return names and values as pysnmp reads them. Raises what it raises."""
    pdus = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
    read, _ = decoder.decode(data, asn1Spec=pdus.Message())
    pdu = pdus.apiMessage.get_pdu(read)
    if pdus.apiMessage.get_community(read) != b"public" or pdu.tagSet != pdus.GetResponsePDU.tagSet:
        raise PyAsn1Error("not ours")
    return [(str(name), value) for name, value in pdus.apiPDU.get_varbinds(pdu)]


def test_the_judge_reads_as_pysnmp_does() -> None:
    """Of datagrams that both can read, both read the same numbers and strings; the judge is seldom the stricter one."""
    draw = random.Random(1)  # noqa: S311 - repeatable on purpose
    table = responder.router(7, 4)
    asked = [f"{responder.IF_X_ENTRY}.6.1", f"{responder.IF_ENTRY}.14.3", f"{responder.IF_X_ENTRY}.18.2"]
    question = message.Message(
        1, b"public", message.GET, 4711, 0, 0, [message.Cell(name, message.NULL, b"") for name in asked]
    )
    both = 0
    for _ in range(4000):
        exchange = Exchange(question, responder.pairs(table, question))
        for datagram in draw.choice(MUTATIONS)(draw, exchange):
            try:
                ours = message.decode(datagram.data)
                theirs = pysnmp_reads(datagram.data)
            except (message.MalformedError, PyAsn1Error, RecursionError, ValueError):
                continue
            for cell, (name, value) in zip(ours.cells, theirs, strict=True):
                assert cell.name == name
                if cell.tag == message.INTEGER and cell.content:
                    assert cell.plain == int(value)
                elif cell.tag == message.OCTETS:
                    assert cell.plain == bytes(value)
            both += 1
    assert both > 1000


def test_figures_are_written_into_the_page_in_the_place_of_the_last_ones(tmp_path: Path) -> None:
    """A page without the place is not guessed at."""
    file = tmp_path / "README.md"
    file.write_text("before\n\n<!-- soak fuzz -->\nold\n<!-- end -->\n\nafter\n")
    section = page.Section("fuzz", ("a", "b"), [("x", "1")], ["said"])
    page.write(section, file)
    page.write(section, file)
    text = file.read_text()
    assert "old" not in text
    assert text.startswith("before\n\n<!-- soak fuzz -->\n\n| a | b |\n|---|---:|\n| x | 1 |\n\nsaid\n\n")
    assert text.endswith("\n\n<!-- end -->\n\nafter\n")
    with pytest.raises(LookupError, match="fleet"):
        page.write(page.Section("fleet", ("a",), [], []), file)
    assert os.linesep == "\n"
