"""What the judge looks at: readings of one channel's agent, device, interface and probes, and what others tell.

Invariant: nothing here is computed from a clock. ``at`` is when something was measured, UTC seconds; what is fresh is the judge's
to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tslcd_collector.judge.steadiness import UNTOLD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.judge.steadiness import Past
    from tslcd_collector.judge.traffic import TrafficReading
    from tslcd_collector.maintenance import Occurrence
    from tslcd_collector.verdict import Party, State

#: Rounds over which loss, delay and jitter are judged.
ROUNDS: Final = 3
#: Fewer lost packets than this are chance.
MIN_LOST: Final = 2


@dataclass(frozen=True, slots=True)
class AgentReading:
    """An agent as the collector knows it. ``last_heard``: UTC seconds by the collector's clock; ``online``: its status.

    ``goodbye``: it is offline since it stopped by itself, where a last will says that it was lost. ``spare``: its reports leave
    by another way than the first of its list.
    """

    online: bool
    last_heard: float
    goodbye: bool = False
    spare: bool = False


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """The last poll of a device. ``snmp_state`` is one of ``tslcd_wire.catalogue.SNMP_STATES``; ``at``: UTC seconds."""

    snmp_state: str
    at: float


@dataclass(frozen=True, slots=True)
class InterfaceReading:
    """The last reading of an interface (IF-MIB::ifOperStatus, ifAdminStatus; None where the device does not tell)."""

    oper_up: bool | None
    admin_up: bool | None
    at: float


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """One round of a probe: packets sent and answered, mean round-trip time and jitter in seconds (None without an answer).

    A round that could not be sent at all (not permitted, no address for the name) has ``sent`` 0 and says nothing.
    """

    at: float
    sent: int
    received: int
    rtt: float | None
    jitter: float | None = None

    @property
    def dead(self) -> bool:
        """Whether the round was wholly lost, and long enough for that to mean something."""
        return self.sent >= MIN_LOST and self.received <= 0


@dataclass(frozen=True, slots=True)
class Lost:
    """A channel of the same redundancy group that is down, and who must act on it."""

    channel: str
    party: Party


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What others tell that bears on a channel; the defaults say that nobody tells anything.

    ``broker``: the collector hears the broker. ``upstream``: state of the channel that carries this one, None without one: DOWN
    also when the cut is further up. ``carrier``: the channel that is cut, if it is not the next one. ``carrier_lost``: its agent's last
    words were that it is cut. ``carrier_back``: when the next channel up was seen to be down no longer, UTC seconds, None when it never
    was. ``carrier_window``: what is planned for it. ``sole``: the agent is bound to no other channel, so its
    first way is this one. ``others_get_through``: an agent of another site is heard by its first way, or there is no other.
    ``battery``: a UPS of the site told, shortly before the agent was last heard, that it ran on battery. ``neighbour_spare``:
    another agent of the site is heard by a spare way. ``lost``: of the channels that stand in for this one. ``window``: what is
    planned for the channel now.
    """

    broker: bool = True
    upstream: State | None = None
    carrier: str = ""
    carrier_lost: bool = False
    carrier_back: float | None = None
    carrier_window: Occurrence | None = None
    sole: bool = False
    others_get_through: bool = True
    battery: bool = False
    neighbour_spare: bool = False
    lost: Lost | None = None
    window: Occurrence | None = None


#: Of a channel nobody else tells about.
ALONE: Final = Surroundings()


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything known about the things a channel is bound to.

    ``interfaces_known`` are the names that the bound device has reported. ``probes`` has the last ROUNDS rounds (or fewer)
    of each bound probe, oldest first. ``past``: what the channel was judged to be before.
    """

    agent: AgentReading | None = None
    device: DeviceReading | None = None
    interface: InterfaceReading | None = None
    interfaces_known: tuple[str, ...] = ()
    probes: Mapping[str, tuple[ProbeReading, ...]] = field(default_factory=dict)
    around: Surroundings = ALONE
    traffic: TrafficReading | None = None
    past: Past = UNTOLD
