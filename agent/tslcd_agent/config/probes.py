"""Probes: what is measured actively, and the checks of it.

One type a kind of probe, told apart in the file by ``type`` (``icmp`` where it is not said); keys of one type do not belong
to another. :attr:`Measured.longest` is the time within which a round of the probe ends, whatever happens, without the
resolution of a name for ``icmp``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from msgspec import Meta

from tslcd_agent.config.untouchable import disguised
from tslcd_agent.config.values import MIN_INTERVAL, Address, Settings, normal_address
from tslcd_runtime.units import DURATION, ByteSize, Duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tslcd_runtime.settings import Loaded, Path_, Problem

Target = Annotated[str, Meta(min_length=1, max_length=253)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Record = Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"]
#: The most of an answer's body that may be looked at, in bytes.
MAX_BODY: Final = 4 * 2**20
_MAX_LABEL: Final = 63


class DscpNames:
    """How a differentiated services code point is written: 0 to 63, or its name (RFC 2474, 2597, 3246, 5865, 8622)."""

    name: ClassVar[str] = "a DSCP"
    example: ClassVar[str] = "ef"
    names: ClassVar[dict[str, int]] = {
        **{f"cs{number}": number * 8 for number in range(8)},
        **{f"af{row}{drop}": row * 8 + drop * 2 for row in range(1, 5) for drop in range(1, 4)},
        "ef": 46,
        "va": 44,
        "le": 1,
    }
    _HIGHEST: ClassVar[int] = 63

    @classmethod
    def parse(cls, text: str) -> int:
        """Return the code point. Raises ValueError with what is allowed."""
        number = int(text) if text.isascii() and text.isdigit() else cls.names.get(text.lower(), -1)
        if not 0 <= number <= cls._HIGHEST:
            msg = f"{text!r} is not a DSCP: write 0 to {cls._HIGHEST}, or a name such as ef, af41, cs6"
            raise ValueError(msg)
        return number

    @classmethod
    def show(cls, value: int) -> str | int:
        """Write a code point so that :meth:`parse` gives the very same."""
        return next((name for name, number in cls.names.items() if number == value and number), value)


Dscp = Annotated[int, Meta(extra={"quantity": DscpNames})]


class Measured(Settings, frozen=True, kw_only=True, tag_field="type"):
    """What every probe has. ``interval`` and ``timeout`` in seconds."""

    type: ClassVar[str]
    timeout: Duration = 3.0
    interval: Duration = 30.0

    @property
    def longest(self) -> float:
        """The longest that a round may take, in seconds."""
        return self.timeout


class Sent(Measured, frozen=True, kw_only=True):
    """What a probe has that sends packets of its own. ``source``: the address to send from; ``dscp``: how packets are marked."""

    source: Address | None = None
    dscp: Dscp = 0


class IcmpProbe(Sent, frozen=True, kw_only=True, tag="icmp"):
    """Echoes to one target (address or name): ``count`` of them, ``spacing`` apart, each of ``size`` bytes with its headers.

    ``timeout`` is the wait for each.
    """

    type: ClassVar[str] = "icmp"
    target: Target
    timeout: Duration = 1.0
    count: Annotated[int, Meta(ge=1, le=100)] = 5
    spacing: Duration = 0.2
    size: Annotated[int, Meta(ge=64, le=1500)] = 64

    @property
    def longest(self) -> float:
        """The last echo's sending, and its wait."""
        return (self.count - 1) * self.spacing + self.timeout


class TcpProbe(Sent, frozen=True, kw_only=True, tag="tcp"):
    """Opens a TCP connection and closes it."""

    type: ClassVar[str] = "tcp"
    target: Target
    port: Port


class Trusting(Sent, frozen=True, kw_only=True):
    """How a certificate is judged. ``ca``: a PEM file of who may have signed it, else the system's authorities.

    ``verify: false`` takes any certificate, and still tells when it ends. ``server_name``: the name it must have, else the
    target's.
    """

    ca: Annotated[str, Meta(min_length=1)] | None = None
    verify: bool = True
    server_name: Target | None = None


class TlsProbe(Trusting, frozen=True, kw_only=True, tag="tls"):
    """Shakes hands and looks at the certificate."""

    type: ClassVar[str] = "tls"
    target: Target
    port: Port = 443
    timeout: Duration = 5.0


class DnsProbe(Sent, frozen=True, kw_only=True, tag="dns"):
    """Asks the server ``target`` for the ``record`` of ``name``. ``expect``: what must be among the answers."""

    type: ClassVar[str] = "dns"
    target: Target
    name: Target
    record: Record = "A"
    expect: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=253)], ...], Meta(max_length=32)] = ()
    port: Port = 53
    transport: Literal["udp", "tcp"] = "udp"


class HttpProbe(Trusting, frozen=True, kw_only=True, tag="http"):
    """Asks a web server. ``target``: the whole address, ``http://`` or ``https://``.

    ``status``: what it may answer, none: any of 200 to 299. ``body``: a regular expression that must be found in the first
    ``max_body`` bytes. ``redirects``: how many are followed.
    """

    type: ClassVar[str] = "http"
    target: Annotated[str, Meta(min_length=1, max_length=2000)]
    timeout: Duration = 5.0
    method: Literal["GET", "HEAD"] = "GET"
    status: Annotated[tuple[Annotated[int, Meta(ge=100, le=599)], ...], Meta(max_length=32)] = ()
    body: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    max_body: ByteSize = 65536.0
    redirects: Annotated[int, Meta(ge=0, le=10)] = 0


class PathProbe(Sent, frozen=True, kw_only=True, tag="path"):
    """Finds the routers between here and ``target``: at most ``max_hops``, ``tries`` packets each."""

    type: ClassVar[str] = "path"
    target: Target
    timeout: Duration = 5.0
    interval: Duration = 60.0
    max_hops: Annotated[int, Meta(ge=1, le=64)] = 30
    tries: Annotated[int, Meta(ge=1, le=5)] = 2


class MqttProbe(Measured, frozen=True, kw_only=True, tag="mqtt"):
    """Sends a word through the broker in use to the agent itself."""

    type: ClassVar[str] = "mqtt"
    timeout: Duration = 5.0


Probe: TypeAlias = IcmpProbe | TcpProbe | TlsProbe | DnsProbe | HttpProbe | PathProbe | MqttProbe
#: Every type, by its name in the file.
TYPES: Final[dict[str, type[Probe]]] = {
    one.type: one for one in (IcmpProbe, TcpProbe, TlsProbe, DnsProbe, HttpProbe, PathProbe, MqttProbe)
}


def host_of(probe: Probe) -> str | None:
    """Return the name or address that a probe sends to; None for the one that has no target of its own."""
    match probe:
        case MqttProbe():
            return None
        case HttpProbe():
            try:
                return urlsplit(probe.target).hostname or ""
            except ValueError:
                return ""  # told already
        case _:
            return probe.target


def check_probes(loaded: Loaded[Any]) -> Iterator[Problem]:
    """Yield the problems of ``probes`` of an AgentConfig, and of brokers that nothing may be sent to."""
    config = loaded.value
    untouched = {}
    for name, device in config.devices.items():
        if not device.touch:
            try:
                untouched[normal_address(device.address)] = name
            except ValueError:
                continue  # told already
    for index, broker in enumerate(config.brokers):
        if (device := _untouched(untouched, broker.host)) is not None:
            yield loaded.problem(("brokers", index, "host"), f"the address of device {device}, which has touch: false")
    for name, probe in config.probes.items():
        where: Path_ = ("probes", name)
        longest = probe.longest
        if longest > probe.interval >= MIN_INTERVAL:
            message = (
                f"a round may last {DURATION.show(longest)}, longer than its interval, {DURATION.show(probe.interval)}"
            )
            yield loaded.problem(where, message)
        for key, message in mistakes(probe):
            yield loaded.problem((*where, key), message)
        # what a name resolves to is held back when it is resolved
        if (device := _untouched(untouched, host_of(probe) or "")) is not None:
            yield loaded.problem((*where, "target"), f"the address of device {device}, which has touch: false")


def _untouched(untouched: dict[str, str], host: str) -> str | None:
    """Return the device with ``touch: false`` that an address leads to; a name is asked about when it is resolved."""
    address = _normal(host)
    return next((untouched[one] for one in disguised(address) if one in untouched), None) if address else None


def _normal(host: str) -> str:
    """Return an address in its normal form, nothing for a name."""
    try:
        return normal_address(host)
    except ValueError:
        return ""


def mistakes(probe: Probe) -> Iterator[tuple[str, str]]:
    """Yield key and message of what is wrong with one probe by itself, beyond what types say."""
    if isinstance(probe, Sent) and probe.source is not None:
        yield from _source(probe, probe.source)
    if isinstance(probe, Trusting) and not probe.verify:
        for key in ("ca", "server_name"):
            if getattr(probe, key) is not None:
                yield key, "does not belong to verify: false"
    if isinstance(probe, HttpProbe):
        yield from _web(probe)
    if isinstance(probe, DnsProbe) and not _is_domain(probe.name):
        yield "name", f"{probe.name!r} is not a domain name"


def _source(probe: Probe, source: str) -> Iterator[tuple[str, str]]:
    try:
        own = normal_address(source)
    except ValueError:
        yield "source", f"{source!r} is not an IP address"
        return
    target = _normal(host_of(probe) or "")
    if target and (":" in own) != (":" in target):
        yield "source", f"{source} cannot send to {target}: one is IPv4, the other IPv6"


def _web(probe: HttpProbe) -> Iterator[tuple[str, str]]:
    if (problem := web_address_problem(probe.target)) is not None:
        yield "target", problem
    elif probe.target.lower().startswith("http://"):
        for key in ("ca", "server_name"):
            if getattr(probe, key) is not None:
                yield key, "does not belong to http://"
    if probe.body is not None:
        if probe.method == "HEAD":
            yield "body", "does not belong to method HEAD"
        try:
            re.compile(probe.body)
        except re.error as error:
            yield "body", f"not a regular expression: {error}"
    if not 1 <= probe.max_body <= MAX_BODY:
        yield "max_body", f"allowed are 1B to {MAX_BODY // 2**20}MiB"


def web_address_problem(text: str) -> str | None:
    """Say what is wrong with the address of a web page; None when it can be asked."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return f"{text!r} is not a web address: write http://HOST/ or https://HOST/"
    if parts.username is not None or parts.password is not None:
        return "a user name or password is not written here"
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or port == 0
        or not text.isascii()
        or _has_space(text)
    ):
        return f"{text!r} is not a web address: write http://HOST/ or https://HOST/"
    return None


def _has_space(text: str) -> bool:
    return any(one <= " " or one == "\x7f" for one in text)


def _is_domain(name: str) -> bool:
    labels = name.removesuffix(".").split(".")
    return name == "." or (
        name.isascii() and all(0 < len(one) <= _MAX_LABEL for one in labels) and not _has_space(name)
    )
