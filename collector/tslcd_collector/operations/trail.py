"""The audit log in words for people: what was done, and its details. Pure.

Invariants:

* What is kept stays as it was written, in stable English, so that programs and old files read the same; words are made when it is shown.
* What a person wrote, and what no phrase here knows, is shown as it is, never left out.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from tslcd_collector.maintenance import VIET_NAM
from tslcd_collector.verdict import Words

#: What is done, by the code that is kept.
DONE: Final = {
    "login": Words("đăng nhập", "logged in"),
    "login-failed": Words("đăng nhập không thành công", "login failed"),
    "logout": Words("đăng xuất", "logged out"),
    "sessions-end": Words("kết thúc các phiên khác", "ended the other sessions"),
    "person-add": Words("thêm người dùng", "person added"),
    "person-role": Words("đổi vai trò", "role changed"),
    "person-disable": Words("khóa người dùng", "person disabled"),
    "person-enable": Words("mở khóa người dùng", "person enabled"),
    "person-reset": Words("đặt lại tài khoản", "account reset"),
    "person-remove": Words("xóa người dùng", "person removed"),
    "password-change": Words("đổi mật khẩu", "password changed"),
    "password-hash": Words("băm lại mật khẩu", "password hashed anew"),
    "authenticator-set": Words("cài ứng dụng mã một lần", "authenticator set up"),
    "recovery-codes-set": Words("tạo mã khôi phục", "recovery codes made"),
    "acknowledge": Words("xác nhận sự cố", "trouble acknowledged"),
    "acknowledgement-end": Words("hết xác nhận", "acknowledgement ended"),
    "comment": Words("ghi chú", "comment"),
    "maintenance": Words("lập lịch bảo trì", "maintenance planned"),
    "maintenance-withdrawn": Words("hủy lịch bảo trì", "maintenance called off"),
}
#: Of what details a person wrote the text.
_WRITTEN: Final = frozenset({"acknowledge", "comment"})
_ROLES: Final = {"viewer": "người xem", "operator": "người trực"}
_KINDS: Final = {"maintenance": "bảo trì", "drill": "diễn tập"}
#: Details as they are kept, and in Vietnamese with what stands in their groups.
_PHRASES: Final = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        ("first login, without an authenticator", "lần đầu, chưa có ứng dụng mã một lần"),
        ("authenticator", "bằng mã một lần"),
        ("recovery code", "bằng mã khôi phục"),
        ("disabled here", "tài khoản đã bị khóa ở đây"),
        (r"(\d+) sessions", "{0} phiên"),
        ("made anew with today's parameters", "băm lại theo tham số hiện nay"),
        ("the channel is up again", "kênh đã hoạt động lại"),
        ("withdrawn", "người trực thôi nhận"),
        ("(.*): another person has this name here; .*", "{0}: ở đây đã có người khác mang tên này"),
        ("no login of this browser is under way, or it took too long.*", "trình duyệt chưa bắt đầu đăng nhập, hoặc đã quá hạn"),
        ("the answer does not belong to the login that this browser began", "trả lời không thuộc lần đăng nhập của trình duyệt này"),
        ("the answer is from another provider", "trả lời đến từ máy chủ đăng nhập khác"),
        ("the provider refused: (.*)", "máy chủ đăng nhập từ chối: {0}"),
        ("the provider sent no code", "máy chủ đăng nhập không gửi mã"),
        ("the provider sent no ID token", "máy chủ đăng nhập không gửi ID token"),
        ("this person has none of the groups that may log in here", "không thuộc nhóm nào được đăng nhập ở đây"),
        ("the ID token is not signed by an algorithm that is allowed", "ID token ký bằng thuật toán không được phép"),
        ("the signature of the ID token is wrong", "chữ ký của ID token sai"),
        ("the ID token is refused: (.*)", "ID token bị từ chối: {0}"),
        ("the ID token is signed with a key that the provider does not publish", "ID token ký bằng khóa không được công bố"),
        ("the user info is of somebody else", "thông tin trả về là của người khác"),
        ("the provider calls itself another issuer than (.*)", "máy chủ đăng nhập không tự gọi mình là {0}"),
        ("the provider's (.*) is missing, or not https", "máy chủ đăng nhập thiếu {0}, hoặc không phải https"),
        ("the provider cannot be reached", "không kết nối được máy chủ đăng nhập"),
        (r"(\S+): the provider answered (\d+)", "{0}: máy chủ đăng nhập trả lời {1}"),
        (r"(\S+): the answer is longer than (\d+) bytes", "{0}: trả lời dài hơn {1} byte"),
        (r"(\S+): the answer is not a JSON object", "{0}: trả lời không phải JSON"),
    )
)  # fmt: skip
_FLOOD: Final = re.compile(r"(.*?);? ?(\d+) more in the minute before", re.DOTALL)
_PLAN: Final = re.compile(r"(maintenance|drill) (.*) (\d+)-(\d+): (.*)", re.DOTALL)
_ROLE: Final = re.compile(r"(provider, )?(viewer|operator)")


def done(what: str) -> Words:
    """Return what was done."""
    return DONE.get(what, Words(what, what))


def detail(what: str, kept: str) -> Words:
    """Return a line's detail."""
    if not kept or what in _WRITTEN:
        return Words(kept, kept)
    if what == "login-failed" and (flood := _FLOOD.fullmatch(kept)):
        before, count = detail(what, flood[1]), flood[2]
        return Words(
            "; ".join(filter(None, (before.vi, f"thêm {count} lần trong phút trước"))),
            "; ".join(filter(None, (before.en, f"{count} more in the minute before"))),
        )
    if found := _ROLE.fullmatch(kept):
        return Words(("máy chủ đăng nhập, " if found[1] else "") + _ROLES[found[2]], kept)
    if what == "maintenance" and (found := _PLAN.fullmatch(kept)):
        kind, title, begin, end, scope = found.groups()
        span = f"{_local(begin)} – {_local(end)}"
        where = "tất cả" if scope == "everything" else scope
        return Words(f"{_KINDS[kind]} {title}, {span}: {where}", f"{kind} {title}, {span}: {scope}")
    for pattern, text in _PHRASES:
        if found := pattern.fullmatch(kept):
            return Words(text.format(*found.groups()), kept)
    return Words(kept, kept)


def _local(at: str) -> str:
    try:
        return f"{dt.datetime.fromtimestamp(int(at), VIET_NAM):%H:%M %d/%m/%Y}"
    except (ValueError, OverflowError, OSError):
        return at
