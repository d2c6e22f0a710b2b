"""``tslcd-agent spool``."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import click
import msgspec

from tslcd_agent.commands.settings import load, path_option
from tslcd_agent.spool import SpoolError
from tslcd_agent.spool.inspection import inspect
from tslcd_runtime.command import FAULT, json_option, plain, write_json, write_table
from tslcd_runtime.language import Language


@click.command()
@path_option
@json_option
def spool(path: Path, *, as_json: bool) -> None:
    """Show what waits in the spool; works while the agent runs."""
    config = load(path)
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
        (language.say(vi="thư mục", en="directory"), plain(found.directory)),
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
    write_table(("", ""), rows)
