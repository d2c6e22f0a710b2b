"""How often anybody may guess: locks grow and end, and lock out nobody who was here before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tslcd_collector.access.attempts import FIRST, FORGET, FREE, LOCK, MAX_COUNTS, Attempts, network

DEVICE = b"d" * 32


def _guesses(attempts: Attempts, count: int, account: str = "lan", source: str = "192.0.2.1", now: float = 0.0) -> int:
    """Guess until something says wait; return how many were let through."""
    for done in range(count):
        if attempts.begin(account, source, None, now) > 0:
            return done
    return count


def test_an_account_has_five_free_guesses_and_then_a_lock_that_doubles() -> None:
    """From any address; up to a quarter of an hour, and half an hour of quiet makes it new."""
    attempts = Attempts()
    for number in range(FREE["account"]):
        assert attempts.begin("lan", f"192.0.2.{number}", None, 0.0) == 0
    now, waits = 0.0, []
    for number in range(12):
        wait = attempts.begin("lan", f"198.51.100.{number}", None, now)
        waits.append(wait)
        now += wait
        assert attempts.begin("lan", f"198.51.100.{number}", None, now) == 0
    assert waits == [min(LOCK, FIRST * 2**number) for number in range(12)]
    assert _guesses(attempts, 99, now=now + FORGET) == FREE["account"]


def test_an_address_has_twenty_whoever_it_guesses_for() -> None:
    """An IPv6 network of one customer counts as one address; another address is free."""
    attempts = Attempts()
    for number in range(FREE["address"]):
        assert attempts.begin(f"p{number}", f"2001:db8::{number:x}", None, 0.0) == 0
    assert attempts.begin("lan", "2001:db8::ffff", None, 0.0) > 0
    assert attempts.begin("lan", "2001:db8:0:1::1", None, 0.0) == 0
    assert network("::ffff:192.0.2.1") == network("192.0.2.1")
    assert network("fe80::1%eth0") == "fe80::"
    assert network("testclient") == "testclient"


def test_one_own_account_does_not_clear_the_address() -> None:
    """Who may log in himself guesses no more often for that."""
    attempts = Attempts()
    let_through = 0
    for number in range(100):
        let_through += attempts.begin(f"p{number}", "192.0.2.1", None, 0.0) == 0
        if attempts.begin("mine", "192.0.2.1", None, 0.0) == 0:
            attempts.succeeded("mine", "192.0.2.1", None)
    assert let_through == FREE["address"]


def test_a_browser_that_was_here_before_is_locked_by_its_own_guesses_only() -> None:
    """Its account and address are locked for strangers, and it gets through; its own five wrong ones lock it alone."""
    attempts = Attempts()
    for number in range(200):
        attempts.begin("lan", "192.0.2.1", None, float(number))
    assert attempts.begin("lan", "192.0.2.1", None, 200.0) > 0
    assert attempts.begin("lan", "192.0.2.1", DEVICE, 200.0) == 0
    attempts.succeeded("lan", "192.0.2.1", DEVICE)
    for _ in range(FREE["device"]):
        assert attempts.begin("lan", "192.0.2.1", DEVICE, 200.0) == 0
    assert attempts.begin("lan", "192.0.2.1", DEVICE, 200.0) == FIRST
    assert attempts.begin("minh", "192.0.2.9", None, 200.0) == 0


def test_what_is_counted_is_bounded() -> None:
    """Made-up names push out the ones that rested longest."""
    attempts = Attempts()
    for number in range(MAX_COUNTS):
        attempts.begin(f"p{number}", f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1", None, 0.0)
    assert len(attempts._counts) <= MAX_COUNTS


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["192.0.2.1", "192.0.2.2"]), st.floats(0, 600))))
def test_no_order_of_guesses_locks_anybody_for_longer_than_the_longest_lock(
    guesses: list[tuple[str, str, float]],
) -> None:
    """Whatever happened before, after LOCK seconds one guess is let through."""
    attempts = Attempts()
    now = 0.0
    for account, source, pause in guesses:
        now += pause
        assert 0 <= attempts.begin(account, source, None, now) <= LOCK
    for account in ("a", "b"):
        assert Attempts.begin(attempts, account, "192.0.2.1", None, now + LOCK) == 0
        now += LOCK
