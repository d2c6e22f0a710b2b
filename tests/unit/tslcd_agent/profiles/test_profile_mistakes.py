"""Every mistake in a profile is told with file, line, key and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tslcd_agent.snmp.profile.library import Library
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "profile: mine\ntitle: Mine\nsource: MY-MIB\n"
SENSOR = HEAD + "tables:\n  - id: heat\n    kind: sensor\n"
A = "1.3.6.1.4.1.99999.1"


def mistakes(folder: Path, text: str, name: str = "mine") -> list[str]:
    """Return what is wrong with a directory that has this file, without the directory's own name."""
    (folder / f"{name}.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        Library([folder])
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: other\ntitle: Mine\nsource: MY-MIB\n", "mine.yaml:1: profile: 'other' is not the file's name, which is 'mine'"),
        (HEAD + "match:\n  - {}\n", "mine.yaml:5: match[0]: wants sys_object_id, sys_descr, or both"),
        (HEAD + "match:\n  - sys_descr: '('\n", "mine.yaml:5: match[0].sys_descr: '(' is not a regular expression: missing ), unterminated subpattern at position 0"),
        (HEAD + "inherits: [nobody]\n", "mine.yaml:4: inherits[0]: there is no profile 'nobody'"),
        (HEAD + "inherits: [mine]\n", "mine.yaml:4: inherits[0]: mine inherits from mine: a circle"),
        (HEAD + "values:\n  devise: {}\n", "mine.yaml:5: values.devise: unknown key: did you mean device? allowed are device, firewall, ups"),
        (HEAD + "values:\n  device:\n    snmp_up: {const: 1}\n", "mine.yaml:6: values.device.snmp_up: unknown key: allowed are standard, cpu_utilization_ratio, memory_utilization_ratio, memory_total_bytes, vendor, model, serial, software_version, sys_descr"),
        (HEAD + "values:\n  device:\n    model: {oid: abc}\n", r"mine.yaml:6: values.device.model.oid: 'abc' is not allowed: text that matches ^[0-2](\.(0|[1-9][0-9]{0,9})){2,127}\Z is wanted here"),
        (HEAD + "values:\n  device:\n    model: {}\n", "mine.yaml:6: values.device.model: wants exactly one of oid, const, first, ratio, sum, product, difference, join; none given"),
        (HEAD + f"values:\n  device:\n    model: {{oid: {A}, const: x}}\n", "mine.yaml:6: values.device.model: wants exactly one of oid, const, first, ratio, sum, product, difference, join; oid and const given"),
        (HEAD + "values:\n  device:\n    model: {const: 5}\n", "mine.yaml:6: values.device.model.const: 5 is not allowed: a text is wanted here: put it in quotes"),
        (HEAD + "values:\n  device:\n    memory_total_bytes: {const: much}\n", "mine.yaml:6: values.device.memory_total_bytes.const: 'much' is not allowed: a number is wanted here"),
        (HEAD + f"values:\n  firewall:\n    ha_role: {{oid: {A}, map: {{1: master}}}}\n", "mine.yaml:6: values.firewall.ha_role.map.1: 'master' is not allowed: allowed are standalone, active, passive, unknown"),
        (HEAD + f"values:\n  firewall:\n    ha_role: {{oid: {A}}}\n", "mine.yaml:6: values.firewall.ha_role: wants a map to the words of ha_role: standalone, active, passive, unknown"),
        (HEAD + f"values:\n  firewall:\n    ha_peer_up: {{oid: {A}, map: {{1: 2}}}}\n", "mine.yaml:6: values.firewall.ha_peer_up.map.1: 2 is not allowed: allowed are 0, 1"),
        (HEAD + f"values:\n  ups:\n    source: {{oid: {A}, map: {{1: off}}}}\n", "mine.yaml:6: values.ups.source.map.1: off is not a number or text in YAML: put it in quotes"),
        (HEAD + f"values:\n  ups:\n    source: {{oid: {A}, map: {{1: battery, 1: bypass}}}}\n", "mine.yaml:6: values.ups.source.map.1: given twice, first in line 6"),
        (HEAD + f"values:\n  ups:\n    source: {{oid: {A}, map: {{yes: battery}}}}\n", "mine.yaml:6: values.ups.source.map: key 'yes' is not text: put it in quotes"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{oid: {A}, map_else: 1}}\n", "mine.yaml:6: values.ups.load_ratio.map_else: wants map"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{oid: {A}, scale: .inf}}\n", "mine.yaml:6: values.ups.load_ratio.scale: '.inf' is not allowed: a number from -1e+15 to 1e+15 is wanted here"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{oid: {A}, minimum: .nan}}\n", "mine.yaml:6: values.ups.load_ratio: wants finite numbers"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{oid: {A}, minimum: 2, maximum: 1}}\n", "mine.yaml:6: values.ups.load_ratio.minimum: above maximum, which is 1"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{ratio: [{{oid: {A}}}]}}\n", "mine.yaml:6: values.ups.load_ratio.ratio: at least 2 wanted, 1 given"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{first: [{{oid: {A}, every: slow}}]}}\n", "mine.yaml:6: values.ups.load_ratio.first[0].every: belongs to the column, not to parts of it"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{join: {{oid: {A}, index: 1}}}}\n", "mine.yaml:6: values.ups.load_ratio.join: belongs to tables"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{oid: {A}, where: {{oid: {A}, in: [1]}}}}\n", "mine.yaml:6: values.ups.load_ratio.where: belongs to aggregate"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{oid: {A}, aggregate: sum, where: {{oid: {A}}}}}\n", "mine.yaml:6: values.ups.load_ratio.where: wants in, not_in or pattern beside oid"),
        (HEAD + f"values:\n  ups:\n    load_ratio: {{oid: {A}, aggregate: sum, where: {{in: [1]}}}}\n", "mine.yaml:6: values.ups.load_ratio.where: wants oid with in, not_in or pattern; or index"),
        (HEAD + "values:\n  device: {standard: entity}\n", "mine.yaml:5: values.device.standard: 'entity' is not allowed: allowed are entity-identity, host-resources"),
        (SENSOR, "mine.yaml:5: tables[0]: wants columns, or standard, and not both"),
        (SENSOR + f"    columns: {{status: {{oid: {A}, map: {{1: ok}}}}}}\n", "mine.yaml:5: tables[0].key: missing"),
        (SENSOR + f"    key: {{index: true}}\n    columns: {{heat: {{oid: {A}}}}}\n", "mine.yaml:8: tables[0].columns.heat: unknown column of sensor: allowed are status, temperature_celsius, temperature_limit_celsius, speed_rpm, speed_ratio, voltage_volts, current_amperes, power_watts, humidity_ratio, receive_power_dbm, transmit_power_dbm, type"),
        (SENSOR + f"    key: {{index: true}}\n    columns: {{speed_rpm: {{oid: {A}, every: slow}}}}\n", "mine.yaml:8: tables[0].columns.speed_rpm.every: belongs to the table, not to parts of it"),
        (SENSOR + f"    key: {{index: true}}\n    columns: {{speed_rpm: {{oid: {A}, aggregate: sum}}}}\n", "mine.yaml:8: tables[0].columns.speed_rpm.aggregate: belongs to values, with the oid of a column"),
        (SENSOR + "    key: {}\n    standard: entity-sensor\n", "mine.yaml:7: tables[0].key: wants oid, join, index: true, strings, or template with name"),
        (SENSOR + f"    key: {{oid: {A}, index: true}}\n    standard: entity-sensor\n", "mine.yaml:7: tables[0].key: wants one of oid, index, or a template that puts them together"),
        (SENSOR + "    key: {index: true, template: '{indx}'}\n    standard: entity-sensor\n", "mine.yaml:7: tables[0].key.template: {indx} is not known: allowed are index, name, other, string1, string2, string3, string4"),
        (SENSOR + "    key: {index: true, template: '{'}\n    standard: entity-sensor\n", "mine.yaml:7: tables[0].key.template: '{' is not a template: Single '{' encountered in format string"),
        (SENSOR + f"    key: {{join: {{oid: {A}}}}}\n    standard: entity-sensor\n", "mine.yaml:7: tables[0].key.join: wants one of index (so many arcs, negative: the last ones), drop (so many last arcs), by (a column)"),
        (HEAD + "tables:\n  - {id: a, kind: path, standard: entity-sensor}\n", "mine.yaml:5: tables[0].standard: belongs to tables of the kind sensor"),
        (HEAD + "tables:\n  - {id: a, kind: sensor, standard: entity-sensor}\n  - {id: a, kind: sensor, standard: entity-sensor}\n", "mine.yaml:6: tables[1].id: 'a' is given twice: tables[0]"),
        (SENSOR + f"    key: {{index: true}}\n    missed: {{status: ok}}\n    columns: {{speed_rpm: {{oid: {A}}}}}\n", "mine.yaml:8: tables[0].missed.status: is none of the table's columns"),
        (SENSOR + f"    key: {{index: true}}\n    missed: {{speed_rpm: none}}\n    columns: {{speed_rpm: {{oid: {A}}}}}\n", "mine.yaml:8: tables[0].missed.speed_rpm: 'none' is not allowed: a number is wanted here"),
        (HEAD + "tables:\n  - {id: a, kind: router}\n", "mine.yaml:5: tables[0].kind: 'router' is not allowed: allowed are path, sensor, tunnel"),
    ],
)  # fmt: skip
def test_mistake_is_told(tmp_path: Path, text: str, message: str) -> None:
    """One mistake, one exact message."""
    assert mistakes(tmp_path, text) == [message]


def test_all_mistakes_of_all_files_are_told(tmp_path: Path) -> None:
    """Two files with three mistakes make three messages, in the order of files and lines."""
    (tmp_path / "second.yaml").write_text("profile: second\ntitle: x\nsource: x\nmatch: [{}]\n")
    assert mistakes(tmp_path, HEAD + "values:\n  device:\n    model: {const: 1}\n    serial: {}\n") == [
        "mine.yaml:6: values.device.model.const: 1 is not allowed: a text is wanted here: put it in quotes",
        "mine.yaml:7: values.device.serial: wants exactly one of oid, const, first, ratio, sum, product, difference, join; none given",
        "second.yaml:4: match[0]: wants sys_object_id, sys_descr, or both",
    ]


def test_circle_over_several_files_is_told(tmp_path: Path) -> None:
    """Two profiles that inherit from each other are told both."""
    (tmp_path / "other.yaml").write_text("profile: other\ntitle: x\nsource: x\ninherits: [mine]\n")
    assert mistakes(tmp_path, HEAD + "inherits: [generic, other]\n") == [
        "mine.yaml:4: inherits[1]: other inherits from mine: a circle",
        "other.yaml:4: inherits[0]: mine inherits from other: a circle",
    ]


def test_broken_parent_does_not_hide_a_mistake(tmp_path: Path) -> None:
    """A parent that is no YAML is told, and so is the child's own mistake."""
    (tmp_path / "other.yaml").write_text("profile: [\n")
    found = mistakes(tmp_path, HEAD + "inherits: [other, nobody]\n")
    assert found[0] == "mine.yaml:4: inherits[1]: there is no profile 'nobody'"
    assert found[1].startswith("other.yaml:2: not YAML: ")


def test_directory_and_file_that_cannot_be_used(tmp_path: Path) -> None:
    """A directory that is not there, and a file longer than a profile can be, are told."""
    with pytest.raises(SettingsError, match="no such file or directory"):
        Library([tmp_path / "absent"])
    (tmp_path / "huge.yaml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(SettingsError, match=r"huge\.yaml: longer than 1048576 bytes"):
        Library([tmp_path])
    (tmp_path / "huge.yaml").unlink()
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(SettingsError, match=r"folder\.yaml: is a directory"):
        Library([tmp_path])


@pytest.mark.parametrize("body", [b"match: [", b"\x80\x81", b"match: 5", b"match: [text]"])
def test_damaged_shipped_file_is_told(tmp_path: Path, body: bytes) -> None:
    """A file of the program's own that a disk damaged is named, and is no traceback."""
    (tmp_path / "mine.yaml").write_bytes(body)
    with pytest.raises(SettingsError) as caught:
        Library(shipped=tmp_path)
    assert str(caught.value) == f"{tmp_path / 'mine.yaml'}: damaged: not the profile that came with the program"
