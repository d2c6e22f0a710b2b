"""kill -9 at any moment: a post that was answered is told to everybody, and twice only where the kill hit between told and noted.

The oracle: every fault has a name of its own; a post is made again until it is answered with 200, as Alertmanager does; at the end each
name must have been told to each person (missing 0), nobody else's (invented 0), and more than once at most once a kill and person.
"""

from __future__ import annotations

import http.client
import itertools
import os
import random
import re
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from support.pager import PagerProgram, Services
from support.paging import alert, post
from support.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path

SEED: Final = 20261125
KILLS: Final = int(os.environ.get("TSLCD_PAGER_KILLS", "6"))
MORE: Final = """
dead_man: {after: 0s}
rate: {messages: 1000}
people:
- {id: an, name: An, channels: [{by: zalo, to: an}]}
- {id: binh, name: Bình, channels: [{by: zalo, to: binh}, {by: sms, to: binh-sms}]}
escalation: {critical: {steps: [{to: [an, binh], wait: 1h}]}}
"""


class Source:
    """Posts one fault after another, each until it is answered."""

    def __init__(self, pager: PagerProgram) -> None:
        """Post nothing yet."""
        self.stored: list[str] = []
        self.ending = threading.Event()
        self.more = threading.Event()
        self._pager = pager

    def run(self) -> None:
        """Post until told to end, and then until the last one is answered."""
        given_up = time.monotonic() + 90.0
        for number in itertools.count():
            name = f"k{number:05}"
            while not self._post(name):
                time.sleep(0.02)
                if time.monotonic() > given_up:
                    return
            self.stored.append(name)
            self.more.set()
            if self.ending.is_set():
                return

    def _post(self, name: str) -> bool:
        try:
            return self._pager.post(post(alert(name), group=name)) == 200
        except (OSError, http.client.HTTPException):
            return False


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    """While posts come in and messages go out, again and again."""
    moments = random.Random(SEED)  # noqa: S311 - draws moments, protects nothing
    with Services().running() as services:
        services.manners["binh"] = ["ok", "broken"] * 10_000
        pager = PagerProgram(tmp_path / "p", services, MORE, timeout="20s")  # a slow machine doubles nothing
        source = Source(pager)
        thread = threading.Thread(target=source.run, name="source")
        thread.start()
        try:
            for _ in range(KILLS):
                with pager.running():
                    source.more.clear()
                    assert source.more.wait(20), "no post was answered"
                    time.sleep(moments.random() / 3)
                    pager.program.kill()
        finally:
            source.ending.set()
        with pager.running():
            thread.join(20)
            wait_until(
                lambda: pager.value("tslcd_pager_waiting_messages") == 0 and not thread.is_alive(), 30, "all told"
            )
            wait_until(lambda: all(missing(services, who, source) == set() for who in PEOPLE), 20, "missing 0")
    for who, addresses in PEOPLE.items():
        told = Counter(names(services, addresses))
        assert set(told) == set(source.stored), who  # missing 0, invented 0
        assert told.total() - len(told) <= KILLS, told


PEOPLE: Final = {"an": ("an",), "binh": ("binh", "binh-sms")}


def names(services: Services, addresses: tuple[str, ...]) -> list[str]:
    """Return the faults that somebody was told of, at any address."""
    told = [text for one in addresses for text in services.texts(one)]
    return [found[0] for text in told if (found := re.search(r"k\d{5}", text))]


def missing(services: Services, who: str, source: Source) -> set[str]:
    """Return what was answered with 200 and not told."""
    return set(source.stored) - set(names(services, PEOPLE[who]))
