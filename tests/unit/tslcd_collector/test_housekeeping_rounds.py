"""Housekeeping: the journal is pruned in steps, slow gauges are set, a failing store is counted and waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from support import inventories
from tslcd_collector import rounds as all_rounds
from tslcd_collector.admit import Admission
from tslcd_collector.board import Board
from tslcd_collector.errors import StoreError
from tslcd_collector.exposition import Exposition
from tslcd_collector.metrics import Metrics
from tslcd_collector.rounds import Rounds
from tslcd_collector.store.database import PRUNE_STEP
from tslcd_collector.supervision import Supervision
from tslcd_runtime.health import Health

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory
    from tslcd_collector.store import Batch, Store


class ScriptedStore:
    """Records what it is asked; answers from a script."""

    def __init__(self, pruned: list[int]) -> None:
        """``pruned``: how many rows each step of pruning deletes."""
        self.pruned = pruned
        self.batches: list[Batch] = []
        self.failing = 0

    def begin(self, batch: Batch) -> asyncio.Future[None]:
        """Take a batch, or fail."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.failing:
            self.failing -= 1
            future.set_exception(StoreError("full"))
        else:
            self.batches.append(batch)
            future.set_result(None)
        return future

    async def prune(self, before: float) -> int:
        """Delete what the script says."""
        assert before > 0
        return self.pruned.pop(0)


@pytest.fixture
def known(tmp_path: Path) -> Inventory:
    """Load the small inventory."""
    return inventories.small(tmp_path)


def _rounds(store: ScriptedStore, known: Inventory) -> tuple[Rounds, Metrics, Admission]:
    exposition, metrics, admission = Exposition(), Metrics(), Admission()
    board = Board(exposition, 300.0)
    supervision = Supervision(board, exposition)
    supervision.set_inventory(known)
    rounds = Rounds(
        board=board,
        supervision=supervision,
        admission=admission,
        store=cast("Store", store),
        metrics=metrics,
        health=Health(),
        interval=1.0,
        keep=900.0,
    )
    return rounds, metrics, admission


def _value(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


async def test_house_is_kept(known: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pruning goes on while there is a full step to delete; gauges follow; a failure is counted, and not the end."""
    monkeypatch.setattr(all_rounds, "HOUSEKEEPING", 0.001)
    store = ScriptedStore([PRUNE_STEP, PRUNE_STEP, 5] + [0] * 10_000)
    rounds, metrics, admission = _rounds(store, known)
    admission.admit("a1", "0198f3c2", 5)
    for boot in ("aa", "bb", "aa", "bb"):
        admission.live_source("a1", "0198f3c2", boot, 1e12)
    store.failing = 2
    task = asyncio.create_task(rounds.housekeeping())
    async with asyncio.timeout(10):
        while len(store.batches) < 3:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert _value(metrics, "tslcd_collector_store_errors_total") == 2
    assert _value(metrics, "tslcd_collector_missing_reports") == 4
    assert _value(metrics, "tslcd_collector_cloned_agents") == 1
    assert len(store.pruned) < 10_000


async def test_verdicts_that_cannot_be_written_wait_in_order_and_are_bounded(
    known: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come back to the front; beyond the bound the oldest is given up and counted."""
    store = ScriptedStore([])
    rounds, metrics, _ = _rounds(store, known)
    store.failing = 1
    rounds.judge_all(1000.0, ["removed"])
    with pytest.raises(StoreError):
        await rounds.flush()
    await rounds.flush()
    (batch,) = store.batches
    assert [row.channel for row in batch.verdicts] == ["c1", "c2"]
    assert batch.retired == ["removed"]
    monkeypatch.setattr(all_rounds, "MAX_PENDING", 1)
    rounds._supervision.standing.clear()
    before = _value(metrics, "tslcd_collector_store_errors_total") or 0
    rounds.judge_all(1001.0, [])
    assert (_value(metrics, "tslcd_collector_store_errors_total") or 0) - before == 1
    await rounds.flush()
    assert [row.channel for row in store.batches[-1].verdicts] == ["c2"]
