"""What ``check`` says: which thing, what happened, what to do now, in both languages."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from tslcd_agent.check import broker_advice, check_spool
from tslcd_runtime.language import Language
from tslcd_runtime.mqtt import BrokerError, Code

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "english", "vietnamese"),
    [
        ("unreachable", "check address, port and route", "kiểm tra địa chỉ, cổng"),
        ("timeout", "check address and port, firewalls in between", "tường lửa ở giữa"),
        ("refused", "check the certificate, or user name and password", "kiểm tra chứng thư hoặc tên và mật khẩu"),
        ("tls", "check tls.ca, tls.certificate, tls.key", "kiểm tra tls.ca, tls.certificate, tls.key"),
        ("lost", "the broker hung up: see its log", "máy chủ tự ngắt: xem nhật ký"),
    ],
)
def test_every_failure_of_a_broker_comes_with_advice(code: Code, english: str, vietnamese: str) -> None:
    """The error's own words first, then what to do."""
    error = BrokerError(code, "broker 192.0.2.1:8883: it broke")
    assert broker_advice(error, Language.EN).startswith(f"broker 192.0.2.1:8883: it broke: {english}")
    assert vietnamese in broker_advice(error, Language.VI)


def test_a_spool_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk and a missing right are told with what to do; nothing is left behind."""

    def full(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", full)
        found = check_spool(tmp_path, Language.EN)
    assert not found.ok
    assert found.message == (
        f"cannot write to {tmp_path}: no space left on device: run this as the agent's user, check its rights and the disk's space"
    )
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda *_: False)
        found = check_spool(tmp_path / "none" / "spool", Language.VI)
    assert not found.ok
    assert found.message.startswith(f"không ghi được vào {tmp_path}: permission denied: ")
    assert check_spool(tmp_path, Language.EN).ok
    assert list(tmp_path.iterdir()) == []
