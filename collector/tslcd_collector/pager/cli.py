"""``tslcd-collector pager``: run it, or look at it and speak for somebody from the command line."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tslcd_runtime.command import (
    BAD_SETTINGS,
    FAULT,
    config_option,
    json_option,
    refuse_settings,
    write_json,
    write_table,
)
from tslcd_runtime.language import Language
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from tslcd_collector.pager.settings import PagerSettings

DEFAULT_CONFIG: Final = Path("/etc/tslcd/pager.yaml")


@click.group(invoke_without_command=True)
@config_option(DEFAULT_CONFIG)
@click.pass_context
def pager(ctx: click.Context, path: Path) -> None:
    """Tell people of alerts until SIGTERM; SIGHUP reads the settings again."""
    ctx.obj = path
    if ctx.invoked_subcommand is not None:
        return
    from tslcd_collector.errors import CollectorError, ListenError
    from tslcd_collector.pager import app
    from tslcd_collector.pager.settings import nobody
    from tslcd_runtime import logs

    settings = _load(path)
    problems = nobody(settings, str(path))
    if problems:
        refuse_settings(SettingsError(problems))
    logs.configure(settings.log.format, settings.log.level)
    try:
        app.run(path, settings)
    except CollectorError as error:
        click.echo(f"tslcd-collector: {error}", err=True)
        sys.exit(BAD_SETTINGS if isinstance(error, ListenError) else FAULT)


@pager.command()
@click.pass_obj
@json_option
def check(path: Path, *, as_json: bool) -> None:
    """Try everything the settings name, but send no message: queue, accounts, who would be told now."""
    from tslcd_collector.pager import commands

    settings = _load(path)
    language = Language.choose(settings.language)
    findings = commands.check(settings, str(path), language)
    good = all(one.ok for one in findings)
    if as_json:
        lines = [{"what": one.what, "ok": one.ok, "message": one.text} for one in findings]
        write_json({"ok": good, "checks": lines})
    else:
        for one in findings:
            mark = language.say(vi="được", en="ok") if one.ok else language.say(vi="HỎNG", en="FAIL")
            click.echo(f"{click.style(mark, fg='green' if one.ok else 'red')}\t{one.what}\t{one.text}")
    sys.exit(0 if good else FAULT)


@pager.command("dump-config")
@click.pass_obj
@click.option("--defaults", is_flag=True, help="Write the defaults, and read no file.")
def dump_config(path: Path, *, defaults: bool) -> None:
    """Write the settings in use, defaults included; secrets show only where they come from."""
    from tslcd_collector.pager.settings import PagerSettings
    from tslcd_runtime.describe import dump

    click.echo(dump(PagerSettings() if defaults else _load(path)), nl=False)


@pager.command()
def schema() -> None:
    """Write the JSON Schema of the settings file, for editors."""
    from tslcd_collector.pager.settings import PagerSettings
    from tslcd_runtime.describe import json_schema

    write_json(json_schema(PagerSettings, "tslcd-collector pager settings"))


@pager.command()
@click.pass_obj
@json_option
def status(path: Path, *, as_json: bool) -> None:
    """Show open incidents, who has them, and what waits. Ends with 1 when one is not acknowledged."""
    from tslcd_collector.pager import commands

    settings = _load(path)
    language = Language.choose(settings.language)
    found = commands.status(settings, language)
    if as_json:
        write_json(found)
    else:
        click.echo(commands.summary(found, language))
        if found["incidents"]:
            write_table(*commands.table(found, language))
    sys.exit(FAULT if any(one["acknowledged_by"] is None for one in found["incidents"]) else 0)


@pager.command()
@click.argument("incidents", metavar="ID...", nargs=-1, required=True, type=click.IntRange(1))
@click.option("--by", "who", default="", help="In whose name; else the user who is logged in.")
@click.pass_obj
def ack(path: Path, incidents: tuple[int, ...], who: str) -> None:
    """Acknowledge incidents: nobody else is called. Works beside a running pager."""
    from tslcd_collector.errors import CollectorError
    from tslcd_collector.pager import commands

    settings = _load(path)
    language = Language.choose(settings.language)
    try:
        results = commands.acknowledge(settings, incidents, who, language)
    except CollectorError as error:
        click.echo(f"tslcd-collector: {error}", err=True)
        sys.exit(FAULT)
    for line, _ in results:
        click.echo(line)
    sys.exit(0 if all(good for _, good in results) else FAULT)


@pager.command()
@click.argument("recipient", metavar="PERSON")
@click.pass_obj
def test(path: Path, recipient: str) -> None:
    """Send a test message to a person or group by every channel, and show what each answered."""
    from tslcd_collector.pager import commands

    settings = _load(path)
    known = {one.id for one in (*settings.people, *settings.groups)}
    if recipient not in known:
        raise click.BadParameter(f"no person or group {recipient!r}: known are {', '.join(sorted(known))}")
    results = asyncio.run(commands.test(settings, recipient))
    for channel, answer in results:
        click.echo(f"{channel}\t{answer.outcome.value}\t{answer.text}")
    sys.exit(0 if all(answer.outcome.value == "accepted" for _, answer in results) else FAULT)


@pager.command()
@click.option("--days", type=click.FloatRange(0.001, 4000), default=7.0, show_default=True, help="How far back.")
@click.pass_obj
def audit(path: Path, days: float) -> None:
    """Write the audit log as JSON lines: who was told what, when, by what, with which outcome."""
    from tslcd_collector.errors import CollectorError
    from tslcd_collector.pager import commands

    try:
        for line in commands.audit(_load(path), days):
            click.echo(line)
    except CollectorError as error:
        click.echo(f"tslcd-collector: {error}", err=True)
        sys.exit(FAULT)


def _load(path: Path) -> PagerSettings:
    from tslcd_collector.pager import settings

    try:
        return settings.load(path)
    except SettingsError as error:
        refuse_settings(error)
