"""How questions are asked whatever the engine: absent objects of version 1, lost datagrams, strangers' cells, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tslcd_agent.config import Auth, Interfaces, PolledDevice, Snmp
from tslcd_agent.errors import RefusedError
from tslcd_agent.snmp import knock
from tslcd_agent.snmp.asking import Answer, Link, LinkSession, ReportedError
from tslcd_agent.snmp.knock import Knock
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.snmp.session import Traffic, Value

V1 = Snmp(version="1", community=Secret("public"))
V3 = Snmp(version="3", user="tslcd", auth=Auth(password=Secret("hidden-word")))
OIDS = [f"1.3.6.1.2.1.1.{number}.0" for number in range(1, 17)]


class ScriptedLink(Link):
    """A device in version 1; ``tells``: whether the place of an absent object is told. ``trouble`` is raised, once each."""

    def __init__(self, objects: dict[str, Value], *, tells: bool = True, most: int = 1000) -> None:
        """Answer from ``objects``, at most ``most`` in one answer."""
        self.objects = objects
        self.tells = tells
        self.most = most
        self.trouble: list[Exception | None] = []
        self.asked: list[list[str]] = []
        self.pages: list[list[tuple[str, Value]]] = []
        self.opened = 0
        self.closed = 0

    def _fail(self) -> None:
        if self.trouble and (error := self.trouble.pop(0)) is not None:
            raise error

    async def open(self) -> None:
        """Count."""
        self.opened += 1

    async def refresh(self) -> None:
        """Nothing."""

    async def get(self, oids: Sequence[str]) -> Answer:
        """Answer as version 1 does: all, or nothing."""
        self.asked.append(list(oids))
        self._fail()
        absent = [place for place, oid in enumerate(oids, 1) if oid not in self.objects]
        if len(oids) > self.most:
            return Answer({})
        if absent:
            return Answer({}, absent[0] if self.tells else 0)
        return Answer({oid: self.objects[oid] for oid in oids} | {"1.3.9": 1})

    def cursor(self, column: str, repetitions: int) -> list[Any]:
        """Start."""
        return [column, repetitions]

    async def page(self, cursor: Any) -> Sequence[tuple[str, Value]]:
        """Give the next page."""
        assert cursor == ["1.3.6.1.2.1.2.2.1.2", 25]
        self._fail()
        return self.pages.pop(0) if self.pages else []

    def close(self) -> None:
        """Count."""
        self.closed += 1


def session(link: Link, snmp: Snmp = V1, *, retries: int = 1) -> LinkSession:
    """Make a session whose links are all that one."""
    device = PolledDevice(
        id="rt",
        address="127.0.0.1",
        port=9,
        snmp=snmp,
        interfaces=Interfaces(),
        interval=30,
        timeout=0.1,
        retries=retries,
        budget=5,
    )

    def connect(asked: PolledDevice, traffic: Traffic) -> Link:
        assert asked == device
        assert traffic is made.traffic
        return link

    made = LinkSession(device, connect)
    return made


def without(*numbers: int) -> dict[str, Value]:
    """Return objects of which some are absent."""
    return {oid: number for number, oid in enumerate(OIDS) if number not in numbers}


@pytest.mark.parametrize("absent", [(), (3,), (0, 15), (4, 5, 6), tuple(range(16))], ids=str)
@pytest.mark.parametrize("tells", [True, False], ids=["told", "not told"])
async def test_absent_objects_of_version_1_lose_nothing_else(absent: tuple[int, ...], tells: bool) -> None:
    """One question more for each where the device tells which; in halves where it does not."""
    link = ScriptedLink(without(*absent), tells=tells)
    assert await session(link).get(OIDS) == without(*absent)
    assert len(link.asked) <= (1 + len(absent) if tells else 1 + 2 * 4 * max(1, len(absent)))


async def test_an_answer_that_would_be_too_big_is_asked_for_in_halves() -> None:
    """The tooBig of version 1, whose place means nothing."""
    link = ScriptedLink(without(), most=5)
    assert await session(link).get(OIDS) == without()
    assert [len(oids) for oids in link.asked] == [16, 8, 4, 4, 8, 4, 4]


async def test_a_place_that_there_is_not_is_not_believed() -> None:
    """An error-index beyond the question is as good as none."""

    class Liar(ScriptedLink):
        async def get(self, oids: Sequence[str]) -> Answer:
            """Lie."""
            answer = await super().get(oids)
            return answer if answer.cells else Answer({}, 77)

    assert await session(Liar(without(2))).get(OIDS) == without(2)


async def test_a_datagram_lost_in_a_long_table_costs_one_question() -> None:
    """The walk goes on where it was."""
    link = ScriptedLink({})
    column = "1.3.6.1.2.1.2.2.1.2"
    link.pages = [[(f"{column}.{page * 10 + row}", row) for row in range(10)] for page in range(5)]
    link.trouble = [None, None, TimeoutError(), None, TimeoutError()]
    one = session(link)
    assert len(await one.walk(column, 1000)) == 50
    assert one.traffic.retries == 2
    assert link.pages == []


@pytest.mark.parametrize(
    "stranger", ["1.3.6.1.2.1.2.2.1.3.1", "1.3.6.1.2.1.2.2.1.22.1", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.2.1"]
)
async def test_what_is_no_new_row_of_the_column_ends_a_walk(stranger: str) -> None:
    """Another column, the column itself, or a row again."""
    link = ScriptedLink({})
    column = "1.3.6.1.2.1.2.2.1.2"
    link.pages = [[(f"{column}.1", b"lan"), (stranger, b"x"), (f"{column}.3", b"never")], [(f"{column}.4", b"never")]]
    assert await session(link).walk(column, 1000) == {"1": b"lan"}


async def test_an_engine_that_reports_after_answers_is_asked_anew() -> None:
    """Once proven right, credentials are not wrong of a sudden: the engine restarted."""
    link = ScriptedLink(without())
    one = session(link, V3)
    await one.get(OIDS)
    link.trouble = [ReportedError("unsaid")]
    assert await one.get(OIDS[:1]) == {OIDS[0]: 0}
    assert (link.opened, link.closed) == (2, 1)
    await one.close()
    assert link.closed == 2


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ("user", "user"),
        ("digest", "user"),
        ("level", "user"),
        ("access", "user"),
        ("unsaid", "user"),
        ("privacy", "privacy"),
        ("context", "context"),
    ],
)
async def test_reports_to_a_new_session_are_refusals(report: Any, reason: str) -> None:
    """Told at once, without asking again, and with the reason that the device gives."""
    link = ScriptedLink(without())
    link.trouble = [ReportedError(report)]
    with pytest.raises(RefusedError) as caught:
        await session(link, V3).get(OIDS)
    assert caught.value.reason == reason
    assert len(link.asked) == 1


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError()], ids=["by the socket", "by the knock"])
async def test_a_closed_port_is_told_however_the_system_tells_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some engines hear of it, and for the others there is one more datagram."""

    async def closed(*_: object) -> Knock:
        return Knock(closed=True)

    monkeypatch.setattr(knock, "knock", closed)
    link = ScriptedLink(without())
    link.trouble = [error]
    with pytest.raises(RefusedError, match=r"port 9 of 127\.0\.0\.1 is closed"):
        await session(link, retries=0).get(OIDS)
