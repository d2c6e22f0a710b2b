"""The generated documents: current, valid, and of one mind with the decoders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

import tslcd_wire.schema
from support.wire import BARE, acks, reports, statuses
from tslcd_wire.codec import decode_ack, decode_report, decode_status, encode
from tslcd_wire.errors import WireError
from tslcd_wire.schema.__main__ import main
from tslcd_wire.schema.documents import documents
from tslcd_wire.topics import Lane, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_wire.report import Ack, Report, Status

FOLDER = Path(tslcd_wire.schema.__file__).parent
DOCUMENTS: dict[str, Any] = {name: json.loads(text) for name, text in documents().items()}
VALIDATORS = {name: Draft202012Validator(DOCUMENTS[f"{name}.schema.json"]) for name in ("report", "status", "ack")}
DECODERS: dict[str, Any] = {"report": decode_report, "status": decode_status, "ack": decode_ack}


def test_committed_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    """What is in the repository is what the types say."""
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""
    assert {path.name for path in FOLDER.glob("*.json")} == set(DOCUMENTS)


def test_check_names_what_is_not_current(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing and changed files are named and end in 1; writing mends them, and says so once."""
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("not current, run python -m tslcd_wire.schema") == len(DOCUMENTS)
    assert main(["--folder", str(tmp_path)]) == 0
    (tmp_path / "ack.schema.json").write_text("{}\n")
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{tmp_path}/ack.schema.json: not current")
    assert main(["--folder", str(tmp_path)]) == 0
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/ack.schema.json: written\n"


@pytest.mark.parametrize("name", VALIDATORS)
def test_schemas_are_valid_and_so_are_their_examples(name: str) -> None:
    """Each schema keeps the rules of JSON Schema 2020-12; its example passes it and the decoder."""
    schema = DOCUMENTS[f"{name}.schema.json"]
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        VALIDATORS[name].validate(example)
        DECODERS[name](json.dumps(example).encode())


@settings(max_examples=60)
@given(reports, statuses, acks)
def test_everything_that_is_encoded_passes_its_schema(report: Report, status: Status, ack: Ack) -> None:
    """Any valid message, encoded, is valid by the schema too."""
    for name, message in (("report", report), ("status", status), ("ack", ack)):
        VALIDATORS[name].validate(json.loads(encode(message)))


INTERFACE = {"key": ["w"]}
BAD: list[tuple[str, dict[str, Any]]] = [
    ("report", {"extra": 1}),
    ("report", {"v": 2}),
    ("report", {"seq": 0}),
    ("report", {"seq": 1.5}),
    ("report", {"at": -1}),
    ("report", {"agent": "A"}),
    ("report", {"stream": "xyz"}),
    ("report", {"tables": {"interface": {}}}),
    ("report", {"tables": {"interface": {"key": []}}}),
    ("report", {"tables": {"device": {"key": ["x"]}}}),
    ("report", {"tables": {"interface": {**INTERFACE, "oper_up": [2]}}}),
    ("report", {"tables": {"interface": {**INTERFACE, "receive_bytes_total": [-1]}}}),
    ("report", {"tables": {"interface": {**INTERFACE, "receive_bytes_total": [2**64]}}}),
    ("report", {"tables": {"interface": {**INTERFACE, "receive_bytes_total": ["1"]}}}),
    ("report", {"tables": {"interface": {**INTERFACE, "alias": ["\x1b"]}}}),
    ("report", {"tables": {"interface": {**INTERFACE, "alias": ["x" * 257]}}}),
    ("report", {"tables": {"device": {"key": [""], "snmp_state": ["fine"]}}}),
    ("report", {"events": [{"kind": "quake", "key": "w", "up": True, "at": 1, "source": "trap"}]}),
    ("status", {"agent": "a", "online": 1}),
    ("status", {"agent": "a"}),
    ("status", {"agent": "a", "online": True, "lost": [[1]]}),
    ("status", {"agent": "a", "online": True, "lost": [[1, 2, 3]]}),
    ("ack", {"collector": "a", "stream": "0198f3c2"}),
    ("ack", {"collector": "a", "stream": "0198f3c2", "upto": -1}),
]


@pytest.mark.parametrize(("name", "change"), BAD)
def test_bad_documents_fail_schema_and_decoder_alike(name: str, change: dict[str, Any]) -> None:
    """What the decoder refuses by shape, the schema refuses too."""
    document = {**BARE, **change} if name == "report" else change
    assert not VALIDATORS[name].is_valid(document)
    with pytest.raises(WireError):
        DECODERS[name](json.dumps(document).encode())


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _references(one)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for one in node.values():
            yield from _references(one)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_leads_somewhere(name: str) -> None:
    """All references stay within the document and exist; all definitions are used."""
    document = DOCUMENTS[name]
    used = set(_references(document))
    for reference in used:
        node = document
        assert reference.startswith("#/")
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    for section, prefix in (("$defs", "#/$defs/"), ("schemas", "#/components/schemas/")):
        holder = document if section == "$defs" else document.get("components", {})
        assert {prefix + one for one in holder.get(section, {})} <= used


def test_patterns_are_those_of_every_language() -> None:
    r"""Patterns are ECMA 262: no \Z, which is Python's alone."""
    for text in documents().values():
        assert r"\\Z" not in text


def test_asyncapi_tells_of_every_lane() -> None:
    """Each lane is a channel with its address, parameters and message, and one operation with QoS 1."""
    document = DOCUMENTS["asyncapi.json"]
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {lane.value for lane in Lane}
    for lane, channel in document["channels"].items():
        assert set(channel["parameters"]) == {"province", "agent"}
        address = channel["address"]
        assert parse(address.replace("{province}", "86").replace("{agent}", "a")).lane.value == lane
    actions = {name: (one["action"], one["bindings"]["mqtt"]) for name, one in document["operations"].items()}
    bindings = {retain: {"qos": 1, "retain": retain, "bindingVersion": "0.2.0"} for retain in (True, False)}
    assert actions == {
        "sendLive": ("send", bindings[False]),
        "sendHistory": ("send", bindings[False]),
        "sendStatus": ("send", bindings[True]),
        "receiveAck": ("receive", bindings[False]),
    }
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_every_column_has_its_help_in_both_languages_and_its_unit() -> None:
    """A reader of the schema alone learns what a column means and in which unit it is."""
    definitions = DOCUMENTS["report.schema.json"]["$defs"]
    cells = definitions["InterfaceTable"]["properties"]["receive_bytes_total"]
    assert cells["description"] == "Số byte nhận được · Bytes received"
    assert cells["x-unit"] == "bytes"
    for name, table in definitions.items():
        if name.endswith("Table"):
            assert all(" · " in column["description"] for key, column in table["properties"].items() if key != "key")
