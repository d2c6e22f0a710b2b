"""A real collector with people: added by commands while it runs, acknowledging and planning on its pages, over restarts."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from support.broker import Broker
from support.collector import CollectorProgram, ScriptedAgent, eventually
from support.login import PASSWORD, Browser, code
from support.processes import free_port, running
from tslcd_collector.cli import main
from tslcd_collector.commands import channels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

OWN = "mật khẩu của riêng Lan"


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProgram]:
    """Run a collector with local accounts, on a broker."""
    with Broker(tmp_path / "broker").running() as broker:
        yield CollectorProgram(tmp_path / "collector", broker.port, more="access: {mode: local}\n")


def _command(collector: CollectorProgram, *arguments: str, entered: str = "") -> Result:
    """Run ``tslcd-collector person`` with what a person types."""
    command, *rest = arguments
    return CliRunner().invoke(main, ["person", command, "--config", str(collector.settings), *rest], input=entered)


async def _set_up(collector: CollectorProgram, browser: Browser) -> str:
    """Go through the first login; return the authenticator's secret."""
    assert (await browser.log_in("lan")).headers["location"] == "/account/setup"
    token = await browser.csrf("/account/setup")
    sent = {"csrf": token, "password": PASSWORD, "new": OWN, "again": OWN}
    assert (await browser.post("/account/setup/password", data=sent)).status_code == 303
    page = (await browser.get("/account/setup")).text
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found is not None, page
    secret = found[1].replace(" ", "")
    done = await browser.post("/account/setup/code", data={"csrf": token, "code": code(secret)})
    assert done.status_code == 200, done.text
    assert collector.program.running()
    return secret


async def test_from_a_command_to_an_acknowledged_channel_and_planned_work(collector: CollectorProgram) -> None:
    """What is entered is shown and judged at once, survives a kill, ends by itself; what a command takes away is gone at once."""
    with collector.running():
        added = await asyncio.to_thread(
            _command, collector, "add", "lan", "--role", "operator", entered=f"{PASSWORD}\n{PASSWORD}\n"
        )
        assert added.exit_code == 0, added.output
        assert PASSWORD not in added.output
        async with (
            Browser(f"http://127.0.0.1:{collector.port}") as browser,
            ScriptedAgent(await _broker(collector)) as agent,
        ):
            secret = await _set_up(collector, browser)
            token = await browser.csrf()
            assert "lan" in (await browser.get("/")).text
            answer = await browser.post("/api/v1/channels/c1/acknowledge", data={"csrf": token, "comment": "đã gọi"})
            assert answer.headers["location"] == "/channels/c1"
            assert (await asyncio.to_thread(collector.channel))["acknowledged_by"] == "lan"
            now = time.time()
            planned = {"csrf": token, "title": "Thay cáp", "from": str(now), "until": str(now + 600), "channels": "c2"}
            assert (await browser.post("/api/v1/maintenance", data=planned)).headers["location"] == "/maintenance"
            await eventually(lambda: collector.verdict("c2") == ("maintenance", "maintenance", "none"))
            await asyncio.to_thread(collector.program.kill)
            await asyncio.to_thread(collector.program.start)
            await eventually(collector.reads, 20)
            assert await asyncio.to_thread(collector.verdict, "c2") == ("maintenance", "maintenance", "none")
            assert (await asyncio.to_thread(collector.channel))["acknowledged_by"] == "lan"
            # the session is still there, too
            assert (await browser.get("/account")).status_code == 200
            await agent.status()
            await agent.report()
            for _ in range(3):
                await agent.probes()
            await eventually(lambda: collector.verdict()[0] == "up")
            assert (await asyncio.to_thread(collector.channel))["acknowledged_by"] is None
            await browser.post("/api/v1/maintenance/1/withdraw", data={"csrf": token})
            await eventually(lambda: collector.verdict("c2")[0] != "maintenance")
            assert (await asyncio.to_thread(_command, collector, "role", "lan", "viewer")).exit_code == 0
            assert (
                await browser.post("/api/v1/channels/c1/comments", data={"csrf": token, "text": "x"})
            ).status_code == 403
            assert (await asyncio.to_thread(_command, collector, "disable", "lan")).exit_code == 0
            assert (await browser.get("/account")).status_code == 303
            assert (await browser.log_in("lan", code(secret, time.time() + 30), OWN)).status_code == 401
        log = collector.program.output()
        for words in (PASSWORD, OWN, secret, token):
            assert words not in log
        assert "login failed" in log


async def _broker(collector: CollectorProgram) -> int:
    found = re.search(r"port: (\d+)", await asyncio.to_thread(collector.settings.read_text))
    assert found is not None
    return int(found[1])


def test_commands_tell_what_is_wrong(tmp_path: Path) -> None:
    """No folder, a taken name, bad names, passwords that differ or are weak, nobody of that name; JSON and a table; no password argument."""
    collector = CollectorProgram(tmp_path, free_port(), more="language: vi\n")
    refused = _command(collector, "add", "lan", entered="x\nx\n")
    assert (refused.exit_code, "no such folder" in refused.output) == (1, True)
    (tmp_path / "store").mkdir()
    good = f"{PASSWORD}\n{PASSWORD}\n"
    for arguments, entered, status, words in (
        (("add", "lan", "--role", "operator"), good, 0, "đã thêm lan (operator)"),
        (("add", "lan"), good, 1, "đã có người này"),
        (("add", "Lan Anh"), good, 2, "allowed are a-z, 0-9"),
        (("add", "minh"), "ngắn\nngắn\n", 1, "Mật khẩu cần ít nhất 12 ký tự"),
        (("add", "minh"), f"{PASSWORD}\n{PASSWORD}!\n", 1, "hai lần nhập không giống nhau"),
        (("add", "minh", "--password", "x"), "", 2, "No such option"),
        (("add", "minh", "--role", "admin"), "", 2, "'admin' is not one of"),
        (("reset", "minh"), good, 1, "không có tài khoản này"),
        (("reset", "lan"), good, 0, "đã đặt lại lan"),
        (("role", "minh", "viewer"), "", 1, "minh: no such person"),
        (("disable", "minh"), "", 1, "minh: no such person"),
        (("disable", "lan"), "", 0, "đã khóa lan"),
        (("list",), "", 0, "đã khóa"),
        (("disable", "lan", "--enable"), "", 0, "đã mở lại lan"),
        (("list",), "", 0, "chờ đăng nhập lần đầu"),
        (("remove", "minh"), "", 1, "minh: no such person"),
        (("remove", "lan"), "", 0, "đã xóa lan"),
        (("add", "lan", "--role", "operator"), good, 0, "đã thêm lan (operator)"),
    ):
        done = _command(collector, *arguments, entered=entered)
        assert (done.exit_code, words in done.output) == (status, True), (arguments, done.output)
        assert PASSWORD not in done.output
    (person,) = json.loads(_command(collector, "list", "--json").output)["people"]
    assert (person["name"], person["role"], person["set_up"], person["disabled"]) == ("lan", "operator", False, False)
    (tmp_path / "store" / "operations.db").write_bytes(b"\0" * 100)
    collector.settings.write_text("access: {mode: ldap}\n")
    assert _command(collector, "list").exit_code == 2


def test_a_token_reads_where_login_is_for_all(tmp_path: Path) -> None:
    """The commands of the same machine show it; without it they tell what is missing; health stays free."""
    (tmp_path / "read.token").write_text("a token of programs\n")
    lines = "access: {mode: local, public_read: false, token: {file: read.token}, protect_metrics: true}\n"
    with Broker(tmp_path / "broker").running() as broker:
        collector = CollectorProgram(tmp_path, broker.port, more=lines)
        with running(collector.program, lambda: collector.get("/-/ready")[0] == 200, 20):
            assert collector.get("/metrics")[0] == 401
            url = f"http://127.0.0.1:{collector.port}"
            refused = CliRunner().invoke(main, ["channels", "--url", url])
            assert (refused.exit_code, "answered 401: Log in first." in refused.output) == (1, True)
            shown = CliRunner().invoke(main, ["channels", "--config", str(collector.settings), "--json"])
            assert [one["id"] for one in json.loads(shown.output)["channels"]] == ["c1", "c2"]
    channels._shown.clear()
