"""Profiles in their directories: read, checked, inherited from, chosen.

Invariants:

* A running agent keeps the files as they are (a few kB each) and makes what devices need of them: most profiles are never
  used on one site. Only the ``match`` of every file is looked at.
* The files of additional directories are checked when they are read; those shipped are checked by the tests, and by
  :meth:`Library.check`.
* A choice depends on sysObjectID and sysDescr alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml
from msgspec import UNSET

from tslcd_agent.snmp.profile import checks
from tslcd_agent.snmp.profile.document import SCALAR_KINDS, Document, Expression, Table
from tslcd_agent.snmp.profile.standards import SCALAR_STANDARDS
from tslcd_runtime.settings import Loaded, Problem, SettingsError, loads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The profiles that come with the program.
SHIPPED: Final = Path(__file__).parents[2] / "profiles"
#: What a device has that nothing else is for.
GENERIC: Final = "generic"
#: Net-SNMP's own identifiers, which say nothing about the box (NET-SNMP-TC::netSnmpAgentOIDs).
NET_SNMP: Final = "1.3.6.1.4.1.8072.3.2"
MAX_FILE_BYTES: Final = 2**20
#: More than any identifier has arcs.
_DECIDES: Final = 1_000
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Choice(NamedTuple):
    """The profile of a device, and why it is this one, in English, for people."""

    name: str
    why: str


class Entry(NamedTuple):
    """One entry of a profile's ``match``."""

    profile: str
    sys_object_id: str | None
    sys_descr: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile with everything it inherits. ``lineage``: whose columns these are, the profile itself last."""

    name: str
    title: str
    source: str
    lineage: tuple[str, ...]
    values: dict[str, dict[str, Expression]] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    raw: bytes


class Library:
    """All profiles: those shipped, and over them those of other directories, a file replacing one of the same name."""

    def __init__(self, directories: Sequence[Path] = (), *, shipped: Path = SHIPPED) -> None:
        """Read the files (blocking). Raises SettingsError: mistakes in those of ``directories``, or any that is damaged."""
        self._files: dict[str, _File] = {}
        self._profiles: dict[str, Profile] = {}
        mine = {path.stem: _File(path, _read(path)) for directory in directories for path in _listed(directory)}
        self._files = {path.stem: _File(path, _read(path)) for path in _listed(shipped)} | mine
        wrong = [problem for name in mine for problem in self.check(name)]
        if wrong:
            raise SettingsError(wrong)
        self._entries = tuple(entry for name, file in self._files.items() for entry in _entries(name, file))

    def __contains__(self, name: str) -> bool:
        """Whether there is a profile of this name."""
        return name in self._files

    @property
    def names(self) -> tuple[str, ...]:
        """Every profile, sorted."""
        return tuple(sorted(self._files))

    def entries(self, name: str) -> tuple[Entry, ...]:
        """Return what a profile is for; nothing for one that is only inherited from."""
        return tuple(entry for entry in self._entries if entry.profile == name)

    def check(self, name: str) -> list[Problem]:
        """Return everything that is wrong with one profile, its parents looked at as far as it needs them."""
        try:
            loaded = self._load(name)
        except SettingsError as error:
            return list(error.problems)
        found = list(checks.problems(loaded, name))
        for number, parent in enumerate(loaded.value.inherits):
            path = ("inherits", number)
            if parent not in self._files:
                found.append(loaded.problem(path, f"there is no profile {parent!r}"))
            elif name in self._ancestors(parent):
                found.append(loaded.problem(path, f"{parent} inherits from {name}: a circle"))
        return found

    def _ancestors(self, name: str) -> set[str]:
        """Return a profile and all that it inherits from, as far as that can be read."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in seen and one in self._files:
                seen.add(one)
                try:
                    waiting += self._load(one).value.inherits
                except SettingsError:
                    continue
        return seen

    def _load(self, name: str) -> Loaded[Document]:
        file = self._files[name]
        if len(file.raw) > MAX_FILE_BYTES:
            raise SettingsError([Problem(str(file.path), 0, "", f"longer than {MAX_FILE_BYTES} bytes")])
        return loads(file.raw, Document, name=str(file.path), directory=file.path.parent)

    def choose(self, sys_object_id: str, sys_descr: str) -> Choice:
        """Choose by what the device says that it is."""
        found = [
            (entry, rank) for entry in self._entries if (rank := _rank(entry, sys_object_id, sys_descr)) is not None
        ]
        if not found:
            return Choice(GENERIC, f"no profile is for sysObjectID {sys_object_id or '(none)'}")
        best = max(rank for _, rank in found)
        entry = min(entry for entry, rank in found if rank == best)
        parts = [f"sysObjectID is under {entry.sys_object_id}"] if entry.sys_object_id else []
        parts += [f"sysDescr matches {entry.sys_descr}"] if entry.sys_descr else []
        return Choice(entry.profile, " and ".join(parts))

    def profile(self, name: str) -> Profile:
        """Return a profile with all that it inherits. Raises SettingsError when it is wrong, KeyError when there is none."""
        if name not in self._profiles:
            wrong = self.check(name)
            if wrong:
                raise SettingsError(wrong)
            self._profiles[name] = self._inherit(name)
        return self._profiles[name]

    def _inherit(self, name: str) -> Profile:
        document = self._load(name).value
        values: dict[str, dict[str, Expression]] = {}
        tables: dict[str, Table] = {}
        lineage: dict[str, None] = {}
        for parent in document.inherits:
            inherited = self.profile(parent)
            lineage |= dict.fromkeys(inherited.lineage)
            for kind, columns in inherited.values.items():
                values[kind] = values.get(kind, {}) | columns
            tables |= {table.id: table for table in inherited.tables}
        for one in SCALAR_KINDS:
            _apply(values, one.name, getattr(document.values, one.name))
        for table in document.tables:
            if table.kind is None:
                tables.pop(table.id, None)
            else:
                tables[table.id] = table
        lineage[name] = None
        return Profile(
            name,
            document.title,
            document.source,
            tuple(lineage),
            {k: v for k, v in values.items() if v},
            tuple(tables.values()),
        )


def _apply(values: dict[str, dict[str, Expression]], kind: str, columns: Any) -> None:
    """Put what a file says of ``kind`` over what it inherits."""
    if columns is UNSET:
        return
    if columns is None:
        values.pop(kind, None)
        return
    into = values.setdefault(kind, {})
    standard = getattr(columns, "standard", UNSET)
    if standard is not UNSET and standard is not None:
        into |= SCALAR_STANDARDS[standard]
    for name in columns.__struct_fields__:
        expression = getattr(columns, name)
        if name == "standard" or expression is UNSET:
            continue
        if expression is None:
            into.pop(name, None)
        else:
            into[name] = expression


def _rank(entry: Entry, sys_object_id: str, sys_descr: str) -> tuple[int, int] | None:
    """Return how well an entry fits, more is better; None when it does not."""
    prefix = entry.sys_object_id
    if prefix is not None and not (sys_object_id == prefix or sys_object_id.startswith(f"{prefix}.")):
        return None
    if entry.sys_descr is not None and not re.search(entry.sys_descr, sys_descr):
        return None
    arcs = prefix.count(".") if prefix is not None else -1
    # where the identifier says nothing, the text decides
    says_nothing = sys_object_id == NET_SNMP or sys_object_id.startswith(f"{NET_SNMP}.")
    has_text = entry.sys_descr is not None
    return arcs + (_DECIDES if says_nothing and has_text else 0), int(has_text)


def _listed(directory: Path) -> Iterator[Path]:
    """Yield the profiles of a directory. Raises SettingsError when it cannot be read."""
    try:
        yield from sorted(path for path in directory.iterdir() if path.suffix == ".yaml")
    except OSError as error:
        raise SettingsError([Problem(str(directory), 0, "", (error.strerror or "cannot be read").lower())]) from None


def _read(path: Path) -> bytes:
    """Read a file, a little past its bound at most. Raises SettingsError."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError([Problem(str(path), 0, "", (error.strerror or "cannot be read").lower())]) from None


def _entries(name: str, file: _File) -> Iterator[Entry]:
    """Yield the entries of one file's ``match``, without looking at the rest. Raises SettingsError when it is not YAML."""
    loader = None
    try:
        loader = _Loader(file.raw)
        root = loader.get_single_node()
        for key, node in root.value if isinstance(root, yaml.MappingNode) else ():
            if key.value == "match":
                for match in loader.construct_object(node, deep=True) or ():
                    yield Entry(name, match.get("sys_object_id"), match.get("sys_descr"))
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError):
        raise SettingsError(
            [Problem(str(file.path), 0, "", "damaged: not the profile that came with the program")]
        ) from None
    finally:
        if loader is not None:
            loader.dispose()
