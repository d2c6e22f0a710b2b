"""What the commands beside a running pager do: they open the queue themselves, for a moment. Blocks on files and sockets."""

from __future__ import annotations

import asyncio
import datetime as dt
import getpass
import json
import socket
import ssl
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tslcd_collector.errors import CollectorError, StoreBusyError
from tslcd_collector.pager import casebook, duty, incidents, outbox, wording
from tslcd_collector.pager.accounts import Letter, accounts
from tslcd_collector.pager.answers import Answer, Outcome
from tslcd_collector.pager.casebook import Acknowledged
from tslcd_collector.pager.hours import VIET_NAM, clock
from tslcd_collector.pager.queue import FILE, Queue, lock
from tslcd_collector.pager.routing import Routing
from tslcd_collector.pager.settings import SEVERITIES, nobody
from tslcd_collector.pager.story import Item, Kind, Story, Words
from tslcd_collector.pager.wording import Form
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tslcd_collector.pager.duty import Watch
    from tslcd_collector.pager.settings import PagerSettings


class Finding(NamedTuple):
    """One thing that was tried: what, whether it works, and in plain words how or why not."""

    what: str
    ok: bool
    text: str


def check(settings: PagerSettings, file: str, language: Language) -> list[Finding]:
    """Try the queue and every account's server, and tell who would be told now."""
    findings = [_queue(settings, language)]
    try:
        accounts(settings)
    except (OSError, ssl.SSLError) as error:
        findings.append(Finding("accounts", ok=False, text=str(error)))
    places = [(one.name, *_place(one.url)) for one in settings.zalo]
    places += [(one.name, *_place(one.url)) for one in settings.sms]
    places += [(one.name, one.host, one.port) for one in settings.mail]
    findings += [_reach(name, host, port, language) for name, host, port in places]
    findings += [Finding("escalation", ok=False, text=str(problem)) for problem in nobody(settings, file)]
    watch = duty.read(settings)
    routing = Routing(settings, watch)
    if watch is not None:
        findings.append(_duty(watch, routing, language))
    for severity in SEVERITIES:
        turn = routing.first(severity, time.time())
        names = ", ".join(routing.recipients[one.recipient].name for one in turn.told) if turn is not None else ""
        text = names or language.say(vi="không báo cho ai", en="nobody is told")
        findings.append(Finding(severity, ok=bool(names) or severity != "critical", text=text))
    if not settings.links.url:
        text = language.say(vi="không có: chỉ xác nhận bằng lệnh", en="none: acknowledging is by command only")
        findings.append(Finding("links", ok=True, text=text))
    return findings


def status(settings: PagerSettings, language: Language) -> dict[str, Any]:
    """Return what is open and what waits."""
    with _opened(settings, read_only=True) as queue:

        def look(connection: Any) -> dict[str, Any]:
            now = time.time()
            waiting, oldest = outbox.waiting(connection, now)
            found = []
            for one in incidents.opened(connection):
                story = incidents.current(connection, one.id, Kind.FIRING, one.opened)
                found.append(
                    {
                        "id": one.id,
                        "severity": one.severity,
                        "opened": one.opened,
                        "summary": wording.title(story, language) if story.items else "",
                        "alerts": story.total,
                        "claimed_over": not incidents.certain(connection, one.id),
                        "step": one.level + 1,
                        "next_step": one.due,
                        "acknowledged": one.acknowledged,
                        "acknowledged_by": one.acknowledged_by,
                    }
                )
            dead = casebook.is_dead(connection)
            return {"incidents": found, "waiting": waiting, "oldest_seconds": oldest, "chain_dead": dead}

        return queue.transact(look) if queue is not None else _NOTHING


_NOTHING: dict[str, Any] = {"incidents": [], "waiting": 0, "oldest_seconds": 0.0, "chain_dead": False}


def summary(found: dict[str, Any], language: Language) -> str:
    """Return one line about it."""
    count, waiting = len(found["incidents"]), found["waiting"]
    text = language.say(
        vi=f"{count} sự cố chưa kết thúc, {waiting} tin đang đợi",
        en=f"{count} open incidents, {waiting} messages waiting",
    )
    if found["chain_dead"]:
        text += language.say(vi=", CHUỖI GIÁM SÁT ĐÃ NGỪNG", en=", THE MONITORING CHAIN IS DEAD")
    return text


def table(found: dict[str, Any], language: Language) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return headings and rows of the open incidents."""
    headings = (
        language.say(vi="Số", en="ID"),
        language.say(vi="Từ", en="Since"),
        language.say(vi="Sự cố", en="Incident"),
        language.say(vi="Bậc", en="Step"),
        language.say(vi="Xác nhận", en="Acknowledged"),
    )
    rows: list[Sequence[str]] = []
    for one in found["incidents"]:
        by = one["acknowledged_by"]
        who = f"{by} {clock(one['acknowledged'])}" if by else language.say(vi="chưa", en="no")
        doubt = language.say(vi=" (có thể đã hết, chờ xác minh)", en=" (perhaps over, not certain yet)")
        title = one["summary"] + doubt * one["claimed_over"]
        rows.append((str(one["id"]), clock(one["opened"]), title, str(one["step"]), who))
    return headings, rows


def acknowledge(
    settings: PagerSettings, incidents: Sequence[int], who: str, language: Language
) -> list[tuple[str, bool]]:
    """Acknowledge. Returns a line for each, and whether it is acknowledged now. Raises StoreError."""
    name = who or getpass.getuser()
    texts = {
        Acknowledged.DONE: language.say(vi=f"đã xác nhận, {name} xử lý", en=f"acknowledged by {name}"),
        Acknowledged.ALREADY: language.say(vi="đã có người xác nhận", en="somebody has it already"),
        Acknowledged.OVER: language.say(vi="đã kết thúc", en="is over"),
        Acknowledged.UNKNOWN: language.say(vi="không có sự cố này", en="no such incident"),
    }
    lines = []
    with _opened(settings) as queue:
        for one in incidents:
            work = partial(casebook.acknowledge, incident=one, who=name, way="command", now=time.time())
            result = queue.transact(work) if queue is not None else Acknowledged.UNKNOWN
            lines.append((f"{one}: {texts[result]}", result is not Acknowledged.UNKNOWN))
    return lines


async def test(settings: PagerSettings, recipient: str) -> list[tuple[str, Answer]]:
    """Send a test message by every channel of a recipient, beside the queue."""
    to = Routing(settings).recipients[recipient]
    made, now, language = accounts(settings), time.time(), Language(to.language)
    words = Words(f"Tin thử gửi {to.name}", f"A test message to {to.name}")
    none = Words("", "")
    item = Item(
        name="Test",
        channel="",
        party="none",
        summary=words,
        reason=none,
        action=none,
        runbook="",
        since=now,
        until=None,
    )
    story = Story(kind=Kind.TEST, severity="info", incident=0, items=[item], total=1, at=now)

    async def send(by: str, address: str) -> Answer:
        account = made[by]
        text = wording.message(story, Form(language, account.length, account.ascii))
        return await account.send(Letter(address, wording.title(story, language), text, f"tslcd-test-{int(now)}"))

    answers = await asyncio.gather(*(send(one.by, one.to) for one in to.channels))
    results = [(one.by, answer) for one, answer in zip(to.channels, answers, strict=True)]
    return results or [(recipient, Answer(Outcome.REFUSED, "has no channels of its own: test its members"))]


def audit(settings: PagerSettings, days: float) -> Iterator[str]:
    """Yield the audit log as JSON lines, oldest first. Raises StoreError."""
    since = time.time() - days * 86400.0
    with _opened(settings, read_only=True) as queue:
        rows: list[tuple[Any, ...]] = []
        if queue is not None:
            rows = queue.transact(
                lambda connection: connection.execute(
                    "SELECT at, event, incident, recipient, channel, outcome, detail FROM audit WHERE at >= ? ORDER BY id",
                    (since,),
                ).fetchall()
            )
    names = ("event", "incident", "recipient", "channel", "outcome", "detail")
    for at, *values in rows:
        when = dt.datetime.fromtimestamp(at, VIET_NAM).isoformat(timespec="milliseconds")
        line = {"at": when, **{name: value for name, value in zip(names, values, strict=True) if value not in {"", 0}}}
        yield json.dumps(line, ensure_ascii=False)


@contextmanager
def _opened(settings: PagerSettings, *, read_only: bool = False) -> Iterator[Queue | None]:
    """Open the queue for the time of a block; None when there is none yet. Raises StoreError."""
    directory = Path(settings.queue.directory)
    if not (directory / FILE).exists():
        yield None
        return
    queue = Queue(directory, read_only=read_only)
    queue.open()
    try:
        yield queue
    finally:
        queue.close()


def _queue(settings: PagerSettings, language: Language) -> Finding:
    directory = Path(settings.queue.directory)
    try:
        with lock(directory), tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"x" * 4096)
            file.flush()
    except StoreBusyError:
        text = language.say(vi="bộ báo tin đang chạy dùng hàng đợi này", en="a running pager has it")
        return Finding("queue", ok=True, text=f"{directory}: {text}")
    except (CollectorError, OSError) as error:
        return Finding("queue", ok=False, text=str(error))
    return Finding("queue", ok=True, text=f"{directory}: {language.say(vi='ghi được', en='may be written to')}")


def _duty(watch: Watch, routing: Routing, language: Language) -> Finding:
    names = ", ".join(routing.recipients[one].name for one in watch.on_duty(time.time()))
    nobody_vi, nobody_en = (
        "lúc này không ai trực: báo cho mọi người trong lịch",
        "nobody now: all of the roster are told",
    )
    return Finding("duty", ok=True, text=names or language.say(vi=nobody_vi, en=nobody_en))


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _reach(name: str, host: str, port: int, language: Language) -> Finding:
    try:
        socket.create_connection((host, port), timeout=5.0).close()
    except OSError as error:
        return Finding(name, ok=False, text=f"{host}:{port}: {(error.strerror or str(error)).lower()}")
    return Finding(name, ok=True, text=f"{host}:{port}: {language.say(vi='kết nối được', en='can be reached')}")
