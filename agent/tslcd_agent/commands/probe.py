"""``tslcd-agent probe``: one round of any type of probe, with the settings' keys as options."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from tslcd_agent.commands.settings import DEFAULT_CONFIG, load, path_option
from tslcd_agent.config.probes import TYPES, DscpNames, mistakes
from tslcd_agent.probes.check import describe
from tslcd_agent.probes.contract import GOOD
from tslcd_agent.probes.prober import Prober
from tslcd_runtime.command import BAD_SETTINGS, FAULT, json_option, write_json, write_table
from tslcd_runtime.language import Language
from tslcd_runtime.units import DURATION

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_agent.config import AgentConfig, Probe
    from tslcd_agent.probes.contract import ProbeResult


@click.command()
@click.argument("target", required=False)
@click.option(
    "--type", "kind", type=click.Choice(list(TYPES)), help="Kind of probe; http for a web address, else icmp."
)
@click.option("--count", type=int, help="icmp: echoes, 1 to 100.")
@click.option("--size", type=int, help="icmp: bytes of each echo, with headers.")
@click.option("--spacing", help="icmp: time between echoes, for example 200ms.")
@click.option("--timeout", help="Wait for one echo, or bound of the whole round, for example 3s.")
@click.option("--source", help="Address to send from.")
@click.option("--dscp", help="How packets are marked: 0 to 63, or ef, af41, cs6.")
@click.option("--port", type=int, help="tcp, tls, dns: port of the target.")
@click.option("--name", help="dns: the name to ask for.")
@click.option("--record", help="dns: A, AAAA, MX, NS, TXT, SOA, PTR, SRV, CNAME.")
@click.option("--transport", help="dns: udp or tcp.")
@click.option("--expect", multiple=True, help="dns: what must be among the answers; may be given several times.")
@click.option("--method", help="http: GET or HEAD.")
@click.option("--status", multiple=True, type=int, help="http: a good status; may be given several times.")
@click.option("--body", help="http: a regular expression that the body must match.")
@click.option("--redirects", type=int, help="http: how many redirects are followed.")
@click.option("--ca", help="tls, http: PEM file of who may have signed the certificate.")
@click.option("--server-name", help="tls, http: the name that the certificate must have.")
@click.option("--no-verify", is_flag=True, help="tls, http: take any certificate; its end is told.")
@click.option("--max-hops", type=int, help="path: the longest way, 1 to 64.")
@click.option("--tries", type=int, help="path: packets for each hop, 1 to 5.")
@path_option
@json_option
def probe(target: str | None, kind: str | None, path: Path, *, as_json: bool, no_verify: bool, **options: Any) -> None:
    """Run one round of a probe to TARGET: an address, a name, or the address of a web page.

    With --type mqtt there is no TARGET: a word goes to a broker of the settings and back.
    """
    config = load(path) if path != DEFAULT_CONFIG or path.exists() else None
    language = Language.choose(config.language if config else "auto")
    given = {key: value for key, value in options.items() if value not in (None, ())}
    if no_verify:
        given["verify"] = False
    if target is not None:
        given["target"] = target
    if kind is None:
        kind = "http" if (target or "").lower().startswith(("http://", "https://")) else "icmp"
    settings = _settings(kind, given)
    result = asyncio.run(_measure(settings, config))
    if as_json:
        write_json(document(settings, result))
    else:
        show(settings, result, language)
    sys.exit(0 if result.outcome in GOOD else FAULT)


def _settings(kind: str, given: dict[str, Any]) -> Probe:
    """Make settings of options, or say what is wrong with them and end the program with 2."""
    cls = TYPES[kind]
    known = {item.name for item in msgspec.structs.fields(cls)}
    try:
        for key in given:
            if key not in known:
                raise ValueError(f"{_shown(key)} does not belong to --type {kind}")
        for item in msgspec.structs.fields(cls):
            if item.required and item.name not in given:
                raise ValueError(f"{_shown(item.name)} is missing: --type {kind} needs it")
        for key, parse in (("timeout", DURATION.parse), ("spacing", DURATION.parse), ("dscp", DscpNames.parse)):
            if key in given:
                given[key] = parse(given[key])
        if given.get("timeout", 1) <= 0:
            raise ValueError("--timeout must be more than nothing")
        settings: Probe = msgspec.convert({"type": kind, **given}, cls)
        for key, problem in mistakes(settings):
            raise ValueError(f"{_shown(key)}: {problem}")
    except ValueError as error:  # msgspec's ValidationError is one
        click.echo(f"tslcd-agent probe: {error}", err=True)
        sys.exit(BAD_SETTINGS)
    return settings


def _shown(key: str) -> str:
    return {"target": "TARGET", "verify": "--no-verify"}.get(key, f"--{key.replace('_', '-')}")


async def _measure(settings: Probe, config: AgentConfig | None) -> ProbeResult:
    exchange = None
    forbidden = config.untouchable() if config else frozenset()
    if settings.type == "mqtt" and config is not None:
        from tslcd_agent.probes.mqtt import OwnConnection  # noqa: PLC0415 - only here

        exchange = OwnConnection(config.brokers, config.agent, forbidden, settings.timeout).round_trip
    prober = Prober(forbidden, exchange=exchange)
    try:
        return await prober.probe("probe", settings)
    finally:
        prober.close()


def document(settings: Probe, result: ProbeResult) -> dict[str, Any]:
    """Return a result for programs; times in seconds, null for what is not known."""
    figures = result.figures
    return {
        "type": settings.type,
        "target": getattr(settings, "target", None),
        "address": result.address,
        "outcome": result.outcome,
        "reason": result.reason,
        "duration_seconds": result.duration,
        "phases_seconds": dict(result.phases),
        "sent": result.sent,
        "received": len(result.answered),
        "loss_ratio": result.loss,
        "rtt_seconds": list(result.rtts),
        "rtt_median_seconds": result.percentile(0.5),
        "rtt_p95_seconds": result.percentile(0.95),
        "jitter_seconds": result.jitter,
        "certificate_expiry_seconds": figures.certificate_expiry,
        "http_status": figures.http_status,
        "answers": figures.answers,
        "hops": figures.hops,
        "route": [{"address": hop.address or None, "rtt_seconds": hop.rtt} for hop in figures.route],
    }


def show(settings: Probe, result: ProbeResult, language: Language) -> None:
    """Write a result for people."""
    delay = language.say(vi="độ trễ", en="round-trip time")
    rows = [
        (str(number), f"{rtt * 1000:.3f} ms" if rtt is not None else language.say(vi="mất", en="lost"))
        for number, rtt in enumerate(result.rtts, 1)
    ]
    if rows:
        write_table((language.say(vi="gói", en="echo"), delay), rows)
    hops = [
        (str(number), hop.address or "*", f"{hop.rtt * 1000:.3f} ms" if hop.rtt is not None else "")
        for number, hop in enumerate(result.figures.route, 1)
    ]
    if hops:
        write_table((language.say(vi="chặng", en="hop"), language.say(vi="địa chỉ", en="address"), delay), hops)
    names = {
        "resolve": language.say(vi="phân giải tên", en="resolve"),
        "connect": language.say(vi="mở kết nối", en="connect"),
        "tls": language.say(vi="bắt tay TLS", en="TLS"),
        "answer": language.say(vi="chờ trả lời", en="answer"),
        "transfer": language.say(vi="nhận nội dung", en="transfer"),
    }
    phases = [(names[phase], f"{seconds * 1000:.3f} ms") for phase, seconds in result.phases.items()]
    if phases:
        write_table((language.say(vi="giai đoạn", en="phase"), language.say(vi="thời gian", en="time")), phases)
    click.echo(describe(settings, result, language))
