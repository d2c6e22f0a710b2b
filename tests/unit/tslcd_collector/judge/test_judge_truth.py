"""The whole truth of the judge: every row of the table, and the words for it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from support.channel_truth import GOOD, SENTENCES, TABLE, WAITING
from support.channels import BOTH, INTERFACE, NOW, channel, readings, rounds
from tslcd_collector.inventory import ChannelClass
from tslcd_collector.judge import judge, listed
from tslcd_collector.judge.reasoning import account
from tslcd_collector.verdict import PARTY_WORDS, REASON_WORDS, STATE_WORDS, Party, Reason, State, Verdict, Words

if TYPE_CHECKING:
    from tslcd_collector.inventory import Binding
    from tslcd_collector.judge import Readings


@pytest.mark.parametrize(
    ("binding", "measured", "verdict", "detail"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_truth(binding: Binding | None, measured: Readings, verdict: str, detail: str) -> None:
    """Every row gives exactly its state, reason, party and detail, and the sentence that a person reads."""
    said = judge(channel(binding), measured, NOW)
    assert f"{said.state.value} {said.reason.value} {said.party.value}" == verdict
    assert said.detail.en == detail
    assert bool(said.detail.vi) == bool(detail)
    assert tuple(REASON_WORDS[said.reason]) == SENTENCES[said.reason.value]


@pytest.mark.parametrize(
    ("changes", "measured", "detail"), [row[1:] for row in WAITING], ids=[row[0] for row in WAITING]
)
def test_what_is_not_in_service_has_no_fault(changes: dict[str, Any], measured: Readings, detail: str) -> None:
    """Whatever is measured, and whatever is planned."""
    said = judge(channel(BOTH, **changes), measured, NOW)
    assert said == Verdict(State.MAINTENANCE, Reason.NOT_IN_SERVICE, Party.NONE, Words(said.detail.vi, detail))


def test_a_channel_is_in_service_from_its_day_on_in_local_time() -> None:
    """Midnight of Viet Nam is 17:00 UTC of the day before."""
    since = dt.date(2026, 9, 22)
    midnight = dt.datetime(2026, 9, 21, 17, tzinfo=dt.UTC).timestamp()
    for at, reason in ((midnight - 1, Reason.NOT_IN_SERVICE), (midnight, Reason.NEVER_SEEN)):
        assert judge(channel(BOTH, connected_since=since), readings(agent=None), at).reason is reason


def test_every_reason_is_in_the_table() -> None:
    """No reason without a row that gives it."""
    told = {row[3].split()[1] for row in TABLE} | {"not_in_service"}
    assert told == {reason.value for reason in Reason} == set(SENTENCES)


@pytest.mark.parametrize(("binding", "measured"), [row[1:3] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_account_of_a_verdict_names_one_step_that_decides(binding: Binding | None, measured: Readings) -> None:
    """The account tells the verdict itself, one step decides, and none before it is called true without being outranked."""
    told = account(channel(binding), measured, NOW)
    assert told.verdict == judge(channel(binding), measured, NOW)
    outcomes = [step.outcome for step in told.considered]
    assert outcomes.count("decides") == 1
    texts = [one.words for one in told.inputs] + [one.words for one in told.considered]
    assert all(vi and en for vi, en in texts)


def test_thresholds_are_those_of_the_class() -> None:
    """The same readings are good for one class, bad for another."""
    strict = ChannelClass(id="strict", latency_warn=0.001, stale_after=10.0)
    assert judge(channel(channel_class=strict), readings(), NOW).reason is Reason.LATENCY
    assert judge(channel(channel_class=strict), readings(), NOW + 8).reason is Reason.AGENT_LOST
    lenient = ChannelClass(id="lenient", loss_warn=0.5, loss_critical=0.5)
    lossy = readings(probes={"gateway": rounds(4, 4, 4), "core": GOOD})
    assert judge(channel(channel_class=lenient), lossy, NOW).reason is Reason.OK


def test_a_class_that_warns_of_any_loss_is_content_without_loss() -> None:
    """A threshold of 0 % does not make a channel without loss a bad one."""
    zero = ChannelClass(id="zero", loss_warn=0.0, latency_warn=0.0)
    assert judge(channel(INTERFACE, zero), readings(), NOW).reason is Reason.OK


def test_a_long_list_of_interfaces_is_cut() -> None:
    """A detail stays short on a device of a thousand interfaces."""
    told = listed(tuple(f"ge{n}" for n in range(1, 12)))
    assert told.vi == "ge1, ge10, ge11, ge2, ge3, ge4, ge5, ge6 và 3 giao diện nữa"
    assert told.en == "ge1, ge10, ge11, ge2, ge3, ge4, ge5, ge6 and 3 more"


def test_every_state_reason_and_party_has_words_in_both_languages() -> None:
    """No screen ever shows a code for want of a word, and no two reasons read the same."""
    assert set(STATE_WORDS) == set(State)
    assert set(REASON_WORDS) == set(Reason)
    assert set(PARTY_WORDS) == set(Party)
    for table in (STATE_WORDS, REASON_WORDS, PARTY_WORDS):
        for language in ("vi", "en"):
            texts = [words.of(language) for words in table.values()]
            assert all(texts)
            assert len(set(texts)) == len(texts)


def test_verdicts_that_differ_in_their_detail_only_agree() -> None:
    """A figure in the detail that changes with every round is not another verdict."""
    first = Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR, Words("mất 7 %", "lost 7%"))
    assert first.agrees(Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR, Words("mất 8 %", "lost 8%")))
    assert not first.agrees(Verdict(State.DOWN, Reason.LOSS, Party.OPERATOR, Words("mất 7 %", "lost 7%")))
