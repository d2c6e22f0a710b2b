"""How each account stands with us: which channel is tried first, and which not at all for a while. Pure.

Invariants: a channel that only rests (it failed, or asked us to wait) is tried last, never left out; one that said "never" is left
out for DENIED seconds, so that a permanent error is no loop; what changes is said once, not each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.pager.answers import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_collector.pager.answers import Answer
    from tslcd_collector.pager.settings import Address

#: A wrong token or an unknown chat is tried again after so long: somebody may have put it right. Seconds.
DENIED: Final = 600.0
#: From so many failures in a row on an account rests for REST seconds after each: others are tried first.
PATIENCE: Final = 2
REST: Final = 30.0


class _State(NamedTuple):
    failures: int = 0
    rests: float = 0.0
    denied: float = 0.0
    told: str = ""


class Plan(NamedTuple):
    """``channels`` in the order in which they are tried; ``left_out``: those that said "never"."""

    channels: list[Address]
    left_out: list[Address]


class Standing:
    """What is remembered of accounts and addresses. Times are monotonic seconds."""

    def __init__(self) -> None:
        """Know of nothing bad."""
        self._states: dict[tuple[str, str], _State] = {}

    def plan(self, channels: Sequence[Address], now: float) -> Plan:
        """Return which of a recipient's channels are tried, in order."""
        usable, resting, out = [], [], []
        for one in channels:
            states = self._of(one)
            if any(state.denied > now for state in states):
                out.append(one)
            elif any(state.rests > now for state in states):
                resting.append(one)
            else:
                usable.append(one)
        return Plan(usable + resting, out)

    def wait(self, channels: Sequence[Address], now: float) -> float:
        """Return for how long none of ``channels`` wants to hear of us, seconds; 0 when one does not mind."""
        return max(0.0, min((max(map(self._ban, self._of(one)), default=0.0) for one in channels), default=0.0) - now)

    @staticmethod
    def _ban(state: _State) -> float:
        return max(state.denied, state.rests if state.told == Outcome.BUSY.value else 0.0)

    def note(self, channel: Address, answer: Answer, now: float) -> str:
        """Remember an answer. Returns what is to be said of it now: "" or the outcome, or "recovered"."""
        # what concerns one address must not stop the others of its account
        key = (channel.by, channel.to if answer.outcome is Outcome.REFUSED else "")
        before = self._states.get(key, _State())
        match answer.outcome:
            case Outcome.ACCEPTED:
                known = [self._states.pop(one, None) for one in ((channel.by, ""), (channel.by, channel.to))]
                return "recovered" if any(state is not None and state.told for state in known) else ""
            case Outcome.BUSY:
                state = _State(rests=now + (answer.retry_after or REST), told=Outcome.BUSY.value)
            case Outcome.DENIED | Outcome.REFUSED:
                state = _State(denied=now + DENIED, told=answer.outcome.value)
            case _:
                failures = before.failures + 1
                rests = now + max(answer.retry_after, REST) if failures >= PATIENCE else before.rests
                state = _State(failures, rests, told=answer.outcome.value)
        self._states[key] = state
        return state.told if state.told != before.told else ""

    def _of(self, channel: Address) -> list[_State]:
        keys = ((channel.by, ""), (channel.by, channel.to))
        return [self._states[key] for key in keys if key in self._states]
