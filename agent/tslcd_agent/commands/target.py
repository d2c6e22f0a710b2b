"""Which device a command is about: one of the settings, or an address with the way in which it is asked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from tslcd_agent.commands.settings import DEFAULT_CONFIG, load
from tslcd_agent.config import Interfaces, PolledDevice, Snmp, normal_address
from tslcd_agent.config.untouchable import permitted
from tslcd_agent.errors import BrokenError, RefusedError
from tslcd_runtime.command import BAD_SETTINGS
from tslcd_runtime.language import Language
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any, TypeVar

    from tslcd_agent.config import AgentConfig
    from tslcd_agent.errors import SnmpError

    F = TypeVar("F", bound=Callable[..., Any])

#: How long a device of no settings is waited for, in seconds.
_TIMEOUT, _BUDGET, _RETRIES = 2.0, 60.0, 1


def asking_options(command: F) -> F:
    """Give a command ``--like``, ``--community``, ``--snmp-version`` and ``--port``, for addresses that are not in the settings."""
    for option in (
        click.option("--port", type=click.IntRange(1, 65535), default=161, show_default=True, help="UDP port."),
        click.option(
            "--snmp-version", "version", type=click.Choice(["1", "2c"]), default="2c", help="With --community."
        ),
        click.option("--community", help="Ask with this community; - asks for it without showing it."),
        click.option("--like", metavar="DEVICE", help="Ask as this device of the settings is asked."),
    ):
        command = option(command)
    return command


def settings_if_any(path: Path) -> AgentConfig | None:
    """Return the settings; None where nobody named any and there are none in the usual place."""
    return load(path) if path != DEFAULT_CONFIG or path.exists() else None


def choose(
    target: str, config: AgentConfig | None, *, like: str | None, community: str | None, version: str, port: int
) -> PolledDevice:
    """Return the device that ``target`` names. Ends the program with 2 when it names none, or one not to be touched."""
    polled = {device.id: device for device in config.polled()} if config else {}
    language = Language.choose(config.language if config else "auto")
    if target in polled and community is None and like is None:
        return polled[target]
    if config and target in config.devices and not config.devices[target].touch:
        refuse(f"{target}: touch: false: nothing is ever sent to it")
    try:
        address = polled[target].address if target in polled else normal_address(target)
    except ValueError:
        known = ", ".join(polled) or language.say(vi="không có", en="none")
        refuse(
            language.say(
                vi=f"{target}: không phải thiết bị trong cấu hình ({known}), cũng không phải địa chỉ IP",
                en=f"{target}: neither a device of the settings ({known}) nor an IP address",
            )
        )
    if not permitted(address, config.untouchable() if config else ()):
        why = "touch: false" if permitted(address, ()) else "not the address of one device"
        refuse(f"{address}: {why}: nothing is ever sent to it")
    if like is not None:
        if like not in polled:
            refuse(f"--like {like}: no such device in the settings: {', '.join(polled) or 'none'}")
        return msgspec.structs.replace(polled[like], id=target, address=address, port=port, profile="auto")
    same = [device for device in polled.values() if device.address == address]
    if community is None and same:
        return same[0]
    if community is None:
        refuse(
            language.say(
                vi=f"{target}: cần --community hoặc --like THIẾT_BỊ để biết cách hỏi",
                en=f"{target}: say how to ask: --community or --like DEVICE",
            )
        )
    if community == "-":
        community = click.prompt("community", hide_input=True, err=True)
    snmp = Snmp(version=version, community=Secret(community))  # type: ignore[arg-type]  # click checked it
    return PolledDevice(
        id=target,
        address=address,
        port=port,
        snmp=snmp,
        interfaces=Interfaces(),
        interval=_BUDGET,
        timeout=_TIMEOUT,
        retries=_RETRIES,
        budget=_BUDGET,
    )


def told(error: SnmpError, language: Language) -> str:
    """Say what happened to a device that could not be read, and what to do now."""
    match error:
        case RefusedError():
            word = language.say(vi="bị từ chối", en="refused")
        case BrokenError():
            word = language.say(vi="trả lời sai", en="broken")
        case _:
            word = language.say(vi="im lặng", en="silent")
    return language.say(
        vi=f"{word}: {error}: chạy tslcd-agent check để biết nguyên nhân và cách sửa",
        en=f"{word}: {error}: tslcd-agent check finds out why, and what to do",
    )


def refuse(message: str) -> NoReturn:
    """Say what cannot be used, and end the program."""
    click.echo(f"tslcd-agent: {message}", err=True)
    sys.exit(BAD_SETTINGS)
