"""The phrases that details of verdicts are made of, each in both languages.

Invariants:

* A phrase has the same parameters in both languages, and what is put into it is a name, a number or :class:`Words`, of which each
  language takes its own. So every detail is there in both languages, or in none.
* Nothing that is put in is read as a phrase: a title of a window with braces in it stays what it is.
* No phrase asks for an address.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final, NamedTuple

from tslcd_collector.maintenance import VIET_NAM, local
from tslcd_collector.verdict import Words

#: What was said is remembered: while a nation is cut off, every round says the same of every channel.
REMEMBERED: Final = 16_384


class Phrase(NamedTuple):
    """One phrase with named parameters in braces; calling it with them gives the words."""

    vi: str
    en: str

    def __call__(self, **values: str | int | Words) -> Words:
        """Put ``values`` in."""
        return _said(self, **values)


@lru_cache(REMEMBERED)
def _said(phrase: Phrase, **values: str | int | Words) -> Words:
    vi = {name: value.vi if isinstance(value, Words) else value for name, value in values.items()}
    en = {name: value.en if isinstance(value, Words) else value for name, value in values.items()}
    return Words(phrase.vi.format_map(vi), phrase.en.format_map(en))


# what is known of the agent
NOT_BOUND: Final = Words(
    "kênh chưa khai báo giao diện hay phép đo nào", "the channel is not bound to an interface or a probe"
)
NEVER_HEARD: Final = Phrase("chưa từng nhận được tin của tác tử {agent}", "agent {agent} was never heard")
NO_BROKER: Final = Words("bộ thu mất kết nối với máy chủ MQTT", "the collector does not hear the broker")
STOPPED: Final = Phrase("tác tử {agent} đã được chủ động dừng", "agent {agent} was stopped")
SILENT: Final = Phrase("tác tử {agent} không gửi báo cáo", "agent {agent} is silent")
OFFLINE: Final = Phrase("tác tử {agent} đã ngắt kết nối", "agent {agent} is offline")
ON_BATTERY: Final = Phrase(
    "{how}, trước đó điểm kết nối đã chạy bằng ắc quy", "{how}, and the site ran on battery before"
)
LAST_WORDS: Final = Phrase("{how}, tin cuối cùng: {detail}", "{how}, its last words: {detail}")
CARRIER_SILENT: Final = Phrase(
    "{how}; tác tử của kênh cấp trên {channel} cũng vậy, và kênh đó đã mất kết nối",
    "{how}, and so is that of channel {channel}, which carries it and was cut",
)
NEIGHBOUR_SPARE: Final = Phrase(
    "{how}, một tác tử khác của điểm kết nối gửi báo cáo qua đường dự phòng",
    "{how}, another one of the site is heard by a spare way",
)
SPARE_WAY: Final = Phrase(
    "báo cáo của tác tử {agent} đi đường dự phòng, không qua kênh này",
    "reports of agent {agent} leave by a spare way, not by this channel",
)
# what cuts the channel
CARRIER_DOWN: Final = Phrase("kênh cấp trên {channel} mất kết nối", "channel {channel}, which carries it, is down")
CARRIER_BACK: Final = Phrase(
    "kênh cấp trên {channel} vừa có lại, kênh này chưa được đo lại",
    "channel {channel}, which carries it, is back; this one was not measured since",
)
SWITCHED_OFF: Final = Phrase(
    "giao diện {interface} của thiết bị {device} bị tắt trong cấu hình",
    "interface {interface} on device {device} is switched off",
)
NO_LINK: Final = Phrase(
    "giao diện {interface} của thiết bị {device} mất tín hiệu", "interface {interface} on device {device} has no link"
)
NEITHER: Final = Phrase(
    "thiết bị {device} và phép đo {probe} đều không có trả lời", "neither device {device} nor probe {probe} answers"
)
NO_ANSWER: Final = Phrase("phép đo {probe} không có trả lời", "probe {probe} has no answer")
# what makes it bad
FLAPPED: Final = Phrase("mất kết nối {times} lần trong {minutes} phút", "down {times} times within {minutes} min")
LOST: Final = Phrase(
    "phép đo {probe} mất {share} số gói qua {rounds} lượt{grade}",
    "probe {probe} lost {share} over {rounds} rounds{grade}",
)
SLOW: Final = Phrase(
    "phép đo {probe} có độ trễ {figure} qua {rounds} lượt{grade}",
    "probe {probe} takes {figure} over {rounds} rounds{grade}",
)
UNSTEADY: Final = Phrase(
    "phép đo {probe} có biến động trễ {figure} qua {rounds} lượt{grade}",
    "probe {probe} varies by {figure} over {rounds} rounds{grade}",
)
BAD_PACKETS: Final = Phrase(
    "{share} số gói qua giao diện {interface} bị lỗi hoặc bị loại trong {minutes} phút{grade}",
    "{share} of the packets of interface {interface} have errors or are discarded over {minutes} min{grade}",
)
CRITICAL: Final = Phrase(", khẩn cấp từ {bound}", ", critical from {bound}")
LOAD: Final = Phrase(
    "lưu lượng {direction} bằng {share} băng thông hợp đồng trong {minutes} phút",
    "{share} of the contracted bandwidth {direction} over {minutes} min",
)
AS_BEFORE: Final = Words(
    "như trước: chưa đủ số liệu để kết luận khác", "as before: too few readings yet to say otherwise"
)
GROUP_LOST: Final = Phrase("kênh {channel} cùng nhóm dự phòng mất kết nối", "channel {channel} of its group is down")
AND: Final = Phrase("{one}, đồng thời {other}", "{one}, and {other}")
# what supervision lacks
NO_ANSWER_YET: Final = Words("các phép đo chưa có trả lời", "the probes have no answer yet")
DEVICE_MUTE: Final = Phrase("thiết bị {device} không trả lời", "device {device} does not answer")
SNMP: Final = Phrase("SNMP của thiết bị {device} {state}", "SNMP of device {device} is {state}")
DEVICE_NEVER: Final = Phrase("chưa từng có số liệu của thiết bị {device}", "device {device} was never reported")
DEVICE_OLD: Final = Phrase("thiết bị {device} không có số liệu mới", "device {device} has not been reported lately")
NOT_THERE: Final = Phrase(
    "thiết bị {device} không có giao diện {interface}; các giao diện hiện có: {there}",
    "interface {interface} is not on device {device}; it has {there}",
)
INTERFACE_OLD: Final = Phrase(
    "giao diện {interface} của thiết bị {device} không có số liệu mới",
    "interface {interface} of device {device} has no recent state",
)
PROBE_NEVER: Final = Phrase("phép đo {probe} chưa từng có kết quả", "probe {probe} was never measured")
PROBE_OLD: Final = Phrase("phép đo {probe} không có kết quả mới", "probe {probe} has no recent measurement")
AND_MORE: Final = Phrase("{names} và {count} giao diện nữa", "{names} and {count} more")
NONE: Final = Words("không có", "none")
# what is planned
NOT_YET: Final = Phrase("chưa đưa vào sử dụng; {would_be}", "not in service yet; {would_be}")
FROM_DAY: Final = Phrase("đưa vào sử dụng từ {day}; {would_be}", "in service from {day} on; {would_be}")
PLANNED: Final = Phrase("{kind} đến {until}: {title}; {would_be}", "{kind} until {until}: {title}; {would_be}")
OF_CARRIER: Final = Phrase("kênh cấp trên {channel}: {title}", "of channel {channel}: {title}")
WOULD_BE: Final = Phrase("tình trạng thực tế: {state}", "would be: {state}")
WOULD_BE_SINCE: Final = Phrase("tình trạng thực tế: {state} ({detail})", "would be: {state}: {detail}")
# what is told afterwards
NO_POWER: Final = Phrase("tác tử {agent} mất điện {minutes} phút", "agent {agent} had no power for {minutes} min")
NOT_RUNNING: Final = Words("bộ thu không chạy", "the collector was not running")
LATE_REPORTS: Final = Words("đánh giá lại theo số liệu gửi bù", "judged again from late reports")
POWER_CUT: Final = Words("tác tử báo đã mất điện", "the agent told of a power cut")

#: States of SNMP (``tslcd_wire.catalogue.SNMP_STATES``).
SNMP_WORDS: Final = {
    "ok": Words("tốt", "ok"),
    "unreachable": Words("không tới được", "unreachable"),
    "refused": Words("bị từ chối", "refused"),
    "silent": Words("không trả lời", "silent"),
    "broken": Words("trả lời sai", "broken"),
}
DIRECTIONS: Final = {"inbound": Words("hướng về", "inbound"), "outbound": Words("hướng đi", "outbound")}
KINDS: Final = {"maintenance": Words("bảo trì", "maintenance"), "drill": Words("diễn tập", "drill")}


def percent(share: float, digits: int = 0) -> Words:
    """Write a share in percent."""
    return Words(f"{decimal(f'{share * 100:.{digits}f}').vi} %", f"{share:.{digits}%}")


def decimal(text: str) -> Words:
    """Write a number, which has a decimal point, with each language's own sign."""
    return Words(text.replace(".", ","), text)


def milliseconds(seconds: float) -> str:
    """Write a delay."""
    return f"{seconds * 1000:.0f} ms"


def moment(at: float) -> Words:
    """Write a time (UTC seconds) with its day, local."""
    return Words(f"{dt.datetime.fromtimestamp(at, VIET_NAM):%d/%m/%Y %H:%M}", local(at))


def day(date: dt.date) -> Words:
    """Write a day."""
    return Words(f"{date:%d/%m/%Y}", date.isoformat())
