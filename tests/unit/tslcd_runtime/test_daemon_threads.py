"""Blocking calls in daemon threads: a result is handed over or discarded, never forgotten."""

from __future__ import annotations

import asyncio
import threading

import pytest

from support.processes import wait_until
from tslcd_runtime.sockets import in_daemon_thread


async def test_result_and_error_come_back() -> None:
    """What the function returns or raises is what the caller gets."""
    kept: list[int] = []
    assert await in_daemon_thread(lambda: 5, kept.append) == 5

    def fail() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        await in_daemon_thread(fail, kept.append)
    assert kept == []


@pytest.mark.parametrize("fails", [False, True])
async def test_what_comes_after_a_cancellation_is_discarded(*, fails: bool) -> None:
    """A result that nobody waits for any more is discarded in the loop; an error then is of no interest."""
    go, discarded = threading.Event(), asyncio.Queue[int]()

    def late() -> int:
        go.wait(10)
        if fails:
            raise LookupError
        return 5

    task = asyncio.create_task(in_daemon_thread(late, discarded.put_nowait))
    await asyncio.sleep(0)
    (thread,) = [one for one in threading.enumerate() if one.name == "tslcd late"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    if fails:
        await asyncio.to_thread(thread.join, 10)
        await asyncio.sleep(0)
        assert discarded.empty()
    else:
        assert await asyncio.wait_for(discarded.get(), 10) == 5


@pytest.mark.parametrize("fails", [False, True])
async def test_result_in_the_same_turn_as_the_cancellation_is_discarded(*, fails: bool) -> None:
    """Cancelled after the result has come and before the caller has seen it, the caller is cancelled and nothing is lost."""
    loop, kept = asyncio.get_running_loop(), list[int]()
    came = asyncio.Event()

    def prompt() -> int:
        # posted before the result is, so both are done in one turn of the loop
        loop.call_soon_threadsafe(came.set)
        if fails:
            raise LookupError
        return 5

    task = asyncio.create_task(in_daemon_thread(prompt, kept.append))

    async def cancel_when_it_came() -> None:
        await came.wait()
        await asyncio.sleep(0)
        task.cancel()

    try:
        await asyncio.gather(task, cancel_when_it_came())
    except (asyncio.CancelledError, LookupError):
        assert kept in ([], [5])
    else:
        assert task.result() == 5


@pytest.mark.parametrize("fails", [False, True])
def test_loop_that_has_ended_gets_nothing(*, fails: bool) -> None:
    """A result that comes when the loop is closed is discarded by the thread itself."""
    go, kept = threading.Event(), list[int]()

    def late() -> int:
        go.wait(10)
        if fails:
            raise LookupError
        return 5

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await in_daemon_thread(late, kept.append)

    asyncio.run(give_up())
    threads = [one for one in threading.enumerate() if one.name == "tslcd late"]
    go.set()
    for thread in threads:
        thread.join(10)
    if threads and not fails:
        wait_until(lambda: kept == [5])
