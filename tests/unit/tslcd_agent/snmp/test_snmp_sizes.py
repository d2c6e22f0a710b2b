"""What a device takes in one answer: sizes, packing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tslcd_agent.snmp.packing import FRAME, answer_size, pack
from tslcd_agent.snmp.sizes import MAX_PATIENCE, PATIENCE, Allowance

OID = "1.3.6.1.2.1.31.1.1.1.6.7"


def settle(allowance: Allowance, limit: int, rounds: int) -> list[int]:
    """Go so many rounds with a device that takes ``limit``; return the sizes that it refused."""
    refused = []
    for _ in range(rounds):
        bad = False
        while allowance.size > limit:
            refused.append(allowance.size)
            allowance.refuse(allowance.size)
            bad = True
        if not bad:
            allowance.accept()
    return refused


@given(st.integers(1, 64))
def test_the_size_that_a_device_takes_is_found_and_hardly_ever_exceeded(limit: int) -> None:
    """Halves at once, then half of the way back, with ever more patience: a year of rounds has few refusals."""
    allowance = Allowance(64)
    refused = settle(allowance, limit, 10_000)
    assert limit * 3 // 4 <= allowance.size <= limit
    assert len(refused) <= 24 + 2 * 10_000 // MAX_PATIENCE


def test_everything_is_asked_for_again_when_it_was_the_network() -> None:
    """Silence for some minutes costs no more than some rounds of small questions."""
    allowance = Allowance(64)
    allowance.refuse(64, sure=False)
    allowance.refuse(32, sure=False)
    assert allowance.size == 16
    settle(allowance, 64, 10 * PATIENCE)
    assert allowance.size == 64


def test_an_old_refusal_of_a_larger_size_changes_nothing() -> None:
    """The question was on its way when the size was halved already; nothing is below one."""
    allowance = Allowance(8)
    allowance.refuse(8)
    allowance.refuse(8)
    assert allowance.size == 4
    for _ in range(5):
        allowance.refuse(allowance.size)
    assert allowance.size == 1


def test_the_size_of_an_answer_is_reckoned_as_ber_has_it() -> None:
    """Binding, name and value with a header each; a number may grow by an octet."""
    # 30 len, 06 0b 2b 06 01 02 01 1f 01 01 01 06 07, 46 04 xx xx xx xx
    assert answer_size(OID, 2**24) == 2 + 2 + 11 + 2 + 5
    assert answer_size("1.3.6.1.2.1.31.1.1.1.6.16384", 0) == answer_size(OID, 0) + 2
    assert answer_size(OID, b"wan1") == 2 + 2 + 11 + 2 + 4
    assert answer_size(OID, "1.3.6.1.4.1") > answer_size(OID, 0)
    assert answer_size(OID, None) > answer_size(OID, 0)


@given(st.lists(st.integers(20, 2000), max_size=200), st.integers(1, 64), st.integers(0, 100))
def test_batches_fill_frames_and_lose_nothing(sizes: list[int], most: int, taken: int) -> None:
    """In order; no batch is too long or too large, except one object that is larger than a frame alone."""
    sized = [(str(number), size) for number, size in enumerate(sizes)]
    batches = pack(sized, most, taken=taken)
    assert [oid for batch in batches for oid in batch] == [oid for oid, _ in sized]
    known = dict(sized)
    for batch in batches:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(known[oid] for oid in batch) <= FRAME - taken
