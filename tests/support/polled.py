"""The polling half of an agent as a program of its own, so that what it costs can be told from what a test costs.

``python -m support.polled ROUNDS PORT...`` polls the devices on these ports of 127.0.0.1 at the same time, and prints one
JSON document: per device and round the seconds, requests, completeness and rows by kind; and the peak of resident memory.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

# the whole agent is in memory where devices are polled
import tslcd_agent.app  # noqa: F401 - for its weight
from tslcd_agent.config import AgentConfig
from tslcd_agent.snmp.device_round import DeviceRounds
from tslcd_agent.snmp.profile.library import Library
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_agent.snmp.session import open_session
from tslcd_runtime.settings import loads

if TYPE_CHECKING:
    from tslcd_agent.config import PolledDevice


def devices(ports: list[str], directory: Path) -> tuple[PolledDevice, ...]:
    """Return the devices as settings make them, with every default."""
    (directory / "community").write_text("public")
    listed = "".join(
        f"  d{port}: {{address: 127.0.0.1, port: {port}, snmp: {{version: 2c, community: {{file: community}}}}}}\n"
        for port in ports
    )
    text = f"agent: {{id: a-1, province: '86'}}\nbrokers: [{{host: 127.0.0.1}}]\ndevices:\n{listed}"
    return loads(text.encode(), AgentConfig, directory=directory).value.polled()


async def poll(device: PolledDevice, library: Library, rounds: int) -> list[dict[str, Any]]:
    """Make the rounds of one device."""
    session = open_session(device)
    made = DeviceRounds(device, session, profile=ProfileReader(library, device.profile))
    heard: list[dict[str, Any]] = []
    for _ in range(rounds):
        outcome = await made.go()
        table = outcome.tables["device"]
        heard.append(
            {
                "seconds": round(outcome.duration, 2),
                "requests": table["poll_requests"][0],
                "complete": outcome.complete,
                "overran": outcome.overran,
                "reason": outcome.reason,
                "profile": table.get("profile", [""])[0],
                "rows": {kind: len(one["key"]) for kind, one in outcome.tables.items()},
            }
        )
    await session.close()
    return heard


async def main(rounds: int, ports: list[str]) -> dict[str, Any]:
    """Poll all devices at the same time."""
    library = Library()
    with tempfile.TemporaryDirectory() as directory:
        polled = devices(ports, Path(directory))
    heard = await asyncio.gather(*(poll(device, library, rounds) for device in polled))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"devices": heard, "resident_bytes": peak}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))) + "\n")
