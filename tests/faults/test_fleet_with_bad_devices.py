"""One agent with fifty devices of which twenty are bad: the good ones miss no round. ``tests/soak fleet`` is the long version."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rigs.__main__ import main
from rigs.fleet import Course, Size
from tslcd_wire.report import Report


@pytest.mark.timeout(300)
def test_thirty_good_devices_miss_no_round_beside_twenty_bad_ones() -> None:
    """Each tick of each good device brings exactly one complete reading with its own values; the bad ones are told about, too."""
    done = CliRunner().invoke(main, ["fleet", "--minutes", "0.5", "--interval", "2", "--json"])
    print(done.stdout)  # noqa: T201 - figures belong into the report of the run
    found = json.loads(done.stdout)
    assert (done.exit_code, found["failures"]) == (0, [])
    assert ", 0 missed" in found["notes"][0]
    told = {row["device"]: (int(row["devices"]), row["states told"]) for row in found["rows"]}
    assert told["good"][0] == 30
    assert told["silent"][1].startswith("silent ")
    assert sum(count for count, _ in told.values()) == 50
    assert all(int(row["readings"]) > 0 for row in found["rows"])


def reading(mono: float, **changed: object) -> Report:
    """Make a good reading of the first device, two seconds a round; ``changed`` are cells of its table."""
    device = {"snmp_state": ["ok"], "poll_complete": [1], "sys_name": ["router-1"], "poll_duration_seconds": [0.01]}
    tables = {
        "device": {"key": [""], **device, **{name: [value] for name, value in changed.items()}},
        "interface": {"key": ["Gi0/1"], "receive_bytes_total": [1_000_100_006]},
    }
    return Report(
        agent="a",
        stream="s",
        seq=1,
        at=1.0,
        boot="b",
        mono=mono,
        device="good-1",
        tables=tables,  # type: ignore[arg-type]
    )


def course() -> Course:
    """Watch one device for ten rounds."""
    return Course(Size(interval=2, good=1, silent=0, slow=0, hostile=(), rows=1), begins=1000.0, ends=1020.0)


@pytest.mark.parametrize(
    ("readings", "missed"),
    [
        ([reading(1000.0 + 2 * k) for k in range(11)], 0),
        ([reading(1000.0 + 2 * k) for k in range(11) if k != 5], 1),
        ([reading(1000.0 + 2 * k) for k in (*range(11), 5)], 1),
        ([reading(1000.0 + 2 * k, snmp_state="silent" if k == 5 else "ok") for k in range(11)], 1),
        ([reading(1000.0 + 2 * k, poll_complete=0 if k == 5 else 1) for k in range(11)], 1),
        ([reading(1000.0 + 2 * k, sys_name="router-2" if k == 5 else "router-1") for k in range(11)], 1),
    ],
    ids=["all", "one is missing", "one twice", "one silent", "one incomplete", "one of another device"],
)
def test_the_rig_sees_a_round_that_is_missed(readings: list[Report], missed: int) -> None:
    """A reading that is missing, doubled, incomplete or somebody else's is a missed round."""
    one = course()
    for report in readings:
        one.take(report)
    one.judge()
    assert (one.missed, one.expected) == (missed, one.expected)
    assert one.expected in {9, 10}
    assert bool(one.mistakes) is bool(missed)
