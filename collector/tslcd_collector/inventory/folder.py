"""From a folder of YAML files to the things that stand in them, each with its place.

``sites.yaml``, and any file in ``sites/``, holds sites; the same for every kind. Order: the single file first, then those
of the folder by name. A file that is not of the inventory is a problem, since a misspelt name would lose what is in it;
only hidden files, README.md and the folder ``schema`` may stand beside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from tslcd_collector.inventory.files import (
    KEYS,
    LISTS,
    Agency,
    ChannelEntry,
    Contact,
    Device,
    Province,
    Site,
    WindowEntry,
)
from tslcd_collector.inventory.model import Place
from tslcd_runtime.settings import Loaded, Problem, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tslcd_collector.inventory.classes import ChannelClass, DeviceClass

T = TypeVar("T")
_BESIDE: Final = frozenset({"README.md", "schema"})
_ALLOWED: Final = ", ".join(f"{name}.yaml" for name in ("province", *LISTS))


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """Something and where it stands."""

    value: T
    place: Place


@dataclass(slots=True)
class Folder:
    """What the files say, not yet compared with each other.

    ``broken`` has the kinds of which a file could not be used, so that nothing is said to be missing from them.
    """

    province: Placed[Province] | None = None
    contacts: list[Placed[Contact]] = field(default_factory=list)
    agencies: list[Placed[Agency]] = field(default_factory=list)
    sites: list[Placed[Site]] = field(default_factory=list)
    devices: list[Placed[Device]] = field(default_factory=list)
    classes: list[Placed[ChannelClass]] = field(default_factory=list)
    device_classes: list[Placed[DeviceClass]] = field(default_factory=list)
    channels: list[Placed[ChannelEntry]] = field(default_factory=list)
    maintenance: list[Placed[WindowEntry]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def read(folder: Path) -> Folder:
    """Read every file of the inventory. Never raises for what is in them: problems are in the answer."""
    found = Folder()
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        found.problems.append(Problem(str(folder), 0, "", (error.strerror or "cannot be read").lower()))
        return found
    _strangers(folder, names, found)
    for wanted in ("province", "channels"):
        if f"{wanted}.yaml" not in names and wanted not in names:
            problem = Problem(str(folder / f"{wanted}.yaml"), 0, "", "missing: every inventory has it")
            found.problems.append(problem)
            found.broken.add(wanted)
    if "province.yaml" in names and (province := _load(folder / "province.yaml", Province, "province", found)):
        found.province = Placed(province.value, Place(province, ()))
    for kind, file_type in LISTS.items():
        for file in _files(folder, kind):
            document = _load(file, file_type, kind, found)
            if document is not None:
                entries, key = getattr(found, kind), KEYS.get(kind, kind)
                for index, one in enumerate(getattr(document.value, key)):
                    entries.append(Placed(one, Place(document, (key, index))))
    return found


def _files(folder: Path, kind: str) -> Iterator[Path]:
    single = folder / f"{kind}.yaml"
    if single.exists():
        yield single
    yield from sorted(path for path in (folder / kind).glob("*.yaml") if not path.name.startswith("."))


def _load(file: Path, file_type: type[T], kind: str, found: Folder) -> Loaded[T] | None:
    try:
        return cast("Loaded[T]", load(file, file_type))
    except SettingsError as error:
        found.problems += error.problems
        found.broken.add(kind)
        return None


def _strangers(folder: Path, names: set[str], found: Folder) -> None:
    """Tell of files that nobody would read."""
    for name in sorted(names):
        path = folder / name
        if name.startswith(".") or name in _BESIDE:
            continue
        if name in LISTS and path.is_dir():
            found.problems += (
                Problem(str(one), 0, "", "not read: files here end in .yaml")
                for one in sorted(path.iterdir())
                if not one.name.startswith(".") and one.suffix != ".yaml" and one.name not in _BESIDE
            )
        elif name.removesuffix(".yaml") not in {"province", *LISTS} or not name.endswith(".yaml"):
            found.problems.append(Problem(str(path), 0, "", f"not a file of the inventory: allowed are {_ALLOWED}"))
