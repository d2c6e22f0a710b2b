"""The load: a process of its own that publishes what routers would, so that its CPU is nobody's figure.

``python -m bench.load PORT INTERFACES``, then on standard input one line with the routers (JSON: province, agent, device),
then a line a command: ``FORM ROUNDS PAUSE`` publishes so many readings of every router, one router every ``PAUSE`` seconds,
and answers with a line: the number of samples, once the broker has confirmed every message.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.synthetic import Router

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.synthetic import Message

OURS: Final = "ours"
PER_INTERFACE: Final = "per-interface"
PER_DEVICE: Final = "per-device"
_STREAM: Final = "be4c0000"
_CONFIRMED_WITHIN: Final = 60.0


class Load:
    """Publishes readings over one connection at QoS 1."""

    def __init__(self, client: Client, routers: list[Router]) -> None:
        """Start every agent's sequence numbers."""
        self._client = client
        self._routers = routers
        self._seq = dict.fromkeys((router.agent for router in routers), 0)

    def _messages(self, form: str, router: Router) -> Iterable[Message]:
        router.advance()
        if form == PER_INTERFACE:
            return router.messages_per_interface()
        if form == PER_DEVICE:
            return router.message_per_device()
        self._seq[router.agent] += 1
        return [router.report(seq=self._seq[router.agent], stream=_STREAM, at=time.time())]

    def publish(self, form: str, rounds: int, pause: float) -> int:
        """Publish, wait until everything is confirmed, and return the number of samples. Raises TimeoutError."""
        samples = 0
        sent = []
        due = time.monotonic()
        for _ in range(rounds):
            for router in self._routers:
                sent += [self._client.publish(topic, payload, qos=1) for topic, payload in self._messages(form, router)]
                samples += router.samples
                due += pause
                time.sleep(max(0.0, due - time.monotonic()))
        deadline = time.monotonic() + _CONFIRMED_WITHIN
        for one in sent:
            one.wait_for_publish(max(0.0, deadline - time.monotonic()))
            if not one.is_published():
                raise TimeoutError("the broker did not confirm everything")
        return samples


def main() -> None:
    """Serve commands until standard input ends."""
    port, interfaces = int(sys.argv[1]), int(sys.argv[2])
    routers = [Router(**one, interfaces=interfaces) for one in json.loads(sys.stdin.readline())]
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", port)
    client.loop_start()
    load = Load(client, routers)
    for line in sys.stdin:
        form, rounds, pause = line.split()
        print(load.publish(form, int(rounds), float(pause)), flush=True)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
