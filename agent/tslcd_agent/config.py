"""The agent's settings, and the checks that go across them.

Defaults are here and nowhere else; ``configs/agent.yaml`` shows each of them and a test proves that it does.

Invariants:

* :func:`load_config` returns settings that satisfy everything said here, or raises SettingsError with all problems.
* Secrets are :class:`tslcd_runtime.secret.Secret` from the moment they are read.
* A device with ``touch: false`` (cipher equipment, Circular 06/2026/TT-BKHCN article 9.4) is in the settings so that it is
  *not* asked: its address may be nobody's target. Pollers are made from :meth:`AgentConfig.polled` only, which leaves it out.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path  # noqa: TC003 - part of a public signature that the command line inspects
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tslcd_runtime import settings
from tslcd_runtime.logs import Format, Level
from tslcd_runtime.mqtt import Endpoint
from tslcd_runtime.secret import Secret
from tslcd_runtime.units import DURATION, BitRate, ByteSize, Duration
from tslcd_wire.report import Id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_runtime.settings import Loaded, Path_, Problem

#: RFC 3414 section 11.2: passwords are at least this long.
MIN_PASSWORD_CHARS: Final = 8
#: No loop of the agent goes round faster than this, in seconds.
MIN_INTERVAL: Final = 1.0

Glob = Annotated[str, Meta(min_length=1, max_length=128)]
Address = Annotated[str, Meta(min_length=2, max_length=45)]


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of the settings is: immutable, named, strict."""


class Identity(_Settings, frozen=True, kw_only=True):
    """Who this agent is: the name in its certificate, and the province it reports to."""

    id: Id
    province: Id


class Log(_Settings, frozen=True, kw_only=True):
    """How the agent logs, see :mod:`tslcd_runtime.logs`."""

    format: Format = "auto"
    level: Level = "info"


class Spool(_Settings, frozen=True, kw_only=True):
    """Where reports wait, and the bounds. The oldest go first, and every drop is counted."""

    directory: Annotated[str, Meta(min_length=1)] = "/var/lib/tslcd-agent"
    max_size: ByteSize = 200 * 2**20
    max_age: Duration = 30 * 86400.0


class Courier(_Settings, frozen=True, kw_only=True):
    """How reports leave.

    ``ack_timeout``: a report without an answer for so long drops the connection. ``live_window``: younger reports go on
    the live lane, newest first. ``history_rate``: bound of the history lane. ``required_acks``: how many collectors must
    have stored a report before it is deleted. ``reconnect_min``, ``reconnect_max``: bounds of the jittered pause between
    attempts. ``answer_timeout``: the longest wait for a broker's answer.
    """

    ack_timeout: Duration = 20.0
    live_window: Duration = 60.0
    history_rate: BitRate = 512_000.0
    required_acks: Annotated[int, Meta(ge=1, le=8)] = 1
    compress_history: bool = True
    reconnect_min: Duration = 1.0
    reconnect_max: Duration = 30.0
    answer_timeout: Duration = 10.0


class Poll(_Settings, frozen=True, kw_only=True):
    """How devices are asked, unless they say otherwise.

    ``timeout``: the wait for one answer; ``retries``: how often a question is asked again; ``budget``: the most that one
    round of one device may take, whatever happens; a device with a shorter interval of its own has that as its budget.
    """

    interval: Duration = 30.0
    timeout: Duration = 1.0
    retries: Annotated[int, Meta(ge=0, le=10)] = 1
    budget: Duration = 20.0


class Heartbeat(_Settings, frozen=True, kw_only=True):
    """How often the agent tells about itself."""

    interval: Duration = 30.0


class Auth(_Settings, frozen=True, kw_only=True):
    """SNMPv3 authentication (RFC 3414, RFC 7860). MD5 is for devices that know nothing better."""

    protocol: Literal["SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "MD5"] = "SHA-256"
    password: Secret


class Priv(_Settings, frozen=True, kw_only=True):
    """SNMPv3 encryption (RFC 3826). DES is for devices that know nothing better."""

    protocol: Literal["AES", "AES-192", "AES-256", "DES"] = "AES"
    password: Secret


class Snmp(_Settings, frozen=True, kw_only=True):
    """How a device is asked: version 2c with ``community``, or 3 with ``user``, ``auth`` and ``priv``."""

    version: Literal["2c", "3"] = "2c"
    community: Secret | None = None
    user: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    auth: Auth | None = None
    priv: Priv | None = None


class Interfaces(_Settings, frozen=True, kw_only=True):
    """Which interfaces are reported: shell patterns over their names; ``exclude`` wins."""

    include: Annotated[tuple[Glob, ...], Meta(max_length=64)] = ("*",)
    exclude: Annotated[tuple[Glob, ...], Meta(max_length=64)] = ()


class Device(_Settings, frozen=True, kw_only=True):
    """One device. ``touch: false``: never polled and never probed."""

    address: Address
    port: Annotated[int, Meta(ge=1, le=65535)] = 161
    snmp: Snmp | None = None
    interval: Duration | None = None
    interfaces: Interfaces = Interfaces()
    touch: bool = True


class Probe(_Settings, frozen=True, kw_only=True):
    """Echoes to one target (address or name): ``count`` of them, ``spacing`` apart, each of ``size`` bytes with its headers."""

    target: Annotated[str, Meta(min_length=1, max_length=253)]
    count: Annotated[int, Meta(ge=1, le=100)] = 5
    spacing: Duration = 0.2
    timeout: Duration = 1.0
    interval: Duration = 30.0
    size: Annotated[int, Meta(ge=64, le=1500)] = 64
    source: Address | None = None


class PolledDevice(_Settings, frozen=True, kw_only=True):
    """A device that is polled, with every default resolved: durations in seconds. Made by :meth:`AgentConfig.polled` only."""

    id: str
    address: str
    port: int
    snmp: Snmp
    interfaces: Interfaces
    interval: float
    timeout: float
    retries: int
    budget: float


class AgentConfig(_Settings, frozen=True, kw_only=True):
    """Everything in ``agent.yaml``. ``brokers`` are tried in their order."""

    agent: Identity
    language: Literal["auto", "vi", "en"] = "auto"
    log: Log = Log()
    brokers: Annotated[tuple[Endpoint, ...], Meta(min_length=1, max_length=8)]
    spool: Spool = Spool()
    courier: Courier = Courier()
    poll: Poll = Poll()
    heartbeat: Heartbeat = Heartbeat()
    devices: dict[Id, Device] = {}
    probes: dict[Id, Probe] = {}

    def polled(self) -> tuple[PolledDevice, ...]:
        """Return the devices that are polled; those with ``touch: false`` are not among them."""
        return tuple(
            PolledDevice(
                id=name,
                address=normal_address(device.address),
                port=device.port,
                snmp=device.snmp,
                interfaces=device.interfaces,
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


def normal_address(text: str) -> str:
    """Return the one spelling of an IP address; an IPv4 address inside IPv6 is that IPv4 address. Raises ValueError."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            msg = "an address with a zone"
            raise ValueError(msg)
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
    return str(address)


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
    yield from _devices(loaded)
    yield from _probes(loaded)


def _durations(loaded: Loaded[AgentConfig]) -> Iterator[Problem]:
    """Durations and sizes that must not be nothing, intervals that must not be too short."""
    config = loaded.value
    intervals: list[tuple[Path_, float | None]] = [
        (("poll", "interval"), config.poll.interval),
        (("heartbeat", "interval"), config.heartbeat.interval),
        *((("devices", name, "interval"), device.interval) for name, device in config.devices.items()),
        *((("probes", name, "interval"), probe.interval) for name, probe in config.probes.items()),
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
            )
        ),
        *((("probes", name, "timeout"), probe.timeout) for name, probe in config.probes.items()),
    ]
    for path, value in positive:
        if value <= 0:
            yield loaded.problem(path, "must be more than nothing")


def _devices(loaded: Loaded[AgentConfig]) -> Iterator[Problem]:
    config = loaded.value
    seen: dict[tuple[str, int], str] = {}
    untouched: dict[str, str] = {}
    addresses: dict[str, str] = {}
    for name, device in config.devices.items():
        where: Path_ = ("devices", name)
        try:
            address = addresses[name] = normal_address(device.address)
        except ValueError:
            yield loaded.problem((*where, "address"), f"{device.address!r} is not an IP address")
            continue
        first = seen.setdefault((address, device.port), name)
        if first != name:
            yield loaded.problem((*where, "address"), f"the same address and port as device {first}")
        if not device.touch:
            untouched.setdefault(address, name)
        elif device.snmp is None:
            yield loaded.problem(where, "snmp: missing (or touch: false, and the device is never asked)")
        else:
            yield from _credentials(loaded, (*where, "snmp"), device.snmp)
    for name, device in config.devices.items():
        if device.touch and (other := untouched.get(addresses.get(name, ""))):
            yield loaded.problem(("devices", name, "address"), f"the address of device {other}, which has touch: false")


def _credentials(loaded: Loaded[AgentConfig], where: Path_, snmp: Snmp) -> Iterator[Problem]:
    """Say what a version needs and what does not belong to it."""
    wanted = {"2c": ("community",), "3": ("user", "auth")}[snmp.version]
    foreign = {"2c": ("user", "auth", "priv"), "3": ("community",)}[snmp.version]
    for key in wanted:
        if getattr(snmp, key) is None:
            yield loaded.problem((*where, key), f"missing: version {snmp.version} needs {' and '.join(wanted)}")
    for key in foreign:
        if getattr(snmp, key) is not None:
            yield loaded.problem((*where, key), f"does not belong to version {snmp.version}")
    for key in ("auth", "priv"):
        part: Auth | Priv | None = getattr(snmp, key)
        if part is not None and len(part.password.reveal()) < MIN_PASSWORD_CHARS:
            message = f"shorter than {MIN_PASSWORD_CHARS} characters (RFC 3414)"
            yield loaded.problem((*where, key, "password"), message)


def _probes(loaded: Loaded[AgentConfig]) -> Iterator[Problem]:
    config = loaded.value
    untouched = {}
    for name, device in config.devices.items():
        if not device.touch:
            try:
                untouched[normal_address(device.address)] = name
            except ValueError:
                continue  # told already
    for name, probe in config.probes.items():
        where: Path_ = ("probes", name)
        if probe.source is not None:
            try:
                normal_address(probe.source)
            except ValueError:
                yield loaded.problem((*where, "source"), f"{probe.source!r} is not an IP address")
        longest = (probe.count - 1) * probe.spacing + probe.timeout
        if longest > probe.interval >= MIN_INTERVAL:
            message = (
                f"a round may last {DURATION.show(longest)}, longer than its interval, {DURATION.show(probe.interval)}"
            )
            yield loaded.problem(where, message)
        try:
            target = normal_address(probe.target)
        except ValueError:
            continue  # a name; what it resolves to is held back by the pinger
        if target in untouched:
            yield loaded.problem(
                (*where, "target"), f"the address of device {untouched[target]}, which has touch: false"
            )
