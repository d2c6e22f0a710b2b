"""Which profile a device has, and what it inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tslcd_agent.snmp.profile.library import Library

if TYPE_CHECKING:
    from pathlib import Path

A = "1.3.6.1.4.1.99999"


def put(folder: Path, name: str, body: str) -> None:
    """Write a profile."""
    (folder / f"{name}.yaml").write_text(f"profile: {name}\ntitle: {name}\nsource: X-MIB\n{body}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a directory of profiles that differ in what they are for."""
    put(tmp_path, "vendor", f"match: [{{sys_object_id: {A}}}]\n")
    put(tmp_path, "box", f"match: [{{sys_object_id: {A}.1}}]\n")
    put(tmp_path, "box-two", f"match: [{{sys_object_id: {A}.1, sys_descr: '(?i)two'}}]\n")
    put(tmp_path, "a-box-two", f"match: [{{sys_object_id: {A}.1, sys_descr: TWO}}]\n")
    put(tmp_path, "text", "match: [{sys_descr: appliance}]\n")
    put(tmp_path, "daemon", "match: [{sys_object_id: 1.3.6.1.4.1.8072.3.2.10}]\n")
    put(tmp_path, "daemon-text", "match: [{sys_object_id: 1.3.6.1.4.1.8072.3.2.10, sys_descr: cooked}]\n")
    return tmp_path


@pytest.mark.parametrize(
    ("sys_object_id", "sys_descr", "name", "why"),
    [
        (A, "", "vendor", f"sysObjectID is under {A}"),
        (f"{A}.2.1", "appliance", "vendor", f"sysObjectID is under {A}"),
        (f"{A}.1", "", "box", f"sysObjectID is under {A}.1"),
        (f"{A}.10", "", "vendor", f"sysObjectID is under {A}"),
        (f"{A}.1.7", "number two", "box-two", f"sysObjectID is under {A}.1 and sysDescr matches (?i)two"),
        (f"{A}.1.7", "TWO", "a-box-two", f"sysObjectID is under {A}.1 and sysDescr matches TWO"),
        ("1.3.6.1.4.1.99998", "an appliance", "text", "sysDescr matches appliance"),
        ("1.3.6.1.4.1.8072.3.2.10", "an appliance", "text", "sysDescr matches appliance"),
        ("1.3.6.1.4.1.8072.3.2.10", "half-baked", "daemon", "sysObjectID is under 1.3.6.1.4.1.8072.3.2.10"),
        ("1.3.6.1.4.1.8072.3.2.10", "a cooked appliance", "daemon-text", "sysObjectID is under 1.3.6.1.4.1.8072.3.2.10 and sysDescr matches cooked"),
        ("1.3.6.1.4.1.99998", "", "generic", "no profile is for sysObjectID 1.3.6.1.4.1.99998"),
        ("", "", "generic", "no profile is for sysObjectID (none)"),
    ],
)  # fmt: skip
def test_choice_and_its_reason(folder: Path, sys_object_id: str, sys_descr: str, name: str, why: str) -> None:
    """The longest prefix on whole arcs wins, then one with a text, then the name; a text alone beats identifiers that say nothing."""
    library = Library(shipped=folder)
    assert library.choose(sys_object_id, sys_descr) == (name, why)


def test_directory_goes_before_what_is_shipped(tmp_path: Path) -> None:
    """A file of one's own replaces the shipped one of the same name, and may inherit from shipped ones."""
    put(tmp_path, "generic", "inherits: [entity-mib]\n")
    library = Library([tmp_path])
    assert library.profile("generic").lineage == ("entity-mib", "generic")
    assert "cpu_utilization_ratio" in Library().profile("generic").values["device"]
    assert "cpu_utilization_ratio" not in library.profile("generic").values["device"]


def test_inheritance_replaces_and_takes_away(tmp_path: Path) -> None:
    """Later parents go over earlier ones, the profile over all of them; null takes a column, a kind or a table away."""
    table = "{id: %s, kind: sensor, key: {index: true}, columns: {type: {const: %s}}}"
    put(
        tmp_path,
        "first",
        "values:\n  device: {model: {const: first}, vendor: {const: first}, serial: {const: first}}\n"
        f"  firewall: {{sessions: {{oid: {A}.1}}}}\ntables: [{table % ('a', 'first')}, {table % ('b', 'first')}]\n",
    )
    put(
        tmp_path,
        "second",
        f"values:\n  device: {{vendor: {{const: second}}}}\ntables: [{table % ('c', 'second')}]\n",
    )
    put(
        tmp_path,
        "child",
        "inherits: [first, second]\nvalues:\n  device: {model: {const: child}, serial: null}\n  firewall: null\n"
        f"tables: [{table % ('a', 'child')}, {{id: b, kind: null}}, {{id: absent, kind: null}}]\n",
    )
    child = Library(shipped=tmp_path).profile("child")
    assert child.lineage == ("first", "second", "child")
    assert {name: one.const for name, one in child.values["device"].items()} == {"model": "child", "vendor": "second"}
    assert set(child.values) == {"device"}
    said = {table.id: table.columns["type"].const for table in child.tables if table.columns}
    assert said == {"a": "child", "c": "second"}


def test_standard_is_under_the_columns_of_its_file(tmp_path: Path) -> None:
    """A standard goes over what is inherited, and the file's own columns over the standard."""
    put(tmp_path, "parent", "values: {device: {model: {const: parent}, vendor: {const: parent}}}\n")
    put(
        tmp_path,
        "child",
        "inherits: [parent]\nvalues: {device: {standard: entity-identity, model: {const: child}, serial: null}}\n",
    )
    columns = Library(shipped=tmp_path).profile("child").values["device"]
    assert columns["model"].const == "child"
    assert columns["vendor"].const is None
    assert set(columns) == {"model", "vendor", "software_version"}
