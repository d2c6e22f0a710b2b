"""What an agent tells of its start becomes an absence on our own time line, whatever its clock says."""

from __future__ import annotations

from typing import Any

import pytest

from tslcd_collector.clock import Clocks
from tslcd_collector.power import POWER, Absence, Starts
from tslcd_wire.report import Report, Table

NOW = 1_790_000_000.0
YEARS = 50 * 365.25 * 86400.0


class Box:
    """A machine at a site: reports of its boots, taken by clocks and starts as reception does it."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.clocks = Clocks(2.0, 35 * 86400.0)
        self.starts = Starts(self.clocks)
        self.seq = 0

    def tell(
        self,
        boot: str,
        mono: float,
        true: float,
        *,
        wall: float = 0.0,
        live: bool = True,
        late: float = 0.1,
        **start: Any,
    ) -> list[Absence]:
        """Take a heartbeat measured at ``true``; ``wall``: how far its clock is off; ``start``: columns of its table."""
        self.seq += 1
        table: Table = {"key": [""], **{name: [value] for name, value in start.items()}}
        report = Report(
            agent="a1",
            stream="0198f3c2",
            seq=self.seq,
            at=true + wall,
            boot=boot,
            mono=mono,
            tables={"agent": table},
        )
        self.clocks.learn(report, true + late, live=live)
        timed = self.clocks.place(report, true + late)
        if timed.known:
            self.starts.note(report, timed.at)
        return self.starts.take()


def _started(reason: str, started: float, alive: float | None, said: float | None) -> dict[str, Any]:
    return {
        "start_reason": reason,
        "started_boottime_seconds": started,
        "last_alive_boottime_seconds": alive,
        "last_alive_timestamp_seconds": said,
    }


@pytest.mark.parametrize("wall", [0.0, 60.0, -YEARS, YEARS])
def test_a_power_cut_is_an_absence_on_our_time_line(wall: float) -> None:
    """Off from NOW + 600 to NOW + 4200, started 20 s after power came back; a clock 50 years off changes nothing."""
    box = Box()
    for second in range(0, 600, 30):
        assert box.tell("b0b0", 1000.0 + second, NOW + second, wall=wall) == []
    start = _started(POWER, 20.0, 1590.0, NOW + 590 + wall)
    (absence,) = box.tell("b1b1", 50.0, NOW + 4230, wall=wall, **start)
    assert (absence.agent, absence.reason, absence.power) == ("a1", POWER, True)
    assert absence.begin == pytest.approx(NOW + 590, abs=2)
    assert absence.end == pytest.approx(NOW + 4200, abs=2)
    assert box.tell("b1b1", 80.0, NOW + 4260, wall=wall, **start) == []


def test_a_crash_of_the_process_is_measured_by_the_boot_itself() -> None:
    """The same boot: no wall clock is needed, and it is no power cut."""
    box = Box()
    start = _started("process-crash", 500.0, 440.0, 12.0)
    (absence,) = box.tell("b0b0", 505.0, NOW, wall=-NOW + 5000, **start)
    assert absence.end - absence.begin == pytest.approx(60)
    assert not absence.power


def test_a_cut_after_hours_offline_waits_for_history_when_no_clock_can_be_trusted() -> None:
    """The last sign of life is of a time that no live report tells; by a wrong clock it is not placed, by history it is."""
    box = Box()
    box.tell("b0b0", 1000.0, NOW, wall=-YEARS)
    # offline from here; cut at mono 5000 (NOW + 4000); back at NOW + 9000
    start = _started(POWER, 20.0, 5000.0, None)
    assert box.tell("b1b1", 30.0, NOW + 9010, wall=-YEARS, **start) == []
    box.seq = 10
    box.tell("b0b0", 4990.0, NOW + 3990, wall=-YEARS, live=False, late=5050)
    box.seq = 100
    (absence,) = box.tell("b1b1", 60.0, NOW + 9040, wall=-YEARS, **start)
    assert absence.begin == pytest.approx(NOW + 4000, abs=2)
    assert absence.end == pytest.approx(NOW + 9000, abs=2)


def test_a_right_clock_is_believed_where_no_boot_is_known() -> None:
    """The collector never heard of the boot before; the agent's clock is right, and so was it then."""
    (absence,) = Box().tell("b1b1", 30.0, NOW, **_started(POWER, 20.0, 5000.0, NOW - 3600))
    assert (absence.begin, absence.end) == (NOW - 3600, NOW - 10)


@pytest.mark.parametrize(
    "start",
    [
        _started("first-start", 20.0, None, None),
        _started(POWER, 20.0, 5000.0, NOW + 60),
        _started(POWER, 20.0, 5000.0, NOW - 400 * 86400.0),
        _started(POWER, 50.0, 5000.0, NOW - 60),
        {"start_reason": POWER},
        {},
    ],
    ids=["first start", "before the end", "years", "starts after its report", "without times", "no start"],
)
def test_what_cannot_be_placed_makes_no_absence(start: dict[str, Any]) -> None:
    """First starts, times after the start, times out of reason, tables of older agents."""
    assert Box().tell("b1b1", 30.0, NOW, **start) == []


def test_memory_of_starts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that makes up starts forgets its own oldest ones, and those not taken are no more than that."""
    monkeypatch.setattr("tslcd_collector.power.MAX_TOLD", 5)
    box = Box()
    found = []
    for second in range(1, 20):
        found += box.tell("b1b1", 30.0 + second, NOW + second, **_started("process-crash", float(second), 0.0, None))
    assert len(found) == 19
    assert len(box.starts._told) == 5
