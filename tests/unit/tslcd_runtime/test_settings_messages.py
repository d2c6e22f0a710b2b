"""Every mistake that a settings file can have, with its exact message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.sample_settings import Sample
from tslcd_runtime.settings import MAX_DEPTH, Problem, SettingsError, load, loads

if TYPE_CHECKING:
    from pathlib import Path

DURATION = "write a number and one of ms, s, min, h, d, for example 30s"
NAMES = "interval, spool, share, rate, enabled, devices, labels, ports, title"
SECRET = "a secret is not written here: give {file: PATH} or {credential: NAME}"


def device(keys: str) -> str:
    """Write a file with one device."""
    return f"devices:\n  - {{name: x, {keys}}}\n"


MISTAKES = {
    "key with a typing error": ("intervall: 3s", f"1: intervall: unknown key: did you mean interval? allowed are {NAMES}"),
    "key that is like no other": ("xyz: 3s", f"1: xyz: unknown key: allowed are {NAMES}"),
    "merge key": ("<<: {interval: 2s}", f"1: <<: unknown key: allowed are {NAMES}"),
    "key given twice": ("interval: 1s\n\ninterval: 2s", "3: interval: given twice, first in line 1"),
    "key that is a number": ("labels: {1: x}", "1: labels: key '1' is not text: put it in quotes"),
    "key that is a list": ("? [a]\n: 1", "1: key a list is not text: put it in quotes"),
    "key that does not match": ("labels: {A: x}", "1: labels.A: allowed are names that match ^[a-z]+$"),
    "required key missing": ("title: x\ndevices:\n  - port: 1", "3: devices[0].name: missing"),
    "a list instead of keys": ("- a", "1: a list is not allowed: keys and values are wanted here"),
    "a word instead of keys": ("hello", "1: 'hello' is not allowed: keys and values are wanted here"),
    "keys instead of a list": ("devices: {}", "1: devices: a mapping is not allowed: a list is wanted here"),
    "a value instead of a list": ("devices: 5", "1: devices: '5' is not allowed: a list is wanted here"),
    "a list instead of a mapping": ("labels: []", "1: labels: a list is not allowed: keys and values are wanted here"),
    "a list instead of text": ("title: []", "1: title: a list is not allowed: text is wanted here"),
    "number instead of text": ("title: 5", "1: title: 5 is not text in YAML: put it in quotes"),
    "code that is octal in YAML": (device("code: 06970"), "2: devices[0].code: 06970 is not text in YAML: put it in quotes"),
    "code that is a truth in YAML": (device("code: no"), "2: devices[0].code: no is not text in YAML: put it in quotes"),
    "code that is a time in YAML": (device("code: 1:30"), "2: devices[0].code: 1:30 is not text in YAML: put it in quotes"),
    "text that is empty": (device("code: ''"), "2: devices[0].code: '' is not allowed: text of 1 to any number of characters is wanted here"),
    "text that does not match": ("devices:\n  - name: X", "2: devices[0].name: 'X' is not allowed: text that matches ^[a-z]+\\Z of 0 to 8 characters is wanted here"),
    "text instead of a number": (device("port: '1'"), "2: devices[0].port: '1' is not allowed: a whole number from 1 to 65535 is wanted here"),
    "fraction instead of a whole number": (device("port: 1.0"), "2: devices[0].port: '1.0' is not allowed: a whole number from 1 to 65535 is wanted here"),
    "truth instead of a number": (device("port: true"), "2: devices[0].port: 'true' is not allowed: a whole number from 1 to 65535 is wanted here"),
    "number above its bound": (device("port: 65536"), "2: devices[0].port: '65536' is not allowed: a whole number from 1 to 65535 is wanted here"),
    "number that is not below": (device("weight: 1"), "2: devices[0].weight: '1' is not allowed: a number above 0 below 1 is wanted here"),
    "not a number": (device("weight: .nan"), "2: devices[0].weight: '.nan' is not allowed: a number above 0 below 1 is wanted here"),
    "number instead of a truth": ("enabled: 1", "1: enabled: '1' is not allowed: true or false is wanted here"),
    "text instead of a truth": ("enabled: 'true'", "1: enabled: 'true' is not allowed: true or false is wanted here"),
    "word that is not in the set": (device("version: v1"), "2: devices[0].version: 'v1' is not allowed: allowed are v2c, v3"),
    "empty where a truth is wanted": ("enabled:", "1: enabled: '' is not allowed: true or false is wanted here"),
    "list that is too long": ("devices: [{name: a}, {name: b}, {name: c}, {name: d}]", "1: devices: at most 3 allowed, 4 given"),
    "list that is too short": ("ports: [1]", "1: ports: at least 2 wanted, 1 given"),
    "item of the wrong type": ("ports:\n  - 1\n  - x", "3: ports[1]: 'x' is not allowed: a whole number is wanted here"),
    "duration without a unit": ("interval: 30", f"1: interval: '30' is not a duration: {DURATION}"),
    "duration with a wrong unit": ("interval: 5m", f"1: interval: '5m' is not a duration: {DURATION}"),
    "duration below zero": ("interval: -1s", f"1: interval: '-1s' is not a duration: {DURATION}"),
    "duration that is empty": ("interval:", f"1: interval: '' is not a duration: {DURATION}"),
    "duration that is a list": ("interval: [1s]", "1: interval: a list is not a duration: for example 30s"),
    "duration beyond all bounds": (f"interval: {'9' * 400}s", f"1: interval: '{'9' * 20}'... is beyond all bounds"),
    "size in decimal units": ("spool: 200MB", "1: spool: '200MB' is not a size: write a number and one of B, KiB, MiB, GiB, for example 200MiB"),
    "bandwidth in bytes": ("rate: 200MB/s", "1: rate: '200MB/s' is not a bandwidth: write a number and one of bps, kbps, Mbps, Gbps, for example 200Mbps"),
    "share without its sign": ("share: 0.05", "1: share: '0.05' is not a share: write a number and one of %, for example 5%"),
    "check across keys": (device("version: v3, community: {file: community}"), "2: devices[0]: v3 has no community"),
    "secret in the file": (device("community: public"), f"2: devices[0].community: {SECRET}"),
    "secret from two places": (device("community: {file: a, credential: b}"), f"2: devices[0].community: {SECRET}"),
    "secret from a number": (device("community: {file: 5}"), f"2: devices[0].community: {SECRET}"),
    "secret's file missing": (device("community: {file: absent}"), "2: devices[0].community: FOLDER/absent: no such file or directory"),
    "secret's file empty": (device("community: {file: empty}"), "2: devices[0].community: FOLDER/empty: empty, or longer than 4096 bytes"),
    "secret's file not UTF-8": (device("community: {file: binary}"), "2: devices[0].community: FOLDER/binary: not UTF-8 text"),
    "secret's file a folder": (device("community: {file: .}"), "2: devices[0].community: FOLDER: is a directory"),
    "secret's file impossible": (device('community: {file: "a\\0b"}'), "2: devices[0].community: 'FOLDER/a\\x00b': not the name of a file"),
    "credential without systemd": (device("community: {credential: c}"), "2: devices[0].community: credential 'c': not started by systemd with LoadCredential= ($CREDENTIALS_DIRECTORY is not set)"),
    "tab in the indentation": ("devices:\n  - name: x\n\tport: 1", "3: a tab in the indentation: YAML allows spaces only"),
    "tab before a key": ("title: x\n\tenabled: true", "2: a tab in the indentation: YAML allows spaces only"),
    "colon too many": ("title: a: b", "1: not YAML: mapping values are not allowed in this context"),
    "quote that does not end": ("title: 'x", "1: not YAML: found unexpected end of stream"),
    "alias without its anchor": ("title: *x", "1: not YAML: found undefined alias"),
    "two documents": ("title: x\n---\ntitle: y", "2: not YAML: but found another document"),
    "nested too deeply": ("title: " + "[" * 100_000, f"1: nested deeper than {MAX_DEPTH} levels"),
    "nested too deeply in few characters": ("- " * 50_000, f"1: nested deeper than {MAX_DEPTH} levels"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with files that secrets may be read from."""
    (tmp_path / "community").write_text("hidden-word\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    return tmp_path


def problems(raw: bytes, folder: Path | None = None) -> str:
    """Load what must not load, and return the messages."""
    with pytest.raises(SettingsError) as caught:
        loads(raw, Sample, name="f.yaml", directory=folder)
    assert caught.value.code == "settings"
    return str(caught.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_has_its_message(mistake: str, folder: Path) -> None:
    """One mistake gives exactly one problem: file, line, key, and what is allowed."""
    text, message = MISTAKES[mistake]
    assert problems(text.encode(), folder) == "f.yaml:" + message.replace("FOLDER", str(folder))


def test_all_mistakes_are_told_at_once_in_the_order_of_lines(folder: Path) -> None:
    """A file with many mistakes is mended in one go, and no message has anything of a secret."""
    text = device("port: 0, community: {file: community}") + "title: 5\nintervall: 1s\nshare: 5\n"
    lines = problems(text.encode(), folder).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["f.yaml:2", "devices[0].port"],
        ["f.yaml:3", "title"],
        ["f.yaml:4", "intervall"],
        ["f.yaml:5", "share"],
    ]
    assert "hidden-word" not in "".join(lines)


def test_bytes_that_are_not_text() -> None:
    """Bytes that are not UTF-8 are told with their line; a control character without one."""
    assert problems(b"title: x\ninterval: \xff") == "f.yaml:2: not UTF-8 text"
    assert problems(b"title: \x00").startswith("f.yaml: not YAML: unacceptable character #x0000")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and a folder are told with the system's words; a huge file is not read to its end."""
    for path, reason in ((tmp_path / "absent.yaml", "no such file or directory"), (tmp_path, "is a directory")):
        with pytest.raises(SettingsError, match=f"^{path}: {reason}$"):
            load(path, Sample)
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as stream:
        stream.truncate(17 * 2**20)
    with pytest.raises(SettingsError, match=r"^settings: longer than 16777216 bytes$"):
        load(huge, Sample, name="settings")


def test_alias_bomb_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aliases that stand for more values than there may be are told once."""
    monkeypatch.setattr("tslcd_runtime.settings.MAX_NODES", 100)
    text = f"ports: [&a 1{', *a' * 500}]"
    assert problems(text.encode()) == "f.yaml:1: ports[99]: more than 100 values"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n", "{}\n", "\ufeff{}\n"])
def test_empty_file_is_all_defaults(text: str) -> None:
    """A file that says nothing stands for the defaults."""
    assert loads(text.encode(), Sample).value == Sample()


def test_values_of_every_type(folder: Path) -> None:
    """What is right arrives as base units and types, and the place of each value is known."""
    text = (
        "interval: 1.5min\nspool: 1 GiB\nshare: 12.5%\nrate: 200Mbps\nenabled: no\n"
        "labels: {a: &x b, c: *x}\nports: [0x10, 1_000, 3]\ntitle: 'Xã 06970'\n"
    ) + device("code: '06970', weight: 0.25, community: {file: community}")
    loaded = loads(text.encode(), Sample, name="f.yaml", directory=folder)
    value = loaded.value
    assert (value.interval, value.spool, value.share, value.rate) == (90.0, 2**30, 0.125, 2e8)
    assert (value.enabled, value.labels, value.ports, value.title) == (
        False,
        {"a": "b", "c": "b"},
        (16, 1000, 3),
        "Xã 06970",
    )
    (one,) = value.devices
    assert one.community is not None
    assert (one.code, one.weight, one.community.reveal()) == ("06970", 0.25, "hidden-word")
    assert str(loaded.problem(("devices", 0, "code"), "is unknown")) == "f.yaml:10: devices[0].code: is unknown"
    assert str(loaded.problem(("devices", 0, "version"), "is old")) == "f.yaml:10: devices[0].version: is old"
    assert str(Problem("f.yaml", 0, "", "is bad")) == "f.yaml: is bad"


def test_credential_of_systemd(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential is read from systemd's folder, by name and never by path."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    loaded = loads(device("community: {credential: community}").encode(), Sample).value.devices[0].community
    assert loaded is not None
    assert (loaded.reveal(), loaded.source) == ("hidden-word", "credential community")
    for name in ("../x", ".hidden"):
        message = problems(device(f"community: {{credential: {name}}}").encode())
        assert message == f"f.yaml:2: devices[0].community: credential {name!r}: a name, not a path"


@settings(max_examples=800)
@given(
    st.text(max_size=60).map(str.encode)
    | st.binary(max_size=60)
    | st.text("devicsname:[]{}-,&*!|>'\" \t\n?#%~01x", max_size=40).map(str.encode)
)
def test_any_file_gives_settings_or_problems(raw: bytes) -> None:
    """Whatever is in a file, the answer is settings or problems with a message."""
    try:
        loads(raw, Sample)
    except SettingsError as error:
        assert all(problem.message for problem in error.problems)  # noqa: PT017 - either way is right
