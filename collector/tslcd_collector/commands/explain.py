"""``explain``: what the verdict of one channel follows from, by the API of a running collector."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tslcd_collector.commands.channels import MARKS, STYLES, ask
from tslcd_collector.maintenance import VIET_NAM

if TYPE_CHECKING:
    from tslcd_runtime.language import Language

_OUTCOMES: Final = {
    "decides": ("quyết định", "decides", "bold"),
    "outranked": ("đúng, nhưng xếp sau", "true, but outranked", "yellow"),
    "dismissed": ("bỏ qua", "dismissed", "dim"),
}
_WHAT: Final = {
    "agent": ("tác tử", "agent"),
    "device": ("thiết bị", "device"),
    "interface": ("giao diện", "interface"),
    "traffic": ("lưu lượng", "traffic"),
    "probe": ("phép đo", "probe"),
}
_HOW: Final = {
    "upstream": ("kênh cấp trên", "carried by"),
    "group": ("cùng nhóm dự phòng", "stands in for it"),
    "below": ("kênh đi qua kênh này", "carries"),
}


def fetch(url: str, channel: str) -> dict[str, Any]:
    """Ask the collector at ``url`` about a channel. Raises ApiError."""
    return ask(url, f"/api/v1/channels/{quote(channel, safe='')}/explain")


def shown(told: dict[str, Any], language: Language) -> Group:
    """Lay it out for people."""
    word = language.value
    style = STYLES.get(told["state"], "")
    since = dt.datetime.fromtimestamp(told["since"], VIET_NAM)
    head = Text()
    head.append(f"{MARKS.get(told['state'], '?')} {told['channel']} ", style=style)
    head.append(f"{told['state_words'][word]} · {told['reason']} · {told['party_words'][word]}", style=style)
    head.append(language.say(vi=f" · từ {since:%d/%m %H:%M:%S}", en=f" · since {since:%d/%m %H:%M:%S}"))
    parts: list[Any] = [head, Text(told["sentence"][word])]
    if told["detail"][word]:
        parts.append(Text(told["detail"][word], style="dim"))
    parts += [_inputs(told, language), _considered(told, language), _thresholds(told, language)]
    if told["dependencies"] or told["windows"] or told["cuts"]:
        parts.append(_beside(told, language))
    return Group(*parts)


def _inputs(told: dict[str, Any], language: Language) -> Table:
    table = _table(language.say(vi="Số liệu", en="Readings"), language, ("Cái gì", "What"), ("Tuổi", "Age"), ("", ""))
    for one in told["inputs"]:
        age = language.say(vi="chưa có", en="never") if one["age"] is None else f"{one['age']:.0f} s"
        counts = (
            language.say(vi="được tính", en="counts") if one["counts"] else language.say(vi="không tính", en="ignored")
        )
        text = f"{escape(one['words'][language.value])} ({counts})"
        vi, en = _WHAT[one["what"]]
        table.add_row(
            escape(f"{language.say(vi=vi, en=en)} {one['name']}"), age, text, style="" if one["counts"] else "dim"
        )
    return table


def _considered(told: dict[str, Any], language: Language) -> Table:
    title = language.say(vi="Đã xét, theo thứ tự", en="Considered, in order")
    table = _table(title, language, ("Bước", "Step"), ("Kết quả", "Outcome"), ("", ""))
    for one in told["considered"]:
        vi, en, style = _OUTCOMES[one["outcome"]]
        table.add_row(one["step"], language.say(vi=vi, en=en), escape(one["words"][language.value]), style=style)
    return table


def _thresholds(told: dict[str, Any], language: Language) -> Table:
    title = language.say(vi=f"Ngưỡng của loại {told['class']}", en=f"Thresholds of class {told['class']}")
    table = _table(title, language, ("Khóa", "Key"), ("Đang là", "Now"), ("Giới hạn", "Bound"))
    for one in told["thresholds"]:
        now = "–" if one["figure"] is None else f"{one['figure']:.4g}"
        table.add_row(one["key"], now, f"{one['bound']:.4g}", style="bold" if one["passed"] else "")
    return table


def _beside(told: dict[str, Any], language: Language) -> Table:
    title = language.say(vi="Liên quan", en="What bears on it")
    table = _table(title, language, ("Cái gì", "What"), ("", ""), ("", ""))
    for one in told["dependencies"]:
        vi, en = _HOW[one["how"]]
        state = f"{MARKS.get(one['state'], '?')} {one['state_words'][language.value]} / {one['reason']}"
        table.add_row(language.say(vi=vi, en=en), escape(one["channel"]), state)
    for one in told["windows"]:
        now = (
            language.say(vi="đang diễn ra đến", en="now, until")
            if one["active"]
            else language.say(vi="không phải bây giờ", en="not now")
        )
        table.add_row(one["kind_words"][language.value], escape(one["title"]), f"{now} {one['until'] or ''}".strip())
    for at in told["cuts"]:
        when = dt.datetime.fromtimestamp(at, VIET_NAM)
        table.add_row(language.say(vi="lần mất kết nối", en="cut"), f"{when:%d/%m %H:%M:%S}", "")
    return table


def _table(title: str, language: Language, *columns: tuple[str, str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for vi, en in columns:
        table.add_column(language.say(vi=vi, en=en), overflow="fold")
    return table
