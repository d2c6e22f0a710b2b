"""A receiver of Alertmanager's webhooks: what the pager's casebook makes of them, when, and how often the dead man's switch was heard."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from support.webhooks import WebhookServer
from tslcd_collector.pager import casebook, webhook
from tslcd_collector.pager.novelty import Novelty
from tslcd_collector.pager.queue import SCHEMA
from tslcd_collector.pager.reception import hear
from tslcd_collector.pager.routing import Routing
from tslcd_collector.pager.settings import PagerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Page:
    """An alert that is news to people; ``at`` by the monotonic clock, in seconds."""

    at: float
    receiver: str
    labels: dict[str, str] = field(hash=False)
    annotations: dict[str, str] = field(hash=False, compare=False)

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels["alertname"]


class PageSink:
    """Takes webhooks on ``port``; what is news is for the pager's casebook to say."""

    def __init__(self, settle: float, late: float) -> None:
        """Take a port; :meth:`running` serves. ``settle`` and ``late``: the pager's, in seconds (:func:`reception.hear`)."""
        self.pages: list[Page] = []
        self.dead_man: list[float] = []
        self._doubt = (settle, late)
        self._routing = Routing(PagerSettings())
        self._queue = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._queue.executescript(SCHEMA)
        self._lock = threading.Lock()
        self._server = WebhookServer(self.take)
        self.port = self._server.port

    def take(self, path: str, body: bytes) -> HTTPStatus:
        """Note a webhook."""
        now, post = time.monotonic(), webhook.read(body)
        assert not post.unreadable
        with self._lock:
            if path.endswith("/dead-man"):
                if (starts := webhook.heartbeat(post)) is not None:
                    self.dead_man.append(now)
                    hear(self._queue, self._routing, starts, time.time(), *self._doubt)
                return HTTPStatus.OK
            found = casebook.take(self._queue, self._routing, path.rpartition("/")[2], post, time.time())
            for alert, novelty in zip(json.loads(body)["alerts"], found, strict=True):
                if novelty in {Novelty.NEW, Novelty.DOUBTFUL}:
                    self.pages.append(Page(now, path, alert["labels"], alert["annotations"]))
        return HTTPStatus.OK

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Serve for the time of a block."""
        with contextlib.closing(self._queue), self._server.running():
            yield self
