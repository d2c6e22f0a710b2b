"""What holds for every test.

* Warnings are errors (pyproject), also those of objects that are collected too late to belong to a test.
* A call that blocks the event loop from one of our packages fails the test (blockbuster); the exceptions are named below.
* hypothesis draws the same examples on every machine, and time is never a reason to fail.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import structlog
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "house", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

#: Packages whose code may not block the loop. A test's own preparations may.
PACKAGES = ("tslcd_wire", "tslcd_runtime", "tslcd_agent", "tslcd_collector")
#: Functions that may block all the same: (function of blockbuster, end of the file's name, callers), each with its reason.
MAY_BLOCK: tuple[tuple[str, str, frozenset[str]], ...] = (
    # imports on first use read files, once in the life of a program
    *((f"{call}", "importlib/_bootstrap_external.py", frozenset({"get_data", "_path_stat", "_fill_cache"}))
      for call in ("io.BufferedReader.read", "os.stat", "os.listdir")),
    # a log line goes to standard error, which is the journal's socket or a terminal
    ("io.TextIOWrapper.write", "structlog/_output.py", frozenset({"msg"})),
    ("io.TextIOWrapper.write", "logging/__init__.py", frozenset({"emit"})),
    # coverage itself, when a thread begins to be measured at the same moment
    ("threading.Lock.acquire", "coverage/collector.py", frozenset({"lock_data"})),
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    """Fail any call from our packages that blocks a running event loop."""
    installed = [name for name in PACKAGES if find_spec(name) is not None]
    with blockbuster_ctx(installed) as guard:
        for call, file, callers in MAY_BLOCK:
            if call in guard.functions:
                guard.functions[call].can_block_in(file, callers)
        yield


@pytest.fixture(autouse=True)
def logging_of_its_own() -> Iterator[None]:
    """Leave the configuration of the log as it was found: a program or a rig that ran inside a test has set its own."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in English and away from systemd, whatever the machine speaks and is; a test sets what it wants to see."""
    for name in [name for name in os.environ if name in {"LANGUAGE", "LANG"} or name.startswith("LC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
