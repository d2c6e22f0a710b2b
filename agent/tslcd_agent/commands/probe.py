"""``tslcd-agent probe``."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from tslcd_agent.commands.settings import DEFAULT_CONFIG, load, path_option
from tslcd_agent.probes.check import describe
from tslcd_agent.probes.contract import Echoes, ProbeResult
from tslcd_agent.probes.icmp import Pinger
from tslcd_runtime.command import FAULT, json_option, write_json, write_table
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("target")
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True, help="Echoes.")
@click.option(
    "--size", type=click.IntRange(64, 9000), default=64, show_default=True, help="Bytes of each, with headers."
)
@path_option
@json_option
def probe(target: str, count: int, size: int, path: Path, *, as_json: bool) -> None:
    """Send one round of ICMP echoes to TARGET."""
    config = load(path) if path != DEFAULT_CONFIG or path.exists() else None
    language = Language.choose(config.language if config else "auto")

    async def measure() -> ProbeResult:
        pinger = Pinger(config.untouchable() if config else ())
        try:
            return await pinger.probe(Echoes(target, count=count, size=size))
        finally:
            pinger.close()

    result = asyncio.run(measure())
    if as_json:
        write_json(
            {
                "target": target,
                "address": result.address,
                "outcome": result.outcome,
                "sent": result.sent,
                "received": len(result.answered),
                "loss_ratio": result.loss,
                "rtt_seconds": list(result.rtts),
                "jitter_seconds": result.jitter,
            }
        )
    else:
        lost = language.say(vi="mất", en="lost")
        rows = [
            (str(number), f"{rtt * 1000:.3f} ms" if rtt is not None else lost)
            for number, rtt in enumerate(result.rtts, 1)
        ]
        if rows:
            write_table((language.say(vi="gói", en="echo"), language.say(vi="độ trễ", en="round-trip time")), rows)
        click.echo(describe(target, result, language))
    sys.exit(0 if result.outcome == "ok" else FAULT)
