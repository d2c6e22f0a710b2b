"""Recordings of real devices (snmpsim-data) read under the shipped profiles, and what is pinned of them.

``PYTHONPATH=tests python -m support.replayed`` writes ``tests/golden/profiles/*.json`` and the profiles' ``COVERAGE.md``
anew; the difference in git is what a change of a profile does to real devices.

Serial numbers, and names that people gave, are pinned by their length only.
"""

from __future__ import annotations

import asyncio
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.profile.findings import Findings, columns_of, find
from tslcd_agent.snmp.profile.library import GENERIC, SHIPPED, Library
from tslcd_agent.snmp.profile.parts import SLOW_EVERY
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_agent.snmp.recording import open_recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tslcd_agent.snmp.recording import RecordedSession
    from tslcd_wire.report import Tables

GOLDEN: Final = Path(__file__).parents[1] / "golden" / "profiles"
COVERAGE: Final = SHIPPED / "COVERAGE.md"
_MASKED: Final = frozenset({"device.serial", "firewall.ha_peer"})
_MASKED_KEYS: Final = frozenset({"tunnel", "path"})


def data() -> Path:
    """Return the folder of snmpsim-data's recordings."""
    spec = find_spec("snmpsim_data")
    if spec is None or spec.origin is None:
        msg = "snmpsim-data is not installed: it comes with the extra [dev]"
        raise RuntimeError(msg)
    return Path(spec.origin).parent / "data"


def recordings() -> tuple[str, ...]:
    """Return every recording, like ``network/firewall/fortinet-xcu``, sorted."""
    root = data()
    return tuple(sorted(name_of(path.relative_to(root)) for path in root.rglob("*.snmprec*") if path.is_file()))


def name_of(path: Path) -> str:
    """Return the name of a recording: its path without endings."""
    return path.as_posix().partition(".snmprec")[0]


def file_of(name: str) -> Path:
    """Return the file of a recording."""
    packed = data() / f"{name}.snmprec.bz2"
    return packed if packed.exists() else data() / f"{name}.snmprec"


def golden_of(name: str) -> Path:
    """Return the file that pins a recording."""
    return GOLDEN / f"{name.replace('/', '-')}.json"


def replay(name: str, library: Library) -> tuple[Findings, list[Tables]]:
    """Read a recording (blocking): what was found, and the tables of several rounds of one poller."""
    with open_recording(file_of(name)) as session:
        return asyncio.run(_replay(session, library))


async def _replay(session: RecordedSession, library: Library) -> tuple[Findings, list[Tables]]:
    found = await find(session, library)
    system = await session.get((mib.SYS_OBJECT_ID, mib.SYS_DESCR))
    reader = ProfileReader(library)
    rounds: list[Tables] = [{} for _ in range(SLOW_EVERY + 2)]
    for number, tables in enumerate(rounds):
        await reader.read(session, system, tables, number)
    return found, rounds


def pinned(name: str, found: Findings) -> dict[str, Any]:
    """Return what is pinned of a recording: per kind the rows, and per column how many cells and the first of them."""
    kinds: dict[str, Any] = {}
    for one in found.came:
        value: Any = one.value
        if f"{one.kind}.{one.column}" in _MASKED:
            value = f"({len(str(value))} characters)"
        columns = kinds.setdefault(one.kind, {})
        if one.kind in {"device", "firewall", "ups"}:
            columns[one.column] = value
        else:
            key = f"({len(one.key)} characters)" if one.kind in _MASKED_KEYS else one.key
            columns[one.column] = f"{one.rows} of {found.rows[one.kind]}: {key} = {value}"
    return {"recording": name, "profile": found.profile, "why": found.why, **kinds, "missing": " ".join(found.missing)}


def written(pins: Mapping[str, Any]) -> str:
    """Return the text of a golden file."""
    return json.dumps(pins, indent=1, ensure_ascii=False) + "\n"


def read_golden() -> dict[str, dict[str, Any]]:
    """Return all golden files by recording."""
    return {
        pins["recording"]: pins for path in sorted(GOLDEN.glob("*.json")) for pins in [json.loads(path.read_text())]
    }


def coverage(library: Library, golden: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the coverage page: what every profile can give, and what recordings of real devices gave."""
    lines = [
        "# What comes from which device",
        "",
        "Generated from the profiles and from recordings of real devices (snmpsim-data); a test holds it to both. **Bold**",
        "columns came from a recording. Every device gives the interfaces of IF-MIB besides.",
        "",
    ]
    for name in library.names:
        profile = library.profile(name)
        seen = [pins for pins in golden.values() if pins["profile"] == name]
        entries = library.entries(name)
        lines += [f"## {profile.title} (`{name}`)", ""]
        if not entries and name != GENERIC:
            lines += ["Inherited from only.", ""]
            continue
        if seen:
            lines += [f"Recordings: {', '.join(sorted(Path(pins['recording']).name for pins in seen))}.", ""]
        else:
            lines += ["Not seen on a device yet.", ""]
        lines += ["| kind | columns |", "|---|---|"]
        for kind, columns in columns_of(profile).items():
            came = {column for pins in seen for column in pins.get(kind, ())}
            shown = ", ".join(f"**{column}**" if column in came else column for column in columns)
            lines.append(f"| {kind} | {shown} |")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def has_profile(found: Findings) -> bool:
    """Whether a recording is pinned: somebody wrote a profile for it, or the generic one says something of it."""
    return found.profile != GENERIC or bool(found.came)


def write(names: Iterable[str]) -> None:
    """Write golden files and the coverage page."""
    library = Library()
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.glob("*.json"):
        old.unlink()
    for name in names:
        found, _ = replay(name, library)
        if has_profile(found):
            golden_of(name).write_text(written(pinned(name, found)))
    COVERAGE.write_text(coverage(library, read_golden()))


if __name__ == "__main__":
    write(recordings())
