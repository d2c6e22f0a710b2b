"""``tslcd-collector person``: local accounts. Passwords are asked for, never arguments, which everybody on the machine can read.

They write into operations.db beside the store, whether the collector runs or not, and what they do holds from the next request on.
"""

from __future__ import annotations

import getpass
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from tslcd_runtime.command import FAULT, config_option, json_option, refuse_settings, write_json, write_table
from tslcd_runtime.language import Language
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tslcd_collector.operations import Actor, OperationsFile

_config = config_option(Path("/etc/tslcd/collector.yaml"))
_name = click.argument("name")
_role = click.Choice(["viewer", "operator"])


@click.group()
def person() -> None:
    """Add and change people who log in with an account of this collector (access.mode: local)."""


@person.command()
@_config
@_name
@click.option("--role", type=_role, default="viewer", show_default=True)
def add(path: Path, name: str, role: str) -> None:
    """Add a person. The password is asked for; the person sets another one, and an authenticator, at the first login."""
    from tslcd_collector.access import people  # noqa: PLC0415 - commands import what only they need
    from tslcd_collector.access.person import NAME, Role  # noqa: PLC0415

    if not NAME.match(name):
        raise click.BadParameter("allowed are a-z, 0-9 and . _ @ -, at most 48", param_hint="NAME")
    with _opened(path) as (file, language):
        if people.find(file, name) is not None:
            _fail(language.say(vi=f"{name}: đã có người này", en=f"{name}: there is such a person already"))
        kept = _new_password(name, language)
        people.add(file, name, Role(role), kept, _actor(), time.time())
        click.echo(language.say(vi=f"đã thêm {name} ({role})", en=f"added {name} ({role})"))


@person.command("list")
@_config
@json_option
def show(path: Path, *, as_json: bool) -> None:
    """List everybody, with people of a provider who logged in here."""
    from tslcd_collector.access import people  # noqa: PLC0415 - commands import what only they need

    with _opened(path) as (file, language):
        found = [
            {
                "name": one.name,
                "role": one.role.value,
                "provider": one.issuer,
                "set_up": one.complete,
                "disabled": one.disabled,
                "last_login": one.last_login,
            }
            for one in people.everybody(file)
        ]
    if as_json:
        write_json({"people": found})
        return
    columns = language.say(vi="tên,vai trò,nguồn,tình trạng,lần đăng nhập cuối", en="name,role,from,state,last login")
    write_table(columns.split(","), [_row(one, language) for one in found])


@person.command()
@_config
@_name
@click.option("--enable", is_flag=True, help="Let the person in again.")
def disable(path: Path, name: str, *, enable: bool) -> None:
    """Keep a person out from now on, sessions included."""
    from tslcd_collector.access import people  # noqa: PLC0415 - commands import what only they need

    with _opened(path) as (file, language):
        people.set_disabled(file, name, _actor(), time.time(), disabled=not enable)
        done = language.say(vi="đã mở lại", en="enabled") if enable else language.say(vi="đã khóa", en="disabled")
        click.echo(f"{done} {name}")


@person.command()
@_config
@_name
def remove(path: Path, name: str) -> None:
    """Remove a person, so that the name is free; what was done under it stays in the audit log."""
    from tslcd_collector.access import people  # noqa: PLC0415 - commands import what only they need

    with _opened(path) as (file, language):
        people.remove(file, name, _actor(), time.time())
        click.echo(language.say(vi=f"đã xóa {name}", en=f"removed {name}"))


@person.command()
@_config
@_name
def reset(path: Path, name: str) -> None:
    """Give a first password again, for who lost the old one or the telephone; sessions and codes end."""
    from tslcd_collector.access import people  # noqa: PLC0415 - commands import what only they need

    with _opened(path) as (file, language):
        known = people.find(file, name)
        if known is None or known.issuer:
            _fail(language.say(vi=f"{name}: không có tài khoản này", en=f"{name}: no such account"))
        people.reset(file, name, _new_password(name, language), _actor(), time.time())
        click.echo(language.say(vi=f"đã đặt lại {name}", en=f"reset {name}"))


@person.command("role")
@_config
@_name
@click.argument("role", type=_role)
def set_role(path: Path, name: str, role: str) -> None:
    """Give a person another role. A provider's people get theirs anew at each login."""
    from tslcd_collector.access import people  # noqa: PLC0415 - commands import what only they need
    from tslcd_collector.access.person import Role  # noqa: PLC0415

    with _opened(path) as (file, language):
        people.set_role(file, name, Role(role), _actor(), time.time())
        click.echo(language.say(vi=f"{name}: vai trò {role}", en=f"{name}: role {role}"))


def _row(one: Mapping[str, object], language: Language) -> list[str]:
    last = one["last_login"]
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(last)) if isinstance(last, float) else ""
    if one["disabled"]:
        state = language.say(vi="đã khóa", en="disabled")
    elif one["set_up"]:
        state = language.say(vi="hoạt động", en="active")
    else:
        state = language.say(vi="chờ đăng nhập lần đầu", en="waits for the first login")
    return [str(one["name"]), str(one["role"]), str(one["provider"]) or "local", state, at]


def _new_password(name: str, language: Language) -> str:
    """Ask for a password twice and return its hash."""
    from tslcd_collector.access import passwords  # noqa: PLC0415 - argon2 is wanted here only

    given = click.prompt(language.say(vi="Mật khẩu ban đầu", en="First password"), hide_input=True, err=True)
    again = click.prompt(language.say(vi="Nhập lại", en="Again"), hide_input=True, err=True)
    problem = passwords.problem(given, name)
    if problem is not None:
        _fail(language.say(vi=problem[0], en=problem[1]))
    if passwords.normalised(given) != passwords.normalised(again):
        _fail(language.say(vi="hai lần nhập không giống nhau", en="the two passwords differ"))
    return passwords.hashed(given)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[OperationsFile, Language]]:
    """Open the file that the settings lead to; what is wrong with it ends the program."""
    from tslcd_collector import config  # noqa: PLC0415 - commands import what only they need
    from tslcd_collector.errors import OperationsError  # noqa: PLC0415
    from tslcd_collector.operations import OperationsFile  # noqa: PLC0415

    try:
        settings = config.load(path)
    except SettingsError as error:
        refuse_settings(error)
    directory = Path(settings.store.directory)
    if not directory.is_dir():
        _fail(f"{directory}: no such folder; start the collector once, or set store.directory")
    try:
        with closing(OperationsFile(directory)) as file:
            file.open(time.time())
            yield file, Language.choose(settings.language)
    except OperationsError as error:
        _fail(str(error))


def _actor() -> Actor:
    from tslcd_collector.operations import Actor  # noqa: PLC0415 - commands import what only they need

    return Actor(f"command of {getpass.getuser()}", "")


def _fail(text: str) -> NoReturn:
    click.echo(f"tslcd-collector: {text}", err=True)
    sys.exit(FAULT)
