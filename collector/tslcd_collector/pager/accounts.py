"""What carries messages: Zalo bots, SMS gateways and mail servers behind one signature. The only importer of HTTP and mail libraries here.

Apprise is not used: its generic requests take any HTTP 200 for success, where Zalo's ``ok`` decides, and log addresses, where the token is.

Invariants: a try ends within the account's ``timeout``, whatever the other side does, and is an :class:`Answer`, never an exception; no
redirect is followed, no proxy of the environment used; no address of a request, no secret and no text of a message is in an answer's
text; at most MAX_BODY bytes of an answer are read.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import ssl
import time
from email.message import EmailMessage
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import aiosmtplib
import httpcore

from tslcd_collector.pager import answers
from tslcd_collector.pager.accounts_settings import MAX_LENGTH, PLACEHOLDER, Mail, Sms, Zalo
from tslcd_collector.pager.answers import Answer, Outcome, Reply

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tslcd_collector.pager.settings import PagerSettings

MAX_BODY: Final = 64 * 2**10
#: A mail server says "never" with 5xx (RFC 5321 section 4.2.1), and these of them are about us, not about the mailbox.
_SMTP_PERMANENT: Final = 500
_SMTP_DENIED: Final = {530, 534, 535, 538}


class Letter(NamedTuple):
    """A message to one address. ``id``: the same each time it is tried, so that a provider may know it again."""

    to: str
    title: str
    text: str
    id: str


class Account(Protocol):
    """One account. ``kind``: zalo, sms or mail; ``length``, ``ascii``: what its messages may be."""

    kind: str
    name: str
    length: int
    ascii: bool

    async def send(self, letter: Letter) -> Answer:
        """Try once. Never raises but for cancellation."""
        ...


def accounts(settings: PagerSettings) -> dict[str, Account]:
    """Make every account of the settings, by name. Raises OSError, ssl.SSLError when certificates cannot be read."""
    made: list[Account] = [
        *map(ZaloBot, settings.zalo),
        *map(SmsGateway, settings.sms),
        *map(MailServer, settings.mail),
    ]
    return {one.name: one for one in made}


class ZaloBot:
    """``POST {url}/bot{token}/sendMessage``."""

    kind, length, ascii = "zalo", MAX_LENGTH, False

    def __init__(self, settings: Zalo) -> None:
        """Remember."""
        self.name = settings.name
        self._settings = settings
        self._tls = _tls(settings.url, "")

    async def send(self, letter: Letter) -> Answer:
        """Try once."""
        token = self._settings.token.reveal()
        body = json.dumps({"chat_id": letter.to, "text": letter.text}, ensure_ascii=False).encode()
        url = f"{self._settings.url.rstrip('/')}/bot{quote(token, safe=':')}/sendMessage"
        headers = {"Content-Type": "application/json"}
        reply = await _ask("POST", url, headers, body, self._tls, self._settings.timeout)
        return reply if isinstance(reply, Answer) else answers.zalo(_without(reply, token), time.time())


class SmsGateway:
    """A request made from a template."""

    kind = "sms"

    def __init__(self, settings: Sms) -> None:
        """Remember."""
        self.name, self.length, self.ascii = settings.name, settings.length, settings.ascii
        self._settings = settings
        self._tls = _tls(settings.url, "")

    async def send(self, letter: Letter) -> Answer:
        """Try once."""
        settings = self._settings
        secret = settings.secret.reveal() if settings.secret is not None else ""
        values = {"to": letter.to, "text": letter.text, "secret": secret, "id": letter.id}
        url = _fill(settings.url, values, lambda text: quote(text, safe=""))
        headers = {name: _fill(text, values, lambda one: one) for name, text in settings.headers.items()}
        body = _fill(settings.body, values, _ENCODINGS[settings.encoding]).encode()
        reply = await _ask(settings.method, url, headers, body, self._tls, settings.timeout)
        if isinstance(reply, Answer):
            return reply
        return answers.gateway(_without(reply, secret, letter.text), settings.success, time.time())


class MailServer:
    """SMTP with STARTTLS."""

    kind, length, ascii = "mail", MAX_LENGTH, False

    def __init__(self, settings: Mail) -> None:
        """Read the certificate authority. Raises OSError, ssl.SSLError."""
        self.name = settings.name
        self._settings = settings
        self._tls = _tls("https:" if settings.tls != "none" else "", settings.ca)

    async def send(self, letter: Letter) -> Answer:
        """Try once."""
        settings = self._settings
        mail = EmailMessage()
        domain = settings.sender.partition("@")[2]
        try:
            mail["From"], mail["To"], mail["Subject"] = settings.sender, letter.to, letter.title
            mail["Date"] = email.utils.formatdate(localtime=False)
            mail["Message-ID"] = f"<{letter.id}@{domain}>"
            mail["Auto-Submitted"] = "auto-generated"
            mail.set_content(letter.text)
        except ValueError:
            return Answer(Outcome.REFUSED, "not a mail address")
        password = settings.password.reveal() if settings.password is not None else None
        try:
            async with asyncio.timeout(settings.timeout):
                await aiosmtplib.send(
                    mail,
                    hostname=settings.host,
                    port=settings.port,
                    username=settings.username,
                    password=password,
                    use_tls=settings.tls == "tls",
                    start_tls=settings.tls == "starttls",
                    tls_context=self._tls,
                    timeout=settings.timeout,
                )
        except aiosmtplib.SMTPException as error:
            return _smtp(error)
        except (OSError, ssl.SSLError, ValueError) as error:
            return Answer(Outcome.HANGING, type(error).__name__)
        return Answer(Outcome.ACCEPTED)


def _smtp(error: aiosmtplib.SMTPException) -> Answer:
    """Read why a mail server did not take a mail."""
    if isinstance(error, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPTimeoutError):
        return Answer(Outcome.HANGING, type(error).__name__)
    first = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
    code = getattr(first, "code", 0)
    text = f"{type(error).__name__} {code or ''}".strip()
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) or code in _SMTP_DENIED:
        return Answer(Outcome.DENIED, text)
    return Answer(Outcome.REFUSED if code >= _SMTP_PERMANENT else Outcome.FAILED, text)


async def _ask(
    method: str, url: str, headers: dict[str, str], body: bytes, tls: ssl.SSLContext | None, within: float
) -> Reply | Answer:
    """Ask once, by a connection of its own: pages are rare, and a connection that was kept may be a dead one."""
    try:
        async with (
            asyncio.timeout(within),
            httpcore.AsyncConnectionPool(ssl_context=tls, max_connections=1) as pool,
            pool.stream(method, url, headers=list(headers.items()), content=body) as response,
        ):
            parts, size = [], 0
            async for part in response.aiter_stream():
                parts.append(part)
                size += len(part)
                if size > MAX_BODY:
                    break
            wait = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
            return Reply(response.status, b"".join(parts)[:MAX_BODY], wait.decode("latin-1"))
    except _FAILURES as error:
        # only the name of what happened: its text may have the address in it, and the address the token
        return Answer(Outcome.HANGING, type(error).__name__)


_FAILURES: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    OSError,
    ValueError,
)
_ENCODINGS: Final[dict[str, Callable[[str], str]]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "form": quote_plus,
    "xml": lambda text: escape(text, {'"': "&quot;", "'": "&apos;"}),
    "plain": lambda text: text,
}


def _fill(template: str, values: dict[str, str], encode: Callable[[str], str]) -> str:
    """Put values in the place of their names, once: what a value has in braces is left alone."""

    def value(found: re.Match[str]) -> str:
        return encode(values[found[1]]) if found[1] in values else found[0]

    return PLACEHOLDER.sub(value, template)


def _tls(url: str, ca: str) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=ca or None) if url.startswith("https:") else None


def _without(reply: Reply, *hidden: str) -> Reply:
    """Take out what a provider gave back of what it was given, before anything is cut."""
    body = reply.body
    for one in hidden:
        forms = {
            one,
            quote(one, safe=""),
            quote_plus(one),
            json.dumps(one)[1:-1],
            json.dumps(one, ensure_ascii=False)[1:-1],
        }
        for form in forms if one else ():
            body = body.replace(form.encode(), b"...")
    return reply._replace(body=body)
