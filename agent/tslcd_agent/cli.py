"""The command ``tslcd-agent``. Exit codes: 0 good, 1 found a fault, 2 usage or configuration.

Nothing is imported here that the running agent does not need: ``run`` lives in 42 MB.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tslcd_agent.config import load_config
from tslcd_agent.telemetry import VERSION
from tslcd_runtime.command import FAULT, config_option, console, json_option, refuse_settings, write_json
from tslcd_runtime.language import Language
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from tslcd_agent.check import Check
    from tslcd_agent.config import AgentConfig

_THREAD_END: Final = 0.2

DEFAULT_CONFIG: Final = Path("/etc/tslcd/agent.yaml")

_config_option = config_option(DEFAULT_CONFIG)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="tslcd-agent")
def main() -> None:
    """Run or examine the monitoring agent at a connection point / Tác tử giám sát đặt tại điểm kết nối."""


@main.command()
@_config_option
def run(path: Path) -> None:
    """Measure and report until SIGTERM; SIGHUP reads the settings again."""
    from tslcd_agent import app
    from tslcd_agent.spool import SpoolError
    from tslcd_runtime import logs

    config = _load(path)
    logs.configure(config.log.format, config.log.level)
    try:
        _work(app.run(path, config))
    except SpoolError as error:
        click.echo(f"tslcd-agent: {error}", err=True)
        sys.exit(FAULT)


def _work(program: Coroutine[Any, Any, None]) -> None:
    """Run the agent to its end.

    Unlike asyncio.run this does not wait for threads of the default executor: one may hang in a TCP connect for as long as
    a broker's timeout, and everything is on disk by now.
    """
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(program)
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    others = [one for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    for one in others:
        one.join(_THREAD_END)
    if any(one.is_alive() for one in others):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


@main.command()
@_config_option
@json_option
def check(path: Path, *, as_json: bool) -> None:
    """Try everything the settings name: spool, brokers, devices, probes."""
    from tslcd_agent import check as checks

    config = _load(path)
    language = Language.choose(config.language)
    found = asyncio.run(checks.check(config, language))
    good = all(one.result.ok for one in found)
    if as_json:
        lines = [
            {"kind": one.kind, "name": one.result.name, "ok": one.result.ok, "message": one.result.message}
            for one in found
        ]
        write_json({"ok": good, "checks": lines})
    else:
        _show_checks(found, language)
    sys.exit(0 if good else FAULT)


def _show_checks(found: Sequence[Check], language: Language) -> None:
    kinds = {
        "spool": language.say(vi="hàng đợi", en="spool"),
        "broker": language.say(vi="máy chủ MQTT", en="broker"),
        "device": language.say(vi="thiết bị", en="device"),
        "probe": language.say(vi="phép đo", en="probe"),
    }
    good, bad = language.say(vi="được", en="ok"), language.say(vi="HỎNG", en="FAIL")
    rows = [
        (
            f"[green]{good}[/]" if one.result.ok else f"[bold red]{bad}[/]",
            kinds[one.kind],
            _plain(one.result.name),
            _plain(one.result.message),
        )
        for one in found
    ]
    _write_table(("", language.say(vi="loại", en="kind"), language.say(vi="tên", en="name"), ""), rows)


@main.command()
@click.argument("target")
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True, help="Echoes.")
@click.option(
    "--size", type=click.IntRange(64, 9000), default=64, show_default=True, help="Bytes of each, with headers."
)
@_config_option
@json_option
def probe(target: str, count: int, size: int, path: Path, *, as_json: bool) -> None:
    """Send one round of ICMP echoes to TARGET."""
    from tslcd_agent.probes.check import describe
    from tslcd_agent.probes.contract import Echoes, ProbeResult
    from tslcd_agent.probes.icmp import Pinger

    config = _load(path) if path != DEFAULT_CONFIG or path.exists() else None
    language = Language.choose(config.language if config else "auto")

    async def measure() -> ProbeResult:
        pinger = Pinger(config.untouchable() if config else ())
        try:
            return await pinger.probe(Echoes(target, count=count, size=size))
        finally:
            pinger.close()

    result = asyncio.run(measure())
    if as_json:
        write_json(
            {
                "target": target,
                "address": result.address,
                "outcome": result.outcome,
                "sent": result.sent,
                "received": len(result.answered),
                "loss_ratio": result.loss,
                "rtt_seconds": list(result.rtts),
                "jitter_seconds": result.jitter,
            }
        )
    else:
        lost = language.say(vi="mất", en="lost")
        rows = [
            (str(number), f"{rtt * 1000:.3f} ms" if rtt is not None else lost)
            for number, rtt in enumerate(result.rtts, 1)
        ]
        if rows:
            _write_table((language.say(vi="gói", en="echo"), language.say(vi="độ trễ", en="round-trip time")), rows)
        click.echo(describe(target, result, language))
    sys.exit(0 if result.outcome == "ok" else FAULT)


@main.command("dump-config")
@_config_option
def dump_config(path: Path) -> None:
    """Write the settings in use, defaults included, secrets hidden."""
    from tslcd_runtime.describe import dump

    click.echo(dump(_load(path)), nl=False)


@main.command()
@_config_option
@json_option
def spool(path: Path, *, as_json: bool) -> None:
    """Show what waits in the spool; works while the agent runs."""
    import datetime as dt

    import msgspec

    from tslcd_agent.spool import SpoolError
    from tslcd_agent.spool.inspection import inspect

    config = _load(path)
    language = Language.choose(config.language)
    try:
        found = inspect(Path(config.spool.directory))
    except SpoolError as error:
        click.echo(f"tslcd-agent: {error}", err=True)
        sys.exit(FAULT)
    if as_json:
        write_json({**msgspec.to_builtins(found), "limit": int(config.spool.max_size)})
        return
    oldest = dt.datetime.fromtimestamp(found.oldest_at, dt.UTC) if found.oldest_at is not None else None
    rows = [
        (language.say(vi="thư mục", en="directory"), _plain(found.directory)),
        (language.say(vi="luồng, số mới nhất", en="stream, newest number"), f"{found.stream} {found.newest}"),
        (language.say(vi="báo cáo đang chờ", en="reports waiting"), str(found.waiting)),
        (
            language.say(vi="dung lượng / giới hạn", en="size / bound"),
            f"{found.bytes / 2**20:.1f} / {config.spool.max_size / 2**20:.1f} MiB",
        ),
        (language.say(vi="cũ nhất", en="oldest"), oldest.isoformat(timespec="seconds") if oldest else "-"),
        (language.say(vi="đã tạo / đã xác nhận", en="made / confirmed"), f"{found.made} / {found.confirmed}"),
        (
            language.say(vi="đã bỏ", en="dropped"),
            ", ".join(f"{cause} {count}" for cause, count in found.dropped.items()),
        ),
        (language.say(vi="tệp hỏng để riêng", en="damaged files set aside"), ", ".join(found.set_aside) or "-"),
    ]
    _write_table(("", ""), rows)


def _load(path: Path) -> AgentConfig:
    """Read the settings, or say every problem of them and leave."""
    try:
        return load_config(path).value
    except SettingsError as error:
        refuse_settings(error)


def _plain(text: str) -> str:
    """Keep rich from reading markup in what came from outside."""
    from rich.markup import escape

    return escape(text)


def _write_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE, show_header=any(columns))
    for row in rows:
        table.add_row(*row)
    console().print(table)
