"""Programs that write numbered reports to a disk and say so: what the rigs kill, cut off, and record.

``python -m rigs.writer`` is a mother of writers: a writer that is forked from it costs a hundredth of a new Python, which is
what lets a rig end thousands of them. It reads one JSON document a line, and answers each with one:

    {"task": {...}}    fork a writer, which waits → {"pid": 123}
    {"go": 123}        let it begin → {}
    {"wait": 123}      wait for its end → {"status": -9}, as subprocess tells it

With an argument, ``python -m rigs.writer TASK``, it is that one writer itself, and speaks to standard output.
"""

from __future__ import annotations

import json
import os
import random
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rigs.account import number_of
from rigs.keepers import SpoolKeeper, be_silent, mistaken, open_keeper
from tslcd_agent.spool.engine import RETRY_PAUSE
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rigs.keepers import Keeper

#: Bytes of the spool of a script: small, so that its journal is merged, and reports are dropped, within few steps.
SMALL: Final = 40 * 4096
#: Rounds after which a disk that works again must be in use.
_PATIENCE: Final = 100


@dataclass(frozen=True)
class Task:
    """What a writer does: where, from which number on, to which end, and with which mistake.

    ``side``: agent, collector. ``steps``: how many, 0 for no end. ``seed``: of the sizes of its steps. ``lines``: file for what
    it says, empty for standard output. ``small``: bound the spool, so that it drops. ``troubled``: the disk answers with errors for a while; tell of reports that
    cannot be sent a round later (``late NUMBER``), and go on at the end until the disk works.
    """

    side: str
    directory: str
    first: int
    steps: int = 0
    seed: int = 1
    lines: str = ""
    mutant: str = ""
    small: bool = False
    troubled: bool = False

    def run(self) -> None:
        """Write, and come to the end of the steps or of the process."""
        descriptor = os.open(self.lines, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if self.lines else 1
        with mistaken(self.mutant):
            directory = Path(self.directory)
            keeper = SpoolKeeper(directory, SMALL) if self.small else open_keeper(self.side, directory)
            _Writer(keeper, descriptor, self).run()


class _Writer:
    def __init__(self, keeper: Keeper, descriptor: int, task: Task) -> None:
        self._keeper = keeper
        self._descriptor = descriptor
        self._task = task
        self._dice = random.Random(task.seed)  # noqa: S311 - repeatable on purpose
        self._next = task.first

    def run(self) -> None:
        """Do the steps: put one to eight reports down, and now and then let old ones go."""
        step = 0
        while not self._task.steps or step < self._task.steps:
            step += 1
            count = self._dice.choice((1, 1, 2, 3, 8))
            self._put(range(self._next, self._next + count))
            self._next += count
            if step % 4 == 0:
                self._release(self._dice.randint(1, 8 if self._task.small else 24))
            if step % 5 == 0 and isinstance(self._keeper, SpoolKeeper):
                self._keeper.engine.mark_alive()
        if self._task.troubled and isinstance(self._keeper, SpoolKeeper):
            self._wait_for_the_disk(self._keeper)
        self._keeper.close()

    def _wait_for_the_disk(self, keeper: SpoolKeeper) -> None:
        """Go on until the spool has its disk again. Raises RuntimeError when it never says so."""
        for _ in range(_PATIENCE):
            keeper.clock.seconds += 2 * RETRY_PAUSE
            self._put(range(self._next, self._next + 1))
            self._next += 1
            if not keeper.engine.statistics().failing:
                return
        raise RuntimeError("the disk works, and the spool does not say so")

    def _say(self, lines: Sequence[str]) -> None:
        """Say it so that no end of the process takes it back: written bytes are the reader's."""
        os.write(self._descriptor, "".join(f"{line}\n" for line in lines).encode())

    def _put(self, numbers: range) -> None:
        before = [f"~ {numbers[0]} {numbers[-1]}"]
        if self._task.mutant == "ack before sync":
            before += [f"+ {number} 0" for number in numbers]
        self._say(before)
        keys = self._keeper.put(numbers)
        if self._task.mutant != "ack before sync":
            self._say([f"+ {number} {key}" for number, key in zip(numbers, keys, strict=True)])

        if self._task.troubled and isinstance(self._keeper, SpoolKeeper):
            newest = self._keeper.engine.newest_first(1, RangeSet())
            if not newest or number_of(newest[0].payload) < numbers[-1] - 1:
                self._say([f"late {numbers[-1]}"])

    def _release(self, count: int) -> None:
        found = self._keeper.found(count)
        numbers = [kept.number for kept in found]
        if self._task.mutant != "delete before ack":
            self._say([f"- {number}" for number in numbers])
        released = self._keeper.release(found)
        if self._task.mutant != "delete before ack" and released == len(found):
            self._say([f"= {number}" for number in numbers])


def _fork(task: Task) -> tuple[int, int]:
    """Fork a writer; return its process id and the end of the pipe that lets it begin."""
    gate, key = os.pipe()
    pid = os.fork()
    if pid:
        os.close(gate)
        return pid, key
    status = 1
    try:
        os.close(key)
        os.read(gate, 1)
        task.run()
        status = 0
    finally:
        os._exit(status)


def _serve() -> None:
    keys: dict[int, int] = {}
    for line in sys.stdin:
        document = json.loads(line)
        answer: dict[str, int] = {}
        if "task" in document:
            pid, keys[pid] = _fork(Task(**document["task"]))
            answer = {"pid": pid}
        elif "go" in document:
            key = keys.pop(document["go"])
            with suppress(BrokenPipeError):  # killed before it began
                os.write(key, b"!")
            os.close(key)
        else:
            answer = {"status": os.waitstatus_to_exitcode(os.waitpid(document["wait"], 0)[1])}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the protocol


def _main() -> None:
    be_silent()
    if sys.argv[1:]:
        Task(**json.loads(sys.argv[1])).run()
    else:
        _serve()


def command(task: Task) -> list[str]:
    """Return the command of one writer by itself."""
    return [sys.executable, "-m", "rigs.writer", json.dumps(asdict(task))]


if __name__ == "__main__":
    _main()
