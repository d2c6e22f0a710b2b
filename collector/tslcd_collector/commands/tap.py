"""``tap``: messages of the contract as they come from the broker, decoded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tslcd_collector.decompression import decompress
from tslcd_runtime.mqtt import Connection
from tslcd_wire import codec, topics
from tslcd_wire.errors import WireError
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tslcd_collector.config import CollectorSettings

Document: TypeAlias = dict[str, Any]


async def tap(settings: CollectorSettings, *, agent: str | None, lanes: tuple[Lane, ...]) -> AsyncIterator[Document]:
    """Yield every message with its topic; what cannot be decoded has ``error`` and ``code``. Raises BrokerError."""
    name = f"tslcd-tap-{time.monotonic_ns():x}"
    async with Connection(settings.broker, name) as connection:
        await connection.subscribe(
            [topics.subscription(lane, province, agent or "+") for province in settings.provinces for lane in lanes]
        )
        async for delivery in connection.deliveries():
            connection.acknowledge(delivery)
            yield {
                "topic": delivery.topic,
                "bytes": len(delivery.payload),
                "retained": delivery.retained,
                **_decoded(delivery.topic, delivery.payload),
            }


def _decoded(topic: str, payload: bytes) -> Document:
    try:
        match topics.parse(topic).lane:
            case Lane.STATUS if not payload:
                return {"message": None}
            case Lane.STATUS:
                message: object = codec.decode_status(payload)
            case Lane.ACK:
                message = codec.decode_ack(payload)
            case _:
                report, refused = codec.decode_report(payload, decompress)
                document = {"message": msgspec.to_builtins(report)}
                return {**document, "refused_columns": list(refused)} if refused else document
    except WireError as error:
        return {"error": str(error), "code": error.code}
    return {"message": msgspec.to_builtins(message)}


def summary(document: Document) -> str:
    """Write a message in one line for people."""
    head = f"{document['topic']} {document['bytes']} B"
    if "error" in document:
        return f"{head} ! {document['code']}: {document['error']}"
    message = document["message"]
    if message is None:
        return f"{head} (cleared)"
    if "tables" in message:
        tables = " ".join(f"{kind}[{len(table['key'])}]" for kind, table in message["tables"].items())
        events = " ".join(f"{one['key']}={'up' if one['up'] else 'down'}" for one in message["events"])
        device = message["device"] or "(agent)"
        return f"{head} {message['stream']}/{message['seq']} {device} {tables} {events}".rstrip()
    return f"{head} {msgspec.json.encode(message).decode()}"
