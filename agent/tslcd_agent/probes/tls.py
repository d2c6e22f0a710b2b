"""TLS: the handshake, who the server is, and how long its certificate lasts. HTTPS has its connections from here.

Invariants:

* A certificate is judged by OpenSSL: signed by a known authority, valid now, of the wanted name. What is wrong is the reason
  of a ``bad_certificate``.
* When it ends is told all the same: a server that failed the check is asked once more without one, and nothing is sent to it.
* The first end of the chain counts: with a check that of the chain that was verified, else that of what the server sent.
* No connection outlives its block, and its end waits for nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from typing import TYPE_CHECKING, Any, Final

from tslcd_agent.probes.contract import Findings, ProbeError
from tslcd_agent.probes.means import make_context
from tslcd_agent.probes.network import failure
from tslcd_agent.probes.tcp import connect

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

    from tslcd_agent.config import HttpProbe, TlsProbe
    from tslcd_agent.probes.means import Means

#: Bytes of an answer that wait in memory to be looked at.
READ_LIMIT: Final = 16 * 1024
#: asyncio has timeouts of its own; the deadline of the probe is the one that counts.
_NEVER: Final = 3600.0


async def probe(settings: TlsProbe, means: Means, findings: Findings) -> None:
    """Shake hands. Raises ProbeError."""
    async with session(settings, settings.target, settings.port, means, findings, tls=True):
        pass


@contextlib.asynccontextmanager
async def session(
    settings: TlsProbe | HttpProbe, host: str, port: int, means: Means, findings: Findings, *, tls: bool
) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """Connect for the time of a block, with ``tls`` after a handshake. Raises ProbeError."""
    address = await means.resolver.find(host, settings.source, findings)
    context = await means.trust.context(settings.ca, verify=settings.verify) if tls else None
    name = settings.server_name or host
    reader, writer = await _open(settings, address, port, findings, context, name)
    try:
        yield reader, writer
    except ssl.SSLError as error:
        raise _trouble(error) from None
    except OSError as error:
        raise ProbeError("bad_answer", f"ended the connection: {failure(error).reason}") from None
    finally:
        await _drop(writer)


async def _open(
    settings: TlsProbe | HttpProbe,
    address: str,
    port: int,
    findings: Findings,
    context: ssl.SSLContext | None,
    name: str,
) -> tuple[StreamReader, StreamWriter]:
    made = await connect(address, port, findings, source=settings.source, dscp=settings.dscp)
    if context is None:
        return await asyncio.open_connection(sock=made, limit=READ_LIMIT)
    try:
        with findings.measure("tls"):
            reader, writer = await asyncio.open_connection(
                sock=made, ssl=context, server_hostname=name, limit=READ_LIMIT, ssl_handshake_timeout=_NEVER
            )
    except ssl.SSLCertVerificationError as error:
        reason = (error.verify_message or str(error)).strip(".").lower()
        await _look_again(settings, address, port, findings, name)
        raise ProbeError("bad_certificate", reason) from None
    except ssl.SSLError as error:
        raise _trouble(error) from None
    except OSError as error:
        raise ProbeError("bad_answer", f"ended the connection in the TLS handshake: {failure(error).reason}") from None
    findings.tell(certificate_expiry=expiry(writer.get_extra_info("ssl_object"), time.time()))
    return reader, writer


async def _look_again(settings: TlsProbe | HttpProbe, address: str, port: int, findings: Findings, name: str) -> None:
    """Note when the certificate of a server ends that failed the check."""
    context = make_context(None, verify=False)
    aside = Findings()  # times of this connection count nowhere
    with contextlib.suppress(OSError, ProbeError):
        made = await connect(address, port, aside, source=settings.source, dscp=settings.dscp)
        _, writer = await asyncio.open_connection(
            sock=made, ssl=context, server_hostname=name, ssl_handshake_timeout=_NEVER
        )
        findings.tell(certificate_expiry=expiry(writer.get_extra_info("ssl_object"), time.time()))
        await _drop(writer)


def expiry(connection: ssl.SSLObject, now: float) -> float | None:
    """Return the seconds until the first certificate of a connection's chain ends, negative when it has ended.

    None when there is no certificate. Python 3.13 has names for chains, as bytes that nothing in it reads; what the
    interpreter's own object has is there from 3.10 on.
    """
    inner: Any = connection._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    verified = connection.context.verify_mode is not ssl.CERT_NONE
    chain = inner.get_verified_chain() if verified else inner.get_unverified_chain()
    ends = [ssl.cert_time_to_seconds(certificate.get_info()["notAfter"]) for certificate in chain or ()]
    return min(ends) - now if ends else None


async def _drop(writer: StreamWriter) -> None:
    """End a connection without a word: the peer may not listen any more."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _trouble(error: ssl.SSLError) -> ProbeError:
    return ProbeError("bad_answer", f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}")
