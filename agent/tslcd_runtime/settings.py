"""Strict YAML settings: every mistake at once, each with file, line, key and what is allowed.

A settings type is a msgspec Struct. The file is composed into YAML nodes, which know their lines, and walked beside the
type; what fits becomes the struct, and everything that does not becomes a :class:`Problem`.

Invariants:

* Unknown keys, keys given twice, tabs, wrong types and values out of bounds are problems; nothing is converted silently
  (``code: 06970`` is octal in YAML, and a problem where text is wanted).
* All problems of a file are told together, in the order of its lines.
* Nothing read from a secret's file is ever in a problem.
"""

from __future__ import annotations

import difflib
import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

import msgspec
import yaml
from msgspec import inspect as shape

from tslcd_runtime.secret import Secret, SecretError, read_secret
from tslcd_runtime.settings_words import PYTHON_TYPES, looks_a_number, python_type, shown, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Bounds against files that are not settings at all, and against alias bombs.
MAX_FILE_BYTES: Final = 16 * 2**20
MAX_NODES: Final = 1_000_000
#: Bound on nesting: PyYAML's composer is recursive in C, and a deep enough file ends the process with SIGSEGV.
MAX_DEPTH: Final = 64
_BAD: Final[Any] = object()

T = TypeVar("T")
#: Where a value stands: keys and list indexes from the document's root.
Path_: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake. ``line`` counts from 1, 0 stands for the whole file; ``key`` is written like ``devices[0].port``."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        """Write it as compilers do, so that editors can jump to it."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SettingsError(Exception):
    """Settings that cannot be used; ``problems`` has every reason."""

    code = "settings"

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems sorted by file and line."""
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """Settings and where each value of them stands, for checks that go across values."""

    value: T
    file: str
    lines: dict[Path_, int] = field(repr=False)

    def problem(self, path: Path_, message: str) -> Problem:
        """Make a problem about the value at ``path``, or the nearest one around it that stands in the file."""
        at = path
        while at and at not in self.lines:
            at = at[:-1]
        return Problem(self.file, self.lines.get(at, 0), show_path(path), message)


def show_path(path: Path_) -> str:
    """Write a path the way people do: ``devices[0].port``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def load(file: Path, settings_type: type[T], *, name: str | None = None) -> Loaded[T]:
    """Read ``file`` as ``settings_type``. ``name`` stands for the file in messages. Raises SettingsError."""
    shown = name or str(file)
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError([Problem(shown, 0, "", (error.strerror or "cannot be read").lower())]) from None
    if len(raw) > MAX_FILE_BYTES:
        raise SettingsError([Problem(shown, 0, "", f"longer than {MAX_FILE_BYTES} bytes")])
    return loads(raw, settings_type, name=shown, directory=file.parent)


def loads(raw: bytes, settings_type: type[T], *, name: str = "<settings>", directory: Path | None = None) -> Loaded[T]:
    """Like :func:`load`, from bytes. Relative secret files are looked for in ``directory``. Raises SettingsError."""
    walker = _Walker(name, directory or Path())
    root = walker.compose(raw)
    value = walker.struct(root, _shape(settings_type), ()) if not walker.problems else _BAD
    if walker.problems:
        raise SettingsError(walker.problems)
    return Loaded(value, name, walker.lines)


_shape: Any = functools.lru_cache(1)(shape.type_info)  # many files of one type are read in a row


class _Walker:
    """One pass over one document."""

    def __init__(self, file: str, directory: Path) -> None:
        self.file = file
        self.directory = directory
        self.problems: list[Problem] = []
        self.lines: dict[Path_, int] = {}
        self.visited = 0
        self.constructor: Any = yaml.constructor.SafeConstructor()

    def compose(self, raw: bytes) -> yaml.Node | None:
        try:
            text = raw.decode()
            if not self._shallow(text):
                return None
            loader = _Loader(text)
            try:
                return loader.get_single_node()  # type: ignore[no-any-return]
            finally:
                loader.dispose()
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            self.problems.append(Problem(self.file, line, "", "not UTF-8 text"))
        except yaml.YAMLError as error:
            self.problems.append(self._syntax(text, error))
        return None

    def _shallow(self, text: str) -> bool:
        """Whether nothing is nested too deeply; told by events, which no recursion makes. Raises YAMLError."""
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    line = event.start_mark.line + 1 if event.start_mark else 0
                    self.problems.append(Problem(self.file, line, "", f"nested deeper than {MAX_DEPTH} levels"))
                    return False
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        return True

    def _syntax(self, text: str, error: yaml.YAMLError) -> Problem:
        """Say a syntax error plainly; the usual one is a tab."""
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        for number, content in enumerate(text.splitlines(), 1):
            if "\t" in content[: len(content) - len(content.lstrip())] and line and abs(number - line) <= 1:
                return Problem(self.file, number, "", "a tab in the indentation: YAML allows spaces only")
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        return Problem(self.file, line, "", f"not YAML: {reason}")

    def wrong(self, node: yaml.Node, path: Path_, message: str) -> Any:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, show_path(path), message))
        return _BAD

    def struct(self, node: yaml.Node | None, info: Any, path: Path_) -> Any:
        """Walk a mapping beside a struct."""
        if node is None or (isinstance(node, yaml.ScalarNode) and node.value in {"", "null", "~"} and not path):
            node = yaml.MappingNode("tag:yaml.org,2002:map", [], yaml.Mark(self.file, 0, 0, 0, None, 0), None)
        if not isinstance(node, yaml.MappingNode):
            return self.wrong(node, path, f"{shown(node)} is not allowed: keys and values are wanted here")
        fields = {item.encode_name: item for item in info.fields}
        values: dict[str, Any] = {}
        for key, child, key_path in self._items(node, path):
            known = fields.get(key)
            if known is None:
                near = difflib.get_close_matches(key, fields, 1)
                hint = f"did you mean {near[0]}? " if near else ""
                self.problems.append(
                    Problem(
                        self.file,
                        self.lines[key_path],
                        show_path(key_path),
                        f"unknown key: {hint}allowed are {', '.join(fields)}",
                    )
                )
                continue
            values[known.name] = self.value(child, known.type, key_path)
        for name, item in fields.items():
            if item.required and item.name not in values:
                values[item.name] = self.wrong(node, (*path, name), "missing")
        if any(value is _BAD for value in values.values()) or any(
            item.required and item.name not in values for item in info.fields
        ):
            return _BAD
        try:
            return info.cls(**values)
        except ValueError as error:
            return self.wrong(node, path, str(error))

    def _union(self, node: yaml.Node, info: Any, path: Path_) -> Any:
        """Walk what may be missing, may be one of several structs, or may be a number or text."""
        if isinstance(node, yaml.ScalarNode) and self.scalar(node) is None:
            if any(isinstance(one, shape.NoneType) for one in info.types):
                return None
            return self.wrong(node, path, "empty is not allowed")
        kinds = [one for one in info.types if not isinstance(one, shape.NoneType)]
        if len(kinds) == 1:
            return self.value(node, kinds[0], path)
        if all(isinstance(one, shape.StructType) for one in kinds):
            return self._tagged(node, kinds, path)
        return self._plain(node, shape.UnionType(tuple(kinds)), path)

    def _tagged(self, node: yaml.Node, kinds: list[Any], path: Path_) -> Any:
        """Walk a mapping that says itself, by its tag, which struct of a union it is; the first when it does not say."""
        if not isinstance(node, yaml.MappingNode):
            return self.wrong(node, path, f"{shown(node)} is not allowed: keys and values are wanted here")
        tag = kinds[0].tag_field
        given = [(key, child) for key, child in node.value if isinstance(key, yaml.ScalarNode) and key.value == tag]
        info = next((one for one in kinds if given and one.tag == given[0][1].value), None if given else kinds[0])
        if info is None:
            allowed = ", ".join(one.tag for one in kinds)
            return self.wrong(given[0][1], (*path, tag), f"{shown(given[0][1])} is not allowed: allowed are {allowed}")
        known = {item.encode_name for item in info.fields}
        foreign = {item.encode_name for one in kinds for item in one.fields} - known
        kept = []
        for key, child in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in foreign:
                self.lines[(*path, key.value)] = key.start_mark.line + 1
                self.wrong(key, (*path, key.value), f"does not belong to {tag} {info.tag}")
            elif (key, child) not in given[:1]:
                kept.append((key, child))
        return self.struct(yaml.MappingNode(node.tag, kept, node.start_mark, node.end_mark), info, path)

    def _items(
        self, node: yaml.MappingNode, path: Path_, *, numbers: bool = False
    ) -> Iterable[tuple[str, yaml.Node, Path_]]:
        """Yield key, value and path of a mapping's items, telling of keys that are not text or come twice.

        With ``numbers``, a whole number may be a key too, and is the same key as its digits.
        """
        seen: dict[str, int] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            key = self.scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if numbers and type(key) is int:
                key = str(key)
            if not isinstance(key, str):
                self.wrong(key_node, path, f"key {shown(key_node)} is not text: put it in quotes")
                continue
            key_path = (*path, key)
            if key in seen:
                self.wrong(key_node, key_path, f"given twice, first in line {seen[key]}")
                continue
            seen[key] = self.lines[key_path] = line
            yield key, child, key_path

    def value(self, node: yaml.Node, info: Any, path: Path_) -> Any:
        """Walk any node beside any type."""
        self.visited += 1
        if self.visited > MAX_NODES:
            if self.visited == MAX_NODES + 1:
                self.wrong(node, path, f"more than {MAX_NODES} values")
            return _BAD
        self.lines.setdefault(path, node.start_mark.line + 1)
        match info:
            case shape.Metadata(extra={"quantity": quantity}):
                return self._quantity(node, quantity, path)
            case shape.Metadata():
                return self.value(node, info.type, path)
            case shape.UnionType():
                return self._union(node, info, path)
            case shape.StructType():
                return self.struct(node, info, path)
            case shape.CustomType(cls=cls) if cls is Secret:
                return self._secret(node, path)
            case shape.DictType():
                return self._dict(node, info, path)
            case shape.ListType() | shape.VarTupleType():
                return self._list(node, info, path)
            case _:
                return self._plain(node, info, path)

    def _quantity(self, node: yaml.Node, quantity: Any, path: Path_) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self.wrong(node, path, f"{shown(node)} is not {quantity.name}: for example {quantity.example}")
        try:
            return quantity.parse(node.value)
        except ValueError as error:
            return self.wrong(node, path, str(error))

    def _secret(self, node: yaml.Node, path: Path_) -> Any:
        allowed = "a secret is not written here: give {file: PATH} or {credential: NAME}"
        if not isinstance(node, yaml.MappingNode):
            return self.wrong(node, path, allowed)
        given = {
            key: self.scalar(child) if isinstance(child, yaml.ScalarNode) else None
            for key, child, _ in self._items(node, path)
        }
        if (
            len(given) != 1
            or not set(given) <= {"file", "credential"}
            or not all(isinstance(one, str) for one in given.values())
        ):
            return self.wrong(node, path, allowed)
        try:
            if "file" in given:
                return read_secret(file=str(self.directory / str(given["file"])))
            return read_secret(credential=str(given["credential"]))
        except SecretError as error:
            return self.wrong(node, path, str(error))

    def _dict(self, node: yaml.Node, info: Any, path: Path_) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return self.wrong(node, path, f"{shown(node)} is not allowed: keys and values are wanted here")
        values: dict[str, Any] = {}
        numbers = isinstance(info.key_type, shape.UnionType)  # of whole numbers and text
        for key, child, key_path in self._items(node, path, numbers=numbers):
            pattern = getattr(info.key_type, "pattern", None)
            if pattern and not re.search(pattern, key):
                self.problems.append(
                    Problem(
                        self.file, self.lines[key_path], show_path(key_path), f"allowed are names that match {pattern}"
                    )
                )
                continue
            values[key] = self.value(child, info.value_type, key_path)
        return _BAD if any(value is _BAD for value in values.values()) else values

    def _list(self, node: yaml.Node, info: Any, path: Path_) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            return self.wrong(node, path, f"{shown(node)} is not allowed: a list is wanted here")
        items = [self.value(child, info.item_type, (*path, index)) for index, child in enumerate(node.value)]
        if info.min_length is not None and len(items) < info.min_length:
            return self.wrong(node, path, f"at least {info.min_length} wanted, {len(items)} given")
        if info.max_length is not None and len(items) > info.max_length:
            return self.wrong(node, path, f"at most {info.max_length} allowed, {len(items)} given")
        if any(item is _BAD for item in items):
            return _BAD
        return items if isinstance(info, shape.ListType) else tuple(items)

    def _plain(self, node: yaml.Node, info: Any, path: Path_) -> Any:
        """Check a scalar against text, number, flag or a closed set."""
        if not isinstance(node, yaml.ScalarNode):
            return self.wrong(node, path, f"{shown(node)} is not allowed: {wanted(info)} is wanted here")
        value = self.scalar(node)
        if isinstance(info, shape.UnionType):  # of numbers and text, as they come
            if any(type(value) is PYTHON_TYPES.get(type(one)) for one in info.types):
                return value
            return self.wrong(node, path, f"{node.value or 'empty'} is not a number or text in YAML: put it in quotes")
        if isinstance(info, shape.LiteralType):
            if isinstance(value, bool):
                value = node.value  # a word of the set that is a truth value in YAML 1.1: off
            if value in info.values:
                return value
            return self.wrong(node, path, f"{shown(node)} is not allowed: {wanted(info)}")
        if isinstance(info, shape.StrType) and (not isinstance(value, str) or looks_a_number(node)):
            return self.wrong(node, path, f"{node.value} is not text in YAML: put it in quotes")
        try:
            return msgspec.convert(value, python_type(info))
        except msgspec.ValidationError:
            return self.wrong(node, path, f"{shown(node)} is not allowed: {wanted(info)} is wanted here")

    def scalar(self, node: yaml.ScalarNode) -> Any:
        """Return the Python value of a plain node; what YAML makes a date or binary stays text."""
        if node.tag in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:binary"}:
            return node.value
        try:
            return self.constructor.construct_object(node)
        except (yaml.YAMLError, ValueError):
            return node.value
