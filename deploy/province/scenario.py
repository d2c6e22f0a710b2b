"""The check: faults on a running province, and what exactly must be seen of them.

Every fault names the channels that it must change, to what, and that all others must not change; within
:data:`DEADLINE` seconds, and back again within as many. What is seen comes from :mod:`province.watch` alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from province.devices import FIREWALL, ROUTER
from province.oracle import account, fresh_report_passes
from province.parts import DemoError, listens, wait_for
from province.watch import Seen, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from province.stage import Stage

#: Seconds within which a change is seen, and seen to be over.
DEADLINE: Final = 10.0
#: Seconds within which every channel is up after the start.
UP_WITHIN: Final = 30.0
#: Seconds to go on looking, once everything expected is there, for what should not be.
AFTERMATH: Final = 3.0
_PERIOD: Final = 0.2
OK: Final = Seen("up", "ok", "none")


@dataclass(frozen=True)
class Fault:
    """Something that happens, what it must change, and how it ends."""

    name: str
    strike: Callable[[], None]
    mend: Callable[[], None]
    expected: Mapping[str, Seen]


@dataclass(frozen=True)
class Outcome:
    """What came of one check."""

    name: str
    passed: bool
    text: str


class Scenario:
    """Runs the checks one after another and keeps what came of each."""

    def __init__(self, stage: Stage, tell: Callable[[Outcome], None]) -> None:
        """``tell`` hears of each outcome as it comes."""
        self._stage = stage
        self._watch = Watch(stage)
        self._tell = tell
        self.outcomes: list[Outcome] = []

    def run(self) -> bool:
        """Run everything; return whether all of it passed."""
        if self._start():
            for fault in self._faults():
                self._strike(fault)
        self._balance()
        return all(outcome.passed for outcome in self.outcomes)

    def _note(self, name: str, text: str, *, passed: bool) -> None:
        outcome = Outcome(name, passed, text)
        self.outcomes.append(outcome)
        self._tell(outcome)

    def _start(self) -> bool:
        """Every channel is there from the first scrape, and up soon after."""
        wanted = set(self._stage.inventory.channels)
        began = time.monotonic()
        _, seen = self._watch.first_scrape()
        absent = sorted(wanted - set(seen))
        extra = sorted(set(seen) - wanted)
        self._note(
            "first scrape",
            f"{len(wanted) - len(absent)} of {len(wanted)} channels"
            + (f", absent: {', '.join(absent[:5])}" if absent else "")
            + (f", not of the inventory: {', '.join(extra[:5])}" if extra else ""),
            passed=not absent and not extra,
        )
        verdicts: Mapping[str, Seen] = {}
        while time.monotonic() - began < UP_WITHIN:
            verdicts = self._verdicts()
            if set(verdicts) == wanted and all(one == OK for one in verdicts.values()):
                self._note("all up", f"after {time.monotonic() - began:.1f} s", passed=True)
                return True
            time.sleep(_PERIOD)
        wrong = [
            f"{channel} {verdicts.get(channel, 'not seen')}"
            for channel in sorted(wanted)
            if verdicts.get(channel) != OK
        ]
        self._note("all up", f"not within {UP_WITHIN:g} s: {', '.join(wrong[:8])}", passed=False)
        return False

    def _verdicts(self) -> Mapping[str, Seen]:
        try:
            return self._watch.verdicts()
        except OSError:
            return {}

    def _faults(self) -> list[Fault]:
        stage, channels = self._stage, self._stage.inventory.channels.values()
        bound = {channel.id: channel.binding for channel in channels if channel.binding}
        on_wan1 = [name for name, one in bound.items() if (one.agent, one.device, one.interface) == (*FIREWALL, "wan1")]
        on_router = {name: one for name, one in bound.items() if (one.agent, one.device) == ROUTER}
        lost = next(agent for agent in stage.agents if agent not in {FIREWALL[0], ROUTER[0]})
        of_agent = [name for name, one in bound.items() if one.agent == lost]
        # the way to the gateway goes through a real device, and ends with it; a simulated one only falls silent
        dead, reason, party = (
            ("down", "device_unreachable", "agency") if stage.real else ("up", "snmp_refused", "monitoring")
        )
        no_router = {name: Seen(dead if one.probes else "unknown", reason, party) for name, one in on_router.items()}
        return [
            Fault(
                "interface down",
                stage.devices.cut_wan1,
                stage.devices.mend_wan1,
                dict.fromkeys(on_wan1, Seen("down", "interface_down", "operator")),
            ),
            Fault("device stopped", stage.devices.stop_router, stage.devices.start_router, no_router),
            Fault(
                "agent killed",
                stage.agents[lost].kill,
                stage.agents[lost].start,
                dict.fromkeys(of_agent, Seen("unknown", "agent_lost", "monitoring")),
            ),
            Fault("broker restarted", self._restart_broker, lambda: None, {}),
        ]

    def _restart_broker(self) -> None:
        self._stage.broker.kill()
        self._stage.broker.start()
        wait_for(lambda: listens(self._stage.ports.broker), DEADLINE, "the broker listens again", self._stage.broker)

    def _strike(self, fault: Fault) -> None:
        """Let one fault happen and end, looking all the time."""
        if not fault.expected and fault.name != "broker restarted":
            raise DemoError(f"{fault.name}: no channel of the inventory is bound to it")
        changed: set[str] = set()
        fault.strike()
        struck = time.monotonic()
        seen_after = self._look(fault.expected, changed, struck)
        fault.mend()
        mended = time.monotonic()
        everything = dict.fromkeys(self._stage.inventory.channels, OK)
        back_after = self._look(everything, changed, mended)
        stray = sorted(changed - set(fault.expected))
        words = [f"{len(fault.expected)} channels"] if fault.expected else ["no channel changed"]
        if fault.expected:
            words.append(" or ".join(sorted({str(one) for one in fault.expected.values()})))
        words.append(f"seen after {seen_after:.1f} s" if seen_after is not None else f"not seen within {DEADLINE:g} s")
        words.append(f"back after {back_after:.1f} s" if back_after is not None else f"not back within {DEADLINE:g} s")
        if seen_after is None or back_after is None:
            verdicts = self._verdicts()
            odd = [f"{name} {one}" for name, one in sorted(verdicts.items()) if one != OK]
            words.append(f"now: {', '.join(odd[:6]) or 'all up'}")
        if stray:
            words.append(f"others changed too: {', '.join(stray[:6])}")
        self._note(fault.name, ", ".join(words), passed=seen_after is not None and back_after is not None and not stray)

    def _look(self, expected: Mapping[str, Seen], changed: set[str], since: float) -> float | None:
        """Look until everything expected is seen and a while longer; return after how many seconds it was, or None.

        Every channel that was ever seen to be other than up is added to ``changed``.
        """
        reached: float | None = None
        while time.monotonic() - since < DEADLINE + AFTERMATH:
            verdicts = self._verdicts()
            changed.update(name for name, one in verdicts.items() if one != OK)
            if verdicts and all(verdicts.get(name) == one for name, one in expected.items()):
                reached = time.monotonic() - since if reached is None else reached
                if time.monotonic() - since - reached >= AFTERMATH:
                    break
            elif reached is None and time.monotonic() - since > DEADLINE:
                return None
            time.sleep(_PERIOD)
        return reached

    def _balance(self) -> None:
        """Let the oracle say whether anything was lost, and whether the way is open."""
        silent = fresh_report_passes(self._stage)
        self._note(
            "a fresh report passes",
            f"of {len(self._stage.agents) - len(silent)} of {len(self._stage.agents)} agents"
            + (f", not of {', '.join(silent)}" if silent else ""),
            passed=not silent,
        )
        self._stage.rest()
        result = account(self._stage)
        self._note("oracle", str(result), passed=result.balanced and result.made > 0)
