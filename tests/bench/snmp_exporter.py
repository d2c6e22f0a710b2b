"""The peer of ``poll``: snmp_exporter as Debian packages it.

Two modules: ``same`` has the objects that our agent reads, ``walk`` all of ifTable and ifXTable, which is what people use.
The configuration changed with 0.23 (credentials apart from modules), so both forms are known and the installed version
decides. OIDs are those of IF-MIB (RFC 2863), SNMPv2-MIB (RFC 3418) and UCD-SNMP-MIB, written here once more on purpose: a mistake in the
agent's must not be the peer's too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from bench.machine import debian_version
from support.processes import Program, find_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PACKAGE: Final = "prometheus-snmp-exporter"
SAME: Final = "same"
WALK: Final = "walk"
#: First version whose credentials stand apart from the modules.
_SPLIT: Final = (0, 23)

_IF: Final = "1.3.6.1.2.1.2.2.1"
_IF_MIB: Final = "1.3.6.1.2.1.31.1"
_IFX: Final = f"{_IF_MIB}.1.1"
_UCD: Final = "1.3.6.1.4.1.2021"
_IF_NAME: Final = f"{_IFX}.1"
_Object = tuple[str, str, str]
#: Name, OID and type in the exporter's words.
_SAME_COLUMNS: Final[tuple[_Object, ...]] = (
    ("ifAdminStatus", f"{_IF}.7", "gauge"),
    ("ifOperStatus", f"{_IF}.8", "gauge"),
    ("ifInDiscards", f"{_IF}.13", "counter"),
    ("ifInErrors", f"{_IF}.14", "counter"),
    ("ifOutDiscards", f"{_IF}.19", "counter"),
    ("ifOutErrors", f"{_IF}.20", "counter"),
    ("ifHCInOctets", f"{_IFX}.6", "counter"),
    ("ifHCInUcastPkts", f"{_IFX}.7", "counter"),
    ("ifHCOutOctets", f"{_IFX}.10", "counter"),
    ("ifHCOutUcastPkts", f"{_IFX}.11", "counter"),
    ("ifHighSpeed", f"{_IFX}.15", "gauge"),
    ("ifAlias", f"{_IFX}.18", "DisplayString"),
    ("ifCounterDiscontinuityTime", f"{_IFX}.19", "gauge"),
)
_SAME_SCALARS: Final[tuple[_Object, ...]] = (
    ("sysDescr", "1.3.6.1.2.1.1.1", "DisplayString"),
    ("sysObjectID", "1.3.6.1.2.1.1.2", "OctetString"),
    ("sysUpTime", "1.3.6.1.2.1.1.3", "gauge"),
    ("sysName", "1.3.6.1.2.1.1.5", "DisplayString"),
    ("ifNumber", "1.3.6.1.2.1.2.1", "gauge"),
    ("ifTableLastChange", f"{_IF_MIB}.1.5", "gauge"),
    # what our agent's profile of Net-SNMP reads in every round: CPU and memory
    ("ssCpuIdle", f"{_UCD}.11.11", "gauge"),
    ("memTotalReal", f"{_UCD}.4.5", "gauge"),
    ("memAvailReal", f"{_UCD}.4.6", "gauge"),
    ("memBuffer", f"{_UCD}.4.14", "gauge"),
    ("memCached", f"{_UCD}.4.15", "gauge"),
)
_WALK_COLUMNS: Final[tuple[_Object, ...]] = (
    *_SAME_COLUMNS,
    ("ifDescr", f"{_IF}.2", "DisplayString"),
    ("ifType", f"{_IF}.3", "gauge"),
    ("ifMtu", f"{_IF}.4", "gauge"),
    ("ifSpeed", f"{_IF}.5", "gauge"),
    ("ifPhysAddress", f"{_IF}.6", "PhysAddress48"),
    ("ifLastChange", f"{_IF}.9", "gauge"),
    ("ifInOctets", f"{_IF}.10", "counter"),
    ("ifInUcastPkts", f"{_IF}.11", "counter"),
    ("ifInNUcastPkts", f"{_IF}.12", "counter"),
    ("ifInUnknownProtos", f"{_IF}.15", "counter"),
    ("ifOutOctets", f"{_IF}.16", "counter"),
    ("ifOutUcastPkts", f"{_IF}.17", "counter"),
    ("ifOutNUcastPkts", f"{_IF}.18", "counter"),
    ("ifOutQLen", f"{_IF}.21", "gauge"),
    ("ifInMulticastPkts", f"{_IFX}.2", "counter"),
    ("ifInBroadcastPkts", f"{_IFX}.3", "counter"),
    ("ifOutMulticastPkts", f"{_IFX}.4", "counter"),
    ("ifOutBroadcastPkts", f"{_IFX}.5", "counter"),
    ("ifHCInMulticastPkts", f"{_IFX}.8", "counter"),
    ("ifHCInBroadcastPkts", f"{_IFX}.9", "counter"),
    ("ifHCOutMulticastPkts", f"{_IFX}.12", "counter"),
    ("ifHCOutBroadcastPkts", f"{_IFX}.13", "counter"),
    ("ifLinkUpDownTrapEnable", f"{_IFX}.14", "gauge"),
    ("ifPromiscuousMode", f"{_IFX}.16", "gauge"),
    ("ifConnectorPresent", f"{_IFX}.17", "gauge"),
)


def configuration(community: str, version: tuple[int, ...]) -> str:
    """Return the text of its configuration for a version of the exporter."""
    modules: dict[str, dict[str, Any]] = {
        SAME: _module([oid for _, oid, _ in _SAME_COLUMNS] + [_IF_NAME], _SAME_COLUMNS),
        WALK: _module([_IF, _IFX], _WALK_COLUMNS),
    }
    if version >= _SPLIT:
        return yaml.safe_dump({"auths": {"bench": {"community": community, "version": 2}}, "modules": modules})
    return yaml.safe_dump(
        {name: {**one, "version": 2, "auth": {"community": community}} for name, one in modules.items()}
    )


def _module(walk: Sequence[str], columns: Sequence[_Object]) -> dict[str, Any]:
    """Return a module: what it walks and gets, and the metrics that it makes of that."""
    index = [{"labelname": "ifIndex", "type": "gauge"}]
    lookup = [{"labels": ["ifIndex"], "labelname": "ifName", "oid": _IF_NAME, "type": "DisplayString"}]
    return {
        "walk": list(walk),
        "get": [f"{oid}.0" for _, oid, _ in _SAME_SCALARS],
        "metrics": [
            *({"name": name, "oid": oid, "type": kind, "help": name} for name, oid, kind in _SAME_SCALARS),
            *(
                {"name": name, "oid": oid, "type": kind, "help": name, "indexes": index, "lookups": lookup}
                for name, oid, kind in columns
            ),
        ],
        "max_repetitions": 25,
        "retries": 1,
        "timeout": "2s",
    }


class SnmpExporter:
    """The exporter on a port of loopback. ``prefix`` is put before the command."""

    def __init__(self, folder: Path, *, port: int, community: str, prefix: Sequence[str] = ()) -> None:
        """Write its configuration; nothing runs yet."""
        self.port = port
        found = re.match(r"(\d+)\.(\d+)", debian_version(PACKAGE))
        self.version = tuple(map(int, found.groups())) if found else (0, 21)
        file = folder / "snmp.yml"
        file.write_text(configuration(community, self.version))
        self.program = Program(
            [
                *prefix,
                find_program(PACKAGE),
                f"--config.file={file}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            folder / "snmp-exporter.log",
        )

    def path(self, module: str, target: str) -> str:
        """Return what to ask it for, to have ``target`` polled."""
        auth = "&auth=bench" if self.version >= _SPLIT else ""
        return f"/snmp?module={module}&target={target}{auth}"
