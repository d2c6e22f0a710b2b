"""``tslcd-agent explain``: what one device costs, what its profile makes of it, and what is missing."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from tslcd_agent.app import profiles
from tslcd_agent.commands.settings import path_option
from tslcd_agent.commands.target import asking_options, choose, settings_if_any
from tslcd_agent.snmp.device_round import DeviceRounds
from tslcd_agent.snmp.profile.findings import columns_of
from tslcd_agent.snmp.profile.library import Library
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_agent.snmp.session import open_session
from tslcd_agent.snmp.trace import Trace
from tslcd_runtime.command import FAULT, json_option, plain, refuse_settings, write_json, write_table
from tslcd_runtime.language import Language
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_agent.config import AgentConfig, PolledDevice
    from tslcd_agent.snmp.device_round import Outcome


@click.command()
@click.argument("device")
@path_option
@asking_options
@json_option
def explain(
    device: str, path: Path, *, like: str | None, community: str | None, version: str, port: int, as_json: bool
) -> None:
    """Read DEVICE twice (as after a start, and as always) and tell how: steps, packets, profile, what is missing."""
    config = settings_if_any(path)
    language = Language.choose(config.language if config else "auto")
    asked = choose(device, config, like=like, community=community, version=version, port=port)
    told = asyncio.run(_explain(asked, library_of(config)))
    if as_json:
        write_json(told)
    else:
        _show(told, language)
    sys.exit(0 if told["state"] == "ok" and told["complete"] else FAULT)


def library_of(config: AgentConfig | None) -> Library:
    """Return the profiles of the settings, or say what is wrong with them and end the program."""
    try:
        return profiles(config) if config else Library()
    except SettingsError as error:
        refuse_settings(error)


async def _explain(device: PolledDevice, library: Library) -> dict[str, Any]:
    session = open_session(device)
    profile = ProfileReader(library, device.profile)
    rounds = DeviceRounds(device, session, profile=profile)
    told: list[dict[str, Any]] = []
    outcome: Outcome | None = None
    try:
        for name in ("start", "ordinary"):
            trace = Trace()
            outcome = await rounds.go(trace)
            told.append(_round(name, outcome, trace))
            if not outcome.answered:
                break
    finally:
        await session.close()
    assert outcome is not None  # noqa: S101 - the loop above goes round at least once
    questions = rounds.reader.questions
    made = profile.profile
    came = {kind: [one for one in table if one != "key"] for kind, table in outcome.tables.items()}
    possible = columns_of(made) if made is not None else {}
    return {
        "device": device.id,
        "address": device.address,
        "port": device.port,
        "snmp_version": device.snmp.version,
        "engine": type(session).__module__.rpartition(".")[2].removesuffix("_engine"),
        "state": outcome.state,
        "complete": outcome.complete,
        "reason": outcome.reason,
        "profile": None if profile.choice is None else {"name": profile.choice.name, "why": profile.choice.why},
        "rounds": told,
        "objects_in_a_get": questions.per_get.size,
        "rows_in_a_getbulk": questions.per_walk.size,
        "tables": {kind: len(table["key"]) for kind, table in outcome.tables.items()},
        "missing": sorted(
            f"{kind}.{column}"
            for kind, columns in possible.items()
            for column in columns
            if column not in came.get(kind, ())
        ),
        "interfaces_left_out": outcome.left_out,
    }


def _round(name: str, outcome: Outcome, trace: Trace) -> dict[str, Any]:
    return {
        "round": name,
        "seconds": round(outcome.duration, 6),
        "requests": sum(step.requests for step in trace.steps),
        "retries": sum(step.retries for step in trace.steps),
        "steps": [
            {
                "step": step.name,
                "seconds": round(step.seconds, 6),
                "requests": step.requests,
                "retries": step.retries,
                "rows": step.rows,
                "error": step.error,
            }
            for step in trace.steps
        ],
    }


def _show(told: dict[str, Any], language: Language) -> None:
    say = language.say
    click.echo(
        f"{told['device']}: {told['address']} port {told['port']}, SNMP {told['snmp_version']}, {told['engine']}: "
        f"{told['state']}{': ' + told['reason'] if told['reason'] else ''}"
    )
    if told["profile"]:
        click.echo(
            say(vi="hồ sơ {name}: {why}", en="profile {name}: {why}").format(
                name=told["profile"]["name"], why=told["profile"]["why"]
            )
        )
    heads = (
        say(vi="bước", en="step"),
        "ms",
        say(vi="câu hỏi", en="requests"),
        say(vi="hỏi lại", en="retries"),
        say(vi="giá trị", en="values"),
        "",
    )
    titles = {"start": say(vi="lượt đầu", en="first round"), "ordinary": say(vi="lượt thường", en="ordinary round")}
    for one in told["rounds"]:
        click.echo(f"\n{titles[one['round']]}: {one['seconds'] * 1000:.1f} ms")
        rows = [
            (
                plain(step["step"]),
                f"{step['seconds'] * 1000:.1f}",
                str(step["requests"]),
                str(step["retries"]),
                str(step["rows"] or "-"),
                plain(step["error"]),
            )
            for step in one["steps"]
        ]
        spent = sum(step["seconds"] for step in one["steps"]) * 1000
        rows.append((say(vi="cộng", en="total"), f"{spent:.1f}", str(one["requests"]), str(one["retries"]), "", ""))
        write_table(heads, rows)
    if told["state"] != "ok":
        click.echo(
            say(
                vi="chạy tslcd-agent check để biết nguyên nhân và cách sửa",
                en="tslcd-agent check finds out why, and what to do",
            )
        )
        return
    tables = ", ".join(f"{kind} {rows}" for kind, rows in told["tables"].items())
    click.echo(say(vi=f"số dòng theo bảng: {tables}", en=f"rows by table: {tables}"))
    sizes = told["objects_in_a_get"], told["rows_in_a_getbulk"]
    click.echo(
        say(
            vi=f"thiết bị nhận tới {sizes[0]} giá trị một câu hỏi GET, {sizes[1]} dòng một câu hỏi GETBULK",
            en=f"the device takes up to {sizes[0]} objects in a GET, {sizes[1]} rows in a GETBULK",
        )
    )
    if told["missing"]:
        missing = ", ".join(told["missing"])
        click.echo(say(vi=f"hồ sơ có mà không đọc được: {missing}", en=f"in the profile, and not given: {missing}"))
    if told["interfaces_left_out"]:
        click.echo(
            say(
                vi=f"bỏ bớt {told['interfaces_left_out']} giao diện: hãy chọn bằng interfaces.include",
                en=f"{told['interfaces_left_out']} interfaces left out: choose with interfaces.include",
            )
        )
