"""Make the documents: ``report``, ``status`` and ``ack`` as JSON Schema, and the whole contract as AsyncAPI.

Invariant: only words that mean the same in JSON Schema draft-07 (the schemas of AsyncAPI 3) and 2020-12 are used, so both
documents carry the same definitions. What a schema cannot express is said in its description: columns as long as ``key``,
keys that are not empty and not double.

Sources: https://json-schema.org/draft/2020-12, https://www.asyncapi.com/docs/reference/specification/v3.0.0.
"""

from __future__ import annotations

import inspect
import json
from typing import Any, Final

import msgspec

from tslcd_wire.report import MAX_BYTES, Ack, Report, ReportDocument, Status
from tslcd_wire.topics import ID_PATTERN, ROOT, VERSION, Lane

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI: Final = "asyncapi.json"

_EXAMPLES: Final[dict[str, Report | Status | Ack]] = {
    "report": Report(
        agent="86-29551-1",
        stream="0198f3c2",
        seq=4711,
        at=1790000000.123,
        boot="7c1e",
        mono=86400.5,
        device="fw",
        tables={
            "device": {"key": [""], "snmp_up": [1], "snmp_state": ["ok"], "uptime_seconds": [8640000.0]},
            "interface": {"key": ["wan1", "lan"], "oper_up": [1, None], "receive_bytes_total": [123, 2**64 - 1]},
        },
    ),
    "status": Status(agent="86-29551-1", online=True, at=1790000000.0, stream="0198f3c2", oldest=4700, newest=4711),
    "ack": Ack(collector="a", stream="0198f3c2", upto=4711, missing=[(4690, 4690)]),
}
_ABOUT: Final = {
    "report": (
        ReportDocument,
        (
            f"One report, at most {MAX_BYTES} bytes. Every column is as long as the table's key; null stands for 'not known'; "
            "keys are neither empty nor double within a table"
        ),
    ),
    "status": (Status, "Retained state of an agent, and its last will"),
    "ack": (Ack, "What a collector has stored and synced of one stream of an agent"),
}
_CHANNELS: Final = {
    Lane.LIVE: ("report", "send", False, "Fresh reports, newest first"),
    Lane.HISTORY: ("report", "send", False, "Reports that could not be sent when they were made; may be zstd frames"),
    Lane.STATUS: ("status", "send", True, "State of the agent, retained; also its last will"),
    Lane.ACK: ("ack", "receive", False, "What the collectors have stored; the agent deletes it from its spool"),
}


def documents() -> dict[str, str]:
    """Return the text of every generated file by its name."""
    files = {f"{name}.schema.json": _json_schema(name) for name in _ABOUT}
    return {name: _text(document) for name, document in {**files, ASYNCAPI: _asyncapi()}.items()}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _json_schema(name: str) -> dict[str, Any]:
    message, about = _ABOUT[name]
    (reference,), definitions = _definitions([message], "#/$defs/{name}")
    head = {"$schema": DIALECT, "$id": f"urn:tslcd:v{VERSION}:{name}", "title": f"TSLCD {name}", "description": about}
    return {**head, **reference, "examples": [_example(name)], "$defs": definitions}


def _example(name: str) -> Any:
    return msgspec.to_builtins(_EXAMPLES[name])


def _definitions(types: list[Any], template: str) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    references, components = msgspec.json.schema_components(types, ref_template=template)
    _portable(components)
    return references, dict(sorted(components.items()))


def _portable(node: Any) -> None:
    """Rewrite in place what other readers of schemas would not understand."""
    if isinstance(node, list):
        for one in node:
            _portable(one)
    elif isinstance(node, dict):
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            node["pattern"] = pattern.removesuffix(r"\Z") + "$"  # ECMA 262 has no \Z
        if "prefixItems" in node:
            first, *_ = node.pop("prefixItems")  # the one tuple is a pair of equals
            node["items"] = first
        if isinstance(node.get("description"), str):
            node["description"] = inspect.cleandoc(node["description"])  # Python 3.13 takes the indentation away itself
        for one in node.values():
            _portable(one)


def _asyncapi() -> dict[str, Any]:
    references, schemas = _definitions([kind for kind, _ in _ABOUT.values()], "#/components/schemas/{name}")
    messages = {
        name: {
            "name": name,
            "summary": about,
            "contentType": "application/json",
            "payload": reference,
            "examples": [{"payload": _example(name)}],
        }
        for (name, (_, about)), reference in zip(_ABOUT.items(), references, strict=True)
    }
    identifier = {"description": f"Identifier: {ID_PATTERN}"}
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:tslcd:v{VERSION}",
        "info": {
            "title": "TSLCD monitor, between agent and collector",
            "version": f"{VERSION}.0.0",
            "description": "Told from the side of the agent. At least once: applying a report twice changes nothing.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {lane.value: _channel(lane, message) for lane, (message, _, _, _) in _CHANNELS.items()},
        "operations": {
            f"{action}{lane.value.capitalize()}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{lane.value}"},
                "summary": about,
                "messages": [{"$ref": f"#/channels/{lane.value}/messages/{message}"}],
                "bindings": {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": "0.2.0"}},
            }
            for lane, (message, action, retain, about) in _CHANNELS.items()
        },
        "components": {
            "parameters": {
                "province": {**identifier, "examples": ["86"]},
                "agent": {**identifier, "examples": ["86-29551-1"]},
            },
            "messages": messages,
            "schemas": schemas,
        },
    }


def _channel(lane: Lane, message: str) -> dict[str, Any]:
    return {
        "address": f"{ROOT}/{{province}}/{{agent}}/{lane.value}",
        "description": _CHANNELS[lane][3],
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in ("province", "agent")},
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }
