"""What the page of one channel shows: facts, the past as strips and a list, and the charts of the last day. Pure but for the board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tslcd_collector.verdict import PARTY_WORDS, REASON_WORDS, STATE_WORDS, Party, Reason, State, words_of
from tslcd_collector.web import wording
from tslcd_collector.web.charts import chart, hours, strip
from tslcd_collector.web.day import SLOT, SLOTS
from tslcd_collector.web.screen import short

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_collector.inventory import Channel
    from tslcd_collector.ledger.rows import History, Interval
    from tslcd_collector.web.charts import Chart
    from tslcd_collector.web.day import Point
    from tslcd_collector.web.view import View
    from tslcd_runtime.language import Language

#: Intervals in the list below the strips, the newest first.
LISTED: Final = 30
_DAY: Final = 86400.0
#: The share of a link's capacity that its 95th percentile must stay below (Circular 06/2026/TT-BKHCN, article 5.6).
LAWFUL_SHARE: Final = 0.9


def describe(view: View, channel: Channel, past: History | None, language: Language, now: float) -> dict[str, Any]:
    """Return what the template of a channel's page asks for. ``past``: its last week, None when it cannot be read."""
    standing = view.supervision.standing[channel.id]
    intervals = past.intervals if past is not None else []
    points = view.day.points(channel.id, now)
    return {
        "detail": standing.verdict.detail.of(language.value),
        "since_verdict": standing.since,
        "facts": _facts(channel, language),
        "upstream": channel.upstream,
        "contacts": _contacts(view, channel),
        "measured": _measured(view, channel, points, language),
        "past": past,
        "strips": [
            (
                key,
                [(piece, _told(piece.interval, language, now)) for piece in strip(intervals, now - length, now)],
                now - length,
            )
            for key, length in (("last_day", _DAY), ("last_week", 7 * _DAY))
        ],
        "intervals": [_told(one, language, now) for one in reversed(intervals[-LISTED:])],
        "cut": past is not None and (past.more or len(intervals) > LISTED),
        "charts": _charts(channel, points, language),
        "hours": [(tick.at, wording.clock(tick.value)[:5]) for tick in hours(points[0].at)],
        "acknowledgement": view.operations.acknowledgements.get(channel.id) if view.operations is not None else None,
    }


def _facts(channel: Channel, language: Language) -> list[tuple[str, str]]:
    """Return what the inventory says, as rows of key and text."""
    binding = channel.binding
    both = (channel.receive_bits_per_second, channel.transmit_bits_per_second)
    bound = (
        ", ".join(part for part in (binding.agent, binding.device, binding.interface, *binding.probes) if part)
        if binding
        else wording.say(language, "not_bound")
    )
    facts = [
        (
            "site",
            channel.site.name if channel.site.unit_name is None else f"{channel.site.name} ({channel.site.unit_name})",
        ),
        ("agency", channel.agency.name),
        ("operator", channel.operator),
        ("circuit", channel.circuit),
        ("access_level", channel.access_level),
        ("class", channel.channel_class.id),
        ("contracted", " / ".join(wording.rate(one, language) for one in both)),
        ("redundancy", channel.redundancy_group or ""),
        ("tenant", channel.tenant),
        ("connected_since", f"{channel.connected_since:%d/%m/%Y}"),
        ("legal_document", channel.legal_document),
        ("bound", bound),
    ]
    return [(key, text) for key, text in facts if text]


def _contacts(view: View, channel: Channel) -> list[Any]:
    """Return whom to call at the site, at the agency, and at the province."""
    inventory = view.supervision.inventory
    if inventory is None:
        return []
    wanted = (*channel.site.contacts, *channel.agency.contacts, *inventory.province.contacts)
    return [inventory.contacts[one] for one in dict.fromkeys(wanted) if one in inventory.contacts]


def _measured(view: View, channel: Channel, points: list[Point], language: Language) -> list[tuple[str, str]]:
    """Return what was measured last: the newest round of the probe, and traffic of the last five minutes that are known."""
    traffic = view.supervision.traffic(channel)
    newest = next((one for one in reversed(points[-3:]) if one.receive is not None or one.transmit is not None), None)
    shown = []
    if newest is not None:
        for key, bits in (("receive", newest.receive), ("transmit", newest.transmit)):
            if bits is not None:
                shown.append((key, wording.rate(bits, language)))
    for key, value, write in (
        ("loss", traffic.loss_ratio, wording.percent),
        ("rtt", traffic.rtt_seconds, wording.milliseconds),
        ("jitter", traffic.jitter_seconds, wording.milliseconds),
    ):
        if value is not None:
            shown.append((key, write(value, language)))
    return shown


def _charts(channel: Channel, points: list[Point], language: Language) -> list[dict[str, Any]]:
    """Return the charts with their legends and what a person who does not see them reads."""
    limits = {
        "limit_receive": channel.receive_bits_per_second * LAWFUL_SHARE,
        "limit_transmit": channel.transmit_bits_per_second * LAWFUL_SHARE,
    }
    if channel.receive_bits_per_second == channel.transmit_bits_per_second:
        limits = {"limit": channel.receive_bits_per_second * LAWFUL_SHARE}
    thresholds = channel.channel_class
    drawn = [
        ("traffic", chart({"receive": [one.receive for one in points], "transmit": [one.transmit for one in points]}, limits,
                          max(channel.receive_bits_per_second, channel.transmit_bits_per_second)), wording.rate),
        ("rtt", chart({"rtt": [one.rtt for one in points]},
                      {"threshold": thresholds.latency_warn, "critical": thresholds.latency_critical}, thresholds.latency_warn),
         wording.milliseconds),
        ("loss", chart({"loss": [one.loss for one in points]},
                       {"threshold": thresholds.loss_warn, "critical": thresholds.loss_critical}, thresholds.loss_warn),
         wording.percent),
        ("jitter", chart({"jitter": [one.jitter for one in points]},
                         {"threshold": thresholds.jitter_warn, "critical": thresholds.jitter_critical}, thresholds.jitter_warn),
         wording.milliseconds),
    ]  # fmt: skip
    return [_drawn(key, one, write, language, points) for key, one, write in drawn]


def _drawn(
    key: str, one: Chart, write: Callable[[float, Language], str], language: Language, points: list[Point]
) -> dict[str, Any]:
    legends = []
    for line in one.lines:
        if line.highest is None or line.mean is None or line.latest is None:
            continue
        said = ", ".join(
            f"{wording.say(language, word)} {write(value, language)}"
            for word, value in (("latest", line.latest), ("mean", line.mean), ("highest", line.highest))
        )
        legends.append((line.name, wording.say(language, line.name), said))
    text = "; ".join(f"{name}: {said}" for _, name, said in legends) or wording.say(language, "not_measured")
    return {
        "key": key,
        "name": wording.say(language, key),
        "chart": one,
        "ticks": [(tick.at, write(tick.value, language) if tick.value else "0") for tick in one.ticks],
        "levels": [
            (level.name, level.y, wording.say(language, level.name), write(level.value, language))
            for level in one.levels
        ],
        "legends": legends,
        "text": text,
        "first": points[0].at,
        "span": SLOT * SLOTS,
    }


def _told(one: Interval, language: Language, now: float) -> dict[str, Any]:
    """Write one interval of the past."""
    until = now if one.until is None else one.until
    of = language.value
    try:
        reason = getattr(short(Reason(one.reason)), of)
        sentence = getattr(REASON_WORDS[Reason(one.reason)], of)
        state, party = getattr(STATE_WORDS[State(one.state)], of), getattr(PARTY_WORDS[Party(one.party)], of)
    except (ValueError, KeyError):  # written by a newer version
        state, reason, sentence, party = one.state, one.reason, one.reason, one.party
    return {
        "state": one.state,
        "state_word": state,
        "reason": reason,
        "sentence": sentence,
        "detail": getattr(words_of(one.detail), of),
        "party": party if one.party != Party.NONE.value else "",
        "since": wording.moment(one.since),
        "lasted": wording.duration(until - one.since, language),
        "open": one.until is None,
        "origin": wording.say(language, f"origin_{one.origin}")
        if f"origin_{one.origin}" in wording.TEXTS
        else one.origin,
    }
