"""What a writer did to its disk, in order: recorded by strace, as events of a model.

Only what a file system keeps is recorded. The ``-shm`` file is an index that SQLite makes anew after a crash, and the lock has no
content that matters. A system call that the model does not know is an error, so that no event is overlooked.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from rigs.kill import MEMORY
from rigs.writer import Task

if TYPE_CHECKING:
    from rigs.mother import Mother

#: Everything that changes a file, a directory, or what of them is durable.
_CALLS: Final = (
    "openat,write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync,sync,syncfs,sync_file_range,ftruncate,truncate,fallocate,"
    "unlink,unlinkat,rename,renameat,renameat2,link,linkat,mkdir"
)
_LINE: Final = re.compile(r"\d+ +([a-z0-9_]+)\((.*)\) = (-?\d+)")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_PATH: Final = re.compile(r"<((?:\\x[0-9a-f]{2})*)>")
_IGNORED: Final = ("-shm", "lock")
_FILES: Final = frozenset({"write", "pwrite64", "fdatasync", "fsync", "ftruncate"})


@dataclass(frozen=True, slots=True)
class Event:
    """One step. ``say``: a line of the account; ``sync-directory``: of the one directory that there is."""

    kind: Literal["write", "cut", "sync", "sync-directory", "create", "unlink", "say"]
    name: str = ""
    at: int = 0
    data: bytes = b""


def record(mother: Mother, seed: int, steps: int, mutant: str = "") -> list[Event]:
    """Let a writer do a script, and return what it did. Raises ValueError for what the model does not know."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        place = Path(name)
        directory, lines = place / "spool", place / "lines"
        task = Task("agent", str(directory), 1, steps, seed, str(lines), mutant, small=True)
        trace = place / "trace"
        status = mother.traced(task, ["-xx", "-y", "-s", "1048576", "-e", f"trace={_CALLS}"], trace)
        if status:
            raise RuntimeError(f"the script ended with {status}")
        reader = _Reader(directory, lines)
        return [event for line in trace.read_text().splitlines() if (event := reader.event(line))]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


class _Reader:
    """Turns strace's lines into events."""

    def __init__(self, directory: Path, lines: Path) -> None:
        self._directory = directory
        self._lines = lines
        self._known: set[str] = set()

    def event(self, line: str) -> Event | None:
        found = _LINE.match(line)
        if not found or found[3].startswith("-"):
            return None
        call, arguments = found[1], found[2]
        texts = [_bytes(text) for text in _TEXT.findall(arguments)]
        if call in _FILES:
            return self._of_file(call, arguments, texts)
        path = Path(texts[0].decode()) if texts else Path()
        if path.parent != self._directory or path.name.endswith(_IGNORED):
            return None
        match call:
            case "openat" if "O_CREAT" not in arguments or path.name in self._known:
                return None
            case "openat":
                self._known.add(path.name)
                return Event("create", path.name)
            case "unlink":
                self._known.discard(path.name)
                return Event("unlink", path.name)
        raise ValueError(f"the model does not know {call}")

    def _of_file(self, call: str, arguments: str, texts: list[bytes]) -> Event | None:
        found = _PATH.search(arguments)
        path = Path(_bytes(found[1]).decode()) if found else Path()
        if path == self._lines and call == "write":
            return Event("say", data=texts[0])
        if path == self._directory:
            return Event("sync-directory")
        if path.parent != self._directory or path.name.endswith(_IGNORED):
            return None
        last = int(arguments.rsplit(", ", 1)[-1]) if call in {"pwrite64", "ftruncate"} else 0
        match call:
            case "pwrite64":
                return Event("write", path.name, last, texts[0])
            case "ftruncate":
                return Event("cut", path.name, last)
            case "fdatasync" | "fsync":
                return Event("sync", path.name)
        raise ValueError(f"the model does not know {call} of {path.name}")
