"""The agent, put together: built in order, started in order, stopped in reverse.

::

    pollers ◄─wake─┐
       │   traps, watches, own links ─┐
       │   probes, heartbeat ─────────┤
       └──────────────────────────────┴─► reporter ─► spool ─► courier ─► broker
                                                        ▲         │
                                                        └─ acks ──┘

Invariants:

* READY is told when the spool is open and producers run; a broker is not waited for.
* SIGTERM and SIGINT stop producers first, then the courier, then the spool: what was measured is on disk before it ends.
* SIGHUP replaces producers, and only when the new settings are good; else the old ones go on.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_agent.config import AgentConfig, load_config
from tslcd_agent.config.untouchable import permission
from tslcd_agent.courier import Courier
from tslcd_agent.courier.meter import Meter
from tslcd_agent.links.gate import TrapStatistics
from tslcd_agent.links.local import LocalLinks
from tslcd_agent.links.pollers import Pollers
from tslcd_agent.links.state import LinkStates
from tslcd_agent.links.traps import TrapListener
from tslcd_agent.links.watch import LinkWatch, watched_device
from tslcd_agent.probes.prober import Prober, ProbeStatistics
from tslcd_agent.probes.runner import runners
from tslcd_agent.reporter import Reporter, boot_id
from tslcd_agent.snmp.counter_files import CounterFiles
from tslcd_agent.snmp.poller import DevicePoller, PollStatistics
from tslcd_agent.snmp.profile.known import KnownFiles
from tslcd_agent.snmp.profile.library import Library
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_agent.snmp.session import open_session
from tslcd_agent.spool import Bounds, Spool, system_clock
from tslcd_agent.telemetry import VERSION, Heartbeat
from tslcd_runtime.health import Health, notify
from tslcd_runtime.logs import get_logger
from tslcd_runtime.memory import settle
from tslcd_runtime.settings import SettingsError
from tslcd_runtime.signals import Signals, tell_reloading

if TYPE_CHECKING:
    from tslcd_agent.readings import Submit

#: The longest that the courier may take to say goodbye, in seconds; the whole stop takes less than 5.
GOODBYE_WITHIN: Final = 3.5
#: Sections of the settings that a reload does not change.
FIXED_SECTIONS: Final = ("agent", "log", "brokers", "spool", "courier")
_log = get_logger("agent")


async def run(path: Path, config: AgentConfig) -> None:
    """Be the agent until SIGTERM or SIGINT. ``path`` is read again on SIGHUP. Raises SpoolError, SettingsError."""
    library = await asyncio.to_thread(profiles, config)
    boot, bounds = boot_id(), Bounds(int(config.spool.max_size), config.spool.max_age)
    with Signals() as signals:
        async with Spool(Path(config.spool.directory), bounds, system_clock(boot)) as spool:
            await _work(path, config, library, spool, boot, signals)
    _log.info("stopped")


async def _work(path: Path, config: AgentConfig, library: Library, spool: Spool, boot: str, signals: Signals) -> None:
    """Produce and send, until a signal says stop."""
    health, polls, traps, states = Health(), PollStatistics(), TrapStatistics(), LinkStates()
    probes = ProbeStatistics()
    _tell_start(spool)
    budgets = {one.title: one.monthly_budget for one in config.brokers if one.monthly_budget is not None}
    meter = Meter(Path(config.spool.directory, "metered.json"), budgets)
    courier = Courier(
        spool, config.brokers, config.courier, config.agent, version=VERSION, boot=boot, health=health, meter=meter
    )
    courier.permits = permission(config.untouchable())
    reporter = Reporter(spool, config.agent.id, boot, courier.wake)
    heartbeat = Heartbeat(
        spool,
        courier,
        reporter.submit,
        health,
        interval=0,
        activity=lambda: {**polls.activity(), **traps.activity(), **states.activity(), **probes.activity()},
    )
    courier.on_uplink_change = heartbeat.hurry
    parts = _Parts(reporter.submit, courier, heartbeat, health, polls, traps, states, probes)
    async with asyncio.TaskGroup() as group:
        courier.config_digest = await asyncio.to_thread(digest, path)
        sending = group.create_task(courier.run(), name="courier")
        watchdog = group.create_task(health.feed(), name="watchdog")
        while not signals.stop.is_set():
            settle()
            producers = group.create_task(_produce(config, library, parts), name="producers")
            notify("READY=1")
            await signals.wait()
            await _cancel(producers)
            if not signals.stop.is_set():
                tell_reloading()
                config, library = await _reload(path, config, library, courier)
        notify("STOPPING=1")
        courier.stop()
        await asyncio.wait([sending], timeout=GOODBYE_WITHIN)
        await _cancel(sending)
        watchdog.cancel()


class _Parts(NamedTuple):
    """What producers work with, and what outlives a reload."""

    submit: Submit
    courier: Courier
    heartbeat: Heartbeat
    health: Health
    polls: PollStatistics
    traps: TrapStatistics
    states: LinkStates
    probes: ProbeStatistics


async def _produce(config: AgentConfig, library: Library, parts: _Parts) -> None:
    """Run every producer of ``config`` until cancelled."""
    submit, courier, heartbeat, health, polls, traps, states, probes = parts
    prober = Prober(config.untouchable(), exchange=courier.round_trip, statistics=probes)
    heartbeat.interval = config.heartbeat.interval
    memory = CounterFiles(Path(config.spool.directory, "counters"))
    known = KnownFiles(Path(config.spool.directory, "tunnels"))
    pollers: dict[str, DevicePoller] = {}
    around = Pollers(pollers)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(heartbeat.run(), name="heartbeat")
            for device in config.polled():
                poller = pollers[device.id] = DevicePoller(
                    device,
                    open_session(device),
                    submit,
                    reachable=prober.pinger.reachable,
                    health=health,
                    statistics=polls,
                    links=states,
                    profile=ProfileReader(library, device.profile),
                    memory=memory,
                    known=known,
                )
                group.create_task(poller.run(), name=poller.name)
                if device.watch is not None:
                    session = open_session(watched_device(device))
                    watch = LinkWatch(device, session, states=states, submit=submit, pollers=around, health=health)
                    group.create_task(watch.run(), name=watch.name)
            if config.traps is not None:
                listener = TrapListener(
                    config.traps,
                    config.polled(),
                    states=states,
                    submit=submit,
                    pollers=around,
                    health=health,
                    statistics=traps,
                    identity_file=Path(config.spool.directory, "snmp-engine.json"),
                )
                group.create_task(listener.run(), name="traps")
            if config.links is not None:
                local = LocalLinks(config.links, states=states, submit=submit, health=health)
                group.create_task(local.run(), name="links")
            for runner in runners(config.probes, prober.probe, submit, health):
                group.create_task(runner.run(), name=runner.name)
    finally:
        prober.close()


def profiles(config: AgentConfig) -> Library:
    """Read the profiles (blocking). Raises SettingsError for what is wrong with those of the settings' own directory."""
    return Library([Path(config.profiles)] if config.profiles else [])


async def _reload(path: Path, config: AgentConfig, library: Library, courier: Courier) -> tuple[AgentConfig, Library]:
    """Return the settings and profiles that are in the files now, or those in use when the new ones cannot be used."""
    try:
        loaded = await asyncio.to_thread(load_config, path)
        found = await asyncio.to_thread(profiles, loaded.value)
    except SettingsError as error:
        for problem in error.problems:
            _log.error("settings not used", problem=str(problem))
        _log.warning("reload refused: the settings in use stay", problems=len(error.problems))
        return config, library
    fixed = [name for name in FIXED_SECTIONS if getattr(loaded.value, name) != getattr(config, name)]
    if fixed:
        _log.warning("these sections change with a restart only", sections=", ".join(fixed))
    courier.config_digest = await asyncio.to_thread(digest, path)
    courier.permits = permission(loaded.value.untouchable())
    courier.wake()
    _log.info("settings loaded", devices=len(loaded.value.devices), probes=len(loaded.value.probes))
    return loaded.value, found


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end; what it died of is the TaskGroup's to tell."""
    task.cancel()
    await asyncio.wait([task])


def digest(path: Path) -> str:
    """Return 12 hexadecimal digits that stand for the content of the settings file; empty when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError:
        return ""


def _tell_start(spool: Spool) -> None:
    """Log why the agent starts, and how long nothing was heard of it."""
    last = spool.last_alive
    silent = max(0.0, round(time.time() - last.at, 1)) if last else None
    _log.info("started", version=VERSION, reason=spool.start_reason, silent_seconds=silent)
