"""What the pages say, in both languages: Vietnamese first, English second. Times are local (Asia/Ho_Chi_Minh, UTC+7)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

from tslcd_collector.maintenance import VIET_NAM
from tslcd_collector.verdict import PARTY_WORDS, REASON_WORDS, STATE_WORDS, Reason, State, Words
from tslcd_collector.web.screen import RANKS, short
from tslcd_runtime.language import Language

TEXTS: Final[dict[str, Words]] = {
    "title": Words("Giám sát kênh truyền TSLCD", "TSLCD channels"),
    "skip": Words("Tới danh sách điểm kết nối", "Skip to the sites"),
    "totals": Words("Số kênh theo tình trạng", "Channels by state"),
    "coverage": Words("giám sát được", "supervised"),
    "age": Words("Số liệu cách đây", "Data is"),
    "old": Words("", "old"),
    "no_data": Words("Chưa có số liệu", "No data yet"),
    "not_live": Words("Số liệu lúc", "Data of"),
    "reconnecting": Words("Đang kết nối lại bộ thu…", "Reconnecting to the collector…"),
    "lost": Words("MẤT LIÊN LẠC VỚI BỘ THU", "THE COLLECTOR IS LOST"),
    "lost_more": Words(
        "Những gì dưới đây là của lúc {time}, có thể không còn đúng. Kiểm tra bộ thu và đường mạng tới nó.",
        "What stands below is of {time} and may not be true any more. Look at the collector and the way to it.",
    ),
    "broker_lost": Words(
        "Bộ thu mất kết nối với máy chủ MQTT từ {time}: không có số liệu mới.",
        "The collector lost the broker at {time}: nothing new comes in.",
    ),
    "old_data": Words(
        "Không có báo cáo mới nào từ các điểm kết nối: kiểm tra máy chủ MQTT và đường truyền.",
        "No site sends any report: look at the broker and the network.",
    ),
    "not_ready": Words("Bộ thu chưa sẵn sàng", "The collector is not ready"),
    "no_inventory": Words("Chưa có kênh nào trong danh mục.", "No channel is in the inventory."),
    "filters": Words("Lọc", "Filters"),
    "search": Words("Tìm điểm kết nối, kênh, cơ quan", "Find a site, channel or agency"),
    "any_state": Words("Mọi tình trạng", "Any state"),
    "any_party": Words("Mọi bên xử lý", "Any party"),
    "any_operator": Words("Mọi đơn vị vận hành", "Any operator"),
    "apply": Words("Lọc", "Filter"),
    "clear": Words("Bỏ lọc", "Clear"),
    "no_match": Words("Không có kênh nào khớp với bộ lọc.", "No channel matches the filters."),
    "sites": Words("Điểm kết nối", "Sites"),
    "needs": Words("Cần xử lý", "Needs somebody"),
    "nothing": Words("Không có gì cần xử lý.", "Nothing needs anybody."),
    "more": Words("và {count} mục nữa", "and {count} more"),
    "above": Words("{count} mục ở trên", "{count} above"),
    "beyond": Words("và {count} mục nữa: hãy lọc để thấy", "and {count} more: filter to see them"),
    "channels": Words("kênh", "channels"),
    "since": Words("từ", "since"),
    "hint": Words(
        "Phím mũi tên: đi giữa các kênh · Enter: mở · / tìm · Esc: bỏ lọc",
        "Arrow keys: move among channels · Enter: open · / find · Esc: clear",
    ),
    "shortcut": Words("Phím tắt /", "Shortcut /"),
    "noscript": Words(
        "Trang tự tải lại mỗi 15 giây vì trình duyệt không chạy JavaScript.",
        "This page reloads every 15 seconds, since the browser runs no JavaScript.",
    ),
    "theme": Words("Màu nền", "Appearance"),
    "theme_auto": Words("Tự động", "Auto"),
    "theme_dark": Words("Tối", "Dark"),
    "theme_light": Words("Sáng", "Light"),
    "language": Words("Ngôn ngữ", "Language"),
    "planned": Words("Lịch bảo trì", "Planned work"),
    "audit": Words("Nhật ký", "Audit log"),
    "login": Words("Đăng nhập", "Log in"),
    "back": Words("Về màn hình chung", "Back to the wall"),
    "channel": Words("Kênh truyền", "Channel"),
    "must_act": Words("Bên xử lý", "Who must act"),
    "nobody": Words("không ai phải xử lý", "nobody"),
    "detail": Words("Chi tiết", "Detail"),
    "what_to_do": Words("Việc cần làm", "What to do"),
    "facts": Words("Thông tin kênh", "Facts"),
    "site": Words("Điểm kết nối", "Site"),
    "agency": Words("Cơ quan sử dụng", "Agency"),
    "operator": Words("Đơn vị vận hành", "Operator"),
    "circuit": Words("Mã kênh của đơn vị vận hành", "Operator's circuit"),
    "access_level": Words("Mạng truy nhập cấp", "Access level"),
    "class": Words("Loại kênh", "Class"),
    "contracted": Words("Băng thông hợp đồng (về / đi)", "Contracted bandwidth (in / out)"),
    "tenant": Words("Mạng riêng (VPN)", "Tenant (VPN)"),
    "connected_since": Words("Ngày kết nối", "Connected since"),
    "legal_document": Words("Văn bản", "Legal document"),
    "upstream": Words("Kênh cấp trên", "Carried by"),
    "bound": Words("Số liệu lấy từ", "Measured by"),
    "not_bound": Words("chưa khai báo nguồn số liệu", "nothing is bound to it"),
    "contacts": Words("Đầu mối liên hệ", "Contacts"),
    "now": Words("Số đo hiện tại", "Measured now"),
    "history": Words("Diễn biến tình trạng", "History of the state"),
    "last_day": Words("24 giờ qua", "Last 24 hours"),
    "last_week": Words("7 ngày qua", "Last 7 days"),
    "no_history": Words("Không đọc được sổ tình trạng kênh lúc này.", "The ledger cannot be read now."),
    "cut": Words("Chỉ hiện những lần gần nhất.", "Only the newest ones are shown."),
    "from": Words("Từ lúc", "From"),
    "lasted": Words("Kéo dài", "Lasted"),
    "state": Words("Tình trạng", "State"),
    "reason": Words("Lý do", "Reason"),
    "source": Words("Nguồn", "Known from"),
    "charts": Words("Số đo 24 giờ qua, mỗi điểm 5 phút", "Measurements of the last 24 hours, a point every 5 minutes"),
    "traffic": Words("Lưu lượng", "Traffic"),
    "receive": Words("hướng về", "inbound"),
    "transmit": Words("hướng đi", "outbound"),
    "limit": Words("90 % băng thông hợp đồng", "90 % of the contracted bandwidth"),
    "limit_receive": Words("90 % hướng về", "90 % inbound"),
    "limit_transmit": Words("90 % hướng đi", "90 % outbound"),
    "loss": Words("Tỷ lệ mất gói", "Loss"),
    "rtt": Words("Độ trễ", "Delay"),
    "jitter": Words("Biến động trễ", "Jitter"),
    "threshold": Words("ngưỡng cảnh báo", "warning threshold"),
    "critical": Words("ngưỡng khẩn cấp", "critical threshold"),
    "highest": Words("cao nhất", "highest"),
    "latest": Words("mới nhất", "latest"),
    "mean": Words("trung bình", "mean"),
    "not_measured": Words("không có số đo trong 24 giờ qua", "nothing was measured in the last 24 hours"),
    "of_contracted": Words("băng thông hợp đồng", "of the contracted bandwidth"),
    "changed": Words("Tình trạng kênh đã đổi.", "The channel has changed."),
    "reload": Words("Tải lại", "Reload"),
    "gone": Words("Không có trang hoặc kênh này", "No such page or channel"),
    "gone_more": Words(
        "Địa chỉ sai, hoặc kênh đã ra khỏi danh mục.", "The address is wrong, or the channel has left the inventory."
    ),
    "acknowledged": Words("đã xác nhận", "acknowledged"),
    "acknowledge": Words("Xác nhận đã nhận xử lý", "Acknowledge"),
    "withdraw": Words("Bỏ xác nhận", "Withdraw"),
    "redundancy": Words("Nhóm dự phòng", "Redundancy group"),
    "comment": Words("Ghi chú", "Comment"),
    "comment_send": Words("Gửi ghi chú", "Send"),
    "window": Words("Bảo trì theo kế hoạch", "Planned maintenance"),
    "window_title": Words("Nội dung", "Title"),
    "window_from": Words("Từ lúc", "From"),
    "window_until": Words("Đến lúc", "Until"),
    "window_drill": Words("Đây là diễn tập", "This is a drill"),
    "window_send": Words("Đặt lịch bảo trì", "Plan it"),
    "operations": Words("Thao tác của người trực", "On duty"),
    "done": Words("Đã ghi.", "Done."),
    "failed": Words("Chưa ghi được:", "Not done:"),
    "day_short": Words("ngày", "d"),
    "hour_short": Words("giờ", "h"),
    "minute_short": Words("phút", "min"),
    "second_short": Words("giây", "s"),
    "origin_live": Words("trực tiếp", "live"),
    "origin_late": Words("số liệu gửi bù", "late reports"),
    "origin_power": Words("tác tử báo mất điện", "told by the agent's start"),
    "origin_blind": Words("bộ thu không chạy", "collector not running"),
}
#: States as a tile has room for.
BRIEF: Final = {
    State.UP: Words("hoạt động", "up"),
    State.DEGRADED: Words("suy giảm", "degraded"),
    State.DOWN: Words("mất kết nối", "down"),
    State.UNKNOWN: Words("không dữ liệu", "unknown"),
    State.MAINTENANCE: Words("bảo trì", "planned"),
}
#: What the scripts say by themselves.
_SPOKEN: Final = (
    "age", "old", "no_data", "not_live", "reconnecting", "lost", "lost_more", "broker_lost", "old_data", "more", "above", "beyond", "channels", "since", "nothing",
    "no_match", "day_short", "hour_short", "minute_short", "second_short", "changed", "reload", "done", "failed", "acknowledged",
)  # fmt: skip
#: How many units a duration is told in; no seconds from a minute on.
_UNITS: Final = 2
_PREFERENCE: Final = re.compile(r"\s*([a-zA-Z*]+)[^,;]*(?:;\s*q\s*=\s*([0-9.]+))?")


def say(language: Language, key: str) -> str:
    """Return one of TEXTS."""
    return getattr(TEXTS[key], language.value)  # type: ignore[no-any-return]


def preferred(*, asked: str | None, remembered: str | None, accept: str) -> Language:
    """Return the language of ``?lang=``, else that of the cookie, else the first of Accept-Language that we speak, else Vietnamese."""
    for choice in (asked, remembered):
        if choice in {"vi", "en"}:
            return Language(choice)
    best, weight = Language.VI, 0.0
    for part in accept[:1000].split(","):
        match = _PREFERENCE.match(part)
        if match is None or match[1].lower() not in {"vi", "en"}:
            continue
        try:
            wanted = float(match[2] or 1)
        except ValueError:
            continue
        if wanted > weight:
            best, weight = Language(match[1].lower()), wanted
    return best


def dictionary(language: Language) -> dict[str, Any]:
    """Return what the scripts need to say of verdicts and of themselves; ``reason`` has what is, without what to do."""
    of = language.value
    return {
        "state": {state.value: getattr(STATE_WORDS[state], of) for state in RANKS},
        "brief": {state.value: getattr(BRIEF[state], of) for state in RANKS},
        "reason": {reason.value: getattr(short(reason), of) for reason in Reason if reason in REASON_WORDS},
        "party": {party.value: getattr(words, of) for party, words in PARTY_WORDS.items()},
        "text": {key: say(language, key) for key in _SPOKEN},
    }


def duration(seconds: float, language: Language) -> str:
    """Write how long something lasts with its two largest units: ``2 ngày 4 giờ``, ``45 giây``."""
    left = max(0, int(seconds))
    parts: list[tuple[int, str]] = []
    for name, size in (("day_short", 86400), ("hour_short", 3600), ("minute_short", 60), ("second_short", 1)):
        count, left = divmod(left, size)
        if parts or count:
            parts.append((count, name))
        if len(parts) == _UNITS or (parts and name == "minute_short"):
            break
    said = [f"{count} {say(language, name)}" for count, name in parts if count]
    return " ".join(said) or f"0 {say(language, 'second_short')}"


def age(seconds: float, language: Language) -> str:
    """Write how long something lasts with its largest unit: ``2 ngày``."""
    return " ".join(duration(seconds, language).split()[:2])


def moment(seconds: float) -> str:
    """Write a time with its day, local."""
    return f"{dt.datetime.fromtimestamp(seconds, VIET_NAM):%d/%m/%Y %H:%M:%S}"


def clock(seconds: float) -> str:
    """Write a time of today, local."""
    return f"{dt.datetime.fromtimestamp(seconds, VIET_NAM):%H:%M:%S}"


def since(seconds: float, now: float) -> str:
    """Write a time as short as it is clear: without the day when it is today's."""
    when, today = (dt.datetime.fromtimestamp(one, VIET_NAM) for one in (seconds, now))
    return f"{when:%H:%M}" if when.date() == today.date() else f"{when:%d/%m %H:%M}"


def number(value: float, language: Language, digits: int = 3) -> str:
    """Write a number with so many digits that count, with the language's decimal sign."""
    text = f"{value:.{digits}g}"
    if "e" in text:
        text = f"{value:.0f}"
    return text.replace(".", ",") if language is Language.VI else text


def rate(bits: float, language: Language) -> str:
    """Write bits per second."""
    for size, unit in ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
        if bits >= size:
            return f"{number(bits / size, language)} {unit}"
    return f"{bits:.0f} bit/s"


def percent(share: float, language: Language) -> str:
    """Write a share in percent, as finely as it tells something: never ``100 %`` for what is less."""
    shown = share * 100
    if shown and 99.9 < shown < 100:  # noqa: PLR2004 - rounding would say that all is well
        return f"{number(99.9, language)} %"
    return f"{number(shown, language)} %"


def milliseconds(seconds: float, language: Language) -> str:
    """Write a delay."""
    return f"{number(seconds * 1000, language)} ms"
