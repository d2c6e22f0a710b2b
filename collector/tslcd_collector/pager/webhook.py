"""What Alertmanager posts (webhook version 4) as alerts that may be told. Pure.

Invariants:

* A body that is not such a webhook is refused whole (:class:`WebhookError`); one alert in it that cannot be read costs itself alone, as
  long as another can be read.
* An alert without a name, a site or any annotation is an alert all the same: a page that says little is better than none.
* What is free text is cleaned (:mod:`tslcd_collector.pager.redaction`) here, before anything keeps it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, field

from tslcd_collector.pager.redaction import clean
from tslcd_collector.pager.story import Item, Words
from tslcd_collector.verdict import Party

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Larger bodies are refused; 4 MiB are about 2,000 alerts.
MAX_BODY: Final = 4 * 2**20
MAX_ALERTS: Final = 10_000
_PARTIES: Final = {one.value for one in Party}
#: Labels whose values are ids of the inventory, which look like circuits and are none.
_IDS: Final = ("channel", "site", "agent", "device", "province", "alertname", "tenant", "redundancy_group")
_RUNBOOK: Final = re.compile(r"(?:runbooks/)?([A-Za-z0-9]{1,60})(?:\.md)?\Z")


class WebhookError(ValueError):
    """A body that is no webhook. The message has nothing of the body in it."""


class Posted(NamedTuple):
    """One alert as posted. Times are UTC seconds; ``ends`` is None while it fires."""

    fingerprint: str
    starts: float
    ends: float | None
    item: Item


class Webhook(NamedTuple):
    """One post: a group of alerts. ``unreadable``: how many alerts were left out; ``masked``: what was taken out of texts."""

    key: str
    alerts: list[Posted]
    unreadable: int
    masked: dict[str, int]


class _Alert(msgspec.Struct, rename="camel"):
    status: Literal["firing", "resolved"]
    starts_at: dt.datetime
    ends_at: dt.datetime | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    fingerprint: Annotated[str, Meta(max_length=64)] = ""


class _Body(msgspec.Struct, rename="camel"):
    version: Literal["4"]
    group_key: Annotated[str, Meta(min_length=1, max_length=20_000)]
    status: Literal["firing", "resolved"]
    alerts: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_ALERTS)]


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_alert = msgspec.json.Decoder(_Alert).decode


def read(raw: bytes) -> Webhook:
    """Read a body. Raises WebhookError."""
    try:
        body = _decode_body(raw)
    except msgspec.ValidationError as error:
        raise WebhookError(f"not a webhook of version 4: {error}"[:200]) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise WebhookError("not JSON") from None
    alerts, unreadable, masked = [], 0, dict[str, int]()
    for one in body.alerts:
        try:
            alert = _decode_alert(one)
            alerts.append(_posted(alert, masked))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError, OverflowError):
            unreadable += 1
    if not alerts:
        raise WebhookError("no alert in it can be read")
    return Webhook(_short(body.group_key), alerts, unreadable, masked)


def heartbeat(webhook: Webhook) -> float | None:
    """Return since when a post says that the chain lives, UTC seconds: something in it fires. None: it does not say so."""
    return min((alert.starts for alert in webhook.alerts if alert.ends is None), default=None)


def _posted(alert: _Alert, masked: dict[str, int]) -> Posted:
    starts = _seconds(alert.starts_at)
    ends = None
    if alert.status == "resolved":
        ends = max(starts, _seconds(alert.ends_at)) if alert.ends_at is not None else starts
    return Posted(alert.fingerprint or _fingerprint(alert.labels), starts, ends, _item(alert, starts, ends, masked))


def _item(alert: _Alert, starts: float, ends: float | None, masked: dict[str, int]) -> Item:
    labels = alert.labels
    known = {labels[name] for name in _IDS if name in labels}

    def label(name: str) -> str:
        return clean(labels.get(name, "")[:100], known, masked)

    def words(name: str) -> Words:
        notes = alert.annotations
        either = notes.get(name, "")
        vi, en = notes.get(f"{name}_vi", "") or either, notes.get(f"{name}_en", "") or either
        return Words(clean(vi or en, known, masked), clean(en or vi, known, masked))

    name = label("alertname")
    summary = words("summary")
    if not summary.vi:
        where = " ".join(one for one in (label("channel") or label("device") or label("agent"), label("site")) if one)
        vi, en = name or "Cảnh báo không có tên", name or "Alert without a name"
        summary = Words(f"{vi} {where}".strip(), f"{en} {where}".strip())
    runbook = _RUNBOOK.match(alert.annotations.get("runbook", ""))
    return Item(
        name=name,
        channel=label("channel"),
        party=labels["party"] if labels.get("party") in _PARTIES else "none",
        summary=summary,
        reason=words("reason"),
        action=words("action"),
        runbook=runbook[1] if runbook is not None else "",
        since=starts,
        until=ends,
    )


def _seconds(when: dt.datetime) -> float:
    at = when if when.tzinfo is not None else when.replace(tzinfo=dt.UTC)
    return max(0.0, at.timestamp())


def _fingerprint(labels: Mapping[str, str]) -> str:
    """Name an alert by its labels, for senders that give no fingerprint."""
    return hashlib.sha256(msgspec.json.encode(sorted(labels.items()))).hexdigest()[:16]


def _short(key: str) -> str:
    """Keep nothing of a group's key but what tells it from others: it may have addresses in it."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()[:32]
