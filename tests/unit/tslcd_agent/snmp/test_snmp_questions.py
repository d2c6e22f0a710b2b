"""Questions to one device: halves, sizes that are remembered, objects that poison an answer, steps of a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.scripted_session import ScriptedSession, router
from tslcd_agent.errors import BrokenError, RefusedError, SilentError
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.questions import OBJECTS_PER_GET, Questions
from tslcd_agent.snmp.session import REPETITIONS
from tslcd_agent.snmp.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.snmp.session import Value


class Picky(ScriptedSession):
    """A device that is silent when too much is asked at once, and cannot answer some objects at all."""

    def __init__(self, objects: dict[str, Value]) -> None:
        """Take everything."""
        super().__init__(objects)
        self.silent_above = 1000
        self.rows_at_most = self.rows_too_big = 1000
        self.poison: set[str] = set()
        self.dead = False
        self.repetitions: list[int] = []

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Answer one GET, or not."""
        answer = await super().get(oids)
        if self.dead or len(oids) > self.silent_above:
            raise SilentError("no SNMP answer")
        return {} if self.poison & set(oids) else answer

    async def walk(self, column: str, limit: int, *, repetitions: int = REPETITIONS) -> dict[str, Value]:
        """Answer one walk, or not."""
        self.repetitions.append(repetitions)
        if repetitions > self.rows_too_big:
            return {}
        if self.dead or repetitions > self.rows_at_most:
            raise SilentError("no SNMP answer")
        return await super().walk(column, limit, repetitions=repetitions)


def device(rows: int = 30) -> Picky:
    """Make a device with so many interfaces."""
    return Picky(router(rows).objects)


def names(rows: int = 30) -> list[str]:
    """Return the names of so many interfaces."""
    return [f"{mib.IF_NAME}.{index}" for index in range(1, rows + 1)]


async def test_answers_too_large_for_the_device_are_asked_for_in_halves_and_remembered() -> None:
    """TooBig is said; the next round asks for no more than what fits."""
    one = device()
    one.most = 9
    questions = Questions(one)
    assert set(await questions.get(names())) >= set(names())
    assert questions.per_get.size <= 8
    one.asked.clear()
    questions.begin()
    await questions.get(names())
    assert max(map(len, one.asked)) <= 9


async def test_silence_after_a_large_question_is_a_matter_of_size_when_a_small_one_is_answered() -> None:
    """Some devices, and some firewalls that drop fragments, just do not answer."""
    one = device()
    one.silent_above = 12
    questions = Questions(one)
    await questions.get([mib.IF_NUMBER])
    assert set(await questions.get(names())) >= set(names())
    assert questions.per_get.size < OBJECTS_PER_GET


async def test_silence_of_a_device_that_is_gone_says_nothing_about_sizes() -> None:
    """Neither in the middle of a round nor at its beginning."""
    one = device()
    questions = Questions(one)
    await questions.get([mib.IF_NUMBER])
    one.dead = True
    for question in (questions.get(names()), questions.walk(mib.IF_NAME, 100)):
        with pytest.raises(SilentError):
            await question
    questions.begin()
    asked = len(one.asked)
    with pytest.raises(SilentError):
        await questions.get(names())
    assert len(one.asked) == asked + 1
    assert (questions.per_get.size, questions.per_walk.size) == (OBJECTS_PER_GET, REPETITIONS)


async def test_rows_of_a_walk_are_halved_too_and_raised_again_with_care() -> None:
    """What the device takes is asked for in the next round; more only after many good rounds."""
    one = device()
    one.rows_at_most = 7
    questions = Questions(one)
    await questions.get([mib.IF_NUMBER])
    assert len(await questions.walk(mib.IF_NAME, 100)) == 30
    assert one.repetitions == [25, 12, 6]
    for _ in range(3):
        questions.begin()
        await questions.walk(mib.IF_NAME, 100)
        questions.end()
    assert one.repetitions == [25, 12, 6, 6, 6, 6]
    one.rows_at_most = 1000
    for _ in range(400):
        questions.begin()
        await questions.walk(mib.IF_NAME, 100)
        questions.end()
    assert one.repetitions[-1] == REPETITIONS


async def test_a_walk_that_is_too_big_is_not_taken_for_an_absent_column() -> None:
    """Both come as nothing; the column that is absent is found out with one small question."""
    one = device()
    one.rows_too_big = 10
    questions = Questions(one)
    assert len(await questions.walk(mib.IF_NAME, 100)) == 30
    assert questions.per_walk.size <= 10
    one.rows_too_big = 1000
    one.repetitions.clear()
    assert await questions.walk("1.3.6.1.4.1.99999.1", 100) == {}
    assert one.repetitions == [questions.per_walk.size, 1]


async def test_an_object_that_the_device_cannot_answer_costs_only_itself() -> None:
    """It is found once, not asked for again, and makes no question smaller; after a restart it is tried again."""
    one = device()
    one.poison = {names()[17]}
    questions = Questions(one)
    await questions.get([mib.IF_NUMBER])
    heard = await questions.get(names())
    assert set(names()) - set(heard) == one.poison
    one.asked.clear()
    await questions.get(names())
    assert len(one.asked) == 1
    assert questions.per_get.size == OBJECTS_PER_GET
    one.poison = set()
    questions.forget()
    assert set(names()) <= set(await questions.get(names()))


async def test_errors_other_than_silence_are_not_tried_in_halves() -> None:
    """A refusal is a refusal; something without sysUpTime is no SNMP agent."""
    one = router(3)
    one.failure, one.fail_after = RefusedError("port", "closed"), 0
    with pytest.raises(RefusedError):
        await Questions(one).get(names(3))
    assert len(one.asked) == 1
    with pytest.raises(BrokenError, match="answers without sysUpTime"):
        await Questions(ScriptedSession({})).get(names(2))


async def test_a_restart_in_the_middle_of_a_round_is_noticed() -> None:
    """By the answer that shows it."""
    one = device()
    now = 0.0
    questions = Questions(one, clock=lambda: now)
    await questions.ask(names(2))
    one.objects[mib.SYS_UP_TIME] = 300
    now = 5.0
    await questions.ask(names(2))
    assert questions.up_time.restarts == 1


async def test_a_trace_tells_what_each_step_cost_and_why_it_ended() -> None:
    """Seconds, requests, rows; and the error of the last one."""
    one = device()
    now = 0.0
    questions = Questions(one, clock=lambda: now)
    questions.trace = Trace()
    with questions.step("names") as step:
        step.rows = len(await questions.get(names()))
        now = 0.25
    one.dead = True
    with pytest.raises(SilentError), questions.step("counters"):
        await questions.ask(names(2))
    first, second = questions.trace.steps
    assert (first.name, first.seconds, first.requests, first.rows, first.error) == ("names", 0.25, 1, 31, "")
    assert (second.name, second.error) == ("counters", "no SNMP answer")
