"""Every phrase of details in both languages, and how details are kept."""

from __future__ import annotations

import datetime as dt
import re
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.channel_truth import TABLE, WAITING
from support.channels import BOTH, NOW, channel
from tslcd_collector.judge import judge, phrases
from tslcd_collector.judge.phrases import Phrase
from tslcd_collector.verdict import NOTHING, Words, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HOW: Final = phrases.OFFLINE(agent="a1")
CUT: Final = phrases.NO_LINK(interface="wan1", device="fw")
GRADE: Final = phrases.CRITICAL(bound=phrases.percent(0.05))
UP: Final = phrases.WOULD_BE(state=Words("hoạt động", "up/ok"))
#: What | the values | what a person reads.
READ: Final[list[tuple[str, dict[str, Any], str, str]]] = [
    ("NOT_BOUND", {}, "kênh chưa khai báo giao diện hay phép đo nào", "the channel is not bound to an interface or a probe"),
    ("NEVER_HEARD", {"agent": "a1"}, "chưa từng nhận được tin của tác tử a1", "agent a1 was never heard"),
    ("NO_BROKER", {}, "bộ thu mất kết nối với máy chủ MQTT", "the collector does not hear the broker"),
    ("STOPPED", {"agent": "a1"}, "tác tử a1 đã được chủ động dừng", "agent a1 was stopped"),
    ("SILENT", {"agent": "a1"}, "tác tử a1 không gửi báo cáo", "agent a1 is silent"),
    ("OFFLINE", {"agent": "a1"}, "tác tử a1 đã ngắt kết nối", "agent a1 is offline"),
    ("ON_BATTERY", {"how": HOW}, "tác tử a1 đã ngắt kết nối, trước đó điểm kết nối đã chạy bằng ắc quy", "agent a1 is offline, and the site ran on battery before"),
    ("LAST_WORDS", {"how": HOW, "detail": CUT}, "tác tử a1 đã ngắt kết nối, tin cuối cùng: giao diện wan1 của thiết bị fw mất tín hiệu", "agent a1 is offline, its last words: interface wan1 on device fw has no link"),
    ("CARRIER_SILENT", {"how": HOW, "channel": "c0"}, "tác tử a1 đã ngắt kết nối; tác tử của kênh cấp trên c0 cũng vậy, và kênh đó đã mất kết nối", "agent a1 is offline, and so is that of channel c0, which carries it and was cut"),
    ("NEIGHBOUR_SPARE", {"how": HOW}, "tác tử a1 đã ngắt kết nối, một tác tử khác của điểm kết nối gửi báo cáo qua đường dự phòng", "agent a1 is offline, another one of the site is heard by a spare way"),
    ("SPARE_WAY", {"agent": "a1"}, "báo cáo của tác tử a1 đi đường dự phòng, không qua kênh này", "reports of agent a1 leave by a spare way, not by this channel"),
    ("CARRIER_DOWN", {"channel": "c0"}, "kênh cấp trên c0 mất kết nối", "channel c0, which carries it, is down"),
    ("CARRIER_BACK", {"channel": "c0"}, "kênh cấp trên c0 vừa có lại, kênh này chưa được đo lại", "channel c0, which carries it, is back; this one was not measured since"),
    ("SWITCHED_OFF", {"interface": "wan1", "device": "fw"}, "giao diện wan1 của thiết bị fw bị tắt trong cấu hình", "interface wan1 on device fw is switched off"),
    ("NO_LINK", {"interface": "wan1", "device": "fw"}, "giao diện wan1 của thiết bị fw mất tín hiệu", "interface wan1 on device fw has no link"),
    ("NEITHER", {"device": "fw", "probe": "gateway"}, "thiết bị fw và phép đo gateway đều không có trả lời", "neither device fw nor probe gateway answers"),
    ("NO_ANSWER", {"probe": "gateway"}, "phép đo gateway không có trả lời", "probe gateway has no answer"),
    ("FLAPPED", {"times": 3, "minutes": "15"}, "mất kết nối 3 lần trong 15 phút", "down 3 times within 15 min"),
    ("LOST", {"probe": "gateway", "share": phrases.percent(0.07), "rounds": 3, "grade": GRADE}, "phép đo gateway mất 7 % số gói qua 3 lượt, khẩn cấp từ 5 %", "probe gateway lost 7% over 3 rounds, critical from 5%"),
    ("SLOW", {"probe": "gateway", "figure": "25 ms", "rounds": 3, "grade": NOTHING}, "phép đo gateway có độ trễ 25 ms qua 3 lượt", "probe gateway takes 25 ms over 3 rounds"),
    ("UNSTEADY", {"probe": "gateway", "figure": "12 ms", "rounds": 3, "grade": NOTHING}, "phép đo gateway có biến động trễ 12 ms qua 3 lượt", "probe gateway varies by 12 ms over 3 rounds"),
    ("BAD_PACKETS", {"share": phrases.percent(0.0012, 2), "interface": "wan1", "minutes": "5", "grade": NOTHING}, "0,12 % số gói qua giao diện wan1 bị lỗi hoặc bị loại trong 5 phút", "0.12% of the packets of interface wan1 have errors or are discarded over 5 min"),
    ("CRITICAL", {"bound": phrases.percent(0.01, 2)}, ", khẩn cấp từ 1,00 %", ", critical from 1.00%"),
    ("LOAD", {"direction": phrases.DIRECTIONS["inbound"], "share": phrases.percent(0.95), "minutes": "5"}, "lưu lượng hướng về bằng 95 % băng thông hợp đồng trong 5 phút", "95% of the contracted bandwidth inbound over 5 min"),
    ("AS_BEFORE", {}, "như trước: chưa đủ số liệu để kết luận khác", "as before: too few readings yet to say otherwise"),
    ("GROUP_LOST", {"channel": "c9"}, "kênh c9 cùng nhóm dự phòng mất kết nối", "channel c9 of its group is down"),
    ("AND", {"one": CUT, "other": HOW}, "giao diện wan1 của thiết bị fw mất tín hiệu, đồng thời tác tử a1 đã ngắt kết nối", "interface wan1 on device fw has no link, and agent a1 is offline"),
    ("NO_ANSWER_YET", {}, "các phép đo chưa có trả lời", "the probes have no answer yet"),
    ("DEVICE_MUTE", {"device": "fw"}, "thiết bị fw không trả lời", "device fw does not answer"),
    ("SNMP", {"device": "fw", "state": phrases.SNMP_WORDS["refused"]}, "SNMP của thiết bị fw bị từ chối", "SNMP of device fw is refused"),
    ("DEVICE_NEVER", {"device": "fw"}, "chưa từng có số liệu của thiết bị fw", "device fw was never reported"),
    ("DEVICE_OLD", {"device": "fw"}, "thiết bị fw không có số liệu mới", "device fw has not been reported lately"),
    ("NOT_THERE", {"interface": "wan9", "device": "fw", "there": phrases.NONE}, "thiết bị fw không có giao diện wan9; các giao diện hiện có: không có", "interface wan9 is not on device fw; it has none"),
    ("INTERFACE_OLD", {"interface": "wan1", "device": "fw"}, "giao diện wan1 của thiết bị fw không có số liệu mới", "interface wan1 of device fw has no recent state"),
    ("PROBE_NEVER", {"probe": "core"}, "phép đo core chưa từng có kết quả", "probe core was never measured"),
    ("PROBE_OLD", {"probe": "core"}, "phép đo core không có kết quả mới", "probe core has no recent measurement"),
    ("AND_MORE", {"names": "lan, wan1", "count": 3}, "lan, wan1 và 3 giao diện nữa", "lan, wan1 and 3 more"),
    ("NONE", {}, "không có", "none"),
    ("NOT_YET", {"would_be": UP}, "chưa đưa vào sử dụng; tình trạng thực tế: hoạt động", "not in service yet; would be: up/ok"),
    ("FROM_DAY", {"day": phrases.day(dt.date(2026, 9, 22)), "would_be": UP}, "đưa vào sử dụng từ 22/09/2026; tình trạng thực tế: hoạt động", "in service from 2026-09-22 on; would be: up/ok"),
    ("PLANNED", {"kind": phrases.KINDS["drill"], "until": phrases.moment(NOW), "title": "{title} {0}", "would_be": UP}, "diễn tập đến 21/09/2026 21:13: {title} {0}; tình trạng thực tế: hoạt động", "drill until 2026-09-21 21:13: {title} {0}; would be: up/ok"),
    ("OF_CARRIER", {"channel": "c0", "title": "Thay thiết bị"}, "kênh cấp trên c0: Thay thiết bị", "of channel c0: Thay thiết bị"),
    ("WOULD_BE", {"state": Words("hoạt động", "up/ok")}, "tình trạng thực tế: hoạt động", "would be: up/ok"),
    ("WOULD_BE_SINCE", {"state": Words("mất kết nối", "down/interface_down"), "detail": CUT}, "tình trạng thực tế: mất kết nối (giao diện wan1 của thiết bị fw mất tín hiệu)", "would be: down/interface_down: interface wan1 on device fw has no link"),
    ("NO_POWER", {"agent": "a1", "minutes": 12}, "tác tử a1 mất điện 12 phút", "agent a1 had no power for 12 min"),
    ("NOT_RUNNING", {}, "bộ thu không chạy", "the collector was not running"),
    ("LATE_REPORTS", {}, "đánh giá lại theo số liệu gửi bù", "judged again from late reports"),
    ("POWER_CUT", {}, "tác tử báo đã mất điện", "the agent told of a power cut"),
]  # fmt: skip
#: Told by the ledger, or of a device with more interfaces than one of the table has.
ELSEWHERE: Final = {"NO_POWER", "NOT_RUNNING", "LATE_REPORTS", "POWER_CUT", "AND_MORE"}


def _all() -> dict[str, Phrase | Words]:
    return {name: one for name, one in vars(phrases).items() if isinstance(one, Phrase | Words) and name.isupper()}


def _asked(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _details() -> Iterator[Words]:
    for _, binding, measured, _, _ in TABLE:
        yield judge(channel(binding), measured, NOW).detail
    for _, changes, measured, _ in WAITING:
        yield judge(channel(BOTH, **changes), measured, NOW).detail


@pytest.mark.parametrize(("name", "values", "vi", "en"), READ, ids=[row[0] for row in READ])
def test_a_phrase_reads_so_in_both_languages(name: str, values: dict[str, Any], vi: str, en: str) -> None:
    """Values stand where each language wants them, and braces in a value are text."""
    one = _all()[name]
    assert (one(**values) if isinstance(one, Phrase) else one) == Words(vi, en)


def test_every_phrase_is_in_the_table_and_asks_the_same_in_both_languages() -> None:
    """A new phrase without a row fails, and so does a parameter that one language forgets."""
    assert [row[0] for row in READ] == list(_all())
    for name, one in _all().items():
        assert one.vi != one.en, name
        if isinstance(one, Phrase):
            assert _asked(one.vi) == _asked(one.en) != set(), name


@pytest.mark.parametrize("name", sorted(set(_all()) - ELSEWHERE))
def test_every_phrase_is_told_of_some_channel(name: str) -> None:
    """No phrase that the judge never says: each is in a detail of the table of the truth, in both languages."""
    vi, en = (re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in _all()[name])
    assert any(re.search(vi, said.vi) and re.search(en, said.en) for said in _details())


@given(st.text(), st.text())
def test_what_is_kept_is_read_again(vi: str, en: str) -> None:
    """Whatever the texts are; what says nothing takes no room."""
    one = Words(vi, en)
    assert words_of(one.kept()) == one
    assert one or not one.kept()


@pytest.mark.parametrize(
    "plain",
    ["interface wan1 on device fw has no link", '["', '["a"]', '["a","b","c"]', "[wan1]", '{"vi":"a","en":"b"}', "["],
)
def test_plain_text_of_older_programs_is_read_as_it_is(plain: str) -> None:
    """It stands in both languages, and is never an error."""
    assert words_of(plain) == Words(plain, plain)
