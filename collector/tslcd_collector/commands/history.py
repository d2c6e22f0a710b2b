"""``channels --history``: what one channel was, from when to when, and what was learnt of it afterwards."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from rich.markup import escape
from rich.table import Table

from tslcd_collector.commands.channels import MARKS, STYLES, ApiError, ask

if TYPE_CHECKING:
    from tslcd_runtime.language import Language

_VIET_NAM: Final = dt.timezone(dt.timedelta(hours=7))
#: How an interval came to be, in both languages.
ORIGINS: Final = {
    "live": ("trực tiếp", "live"),
    "late": ("số liệu gửi bù", "late reports"),
    "power": ("tác tử báo mất điện", "told by the agent's start"),
    "blind": ("bộ thu không chạy", "collector not running"),
}


def fetch(url: str, channel: str, days: float, now: float) -> dict[str, Any]:
    """Ask the collector at ``url`` for the last ``days`` of a channel. Raises ApiError."""
    found = ask(url, f"/api/v1/channels/{quote(channel, safe='')}/history?from={now - days * 86400:.0f}&to={now:.0f}")
    if not isinstance(found.get("intervals"), list):
        raise ApiError(f"{url}: not the answer of a collector")
    return found


def table(found: dict[str, Any], language: Language, now: float) -> Table:
    """Lay the past of one channel out for people, oldest first; times are local (UTC+7)."""
    shown = Table(
        title=escape(found["channel"]),
        box=None,
        pad_edge=False,
        caption="\n".join(
            f"{_time(one['at'])}: {_time(one['since'])} … {_time(one['until'])}: {escape(one['note'][language.value])}"
            for one in found["revisions"]
        ),
    )
    for vi, en, width in (
        ("Từ lúc", "From", 8),
        ("Đến lúc", "To", 8),
        ("Kéo dài", "Lasted", None),
        ("Tình trạng", "State", 12),
        ("Lý do", "Reason", None),
        ("Bên xử lý", "Party", 9),
        ("Nguồn", "Known from", 9),
    ):
        shown.add_column(language.say(vi=vi, en=en), max_width=width, overflow="fold")
    for one in found["intervals"]:
        until, detail = one["until"], one["detail"][language.value]
        style = STYLES.get(one["state"], "")
        vi, en = ORIGINS.get(one["origin"], (one["origin"], one["origin"]))
        shown.add_row(
            _time(one["since"]),
            "…" if until is None else _time(until),
            str(dt.timedelta(seconds=round((now if until is None else until) - one["since"]))),
            f"[{style}]{MARKS.get(one['state'], '?')} {escape(one['state_words'][language.value])}[/]",
            f"{one['reason']}\n[dim]{escape(detail)}[/]" if detail else one["reason"],
            escape(one["party_words"][language.value]),
            language.say(vi=vi, en=en),
        )
    return shown


def _time(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, _VIET_NAM):%d/%m %H:%M:%S}"
