"""``tslcd-agent check``."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from tslcd_agent import check as checks
from tslcd_agent.commands.settings import load, path_option
from tslcd_runtime.command import FAULT, json_option, plain, write_json, write_table
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tslcd_agent.check import Check


@click.command()
@path_option
@json_option
def check(path: Path, *, as_json: bool) -> None:
    """Try what the settings name; say what to do about what fails.

    Spool, brokers, devices and probes are each tried once. Of a device that does not answer, every SNMP version, protocol and key
    extension is tried with the user and passwords of the settings, and the lines to write into the settings are printed.
    """
    config = load(path)
    language = Language.choose(config.language)
    found = asyncio.run(checks.check(config, language))
    good = all(one.result.ok for one in found)
    if as_json:
        lines = [
            {
                "kind": one.kind,
                "name": one.result.name,
                "ok": one.result.ok,
                "message": one.result.message,
                "settings": one.result.settings,
            }
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
            plain(one.result.name),
            plain(one.result.message),
        )
        for one in found
    ]
    write_table(("", language.say(vi="loại", en="kind"), language.say(vi="tên", en="name"), ""), rows)
    for one in found:
        if one.result.settings:
            click.echo(
                language.say(
                    vi=f"Sửa các dòng này trong tệp cấu hình, giữ nguyên các dòng khác của {one.result.name}:",
                    en=f"Change these lines in the settings, and leave the others of {one.result.name} as they are:",
                )
            )
            click.echo(one.result.settings)
