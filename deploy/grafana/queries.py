"""Expressions that several screens share.

Invariants:

* Two collectors that both read everything (label ``instance``) are folded into one by ``max by`` in every query, or by a mean.
* A state, a reason and what the inventory says of a channel are series of their own; they are joined within one collector,
  on (instance, channel, site, province).
* What the person at the screen chose stands in labels of ``tslcd_channel_info``; an empty label is left out, and ``.*`` fits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.vocabulary import STATES, state_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: What all choices together select of ``tslcd_channel_info``.
CHOSEN: Final = 'province=~"$province",operator=~"$operator",tenant=~"$tenant",class=~"$class",site=~"$site"'
PROVINCE: Final = 'province=~"$province"'
SITE: Final = 'province=~"$province",site=~"$site"'
SAME: Final = "on (instance, channel, site, province)"


def among(expr: str, selector: str = CHOSEN) -> str:
    """Return an expression of channels that is left with those that ``selector`` finds in the inventory."""
    return f"{expr}\n  and on (province, channel) tslcd_channel_info{{{selector}}}"


def info(*labels: str, selector: str = CHOSEN) -> str:
    """Return a 1 for each channel with labels of the inventory, to multiply with."""
    return f"max by ({', '.join(('province', 'channel', *labels))}) (tslcd_channel_info{{{selector}}})"


def labelled(expr: str, *labels: str, selector: str = CHOSEN) -> str:
    """Return an expression by (province, channel) with labels of the inventory added to each."""
    return f"({expr})\n* on (province, channel) group_left ({', '.join(labels)}) {info(*labels, selector=selector)}"


def joined(expr: str, *labels: str, selector: str = CHOSEN) -> str:
    """Return series of channels as each collector shows them, with labels of the inventory: one join, and nothing folded yet."""
    return f"({expr})\n* {SAME} group_left ({', '.join(labels)}) tslcd_channel_info{{{selector}}}"


def state_numbers(selector: str, *, among: str = "", up_among: str = "") -> str:
    """Return an expression: for each channel that ``selector`` matches, the number of its worst state.

    ``among``: only channels that an expression by (province, channel) has; ``up_among``: the same for those that are up, which
    are most of them. Both leave out early what would be left out late, which is what a query of a whole province costs.
    """
    alternatives = []
    for state in STATES:
        only = up_among if state == "up" and up_among else among
        one = f'tslcd_channel_state{{{selector},state="{state}"}} == 1'
        one = f"{one} and on (province, channel) ({only})" if only else one
        alternatives.append(f"({one}) * {state_number(state)}")
    return "max by (province, channel) (\n  " + "\n  or ".join(alternatives) + "\n)"


def number_of(family: str, selector: str, by: str, codes: Iterable[str]) -> str:
    """Return an expression: for each series of a one-hot family, the number (1 and up) of the code that holds."""
    alternatives = "\n  or ".join(
        f'({family}{{{selector},state="{code}"}} == 1) * {number}' for number, code in enumerate(codes, 1)
    )
    return f"max by ({by}) (\n  {alternatives}\n)"


def worse(of: Callable[[str], str]) -> str:
    """Return the worse of both directions of a figure, by (province, channel)."""
    both = " or ".join(
        f'label_replace({of(direction)}, "direction", "{direction}", "", "")' for direction in ("receive", "transmit")
    )
    return f"max by (province, channel) ({both})"


def count_in(state: str) -> str:
    """Return how many of the chosen channels are in a state: 0 when none is."""
    one = among(f'tslcd_channel_state{{{PROVINCE},state="{state}"}} == 1')
    return f"count(max by (province, channel) ({one})) or vector(0)"


def verdicts(states: str, selector: str, labels: tuple[str, ...]) -> tuple[str, str]:
    """Return two expressions, each a row a channel in one of ``states`` (a regular expression).

    A row has the channel, state, reason, party, the inventory's ``labels``, and ``runbook``: the reason again. The first one's
    value is since when (in milliseconds, as Grafana wants times), the other's for how many seconds.
    """
    wanted = [label for label in labels if label not in {"province", "site", "channel"}]
    by = ", ".join(("province", "site", "channel", "state", "reason", "party", "runbook", *wanted))
    joined = (
        "label_replace(\n"
        f'  (tslcd_channel_state{{{PROVINCE},state=~"{states}"}} == 1)\n'
        f"  * {SAME} group_left (reason, party) tslcd_channel_verdict_info\n"
        f"  * {SAME} group_left ({', '.join(wanted)}) tslcd_channel_info{{{selector}}}\n"
        f"  * {SAME} group_left () tslcd_channel_state_since_timestamp_seconds,\n"
        '  "runbook", "$1", "reason", "(.*)")'
    )
    return f"max by ({by}) ({joined}) * 1000", f"time() - max by ({by}) ({joined})"
