"""SNMP messages of version 1 and 2c with pysnmp's codec; nothing here sends or waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyasn1.codec.ber import decoder, encoder  # type: ignore[import-untyped]
from pysnmp.proto.api import v1, v2c

from tslcd_agent.snmp.asking import UndecodableError

if TYPE_CHECKING:
    from tslcd_agent.config import Snmp


class CommunityMachine:
    """Makes messages with one community, and reads those that have the same version, community and request-id."""

    def __init__(self, snmp: Snmp) -> None:
        """Remember."""
        #: Whether the peer ever answered.
        self.known = False
        self.pdus: Any = v1 if snmp.version == "1" else v2c
        self._version = 0 if snmp.version == "1" else 1
        self._community = (snmp.community.reveal() if snmp.community else "").encode()
        self._request = 0
        self._response: Any = None

    @property
    def answered(self) -> bool:
        """Whether the answer to the last question came."""
        return self._response is not None

    def send(self, pdu: Any) -> bytes:
        """Return the message that asks ``pdu``."""
        self._request, self._response = int(self.pdus.apiPDU.get_request_id(pdu)), None
        message = self.pdus.Message()
        self.pdus.apiMessage.set_defaults(message)
        self.pdus.apiMessage.set_community(message, self._community)
        self.pdus.apiMessage.set_pdu(message, pdu)
        encoded: bytes = encoder.encode(message)
        return encoded

    def receive(self, datagram: bytes) -> None:
        """Read what came; late and foreign answers change nothing. Raises UndecodableError."""
        interface = self.pdus.apiMessage
        try:
            message, _ = decoder.decode(datagram, asn1Spec=self.pdus.Message())
            pdu = interface.get_pdu(message)
            ours = int(interface.get_version(message)) == self._version and (
                bytes(interface.get_community(message)) == self._community
            )
            response = pdu.tagSet == self.pdus.GetResponsePDU.tagSet
            request = int(self.pdus.apiPDU.get_request_id(pdu))
        except Exception as error:  # noqa: BLE001 - whatever a hostile datagram raises in there
            raise UndecodableError(type(error).__name__) from None
        if not response:
            raise UndecodableError("not a response")
        if ours and request == self._request:
            self._response = pdu

    def response(self) -> Any:
        """Return the response PDU."""
        return self._response

    def end(self) -> None:
        """Nothing is kept of a question without an answer."""
