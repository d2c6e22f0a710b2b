"""A small inventory for tests: one commune, a firewall, two channels; every file can be changed or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tslcd_collector import inventory

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory

FILES: Final = {
    "province.yaml": 'code: "86"\nname: Vĩnh Long\ncontacts: [noc]\n',
    "contacts.yaml": "contacts:\n- {id: noc, name: Trực ca, role: on-call}\n",
    "agencies.yaml": "agencies:\n- {id: ubnd, name: Ủy ban nhân dân, kind: state}\n",
    "sites.yaml": 'sites:\n- {id: s1, unit: "29551", name: Trụ sở}\n- {id: s2, unit: "29557", name: Trụ sở}\n',
    "devices.yaml": "devices:\n- {id: fw, site: s1, agent: a1, role: firewall}\n- {id: rt, site: s2, agent: a1, role: router}\n",
    "classes.yaml": "classes:\n- {id: dual, availability_target: 99.9%}\n",
    "channels.yaml": """\
channels:
- id: c1
  site: s1
  agency: ubnd
  operator: VNPT
  circuit: VNPT-1
  access_level: II
  contracted: 200Mbps
  connected_since: 2025-07-01
  legal_document: 01/2025
  binding: {agent: a1, device: fw, interface: wan1, probes: [gateway]}
- id: c2
  site: s1
  agency: ubnd
  operator: Viettel
  circuit: VT-1
  access_level: I
  class: dual
  contracted: 100Mbps
  contracted_transmit: 50Mbps
  connected_since: 2025-07-01
  legal_document: 02/2025
  upstream: c1
""",
}


def write(folder: Path, changes: dict[str, str | None] | None = None) -> Path:
    """Write FILES with ``changes`` into ``folder``; None leaves a file out. Returns the folder."""
    for name, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return folder


def edited(name: str, old: str, new: str) -> dict[str, str | None]:
    """Return the change of one file in which ``old``, which must be there once, is ``new``."""
    text = FILES[name]
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
    return {name: text.replace(old, new)}


def small(folder: Path) -> Inventory:
    """Write FILES into ``folder`` and load them."""
    return inventory.load(write(folder))
