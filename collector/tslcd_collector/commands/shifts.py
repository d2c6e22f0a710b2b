"""The commands about the calendar: who is on duty, and the Alertmanager configuration that follows from it."""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tslcd_runtime.command import FAULT, console, json_option, plain, refuse_settings, write_json
from tslcd_runtime.language import Language
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from rich.table import Table

    from tslcd_collector.shifts.files import ShiftCalendar
    from tslcd_collector.shifts.roster import Roster

CALENDAR: Final = Path("/etc/tslcd/calendar.yaml")
INVENTORY: Final = Path("/etc/tslcd/inventory")
_file = click.Path(path_type=Path, dir_okay=False)
_folder = click.Path(path_type=Path, file_okay=False)
_calendar_option = click.option("--calendar", type=_file, default=CALENDAR, show_default=True, help="Calendar file.")
_inventory_option = click.option(
    "--inventory", type=_folder, default=INVENTORY, show_default=True, help="Inventory folder."
)


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Take an address of a webhook, or nothing. Raises BadParameter."""
    if value and not re.fullmatch(r"https?://[A-Za-z0-9._~:/?=&%@\[\]-]+", value):
        raise click.BadParameter("http://HOST:PORT or https://HOST/PATH is wanted")
    return value


def _load(calendar: Path, inventory: Path) -> ShiftCalendar:
    from tslcd_collector.inventory import load as load_inventory  # noqa: PLC0415 - commands alone need it
    from tslcd_collector.shifts.files import load  # noqa: PLC0415 - the same

    try:
        return load(calendar, load_inventory(inventory))
    except SettingsError as error:
        refuse_settings(error)


@click.command()
@_calendar_option
@_inventory_option
@click.option("--from", "first", type=click.IntRange(1970, 2190), help="First year written out; this one unless said.")
@click.option("--years", type=click.IntRange(1, 9), default=2, show_default=True, help="Years written out day by day.")
@click.option(
    "--pager", callback=_address, default="http://127.0.0.1:9480", show_default=True, help="Where the pager listens."
)
@click.option(
    "--dead-man", "outside", callback=_address, default="", help="Address of a second dead man's receiver, outside."
)
@click.option(
    "--check", "old", type=_file, help="Write nothing; end with 1 when this file is not what would be written."
)
def alertmanager(
    *, calendar: Path, inventory: Path, first: int | None, years: int, pager: str, outside: str, old: Path | None
) -> None:
    """Write the configuration of Alertmanager that follows from inventory and calendar."""
    from tslcd_collector.shifts.alertmanager import render  # noqa: PLC0415 - the other commands need no templates

    found = _load(calendar, inventory)
    year = first if first is not None else dt.datetime.now(dt.UTC).year
    text = render(found, first=year, years=years, pager=pager.rstrip("/"), outside=outside)
    if old is None:
        click.echo(text, nl=False)
    elif not old.is_file() or old.read_text(encoding="utf-8") != text:
        click.echo(f"{old} is not current: write it anew with tslcd-collector alertmanager", err=True)
        sys.exit(FAULT)


@click.command()
@_calendar_option
@_inventory_option
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day; today unless said.")
@click.option("--days", type=click.IntRange(1, 400), default=14, show_default=True, help="How many days.")
@json_option
def shifts(*, calendar: Path, inventory: Path, first: dt.datetime | None, days: int, as_json: bool) -> None:
    """Show days off and who is on duty. Ends with 1 when nobody is at some time."""
    from tslcd_collector.shifts.days import VIET_NAM  # noqa: PLC0415 - holidays are slow to import
    from tslcd_collector.shifts.roster import Roster  # noqa: PLC0415 - the same

    found = _load(calendar, inventory)
    roster = Roster(found)
    begin = first.date() if first is not None else dt.datetime.now(VIET_NAM).date()
    rows = [_row(roster, begin + dt.timedelta(days=ahead)) for ahead in range(days)]
    gaps = list(roster.gaps(begin, days)) if found.shifts else []
    language = Language.choose()
    if as_json:
        write_json({"days": rows, "gaps": [{"from": start, "until": end} for start, end in gaps]})
    else:
        console().print(_table(rows, language))
        for start, end in gaps:
            span = " – ".join(f"{dt.datetime.fromtimestamp(at, VIET_NAM):%d/%m/%Y %H:%M}" for at in (start, end))
            click.echo(language.say(vi=f"Không có ai trực: {span}", en=f"Nobody is on duty: {span}"), err=True)
    sys.exit(FAULT if gaps else 0)


def _row(roster: Roster, day: dt.date) -> dict[str, Any]:
    return {
        "day": day.isoformat(),
        "kind": roster.days.kind(day).value,
        "name": roster.days.name(day),
        "shifts": [
            {
                "id": duty.shift.id,
                "name": duty.shift.name,
                "team": list(duty.team),
                "from": duty.begins,
                "until": duty.ends,
            }
            for duty in roster.duties(day)
        ],
    }


def _table(rows: list[dict[str, Any]], language: Language) -> Table:
    from rich.table import Table  # noqa: PLC0415 - only tables need it

    kinds = {
        "working": language.say(vi="làm việc", en="working"),
        "weekend": language.say(vi="cuối tuần", en="weekend"),
        "holiday": language.say(vi="nghỉ lễ", en="holiday"),
    }
    table = Table()
    for heading in (
        language.say(vi="ngày", en="day"),
        language.say(vi="là", en="kind"),
        language.say(vi="lý do", en="why"),
        language.say(vi="ca trực", en="shifts"),
    ):
        table.add_column(heading)
    for row in rows:
        duties = "; ".join(f"{one['name']}: {', '.join(one['team']) or '–'}" for one in row["shifts"])
        table.add_row(row["day"], kinds[row["kind"]], plain(row["name"]), plain(duties))
    return table
