"""``tslcd-agent top``: the interfaces and probes of this site, live in the terminal.

It asks by itself, the way the agent does, so it works before the service is installed, and beside it. It writes nothing to the
spool and sends nothing to a broker. Devices that are not to be touched are not.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.live import Live

from tslcd_agent.commands.explain import library_of
from tslcd_agent.commands.overview import Overview
from tslcd_agent.commands.screen import screen
from tslcd_agent.commands.settings import load, path_option
from tslcd_agent.probes.prober import Prober
from tslcd_agent.probes.runner import runners
from tslcd_agent.schedule import FIRST_WITHIN
from tslcd_agent.snmp.poller import DevicePoller, PollStatistics
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_agent.snmp.session import open_session
from tslcd_runtime import logs
from tslcd_runtime.command import FAULT, console, json_option, write_json
from tslcd_runtime.health import Health
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_agent.config import AgentConfig
    from tslcd_agent.probes.runner import ProbeRunner
    from tslcd_agent.snmp.profile.library import Library

#: How often the screen is drawn.
_DRAWS_A_SECOND: Final = 2
#: Rounds without a terminal: rates need two.
_ROUNDS: Final = 2


@click.command()
@click.option(
    "--interval", type=click.FloatRange(1, 3600), default=2.0, show_default=True, help="Seconds between rounds."
)
@click.option("--rounds", type=click.IntRange(1), help="End after so many rounds.  [default: on a terminal, at Ctrl-C]")
@path_option
@json_option
def top(path: Path, *, interval: float, rounds: int | None, as_json: bool) -> None:
    """Show the interfaces and probes of this site, live; --json writes what the last round knew."""
    config = load(path)
    language = Language.choose(config.language)
    logs.configure("auto", "error")  # an edge in the log would tear the screen
    library = library_of(config)
    terminal = console()
    live = terminal.is_terminal and not as_json
    if rounds is None and not live:
        rounds = _ROUNDS
    overview = Overview()
    asyncio.run(_watch(config, library, overview, interval, rounds, language if live else None))
    if as_json:
        write_json(_document(overview))
    else:
        terminal.print(screen(overview, language))
    sys.exit(0 if _good(overview) else FAULT)


async def _watch(
    config: AgentConfig,
    library: Library,
    overview: Overview,
    interval: float,
    rounds: int | None,
    language: Language | None,
) -> None:
    """Measure, and draw where there is a ``language``, until the rounds are over or somebody interrupts."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    prober = Prober(config.untouchable())
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(one.run(), name=one.name)
                for one in _producers(config, library, overview, prober, interval)
            ]
            if language is not None:
                tasks.append(group.create_task(_draw(overview, language), name="draw"))
            with contextlib.suppress(TimeoutError):
                # the first round comes within FIRST_WITHIN, each of the others an interval later, and lasts one at most
                async with asyncio.timeout(None if rounds is None else FIRST_WITHIN + rounds * interval):
                    await over.wait()
            for task in tasks:
                task.cancel()
    finally:
        prober.close()


def _producers(
    config: AgentConfig, library: Library, overview: Overview, prober: Prober, interval: float
) -> list[DevicePoller | ProbeRunner]:
    """Return what measures: devices every ``interval`` seconds, probes as the settings say."""
    health, statistics = Health(), PollStatistics()
    pollers = [
        DevicePoller(
            device,
            open_session(device),
            overview.take,
            reachable=prober.pinger.reachable,
            health=health,
            statistics=statistics,
            profile=ProfileReader(library, device.profile),
        )
        for device in (msgspec.structs.replace(one, interval=interval) for one in config.polled())
    ]
    return [*pollers, *runners(config.probes, prober.probe, overview.take, health)]


async def _draw(overview: Overview, language: Language) -> None:
    """Draw on the terminal until cancelled."""
    with Live(screen(overview, language), console=console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(screen(overview, language), refresh=True)
            await asyncio.sleep(1 / _DRAWS_A_SECOND)


def _document(overview: Overview) -> dict[str, Any]:
    return {
        "devices": [_plain(one) for one in overview.devices.values()],
        "interfaces": [_plain(one) for one in overview.interfaces()],
        "probes": [_plain(one) for one in overview.probes.values()],
    }


def _plain(line: object) -> dict[str, Any]:
    return {name: getattr(line, name) for name in line.__slots__}  # type: ignore[attr-defined]  # lines have slots


def _good(overview: Overview) -> bool:
    """Whether every device answered and every probe was answered."""
    return all(one.state == "ok" for one in overview.devices.values()) and all(
        one.outcome == "ok" for one in overview.probes.values()
    )
