"""What nothing may be sent to, in every disguise of the address; what everybody else's addresses are."""

from __future__ import annotations

import pytest

from tslcd_agent.config.untouchable import disguised, permission, permitted

CIPHER = {"192.0.2.3", "2001:db8::3"}


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("192.0.2.4", True),
        ("192.0.2.3", False),
        ("::ffff:192.0.2.3", False),
        ("64:ff9b::192.0.2.3", False),
        ("64:ff9b::192.0.2.4", True),
        ("2002:c000:203::1", False),
        ("2002:c000:204::1", True),
        ("2001:DB8:0::3", False),
        ("2001:db8::3%eth0", False),
        ("fe80::1%eth0", True),
        ("224.0.0.251", False),
        ("ff02::1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("0.0.0.0", False),  # noqa: S104 - not to be bound to
        ("cipher.example", False),
        ("", False),
    ],
)
def test_what_the_resolver_gives_is_judged_in_any_spelling(text: str, allowed: bool) -> None:
    """What is no address at all is not sent to either."""
    assert permission(CIPHER)(text) is allowed


def test_an_address_is_itself_and_what_gateways_make_of_it() -> None:
    """Those of IPv4 have no disguise of their own."""
    assert disguised("192.0.2.3") == ("192.0.2.3",)
    assert disguised("2001:db8::3") == ("2001:db8::3",)
    assert disguised("64:ff9b::c000:203") == ("64:ff9b::c000:203", "192.0.2.3")
    assert not permitted("64:ff9b::c000:203", CIPHER)
