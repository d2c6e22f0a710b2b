"""Recordings as devices: every form of file, every type of value, files in and out of order, and what is no recording."""

from __future__ import annotations

import asyncio
import bz2
from typing import TYPE_CHECKING, Any

import pytest

from tslcd_agent.snmp import recording
from tslcd_agent.snmp.recording import open_recording, value_of
from tslcd_agent.snmp.session import Traffic

if TYPE_CHECKING:
    from pathlib import Path

SYS = "1.3.6.1.2.1.1"
SNMPREC = f"""\
# a comment
{SYS}.1.0|4|A box
{SYS}.2.0|6|1.3.6.1.4.1.99999.1
{SYS}.3.0|67|12345
1.3.6.1.2.1.2.2.1.2.1|4x|6c6f
1.3.6.1.2.1.2.2.1.2.2|4|lan
1.3.6.1.2.1.2.2.1.2.10|4|wan
1.3.6.1.2.1.2.2.1.20.1|65|7
"""
WALKED = f"""\
.{SYS}.1.0 = STRING: "A box
of two lines"
.{SYS}.2.0 = OID: .1.3.6.1.4.1.99999.1
.{SYS}.3.0 = Timeticks: (12345) 0:02:03.45
.1.3.6.1.2.1.2.2.1.2.10 = STRING: wan
.1.3.6.1.2.1.2.2.1.2.2 = STRING: "lan"
.1.3.6.1.2.1.2.2.1.6.2 = Hex-STRING: 00 1A FF 0B
.1.3.6.1.2.1.2.2.1.8.2 = INTEGER: up(1)
.1.3.6.1.2.1.2.2.1.10.2 = Counter32: 42
.1.3.6.1.2.1.4.20.1.1.2 = IpAddress: 192.0.2.1
.1.3.6.1.2.1.4.20.1.2.2 = ""
.1.3.6.1.2.1.4.20.1.3.2 = No Such Instance currently exists at this OID
"""


def asked(path: Path, *oids: str, column: str = "", limit: int = 100) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask a recording for objects and for a column."""

    async def ask() -> tuple[dict[str, Any], dict[str, Any]]:
        walked = await session.walk(column, limit) if column else {}
        values = await session.get(oids)
        await session.close()
        return values, walked

    with open_recording(path) as session:
        assert session.traffic == Traffic()
        return asyncio.run(ask())


@pytest.mark.parametrize("form", ["plain", "packed", "shuffled", "on disk", "on disk and shuffled"])
def test_forms_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Packed or not, in order or not, in memory or on disk: the answers are the same."""
    lines = SNMPREC.splitlines(keepends=True)
    text = "".join(reversed(lines) if "shuffled" in form else lines).encode()
    if "disk" in form:
        monkeypatch.setattr(recording, "IN_MEMORY", 16)
        monkeypatch.setattr(recording, "_BLOCK", 64)
    path = tmp_path / "box.snmprec"
    path.write_bytes(bz2.compress(text) if form == "packed" else text)
    values, walked = asked(
        path, f"{SYS}.1.0", f"{SYS}.2.0", f"{SYS}.3.0", f"{SYS}.9.0", "2.1", column="1.3.6.1.2.1.2.2.1.2"
    )
    assert values == {f"{SYS}.1.0": b"A box", f"{SYS}.2.0": "1.3.6.1.4.1.99999.1", f"{SYS}.3.0": 12345}
    assert walked == {"1": b"lo", "2": b"lan", "10": b"wan"}
    assert asked(path, column="1.3.6.1.2.1.2.2.1.2", limit=2)[1] == {"1": b"lo", "2": b"lan"}
    assert asked(path, column="1.3.6.1.2.1.2.2.1.3")[1] == {}
    assert asked(path, column=f"{SYS}.1.0")[1] == {}


def test_what_snmpwalk_prints(tmp_path: Path) -> None:
    """The text of ``snmpwalk -On`` is a recording too: types, texts of several lines, quotes, and what does not exist."""
    path = tmp_path / "box.txt"
    path.write_text(WALKED)
    cell = "1.3.6.1.2.1.4.20.1"
    values, walked = asked(
        path, f"{SYS}.1.0", f"{SYS}.2.0", f"{SYS}.3.0", f"{cell}.1.2", f"{cell}.2.2", f"{cell}.3.2",
        "1.3.6.1.2.1.2.2.1.6.2", "1.3.6.1.2.1.2.2.1.8.2", "1.3.6.1.2.1.2.2.1.10.2", column="1.3.6.1.2.1.2.2.1.2",
    )  # fmt: skip
    assert values[f"{SYS}.1.0"] == b"A box\nof two lines"
    assert values[f"{SYS}.2.0"] == "1.3.6.1.4.1.99999.1"
    assert values[f"{SYS}.3.0"] == 12345
    assert values[f"{cell}.1.2"] == "192.0.2.1"
    assert values[f"{cell}.2.2"] == b""
    assert values["1.3.6.1.2.1.2.2.1.6.2"] == b"\x00\x1a\xff\x0b"
    assert values["1.3.6.1.2.1.2.2.1.8.2"] == 1
    assert values["1.3.6.1.2.1.2.2.1.10.2"] == 42
    assert walked == {"2": b"lan", "10": b"wan"}


@pytest.mark.parametrize(
    ("tag", "raw", "value"),
    [
        (b"2", b"-5", -5),
        (b"70", b"18446744073709551615", 2**64 - 1),
        (b"2", b"five", None),
        (b"4x", b"00ff", b"\x00\xff"),
        (b"4x", b"no digits", b"no digits"),
        (b"68x", b"9f78", b"\x9fx"),
        (b"64", b"192.0.2.1", "192.0.2.1"),
        (b"64x", b"c0000201", "192.0.2.1"),
        (b"64", b"somewhere", None),
        (b"5", b"", None),
        (b"130", b"", None),
        (b"2:numeric", b"max=9,min=3,rate=1", 3),
        (b"4:writecache", b"value=written", b"written"),
        (b"66:numeric", b"rate=1", None),
    ],
)
def test_values_by_tag(tag: bytes, raw: bytes, value: object) -> None:
    """A tag and a text are the value that an answer would have had; what cannot be understood is none."""
    assert value_of(tag, raw) == value


@pytest.mark.parametrize("content", [b"", b"# only a comment\n", b"hello\nworld\n", b"\xff\xd8\xff\xe0" * 100])
def test_what_is_no_recording(tmp_path: Path, content: bytes) -> None:
    """A file without any object is told by its name."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"photo\.jpg: not a recording"), open_recording(path):
        pass


def test_packed_file_that_ends_in_the_middle(tmp_path: Path) -> None:
    """A packed file that was copied in part is told as such; one that is not there raises what the system says."""
    path = tmp_path / "box.snmprec.bz2"
    path.write_bytes(bz2.compress(SNMPREC.encode())[:-10])
    with pytest.raises(ValueError, match="ends in the middle"), open_recording(path):
        pass
    with pytest.raises(FileNotFoundError), open_recording(tmp_path / "absent"):
        pass


def test_large_file_that_is_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file without objects is read to its end once, and told."""
    monkeypatch.setattr(recording, "IN_MEMORY", 16)
    path = tmp_path / "notes.txt"
    path.write_bytes(b"nothing here\n" * 100)
    with pytest.raises(ValueError, match="not a recording"), open_recording(path):
        pass
