"""What a recording gives away: nothing that names the box, its place or its addresses, wherever it stands."""

from __future__ import annotations

import pytest

from tslcd_agent.snmp.masking import IP_ADDRESS, OCTETS, Cell, Masks, is_left_out

NAME = Cell("1.3.6.1.2.1.1.5.0", OCTETS, b"fw-xa-01")
SERIAL = Cell("1.3.6.1.4.1.12356.100.1.1.1.0", OCTETS, b"FGT60F0000000001")


def masked(*cells: Cell) -> list[bytes | str | None]:
    """Return the values as a recording has them."""
    masks = Masks(["1.3.6.1.4.1.12356.100.1.1.1.0"])
    for cell in cells:
        masks.learn(cell)
    return [None if (found := masks.apply(cell)) is None else found.value for cell in cells]


def test_names_and_serials_are_replaced_wherever_they_stand() -> None:
    """Learned by their place, found inside other texts too; the same value has the same stand-in."""
    banner = Cell("1.3.6.1.4.1.9999.1.0", OCTETS, b"host fw-xa-01 serial FGT60F0000000001 up")
    again = Cell("1.3.6.1.2.1.47.1.1.1.1.11.1", OCTETS, b"FGT60F0000000001")
    assert masked(NAME, SERIAL, banner, again) == [
        b"device-1",
        b"SERIAL-1",
        b"host device-1 serial SERIAL-1 up",
        b"SERIAL-1",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gateway 10.20.30.40 mask 255.255.252.0", "gateway 192.0.2.2 mask 255.255.252.0"),
        ("peer fd00:1234::7", "peer 2001:db8::1"),
        ("mac 00:1A:2b:3c:4d:5e", "mac 02:00:00:00:00:01"),
        ("mac 001a.2b3c.4d5e", "mac 02:00:00:00:00:01"),
        ("ask admin.it@example.gov.vn", "ask mail-1"),
        ("version 7.0.12 build 0523", "version 7.0.12 build 0523"),
        ("version 5.4.300.1", "version 5.4.300.1"),
        ("up 10:23:11", "up 10:23:11"),
        ("0.0.0.0 and 127.0.0.1", "0.0.0.0 and 127.0.0.1"),
    ],
)
def test_addresses_in_texts(text: str, expected: str) -> None:
    """Addresses become documentation addresses; masks, versions, times and addresses that name nobody stay."""
    assert masked(Cell("1.3.6.1.2.1.1.1.0", OCTETS, text.encode())) == [expected.encode()]


def test_addresses_of_their_own_type_are_told_apart() -> None:
    """Two addresses have two stand-ins, one address always the same."""
    cells = [Cell(f"1.3.6.1.4.1.1.{n}", IP_ADDRESS, one) for n, one in enumerate(("10.0.0.1", "10.0.0.2", "10.0.0.1"))]
    assert masked(*cells) == ["192.0.2.2", "192.0.2.3", "192.0.2.2"]


def test_a_thousand_addresses_stay_in_the_documentation_ranges() -> None:
    """More addresses than the ranges have wrap around inside them, and none gets out."""
    cells = [Cell(f"1.3.6.1.4.1.1.{n}", IP_ADDRESS, f"10.1.{n // 250}.{n % 250 + 1}") for n in range(1000)]
    assert {str(value).rpartition(".")[0] for value in masked(*cells)} == {"192.0.2", "198.51.100", "203.0.113"}


def test_hardware_addresses_and_binary_serials() -> None:
    """Six octets that are no text are a hardware address; a serial number in octets becomes zeros; other octets stay."""
    assert masked(
        Cell("1.3.6.1.2.1.2.2.1.6.1", OCTETS, bytes.fromhex("001a2b3c4d5e")),
        Cell("1.3.6.1.2.1.2.2.1.6.2", OCTETS, b"abcdef"),
        Cell("1.3.6.1.2.1.47.1.1.1.1.11.1", OCTETS, b"\xff\xfe\x00\x01"),
        Cell("1.3.6.1.2.1.25.1.2.0", OCTETS, b"\x07\xea\x01\x01\x0f\x2d\x38\x00"),
    ) == [
        bytes.fromhex("020000000001"),
        bytes.fromhex("020000000002"),
        bytes(4),
        b"\x07\xea\x01\x01\x0f\x2d\x38\x00",
    ]


def test_what_has_addresses_in_its_index_is_left_out() -> None:
    """Routes, neighbours, processes; but not what merely begins with the same digits."""
    assert masked(Cell("1.3.6.1.2.1.4.20.1.1.10.0.0.1", IP_ADDRESS, "10.0.0.1")) == [None]
    assert [is_left_out(oid) for oid in ("1.3.6.1.2.1.17", "1.3.6.1.2.1.170.1", "1.3.6.1.2.1.1.5.0")] == [
        True,
        False,
        False,
    ]


def test_the_host_name_in_what_uname_says() -> None:
    """Net-SNMP on Linux and BSD has the host's name in sysDescr, however short; the versions around it stay."""
    texts = (b"Linux gw 5.10.0 #1 SMP armv7l", b"FreeBSD fw1.example.gov.vn 14.1-RELEASE amd64", b"Linux")
    assert masked(*(Cell("1.3.6.1.2.1.1.1.0", OCTETS, text) for text in texts)) == [
        b"Linux device-1 5.10.0 #1 SMP armv7l",
        b"FreeBSD device-2 14.1-RELEASE amd64",
        b"Linux",
    ]


def test_numbers_stay() -> None:
    """Counters and types are what a profile is made from."""
    assert masked(Cell("1.3.6.1.2.1.2.2.1.10.1", 65, "1234567")) == ["1234567"]


def test_hardware_addresses_inside_other_octets() -> None:
    """Bridge, chassis and engine identifiers are made of a hardware address, and have its stand-in, not it."""
    mac = bytes.fromhex("d494e80de120")
    assert masked(
        Cell("1.3.6.1.2.1.2.2.1.6.1", OCTETS, mac),
        Cell("1.3.6.1.4.1.2011.5.25.42.4.1.5.0", OCTETS, b"\x80\x00" + mac),
        Cell("1.3.6.1.2.1.47.1.2.1.1.7.1", OCTETS, bytes.fromhex("800007db03") + mac),
    ) == [
        bytes.fromhex("020000000001"),
        bytes.fromhex("8000020000000001"),
        bytes.fromhex("800007db03020000000001"),
    ]


def test_a_hardware_address_that_happens_to_be_text() -> None:
    """Six octets that decode as UTF-8, but are no plain text, are a hardware address; six letters are a word."""
    assert masked(
        Cell("1.3.6.1.4.1.9999.2.0", OCTETS, bytes.fromhex("60da83092e00")),
        Cell("1.3.6.1.4.1.9999.3.0", OCTETS, b"S5720\0"),
        Cell("1.3.6.1.4.1.9999.4.0", OCTETS, b"router"),
    ) == [bytes.fromhex("020000000001"), b"S5720\0", b"router"]


@pytest.mark.parametrize(
    "oid",
    [
        "1.3.6.1.4.1.2636.3.1.8.1.7.2.1.0.0",
        "1.3.6.1.4.1.12356.101.13.2.1.1.2.2",
        "1.3.6.1.4.1.9.3.6.3.0",
    ],
)
def test_serial_numbers_of_parts_and_peers(oid: str) -> None:
    """Juniper's parts, the other unit of a FortiGate cluster, Cisco's chassis: no profile reads them, all are masked."""
    assert masked(Cell(oid, OCTETS, b"QCS1614N080")) == [b"SERIAL-1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S/N ACAB6745", "S/N SERIAL-1"),
        ("Serial Number: FOX12345678 rev 2", "Serial Number: SERIAL-1 rev 2"),
        ("Serial0/0/0", "Serial0/0/0"),
        ("serial console", "serial console"),
    ],
)
def test_serial_numbers_that_a_text_announces(text: str, expected: str) -> None:
    """Wherever they stand; serial lines are no serial numbers."""
    assert masked(Cell("1.3.6.1.4.1.9999.5.0", OCTETS, text.encode())) == [expected.encode()]
