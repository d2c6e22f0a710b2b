"""What must not be in a message is taken out of every text, however it is written."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tslcd_collector.pager import redaction
from tslcd_collector.pager.redaction import MASK, clean, found

KNOWN = {"86-29551-1", "vlg-29551"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("192.0.2.1", "ipv4"),
        ("192.0.2.0/24", "ipv4"),
        ("192.0.2.1:8080", "ipv4"),
        ("192[.]0[.]2[.]1", "ipv4"),
        ("192 . 0 . 2 . 1", "ipv4"),
        ("192 dot 0 dot 2 dot 1", "ipv4"),
        ("192 chấm 0 chấm 2 chấm 1", "ipv4"),
        ("192。0。2。1", "ipv4"),
        ("１９２．０．２．１", "ipv4"),
        ("192.0\u200b.2.1", "ipv4"),
        ("192.0.\n2.1", "ipv4"),
        ("host-192-0-2-1", "ipv4"),
        ("1.3.6.1.4.1.9.9.13", "ipv4"),
        ("2001:db8::1", "ipv6"),
        ("[2001:DB8:0:0:0:0:0:1]:443", "ipv6"),
        ("fe80::1%eth0", "ipv6"),
        ("::ffff:192.0.2.1", "ipv6"),
        ("2001:db8::/32", "ipv6"),
        ("00:00:5e:00:53:01", "mac"),
        ("00-00-5E-00-53-01", "mac"),
        ("0000.5e00.5301", "mac"),
        ("0000-5e00-5301", "mac"),
        ("00005e005301", "mac"),
        ("VNPT-MLL-0012345", "circuit"),
        ("L2VPN.VLG.100234", "circuit"),
        ("FGT60FTK20001234", "circuit"),
        ("842700112233", "circuit"),
        ("GigabitEthernet0/0/1", "interface"),
        ("GigabitEthernet 0/0/1", "interface"),
        ("xe-0/0/0.100", "interface"),
        ("VLAN 100", "interface"),
        ("AS64500", "interface"),
        ("https://evil.example/ack/1", "link"),
        ("zalo://chat", "link"),
        ("www.evil.example", "link"),
        ("evil.example/ack", "link"),
        ("noc@mail.example", "link"),
    ],
)
def test_what_must_not_be_told_is_masked(text: str, kind: str) -> None:
    """Alone, in a sentence, between brackets, and right after a letter with a tone mark."""
    for whole in (text, f"Kênh {text} mất kết nối", f"({text})", f"ở {text}, gọi ngay"):
        counts: dict[str, int] = {}
        cleaned = clean(whole, KNOWN, counts)
        assert MASK in cleaned
        assert kind in counts
        assert found(cleaned, KNOWN) == []


@pytest.mark.parametrize(
    "text",
    [
        "Kênh 86-29551-1 (Xã An Bình) mất kết nối",
        "Kênh vlg-29551 suy giảm",
        "từ 14:05:30 ngày 21/09/2026, 2 giờ 5 phút",
        "2026-09-21T14:05:30Z",
        "mất gói 5%, trễ 50 ms, 1.5 Mbps trên 200Mbps",
        "gọi 0912 345 678 hoặc 02703 822 333",
        "UBND TP.HCM, P.1, Q.3",
        "trực 24/7, tỷ lệ 1/2",
        "as 3 channels are down",
        "Điểm: UBND xã Hòa Bình; lý do: giao diện mất tín hiệu.",
    ],
)
def test_what_people_need_stays(text: str) -> None:
    """Ids of the inventory, times, dates, quantities, telephone numbers and names are left alone."""
    assert clean(text, KNOWN) == text


def test_a_text_is_one_line_of_plain_letters() -> None:
    """Line breaks, control characters and direction marks cannot make a text look like more than one."""
    hostile = "a\r\nXác nhận:\u2028b\x00\x1b[31m\u202eevil\u2066\ud800\U000f0000\tc"
    assert clean(hostile) == "a Xác nhận: b [31mevil c"


@given(st.ip_addresses(), st.text(max_size=20), st.text(max_size=20))
@example(ipaddress.ip_address("::"), "", "")
def test_no_address_comes_through(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, before: str, after: str
) -> None:
    """Whatever stands around it."""
    assert str(address) not in clean(f"{before} {address} {after}")


@given(st.text(alphabet=st.sampled_from("0123456789abcdefABCDEF.:-/[]()% xzđạ@\n")))
def test_cleaning_once_is_enough(text: str) -> None:
    """What was cleaned has nothing left that would be masked."""
    cleaned = clean(text)
    assert found(cleaned) == []
    assert len(cleaned) <= 4 * redaction.MAX_TEXT


def test_a_long_text_is_cut_first() -> None:
    """A megabyte of text is no megabyte of work."""
    assert len(clean("a-" * 500_000)) <= redaction.MAX_TEXT
