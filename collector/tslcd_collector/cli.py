"""The command ``tslcd-collector``. Exit codes: 0 good, 1 found a fault, 2 usage or configuration."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tslcd_collector.commands.person import person
from tslcd_collector.commands.shifts import alertmanager, shifts
from tslcd_collector.pager.cli import pager
from tslcd_runtime.command import BAD_SETTINGS, FAULT, config_option, console, json_option, refuse_settings, write_json
from tslcd_runtime.language import Language
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from tslcd_collector.config import CollectorSettings

DEFAULT_CONFIG: Final = Path("/etc/tslcd/collector.yaml")

_config_option = config_option(DEFAULT_CONFIG)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tslcd-monitor", prog_name="tslcd-collector")
def main() -> None:
    """Run or examine the collector at the centre / Bộ thu đặt tại trung tâm."""


main.add_command(person)


@main.command()
@_config_option
def run(path: Path) -> None:
    """Collect, judge and expose until SIGTERM; SIGHUP reads settings and inventory again."""
    from tslcd_collector import app
    from tslcd_collector.errors import CollectorError, ListenError
    from tslcd_runtime import logs

    settings = _load(path)
    logs.configure(settings.log.format, settings.log.level)
    try:
        asyncio.run(app.run(path, settings))
    except SettingsError as error:
        refuse_settings(error)
    except CollectorError as error:
        click.echo(f"tslcd-collector: {error}", err=True)
        sys.exit(BAD_SETTINGS if isinstance(error, ListenError) else FAULT)


@main.command()
@_config_option
@json_option
def check(path: Path, *, as_json: bool) -> None:
    """Try everything the settings name: inventory, broker, store, bindings, the provider of login."""
    from tslcd_collector.commands import check as checks
    from tslcd_runtime import logs

    settings = _load(path)
    logs.configure(settings.log.format, "error")  # findings say it
    language = Language.choose(settings.language)
    findings = checks.check(settings, language)
    good = all(one.ok for one in findings)
    if as_json:
        lines = [{"what": one.what, "ok": one.ok, "message": one.text} for one in findings]
        write_json({"ok": good, "checks": lines})
    else:
        what = {
            "inventory": language.say(vi="danh mục", en="inventory"),
            "broker": language.say(vi="máy chủ MQTT", en="broker"),
            "store": language.say(vi="kho dữ liệu", en="store"),
            "bindings": language.say(vi="liên kết", en="bindings"),
            "login": language.say(vi="đăng nhập", en="login"),
        }
        for one in findings:
            mark = (
                click.style(language.say(vi="được", en="ok"), fg="green")
                if one.ok
                else click.style(language.say(vi="HỎNG", en="FAIL"), fg="red", bold=True)
            )
            click.echo(f"{mark}\t{what.get(one.what, one.what)}\t{one.text}")
    sys.exit(0 if good else FAULT)


@main.command("dump-config")
@_config_option
@click.option("--defaults", is_flag=True, help="Write the defaults, and read no file.")
def dump_config(path: Path, *, defaults: bool) -> None:
    """Write the settings in use, defaults included; secrets show only where they come from."""
    from tslcd_collector.config import CollectorSettings
    from tslcd_runtime.describe import dump

    click.echo(dump(CollectorSettings() if defaults else _load(path)), nl=False)


@main.command()
def schema() -> None:
    """Write the JSON Schema of the settings file, for editors."""
    from tslcd_collector.config import CollectorSettings
    from tslcd_runtime.describe import json_schema

    document = json_schema(CollectorSettings, "tslcd-collector settings")
    write_json(document)


@main.command()
@_config_option
@click.option("--agent", help="Only this agent.")
@click.option(
    "--lane",
    "lanes",
    multiple=True,
    type=click.Choice(["live", "history", "status", "ack"]),
    help="Only this lane; may be given several times.",
)
@click.option("--count", type=click.IntRange(1), help="End after so many messages.")
@json_option
def tap(path: Path, agent: str | None, lanes: tuple[str, ...], count: int | None, *, as_json: bool) -> None:
    """Show decoded messages live from the broker, beside a running collector, until Ctrl-C."""
    from tslcd_collector.commands import tap as tapping
    from tslcd_runtime.mqtt import BrokerError
    from tslcd_wire.topics import Lane, is_id

    if agent is not None and not is_id(agent):
        raise click.BadParameter("allowed are a-z, 0-9 and -, at most 48", param_hint="--agent")
    settings = _load(path)
    wanted = tuple(Lane(one) for one in lanes) or tuple(Lane)

    async def follow() -> None:
        left = count
        async for document in tapping.tap(settings, agent=agent, lanes=wanted):
            click.echo(json.dumps(document, ensure_ascii=False) if as_json else tapping.summary(document))
            if left is not None:
                left -= 1
                if not left:
                    return

    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(follow())
    except BrokerError as error:
        click.echo(f"tslcd-collector: {error}", err=True)
        sys.exit(FAULT)


@main.command()
@_config_option
@click.option("--url", help="Address of the collector, http://HOST:PORT; else that of the settings.")
@click.option("--watch", is_flag=True, help="Draw again every second until Ctrl-C.")
@click.option(
    "--history", "channel", metavar="ID", help="Show what one channel was, and what was learnt of it afterwards."
)
@click.option(
    "--days", type=click.FloatRange(0.01, 400), default=7.0, help="How far back --history goes.", show_default=True
)
@json_option
def channels(path: Path, url: str | None, *, watch: bool, channel: str | None, days: float, as_json: bool) -> None:
    """Show every channel of a running collector: state, reason, party. Ends with 1 when one of them is down."""
    from tslcd_collector.commands import channels as board
    from tslcd_collector.commands import history

    url, language = _asked(path, url)
    try:
        if watch and not as_json:
            with suppress(KeyboardInterrupt):
                _watch(url, language)
            return
        if channel is not None:
            past = history.fetch(url, channel, days, time.time())
            write_json(past) if as_json else console().print(history.table(past, language, time.time()))
            return
        found = board.fetch(url)
    except board.ApiError as error:
        click.echo(f"tslcd-collector: {error}", err=True)
        sys.exit(FAULT)
    if as_json:
        write_json({"channels": found})
    else:
        console().print(board.table(found, language))
    sys.exit(FAULT if any(one["state"] == "down" for one in found) else 0)


@main.command()
@_config_option
@click.argument("channel")
@click.option("--url", help="Address of the collector, http://HOST:PORT; else that of the settings.")
@json_option
def explain(path: Path, channel: str, url: str | None, *, as_json: bool) -> None:
    """Tell what the verdict of CHANNEL follows from: readings, thresholds, what was considered and dismissed."""
    from tslcd_collector.commands import channels as board
    from tslcd_collector.commands import explain as explaining

    url, language = _asked(path, url)
    try:
        told = explaining.fetch(url, channel)
    except board.ApiError as error:
        click.echo(f"tslcd-collector: {error}", err=True)
        sys.exit(FAULT)
    write_json(told) if as_json else console().print(explaining.shown(told, language))


def _watch(url: str, language: Language) -> None:
    """Draw the table again and again; where there is no terminal, write it when it changed.

    A collector that is away is told below the table, and waited for.
    """
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from tslcd_collector.commands import channels as board

    screen = console()
    found = board.fetch(url)
    with Live(console=screen, auto_refresh=False) if screen.is_terminal else nullcontext() as live:
        before: object = None
        while True:
            note = ""
            try:
                found = board.fetch(url)
            except board.ApiError as error:
                note = str(error)
            shown = Group(board.table(found, language), Text(note, style="red"))
            now = (note, [(one["id"], one["state"], one["reason"], one["state_since"]) for one in found])
            if live is not None:
                live.update(shown, refresh=True)
            elif now != before:
                screen.print(shown)
                sys.stdout.flush()
            before = now
            time.sleep(1.0)


def _asked(path: Path, url: str | None) -> tuple[str, Language]:
    """Return the address of the collector to ask, and in which language to answer; settings are read where any are needed."""
    from tslcd_collector.commands import channels as board

    if url is not None and path == DEFAULT_CONFIG:
        return url, Language.choose("auto")
    settings = _load(path)
    if url is None:
        url = settings.web.url
        board.show_token(settings.access.token)
    return url, Language.choose(settings.language)


def _load(path: Path) -> CollectorSettings:
    from tslcd_collector import config

    try:
        return config.load(path)
    except SettingsError as error:
        refuse_settings(error)


for _command in (pager, alertmanager, shifts):
    main.add_command(_command)

if __name__ == "__main__":
    main()
