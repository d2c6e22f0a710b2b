"""The commands of the pager as a person at a terminal meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from click.testing import CliRunner

from support.pager import TOKEN, PagerProgram, Services
from support.paging import alert, post
from support.processes import wait_until
from tslcd_collector.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MORE = """
language: vi
people:
- {id: an, name: An, channels: [{by: zalo, to: an}, {by: sms, to: an-sms}]}
- {id: binh, name: Bình, channels: [{by: zalo, to: binh}]}
groups: [{id: noc, name: NOC, members: [an, binh]}]
escalation: {critical: {steps: [{to: [an], wait: 1s}, {to: [binh], wait: 1h}]}}
"""


@pytest.fixture
def services() -> Iterator[Services]:
    """Run the services that messages go to."""
    with Services().running() as one:
        yield one


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run(pager: PagerProgram, *arguments: str) -> Done:
    """Run ``tslcd-collector pager`` with these arguments, in this process: there are many of them."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["pager", "--config", str(pager.settings), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return Done(result.exit_code, result.stdout, result.stderr)


def test_a_person_looks_takes_and_reads_back(tmp_path: Path, services: Services) -> None:
    """``check``, ``status``, ``ack`` and ``audit`` beside a running pager; what is taken goes no further."""
    pager = PagerProgram(tmp_path / "p", services, MORE.replace("wait: 1s", "wait: 1h"))
    before = run(pager, "status")
    assert (before.returncode, before.stdout) == (0, "0 sự cố chưa kết thúc, 0 tin đang đợi\n")
    with pager.running():
        assert pager.post(post(alert())) == 200
        wait_until(lambda: services.texts("an"), 10, "told")
        checked = run(pager, "check")
        assert checked.returncode == 0, checked.stdout
        assert "bộ báo tin đang chạy dùng hàng đợi này" in checked.stdout
        assert "được\tcritical\tAn\n" in checked.stdout
        open_one = run(pager, "status", "--json")
        assert open_one.returncode == 1
        (incident,) = json.loads(open_one.stdout)["incidents"]
        assert (incident["id"], incident["step"], incident["acknowledged_by"]) == (1, 1, None)
        taken = run(pager, "ack", "1", "7", "--by", "Trực ca")
        assert (taken.returncode, taken.stdout) == (1, "1: đã xác nhận, Trực ca xử lý\n7: không có sự cố này\n")
        again = run(pager, "ack", "1")
        assert (again.returncode, again.stdout) == (0, "1: đã có người xác nhận\n")
        shown = run(pager, "status")
        assert shown.returncode == 0
        assert "Trực ca" in shown.stdout
        second = run(pager)
        assert (second.returncode, "another pager works on it: stop that one first" in second.stderr) == (1, True)
    lines = [json.loads(line) for line in run(pager, "audit", "--days", "1").stdout.splitlines()]
    assert [one["event"] for one in lines] == ["opened", "told", "acknowledged"]
    assert lines[1]["recipient"] == "an"
    assert lines[1]["at"].endswith("+07:00")
    assert "channel" in lines[1]


def test_who_is_on_duty_is_told_first_and_after_a_reload_who_is_then(tmp_path: Path, services: Services) -> None:
    """By the calendar beside the settings; a calendar with a mistake is refused, and the one in use stays."""
    shift = "shifts: [{id: whole, name: Cả ngày, from: '00:00', until: '24:00', teams: [[%s]]}]\n"
    more = MORE.replace("to: [an], wait: 1s", "to: [duty], wait: 1h") + "duty: {calendar: calendar.yaml}\n"
    pager = PagerProgram(tmp_path / "p", services, more)
    calendar = pager.directory / "calendar.yaml"
    calendar.write_text(shift % "binh")
    with pager.running():
        assert "được\tduty\tBình\n" in run(pager, "check").stdout
        assert pager.post(post(alert())) == 200
        wait_until(lambda: services.texts("binh"), 10, "told")
        calendar.write_text(shift % "lan")
        refused = run(pager, "check")
        assert (refused.returncode, "no contact lan in people or groups of the pager" in refused.stderr) == (2, True)
        pager.program.signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in pager.program.output(), 10, "refused")
        calendar.write_text(shift % "an")
        pager.program.signal(signal.SIGHUP)
        wait_until(lambda: "event=reloaded" in pager.program.output(), 10, "reloaded")
        assert services.texts("an") == []
        assert pager.post(post(alert("c2"), group="two")) == 200
        wait_until(lambda: services.texts("an"), 10, "told")
    assert len(services.texts("binh")) == 1


def test_a_test_message_shows_what_every_channel_says(tmp_path: Path, services: Services) -> None:
    """Each channel of a person is tried; exit code 1 when one does not take it; no token in what is shown."""
    services.manners["an-sms"] = ["broken"]
    pager = PagerProgram(tmp_path / "p", services, MORE)
    done = run(pager, "test", "an")
    assert done.returncode == 1
    assert done.stdout.startswith("zalo\taccepted\t\nsms\tfailed\t500 xxx")
    assert services.texts("an")[0].splitlines()[0] == "[THỬ] Tin thử gửi An"
    assert run(pager, "test", "binh").returncode == 0
    assert "test its members" in run(pager, "test", "noc").stdout
    nobody = run(pager, "test", "chi")
    assert (nobody.returncode, "known are an, binh, noc" in nobody.stderr) == (2, True)
    assert TOKEN not in done.stdout + run(pager, "dump-config").stdout


def test_what_is_wrong_is_told_before_it_runs(tmp_path: Path, services: Services) -> None:
    """A mistake, nobody to tell, a folder that cannot be: each has its line and exit code."""
    pager = PagerProgram(tmp_path / "p", services, MORE)
    good = pager.settings.read_text()
    pager.settings.write_text(good.replace("to: [binh]", "to: [bin]"))
    done = run(pager)
    assert done.returncode == 2
    assert done.stderr.endswith("escalation.critical.steps[1].to[0]: no person or group 'bin'\n")
    pager.settings.write_text(good.partition("escalation:")[0])
    done = run(pager)
    assert (done.returncode, "empty: nobody would be told" in done.stderr) == (2, True)
    pager.settings.write_text(good)
    (pager.directory / "queue").write_text("a file")
    done = run(pager)
    assert (done.returncode, "it must be a folder this user may write to" in done.stderr) == (1, True)
    checked = run(pager, "check")
    assert (checked.returncode, "HỎNG\tqueue\t" in checked.stdout) == (1, True)


def test_a_damaged_queue_is_set_aside(tmp_path: Path, services: Services) -> None:
    """It is never deleted, and people are told of the next fault all the same."""
    pager = PagerProgram(tmp_path / "p", services, MORE)
    (pager.directory / "queue").mkdir()
    (pager.directory / "queue" / "pager.db").write_bytes(b"not a database at all" * 1000)
    with pager.running():
        assert pager.post(post(alert())) == 200
        wait_until(lambda: services.texts("an"), 10, "told")
    assert len(list((pager.directory / "queue").glob("pager.db.damaged-*"))) == 1
    assert "queue was damaged: set aside" in pager.program.output()


def test_the_pager_stands_alone() -> None:
    """It loads nothing of intake, board or judge, and no MQTT: it may run where the collector does not."""
    program = (
        "import tslcd_collector.pager.app, tslcd_collector.pager.commands, sys\n"
        "print('\\n'.join(name for name in sys.modules if name.startswith('tslcd_collector') or '.' not in name))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith("tslcd_collector.") and ".pager" not in name}
    assert ours == {
        "tslcd_collector.database_file",
        "tslcd_collector.errors",
        "tslcd_collector.verdict",
        "tslcd_collector.serving",
        "tslcd_collector.backfill",
        "tslcd_collector.backfill.answer",
    }
    assert loaded & {"aiomqtt", "paho", "holidays", "httpx", "rich"} == set()
