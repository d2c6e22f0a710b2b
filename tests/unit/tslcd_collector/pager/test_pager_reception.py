"""What the rounds keep in the queue: silence over restarts, and what is due when the clock is set."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from support.paging import CHANNELS, NOON, alert, people, post
from tslcd_collector.pager import casebook, incidents, outbox, upkeep, webhook
from tslcd_collector.pager.dispatch import Dispatch
from tslcd_collector.pager.metrics import Metrics
from tslcd_collector.pager.queue import Queue
from tslcd_collector.pager.reception import LATE, START, Reception, _shift, hear
from tslcd_collector.pager.routing import Routing
from tslcd_runtime.health import Health

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tslcd_collector.pager.settings import PagerSettings

PEOPLE = f"""
dead_man: {{after: 3min}}
people: [{{id: an, name: An, {CHANNELS % 1}, quiet: ['22:00-06:00']}}]
escalation: {{critical: {{steps: [{{to: [an], wait: 5min}}], remind: 1h}}, major: {{steps: [{{to: [an]}}]}}}}
"""


def made(directory: Path, known: PagerSettings) -> Reception:
    """Make a reception on the queue in a folder."""
    queue, metrics, health = Queue(directory), Metrics(), Health()
    dispatch = Dispatch(queue, metrics, health)
    dispatch.use(known, Routing(known), {})
    one = Reception(queue, dispatch, metrics, health)
    one.use(known, Routing(known))
    return one


@pytest.fixture
def known(tmp_path: Path) -> PagerSettings:
    """Read settings with one person."""
    return people(tmp_path, PEOPLE)


@pytest.fixture
async def reception(tmp_path: Path, known: PagerSettings) -> AsyncIterator[Reception]:
    """Run a queue."""
    one = made(tmp_path, known)
    await one.queue.start()
    yield one
    await one.queue.stop()


async def dead(one: Reception) -> bool:
    """Whether the chain was told as dead."""
    return await one.queue.run(casebook.is_dead)


async def test_silence_is_kept_over_a_restart(reception: Reception, tmp_path: Path, known: PagerSettings) -> None:
    """A pager that is started again and again pages all the same; the first moments after a start are spared."""
    reception._silence.seconds = 170.0
    await reception._watch()
    again = made(tmp_path, known)
    again.queue = reception.queue
    await again.restore()
    assert again._silence.seconds == pytest.approx(170.0, abs=5.0)
    again._silence.seconds = 300.0
    await again._watch()
    assert not await dead(again)
    again._silence.begun -= START
    await again._watch()
    assert await dead(again)
    await again.heard(NOON)
    await again.restore()
    assert again._silence.seconds == 0.0
    assert not await dead(again)


@pytest.mark.parametrize(
    ("by", "morning"),
    [(-86400.0, -8 * 3600.0), (86400.0, 40 * 3600.0), (5 * 3600.0, 16 * 3600.0), (12 * 3600.0, 21 * 3600.0)],
)
async def test_the_clock_is_set(reception: Reception, by: float, morning: float) -> None:
    """What is due moves with the clock: nobody is called early or a day late; what waits for 06:00 waits for the next one, if it is night."""
    for severity, now in (("critical", NOON), ("major", NOON + 9 * 3600)):
        found = webhook.read(post(alert(starts=now), group=severity))
        work = partial(casebook.take, routing=reception.routing, severity=severity, webhook=found, now=now)
        await reception.queue.run(work)
    await reception._mind_the_clock(reception._clock + 1.0)
    query = "SELECT due FROM incident WHERE due IS NOT NULL UNION ALL SELECT due FROM notification ORDER BY due"
    before = await reception.queue.run(lambda connection: connection.execute(query).fetchall())
    assert [due for (due,) in before] == [NOON, NOON + 300, NOON + 16 * 3600]
    set_to = NOON + 9 * 3600 + by
    await reception.queue.run(partial(upkeep.shift, routing=reception.routing, by=by, now=set_to))
    after = await reception.queue.run(lambda connection: connection.execute(query).fetchall())
    assert sorted(due for (due,) in after) == sorted([NOON + by, NOON + 300 + by, NOON + morning])


async def test_a_message_that_a_rate_holds_moves_with_the_clock(reception: Reception) -> None:
    """It waits for its fifteen seconds, not for a day and fifteen seconds."""
    for number in range(12):
        found = webhook.read(post(alert(f"c{number}"), group=f"g{number}"))
        take = partial(casebook.take, routing=reception.routing, severity="critical", webhook=found, now=NOON)
        await reception.queue.run(take)
        work = await reception.queue.run(lambda connection: outbox.work(connection, reception.routing, "an", NOON + 1))
        if work is None:
            break
        sent = partial(outbox.told, one=work, tries=[outbox.Try("bot", "accepted")], now=NOON + 1)
        await reception.queue.run(sent)
    assert work is None
    day = 86400.0
    await reception.queue.run(partial(upkeep.shift, routing=reception.routing, by=-day, now=NOON + 2 - day))
    ready = await reception.queue.run(lambda connection: outbox.ready(connection, NOON + 20 - day))
    assert ready == ["an"]


async def test_what_nobody_may_send_is_no_trouble_of_ours(reception: Reception) -> None:
    """A message whose fault is claimed to be over waits for the chain to say so: it must not make the chain fall silent."""
    for ends in (None, NOON + 60):
        found = webhook.read(post(alert(starts=NOON, ends=ends)))
        take = partial(casebook.take, routing=reception.routing, severity="critical", webhook=found, now=NOON + 70)
        await reception.queue.run(take)
        count, oldest = await reception.queue.run(lambda connection: outbox.waiting(connection, NOON + 400))
        assert (count, oldest) == (1, 330.0 if ends is None else 0.0)


@pytest.mark.parametrize("by", [-86400.0, 86400.0])
async def test_an_end_is_believed_as_soon_although_the_clock_was_set_after_it(reception: Reception, by: float) -> None:
    """What was heard before moves too: neither does an end wait for a day, nor is it believed, nor forgotten, at once."""
    await reception.heard(NOON - 7 * 86400)
    settled = -2 * reception.settings.dead_man.settle
    await reception.queue.run(lambda connection: _shift(connection, reception.routing, settled, time.time() + settled))
    for ends in (None, NOON + 60):
        await reception.take("critical", webhook.read(post(alert(starts=NOON, ends=ends))))
    reception._clock -= by
    await reception._mind_the_clock(reception._clock + by)

    def claims(connection: sqlite3.Connection) -> list[float]:
        return [heard for (heard,) in connection.execute("SELECT heard FROM alert WHERE claimed IS NOT NULL")]

    (heard,) = await reception.queue.run(claims)
    assert heard == pytest.approx(time.time() + by, abs=30)
    hearing = partial(
        hear, routing=reception.routing, starts=NOON - 7 * 86400, settle=reception.settings.dead_man.settle
    )
    await reception.queue.run(partial(hearing, now=heard + LATE - 1))
    assert await reception.queue.run(claims)
    await reception.queue.run(partial(hearing, now=heard + LATE))
    assert not await reception.queue.run(claims)
    assert await reception.queue.run(incidents.opened) == []
