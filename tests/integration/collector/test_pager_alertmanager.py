"""A real Alertmanager, or two, before the pager: one message a fault, its end, links, escalation, and the dead man's switch."""

from __future__ import annotations

import datetime as dt
import json
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from support.pager import Alertmanager, PagerProgram, Services
from support.paging import alert, post
from support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MORE = """
links: {url: 'https://pager.example'}
dead_man: {after: 2s}
people:
- {id: an, name: Nguyễn Văn An, channels: [{by: zalo, to: an}]}
- {id: binh, name: Binh, language: en, channels: [{by: zalo, to: binh}]}
escalation: {critical: {steps: [{to: [an], wait: 1s}, {to: [binh]}]}}
"""
CALM = MORE.replace("after: 2s", "after: 0s").replace("wait: 1s", "wait: 1h")


@pytest.fixture
def services() -> Iterator[Services]:
    """Run the services that messages go to."""
    with Services().running() as one:
        yield one


def fault(name: str, *, over: bool = False) -> dict[str, Any]:
    """Return an alert as Prometheus hands it in: it fires, or has just ended."""
    one = alert(name)
    now = dt.datetime.now(dt.UTC)
    ends = now - dt.timedelta(seconds=0.1) if over else now + dt.timedelta(minutes=5)
    return {
        "labels": one["labels"],
        "annotations": one["annotations"],
        "startsAt": (now - dt.timedelta(seconds=65)).isoformat(),
        "endsAt": ends.isoformat(),
    }


def test_two_alertmanagers_that_repeat_make_one_message(tmp_path: Path, services: Services) -> None:
    """Each posts again and again, neither knows of the other: one message, one end with its duration."""
    pager = PagerProgram(tmp_path / "p", services, CALM)
    first, second = Alertmanager(tmp_path / "a", pager), Alertmanager(tmp_path / "b", pager)
    repeats = 'tslcd_pager_alerts_total{novelty="repeat",severity="critical"}'
    with pager.running(), first.running(), second.running():
        both = (first, second)
        faults = fault("c1"), fault("c2")
        for one in both:
            one.give(*faults)
        wait_until(lambda: pager.value(repeats) >= 8, 20, "four posts more")
        assert len(services.texts("an")) == 1
        for one in both:
            one.give(fault("c1", over=True), fault("c2", over=True))
        wait_until(lambda: len(services.texts("an")) == 2, 20, "the end")
        stale = 'tslcd_pager_alerts_total{novelty="stale",severity="critical"}'
        wait_until(lambda: pager.value(stale) >= 2, 20, "the other's end")
    begin, end = services.texts("an")
    assert re.match(r"\[KHẨN CẤP\] Kênh c[12] mất kết nối và 1 kênh khác\n", begin)
    assert re.match(r"\[ĐÃ KHẮC PHỤC\] Kênh c[12] mất kết nối và 1 kênh khác\n", end)
    assert re.search(r"^- Kênh c1 mất kết nối: 1 phút \d+ giây$", end, re.MULTILINE)
    assert services.texts("binh") == []


def test_a_link_shows_before_it_acknowledges(tmp_path: Path, services: Services) -> None:
    """Fetching it for a preview changes nothing; the button does, once, and then nobody else is told; another's text is no link."""
    pager = PagerProgram(tmp_path / "p", services, CALM.replace("wait: 1h", "wait: 3s"))
    with pager.running():
        pager.post(post(alert()))
        wait_until(lambda: services.texts("an"), 10, "told")
        link = services.texts("an")[0].splitlines()[-1]
        assert link.startswith("Xác nhận: https://pager.example/ack/")
        path = link.removeprefix("Xác nhận: https://pager.example")
        for _ in range(3):
            status, headers, page = pager.ask("GET", path, token=None)
            assert status == 200
            assert pager.ask("HEAD", path, token=None)[0] == 200
        assert 'method="post"' in page
        assert "Kênh c1 mất kết nối" in page
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        for wrong in (path[:-1], path + "x", "/ack/x.y", "/ack/" + "x" * 5000, path.replace("/ack/", "/ack/A")):
            assert pager.ask("POST", wrong, b"", token=None)[0] == 404
        _, _, page = pager.ask("POST", path, b"", token=None)
        assert "Nguyễn Văn An đã xác nhận lúc" in page
        assert 'method="post"' not in page
        assert "đã xác nhận lúc" in pager.ask("GET", path, token=None)[2]
        # another incident goes its way: when its next step was told, the acknowledged one's would have been
        pager.post(post(alert("c2"), group="2"))
        wait_until(lambda: services.texts("binh"), 15, "the next step of the other")
        assert [text.splitlines()[0] for text in services.texts("binh")] == [
            "[CRITICAL · NOT ACKNOWLEDGED] Channel c2 is down"
        ]
        said = [one for one in pager.audited() if one["event"] == "acknowledged"]
    assert [(one["incident"], one["recipient"], one["channel"]) for one in said] == [(1, "Nguyễn Văn An", "link")]


def test_links_only_work_where_they_are_given(tmp_path: Path, services: Services) -> None:
    """After the address was taken out of the settings, a link that was sent before is no way in."""
    pager = PagerProgram(tmp_path / "p", services, CALM)
    with pager.running():
        pager.post(post(alert()))
        wait_until(lambda: services.texts("an"), 10, "told")
        path = services.texts("an")[0].rpartition("https://pager.example")[2]
        pager.settings.write_text(pager.settings.read_text().replace("https://pager.example", ""))
        pager.program.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in pager.program.output(), 10, "reloaded")
        assert pager.ask("POST", path, b"", token=None)[0] == 404
        pager.settings.write_text("peopel: []")
        pager.program.signal(signal.SIGHUP)
        wait_until(lambda: "settings in use stay" in pager.program.output(), 10, "refused")
        assert pager.value("tslcd_pager_settings_valid") == 0
        pager.post(post(alert("c2"), group="2"))
        wait_until(lambda: len(services.texts("an")) == 2, 10, "told by the settings that stay")


def test_the_end_of_the_chain_is_told_once_and_so_is_its_return(tmp_path: Path, services: Services) -> None:
    """A real Alertmanager's watchdog keeps it quiet; its end is told, over restarts of the pager too; a "resolved" is no sign of life."""
    pager = PagerProgram(tmp_path / "p", services, MORE.replace("wait: 1s", "wait: 1h"))
    alertmanager = Alertmanager(tmp_path / "a", pager)
    watchdog = fault("w")
    watchdog["labels"] = {"alertname": "Watchdog", "severity": "none"}
    accepted = 'tslcd_pager_posts_total{result="accepted"}'
    with pager.running():
        with alertmanager.running():
            alertmanager.give(watchdog)
            wait_until(lambda: pager.value(accepted) >= 4, 20, "signs of life for longer than 2 s")
            assert services.texts("an") == []
        wait_until(lambda: services.texts("an"), 20, "the end of the chain")
        assert pager.post(post(alert(ends=2e9)), "/dead-man") == 200
        pager.program.kill()
    with pager.running():
        # for longer than it takes to be told
        wait_until(lambda: pager.value("tslcd_pager_dead_man_silence_seconds") > 2.5, 20, "silence after the restart")
        assert len(services.texts("an")) == 1
        assert pager.post(post(alert()), "/dead-man") == 200
        wait_until(lambda: len(services.texts("an")) == 2, 10, "back")
        wait_until(lambda: pager.value("tslcd_pager_dead_man_dead") == 0, 10, "not dead")
    dead, back = services.texts("an")
    assert dead.splitlines()[0] == "[KHẨN CẤP] Hệ thống giám sát ngừng gửi tín hiệu"
    assert back.splitlines()[0] == "[ĐÃ KHẮC PHỤC] Hệ thống giám sát ngừng gửi tín hiệu"
    assert re.search(r"^Kéo dài: ", back, re.MULTILINE)


def test_nobody_acknowledges(tmp_path: Path, services: Services) -> None:
    """The next person is told in their own language; the command then takes it."""
    pager = PagerProgram(tmp_path / "p", services, MORE.replace("after: 2s", "after: 0s"))
    with pager.running():
        pager.post(post(alert()))
        wait_until(lambda: services.texts("binh"), 15, "the next step")
    assert services.texts("binh")[0].splitlines()[0] == "[CRITICAL · NOT ACKNOWLEDGED] Channel c1 is down"
    assert [json.dumps(one) for one in pager.audited() if one["event"] == "escalated"]
