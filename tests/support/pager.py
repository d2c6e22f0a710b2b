"""The pager as a program of its own, the services that it sends to, made up, and a real Alertmanager before it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import re
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from support.processes import Program, find_program, free_port, port_open, running, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from starlette.requests import Request

#: What must never be in a log, a queue or an answer.
TOKEN: Final = "7012345:zalo-token-AbCdEf"
SMS_KEY: Final = "sms+key/0987=="
POST_TOKEN: Final = "alertmanager-token-XyZ"


class Sent(NamedTuple):
    """One request that a service got; ``how`` it answered."""

    at: float
    account: str
    to: str
    text: str
    how: str


class Services:
    """A Zalo and an SMS gateway on one port: ``manners[address]`` says how the next requests for it are answered, the last for ever.

    ``ok``, ``refused`` (ok:false 400), ``denied`` (401), ``busy`` (429, Retry-After 2), ``broken`` (500), ``html`` (200, no JSON),
    ``hang`` (no answer), ``drop`` (the connection ends inside of the answer).
    """

    def __init__(self) -> None:
        """Know nobody: all is well."""
        self.port = free_port()
        self.sent: list[Sent] = []
        self.manners: dict[str, list[str]] = {}
        app = Starlette(
            routes=[
                Route("/bot{token}/sendMessage", self._zalo, methods=["POST"]),
                Route("/sms", self._sms, methods=["POST"]),
            ]
        )
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Serve in a thread for the time of a block."""
        thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()), name="services")
        thread.start()
        try:
            wait_until(lambda: self._server.started, what="services")
            yield self
        finally:
            self._server.should_exit = True
            thread.join(10)

    def texts(self, to: str) -> list[str]:
        """Return what an address was told with success."""
        return [one.text for one in self.sent if one.to == to and one.how == "ok"]

    async def _zalo(self, request: Request) -> Response:
        try:
            body = await request.json()
        except ClientDisconnect:  # whoever asked was killed
            return Response(status_code=400)
        assert sorted(body) == ["chat_id", "text"]
        if request.path_params["token"] != TOKEN:
            return self._answer("zalo", body["chat_id"], body["text"], "denied")
        return self._answer("zalo", body["chat_id"], body["text"])

    async def _sms(self, request: Request) -> Response:
        try:
            body = await request.json()
        except ClientDisconnect:
            return Response(status_code=400)
        assert body["key"] == SMS_KEY
        return self._answer("sms", body["to"], body["text"])

    def _answer(self, account: str, to: str, text: str, how: str = "") -> Response:
        manners = self.manners.get(to, ["ok"])
        how = how or (manners.pop(0) if len(manners) > 1 else manners[0])
        self.sent.append(Sent(time.time(), account, to, text, how))
        secret = TOKEN if account == "zalo" else SMS_KEY
        match how:
            case "ok":
                return JSONResponse({"ok": True, "code": 0, "result": {"message_id": str(len(self.sent))}})
            case "refused":
                return JSONResponse({"ok": False, "error_code": 400, "description": f"chat not found, {secret}"})
            case "denied":
                return JSONResponse({"ok": False, "error_code": 401, "description": f"Unauthorized /bot{secret}/"}, 401)
            case "busy":
                return JSONResponse({"ok": False, "error_code": 429}, 429, headers={"Retry-After": "2"})
            case "broken":
                return PlainTextResponse(f"{'x' * 140} {secret}", 500)
            case "html":
                return PlainTextResponse("<html>please log in</html>")
            case _:
                return StreamingResponse(_never() if how == "hang" else _half(), headers={"Content-Length": "999"})


async def _never() -> AsyncIterator[bytes]:
    yield b'{"ok":'
    await asyncio.sleep(30)


async def _half() -> AsyncIterator[bytes]:
    yield b'{"ok":true'


class PagerProgram:
    """``tslcd-collector pager``; it can be killed and started again on the same queue."""

    def __init__(
        self, directory: Path, services: Services, more: str, *, timeout: str = "500ms", source: Path | None = None
    ) -> None:
        """Write settings with the accounts ``zalo``, ``sms``; ``more`` says the rest, ``timeout`` is of one try.

        ``source``: a folder with a package ``tslcd_collector`` that runs in place of ours.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_port()
        self.settings = directory / "pager.yaml"
        for name, secret in (("zalo", TOKEN), ("sms", SMS_KEY), ("post", POST_TOKEN)):
            (directory / f"{name}.secret").write_text(secret + "\n")
        self.settings.write_text(
            f"""
queue: {{directory: queue}}
web: {{port: {self.port}, token: {{file: post.secret}}}}
zalo: [{{name: zalo, token: {{file: zalo.secret}}, url: 'http://127.0.0.1:{services.port}', timeout: {timeout}}}]
sms:
- name: sms
  url: http://127.0.0.1:{services.port}/sms
  headers: {{Content-Type: application/json}}
  body: '{{"to": "{{to}}", "text": "{{text}}", "key": "{{secret}}"}}'
  secret: {{file: sms.secret}}
  success: {{field: code, values: ["0"]}}
  timeout: {timeout}
{more}
"""
        )
        command = [sys.executable, "-m", "tslcd_collector", "pager", "--config", str(self.settings)]
        env = {"PYTHONPATH": os.pathsep.join([str(source), *sys.path])} if source is not None else None
        self.program = Program(command, directory / "pager.log", env=env)

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Run for the time of a block, from the moment it takes posts."""
        with running(self.program, self.ready, 20.0):
            yield self

    def ready(self) -> bool:
        """Whether it takes posts."""
        return port_open(self.port) and self.ask("GET", "/-/ready")[0] == 200

    def ask(
        self, method: str, path: str, body: bytes | None = None, token: str | None = POST_TOKEN
    ) -> tuple[int, dict[str, str], str]:
        """Ask; returns status, headers (lower case) and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return (
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read().decode(),
            )
        finally:
            connection.close()

    def post(self, body: bytes, path: str = "/alerts/critical") -> int:
        """Post as Alertmanager does; returns the status."""
        return self.ask("POST", path, body)[0]

    def value(self, metric: str) -> float:
        """Return a sample by name and labels as they are written."""
        found = re.search(rf"^{re.escape(metric)} (\S+)$", self.ask("GET", "/metrics")[2], re.MULTILINE)
        assert found is not None, metric
        return float(found[1])

    def audited(self) -> list[dict[str, Any]]:
        """Return the audit log, by the command."""
        program = Program([*self.program.command, "audit"], self.directory / "audit.log")
        self.directory.joinpath("audit.log").unlink(missing_ok=True)
        program.start()
        assert program.wait(20) == 0, program.output()
        return [json.loads(line) for line in program.output().splitlines()]

    def everything(self) -> bytes:
        """Return all that it wrote anywhere: log, queue, audit."""
        files = [
            file for file in self.directory.rglob("*") if file.is_file() and file.suffix not in {".secret", ".yaml"}
        ]
        return b"\n".join(file.read_bytes() for file in files)


class Alertmanager:
    """A real Alertmanager that posts every alert at once to ``/alerts/critical`` of pagers, and a watchdog to ``/dead-man``."""

    def __init__(self, directory: Path, pager: PagerProgram) -> None:
        """Write its configuration; waiting is as short as it can be."""
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        url = f"http://127.0.0.1:{pager.port}"
        secret = pager.directory / "post.secret"
        (directory / "alertmanager.yml").write_text(
            f"""
global: {{http_config: {{authorization: {{credentials_file: {secret}}}}}}}
route:
  receiver: pager
  group_by: [site]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 100ms
  routes: [{{matchers: ['alertname="Watchdog"'], receiver: dead-man, group_by: [alertname]}}]
receivers:
- {{name: pager, webhook_configs: [{{url: '{url}/alerts/critical'}}]}}
- {{name: dead-man, webhook_configs: [{{url: '{url}/dead-man', send_resolved: true}}]}}
"""
        )
        self.program = Program(
            [
                find_program("prometheus-alertmanager"),
                f"--config.file={directory / 'alertmanager.yml'}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            directory / "alertmanager.log",
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Run for the time of a block."""
        with running(self.program, lambda: port_open(self.port) and self._ask("GET", "/-/ready") == 200, 20.0):
            yield self

    def give(self, *alerts: dict[str, Any]) -> None:
        """Hand in alerts as Prometheus does."""
        assert self._ask("POST", "/api/v2/alerts", json.dumps(alerts).encode()) == 200

    def _ask(self, method: str, path: str, body: bytes | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()
