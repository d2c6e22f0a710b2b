"""Every mistake that people make in an inventory, and the exact message each gets.

The reason for its length: it is one table, and whoever looks for a message finds it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import inventories
from support.inventories import FILES, edited
from tslcd_collector import inventory
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

CIPHER = "cipher equipment is never polled (Circular 06/2026/TT-BKHCN, article 9.4)"
ALLOWED = (
    "province.yaml, contacts.yaml, agencies.yaml, sites.yaml, devices.yaml, classes.yaml, device_classes.yaml, channels.yaml, "
    "maintenance.yaml"
)


def said(folder: Path, changes: dict[str, str | None]) -> list[str]:
    """Return what loading says, with the folder cut off."""
    with pytest.raises(SettingsError) as caught:
        inventory.load(inventories.write(folder, changes))
    return [str(problem).replace(f"{folder}/", "").replace(str(folder), ".") for problem in caught.value.problems]


def more(name: str, text: str) -> dict[str, str | None]:
    """Return the change of one file to which ``text`` is added."""
    return {name: FILES[name] + text}


MISTAKES: dict[str, tuple[dict[str, str | None], str]] = {
    "unknown key": (
        edited("channels.yaml", "upstream: c1", "upsteam: c1"),
        (
            "channels.yaml:23: channels[1].upsteam: unknown key: did you mean upstream? allowed are id, site, agency, operator, "
            "circuit, access_level, contracted, connected_since, legal_document, name, class, contracted_transmit, tenant, "
            "upstream, redundancy_group, in_service, binding"
        ),
    ),
    "unit code without quotes": (
        edited("sites.yaml", '"29557"', "29557"),
        "sites.yaml:3: sites[1].unit: 29557 is not text in YAML: put it in quotes",
    ),
    "unit code without quotes that begins with 0": (
        edited("sites.yaml", '"29557"', "06970"),
        "sites.yaml:3: sites[1].unit: 06970 is not text in YAML: put it in quotes",
    ),
    "province code without quotes": (
        edited("province.yaml", '"86"', "86"),
        "province.yaml:1: code: 86 is not text in YAML: put it in quotes",
    ),
    "unit that does not exist": (
        edited("sites.yaml", "29557", "29558"),
        "sites.yaml:3: sites[1].unit: no commune, ward or special zone has the code '29558'",
    ),
    "unit of another province": (
        edited("sites.yaml", "29557", "00004"),
        "sites.yaml:3: sites[1].unit: unit 00004 Phường Ba Đình is in province 01 Hà Nội, not in 86",
    ),
    "unit with another name": (
        edited("sites.yaml", '"29557", name', '"29557", unit_name: Xã Phước Hậu, name'),
        "sites.yaml:3: sites[1].unit_name: unit 29557 is Phường Phước Hậu, not Xã Phước Hậu",
    ),
    "province that does not exist": (
        edited("province.yaml", '"86"', '"87"'),
        "province.yaml:1: code: no province has the code '87'",
    ),
    "province with another name": (
        edited("province.yaml", "Vĩnh Long", "Vính Long"),
        "province.yaml:2: name: province 86 is Vĩnh Long, not Vính Long",
    ),
    "site that does not exist, with one like it": (
        edited("channels.yaml", "id: c1\n  site: s1", "id: c1\n  site: s11"),
        "channels.yaml:3: channels[0].site: no site 's11' in the inventory: did you mean 's1'?",
    ),
    "agency that does not exist, with none like it": (
        edited("channels.yaml", "ubnd\n  operator: VNPT", "police\n  operator: VNPT"),
        "channels.yaml:4: channels[0].agency: no agency 'police' in the inventory: there are ubnd",
    ),
    "class that does not exist": (
        edited("channels.yaml", "class: dual", "class: triple"),
        "channels.yaml:18: channels[1].class: no class 'triple' in the inventory: there are dual, standard",
    ),
    "contact that does not exist": (
        edited("province.yaml", "[noc]", "[nok]"),
        "province.yaml:3: contacts[0]: no contact 'nok' in the inventory: did you mean 'noc'?",
    ),
    "contact where there are none": (
        {"contacts.yaml": None},
        "province.yaml:3: contacts[0]: no contact 'noc' in the inventory: there are none",
    ),
    "site of a device that does not exist": (
        edited("devices.yaml", "site: s2", "site: t9"),
        "devices.yaml:3: devices[1].site: no site 't9' in the inventory: there are s1, s2",
    ),
    "id given twice in two files": (
        {"sites/more.yaml": 'sites:\n- {id: s1, unit: "29566", name: Trụ sở}\n'},
        "sites/more.yaml:2: sites[0].id: site 's1' is given twice, first at sites.yaml:2",
    ),
    "device given twice": (
        more("devices.yaml", "- {id: fw, site: s1, agent: a1, role: switch}\n"),
        "devices.yaml:4: devices[2].id: device 'fw' of agent 'a1' is given twice, first at devices.yaml:2",
    ),
    "device without an agent given twice": (
        more("devices.yaml", "- {id: k, site: s1, role: cipher}\n- {id: k, site: s1, role: cipher}\n"),
        "devices.yaml:5: devices[3].id: device 'k' of site 's1' is given twice, first at devices.yaml:4",
    ),
    "polled device without an agent": (
        edited("devices.yaml", "site: s2, agent: a1", "site: s2"),
        "devices.yaml:3: devices[1].agent: missing: name the agent that polls the device, or write touch: false",
    ),
    "cipher device with an agent": (
        more("devices.yaml", "- {id: k, site: s1, agent: a1, role: cipher}\n"),
        f"devices.yaml:4: devices[2].agent: {CIPHER}: leave agent out",
    ),
    "cipher device to be touched": (
        more("devices.yaml", "- {id: k, site: s1, role: cipher, touch: true}\n"),
        f"devices.yaml:4: devices[2].touch: {CIPHER}: leave touch out",
    ),
    "channel bound to a cipher device": (
        {
            **more("devices.yaml", "- {id: k, site: s1, role: cipher}\n"),
            **edited("channels.yaml", "device: fw", "device: k"),
        },
        f"channels.yaml:11: channels[0].binding.device: device 'k' cannot be bound: {CIPHER}",
    ),
    "channel bound to a device that is not touched": (
        edited("devices.yaml", "role: firewall", "role: firewall, touch: false"),
        "channels.yaml:11: channels[0].binding.device: device 'fw' cannot be bound: it has touch: false",
    ),
    "channel bound to a device of another site": (
        edited("channels.yaml", "device: fw", "device: rt"),
        "channels.yaml:11: channels[0].binding.device: device 'rt' of agent 'a1' stands at site 's2', not 's1'",
    ),
    "channel bound to a device that the agent does not have": (
        edited("channels.yaml", "device: fw", "device: gw"),
        "channels.yaml:11: channels[0].binding.device: agent 'a1' has no device 'gw': it has fw, rt",
    ),
    "channel bound to an agent that nobody has": (
        edited("channels.yaml", "agent: a1", "agent: a2"),
        "channels.yaml:11: channels[0].binding.agent: no device of agent 'a2' in the inventory: there are a1",
    ),
    "binding to an interface of nothing": (
        edited("channels.yaml", "device: fw, ", ""),
        "channels.yaml:11: channels[0].binding.device: missing: interface 'wan1' is on a device",
    ),
    "binding that tells nothing": (
        edited("channels.yaml", ", interface: wan1, probes: [gateway]", ""),
        "channels.yaml:11: channels[0].binding: names neither an interface nor a probe: nothing would tell about the channel",
    ),
    "probe named twice": (
        edited("channels.yaml", "[gateway]", "[gateway, gateway]"),
        "channels.yaml:11: channels[0].binding.probes: a probe is named twice",
    ),
    "bandwidth without a unit": (
        edited("channels.yaml", "contracted: 200Mbps", "contracted: 200"),
        (
            "channels.yaml:8: channels[0].contracted: '200' is not a bandwidth: write a number and one of bps, kbps, Mbps, Gbps, "
            "for example 200Mbps"
        ),
    ),
    "bandwidth too small": (
        edited("channels.yaml", "50Mbps", "1Mbps"),
        "channels.yaml:20: channels[1].contracted_transmit: 1Mbps is not allowed: 2Mbps to 10Gbps",
    ),
    "bandwidth too large": (
        edited("channels.yaml", "200Mbps", "11Gbps"),
        "channels.yaml:8: channels[0].contracted: 11Gbps is not allowed: 2Mbps to 10Gbps",
    ),
    "day that does not exist": (
        edited("channels.yaml", "2025-07-01\n  legal_document: 01", "2025-02-30\n  legal_document: 01"),
        "channels.yaml:9: channels[0].connected_since: 2025-02-30 is not a day of the calendar: YYYY-MM-DD",
    ),
    "upstream that does not exist": (
        edited("channels.yaml", "upstream: c1", "upstream: trunk"),
        "channels.yaml:23: channels[1].upstream: no channel 'trunk' in the inventory: there are c1, c2",
    ),
    "upstream in a circle": (
        edited("channels.yaml", "contracted: 200Mbps", "contracted: 200Mbps\n  upstream: c2"),
        "channels.yaml:9: channels[0].upstream: goes in a circle: c1 -> c2 -> c1",
    ),
    "access level that does not exist": (
        edited("channels.yaml", "access_level: II", "access_level: III"),
        "channels.yaml:7: channels[0].access_level: 'III' is not allowed: allowed are I, II",
    ),
    "thresholds the wrong way round": (
        edited("classes.yaml", "99.9%", "99.9%, loss_warn: 6%"),
        "classes.yaml:2: classes[0].loss_warn: 6% is above loss_critical 5%",
    ),
    "share above one": (
        edited("classes.yaml", "99.9%", "999%"),
        "classes.yaml:2: classes[0].availability_target: 999% is not allowed: 0% to 100%",
    ),
    "no time at all before evidence is stale": (
        edited("classes.yaml", "99.9%", "99.9%, stale_after: 0s"),
        "classes.yaml:2: classes[0].stale_after: 0ms is not allowed: above 0",
    ),
    "errors the wrong way round": (
        edited("classes.yaml", "99.9%", "99.9%, errors_warn: 2%"),
        "classes.yaml:2: classes[0].errors_warn: 2% is above errors_critical 1%",
    ),
    "a share of the bandwidth above all of it": (
        edited("classes.yaml", "99.9%", "99.9%, overload_warn: 110%"),
        "classes.yaml:2: classes[0].overload_warn: 110% is not allowed: 0% to 100%",
    ),
    "thresholds that never let go": (
        edited("classes.yaml", "99.9%", "99.9%, clear: 0%"),
        "classes.yaml:2: classes[0].clear: 0% is not allowed: above 0",
    ),
    "a window of nothing for flapping": (
        edited("classes.yaml", "99.9%", "99.9%, flap_window: 0s"),
        "classes.yaml:2: classes[0].flap_window: 0ms is not allowed: above 0",
    ),
    "a window for flapping beyond what is remembered": (
        edited("classes.yaml", "99.9%", "99.9%, flap_window: 25h"),
        "classes.yaml:2: classes[0].flap_window: 25h is not allowed: at most 1d",
    ),
    "flapping from one cut on": (
        edited("classes.yaml", "99.9%", "99.9%, flap_count: 1"),
        "classes.yaml:2: classes[0].flap_count: '1' is not allowed: a whole number from 2 to 100 is wanted here",
    ),
    "traffic over too short a time": (
        edited("classes.yaml", "99.9%", "99.9%, traffic_over: 30s"),
        "classes.yaml:2: classes[0].traffic_over: 30s is not allowed: 1min to 1h",
    ),
    "class of a device that does not exist": (
        edited("devices.yaml", "role: firewall", "role: firewall, class: hot"),
        "devices.yaml:2: devices[0].class: no device class 'hot' in the inventory: there are standard",
    ),
    "share of a device above one": (
        {"device_classes.yaml": "device_classes:\n- {id: d, cpu_warn: 190%}\n"},
        "device_classes.yaml:2: device_classes[0].cpu_warn: 190% is not allowed: 0% to 100%",
    ),
    "device thresholds that never let go": (
        {"device_classes.yaml": "device_classes:\n- {id: d, clear: 0%}\n"},
        "device_classes.yaml:2: device_classes[0].clear: 0% is not allowed: above 0",
    ),
    "temperature that no device stands": (
        {"device_classes.yaml": "device_classes:\n- {id: d, temperature_warn: 200}\n"},
        "device_classes.yaml:2: device_classes[0].temperature_warn: '200' is not allowed: a number from 0 to 150 is wanted here",
    ),
    "device class given twice": (
        {"device_classes.yaml": "device_classes:\n- {id: d}\n- {id: d}\n"},
        "device_classes.yaml:3: device_classes[1].id: device class 'd' is given twice, first at device_classes.yaml:2",
    ),
    "group of one": (
        edited("channels.yaml", "upstream: c1", "redundancy_group: g"),
        "channels.yaml:23: channels[1].redundancy_group: group 'g' has this channel only: two or more stand in for each other",
    ),
    "group over sites and agencies": (
        {
            "agencies.yaml": FILES["agencies.yaml"] + "- {id: front, name: Mặt trận, kind: front}\n",
            "channels.yaml": FILES["channels.yaml"]
            .replace("id: c2\n  site: s1\n  agency: ubnd", "id: c2\n  site: s2\n  agency: front")
            .replace("upstream: c1", "redundancy_group: g")
            .replace("circuit: VNPT-1", "circuit: VNPT-1\n  redundancy_group: g"),
        },
        (
            "channels.yaml:24: channels[1].redundancy_group: group 'g': neither site nor agency are those of channel c1 at "
            "channels.yaml:2"
        ),
    ),
    "service that is neither yes nor no": (
        edited("channels.yaml", "upstream: c1", "in_service: soon"),
        "channels.yaml:23: channels[1].in_service: 'soon' is not allowed: true or false is wanted here",
    ),
    **{
        f"window {name}": (
            {"maintenance.yaml": f"windows:\n- {{id: w, title: Thay thiết bị, {entry}}}\n"},
            f"maintenance.yaml:2: windows[0].{message}",
        )
        for name, entry, message in (
            (
                "that ends before it begins",
                "from: 2026-11-07 10:00, until: 2026-11-07 08:00",
                "until: 2026-11-07 08:00 is not after from, 2026-11-07 10:00",
            ),
            ("without an end", "from: 2026-11-07 10:00", "until: missing: give from and until, or every and lasts"),
            ("without times", "kind: drill", "from: missing: give from and until, or every and lasts"),
            (
                "that no calendar has",
                "from: 2026-02-30 10:00, until: 2026-11-07 08:00",
                "from: '2026-02-30 10:00' is not a time of the calendar: YYYY-MM-DD HH:MM",
            ),
            (
                "that comes once and again",
                'from: 2026-11-07 10:00, every: "sun 22:00", lasts: 1h',
                "from: does not go with every: a window comes once, or again and again",
            ),
            (
                "that comes again on a day that there is not",
                'every: "sunday 22:00", lasts: 1h',
                "every: 'sunday 22:00' is not allowed: daily 22:00, sun 22:00 or day 15 22:00",
            ),
            (
                "that comes again for no time",
                'every: "sun 22:00"',
                "lasts: missing, or no time at all: how long it lasts each time",
            ),
            (
                "that overlaps itself",
                'every: "daily 22:00", lasts: 25h',
                "lasts: longer than from one to the next, 24 h",
            ),
            (
                "that lasts and comes once",
                "from: 2026-11-07 10:00, until: 2026-11-07 11:00, lasts: 1h",
                "lasts: goes with every only: a window that comes once has from and until",
            ),
            (
                "of a channel that does not exist",
                'every: "sun 22:00", lasts: 1h, channels: [c9]',
                "channels[0]: no channel 'c9' in the inventory: there are c1, c2",
            ),
            (
                "of an operator that nobody has",
                'every: "sun 22:00", lasts: 1h, operators: [VNTP]',
                "operators[0]: no operator 'VNTP' in the inventory: did you mean 'VNPT'?",
            ),
            (
                "of a site that does not exist",
                'every: "sun 22:00", lasts: 1h, sites: [far]',
                "sites[0]: no site 'far' in the inventory: there are s1, s2",
            ),
            (
                "with a contact that does not exist",
                'every: "sun 22:00", lasts: 1h, contact: nok',
                "contact: no contact 'nok' in the inventory: did you mean 'noc'?",
            ),
            ("of another kind", "kind: holiday", "kind: 'holiday' is not allowed: allowed are drill, maintenance"),
        )
    },
    "tab": (
        edited("sites.yaml", "sites:\n", "sites:\n\t"),
        "sites.yaml:2: a tab in the indentation: YAML allows spaces only",
    ),
    "file with a misspelt name": (
        {"channel.yaml": "channels: []\n"},
        f"channel.yaml: not a file of the inventory: allowed are {ALLOWED}",
    ),
    "file with another ending": (
        {"channels/north.yml": "channels: []\n"},
        "channels/north.yml: not read: files here end in .yaml",
    ),
    "no channels": ({"channels.yaml": None}, "channels.yaml: missing: every inventory has it"),
    "no province": ({"province.yaml": None}, "province.yaml: missing: every inventory has it"),
}


@pytest.mark.parametrize(("changes", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_file_line_key_and_what_is_allowed(
    tmp_path: Path, changes: dict[str, str | None], message: str
) -> None:
    """One mistake gives one problem, and its message is exactly this."""
    assert said(tmp_path, changes) == [message]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A wrong path is one problem of the folder itself."""
    with pytest.raises(SettingsError) as caught:
        inventory.load(tmp_path / "nowhere")
    assert str(caught.value) == f"{tmp_path / 'nowhere'}: no such file or directory"


def test_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Three files with a mistake each give three problems in the order of files and lines."""
    changes = {
        **edited("province.yaml", "Vĩnh Long", "Hà Nội"),
        **edited("sites.yaml", "29557", "29558"),
        **edited("channels.yaml", "upstream: c1", "upstream: c9"),
    }
    files = [line.split(":")[0] for line in said(tmp_path, changes)]
    assert files == ["channels.yaml", "province.yaml", "sites.yaml"]


@pytest.mark.parametrize(
    "broken", ["contacts", "agencies", "sites", "devices", "classes", "device_classes", "channels", "maintenance"]
)
def test_a_broken_file_does_not_make_its_contents_missing_elsewhere(tmp_path: Path, broken: str) -> None:
    """What refers into a file that could not be read is not called dangling: the one problem is enough."""
    changes: dict[str, str | None] = {
        f"{broken}.yaml": f"{broken}: [\n",
        "channels/more.yaml": FILES["channels.yaml"].replace("id: c", "id: d"),
    }
    lines = said(tmp_path, changes)
    assert len(lines) == 1
    assert lines[0].startswith(f"{broken}.yaml:")
    assert "not YAML" in lines[0]


def test_a_long_list_of_what_exists_is_cut(tmp_path: Path) -> None:
    """A message about a missing reference names ten candidates and says how many more there are."""
    sites = "sites:\n" + "".join(f'- {{id: s{n}, unit: "29551", name: Trụ sở}}\n' for n in range(1, 15))
    changes: dict[str, str | None] = {"sites.yaml": sites, **edited("devices.yaml", "site: s2", "site: nowhere")}
    listed = "s1, s10, s11, s12, s13, s14, s2, s3, s4, s5 and 4 more"
    assert said(tmp_path, changes) == [
        f"devices.yaml:3: devices[1].site: no site 'nowhere' in the inventory: there are {listed}"
    ]
