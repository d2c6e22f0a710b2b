"""The agent's settings, and the checks that go across them.

Defaults are here and nowhere else; ``configs/agent.yaml`` shows each of them and a test proves that it does.

Invariants:

* :func:`load_config` returns settings that satisfy everything said here, or raises SettingsError with all problems.
* Secrets are :class:`tslcd_runtime.secret.Secret` from the moment they are read.
* A device with ``touch: false`` (cipher equipment, Circular 06/2026/TT-BKHCN article 9.4) is in the settings so that it is
  *not* asked: its address may be nobody's target. Pollers are made from :meth:`AgentConfig.polled` only, which leaves it out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tslcd_agent.config.devices import Device, PolledDevice, check_devices
from tslcd_agent.config.links import Links, Traps, check_links
from tslcd_agent.config.probes import Probe, check_probes
from tslcd_agent.config.uplinks import Uplink, check_uplinks
from tslcd_agent.config.values import MIN_INTERVAL, Settings, normal_address
from tslcd_runtime import settings
from tslcd_runtime.logs import Format, Level
from tslcd_runtime.units import DURATION, BitRate, ByteSize, Duration
from tslcd_wire.report import Id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_runtime.settings import Loaded, Path_, Problem


#: The profiles that come with the program.
SHIPPED_PROFILES: Final = Path(__file__).parents[1] / "profiles"


class Identity(Settings, frozen=True, kw_only=True):
    """Who this agent is: the name in its certificate, and the province it reports to."""

    id: Id
    province: Id


class Log(Settings, frozen=True, kw_only=True):
    """How the agent logs, see :mod:`tslcd_runtime.logs`."""

    format: Format = "auto"
    level: Level = "info"


class Spool(Settings, frozen=True, kw_only=True):
    """Where reports wait, and the bounds. The oldest go first, and every drop is counted."""

    directory: Annotated[str, Meta(min_length=1)] = "/var/lib/tslcd-agent"
    max_size: ByteSize = 200 * 2**20
    max_age: Duration = 30 * 86400.0


class Courier(Settings, frozen=True, kw_only=True):
    """How reports leave.

    ``ack_timeout``: a report that no collector has for so long, though it has later ones, is sent again. ``live_window``: younger reports go on
    the live lane, newest first. ``history_rate``: bound of the history lane. ``required_acks``: how many collectors must
    have stored a report before it is deleted. ``reconnect_min``, ``reconnect_max``: bounds of the jittered pause between
    attempts, see :mod:`tslcd_agent.courier.route`. ``answer_timeout``: the longest wait for a broker's answer.
    ``history_share``: the part of the link's time that history may take. ``return_after``: an earlier uplink is used again when
    it has answered for so long.
    """

    ack_timeout: Duration = 20.0
    live_window: Duration = 60.0
    history_rate: BitRate = 512_000.0
    required_acks: Annotated[int, Meta(ge=1, le=8)] = 1
    compress_history: bool = True
    reconnect_min: Duration = 1.0
    reconnect_max: Duration = 45.0
    answer_timeout: Duration = 10.0
    history_share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    return_after: Duration = 60.0


class Poll(Settings, frozen=True, kw_only=True):
    """How devices are asked, unless they say otherwise.

    ``timeout``: the wait for one answer; ``retries``: how often a question is asked again; ``budget``: the most that one
    round of one device may take, whatever happens; a device with a shorter interval of its own has that as its budget.
    """

    interval: Duration = 30.0
    timeout: Duration = 1.0
    retries: Annotated[int, Meta(ge=0, le=10)] = 1
    budget: Duration = 20.0


class Heartbeat(Settings, frozen=True, kw_only=True):
    """How often the agent tells about itself."""

    interval: Duration = 30.0


class AgentConfig(Settings, frozen=True, kw_only=True):
    """Everything in ``agent.yaml``. ``brokers`` are tried in their order.

    ``profiles``: a directory with profiles of your own, which go before the shipped ones.
    """

    agent: Identity
    language: Literal["auto", "vi", "en"] = "auto"
    log: Log = Log()
    brokers: Annotated[tuple[Uplink, ...], Meta(min_length=1, max_length=8)]
    spool: Spool = Spool()
    courier: Courier = Courier()
    poll: Poll = Poll()
    heartbeat: Heartbeat = Heartbeat()
    devices: dict[Id, Device] = msgspec.field(default_factory=dict)
    probes: dict[Id, Probe] = msgspec.field(default_factory=dict)
    traps: Traps | None = None
    links: Links | None = None
    profiles: str | None = None

    def polled(self) -> tuple[PolledDevice, ...]:
        """Return the devices that are polled; those with ``touch: false`` are not among them."""
        return tuple(
            PolledDevice(
                id=name,
                address=normal_address(device.address),
                port=device.port,
                snmp=device.snmp,
                interfaces=device.interfaces,
                profile=device.profile,
                watch=device.watch,
                trap_sources=tuple(normal_address(one) for one in device.trap_sources),
                interval=device.interval or self.poll.interval,
                timeout=self.poll.timeout,
                retries=self.poll.retries,
                budget=min(self.poll.budget, device.interval or self.poll.interval),
            )
            for name, device in self.devices.items()
            if device.touch and device.snmp is not None
        )

    def untouchable(self) -> frozenset[str]:
        """Return the addresses, in their normal form, to which the agent sends nothing."""
        return frozenset(normal_address(device.address) for device in self.devices.values() if not device.touch)


def load_config(path: Path) -> Loaded[AgentConfig]:
    """Read ``agent.yaml`` and check it whole. Raises SettingsError with all problems."""
    loaded = settings.load(path, AgentConfig)
    problems = list(cross_check(loaded))
    if problems:
        raise settings.SettingsError(problems)
    return loaded


def cross_check(loaded: Loaded[AgentConfig]) -> Iterator[Problem]:
    """Yield the problems that one value alone does not show."""
    config = loaded.value
    yield from _durations(loaded)
    if config.courier.reconnect_min > config.courier.reconnect_max:
        yield loaded.problem(("courier", "reconnect_min"), "longer than courier.reconnect_max")
    if config.poll.budget > config.poll.interval:
        yield loaded.problem(("poll", "budget"), f"longer than poll.interval, {DURATION.show(config.poll.interval)}")
    yield from check_uplinks(loaded)
    yield from check_devices(loaded)
    yield from _profiles(loaded)
    yield from check_links(loaded)
    yield from check_probes(loaded)


def _durations(loaded: Loaded[AgentConfig]) -> Iterator[Problem]:
    """Durations and sizes that must not be nothing, intervals that must not be too short."""
    config = loaded.value
    intervals: list[tuple[Path_, float | None]] = [
        (("poll", "interval"), config.poll.interval),
        (("heartbeat", "interval"), config.heartbeat.interval),
        *((("devices", name, "interval"), device.interval) for name, device in config.devices.items()),
        *(
            (("devices", name, "watch", "interval"), device.watch.interval)
            for name, device in config.devices.items()
            if device.watch
        ),
        *((("probes", name, "interval"), probe.interval) for name, probe in config.probes.items()),
        *([(("links", "interval"), config.links.interval)] if config.links else []),
    ]
    for path, interval in intervals:
        if interval is not None and interval < MIN_INTERVAL:
            yield loaded.problem(path, f"shorter than {DURATION.show(MIN_INTERVAL)}")
    courier = config.courier
    positive: list[tuple[Path_, float]] = [
        (("spool", "max_size"), config.spool.max_size),
        (("spool", "max_age"), config.spool.max_age),
        (("poll", "timeout"), config.poll.timeout),
        (("poll", "budget"), config.poll.budget),
        *(
            (("courier", name), getattr(courier, name))
            for name in (
                "ack_timeout",
                "live_window",
                "history_rate",
                "reconnect_min",
                "reconnect_max",
                "answer_timeout",
                "return_after",
            )
        ),
        *((("probes", name, "timeout"), probe.timeout) for name, probe in config.probes.items()),
    ]
    for path, value in positive:
        if value <= 0:
            yield loaded.problem(path, "must be more than nothing")


def _profiles(loaded: Loaded[AgentConfig]) -> Iterator[Problem]:
    """Say which profiles are named that nobody has; what is wrong inside one is told by the one who reads it."""
    config = loaded.value
    directories = [SHIPPED_PROFILES, *([Path(config.profiles)] if config.profiles else [])]
    if config.profiles and not directories[-1].is_dir():
        yield loaded.problem(("profiles",), f"{config.profiles}: no such directory")
    known = {path.stem for directory in directories for path in directory.glob("*.yaml")}
    for name, device in config.devices.items():
        if device.profile != "auto" and device.profile not in known:
            message = f"there is no profile {device.profile!r}: see tslcd-agent profile list"
            yield loaded.problem(("devices", name, "profile"), message)
