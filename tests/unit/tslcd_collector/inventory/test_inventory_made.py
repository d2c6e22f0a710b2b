"""What is made for the inventory: the table of units, the generator's files, the schemas of editors."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from tslcd_collector import inventory
from tslcd_collector.inventory import generate, schema
from tslcd_collector.inventory.units import name_key, same_name, territory

if TYPE_CHECKING:
    from tslcd_collector.inventory import Inventory

SHIPPED = Path(__file__).parents[4] / "configs" / "inventory"


def test_the_table_has_every_unit_of_the_country() -> None:
    """34 provinces and 3,321 units; codes are text, 994 begin with 0; Vĩnh Long has 105 communes and 19 wards."""
    table = territory()
    assert (len(table.provinces), len(table.communes)) == (34, 3321)
    assert all(code.isdigit() and len(code) == 5 for code in table.communes)
    assert sum(code.startswith("0") for code in table.communes) == 994
    assert Counter(unit.type for unit in table.communes.values()) == {"Xã": 2621, "Phường": 687, "Đặc khu": 13}
    assert all(unit.province in table.provinces for unit in table.communes.values())
    assert Counter(unit.type for unit in table.of_province("86")) == {"Xã": 105, "Phường": 19}


def test_names_compare_blind_to_the_place_of_the_tone_mark_only() -> None:
    """Hòa is Hoà; another tone, another vowel or another letter is another name."""
    assert name_key("Hòa") == name_key("Hoà") == name_key("HÒA")
    assert len({name_key(name) for name in ("Hòa", "Hỏa", "Hóa", "Hoa", "Hô", "Đa", "Da")}) == 7
    assert same_name("K\u2019Bang", type(territory().communes["29551"])("0", "K'Bang", "Xã", "52"))


def written(folder: Path, *arguments: str) -> Inventory:
    """Run the generator's command, which must succeed, and load what it wrote."""
    outcome = CliRunner().invoke(generate.main, [*arguments, "--out", str(folder)])
    assert outcome.exit_code == 0, outcome.output
    return inventory.load(folder)


def test_the_generator_writes_a_whole_province(tmp_path: Path) -> None:
    """124 communes and 500 channels that pass the check, all ways of binding among them."""
    made = written(tmp_path / "new", "--province", "86", "--channels", "500")
    assert (len(made.sites), len(made.agents), len(made.channels)) == (124, 124, 500)
    assert set(made.channels_by_agent) == set(made.agents)
    ways = {(bool(one.binding.interface), bool(one.binding.probes)) for one in made.channels.values() if one.binding}
    assert ways == {(True, True), (True, False), (False, True)}


@pytest.mark.parametrize("province", ["01", "04", "66", "92"])
def test_the_generator_knows_every_province(tmp_path: Path, province: str) -> None:
    """Also where codes begin with 0 and names have apostrophes, and with many channels a commune."""
    made = written(tmp_path / "new", "--province", province, "--communes", "3", "--channels", "20")
    assert (len(made.sites), len(made.channels)) == (3, 20)


def test_the_generator_repeats_itself_by_seed() -> None:
    """The same arguments give the same files; another seed gives others."""
    assert generate.inventory("86", 200) == generate.inventory("86", 200)
    assert generate.inventory("86", 200) != generate.inventory("86", 200, seed=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--province", "87"], "no province has the code '87': allowed are 01, 04,"),
        (["--communes", "125"], "125 communes: province 86 has 1 to 124"),
        (["--channels", "5"], "5 channels for 124 communes: every commune has at least one"),
    ],
)
def test_the_generator_says_what_cannot_be(tmp_path: Path, arguments: list[str], message: str) -> None:
    """Impossible sizes are an error of usage, and nothing is written."""
    outcome = CliRunner().invoke(generate.main, [*arguments, "--out", str(tmp_path / "new")])
    assert outcome.exit_code == 2
    assert message in " ".join(outcome.output.split())
    assert not (tmp_path / "new").exists()


def test_the_generator_overwrites_nothing(tmp_path: Path) -> None:
    """A folder with anything in it is refused."""
    (tmp_path / "sites.yaml").write_text("mine")
    outcome = CliRunner().invoke(generate.main, ["--out", str(tmp_path)])
    assert outcome.exit_code == 2
    assert "is not empty" in outcome.output
    assert (tmp_path / "sites.yaml").read_text() == "mine"


def test_the_committed_schemas_are_current(tmp_path: Path) -> None:
    """What the command writes is what stands in configs/inventory/schema."""
    outcome = CliRunner().invoke(schema.main, [str(tmp_path / "schema")])
    assert outcome.exit_code == 0
    made = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "schema").iterdir()}
    committed = {file.name: file.read_text(encoding="utf-8") for file in (SHIPPED / "schema").iterdir()}
    assert made == committed


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.yaml")), ids=lambda file: file.name)
def test_the_shipped_files_name_their_schema_and_fit_it(file: Path) -> None:
    """An editor finds the schema in the first line, and has nothing to mark."""
    text = file.read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# yaml-language-server: $schema=schema/{file.stem}.json"
    document = json.loads((SHIPPED / "schema" / f"{file.stem}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(document).validate(yaml.safe_load(text))


def test_an_editor_marks_an_unknown_key_and_a_bandwidth_without_unit() -> None:
    """The schemas are as strict as the program about keys and quantities."""
    document = json.loads(schema.schemas()["channels.json"])
    channel = yaml.safe_load((SHIPPED / "channels.yaml").read_text(encoding="utf-8"))["channels"][0]
    for change in ({"operatr": "VNPT"}, {"contracted": "200"}, {"id": "C1"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(document).validate({"channels": [{**channel, **change}]})
