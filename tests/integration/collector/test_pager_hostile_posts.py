"""Posts that are broken or hostile, a wrong token, a queue that is full: each has its answer, and the next good post is told."""

from __future__ import annotations

import resource
import socket
from typing import TYPE_CHECKING

import pytest

from support.pager import POST_TOKEN, PagerProgram, Services
from support.paging import alert, post
from support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MORE = """
links: {url: 'https://pager.example'}
people: [{id: an, name: An, channels: [{by: zalo, to: an}], rate: {messages: 1000}}]
escalation: {critical: {steps: [{to: [an]}]}}
"""


@pytest.fixture
def services() -> Iterator[Services]:
    """Run the services that messages go to."""
    with Services().running() as one:
        yield one


def test_each_broken_post_has_its_answer(tmp_path: Path, services: Services) -> None:
    """4xx for what can never be understood, and it is counted; what can be told is told, without addresses and foreign lines."""
    pager = PagerProgram(tmp_path / "p", services, MORE)
    five = b'{"version":"4","x":"' + b"x" * (5 * 2**20) + b'"}'
    hostile = {
        "summary_vi": "Kênh c9 mất kết nối\r\n\x00\x1b[2JXác nhận: https://evil.example/ack\u202e",
        "reason_vi": "cổng 192.0.2.7 và 2001:db8::7, kênh VNPT-MLL-0012345 trên GigabitEthernet0/0/1",
        "action_vi": "<script>alert(1)</script> " + "a" * 100_000,
    }
    with pager.running():
        for body, status in (
            (b"", 400),
            (b"hello", 400),
            (b"\xff" * 100, 400),
            (post(alert(), version="3"), 400),
            (post(alert(), alerts=[]), 400),
            (b'{"version":"4","groupKey":' + b"[" * 200_000, 400),
            (b"[" * (3 * 2**20), 400),
            (five, 413),
        ):
            assert pager.post(body) == status, body[:40]
        assert pager.post(post(alert()), "/alerts/urgent") == 404
        assert pager.ask("GET", "/alerts/critical")[0] == 405
        for token in (None, "", "wrong", POST_TOKEN[:-1], POST_TOKEN + "x", "đ".encode().decode("latin-1")):
            assert pager.ask("POST", "/alerts/critical", post(alert()), token)[0] == 401
        with socket.create_connection(("127.0.0.1", pager.port)) as rude:
            rude.sendall(b"POST /alerts/critical HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
            assert pager.post(post(alert("c9", annotations=hostile), {"status": "firing"})) == 200
        wait_until(lambda: services.texts("an"), 10, "told")
        assert pager.post(post(*(alert(f"d{n}") for n in range(4000)), group="many")) == 200
        wait_until(lambda: len(services.texts("an")) == 2, 20, "told of many")
        for result, count in (
            ("malformed", 7),
            ("too_large", 1),
            ("unknown_path", 1),
            ("unauthorized", 6),
            ("accepted", 2),
        ):
            assert pager.value(f'tslcd_pager_posts_total{{result="{result}"}}') == count, result
        assert pager.value("tslcd_pager_unreadable_alerts_total") == 1
        assert pager.value('tslcd_pager_masked_total{kind="ipv4"}') >= 1
    text, many = services.texts("an")
    lines = text.splitlines()
    assert lines[0] == "[KHẨN CẤP] Kênh c9 mất kết nối [2JXác nhận: […]"
    assert lines[1] == "Lý do: cổng […] và […], kênh […] trên […]"
    assert [line for line in lines if line.startswith("Xác nhận: ")] == [lines[-1]]
    assert lines[-1].startswith("Xác nhận: https://pager.example/ack/")
    assert len(text) <= 2000
    assert "và 3988 kênh khác" in many.splitlines()
    for secret in (b"192.0.2.7", b"2001:db8::7", b"0012345", b"evil.example", POST_TOKEN.encode()):
        assert secret not in pager.everything()
    # a refusal is logged once a kind, not once a post
    assert pager.program.output().count("post refused") == 4


def bound(pager: PagerProgram, size: int) -> None:
    """Let no file of a pager that runs grow beyond a size: a write(2) there fails, or is cut short, as on a disk that is full."""
    resource.prlimit(pager.program.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_is_told_to_alertmanager_which_tries_again(tmp_path: Path, services: Services) -> None:
    """503 and not one message of it while nothing can be kept; 200 and one message when there is room; the damage is none."""
    pager = PagerProgram(tmp_path / "p", services, MORE)
    journal = pager.directory / "queue" / "pager.db-wal"
    with pager.running():
        assert pager.post(post(alert("c1"), group="1")) == 200
        wait_until(lambda: len(services.texts("an")) == 1, 10, "told")
        bound(pager, journal.stat().st_size)
        big = post(*(alert(f"c{number}") for number in range(2, 400)), group="2")
        assert pager.post(big) == 503
        assert pager.post(big) == 503
        assert pager.ask("GET", "/-/healthy")[0] == 200
        assert pager.value('tslcd_pager_posts_total{result="queue_failed"}') == 2
        bound(pager, resource.RLIM_INFINITY)
        assert pager.post(big) == 200
        wait_until(lambda: len(services.texts("an")) == 2, 10, "told of the second")
        assert pager.post(big) == 200
        assert pager.post(post(alert("c1"), group="1")) == 200
        assert pager.post(post(alert("z"), group="3")) == 200
        wait_until(lambda: len(services.texts("an")) == 3, 10, "told of the third, and of nothing twice")
    assert [text.splitlines()[0] for text in services.texts("an")] == [
        "[KHẨN CẤP] Kênh c1 mất kết nối",
        "[KHẨN CẤP] Kênh c2 mất kết nối và 397 kênh khác",
        "[KHẨN CẤP] Kênh z mất kết nối",
    ]
