"""The second peer of ``poll``: collectd with its snmp plugin, as Debian packages it.

It has no strings but the names of instances, so ifAlias is left out, and it walks ifName once more for every block of columns that
it reads: this is how its manual says to use it (collectd-snmp(5)). Bulk transfers are on. What it reads it writes to files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from support.processes import Program, find_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PACKAGE: Final = "collectd-core"
#: Rows of one GETBULK.
BULK: Final = 25
_IF: Final = "1.3.6.1.2.1.2.2.1"
_IFX: Final = "1.3.6.1.2.1.31.1.1.1"
#: Blocks: a type of types.db, and its columns.
_BLOCKS: Final = (
    ("if_octets", (f"{_IFX}.6", f"{_IFX}.10")),
    ("if_packets", (f"{_IFX}.7", f"{_IFX}.11")),
    ("if_errors", (f"{_IF}.14", f"{_IF}.20")),
    ("if_dropped", (f"{_IF}.13", f"{_IF}.19")),
    ("gauge", (f"{_IF}.8",)),
    ("count", (f"{_IF}.7",)),
    ("bitrate", (f"{_IFX}.15",)),
)


def configuration(folder: Path, address: str, community: str, interval: float) -> str:
    """Return the text of its configuration."""
    blocks = []
    for kind, columns in _BLOCKS:
        values = " ".join(f'"{oid}"' for oid in columns)
        blocks.append(
            f'  <Data "{kind}">\n    Type "{kind}"\n    Table true\n    TypeInstanceOID "{_IFX}.1"\n'
            f"    Values {values}\n  </Data>\n"
        )
    collected = " ".join(f'"{kind}"' for kind, _ in _BLOCKS)
    return (
        f'BaseDir "{folder}"\nPIDFile "{folder / "collectd.pid"}"\nTypesDB "/usr/share/collectd/types.db"\n'
        f"Interval {interval:g}\nReadThreads 1\nWriteThreads 1\nLoadPlugin csv\nLoadPlugin snmp\n"
        f'<Plugin csv>\n  DataDir "{folder / "values"}"\n  StoreRates false\n</Plugin>\n'
        f'<Plugin snmp>\n{"".join(blocks)}  <Host "device">\n    Address "{address}"\n    Version 2\n'
        f'    Community "{community}"\n    Collect {collected}\n    Interval {interval:g}\n    BulkSize {BULK}\n'
        "  </Host>\n</Plugin>\n"
    )


class Collectd:
    """collectd that asks one device. ``prefix`` is put before the command."""

    def __init__(
        self, folder: Path, *, address: str, community: str, interval: float, prefix: Sequence[str] = ()
    ) -> None:
        """Write its configuration; nothing runs yet."""
        folder.mkdir()
        self._values = folder / "values"
        file = folder / "collectd.conf"
        file.write_text(configuration(folder, address, community, interval))
        self.program = Program([*prefix, find_program("collectd"), "-f", "-C", str(file)], folder / "collectd.log")

    def interfaces(self) -> int:
        """Count the interfaces whose octets it wrote."""
        return len(list(self._values.glob("device/snmp/if_octets-*")))
