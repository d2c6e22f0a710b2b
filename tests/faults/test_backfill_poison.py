"""A time-series store that refuses, fails, hangs or is poisoned: every good sample arrives, and nothing is sent unchanged for ever."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from support.sample_store import CANARY, Reply, SampleStore
from tslcd_collector.backfill import delivery
from tslcd_collector.backfill.delivery import MAX_SENDS, Delivery
from tslcd_collector.backfill.endpoint import Endpoint
from tslcd_collector.backfill.points import Point, labels_of
from tslcd_collector.backfill.settings import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.sample_store import Key
    from tslcd_collector.backfill.answer import Outcome
    from tslcd_collector.backfill.sieve import Reason

COUNT: Final = 500
BAD: Final = frozenset({0, 77, 499})


class Tally:
    """The ledger of a test."""

    def __init__(self) -> None:
        """Start at zero."""
        self.outcomes: Counter[Outcome] = Counter()
        self.reasons: Counter[Reason] = Counter()
        self.samples = 0

    def answered(self, outcome: Outcome) -> None:
        """Count a request."""
        self.outcomes[outcome] += 1

    def delivered(self, samples: int) -> None:
        """Count samples."""
        self.samples += samples

    def aside(self, reason: Reason, samples: int) -> None:
        """Count samples that were given up."""
        self.reasons[reason] += samples


def _points() -> list[Point]:
    labels = [labels_of("x", {"series": str(number)}) for number in range(40)]
    return [Point(labels[number % 40], 1_790_000_000_000 + number, float(number)) for number in range(COUNT)]


def _poisoned(samples: dict[Key, float]) -> bool:
    return any(value in BAD for (labels, _), value in samples.items() if ("__name__", "x") in labels)


async def _deliver(store: SampleStore, *, batch: int = 200, patience: float = 5.0) -> Tally:
    tally = Tally()

    async def hurry(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.002))

    async with Endpoint(Target(name="t", url=store.url), patience) as endpoint:
        one = Delivery("t", endpoint, tally, batch=batch, rate=1e9, scrape={"job": "j"}, sleep=hurry)
        await one.deliver(_points())
    return tally


def _violations(store: SampleStore, tally: Tally, bad: frozenset[int]) -> list[str]:
    """Return what is wrong with the outcome; nothing when all is well."""
    taken = {int(value) for value in store.taken.values()}
    found = []
    if missing := set(range(COUNT)) - bad - taken:
        found.append(f"missing: {len(missing)}")
    if tally.reasons.total() != len(bad):
        found.append(f"set aside: {tally.reasons.total()} instead of {len(bad)}")
    if (most := max(store.bodies.values())) > MAX_SENDS:
        found.append(f"unchanged: {most} times")
    if store.changed or tally.samples != len(taken):
        found.append("invented, altered or counted wrong")
    return found


def _poison(status: int, text: str) -> Callable[[dict[Key, float]], Reply]:
    return lambda samples: Reply(status, (), text) if _poisoned(samples) else Reply()


def _for_a_while(reply: Reply, times: int) -> Callable[[dict[Key, float]], Reply]:
    left = iter(range(times))
    return lambda _: reply if next(left, None) is not None else Reply()


def _at_random(seed: int, *replies: Reply) -> Callable[[dict[Key, float]], Reply]:
    dice = random.Random(seed)  # noqa: S311 - a seed makes it the same again
    return lambda _: dice.choice([Reply(), *replies])


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "out of order sample"),
        (413, "too large"),
        (422, ""),
        (500, "too old sample"),
        (500, "something"),
        (503, ""),
    ],
)
async def test_poison_is_found_and_the_others_arrive(status: int, text: str) -> None:
    """Three bad samples of five hundred spoil their batches: exactly they are set aside."""
    with SampleStore().running() as store:
        store.rule = _poison(status, text)
        tally = await _deliver(store)
    assert _violations(store, tally, BAD) == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, (), "everything is refused"),
        Reply(401),
        Reply(404, (), "remote write receiver is not enabled"),
        Reply(302, (("Location", "http://192.0.2.1/"),)),
        Reply(429, (("Retry-After", "7"),)),
        Reply(500, (), "disk full"),
        Reply(503, (("Retry-After", "Wed, 21 Oct 2071 07:28:00 GMT"),)),
        Reply(0),
    ],
    ids=lambda reply: str(reply.status),
)
async def test_a_store_that_takes_nothing_for_a_while_costs_no_sample(reply: Reply) -> None:
    """Whatever it answers to everything: once it takes samples again, all of them arrive, and none was given up."""
    with SampleStore().running() as store:
        store.rule = _for_a_while(reply, 25)
        tally = await _deliver(store)
    assert _violations(store, tally, frozenset()) == []
    assert store.canaries >= 10, "it was tried with batches instead of canaries"


async def test_a_store_that_hangs_is_left_alone_in_time() -> None:
    """An answer that does not come is a failure after the timeout; later everything arrives."""
    with SampleStore().running() as store:
        store.rule = _for_a_while(Reply(-1), 4)
        tally = await _deliver(store, patience=0.1)
        assert _violations(store, tally, frozenset()) == []


@pytest.mark.parametrize("seed", range(2))
async def test_a_store_that_fails_at_random_costs_no_sample(seed: int) -> None:
    """Three of four requests fail, each in another way, with small batches: chance sets nothing aside."""
    with SampleStore().running() as store:
        store.rule = _at_random(seed, Reply(500), Reply(429), Reply(0))
        tally = await _deliver(store, batch=50)
    assert _violations(store, tally, frozenset()) == []


async def test_poison_in_a_store_that_fails_at_random() -> None:
    """Both at once."""
    chance = _at_random(3, Reply(500))
    with SampleStore().running() as store:
        store.rule = lambda samples: Reply(400) if _poisoned(samples) else chance(samples)
        tally = await _deliver(store)
    assert _violations(store, tally, BAD) == []


async def test_the_oracle_catches_who_sends_unchanged_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: a batch that fails is sent again and again."""
    monkeypatch.setattr(delivery, "MAX_SENDS", 50)
    with SampleStore().running() as store:
        store.rule = lambda samples: Reply(500) if _poisoned(samples) and max(store.bodies.values()) < 20 else Reply()
        tally = await _deliver(store)
    assert "unchanged: 20 times" in _violations(store, tally, frozenset())


async def test_the_oracle_catches_who_trusts_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: what is refused alone is set aside without asking whether the store takes in anything at all."""

    async def credulous(*_: object) -> bool:
        return True

    monkeypatch.setattr(Delivery, "_until_well", credulous)
    with SampleStore().running() as store:
        store.rule = _for_a_while(Reply(400), 25)
        tally = await _deliver(store)
    assert _violations(store, tally, frozenset()) != []


async def test_requests_say_who_they_are_and_canaries_are_their_own_series() -> None:
    """Version, encoding and authorisation; the canary never has the labels of a measurement."""
    with SampleStore().running() as store:
        store.rule = _for_a_while(Reply(503), 1)
        seen: list[frozenset[tuple[str, str]]] = []
        first = store.rule

        def rule(samples: dict[Key, float]) -> Reply:
            seen.extend(labels for labels, _ in samples)
            return first(samples)

        store.rule = rule
        await _deliver(store)
    canaries = {labels for labels in seen if ("__name__", CANARY) in labels}
    assert canaries == {frozenset({("__name__", CANARY), ("job", "j"), ("target", "t")})}
    assert store.headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
    assert store.headers["Content-Encoding"] == "snappy"
