"""What SIGHUP and SIGTERM do to a loop that reads settings again."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tslcd_runtime.signals import Signals


async def test_a_hangup_while_settings_are_read_has_them_read_once_more() -> None:
    """It is not lost; several of them are one."""
    rounds: list[int] = []
    read = asyncio.Event()

    async def reload() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            for _ in range(3):
                signal.raise_signal(signal.SIGHUP)
            await asyncio.sleep(0)
        else:
            read.set()

    with Signals() as signals:
        task = asyncio.create_task(signals.reloading(reload))
        signal.raise_signal(signal.SIGHUP)
        await asyncio.wait_for(read.wait(), 10)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(task, 10)
        assert signals.stop.is_set()
    assert rounds == [0, 1]


async def test_what_says_stop_reads_no_settings() -> None:
    """A hangup just before it does not either: the program ends."""

    async def reload() -> None:
        raise AssertionError

    with Signals() as signals:
        task = asyncio.create_task(signals.reloading(reload))
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGINT)
        await asyncio.wait_for(task, 10)


async def test_signals_are_given_back() -> None:
    """Behind the block they end the program again, also when it failed."""
    with pytest.raises(LookupError), Signals():
        raise LookupError
    assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
