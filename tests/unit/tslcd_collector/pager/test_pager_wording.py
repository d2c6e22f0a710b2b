"""What people read: both languages, every kind, and never longer than a channel takes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.paging import NOON, alert, post
from tslcd_collector.pager import webhook
from tslcd_collector.pager.story import Item, Kind, Story
from tslcd_collector.pager.wording import Form, duration, length, message, plain_letters, summary
from tslcd_runtime.language import Language

VI, EN = Form(Language.VI, 2000), Form(Language.EN, 2000)
LINK = "https://pager.example/ack/" + "x" * 60


def item(name: str = "c1", until: float | None = None, text: str | None = None) -> Item:
    """Return the item of an alert."""
    annotations = {"summary_vi": text} if text is not None else None
    return webhook.read(post(alert(name, ends=until, annotations=annotations))).alerts[0].item


def story(
    *items: Item, kind: Kind = Kind.FIRING, total: int = 0, severity: str = "critical", incident: int = 12
) -> Story:
    """Return a story of these items."""
    return Story(kind=kind, severity=severity, incident=incident, items=list(items), total=total or len(items), at=NOON)


def test_one_cut_in_vietnamese() -> None:
    """How serious, what, why, who, since when, what to do, and how to take it."""
    assert message(story(item()), VI, LINK).splitlines() == [
        "[KHẨN CẤP] Kênh c1 mất kết nối",
        "Lý do: giao diện mất tín hiệu",
        "Bên xử lý: đơn vị vận hành",
        "Từ: 14:00:00 24/09/2026",
        "Việc cần làm: báo đơn vị vận hành",
        "Sự cố số 12 · Hướng dẫn: ChannelDown",
        f"Xác nhận: {LINK}",
    ]


def test_one_cut_in_english() -> None:
    """The same."""
    assert message(story(item()), EN).splitlines() == [
        "[CRITICAL] Channel c1 is down",
        "Reason: the interface is down",
        "To act: operator",
        "Since: 14:00:00 24/09/2026",
        "To do: call the operator",
        "Incident 12 · Runbook: ChannelDown",
    ]


def test_the_end_says_how_long_it_was() -> None:
    """From, until, duration; nothing to do and nothing to acknowledge."""
    text = message(story(item(until=NOON + 7500), kind=Kind.RESOLVED), VI)
    assert text.splitlines() == [
        "[ĐÃ KHẮC PHỤC] Kênh c1 mất kết nối",
        "Lý do: giao diện mất tín hiệu",
        "Từ: 14:00:00 24/09/2026",
        "Đến: 16:05:00 24/09/2026",
        "Kéo dài: 2 giờ 5 phút",
        "Sự cố số 12",
    ]


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (Kind.MORE, "[KHẨN CẤP · THÊM] "),
        (Kind.ESCALATION, "[KHẨN CẤP · CHƯA AI XÁC NHẬN] "),
        (Kind.REMINDER, "[KHẨN CẤP · NHẮC LẠI] "),
        (Kind.TEST, "[THỬ] "),
    ],
)
def test_the_first_line_says_why_it_is_sent(kind: Kind, head: str) -> None:
    """So that nobody takes a reminder for another fault."""
    assert message(story(item(), kind=kind), VI).startswith(head)


def test_many_channels_are_one_message_with_the_rest_counted() -> None:
    """Sixty channels: a dozen lines, and how many more there are."""
    text = message(story(*(item(f"c{number}") for number in range(50)), total=60), VI, LINK)
    lines = text.splitlines()
    assert lines[0] == "[KHẨN CẤP] Kênh c0 mất kết nối và 59 kênh khác"
    assert lines[1] == "- Kênh c0 mất kết nối (từ 14:00)"
    assert lines[13] == "và 48 kênh khác"
    assert lines[-1] == f"Xác nhận: {LINK}"


def test_what_is_no_channel_is_called_an_alert() -> None:
    """A device or an agent is not a channel."""
    other = msgspec.structs.replace(item("c2"), channel="")
    assert message(story(item(), other), VI).startswith("[KHẨN CẤP] Kênh c1 mất kết nối và 1 cảnh báo khác")


def test_a_list_is_cut_as_whole_lines() -> None:
    """What does not fit is counted, whatever the limit."""
    items = [item(f"c{number}", text=f"{'x' * 150} {number}") for number in range(12)]
    text = message(story(*items), Form(Language.VI, 1000), LINK)
    shown = [line for line in text.splitlines() if line.startswith("- ")]
    assert all(line.endswith("(từ 14:00)") for line in shown)
    assert f"và {12 - len(shown)} kênh khác" in text.splitlines()


def test_an_sms_is_plain_letters_with_the_link_whole() -> None:
    """459 letters of the GSM alphabet at most, the link among them."""
    text = message(
        story(*(item(f"c{number}") for number in range(50)), total=60), Form(Language.VI, 459, ascii=True), LINK
    )
    assert text.isascii()
    assert text.startswith("[KHAN CAP] Kenh c0 mat ket noi va 59 kenh khac")
    assert text.endswith(LINK)
    assert len(text) <= 459


def test_a_summary_tells_the_worst_first() -> None:
    """With the numbers of all, and one link for all."""
    held = [story(item("c9"), severity="warning", incident=1), story(item("c1"), severity="critical", incident=2)]
    lines = summary(held, VI, LINK).splitlines()
    assert lines == [
        "[TÓM TẮT] 2 thông báo gộp",
        "- [KHẨN CẤP] Kênh c1 mất kết nối (14:00)",
        "- [CẢNH BÁO] Kênh c9 mất kết nối (14:00)",
        "Sự cố số 2, 1",
        f"Xác nhận tất cả: {LINK}",
    ]


ANY_TEXT = st.text(min_size=1, max_size=900)


@given(
    st.lists(ANY_TEXT, min_size=1, max_size=30),
    st.integers(70, 2000),
    st.booleans(),
    st.sampled_from(Kind),
    st.sampled_from(Language),
)
def test_no_message_is_too_long(texts: list[str], limit: int, ascii_only: bool, kind: Kind, language: Language) -> None:
    """Counted as chats count, with emoji and everything; the first line is there, and the link is whole or absent."""
    until = NOON + 60 if kind is Kind.RESOLVED else None
    one = story(*(item(f"c{number}", until, text) for number, text in enumerate(texts)), kind=kind)
    form = Form(language, limit, ascii_only)
    for text in (message(one, form, LINK), summary([one] * len(texts), form, LINK)):
        assert length(text) == len(text.encode("utf-16-le")) // 2 <= limit
        assert text.startswith("[")
        assert text.endswith(LINK) or "https://" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 giây"), (59.4, "59 giây"), (60, "1 phút"), (3725, "1 giờ 2 phút"), (86400, "1 ngày"), (200000, "2 ngày 7 giờ"), (-5, "0 giây")],
)  # fmt: skip
def test_durations_have_two_parts(seconds: float, text: str) -> None:
    """The two largest."""
    assert duration(seconds, Language.VI) == text


def test_marks_are_taken_off_letters() -> None:
    """Every letter of Vietnamese has a plain one."""
    assert plain_letters("Đường truyền ỨNG HOÀ · Nguyễn…") == "Duong truyen UNG HOA - Nguyen..."
