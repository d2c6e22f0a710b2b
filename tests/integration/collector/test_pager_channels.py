"""Channels that fail in every way: the next one is used, nobody is told twice, nothing is asked for ever, no secret is written."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from support.listeners import Authority
from support.pager import POST_TOKEN, SMS_KEY, TOKEN, PagerProgram, Services
from support.paging import alert, post
from support.processes import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANNERS = ("ok", "refused", "denied", "busy", "broken", "html", "hang", "drop")
#: One bot a person, so that what one does is not held against the others.
BAD = "zalo:\n" + "".join(
    f"- {{name: bot-{one}, token: {{file: zalo.secret}}, url: 'http://127.0.0.1:PORT', timeout: 500ms}}\n"
    for one in MANNERS
)
PEOPLE = "people:\n" + "".join(
    f"- {{id: p-{one}, name: P, channels: [{{by: bot-{one}, to: z-{one}}}, {{by: sms, to: s-{one}}}]}}\n"
    for one in MANNERS
)
EVERYBODY = f"escalation: {{critical: {{steps: [{{to: [{', '.join(f'p-{one}' for one in MANNERS)}]}}]}}}}\n"


@pytest.fixture
def services() -> Iterator[Services]:
    """Run the services that messages go to."""
    with Services().running() as one:
        yield one


def test_whatever_a_channel_does_the_next_one_is_used(tmp_path: Path, services: Services) -> None:
    """Every person is told once, by Zalo where it says ok and else by SMS; no token is in log, queue, audit log or answers."""
    pager = PagerProgram(tmp_path / "p", services, PEOPLE + EVERYBODY)
    text = pager.settings.read_text()
    first = next(line for line in text.splitlines() if line.startswith("zalo:"))
    pager.settings.write_text(text.replace(first, BAD.replace("PORT", str(services.port))))
    for one in MANNERS:
        services.manners[f"z-{one}"] = [one]
    with pager.running():
        assert pager.post(post(alert())) == 200
        wait_until(lambda: len([one for one in services.sent if one.how == "ok"]) == len(MANNERS), 15, "everybody told")
        assert pager.post(post(alert("c2"), group="2")) == 200
        wait_until(lambda: len([one for one in services.sent if one.how == "ok"]) == 2 * len(MANNERS), 15, "told again")
        answers = pager.ask("GET", "/metrics")[2]
    for one in MANNERS:
        assert len(services.texts(f"{'z' if one == 'ok' else 's'}-{one}")) == 2, one
    # what said "never" was asked once and not again
    assert [len([one for one in services.sent if one.to == f"z-{bad}"]) for bad in ("refused", "denied")] == [1, 1]
    assert services.texts("s-drop")[0].startswith("[KHAN CAP] Kenh c1 mat ket noi")
    audit = pager.audited()
    assert {one["outcome"] for one in audit if one["event"] == "tried"} == {
        "refused", "denied", "busy", "failed", "hanging", "left out"
    }  # fmt: skip
    assert len([one for one in audit if one["event"] == "told"]) == 2 * len(MANNERS)
    written = pager.everything() + answers.encode()
    assert b"account does not take messages" in written
    for secret in (TOKEN, SMS_KEY, POST_TOKEN, TOKEN.partition(":")[2], SMS_KEY.replace("/", "\\/")):
        assert secret.encode() not in written


def test_a_channel_that_comes_back_is_told_in_the_end(tmp_path: Path, services: Services) -> None:
    """All channels fail at first: as soon as Retry-After allows the message goes, once, and not before."""
    services.manners["z"] = ["busy", "ok"]
    pager = PagerProgram(
        tmp_path / "p",
        services,
        "people: [{id: an, name: An, channels: [{by: zalo, to: z}]}]\nescalation: {critical: {steps: [{to: [an]}]}}",
    )
    with pager.running():
        pager.post(post(alert()))
        wait_until(lambda: services.texts("z"), 15, "told")
    busy, told = services.sent
    assert told.at - busy.at >= 2.0


class Mailbox:
    """What a mail server took, and who may log in."""

    def __init__(self, password: str) -> None:
        """Start empty."""
        self.mails: list[Any] = []
        self._password = password

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail, or refuse its recipient."""
        if "nobody" in envelope.rcpt_tos[0]:
            return "550 no such mailbox"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def authenticate(
        self, _server: object, _session: object, _envelope: object, _mechanism: str, given: object
    ) -> AuthResult:
        """Check a password."""
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given.password.decode() == self._password, handled=False)


def test_mail_goes_by_starttls_and_what_it_refuses_goes_elsewhere(tmp_path: Path, services: Services) -> None:
    """With a certificate that is known; an unknown certificate, a wrong password and an unknown mailbox are no way."""
    authority, box = Authority(tmp_path), Mailbox("mail-password-QwErTy")
    ports = (free_port(), free_port())
    servers = [
        Controller(
            box,
            hostname="127.0.0.1",
            port=port,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=box.authenticate,
        )
        for port, context in zip(
            ports,
            (authority.server("mail.example", "127.0.0.1"), authority.server("127.0.0.1", bare=True)),
            strict=True,
        )
    ]
    (tmp_path / "mail").write_text("mail-password-QwErTy\n")
    (tmp_path / "wrong").write_text("not-the-password\n")
    mail = "mail:\n"
    for name, port, secret in (
        ("good", ports[0], "mail"),
        ("unknown", ports[1], "mail"),
        ("locked", ports[0], "wrong"),
    ):
        mail += (
            f"- {{name: {name}, host: 127.0.0.1, port: {port}, ca: {authority.pem}, username: pager,"
            f" password: {{file: {tmp_path / secret}}}, sender: pager@mail.example, timeout: 3s}}\n"
        )
    ways = {"a": "good", "b": "unknown", "c": "locked", "d": "good"}
    text = mail + "people:\n"
    for name, way in ways.items():
        to = "nobody" if name == "d" else name
        text += (
            f"- {{id: {name}, name: P, channels: [{{by: {way}, to: {to}@mail.example}}, {{by: sms, to: s-{name}}}]}}\n"
        )
    pager = PagerProgram(tmp_path / "p", services, text + "escalation: {critical: {steps: [{to: [a, b, c, d]}]}}\n")
    for one in servers:
        one.start()
    try:
        with pager.running():
            pager.post(post(alert()))
            wait_until(lambda: box.mails and len(services.sent) == 3, 20, "mail and three SMS")
    finally:
        for one in servers:
            one.stop()
    (got,) = box.mails
    assert (got["To"], got["Subject"]) == ("a@mail.example", "[KHẨN CẤP] Kênh c1 mất kết nối")
    assert "Lý do: giao diện mất tín hiệu" in got.get_content()
    assert re.fullmatch(r"<tslcd-\d+-\d+@mail\.example>", got["Message-ID"])
    assert sorted(one.to for one in services.sent) == ["s-b", "s-c", "s-d"]
    tried = {one["recipient"]: one["outcome"] for one in pager.audited() if one["event"] == "tried"}
    assert tried == {"b": "hanging", "c": "denied", "d": "refused"}
    assert b"mail-password" not in pager.everything()
