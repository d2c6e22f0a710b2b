"""Expressions that several screens share.

Invariants:

* Two collectors that both read everything (label ``instance``) are folded into one in every query, by ``max by`` or ``topk by``.
* A channel is in one state, also while collectors disagree: the last of ``STATES`` that one of them gives.
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


def one_each(expr: str, by: str = "province, channel", pick: str = "topk") -> str:
    """Return one series a channel; over a range that costs much, so there only of the few that are not up.

    Of equal ones it is the first stored, as long as ``expr`` aggregates nothing itself.
    """
    return f"{pick} by ({by}) (1, {expr})"


def labelled(expr: str, *labels: str, selector: str = CHOSEN) -> str:
    """Return an expression by (province, channel) with labels of the inventory added to each."""
    return f"({expr})\n* on (province, channel) group_left ({', '.join(labels)}) {info(*labels, selector=selector)}"


def joined(expr: str, *labels: str, selector: str = CHOSEN) -> str:
    """Return series of channels as each collector shows them, with labels of the inventory: one join, and nothing folded yet."""
    return f"({expr})\n* {SAME} group_left ({', '.join(labels)}) tslcd_channel_info{{{selector}}}"


def holding(*states: str, within: str = PROVINCE) -> str:
    """Return a 1 for each channel in one of ``states``: the series of those collectors that give the state which holds."""
    alternatives = []
    for state in states:
        one = f'tslcd_channel_state{{{within},state="{state}"}} == 1'
        if wins := "|".join(list(STATES)[state_number(state) :]):
            one += f' unless on (province, channel) (tslcd_channel_state{{{within},state=~"{wins}"}} == 1)'
        alternatives.append(one)
    return "(" + "\n  or ".join(alternatives) + ")"


def state_numbers(selector: str, *, label: str = "", chosen: str = CHOSEN, among: str = "", up_among: str = "") -> str:
    """Return an expression: for each channel that ``selector`` matches, the number of its state.

    ``label``: of the inventory, added to each channel that ``chosen`` finds there, and none to any other. ``among``: only
    channels that an expression by (province, channel) has; ``up_among``: the same for those that are up, which are most of
    them. Both leave out early what would be left out late, which is what a query of a whole province costs.
    """
    numbers = _numbers(selector, tuple(STATES), among, up_among)
    if not label:
        return f"max by (province, channel) (\n  {numbers}\n)"
    return f"max by (province, channel, {label}) (\n{joined(numbers, label, selector=chosen)}\n)"


def not_up(selector: str) -> str:
    """Return the number of the state of each channel that is not up."""
    numbers = _numbers(selector, tuple(state for state in STATES if state != "up"))
    return f"max by (province, channel) (\n  {numbers}\n)"


def _numbers(selector: str, states: tuple[str, ...], among: str = "", up_among: str = "") -> str:
    """Return the numbers of the states as each collector gives them; the greatest one of a channel holds."""
    alternatives = []
    for state in states:
        one = f'tslcd_channel_state{{{selector},state="{state}"}} == 1'
        if state == "unknown" and (up_among or "up" not in states):
            # a channel that is left out because it is up must not come back as unknown
            one += f' unless on (province, channel) (tslcd_channel_state{{{selector},state="up"}} == 1)'
        if only := up_among if up_among and state == "up" else among:
            one += f" and on (province, channel) ({only})"
        alternatives.append(f"({one}) * {state_number(state)}")
    return "\n  or ".join(alternatives)


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
    return f"count(max by (province, channel) ({among(holding(state))})) or vector(0)"


def with_since(states: Iterable[str], *labels: str, selector: str = CHOSEN, within: str = PROVINCE) -> str:
    """Return since when (UTC seconds) each channel is in one of ``states``: one series a channel, with reason and party.

    ``within``: a selector of labels that states have, for less to be read. Of collectors that agree on the state, the one
    that has held it longest is believed.
    """
    return one_each(
        f"{holding(*states, within=within)}\n"
        f"  * {SAME} group_left (reason, party) tslcd_channel_verdict_info\n"
        f"  * {SAME} group_left ({', '.join(labels)}) tslcd_channel_info{{{selector}}}\n"
        f"  * {SAME} group_left () tslcd_channel_state_since_timestamp_seconds",
        pick="bottomk",
    )


def verdicts(
    states: Iterable[str], selector: str, labels: tuple[str, ...], *, within: str = PROVINCE
) -> tuple[str, str]:
    """Return two expressions, each a row a channel in one of ``states``.

    A row has the channel, state, reason, party, the inventory's ``labels``, and ``runbook``: the reason again. The first one's
    value is since when (in milliseconds, as Grafana wants times), the other's for how many seconds.
    """
    wanted = [label for label in labels if label not in {"province", "site", "channel"}]
    by = ", ".join(("province", "site", "channel", "state", "reason", "party", "runbook", *wanted))
    since = with_since(states, *wanted, selector=selector, within=within)
    since = f'max by ({by}) (label_replace({since}, "runbook", "$1", "reason", "(.*)"))'
    return f"{since} * 1000", f"time() - {since}"


def _without_others(expr: str, by: str) -> str:
    """Return an expression without what belongs, ``by`` labels, only to channels that are not chosen."""
    others = f"tslcd_channel_info{{{SITE}}} unless on ({by}) tslcd_channel_info{{{CHOSEN}}}"
    return f"({expr} unless on ({by}) ({others}))"


def at_sites(expr: str) -> str:
    """Return an expression of what stands at a site, left with the sites of chosen channels and those without any channel."""
    return _without_others(expr, "province, site")


def alerts(severities: str) -> str:
    """Return the alerts that fire: of chosen channels and their sites, and those without a site in a chosen province or in none.

    What the inventory does not know stays: alerts outlive the collector that told of their channel.
    """
    firing = f'alertstate="firing",severity=~"{severities}"'
    of_channels = _without_others(f'ALERTS{{{firing},channel!="",{SITE}}}', "province, channel")
    of_sites = at_sites(f'ALERTS{{{firing},channel="",site!="",{SITE}}}')
    return f'{of_channels}\n  or {of_sites}\n  or ALERTS{{{firing},channel="",site="",province=~"|$province"}}'
