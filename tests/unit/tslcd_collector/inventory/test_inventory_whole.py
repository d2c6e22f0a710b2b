"""A good inventory: what it resolves to, how it may be split, and what its bindings are compared with."""

from __future__ import annotations

import datetime as dt
import unicodedata
from pathlib import Path

import pytest

from support import inventories
from tslcd_collector import inventory
from tslcd_collector.inventory.classes import STANDARD

SHIPPED = Path(__file__).parents[4] / "configs" / "inventory"


def test_a_channel_has_what_it_refers_to(tmp_path: Path) -> None:
    """Site, agency, class, bandwidth of both directions and the day are resolved; defaults are filled in."""
    loaded = inventories.small(tmp_path)
    first, second = loaded.channels.values()
    assert (first.site.unit, first.agency.id, first.channel_class) == ("29551", "ubnd", STANDARD)
    assert (first.receive_bits_per_second, first.transmit_bits_per_second) == (200e6, 200e6)
    assert (second.receive_bits_per_second, second.transmit_bits_per_second) == (100e6, 50e6)
    assert first.connected_since == dt.date(2025, 7, 1)
    assert second.channel_class.availability_target == pytest.approx(0.999)
    assert (second.upstream, second.binding) == ("c1", None)


def test_the_indexes_lead_from_agents_and_devices_to_channels(tmp_path: Path) -> None:
    """A report of an agent's device finds its channels; the agent stands at the site of its first device."""
    loaded = inventories.small(tmp_path)
    first = loaded.channels["c1"]
    assert loaded.channels_by_agent == {"a1": (first,)}
    assert loaded.channels_by_device == {("a1", "fw"): (first,)}
    assert loaded.agents == {"a1": loaded.sites["s1"]}
    assert set(loaded.devices) == {("a1", "fw"), ("a1", "rt")}


def test_an_agent_with_probes_only_stands_at_the_site_of_its_channel(tmp_path: Path) -> None:
    """An agent needs no device: a channel that is only probed makes it known."""
    changes = inventories.edited(
        "channels.yaml", "{agent: a1, device: fw, interface: wan1, probes: [gateway]}", "{agent: b1, probes: [gateway]}"
    )
    loaded = inventory.load(inventories.write(tmp_path, changes))
    assert loaded.agents["b1"].id == "s1"


def test_cipher_equipment_is_kept_and_never_offered_for_polling(tmp_path: Path) -> None:
    """A cipher device stands in the inventory, among what is untouched, and not among the devices of agents."""
    changes: dict[str, str | None] = {
        "devices.yaml": inventories.FILES["devices.yaml"] + "- {id: k, site: s1, role: cipher}\n"
    }
    loaded = inventory.load(inventories.write(tmp_path, changes))
    assert [device.id for device in loaded.untouched] == ["k"]
    assert "k" not in {device for _, device in loaded.devices}


def test_lists_may_be_split_over_files_of_a_folder(tmp_path: Path) -> None:
    """channels/*.yaml are read like channels.yaml, in the order of their names; hidden files and notes are left alone."""
    text = inventories.FILES["channels.yaml"]
    changes: dict[str, str | None] = {
        "channels.yaml": None,
        "channels/b.yaml": text.replace("id: c", "id: d").replace("upstream: c1", "upstream: d1"),
        "channels/a.yaml": text,
        "channels/.draft.yaml": "nonsense",
        "channels/README.md": "notes",
        ".git": "nonsense",
        "schema/channels.json": "{}",
    }
    assert list(inventory.load(inventories.write(tmp_path, changes)).channels) == ["c1", "c2", "d1", "d2"]


@pytest.mark.parametrize(
    "written", ["Xã Mỹ Chánh Hoà", "mỹ chánh hòa", unicodedata.normalize("NFD", "Xã Mỹ Chánh Hòa")]
)
def test_spellings_of_one_name_are_the_same(tmp_path: Path, written: str) -> None:
    """The place of the tone mark, the case, the normal form and the type make no other name."""
    changes = inventories.edited("sites.yaml", '"29557", name', f'"29122", unit_name: {written}, name')
    assert inventory.load(inventories.write(tmp_path, changes)).sites["s2"].unit == "29122"


def test_the_inventory_cannot_be_changed(tmp_path: Path) -> None:
    """Readers share one inventory: its mappings refuse writes."""
    loaded = inventories.small(tmp_path)
    with pytest.raises(TypeError):
        loaded.channels["c9"] = loaded.channels["c1"]  # type: ignore[index]


def test_an_interface_that_the_device_does_not_have_is_told_with_those_it_has(tmp_path: Path) -> None:
    """The problem stands at the line of the binding; devices that were never reported are not judged."""
    loaded = inventories.small(tmp_path)
    problems = inventory.binding_problems(loaded, {("a1", "fw"): ("wan9", "lan")})
    assert [str(problem) for problem in problems] == [
        (
            f"{tmp_path}/channels.yaml:11: channels[0].binding.interface: "
            "channel c1: interface 'wan1' is not on device fw of agent a1; it has: lan, wan9"
        )
    ]
    assert inventory.binding_problems(loaded, {("a1", "fw"): ("wan1",)}) == []
    assert inventory.binding_problems(loaded, {}) == []


def test_the_shipped_inventory_is_whole() -> None:
    """Eight communes of Vĩnh Long, one agent each with a firewall and a router, every channel bound."""
    loaded = inventory.load(SHIPPED)
    assert loaded.province.code == "86"
    assert set(loaded.agents) == {f"86-{site.unit}-1" for site in loaded.sites.values()}
    assert len(loaded.agents) == 8
    assert {device for _, device in loaded.devices} == {"fw", "rt"}
    assert all(channel.binding for channel in loaded.channels.values())
    assert set(loaded.channels_by_agent) == set(loaded.agents)


def test_the_shipped_class_shows_every_key_at_its_default() -> None:
    """The commented class "standard" is the one that the code has."""
    assert inventory.load(SHIPPED).classes["standard"] == STANDARD
    written = (SHIPPED / "classes.yaml").read_text(encoding="utf-8")
    assert all(f"  {key}:" in written for key in STANDARD.__struct_fields__ if key != "id")
