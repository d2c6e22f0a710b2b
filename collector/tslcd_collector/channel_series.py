"""The series of one channel, and of all of them together. Text, and no state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tslcd_collector import families
from tslcd_collector.families import escape, labels_text
from tslcd_collector.verdict import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.inventory import Channel
    from tslcd_collector.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is measured of a channel now; None where nothing is."""

    receive_bytes: int | None
    transmit_bytes: int | None
    loss_ratio: float | None
    rtt_seconds: float | None
    jitter_seconds: float | None


def verdict_chunks(channel: Channel, province: str, verdict: Verdict, since: str, traffic: Traffic) -> dict[str, bytes]:
    """Write what changes of a channel; ``since``: of its state, UTC seconds."""
    labels = labels_text({"channel": channel.id, "site": channel.site.id, "province": province})
    state = verdict.state.value
    name = families.CHANNEL_STATE.name
    lines = {
        name: "".join(f'{name}{{{labels},state="{one}"}} {int(one == state)}\n' for one in families.STATES),
        families.CHANNEL_UP.name: _line(families.CHANNEL_UP, labels, int(verdict.state in {State.UP, State.DEGRADED})),
        families.CHANNEL_VERDICT_INFO.name: _line(
            families.CHANNEL_VERDICT_INFO,
            f'{labels},reason="{verdict.reason.value}",party="{verdict.party.value}"',
            1,
        ),
        families.CHANNEL_STATE_SINCE.name: _line(families.CHANNEL_STATE_SINCE, labels, since),
    }
    for family, value in (
        (families.CHANNEL_RECEIVE, traffic.receive_bytes),
        (families.CHANNEL_TRANSMIT, traffic.transmit_bytes),
        (families.CHANNEL_LOSS, traffic.loss_ratio),
        (families.CHANNEL_RTT, traffic.rtt_seconds),
        (families.CHANNEL_JITTER, traffic.jitter_seconds),
    ):
        if value is not None:
            lines[family.name] = _line(family, labels, value)
    return {name: text.encode() for name, text in lines.items()}


def totals_chunks(province: str, counts: Mapping[str, int]) -> dict[str, bytes]:
    """Write how many channels have each state, and the share of them whose state is known."""
    name, total = families.CHANNELS.name, sum(counts.values())
    chunks = {
        name: "".join(
            f'{name}{{province="{province}",state="{state}"}} {counts.get(state, 0)}\n' for state in families.STATES
        ).encode()
    }
    if total:
        known = 1 - counts.get(State.UNKNOWN.value, 0) / total
        chunks[families.COVERAGE.name] = _line(families.COVERAGE, f'province="{province}"', known).encode()
    return chunks


def static_chunks(channel: Channel, province: str) -> dict[str, bytes]:
    """Write the series that only the inventory decides."""
    labels = labels_text({"channel": channel.id, "site": channel.site.id, "province": province})
    binding = channel.binding
    info = (
        channel.site.name,
        channel.agency.name,
        channel.operator,
        channel.circuit,
        channel.access_level,
        channel.channel_class.id,
        channel.tenant,
        channel.upstream or "",
        channel.redundancy_group or "",
        binding.agent if binding else "",
        (binding.device or "") if binding else "",
        (binding.interface or "") if binding else "",
    )
    pairs = ",".join(
        f'{label}="{escape(text)}"'
        for label, text in zip(families.CHANNEL_INFO_LABELS, info, strict=True)
        if text or label != "redundancy_group"
    )
    name = families.CHANNEL_CONTRACTED.name
    contracted = "".join(
        f'{name}{{{labels},direction="{direction}"}} {value:.15g}\n'
        for direction, value in (
            ("receive", channel.receive_bits_per_second),
            ("transmit", channel.transmit_bits_per_second),
        )
    )
    return {
        families.CHANNEL_INFO.name: _line(families.CHANNEL_INFO, f"{labels},{pairs}", 1).encode(),
        name: contracted.encode(),
    }


def _line(family: families.Family, labels: str, value: float | str) -> str:
    return f"{family.name}{{{labels}}} {value}\n"
