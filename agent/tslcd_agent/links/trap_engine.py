"""The door to pysnmp for traps and informs: one datagram in, one notification out. Imported only when ``traps:`` is configured.

pysnmp's transports are not used: the listener owns the socket, looks at the source and bounds storms before anything is
decoded here. What pysnmp 7.1 does, seen in its sources, and what is done about it:

* It knows an SNMPv3 user under one engine id each, and traps come from the engine of the sender (RFC 3414 section 1.5.1). So
  the engine id of a message is read first, and the user made known under it; kept when the message proves authentic.
* It checks the security level of messages to its own engine only: a trap without any authentication is let through when the
  name of the user is right. Levels are checked here.
* It takes the boots and time of any authentic message as the sender's present: a recorded trap would be believed again.
  The time window (RFC 3414 section 3.2.7) is kept here.
* Its engine time follows the wall clock; here it follows CLOCK_BOOTTIME.
* It keeps some state of messages that it refuses for ever: :attr:`TrapEngine.worn`.

Invariants:

* Nothing is acknowledged that is not taken.
* Whatever the bytes are, :meth:`TrapEngine.hear` returns, or raises NotificationError and nothing else.
"""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any, Final

from pyasn1.codec.ber import decoder  # type: ignore[import-untyped]
from pyasn1.type import univ  # type: ignore[import-untyped]
from pysnmp.carrier.base import AbstractTransportDispatcher
from pysnmp.entity import config as usm
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.ntfrcv import NotificationReceiver
from pysnmp.proto import errind
from pysnmp.proto.api import v2c, verdec
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from tslcd_agent.links.notification import SNMP_TRAP_OID, Notification, NotificationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_agent.config import Snmp
    from tslcd_agent.links.engine_clock import EngineClock
    from tslcd_agent.links.engine_identity import EngineIdentity
    from tslcd_agent.snmp.session import Value

#: Of one set of credentials: engines whose messages are understood; the one that was silent longest goes first.
MAX_ENGINES: Final = 64
#: RFC 3414 section 2.2.3, seconds.
TIME_WINDOW: Final = 150
#: After so many refused messages the engine has to be made anew, which gives back what they left in it.
WORN_AFTER: Final = 2_000

#: What pysnmp would read from disk when the first message needs it.
_MODULES: Final = (
    "__SNMPv2-MIB",
    "__SNMP-MPD-MIB",
    "__SNMP-USER-BASED-SM-MIB",
    "__PYSNMP-USM-MIB",
    "SNMP-COMMUNITY-MIB",
    "SNMP-TARGET-MIB",
    "SNMP-USER-BASED-SM-MIB",
    "PYSNMP-USM-MIB",
)
_VERSION_3: Final = 3
_AUTHENTIC: Final = 2
#: msgVersion, as people call it.
_VERSIONS: Final = {0: "1", 1: "2c", 3: "3"}
_REPLAY: Final = (
    "older than the time window of SNMPv3 allows: somebody sends it again, or the device forgot how often it started, which it"
    " is now asked"
)
_LEVELS: Final = {1: "noAuthNoPriv", 2: "authNoPriv", 3: "authPriv"}
_MIN_ENGINE_ID, _MAX_ENGINE_ID = 5, 32
#: What is a step of a dialogue, and is answered with a report: the sender asks who we are and what time we have.
_DIALOGUE: Final = (errind.UnknownEngineID, errind.NotInTimeWindow)
_CREDENTIALS: Final = (
    errind.UnknownCommunityName,
    errind.UnknownSecurityName,
    errind.AuthenticationFailure,
    errind.DecryptionError,
)
_AUTH: Final = {
    "MD5": usm.USM_AUTH_HMAC96_MD5,
    "SHA": usm.USM_AUTH_HMAC96_SHA,
    "SHA-224": usm.USM_AUTH_HMAC128_SHA224,
    "SHA-256": usm.USM_AUTH_HMAC192_SHA256,
    "SHA-384": usm.USM_AUTH_HMAC256_SHA384,
    "SHA-512": usm.USM_AUTH_HMAC384_SHA512,
}
_PRIV: Final = {
    ("DES", "blumenthal"): usm.USM_PRIV_CBC56_DES,
    ("AES", "blumenthal"): usm.USM_PRIV_CFB128_AES,
    ("AES-192", "blumenthal"): usm.USM_PRIV_CFB192_AES_BLUMENTHAL,
    ("AES-256", "blumenthal"): usm.USM_PRIV_CFB256_AES_BLUMENTHAL,
    # pysnmp calls these by their ciphers alone
    ("AES-192", "reeder"): usm.USM_PRIV_CFB192_AES,
    ("AES-256", "reeder"): usm.USM_PRIV_CFB256_AES,
}


class TrapEngine:
    """Understands the notifications of devices that share credentials. Making one takes a tenth of a second: use a thread.

    ``answer`` is called with bytes and the address given to :meth:`hear`, for acknowledgements and reports. ``began``:
    CLOCK_BOOTTIME when ``identity`` began to count its time.
    """

    def __init__(
        self, snmp: Snmp, identity: EngineIdentity, began: float, answer: Callable[[bytes, Any], None]
    ) -> None:
        """Make the engine and its user or community."""
        self._began = began
        self._identity = identity
        self._level = 3 if snmp.priv else 2 if snmp.auth else 1
        self._refused = 0
        self._heard: Notification | None = None
        self._failure: Any = None
        self._payload = b""
        self._request: int | None = None
        self._origin: tuple[bytes, int, int] = (b"", 0, 0)
        #: By engine id, the newest boots and time of an authentic message.
        self._windows: dict[bytes, tuple[int, int]] = {}
        self._engine = engine = SnmpEngine()
        self._dispatcher = AbstractTransportDispatcher()
        self._dispatcher.register_transport(usm.SNMP_UDP_DOMAIN, _Answers(answer))
        self._dispatcher.set_timer_resolution(10)  # what pysnmp expires, it expires after 30 or 600 of these
        engine.register_transport_dispatcher(self._dispatcher)
        engine.get_mib_builder().load_modules(*_MODULES)
        framework = "__SNMP-FRAMEWORK-MIB"
        names = ("snmpEngineID", "snmpEngineBoots", "snmpEngineTime")
        own_id, boots, self._engine_time = engine.get_mib_builder().import_symbols(framework, *names)
        own_id.syntax = own_id.syntax.clone(identity.engine_id)
        engine.snmpEngineID = own_id.syntax
        boots.syntax = boots.syntax.clone(identity.boots)
        self._user: dict[str, Any] | None = None
        if snmp.version == "3":
            self._user = _user(snmp)
            usm.add_v3_user(engine, **self._user)
        else:
            usm.add_v1_system(engine, "device", snmp.community.reveal() if snmp.community else "")
        self._receiver = NotificationReceiver(engine, self._take)
        kinds = NotificationReceiver.SUPPORTED_PDU_TYPES
        engine.message_dispatcher.unregister_context_engine_id(b"", kinds)
        engine.message_dispatcher.register_context_engine_id(b"", kinds, self._judge)
        points = (f"{layer}.prepareDataElements:sm-failure" for layer in ("rfc2576", "rfc3412"))
        engine.observer.register_observer(self._note_failure, *points)

    @property
    def worn(self) -> bool:
        """Whether it is time to make another one."""
        return self._refused >= WORN_AFTER

    def hear(self, payload: bytes, address: Any) -> Notification | None:
        """Return what a datagram says; None when it was a step of SNMPv3's dialogue. Raises NotificationError."""
        self._heard = self._failure = None
        self._payload = payload
        learned = False
        try:
            version = int(verdec.decode_message_version(payload))
            if version in _VERSIONS and (version == _VERSION_3) != (self._user is not None):
                raise NotificationError("credentials", self._wrong_version(version))
            if version == _VERSION_3:
                self._keep_time()
                self._origin = _origin(payload)
                learned = self._learn(self._origin[0])
            self._engine.message_dispatcher.receive_message(self._engine, usm.SNMP_UDP_DOMAIN, address, payload)
        except NotificationError:
            self._refused += 1
            raise
        except Exception as error:  # noqa: BLE001 - the library meets bytes from anywhere; what it makes of them is one thing to us
            self._refused += 1
            raise NotificationError("garbage", f"not understood as SNMP ({type(error).__name__})") from None
        finally:
            if learned and self._heard is None:
                self._forget(self._origin[0])
        if self._heard is not None:
            return self._heard
        self._refused += 1
        if isinstance(self._failure, _DIALOGUE):
            return None
        if isinstance(self._failure, errind.UnsupportedSecurityLevel):
            raise NotificationError("level", "less security than the device is configured with")
        if isinstance(self._failure, _CREDENTIALS):
            raise NotificationError("credentials", str(self._failure))
        raise NotificationError("garbage", "SNMP, but no notification")

    def believe(self, clock: EngineClock) -> bool:
        """Take what an engine said of itself in an authentic answer; return whether that is less than its traps had said."""
        known = self._windows.get(clock.engine_id)
        if known is None or (clock.boots, clock.seconds) >= known:
            return False
        self._windows[clock.engine_id] = (clock.boots, clock.seconds)
        return True

    def _wrong_version(self, version: int) -> str:
        """Say what came and what to do about it."""
        came = _VERSIONS[version]
        if self._user is None:
            return f"came in version {came}, devices.X.snmp says 1 or 2c: set one of both right, the trap target or the settings"
        return f"came in version {came}, devices.X.snmp says 3: have the device send its traps as SNMPv3 with the same user"

    def _judge(self, *arguments: Any) -> None:
        """Check what pysnmp does not, then let it acknowledge and hand over. Raises NotificationError."""
        model, level = int(arguments[1]), int(arguments[4])
        if model == _VERSION_3:
            if level < self._level:
                message = f"came with {_LEVELS[level]}, the device is configured with {_LEVELS[self._level]}"
                raise NotificationError("level", message)
            engine_id, boots, seconds = self._origin
            if level >= _AUTHENTIC and engine_id != self._identity.engine_id:
                known = self._windows.get(engine_id, (0, 0))
                if boots < known[0] or (boots == known[0] and seconds < known[1] - TIME_WINDOW):
                    raise NotificationError("replay", _REPLAY)
                self._windows[engine_id] = max(known, (boots, seconds))
        self._request = None
        if arguments[8].tagSet == v2c.InformRequestPDU.tagSet:
            # pysnmp puts numbers of its own into requests with a community; those are sent again byte by byte
            self._request = int(arguments[8][0]) if model == _VERSION_3 else zlib.crc32(self._payload)
        self._receiver.process_pdu(*arguments)

    def _take(self, _engine: Any, _state: Any, _context_engine: Any, _context: Any, bindings: Any, _mine: Any) -> None:
        """Translate what is now known to be good."""
        values = {str(oid): _plain(value) for oid, value in bindings}
        kind = values.pop(SNMP_TRAP_OID, "")
        self._heard = Notification(str(kind), values, self._request)

    def _note_failure(self, _engine: Any, _point: str, variables: Any, _mine: Any) -> None:
        self._failure = variables["statusInformation"].get("errorIndication")

    def _learn(self, engine_id: bytes) -> bool:
        """Make the user known under another engine's id; return whether it was not."""
        if self._user is None or engine_id == self._identity.engine_id:
            return False
        if engine_id in self._windows:
            self._windows[engine_id] = self._windows.pop(engine_id)  # the last to be forgotten
            return False
        if not _MIN_ENGINE_ID <= len(engine_id) <= _MAX_ENGINE_ID:
            return False
        while len(self._windows) >= MAX_ENGINES:
            self._forget(next(iter(self._windows)))
        usm.add_v3_user(self._engine, **self._user, securityEngineId=v2c.OctetString(engine_id))
        self._windows[engine_id] = (0, 0)
        return True

    def _forget(self, engine_id: bytes) -> None:
        self._windows.pop(engine_id, None)
        if self._user is not None:
            usm.delete_v3_user(self._engine, self._user["userName"], v2c.OctetString(engine_id))

    def _keep_time(self) -> None:
        """Let pysnmp's engine time be the seconds since we began, whatever happened to the wall clock."""
        seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - self._began
        syntax = self._engine_time.syntax
        self._engine_time.syntax = syntax.__class__(int(time.time() - seconds))
        self._dispatcher.handle_timer_tick(time.monotonic())


class _Answers:
    """As much of a transport as pysnmp needs in order to answer."""

    def __init__(self, answer: Callable[[bytes, Any], None]) -> None:
        """Answer with ``answer``."""
        self.send_message = answer

    def register_callback(self, callback: Any) -> None:
        """Nothing comes in this way."""

    def unregister_callback(self) -> None:
        """Nothing came in this way."""


def _user(snmp: Snmp) -> dict[str, Any]:
    """Return the arguments of add_v3_user, with master keys: hashing a megabyte is done once, not for each engine id."""
    user: dict[str, Any] = {"userName": snmp.user or ""}
    if snmp.auth is not None:
        protocol = _AUTH[snmp.auth.protocol]
        user |= {"authProtocol": protocol, "authKeyType": usm.USM_KEY_TYPE_MASTER}
        user["authKey"] = usm.AUTH_SERVICES[protocol].hash_passphrase(snmp.auth.password.reveal().encode())
        if snmp.priv is not None:
            service = _PRIV.get((snmp.priv.protocol, snmp.priv.extension)) or _PRIV[snmp.priv.protocol, "blumenthal"]
            user |= {"privProtocol": service, "privKeyType": usm.USM_KEY_TYPE_MASTER}
            user["privKey"] = usm.PRIV_SERVICES[service].hash_passphrase(protocol, snmp.priv.password.reveal().encode())
    return user


def _origin(payload: bytes) -> tuple[bytes, int, int]:
    """Return engine id, boots and time of a version 3 message (RFC 3414 section 2.4), of which nothing is proven yet."""
    message, _ = decoder.decode(payload, asn1Spec=SNMPv3Message())
    parameters, _ = decoder.decode(message[2], asn1Spec=UsmSecurityParameters())
    return bytes(parameters[0]), int(parameters[1]), int(parameters[2])


def _plain(value: Any) -> Value:
    """Return a value as sessions have it."""
    if isinstance(value, univ.ObjectIdentifier):
        return str(value)
    if isinstance(value, univ.Integer):
        return int(value)
    return bytes(value) if isinstance(value, univ.OctetString) else None
