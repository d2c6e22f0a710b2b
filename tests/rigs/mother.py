"""The rigs' side of ``rigs.writer``: writers that begin when told, under strace or not, and whose end is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from support.processes import find_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rigs.writer import Task

TESTS: Final = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    """Return what the rigs' own processes get: our tests, and no coverage, which would be most of their time."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
        "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


class Mother:
    """A process that forks writers; a context manager."""

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rigs.writer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._process.communicate()

    def _ask(self, **document: Any) -> dict[str, int]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("not started")
        self._process.stdin.write(json.dumps(document) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the mother of writers died: {self._process.wait()}")
        answer: dict[str, int] = json.loads(line)
        return answer

    def fork(self, task: Task) -> int:
        """Fork a writer that waits; return its process id, which is its own until :meth:`wait`."""
        return self._ask(task=asdict(task))["pid"]

    def go(self, pid: int) -> None:
        """Let it begin."""
        self._ask(go=pid)

    def wait(self, pid: int) -> int:
        """Wait for its end; return its exit code, or the negative number of the signal."""
        return self._ask(wait=pid)["status"]

    def kill(self, pid: int) -> int:
        """Kill it and wait for its end."""
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def traced(self, task: Task, options: Sequence[str], output: Path) -> int:
        """Run a writer under strace with these options; return how it ended. Raises RuntimeError when strace cannot."""
        pid = self.fork(task)
        strace = subprocess.Popen(
            [find_program("strace"), "-f", "-p", str(pid), "-o", str(output), *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        words = strace.stderr.readline() if strace.stderr else ""
        if "attached" not in words:
            self.kill(pid)
            strace.communicate()
            raise RuntimeError(f"strace: {words.strip()}")
        self.go(pid)
        status = self.wait(pid)
        strace.communicate()
        return status
