"""``tslcd-agent profile``: which profiles there are, what is wrong with one, what a box gives under it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tslcd_agent.commands.explain import library_of
from tslcd_agent.commands.settings import path_option
from tslcd_agent.commands.target import asking_options, choose, refuse, settings_if_any, told
from tslcd_agent.errors import SnmpError
from tslcd_agent.snmp.profile.findings import Findings, columns_of, find
from tslcd_agent.snmp.profile.library import Library
from tslcd_agent.snmp.questions import Questions
from tslcd_agent.snmp.recording import open_recording
from tslcd_agent.snmp.session import open_session
from tslcd_runtime.command import FAULT, json_option, plain, refuse_settings, write_json, write_table
from tslcd_runtime.language import Language
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from tslcd_agent.config import PolledDevice


@click.group()
def profile() -> None:
    """Look at device profiles, and try them on a device or a recording."""


@profile.command("list")
@path_option
@json_option
def list_(path: Path, *, as_json: bool) -> None:
    """List all profiles: what each is for, and which kinds of things it tells about."""
    config = settings_if_any(path)
    language = Language.choose(config.language if config else "auto")
    library = library_of(config)
    found = [(name, library.profile(name)) for name in library.names]
    if as_json:
        write_json({name: {"title": one.title, "kinds": list(columns_of(one))} for name, one in found})
        return
    heads = (
        language.say(vi="hồ sơ", en="profile"),
        language.say(vi="thiết bị", en="devices"),
        language.say(vi="đọc được", en="tells about"),
    )
    write_table(heads, [(name, plain(one.title), ", ".join(columns_of(one))) for name, one in found])


@profile.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def check(directory: Path) -> None:
    """Check the profiles in DIRECTORY, as the agent will when the settings name it."""
    try:
        library = Library([directory])
    except SettingsError as error:
        refuse_settings(error)
    mine = sorted(one.stem for one in directory.glob("*.yaml"))
    click.echo(f"{directory}: {len(mine)} of {len(library.names)} profiles: {', '.join(mine) or '-'}")


@profile.command("test")
@click.argument("target")
@click.option("--profile", "wanted", default="auto", help="Use this profile whatever the device says that it is.")
@path_option
@asking_options
@json_option
def test_(
    target: str,
    wanted: str,
    path: Path,
    *,
    like: str | None,
    community: str | None,
    version: str,
    port: int,
    as_json: bool,
) -> None:
    """Print what TARGET gives under its profile and what is missing: a recording (.snmprec, .snmprec.bz2, snmpwalk -On), or a device."""
    config = settings_if_any(path)
    language = Language.choose(config.language if config else "auto")
    library = library_of(config)
    if wanted != "auto" and wanted not in library.names:
        refuse(f"--profile {wanted}: there is no such profile: see tslcd-agent profile list")
    if "/" in target and not Path(target).exists():
        refuse(f"{target}: no such file")
    try:
        if Path(target).is_file():
            with open_recording(Path(target)) as session:
                found = asyncio.run(find(Questions(session), library, wanted))
        else:
            device = choose(target, config, like=like, community=community, version=version, port=port)
            found = asyncio.run(_on_device(device, library, wanted))
    except SnmpError as error:
        click.echo(f"tslcd-agent: {target}: {told(error, language)}", err=True)
        sys.exit(FAULT)
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        click.echo(f"tslcd-agent: {target}: {reason.removeprefix(f'{target}: ')}", err=True)
        sys.exit(FAULT)
    if as_json:
        write_json(msgspec.to_builtins(found))
    else:
        click.echo(found.text(language))
    sys.exit(FAULT if found.error or not found.came else 0)


async def _on_device(device: PolledDevice, library: Library, wanted: str) -> Findings:
    session = open_session(device)
    try:
        async with asyncio.timeout(device.budget):
            return await find(Questions(session), library, wanted if wanted != "auto" else device.profile)
    except TimeoutError:
        raise OSError(f"not read within {device.budget:g} s") from None
    finally:
        await session.close()
