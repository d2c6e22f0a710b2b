"""The peer of ``intake`` and ``scrape``: mqtt2prometheus as Debian packages it.

It knows a flat JSON object a topic, with one series a configured field; labels are what the topic gives. Two ways to carry an
interface table, both measured, and the cheaper one counts: a message an interface with a field a column, or a message a
device with a field a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from support.processes import Program, find_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PACKAGE: Final = "prometheus-mqtt-exporter"


def configuration(
    broker: int, topic: str, device_regex: str, fields: Iterable[tuple[str, str, str]], client: str
) -> str:
    """Return the text of its configuration. ``fields``: name in the message, name of the family, counter or gauge."""
    document: dict[str, Any] = {
        "mqtt": {
            "server": f"tcp://127.0.0.1:{broker}",
            "topic_path": topic,
            "device_id_regex": device_regex,
            "qos": 1,
            "client_id": f"bench-{client}",
        },
        "cache": {"timeout": "5m"},
        "metrics": [
            {"prom_name": family, "mqtt_name": name, "help": family, "type": kind} for name, family, kind in fields
        ],
    }
    return yaml.safe_dump(document)


class Mqtt2Prometheus:
    """The exporter on a port of loopback."""

    def __init__(self, folder: Path, text: str, *, port: int, name: str, prefix: Sequence[str] = ()) -> None:
        """Write its configuration; nothing runs yet."""
        self.port = port
        file = folder / f"{name}.yaml"
        file.write_text(text)
        self.program = Program(
            [
                *prefix,
                find_program(PACKAGE),
                "-config",
                str(file),
                "-listen-address",
                "127.0.0.1",
                "-listen-port",
                str(port),
                "-log-level",
                "error",
            ],
            folder / f"{name}.log",
        )
