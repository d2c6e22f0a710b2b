"""The audit log in words: everything that is written has Vietnamese, and what a person wrote stays as it is."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import tslcd_collector
from tslcd_collector.operations import trail

PACKAGE = Path(inspect.getfile(tslcd_collector)).parent


def written() -> set[str]:
    """Return what the source writes into the log."""
    found: set[str] = set()
    for folder in ("access", "operations"):
        for file in (PACKAGE / folder).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "audit":
                    what = node.args[2] if len(node.args) > 2 else ast.Constant("")
                    found |= {one.value for one in ast.walk(what) if isinstance(one, ast.Constant)}  # type: ignore[misc]
    return found - {""}


def test_everything_that_is_done_has_words() -> None:
    """Whatever the source writes is known here; ``logout`` is a default."""
    assert written() | {"logout"} == set(trail.DONE)
    for what, words in trail.DONE.items():
        assert words.vi != what
        assert words.vi != words.en


@pytest.mark.parametrize(
    ("what", "kept", "vi", "en"),
    [
        ("login", "provider, viewer", "máy chủ đăng nhập, người xem", "provider, viewer"),
        ("person-role", "operator", "người trực", "operator"),
        ("sessions-end", "3 sessions", "3 phiên", "3 sessions"),
        ("acknowledgement-end", "the channel is up again", "kênh đã hoạt động lại", "the channel is up again"),
        ("login-failed", "; 40 more in the minute before", "thêm 40 lần trong phút trước", "40 more in the minute before"),
        ("login-failed", "disabled here; 4 more in the minute before", "tài khoản đã bị khóa ở đây; thêm 4 lần trong phút trước", "disabled here; 4 more in the minute before"),
        ("maintenance", "drill 'Thay cáp 1-2: x' 1790000000-1790003600: c1, c2", "diễn tập 'Thay cáp 1-2: x', 21:13 21/09/2026 – 22:13 21/09/2026: c1, c2", "drill 'Thay cáp 1-2: x', 21:13 21/09/2026 – 22:13 21/09/2026: c1, c2"),
        ("maintenance", "maintenance 'x' 0-99999999999999999999: everything", "bảo trì 'x', 07:00 01/01/1970 – 99999999999999999999: tất cả", "maintenance 'x', 07:00 01/01/1970 – 99999999999999999999: everything"),
        ("acknowledge", "authenticator", "authenticator", "authenticator"),
        ("comment", "<b>{0}</b>", "<b>{0}</b>", "<b>{0}</b>"),
        ("login-failed", "the provider refused: {0} {x}", "máy chủ đăng nhập từ chối: {0} {x}", "the provider refused: {0} {x}"),
        ("of another version", "something new", "something new", "something new"),
        ("login", "", "", ""),
    ],
)  # fmt: skip
def test_details_are_said_in_both_languages(what: str, kept: str, vi: str, en: str) -> None:
    """What is kept, what is shown; unknown text and what somebody wrote are shown unchanged."""
    assert trail.detail(what, kept) == (vi, en)
    assert trail.done("of another version") == ("of another version", "of another version")
