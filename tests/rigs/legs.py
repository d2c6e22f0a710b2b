"""The fuzz rig's legs: which engine, which version, how many datagrams. Each is a process of its own, so that memory is its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rigs.fuzz import Findings, Rig
from tslcd_agent.config import Snmp
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TESTS: Final = Path(__file__).parents[1]
#: Shares of the datagrams; the first takes what is left. pysnmp costs ten times as much, and decodes by itself.
_SHARES: Final = (("gufo", "2c", 0.0), ("gufo", "1", 0.08), ("pysnmp", "2c", 0.02), ("pysnmp", "1", 0.005))
#: Less than this tells nothing about memory.
_LEAST: Final = 500
#: Characters of what a leg that died wrote last.
_LAST_WORDS: Final = 2000


@dataclass(frozen=True)
class Leg:
    """One run of the rig."""

    engine: str
    version: str
    packets: int
    seed: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.engine}, version {self.version}"

    def run(self, tell: Callable[[int], None]) -> Findings:
        """Run here."""
        return asyncio.run(self._run(tell))

    async def _run(self, tell: Callable[[int], None]) -> Findings:
        snmp = Snmp(version=self.version, engine=self.engine, community=Secret("public"))  # type: ignore[arg-type]
        rig = Rig(self.seed, snmp)
        try:
            return await rig.run(self.packets, tell)
        finally:
            await rig.close()


def legs(packets: int, seed: int, processes: int) -> list[Leg]:
    """Divide so many datagrams; the largest share among so many processes."""
    small = [Leg(engine, version, max(_LEAST, int(packets * share)), seed) for engine, version, share in _SHARES[1:]]
    engine, version, _ = _SHARES[0]
    rest = max(_LEAST, packets - sum(one.packets for one in small))
    return [*small, *(Leg(engine, version, -(-rest // processes), seed + 1 + number) for number in range(processes))]


def run_all(chosen: Sequence[Leg], processes: int, tell: Callable[[int], None]) -> list[tuple[Leg, Findings]]:
    """Run legs in processes of their own, so many at a time. Raises RuntimeError with the words of one that died."""
    lock = threading.Lock()

    def told(count: int) -> None:
        with lock:
            tell(count)

    with ThreadPoolExecutor(processes) as pool:
        return list(zip(chosen, pool.map(lambda leg: _apart(leg, told), chosen), strict=True))


def _apart(leg: Leg, tell: Callable[[int], None]) -> Findings:
    """Run a leg in a process of its own; it writes how far it is, and its findings at last."""
    # coverage of a decoder under fuzz is nobody's figure, and would be most of the time
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment = {**quiet, "PYTHONPATH": str(TESTS), "RUST_BACKTRACE": "0"}
    command = [sys.executable, "-m", "rigs.legs", json.dumps(asdict(leg))]
    with (
        tempfile.TemporaryFile("w+") as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, text=True, env=environment) as process,
    ):
        found: dict[str, Any] | None = None
        for line in process.stdout or ():
            if line.startswith("{"):
                found = json.loads(line)
            else:
                tell(int(line))
        code = process.wait()
        words.seek(max(0, words.tell() - _LAST_WORDS))
        last = words.read()
    if found is None:
        raise RuntimeError(f"{leg.name}, seed {leg.seed}: died with {code}: {last}")
    for name in ("refused", "by_mutation"):
        found[name] = Counter(found[name])
    return Findings(**found)


def _main() -> None:
    leg = Leg(**json.loads(sys.argv[1]))
    found = leg.run(lambda count: print(count, flush=True))  # noqa: T201 - the protocol
    print(json.dumps(vars(found)), flush=True)  # noqa: T201 - asdict makes another Counter of a Counter's pairs


if __name__ == "__main__":
    _main()
