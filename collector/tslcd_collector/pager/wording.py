"""Stories as messages of one language, no longer than a channel takes. Pure.

Invariants: a message is never longer than its limit, counted in UTF-16 units as chats do; its first line says how serious and what,
its last one is the link when there is one, and neither is ever cut for the sake of what is between. Lists are cut as whole lines, with
"và N kênh khác" after them.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.pager.hours import clock
from tslcd_collector.pager.story import Item, Kind, Story, Words
from tslcd_collector.verdict import PARTY_WORDS, Party

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tslcd_runtime.language import Language

SEVERITY_WORDS: Final = {
    "critical": Words("KHẨN CẤP", "CRITICAL"),
    "major": Words("NGHIÊM TRỌNG", "MAJOR"),
    "warning": Words("CẢNH BÁO", "WARNING"),
    "info": Words("THÔNG TIN", "INFO"),
}
KIND_WORDS: Final = {
    Kind.FIRING: Words("", ""),
    Kind.MORE: Words("THÊM", "MORE"),
    Kind.ESCALATION: Words("CHƯA AI XÁC NHẬN", "NOT ACKNOWLEDGED"),
    Kind.REMINDER: Words("NHẮC LẠI", "REMINDER"),
    Kind.RESOLVED: Words("ĐÃ KHẮC PHỤC", "RESOLVED"),
    Kind.SUMMARY: Words("TÓM TẮT", "SUMMARY"),
    Kind.TEST: Words("THỬ", "TEST"),
}
#: Lines of a list in one message, however short they are.
MAX_LINES: Final = 12
#: A first line is never cut shorter, and a line of less than that tells nothing.
_LEAST_HEAD: Final = 40
_LEAST_LINE: Final = 20
_CUT: Final = "..."


class Form(NamedTuple):
    """How a channel wants its messages. ``limit``: UTF-16 units, at least 70; ``ascii``: Vietnamese without marks."""

    language: Language
    limit: int
    ascii: bool = False


def length(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def title(story: Story, language: Language) -> str:
    """Return one line: how serious, and what."""
    kind, severity = KIND_WORDS[story.kind], SEVERITY_WORDS[story.severity]
    mark = _say(kind if story.kind in {Kind.RESOLVED, Kind.TEST} else severity, language)
    if story.kind not in {Kind.RESOLVED, Kind.TEST} and kind.vi:
        mark += f" · {_say(kind, language)}"
    what = _say(story.items[0].summary, language)
    return f"[{mark}] {what}{_others(story, story.total - 1, language)}"


def message(story: Story, form: Form, link: str = "") -> str:
    """Return the whole message."""
    say, tail = form.language.say, []
    if story.incident:
        tail.append(say(vi=f"Sự cố số {story.incident}", en=f"Incident {story.incident}"))
        runbook = story.items[0].runbook
        if runbook and story.kind is not Kind.RESOLVED:
            tail[0] += say(vi=f" · Hướng dẫn: {runbook}", en=f" · Runbook: {runbook}")
    if link:
        tail.append(say(vi=f"Xác nhận: {link}", en=f"Acknowledge: {link}"))
    if story.total == 1:
        return _fit(title(story, form.language), _single(story, form.language), tail, form)
    lines = [f"- {_line(story, item, form.language)}" for item in story.items[:MAX_LINES]]
    action = _say(story.items[0].action, form.language)
    if action and story.kind is not Kind.RESOLVED:
        tail.insert(0, _cut(say(vi=f"Việc cần làm: {action}", en=f"To do: {action}"), form.limit // 5))

    def more(left: int) -> str:
        return _others(story, left, form.language).strip()

    return _fit(title(story, form.language), lines, tail, form, more=more, total=story.total)


def summary(stories: Sequence[Story], form: Form, link: str = "") -> str:
    """Return one message for what was held back, the most serious first."""
    ranks, say = list(SEVERITY_WORDS), form.language.say
    ordered = sorted(stories, key=lambda story: (ranks.index(story.severity), story.at))
    mark = _say(KIND_WORDS[Kind.SUMMARY], form.language)
    head = say(vi=f"[{mark}] {len(stories)} thông báo gộp", en=f"[{mark}] {len(stories)} messages in one")
    lines = [f"- {title(story, form.language)} ({clock(story.at)[:5]})" for story in ordered]
    numbers = ", ".join(dict.fromkeys(str(story.incident) for story in ordered if story.incident))
    tail = [_cut(say(vi=f"Sự cố số {numbers}", en=f"Incidents {numbers}"), form.limit // 5)] if numbers else []
    if link:
        tail.append(say(vi=f"Xác nhận tất cả: {link}", en=f"Acknowledge all: {link}"))

    def more(left: int) -> str:
        return say(vi=f"và {left} thông báo khác", en=f"and {left} more")

    return _fit(head, lines, tail, form, more=more, total=len(lines))


def duration(seconds: float, language: Language) -> str:
    """Write how long something lasted: ``2 giờ 5 phút``."""
    whole = max(0, round(seconds))
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    parts = [(days, "ngày", "d"), (hours, "giờ", "h"), (minutes, "phút", "min"), (secs, "giây", "s")]
    first = next((place for place, part in enumerate(parts) if part[0]), 3)
    shown = [part for part in parts[first : first + 2] if part[0]] or [parts[3]]
    return " ".join(f"{count} {language.say(vi=vi, en=en)}" for count, vi, en in shown)


def plain_letters(text: str) -> str:
    """Write Vietnamese without marks, for SMS: ``Kênh mất kết nối`` is ``Kenh mat ket noi``."""
    spread = unicodedata.normalize(
        "NFD", text.replace("đ", "d").replace("Đ", "D").replace("·", "-").replace("…", "...")
    )
    return "".join(letter for letter in spread if letter.isascii())


def _single(story: Story, language: Language) -> list[str]:
    item = story.items[0]
    if story.kind is Kind.TEST:
        return [language.say(vi=f"Lúc: {clock(story.at)}", en=f"At: {clock(story.at)}")]
    lines = []
    reason, action = _say(item.reason, language), _say(item.action, language)
    if reason:
        lines.append(language.say(vi=f"Lý do: {reason}", en=f"Reason: {reason}"))
    if story.kind is Kind.RESOLVED and item.until is not None:
        lasted = duration(item.until - item.since, language)
        lines.append(language.say(vi=f"Từ: {clock(item.since)}", en=f"From: {clock(item.since)}"))
        lines.append(language.say(vi=f"Đến: {clock(item.until)}", en=f"Until: {clock(item.until)}"))
        lines.append(language.say(vi=f"Kéo dài: {lasted}", en=f"Lasted: {lasted}"))
        return lines
    if item.party != Party.NONE.value:
        who = PARTY_WORDS[Party(item.party)]
        lines.append(language.say(vi=f"Bên xử lý: {who.vi}", en=f"To act: {who.en}"))
    lines.append(language.say(vi=f"Từ: {clock(item.since)}", en=f"Since: {clock(item.since)}"))
    if action:
        lines.append(language.say(vi=f"Việc cần làm: {action}", en=f"To do: {action}"))
    return lines


def _line(story: Story, item: Item, language: Language) -> str:
    text = _say(item.summary, language)
    if story.kind is Kind.RESOLVED and item.until is not None:
        return f"{text}: {duration(item.until - item.since, language)}"
    since = clock(item.since)[:5]
    return text + language.say(vi=f" (từ {since})", en=f" (since {since})")


def _others(story: Story, left: int, language: Language) -> str:
    if left <= 0:
        return ""
    if all(item.channel for item in story.items):
        return language.say(vi=f" và {left} kênh khác", en=f" and {left} other channels")
    return language.say(vi=f" và {left} cảnh báo khác", en=f" and {left} other alerts")


def _say(words: Words, language: Language) -> str:
    return language.say(vi=words.vi, en=words.en)


def _fit(
    head: str,
    lines: Sequence[str],
    tail: Sequence[str],
    form: Form,
    *,
    more: Callable[[int], str] | None = None,
    total: int = 0,
) -> str:
    """Put lines together. What does not fit is cut; with ``more``, as whole lines, and it says how many of ``total`` are left."""
    if form.ascii:
        head, lines, tail = (
            plain_letters(head),
            [plain_letters(one) for one in lines],
            [plain_letters(one) for one in tail],
        )
    while tail and length("\n".join(tail)) > form.limit - _LEAST_HEAD:
        tail = tail[1:]  # the link is the last one: whole, or not at all
    end = "\n".join(tail)
    room = form.limit - (length(end) + 1 if end else 0)
    head = _cut(head, max(_LEAST_HEAD, room // 2) if lines else room)
    room -= length(head)
    kept: list[str] = []
    for place, line in enumerate(lines):
        last = place == len(lines) - 1 and (more is None or total <= len(lines))
        spare = 0 if more is None or last else length(more(total)) + 1
        if length(line) + 1 + spare > room:
            if more is None and room > _LEAST_LINE:
                kept.append(_cut(line, room - 1))
            break
        kept.append(line)
        room -= length(line) + 1
    if more is not None and len(kept) < total and (left := more(total - len(kept))) and length(left) + 1 <= room:
        kept.append(plain_letters(left) if form.ascii else left)
    return "\n".join([head, *kept, *tail])


def _cut(text: str, limit: int) -> str:
    if length(text) <= limit:
        return text
    kept = text[: max(0, limit - len(_CUT))]
    while kept and length(kept) > limit - len(_CUT):
        kept = kept[:-1]
    return kept.rstrip() + _CUT
