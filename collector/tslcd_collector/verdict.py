"""Verdicts: state, reason and responsible party of a channel, and the words for them in both languages.

Invariants:

* ``State``, ``Reason`` and ``Party`` are closed sets; their values are label values of metrics and never change meaning.
* ``detail`` is for people only, in both languages or in none (:mod:`tslcd_collector.judge.phrases`). It never becomes a label and never holds an address, so that it may be sent in a page.
* Who must act follows from where the network ends (Circular 06/2026/TT-BKHCN, article 4.2): up to the connection point
  the operator, from the terminal device inward the agency, and this supervision itself for what it cannot see.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

Language: TypeAlias = Literal["vi", "en"]


class State(enum.Enum):
    """What a channel is."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"


class Reason(enum.Enum):
    """Why. A reason beside the state ``up`` tells what supervision itself lacks."""

    OK = "ok"
    INTERFACE_DOWN = "interface_down"
    ADMIN_DOWN = "admin_down"
    GATEWAY_UNREACHABLE = "gateway_unreachable"
    LOSS = "loss"
    LATENCY = "latency"
    JITTER = "jitter"
    ERRORS = "errors"
    OVERLOADED = "overloaded"
    FLAPPING = "flapping"
    REDUNDANCY_LOST = "redundancy_lost"
    DEVICE_UNREACHABLE = "device_unreachable"
    SNMP_REFUSED = "snmp_refused"
    SITE_POWER = "site_power"
    UPLINK_LOST = "uplink_lost"
    UPSTREAM_DOWN = "upstream_down"
    AGENT_LOST = "agent_lost"
    STALE = "stale"
    NEVER_SEEN = "never_seen"
    MAINTENANCE = "maintenance"
    NOT_IN_SERVICE = "not_in_service"


class Party(enum.Enum):
    """Who must act."""

    OPERATOR = "operator"
    AGENCY = "agency"
    POWER = "power"
    MONITORING = "monitoring"
    NONE = "none"


class Words(NamedTuple):
    """One text in both languages; false when there is none."""

    vi: str
    en: str

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(self.vi or self.en)

    def of(self, language: Language) -> str:
        """Return the text in ``language``."""
        return self.vi if language == "vi" else self.en

    def kept(self) -> str:
        """Return it as it stands in a column of store or ledger: ``["vi","en"]``, or nothing."""
        return _encode(self).decode() if self else ""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Words).decode
#: Of what needs no more words.
NOTHING: Final = Words("", "")


def words_of(kept: str) -> Words:
    """Read what :meth:`Words.kept` wrote. Plain text, as older programs wrote it, is the text in both languages."""
    if kept.startswith('["'):
        try:
            return _decode(kept)
        except msgspec.DecodeError:
            pass
    return Words(kept, kept) if kept else NOTHING


@dataclass(frozen=True, slots=True)
class Verdict:
    """State, reason and party of a channel; ``detail`` is a short clause for people, or empty."""

    state: State
    reason: Reason
    party: Party
    detail: Words = NOTHING

    def agrees(self, other: Verdict) -> bool:
        """Whether both say the same but for the detail, which may change with every measurement."""
        return (self.state, self.reason, self.party) == (other.state, other.reason, other.party)


STATE_WORDS: Final = {
    State.UP: Words("hoạt động", "up"),
    State.DEGRADED: Words("suy giảm chất lượng", "degraded"),
    State.DOWN: Words("mất kết nối", "down"),
    State.UNKNOWN: Words("không có dữ liệu", "unknown"),
    State.MAINTENANCE: Words("bảo trì theo kế hoạch", "maintenance"),
}

REASON_WORDS: Final = {
    Reason.OK: Words("Kênh hoạt động bình thường.", "The channel works."),
    Reason.INTERFACE_DOWN: Words(
        "Giao diện của kênh mất tín hiệu: kiểm tra đường truyền và thiết bị đầu cuối của đơn vị vận hành.",
        "The channel's interface has no link: look at the line and the operator's terminal.",
    ),
    Reason.ADMIN_DOWN: Words(
        "Giao diện của kênh bị tắt trong cấu hình thiết bị: bật lại nếu không phải chủ ý.",
        "The channel's interface is switched off in the device's configuration: switch it on unless this is intended.",
    ),
    Reason.GATEWAY_UNREACHABLE: Words(
        "Cổng kết nối không trả lời trong khi thiết bị tại chỗ vẫn chạy: báo đơn vị vận hành.",
        "The gateway does not answer while the site's own device runs: call the operator.",
    ),
    Reason.LOSS: Words(
        "Tỷ lệ mất gói vượt ngưỡng của loại kênh: báo đơn vị vận hành.",
        "Packet loss is above the threshold of the channel's class: call the operator.",
    ),
    Reason.LATENCY: Words(
        "Độ trễ vượt ngưỡng của loại kênh: báo đơn vị vận hành.",
        "Delay is above the threshold of the channel's class: call the operator.",
    ),
    Reason.JITTER: Words(
        "Biến động trễ vượt ngưỡng của loại kênh: báo đơn vị vận hành.",
        "Jitter is above the threshold of the channel's class: call the operator.",
    ),
    Reason.ERRORS: Words(
        "Giao diện của kênh có nhiều gói lỗi hoặc bị loại: kiểm tra dây nối, mô-đun quang và thiết bị đầu cuối của đơn vị vận hành.",
        "The channel's interface has many errors or discards: look at the cable, the optics and the operator's terminal.",
    ),
    Reason.OVERLOADED: Words(
        "Lưu lượng vượt ngưỡng so với băng thông hợp đồng: xem ai đang dùng nhiều, cân nhắc đăng ký thêm băng thông.",
        "Traffic is above its share of the contracted bandwidth: see who uses it, and consider asking for more.",
    ),
    Reason.FLAPPING: Words(
        "Kênh chập chờn, mất rồi lại có nhiều lần: báo đơn vị vận hành kiểm tra đường truyền.",
        "The channel comes and goes: have the operator look at the line.",
    ),
    Reason.REDUNDANCY_LOST: Words(
        "Kênh hoạt động nhưng mất dự phòng, một kênh cùng nhóm đã mất kết nối: khôi phục kênh đó trước khi mất cả nhóm.",
        "The channel works without redundancy, another one of its group is down: restore that one before all are.",
    ),
    Reason.DEVICE_UNREACHABLE: Words(
        "Thiết bị tại điểm kết nối không trả lời: kiểm tra nguồn điện và dây nối tại cơ quan sử dụng.",
        "The device at the connection point does not answer: look at its power and cables at the agency.",
    ),
    Reason.SNMP_REFUSED: Words(
        "Thiết bị không cho đọc SNMP: kiểm tra tài khoản SNMP và danh sách cho phép.",
        "The device cannot be read by SNMP: look at the SNMP credentials and the access list.",
    ),
    Reason.SITE_POWER: Words(
        "Điểm kết nối mất điện: hỏi cơ quan sử dụng và điện lực, hộp giám sát tắt theo.",
        "The site has no power, and the monitoring box is off with it: ask the agency and the power company.",
    ),
    Reason.UPLINK_LOST: Words(
        "Báo cáo không qua được kênh truyền này: báo đơn vị vận hành kiểm tra đường về trung tâm.",
        "Reports do not get through this channel: have the operator look at the way to the centre.",
    ),
    Reason.UPSTREAM_DOWN: Words(
        "Kênh truyền cấp trên bị mất kết nối: khôi phục kênh đó trước.",
        "The channel that carries this one is down: restore that one first.",
    ),
    Reason.AGENT_LOST: Words(
        "Mất liên lạc với tác tử giám sát: chưa biết tình trạng kênh, kiểm tra hộp giám sát và đường gửi báo cáo.",
        "The agent is silent: nothing is known of the channel; look at the monitoring box and its uplink.",
    ),
    Reason.STALE: Words(
        "Số liệu giám sát đã cũ: kiểm tra tác tử và thiết bị.",
        "The measurements are too old: look at the agent and the device.",
    ),
    Reason.NEVER_SEEN: Words(
        "Chưa từng có số liệu: kiểm tra tác tử đã cài và khai báo liên kết của kênh.",
        "Nothing was ever measured: check that the agent is installed and what the channel is bound to.",
    ),
    Reason.MAINTENANCE: Words(
        "Kênh đang trong đợt bảo trì hoặc diễn tập theo kế hoạch: chưa phải xử lý gì.",
        "The channel is in a planned window, maintenance or a drill: nothing has to be done now.",
    ),
    Reason.NOT_IN_SERVICE: Words(
        "Kênh chưa đưa vào sử dụng: chưa tính là sự cố.",
        "The channel is not in service yet: nothing counts as a fault.",
    ),
}

PARTY_WORDS: Final = {
    Party.OPERATOR: Words("đơn vị vận hành", "operator"),
    Party.AGENCY: Words("cơ quan sử dụng", "agency"),
    Party.POWER: Words("điện lực", "power"),
    Party.MONITORING: Words("bộ phận giám sát", "monitoring"),
    Party.NONE: Words("không", "none"),
}
