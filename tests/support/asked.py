"""An ASGI application asked without a network."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message


@dataclass
class Answer:
    """What came back; ``body`` is unpacked, ``sent`` counts the bytes that would have been on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: int = 0
    cookies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


async def ask(
    app: ASGIApp, target: str, *, method: str = "GET", headers: dict[str, str] | None = None, **state: Any
) -> Answer:
    """Ask for ``target``, path and query; ``state`` is what a middleware would have put on the request."""
    path, _, query = target.partition("?")
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    given = {"host": "127.0.0.1:9470", **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "server": ("127.0.0.1", 9470),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "state": state,
    }
    await app(scope, receive, send)
    raw = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    answer = Answer(sent[0]["status"], dict(raw), body, len(body), [text for name, text in raw if name == "set-cookie"])
    if answer.headers.get("content-encoding") == "gzip":
        answer.body = gzip.decompress(body)
    return answer
