"""Logs in their three forms: one line an event, whatever is in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest
import structlog

from tslcd_runtime import logs

if TYPE_CHECKING:
    from collections.abc import Iterator


Start: TypeAlias = Callable[..., Callable[[], str]]


@pytest.fixture
def start(capsys: pytest.CaptureFixture[str]) -> Iterator[Start]:
    """Return a function that configures logs and returns what reads standard error; all is undone afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def configure(*arguments: str) -> Callable[[], str]:
        root.handlers.clear()  # pytest's own would keep ours away
        logs.configure(*arguments)  # type: ignore[arg-type]
        return lambda: capsys.readouterr().err

    yield configure
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def test_logfmt_is_one_line_with_the_time_first(start: Start) -> None:
    """Elsewhere than on a terminal, ``auto`` is logfmt: time, level, event, then the values."""
    err = start()
    logs.get_logger("courier").info("broker connected", broker="127.0.0.1:1883", text='a "b" c')
    line = err()
    assert line.startswith("timestamp=2")
    assert line.endswith(
        'level=info event="broker connected" component=courier broker=127.0.0.1:1883 text="a \\"b\\" c"\n'
    )


def test_journal_has_the_time_already(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under systemd the line has no time of its own."""
    monkeypatch.setenv("JOURNAL_STREAM", "9:1")
    err = start("logfmt")
    logs.get_logger("x").warning("late")
    assert err() == "level=warning event=late component=x\n"


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_exception_and_newlines_stay_on_one_line(start: Start, form: logs.Format) -> None:
    """What a device or a peer says cannot make a line of its own, nor can a traceback."""
    err = start(form)
    log = logs.get_logger("x")
    try:
        raise ValueError("a\nlevel=error event=forged")
    except ValueError:
        log.exception("failed", text="b\nforged")
    assert len(err().splitlines()) == 1


def test_json_keeps_vietnamese(start: Start) -> None:
    """JSON is UTF-8, not escapes."""
    err = start("json")
    logs.get_logger("x").info("seen", site="Xã Đông Hưng")
    line = err()
    document = json.loads(line)
    assert "Xã Đông Hưng" in line
    assert {key: document[key] for key in ("event", "level", "component", "site")} == {
        "event": "seen",
        "level": "info",
        "component": "x",
        "site": "Xã Đông Hưng",
    }


def test_console_is_for_people(start: Start) -> None:
    """The console form has the event in words and no colour where there is no terminal."""
    err = start("console")
    logs.get_logger("x").info("seen", n=1)
    line = err()
    assert "seen" in line
    assert "\x1b" not in line


def test_levels_hold_for_us_and_for_libraries(start: Start) -> None:
    """Below the level nothing is written; libraries speak from warnings on, also at our debug level."""
    err = start("logfmt", "warning")
    logs.get_logger("x").info("quiet")
    assert err() == ""
    err = start("logfmt", "debug")
    logs.get_logger("x").debug("loud")
    logging.getLogger("library").info("quiet")
    logging.getLogger("library").warning("heard")
    ours, theirs = err().splitlines()
    assert "event=loud" in ours
    assert theirs == "WARNING library: heard"
