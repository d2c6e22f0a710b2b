"""What a person wrote into a form, checked: pure functions, every mistake at its field, in both languages.

Times in forms are local (``datetime-local`` of HTML, UTC+7), or ISO 8601 with an offset, or UTC seconds from programs.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.maintenance import VIET_NAM
from tslcd_collector.operations.rows import MAX_TEXT, MAX_TITLE, PlannedWork

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tslcd_collector.maintenance import Kind, Planned

#: What begins a little earlier than now is meant to begin now; a person needs time to fill in a form. Seconds.
LATE: Final = 900.0
#: Longest planned work, seconds, and how far ahead it may begin.
LONGEST: Final = 31 * 86400.0
FARTHEST: Final = 400 * 86400.0
#: Names in one field.
MAX_NAMES: Final = 500
KINDS: Final[tuple[Kind, ...]] = ("maintenance", "drill")

Fields = dict[str, list[str]]


class Message(NamedTuple):
    """A text for people, Vietnamese first."""

    vi: str
    en: str


class FormError(Exception):
    """A form that cannot be accepted; ``problems`` has a message for each wrong field, in the order of the form."""

    def __init__(self, problems: Mapping[str, Message]) -> None:
        """Remember."""
        self.problems = dict(problems)
        super().__init__("; ".join(f"{name}: {message.en}" for name, message in self.problems.items()))


def text(fields: Fields, name: str, *, longest: int = MAX_TEXT, required: bool = False) -> str:
    """Read one text: NFC, no control characters but line ends, trimmed. Raises FormError."""
    raw = unicodedata.normalize("NFC", _last(fields, name))
    found = "".join(one for one in raw if one == "\n" or unicodedata.category(one) not in {"Cc", "Cf", "Cs"}).strip()
    if required and not found:
        raise FormError({name: Message("Chưa nhập nội dung.", "Nothing was entered.")})
    if len(found) > longest:
        raise FormError({
            name: Message(
                f"Dài {len(found)} ký tự, tối đa {longest}.", f"{len(found)} characters long, at most {longest} allowed."
            )
        })  # fmt: skip
    return found


def planned_work(fields: Fields, channels: Collection[Planned], who: str, now: float) -> PlannedWork:
    """Read planned work that concerns at least one of ``channels``. Raises FormError with every mistake."""
    problems: dict[str, Message] = {}
    texts: dict[str, str] = {}
    for name, longest, required in (("title", MAX_TITLE, True), ("contact", MAX_TITLE, False)):
        try:
            texts[name] = text(fields, name, longest=longest, required=required)
        except FormError as error:
            problems |= error.problems
    wanted_kind = _last(fields, "kind") or "maintenance"
    kind = next((one for one in KINDS if one == wanted_kind), None)
    if kind is None:
        problems["kind"] = Message("Chọn bảo trì hoặc diễn tập.", f"Allowed are {' and '.join(KINDS)}.")
    begin, end = _moment(fields, "from", problems), _moment(fields, "until", problems)
    if begin is not None and not now - LATE <= begin <= now + FARTHEST:
        problems["from"] = (
            Message("Thời điểm bắt đầu đã qua.", "The beginning is in the past.")
            if begin < now
            else Message("Bắt đầu quá xa: tối đa 400 ngày nữa.", "Too far ahead: at most 400 days from now.")
        )
    if begin is not None and end is not None and end <= begin:
        problems["until"] = Message("Kết thúc phải sau khi bắt đầu.", "The end must be after the beginning.")
    elif end is not None and end <= now:
        problems["until"] = Message("Thời điểm kết thúc đã qua.", "The end is in the past.")
    elif begin is not None and end is not None and end - begin > LONGEST:
        problems["until"] = Message("Dài quá 31 ngày.", "Longer than 31 days.")
    names = {
        field: _names(fields, field, wanted, problems)
        for field, wanted in (
            ("channels", {one.id for one in channels}),
            ("sites", {one.site.id for one in channels}),
            ("operators", {one.operator for one in channels}),
        )
    }
    named = any(names.values()) or any(field in problems for field in names)
    if not named and _last(fields, "everything") not in {"1", "true", "on"}:
        problems["channels"] = Message(
            "Chọn kênh, điểm kết nối, đơn vị vận hành, hoặc đánh dấu “tất cả”.",
            "Name channels, sites or operators, or say that everything is meant.",
        )
    if problems or kind is None or begin is None or end is None:
        raise FormError(problems)
    lists = (names["channels"], names["sites"], names["operators"])
    work = PlannedWork(texts["title"], kind, begin, end, *lists, texts["contact"], who, now)
    if not any(work.window().concerns(one) for one in channels):
        raise FormError({
            "channels": Message(
                "Không có kênh nào thuộc đồng thời các mục đã chọn.", "No channel fits everything that is named."
            )
        })  # fmt: skip
    return work


def moment(raw: str) -> float:
    """Read a time, UTC seconds. Raises ValueError."""
    try:
        seconds = float(raw)
    except ValueError:
        when = dt.datetime.fromisoformat(raw.strip())
        try:
            seconds = (when if when.tzinfo else when.replace(tzinfo=VIET_NAM)).timestamp()
        except OverflowError as error:
            raise ValueError(str(error)) from None
    if not 0 <= seconds < 1e11:  # noqa: PLR2004 - some thousand years; also refuses what is not a number
        msg = "not a time of this age"
        raise ValueError(msg)
    return seconds


def _last(fields: Fields, name: str) -> str:
    return next(reversed(fields.get(name, ())), "")


def _moment(fields: Fields, name: str, problems: dict[str, Message]) -> float | None:
    raw = _last(fields, name).strip()
    try:
        return moment(raw)
    except ValueError:
        problems[name] = (
            Message("Không đọc được thời điểm, ví dụ 2026-09-21T22:00.", "Not a time, for example 2026-09-21T22:00.")
            if raw
            else Message("Chưa nhập thời điểm.", "No time was entered.")
        )
        return None


def _names(fields: Fields, name: str, known: Collection[str], problems: dict[str, Message]) -> tuple[str, ...]:
    given: Sequence[str] = [
        part for value in fields.get(name, []) for part in value.replace(",", "\n").split("\n") if part.strip()
    ]
    found = tuple(dict.fromkeys(unicodedata.normalize("NFC", part.strip()) for part in given[: MAX_NAMES + 1]))
    unknown = [part for part in found if part not in known]
    if len(found) > MAX_NAMES:
        problems[name] = Message(f"Nhiều hơn {MAX_NAMES} mục.", f"More than {MAX_NAMES} of them.")
    elif unknown:
        shown = ", ".join(part[:48] for part in unknown[:5])
        problems[name] = Message(f"Không có trong danh mục: {shown}.", f"Not in the inventory: {shown}.")
    return found
