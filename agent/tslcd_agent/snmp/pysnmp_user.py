"""SNMPv3 messages with pysnmp: its engine makes them and reads them; nothing here sends or waits.

What pysnmp 7.1 does, seen: making an engine reads modules from disk (60 ms), so that happens in a thread; an engine keeps
what it knows of a peer under its transport address, a name of our choice here; reports of another engine than that one it
does not understand, so that silence after an answer asks for a new one; a datagram that it cannot decode is counted in
snmpInASNParseErrs and dropped in silence; a hostile one may raise nearly anything; a message from a stranger is answered
with a report, which is let fall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pysnmp.carrier.base import AbstractTransportDispatcher
from pysnmp.entity import config, engine
from pysnmp.error import PySnmpError
from pysnmp.proto import errind, rfc1902
from pysnmp.proto.api import v2c

from tslcd_agent.snmp.asking import ReportedError, UndecodableError

if TYPE_CHECKING:
    from tslcd_agent.config import Snmp
    from tslcd_agent.snmp.asking import Report

AUTH_PROTOCOLS: Final = {
    "MD5": config.USM_AUTH_HMAC96_MD5,
    "SHA": config.USM_AUTH_HMAC96_SHA,
    "SHA-224": config.USM_AUTH_HMAC128_SHA224,
    "SHA-256": config.USM_AUTH_HMAC192_SHA256,
    "SHA-384": config.USM_AUTH_HMAC256_SHA384,
    "SHA-512": config.USM_AUTH_HMAC384_SHA512,
}
#: By protocol and key extension, which for DES and AES-128 makes no difference.
PRIV_PROTOCOLS: Final = {
    ("DES", "blumenthal"): config.USM_PRIV_CBC56_DES,
    ("DES", "reeder"): config.USM_PRIV_CBC56_DES,
    ("AES", "blumenthal"): config.USM_PRIV_CFB128_AES,
    ("AES", "reeder"): config.USM_PRIV_CFB128_AES,
    ("AES-192", "blumenthal"): config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    ("AES-256", "blumenthal"): config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    ("AES-192", "reeder"): config.USM_PRIV_CFB192_AES,
    ("AES-256", "reeder"): config.USM_PRIV_CFB256_AES,
}
_REPORTS: Final[dict[type, Report]] = {
    errind.UnknownUserName: "user",
    errind.UnsupportedSecurityLevel: "level",
    errind.WrongDigest: "digest",
    errind.DecryptionError: "privacy",
    errind.NotInTimeWindow: "window",
    errind.UnknownEngineID: "engine",
}
#: snmpUnknownContexts.0 (RFC 3413).
_UNKNOWN_CONTEXTS: Final = "1.3.6.1.6.3.12.1.5.0"
_DOMAIN: Final = (1, 3, 6, 1, 6, 1, 1)
_NAME: Final = "device"
#: What the engine would read from disk while messages come in.
_MODULES: Final = ("__SNMP-MPD-MIB", "__SNMP-USER-BASED-SM-MIB", "__PYSNMP-USM-MIB", "PYSNMP-USM-MIB")
_VERSION: Final = 3
_USER_BASED: Final = 3


class UserMachine(AbstractTransportDispatcher):  # type: ignore[misc]  # pysnmp has no types
    """A pysnmp engine with the user of one device, and the transport that it believes it has. Blocks when made."""

    pdus: Any = v2c

    def __init__(self, snmp: Snmp) -> None:
        super().__init__()
        self._level = 1 + (snmp.auth is not None) + (snmp.priv is not None)
        self._context = (snmp.context or "").encode()
        self._user = rfc1902.OctetString((snmp.user or "").encode())
        #: Whether the peer ever answered, be it with a report.
        self.known = False
        self._open = False
        self._sent = b""
        self._outcome: tuple[Any, Any] | None = None
        self._engine = engine.SnmpEngine()
        self._engine.transport_dispatcher = self
        config.add_v3_user(
            self._engine,
            snmp.user,  # also the security name: pysnmp finds none but that
            AUTH_PROTOCOLS[snmp.auth.protocol] if snmp.auth else config.USM_AUTH_NONE,
            snmp.auth.password.reveal().encode() if snmp.auth else None,
            PRIV_PROTOCOLS[snmp.priv.protocol, snmp.priv.extension] if snmp.priv else config.USM_PRIV_NONE,
            snmp.priv.password.reveal().encode() if snmp.priv else None,
        )
        for module in _MODULES:
            self._engine.get_mib_builder().load_modules(module)
        (self._undecodable,) = self._engine.get_mib_builder().import_symbols("__SNMPv2-MIB", "snmpInASNParseErrs")

    @property
    def answered(self) -> bool:
        """Whether an answer or a report to the last question came."""
        return self._outcome is not None

    def send(self, pdu: Any) -> bytes:
        """Return the message that asks ``pdu``. Raises UndecodableError."""
        self._open, self._outcome = True, None
        try:
            self._engine.message_dispatcher.send_pdu(
                self._engine,
                _DOMAIN,
                _NAME,
                _VERSION,
                _USER_BASED,
                self._user,
                self._level,
                None,
                self._context,
                1,
                pdu,
                True,  # noqa: FBT003 - pysnmp's signature
                0,
                self._heard,
            )
        except PySnmpError as error:
            raise UndecodableError(str(error)) from None
        finally:
            self._open = False
        return self._sent

    def send_message(self, message: bytes, domain: object, address: object) -> None:
        """Take the message that the engine makes; reports to strangers are let fall."""
        del domain, address
        if self._open:
            self._sent = bytes(message)

    def receive(self, datagram: bytes) -> None:
        """Read what came; late and foreign answers change nothing. Raises UndecodableError."""
        if datagram == self._sent:
            raise UndecodableError("the question came back")
        before = int(self._undecodable.syntax)
        try:
            self._engine.message_dispatcher.receive_message(self._engine, _DOMAIN, _NAME, datagram)
        except Exception as error:  # noqa: BLE001 - whatever a hostile datagram raises in there
            raise UndecodableError(type(error).__name__) from None
        if int(self._undecodable.syntax) != before:
            raise UndecodableError("not BER")

    def _heard(self, *said: Any) -> None:
        self._outcome = said[8], said[9]

    def end(self) -> None:
        """Let go of a question that is not answered."""
        if self._outcome is None:
            self._engine.message_dispatcher.receive_timer_tick(self._engine, 0)
            self._outcome = None

    def response(self) -> Any:
        """Return the response PDU. Raises ReportedError."""
        pdu, status = self._outcome or (None, None)
        if status:
            indication = status.get("errorIndication")
            if str(status.get("oid")) == _UNKNOWN_CONTEXTS:
                raise ReportedError("context")
            raise ReportedError(_REPORTS.get(type(indication), "unsaid"))
        return pdu
