"""Answers to what is refused: a page for people, JSON for programs, both in both languages, and what to do now."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from starlette.responses import RedirectResponse, Response

from tslcd_collector.access import fields, pages

if TYPE_CHECKING:
    from starlette.requests import Request


def refuse(request: Request, status: int, vi: str, en: str, **headers: str) -> Response:
    """Refuse with a message."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if fields.wants_page(request):
        return pages.message(request, status, vi, en, sent)
    body = msgspec.json.encode({"error": en, "error_vi": vi})
    return Response(body, status, headers=sent, media_type="application/json")


def unauthorised(request: Request) -> Response:
    """Send a person to the login page; tell a program that it has to show something."""
    if fields.wants_page(request) and request.method in {"GET", "HEAD"}:
        there = request.scope["path"] + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(there, safe='/')}", 303)
    return refuse(request, 401, "Cần đăng nhập.", "Log in first.", WWW_Authenticate='Bearer realm="tslcd"')


def not_set_up(request: Request) -> Response:
    """Send a person to what is left to be set up."""
    if fields.wants_page(request):
        return RedirectResponse("/account/setup", 303)
    return refuse(request, 403, "Tài khoản chưa thiết lập xong.", "This account is not set up completely.")


def forbidden(request: Request) -> Response:
    """Tell a viewer."""
    return refuse(request, 403, "Cần vai trò người trực (operator).", "The role operator is needed for this.")


def nobody_acts(request: Request) -> Response:
    """Tell that nobody can log in here."""
    return refuse(
        request,
        403,
        "Chưa bật đăng nhập (access.mode), nên không thao tác được từ trang này.",
        "Login is off (access.mode), so nothing can be changed from here.",
    )


def foreign_form(request: Request) -> Response:
    """Refuse a form that is not of a page of ours, or is too old."""
    return refuse(
        request,
        403,
        "Biểu mẫu đã cũ hoặc không phải của trang này: tải lại trang rồi làm lại.",
        "This form is too old, or not of this page: load the page again and repeat.",
    )


def bad_body(request: Request, error: fields.BodyError) -> Response:
    """Refuse a body that cannot be read."""
    return refuse(request, error.status, "Không đọc được nội dung gửi lên.", str(error))


def unusable(request: Request) -> Response:
    """Tell that the file of people cannot be read or written."""
    return refuse(
        request,
        503,
        "Không dùng được tệp operations.db: chưa đăng nhập hay thao tác được, trang chỉ xem vẫn chạy."
        " Báo quản trị kiểm tra đĩa và nhật ký.",
        "operations.db cannot be used: nobody can log in or change anything now, what is only looked at goes on."
        " Have an administrator look at the disk and the log.",
        Retry_After="10",
    )
