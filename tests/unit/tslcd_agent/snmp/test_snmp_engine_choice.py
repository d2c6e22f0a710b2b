"""Which engine a device is asked with."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tslcd_agent.config import Interfaces, PolledDevice, Snmp
from tslcd_agent.snmp.gufo_engine import GufoSession
from tslcd_agent.snmp.pysnmp_engine import PysnmpSession
from tslcd_agent.snmp.session import open_session


def device(engine: Any, context: str | None = None) -> PolledDevice:
    """Make settings; nothing is sent."""
    return PolledDevice(
        id="rt",
        address="192.0.2.1",
        port=161,
        snmp=Snmp(version="3", user="tslcd", engine=engine, context=context),
        interfaces=Interfaces(),
        interval=30,
        timeout=1,
        retries=0,
        budget=5,
    )


@pytest.mark.parametrize(
    ("engine", "context", "chosen"),
    [
        ("auto", None, GufoSession),
        ("auto", "vdom-1", PysnmpSession),
        ("gufo", None, GufoSession),
        ("pysnmp", None, PysnmpSession),
    ],
)
def test_settings_choose_the_engine(engine: str, context: str | None, chosen: type) -> None:
    """The fast one, unless it cannot or another is wanted."""
    assert type(open_session(device(engine, context))) is chosen


def test_a_machine_without_the_fast_engine_uses_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no wheel of gufo-snmp for every machine; who insists on it is told."""
    monkeypatch.setitem(sys.modules, "tslcd_agent.snmp.gufo_engine", None)
    assert type(open_session(device("auto"))) is PysnmpSession
    with pytest.raises(ImportError):
        open_session(device("gufo"))
