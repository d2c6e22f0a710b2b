"""A synthetic inventory of any size: ``python -m tslcd_collector.inventory.generate --province 86 --channels 500 --out FOLDER``.

Codes and names of units are real (the table in ``units``); agencies, circuits, contacts, devices and agents are made up.
The same arguments always give the same files.

Every commune has one agent, ``<province>-<unit>-1``, a firewall ``fw`` and a router ``rt``. Its channels, in turn, show
every way of binding: interface and probe, interface alone, probe alone, and second lines.
"""

from __future__ import annotations

import random
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tslcd_collector.inventory.units import Unit, territory
from tslcd_runtime.describe import to_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_BANDWIDTHS: Final = ("50Mbps", "100Mbps", "200Mbps", "200Mbps", "200Mbps", "500Mbps", "1Gbps")
_OPERATORS: Final = ("VNPT", "Viettel")
#: Bodies of every commune: suffix of the id, kind, how the name begins.
_BODIES: Final = (
    ("ubnd", "state", "Ủy ban nhân dân"),
    ("dang-uy", "party", "Đảng ủy"),
    ("mttq", "front", "Ủy ban Mặt trận Tổ quốc Việt Nam"),
)
#: Devices of every commune: id and role.
_DEVICES: Final = (("fw", "firewall"), ("rt", "router"))
#: What the first channels of a commune are bound to, in order.
_BINDINGS: Final[tuple[dict[str, Any], ...]] = (
    {"device": "fw", "interface": "wan1", "probes": ["gateway"]},
    {"device": "rt", "interface": "wan1"},
    {"probes": ["core"]},
    {"device": "fw", "interface": "wan2", "probes": ["gateway-2"]},
)


def inventory(province: str, channels: int, communes: int | None = None, seed: int = 1) -> dict[str, str]:
    """Return the files of an inventory, text by name. Raises ValueError for what cannot be.

    ``communes`` takes only as many units, spread over the province by code; None takes all.
    """
    table = territory()
    if province not in table.provinces:
        raise ValueError(f"no province has the code {province!r}: allowed are {', '.join(table.provinces)}")
    units = table.of_province(province)
    count = len(units) if communes is None else communes
    if not 1 <= count <= len(units):
        raise ValueError(f"{count} communes: province {province} has 1 to {len(units)}")
    if channels < count:
        raise ValueError(f"{channels} channels for {count} communes: every commune has at least one")
    chosen = [units[index * len(units) // count] for index in range(count)]
    chance = random.Random(f"{province} {channels} {count} {seed}")  # noqa: S311 - reproducible, and no secret
    contents: dict[str, Any] = {
        "province": {"code": province, "name": table.provinces[province].name, "contacts": ["noc"]},
        "contacts": {"contacts": [_contact("noc", "Trực giám sát (mẫu)", "on-call", 0)]},
        "agencies": {"agencies": [_agency(unit, *body) for unit in chosen for body in _BODIES]},
        "sites": {"sites": [_site(unit) for unit in chosen]},
        "devices": {"devices": [_device(unit, *kind) for unit in chosen for kind in _DEVICES]},
        "classes": {"classes": [{"id": "standard"}, {"id": "dual", "availability_target": "99.9%"}]},
        "channels": {
            "channels": [
                _channel(unit, rank, number, chance)
                for number, (rank, unit) in enumerate(islice(_turns(chosen), channels), 1)
            ]
        },
    }
    return {
        f"{kind}.yaml": f"# yaml-language-server: $schema=schema/{kind}.json\n{to_yaml(content)}"
        for kind, content in contents.items()
    }


def _turns(units: list[Unit]) -> Iterator[tuple[int, Unit]]:
    """Yield (rank, unit) for ever: every unit's first channel, then every unit's second, and so on."""
    for index, unit in enumerate(cycle(units)):
        yield index // len(units), unit


def _agent(unit: Unit) -> str:
    return f"{unit.province}-{unit.code}-1"


def _contact(name_id: str, name: str, role: str, number: int) -> dict[str, Any]:
    return {"id": name_id, "name": name, "role": role, "phone": f"0000 000 {number:03d}"}


def _agency(unit: Unit, suffix: str, kind: str, beginning: str) -> dict[str, Any]:
    return {"id": f"{unit.code}-{suffix}", "name": f"{beginning} {unit.full_name}", "kind": kind}


def _site(unit: Unit) -> dict[str, Any]:
    name = f"Trụ sở {unit.full_name}"
    return {"id": f"{unit.province}-{unit.code}", "unit": unit.code, "unit_name": unit.full_name, "name": name}


def _device(unit: Unit, device: str, role: str) -> dict[str, Any]:
    return {"id": device, "site": f"{unit.province}-{unit.code}", "agent": _agent(unit), "role": role}


def _channel(unit: Unit, rank: int, number: int, chance: random.Random) -> dict[str, Any]:
    binding = _BINDINGS[rank] if rank < len(_BINDINGS) else {"device": "fw", "interface": f"vlan{100 + rank}"}
    suffix = _BODIES[rank % len(_BODIES)][0]
    operator = chance.choice(_OPERATORS)
    return {
        "id": f"{unit.province}-{unit.code}-c{rank + 1}",
        "name": f"{unit.full_name}, kênh {rank + 1}",
        "site": f"{unit.province}-{unit.code}",
        "agency": f"{unit.code}-{suffix}",
        "operator": operator,
        "circuit": f"{operator.upper()}-{unit.province}-{number:05d}",
        "access_level": "II",
        "class": "standard",
        "contracted": chance.choice(_BANDWIDTHS),
        "tenant": f"vpn-{suffix}",
        "connected_since": f"2025-{chance.randint(7, 12):02d}-{chance.randint(1, 28):02d}",
        "legal_document": f"{number:03d}/2025/VB-MAU",
        "binding": {"agent": _agent(unit), **binding},
    }


@click.command()
@click.option("--province", default="86", show_default=True, help="Code of the province, two digits.")
@click.option("--channels", type=int, default=500, show_default=True, help="How many channels.")
@click.option("--communes", type=int, help="How many of the province's communes; all without it.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another inventory.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new or empty folder.")
def main(province: str, channels: int, communes: int | None, seed: int, out: Path) -> None:
    """Write a synthetic inventory with the real units of a province."""
    try:
        files = inventory(province, channels, communes, seed)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if out.is_dir() and any(out.iterdir()):
        raise click.UsageError(f"{out} is not empty: name a new folder, so that nothing is overwritten")
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    click.echo(f"{out}: {channels} channels of province {province}")


if __name__ == "__main__":
    main()
