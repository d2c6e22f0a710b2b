"""The fuzz rig: a real session asks a device of ours, which answers wrongly before it answers rightly.

One loop is both ends. It takes each question off the device's socket, sends what a mutation made of the answer, lets the
session read it, and goes on with the next mutation while the question is still open; the honest answer comes last. So
every datagram meets a session that waits for one, and no time passes in waiting.

What must hold: a question ends with an answer or an SnmpError; the judge (:mod:`rigs.oracle`) finds nothing wrong with what
was accepted; an honest answer that a question lived to see is taken; memory stands still after the warm-up.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench.meter import resident_bytes
from rigs.mutations import MUTATIONS, OTHER_ADDRESS, OTHER_PORT, SELF, Datagram, Exchange
from rigs.oracle import Sent, wrong
from support import snmp_message as message
from support import snmp_responder as responder
from tslcd_agent.config import Interfaces, PolledDevice, Snmp
from tslcd_agent.errors import SnmpError
from tslcd_agent.snmp.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tslcd_agent.snmp.session import SnmpSession, Value

ROWS: Final = 40
_COLUMNS: Final = tuple(
    f"{entry}.{column}"
    for entry, columns in ((responder.IF_ENTRY, (2, 8, 10, 14)), (responder.IF_X_ENTRY, (1, 6, 15, 18)))
    for column in columns
)
#: A question that is still open after so many rounds of the loop without anything to read, and this long, has lost its answer.
_PATIENCE: Final = 2.0
#: Datagrams sent in one question, at most.
_BURST: Final = 12
_WARM_UP: Final = 0.25
#: Bytes of resident memory that a run may gain after its warm-up.
MAX_GROWTH: Final = 5 * 2**20
_KEEP_FAILURES: Final = 20


@dataclass
class Findings:
    """What a run found. ``failures`` are the first few, in words that repeat them."""

    packets: int = 0
    questions: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unhandled: int = 0
    wrong: int = 0
    lost: int = 0
    growth: int = 0
    seconds: float = 0.0
    by_mutation: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.unhandled or self.wrong or self.lost or self.growth > MAX_GROWTH)


class FuzzedDevice:
    """Three sockets: the device's own, another port, another address."""

    def __init__(self) -> None:
        """Bind."""
        self.own = _bound("127.0.0.1", 0)
        self.port: int = self.own.getsockname()[1]
        self._others = {OTHER_PORT: _bound("127.0.0.1", 0), OTHER_ADDRESS: _bound("127.0.0.2", self.port)}

    def send(self, datagram: Datagram, target: tuple[str, int]) -> None:
        """Send it as whoever sends it."""
        sender = self.own if datagram.sender == SELF else self._others[datagram.sender]
        sender.sendto(datagram.data, target)

    def close(self) -> None:
        """Give the sockets back."""
        for one in (self.own, *self._others.values()):
            one.close()


def _bound(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(0)
    made.bind((address, port))
    return made


def settings(port: int, snmp: Snmp) -> PolledDevice:
    """Return the settings of a device that is asked once and waited for as long as it takes."""
    return PolledDevice(
        id="fuzzed",
        address="127.0.0.1",
        port=port,
        snmp=snmp,
        interfaces=Interfaces(),
        interval=30,
        timeout=10,
        retries=0,
        budget=30,
    )


class Rig:
    """One session against one device, question after question."""

    def __init__(
        self, seed: int, snmp: Snmp, *, make: Callable[[PolledDevice], SnmpSession] = open_session, patience: int = 4
    ) -> None:
        """``patience``: rounds of the loop that an engine needs to read a datagram. ``make``: a session, ours or a mutant."""
        self.findings = Findings()
        self._draw = random.Random(seed)  # noqa: S311 - repeatable on purpose
        router = responder.router(7, ROWS)
        # counters of 64 bits came with version 2 (RFC 2578 section 7.1.10)
        known = {name: one for name, one in router.values.items() if snmp.version != "1" or one[0] != message.COUNTER64}
        self._table = responder.Table(known)
        self._plain = self._table.plain(list(self._table.values))
        self._names = list(self._table.values)
        self._device = FuzzedDevice()
        self._session = make(settings(self._device.port, snmp))
        self._earlier: deque[Exchange] = deque(maxlen=8)
        self._rounds = patience

    async def run(self, packets: int, tell: Callable[[int], None] = lambda _: None) -> Findings:
        """Send so many datagrams."""
        found, began = self.findings, time.monotonic()
        base = told = 0
        while found.packets < packets:
            await self._question()
            if not base and found.packets >= packets * _WARM_UP:
                base = resident_bytes(os.getpid())
            if found.packets - told >= 1000:
                tell(found.packets - told)
                told = found.packets
        found.growth = resident_bytes(os.getpid()) - base
        found.seconds = time.monotonic() - began
        return found

    async def close(self) -> None:
        """Give the sockets back."""
        await self._session.close()
        self._device.close()

    async def _question(self) -> None:
        """Ask once, and judge what came of it."""
        draw = self._draw
        walked = draw.choice(_COLUMNS) if draw.random() < 0.3 else None
        asked = [] if walked else draw.sample(self._names, draw.choice((1, 2, 3, 8, 24)))
        if asked and draw.random() < 0.3:
            asked.insert(draw.randrange(len(asked)), f"1.3.6.1.2.1.2.2.1.10.{ROWS + 1 + draw.randrange(9)}")
        task = asyncio.ensure_future(self._session.walk(walked, 500) if walked else self._session.get(asked))
        sent = Sent()
        honest = await self._serve(task, sent)
        self.findings.questions += 1
        if sent.questions:
            self._earlier.append(Exchange(sent.questions[-1], responder.pairs(self._table, sent.questions[-1])))
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
            self._failed("lost", f"an honest answer was not taken; {_story(sent)}")
            return
        if task.cancelled():
            return
        self._judge(task, walked, asked, sent, honest=honest)

    async def _serve(self, task: asyncio.Future[dict[str, Value]], sent: Sent) -> bool:
        """Answer until the question is over; return whether every answer that was sent was honest."""
        script: Iterator[Datagram] = iter(())
        target = ("127.0.0.1", 0)
        quiet, honest, since = 0, True, 0.0
        while not task.done():
            try:
                data, target = self._device.own.recvfrom(65535)
            except BlockingIOError:
                data = b""
            if data:
                try:
                    question = message.decode(data)
                except message.MalformedError as error:
                    self._failed("unhandled", f"asked what is no question ({error}): {data.hex()}; {_story(sent)}")
                    task.cancel()
                    await asyncio.wait([task])
                    break
                sent.questions.append(question)
                exchange = Exchange(question, responder.pairs(self._table, question), tuple(self._earlier))
                wrongs = self._draw.choice((0, 1, 1, 2, 4, _BURST))
                script = self._script(exchange, wrongs)
                honest = honest and not wrongs
                quiet = 0
            elif quiet >= self._rounds and (datagram := next(script, None)):
                sent.datagrams.append(datagram)
                self._device.send(datagram, target)
                self.findings.packets += 1
                quiet, since = 0, time.monotonic()
            elif quiet > 1000 and time.monotonic() - since > _PATIENCE:
                return honest
            quiet += 1
            await asyncio.sleep(0)
        return honest

    def _script(self, exchange: Exchange, wrongs: int) -> Iterator[Datagram]:
        """Give what is sent for one PDU: wrong answers, each made when it is sent, and the right one at last."""
        for _ in range(wrongs):
            mutation = self._draw.choice(MUTATIONS)
            self.findings.by_mutation[mutation.__name__] += 1
            yield from mutation(self._draw, exchange)
        yield Datagram(exchange.answer)

    def _judge(
        self,
        task: asyncio.Future[dict[str, Value]],
        walked: str | None,
        asked: Sequence[str],
        sent: Sent,
        *,
        honest: bool,
    ) -> None:
        found = self.findings
        error = task.exception()
        if error is not None:
            found.refused[getattr(error, "code", type(error).__name__)] += 1
            if not isinstance(error, SnmpError):
                self._failed("unhandled", f"{error!r}; {_story(sent)}")
            elif honest:
                self._failed("lost", f"{error!r} after honest answers; {_story(sent)}")
            return
        answer = task.result()
        found.accepted += 1
        if walked:
            answer = {f"{walked}.{index}": value for index, value in answer.items()}
        mistakes = wrong(answer, None if walked else asked, sent, self._plain)
        if honest and not mistakes:
            expected = self._table.column(walked) if walked else self._table.plain(list(asked))
            if len(answer) != len(expected):
                mistakes = [f"{len(answer)} values of {len(expected)} after honest answers"]
        if mistakes:
            self._failed("wrong", f"{'; '.join(mistakes[:3])}; {_story(sent)}")

    def _failed(self, kind: str, words: str) -> None:
        found = self.findings
        setattr(found, kind, getattr(found, kind) + 1)
        if len(found.failures) < _KEEP_FAILURES:
            found.failures.append(f"{kind}: {words}")


def _story(sent: Sent) -> str:
    """Write what was asked last and what was sent last, so that it can be tried again."""
    asked = sent.questions[-1].names[:3] if sent.questions else []
    last = [f"{one.sender} {one.data[:400].hex()}" for one in sent.datagrams[-3:]]
    return f"asked {asked}, last datagrams {last}"
