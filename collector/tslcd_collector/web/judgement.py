"""How verdicts came to be, and the problems of devices, as JSON.

``/api/v1/channels/ID/explain`` tells what one verdict follows from; ``/api/v1/devices`` every device with its problems.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from tslcd_collector.judge.phrases import KINDS
from tslcd_collector.judge.reasoning import account
from tslcd_collector.maintenance import local
from tslcd_collector.verdict import PARTY_WORDS, REASON_WORDS, STATE_WORDS

if TYPE_CHECKING:
    from starlette.requests import Request

    from tslcd_collector.inventory import Channel
    from tslcd_collector.supervision import Supervision


def routes(supervision: Supervision) -> list[Route]:
    """Return the routes over ``supervision``."""

    async def devices(request: Request) -> Response:
        del request
        return _json({"devices": list(supervision.equipment.describe())})

    async def explain(request: Request) -> Response:
        wanted = request.path_params["channel"]
        channel = supervision.inventory.channels.get(wanted) if supervision.inventory is not None else None
        if channel is None or channel.id not in supervision.standing:
            return _json({"error": "no such channel"}, 404)
        return _json(explanation(supervision, channel, time.time()))

    return [Route("/api/v1/devices", devices), Route("/api/v1/channels/{channel}/explain", explain)]


def explanation(supervision: Supervision, channel: Channel, now: float) -> dict[str, Any]:
    """Tell what the verdict of ``channel`` follows from at ``now`` (UTC seconds)."""
    told = account(channel, supervision.readings(channel, now), now)
    standing = supervision.standing[channel.id]
    verdict = standing.verdict
    return {
        "channel": channel.id,
        "name": channel.name,
        "at": now,
        "class": channel.channel_class.id,
        "state": verdict.state.value,
        "reason": verdict.reason.value,
        "party": verdict.party.value,
        "detail": verdict.detail._asdict(),
        "since": standing.since,
        "state_since": standing.state_since,
        "state_words": STATE_WORDS[verdict.state]._asdict(),
        "party_words": PARTY_WORDS[verdict.party]._asdict(),
        "sentence": REASON_WORDS[verdict.reason]._asdict(),
        "cuts": list(standing.past.cuts),
        "inputs": [{**one._asdict(), "words": one.words._asdict()} for one in told.inputs],
        "thresholds": [one._asdict() for one in told.thresholds],
        "considered": [{**one._asdict(), "words": one.words._asdict()} for one in told.considered],
        "dependencies": _dependencies(supervision, channel),
        "windows": [
            {
                "id": one.id,
                "title": one.title,
                "kind": one.kind,
                "kind_words": KINDS[one.kind]._asdict(),
                "active": (span := one.span(now)) is not None,
                "from": local(span[0]) if span is not None else None,
                "until": local(span[1]) if span is not None else None,
            }
            for one in supervision.windows.all
            if one.concerns(channel)
        ],
    }


def _dependencies(supervision: Supervision, channel: Channel) -> list[dict[str, Any]]:
    """Tell what the channels are that this one depends on, and that depend on it."""
    inventory = supervision.inventory
    if inventory is None:
        return []
    found: list[tuple[str, str]] = []
    above = channel.upstream
    while above is not None:
        found.append(("upstream", above))
        above = inventory.channels[above].upstream
    group = inventory.groups.get(channel.redundancy_group, ()) if channel.redundancy_group is not None else ()
    found += [("group", one.id) for one in group if one.id != channel.id]
    found += [("below", one.id) for one in inventory.below.get(channel.id, ())]
    return [
        {
            "how": how,
            "channel": one,
            "state": supervision.standing[one].verdict.state.value,
            "state_words": STATE_WORDS[supervision.standing[one].verdict.state]._asdict(),
            "reason": supervision.standing[one].verdict.reason.value,
        }
        for how, one in found
        if one in supervision.standing
    ]


def _json(document: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")
