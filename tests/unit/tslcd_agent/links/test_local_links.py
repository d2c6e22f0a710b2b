"""The box's own interfaces: changes at once, everything on every tick, and nothing lost when the kernel says too much."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from support.kernel import ScriptedKernel
from tslcd_agent.config import Links
from tslcd_agent.links import local, sysfs
from tslcd_agent.links.gate import Bucket
from tslcd_agent.links.local import LocalLinks, interface_table
from tslcd_agent.links.netlink import LocalInterface
from tslcd_agent.links.state import LinkStates
from tslcd_runtime.health import Health
from tslcd_wire import codec
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tslcd_agent.readings import Reading
    from tslcd_wire.report import Table


class Box:
    """LocalLinks on a scripted kernel, with everything that it told."""

    def __init__(self) -> None:
        """Make it."""
        self.kernel = ScriptedKernel()
        self.readings: list[Reading] = []
        self.links = LocalLinks(
            Links(interval=300.0),
            states=LinkStates(),
            submit=self._submit,
            health=Health(),
            open_socket=lambda: self.kernel,
        )

    async def _submit(self, reading: Reading) -> None:
        self.readings.append(reading)

    @property
    def events(self) -> list[tuple[str, bool]]:
        """Every event told."""
        return [(event.key, event.up) for reading in self.readings for event in reading.events]

    @property
    def tables(self) -> list[Table]:
        """Every interface table told."""
        return [reading.tables["interface"] for reading in self.readings if "interface" in reading.tables]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Box]:
        """Run for the time of a block, from the first table."""
        task = asyncio.create_task(self.links.run())
        try:
            await until(lambda: self.tables or task.done())
            assert not task.done(), task.exception()
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    """Wait in the loop until ``condition`` is true."""
    deadline = asyncio.get_running_loop().time() + 20
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """Make a box with wan1 up and wan2 down, that looks again soon after a change."""
    monkeypatch.setattr(local, "SETTLE", 0.05)
    made = Box()
    made.kernel.set(2, "wan1", tell=False)
    made.kernel.set(3, "wan2", up=False, tell=False)
    yield made
    made.kernel.close()


async def test_what_is_there_at_the_start_is_a_table_and_no_event(box: Box) -> None:
    """The loopback interface is left out by default."""
    async with box.running():
        assert box.events == []
        assert (box.tables[0]["key"], box.tables[0]["oper_up"]) == (["wan1", "wan2"], [1, 0])
        assert box.readings[0].device == "box"
        assert box.readings[0].tables["device"]["interfaces"] == [2.0]
    assert box.kernel.closed


async def test_a_change_is_an_event_at_once_and_a_table_after_it(box: Box) -> None:
    """The event comes alone; what follows is read anew, so that counters belong to its time."""
    async with box.running():
        box.kernel.set(2, "wan1", up=False)
        await until(lambda: len(box.tables) == 2)
        assert box.events == [("wan1", False)]
        first = next(reading for reading in box.readings if reading.events)
        assert first.tables == {}
        assert box.tables[1]["oper_up"] == [0, 0]


async def test_news_that_changes_nothing_is_no_news(box: Box) -> None:
    """The kernel tells the same again for many reasons."""
    async with box.running():
        for _ in range(5):
            box.kernel.set(2, "wan1")
        box.kernel.set(3, "wan2")
        await until(lambda: len(box.tables) == 2)
        assert box.events == [("wan2", True)]


async def test_an_interface_that_goes_away_is_down_and_comes_back_up(box: Box) -> None:
    """It leaves the table; under the same name and another index it is the same interface."""
    async with box.running():
        box.kernel.drop(2)
        await until(lambda: box.tables[-1]["key"] == ["wan2"])
        assert box.events == [("wan1", False)]
        box.kernel.set(9, "wan1")
        await until(lambda: box.tables[-1]["key"] == ["wan2", "wan1"])
        assert box.events == [("wan1", False), ("wan1", True)]


async def test_a_renamed_interface_is_gone_under_its_old_name(box: Box) -> None:
    """What it is called now is new, and no change."""
    async with box.running():
        box.kernel.set(2, "uplink")
        await until(lambda: box.tables[-1]["key"] == ["uplink", "wan2"])
        assert box.events == [("wan1", False)]


async def test_lost_news_is_found_again(box: Box) -> None:
    """ENOBUFS: everything is asked for, and what went away meanwhile is noticed as well."""
    async with box.running():
        box.kernel.set(3, "wan2", tell=False)
        box.kernel.drop(2, tell=False)
        box.kernel.lose = True
        box.kernel.ring()
        await until(lambda: box.tables[-1]["key"] == ["wan2"])
        assert sorted(box.events) == [("wan1", False), ("wan2", True)]


async def test_an_answer_that_is_not_consistent_is_asked_for_again(box: Box) -> None:
    """Interfaces came or went while the kernel listed them (NLM_F_DUMP_INTR)."""
    box.kernel.interrupt = True
    async with box.running():
        assert box.kernel.asked == 2


async def test_a_kernel_that_does_not_answer_is_asked_again(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is lost is no end."""
    monkeypatch.setattr(local, "_PATIENCE", 0.05)
    box.kernel.mute = True
    task = asyncio.create_task(box.links.run())
    try:
        await until(lambda: box.kernel.asked > 2)
        box.kernel.mute = False
        await until(lambda: box.tables)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_link_that_flaps_madly_costs_a_bounded_number_of_events(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not looked at one by one is found in the end."""
    monkeypatch.setattr(box.links, "_news", Bucket(local.NEWS_RATE, 10.0))
    box.kernel.drop(3, tell=False)
    async with box.running():
        for number in range(1001):
            box.kernel.set(2, "wan1", up=number % 2 == 1)
        await until(lambda: box.tables[-1]["oper_up"] == [0])
        assert len(box.events) < 100
        assert box.events[-1] == ("wan1", False)


def test_a_table_of_odd_interfaces_satisfies_the_contract() -> None:
    """Names and descriptions of any bytes, counters missing, and nothing at all."""
    assert interface_table([], {}) is None
    odd = LocalInterface(1, "wan\n1", up=True, admin_up=False, alias="\x1b[31m", counters={})
    table = interface_table([odd], {"wan\n1": 1e9})
    assert table is not None
    assert "receive_bytes_total" not in table
    report = Report(agent="a", stream="0198f3c2", seq=1, at=1, boot="7c1e", mono=1, tables={"interface": table})
    assert not codec.decode_report(codec.encode(report)).refused


def folder(root: Path, name: str, index: int, *, state: str = "up", flags: str = "0x1043", speed: str = "1000") -> None:
    """Make the files of one interface."""
    statistics = root / name / "statistics"
    statistics.mkdir(parents=True, exist_ok=True)
    for number, counter in enumerate(sysfs._COUNTERS):
        (statistics / counter).write_text(f"{number + 10}\n")
    for file, text in {"ifindex": index, "flags": flags, "operstate": state, "ifalias": "a\n", "speed": speed}.items():
        (root / name / file).write_text(f"{text}\n")


def test_files_say_what_netlink_says(tmp_path: Path) -> None:
    """An interface that goes away while it is read is left out; bonding_masters is no interface."""
    folder(tmp_path, "wan1", 2)
    folder(tmp_path, "ppp0", 3, state="unknown", speed="-1")
    folder(tmp_path, "wan2", 4, state="lowerlayerdown", flags="0x1002", speed="")
    (tmp_path / "bonding_masters").write_text("")
    (tmp_path / "gone").mkdir()
    found = sysfs.interfaces(tmp_path)
    assert [(one.name, one.index, one.up, one.admin_up) for one in found] == [
        ("ppp0", 3, True, True),
        ("wan1", 2, True, True),
        ("wan2", 4, False, False),
    ]
    assert found[0].alias == "a"
    assert found[0].counters["receive_bytes_total"] == 12
    assert sysfs.speeds(["ppp0", "wan1", "wan2", "none"], tmp_path) == {"wan1": 1e9}
    assert sysfs.interfaces(tmp_path / "nowhere") == []


async def test_where_netlink_is_denied_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same events, a little later; told once."""
    monkeypatch.setattr(local, "SYSFS_EVERY", 0.05)
    monkeypatch.setattr(sysfs.interfaces, "__defaults__", (tmp_path,))
    monkeypatch.setattr(local, "first_tick", lambda now, _interval, _name: now)
    folder(tmp_path, "wan1", 2)
    folder(tmp_path, "wan2", 3)
    box = Box()

    def denied() -> ScriptedKernel:
        raise PermissionError(1, "Operation not permitted")

    box.links._open_socket = denied
    async with box.running():
        folder(tmp_path, "wan1", 2, state="down")
        (tmp_path / "wan2").rename(tmp_path / "wan9")
        await until(lambda: box.tables[-1]["key"] == ["wan1", "wan9"])
        assert sorted(box.events) == [("wan1", False), ("wan2", False)]
    box.kernel.close()
