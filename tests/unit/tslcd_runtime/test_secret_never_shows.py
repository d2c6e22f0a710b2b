"""No way of showing a secret shows its text."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import traceback
from typing import TYPE_CHECKING

import msgspec
import pytest
import structlog
import yaml

from tslcd_runtime.secret import Secret, SecretError, read_secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = "hidden-word"
SECRET = Secret(TEXT, "/etc/x")

SHOWN: dict[str, Callable[[], object]] = {
    "str": lambda: str(SECRET),
    "repr": lambda: repr(SECRET),
    "repr without a source": lambda: repr(Secret(TEXT)),
    "format": lambda: f"{SECRET} {SECRET!r} {SECRET!s} {SECRET!a}",
    "percent": lambda: "%s %r" % (SECRET, SECRET),  # noqa: UP031 - that is what is tried
    "in a list": lambda: str([SECRET, {"a": SECRET}, (SECRET,)]),
    "dir": lambda: str(dir(SECRET)),
    "hash": lambda: str(hash(SECRET)),
}
REFUSED: dict[str, Callable[[], object]] = {
    "format with a width": lambda: f"{SECRET:>30}",
    "pickle": lambda: pickle.dumps(SECRET),
    "copy": lambda: copy.copy(SECRET),
    "deep copy": lambda: copy.deepcopy([SECRET]),
    "json": lambda: json.dumps({"a": SECRET}),
    "msgspec json": lambda: msgspec.json.encode({"a": SECRET}),
    "msgspec builtins": lambda: msgspec.to_builtins({"a": SECRET}),
    "yaml": lambda: yaml.safe_dump({"a": SECRET}),
    "yaml with classes": lambda: yaml.dump({"a": SECRET}),
    "vars": lambda: vars(SECRET),
    "concatenation": lambda: "x" + SECRET,  # type: ignore[operator]
    "bytes": lambda: bytes(SECRET),  # type: ignore[call-overload]
    "iteration": lambda: list(SECRET),  # type: ignore[call-overload]
    "length": lambda: len(SECRET),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("way", SHOWN)
def test_shown_without_its_text(way: str) -> None:
    """Every way to text shows a placeholder."""
    assert TEXT not in str(SHOWN[way]())


@pytest.mark.parametrize("way", REFUSED)
def test_not_serialised(way: str) -> None:
    """Every way to bytes is refused, and the error does not tell it either."""
    with pytest.raises((TypeError, yaml.YAMLError)) as caught:
        REFUSED[way]()
    assert TEXT not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("form", ["console", "logfmt", "json"])
def test_logged_without_its_text(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logged as a value, inside a structure, or as a local variable of a traceback, the text does not show."""
    from tslcd_runtime import logs  # noqa: PLC0415 - importing it is part of what is tried

    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    try:
        logs.configure(form, "debug")  # type: ignore[arg-type]
        log = logs.get_logger("test")
        secret = Secret(TEXT, "/etc/x")
        try:
            raise ValueError(secret)
        except ValueError:
            log.exception("failed", secret=secret, nested={"a": [secret]})
        logging.getLogger("library").error("%s %r", secret, {"a": secret})
    finally:
        structlog.reset_defaults()
    assert "failed" in stream.getvalue()
    assert TEXT not in stream.getvalue()


def test_traceback_with_local_variables() -> None:
    """A traceback that shows local variables shows a placeholder."""
    secret = Secret(TEXT)
    try:
        raise ValueError(secret)
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "<secret>" in shown
    assert "hidden-wor" + "d" not in shown.replace('TEXT = "hidden-word"', "")


def test_compared_and_revealed() -> None:
    """A reload can tell whether it changed; only reveal() tells the text."""
    assert Secret("a", "x") == Secret("a", "y")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("a").reveal() == "a"
    assert repr(SECRET) == "<secret from /etc/x>"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"word", "word"),
        (b"word\n", "word"),
        (b"word\r\n", "word"),
        (b"word\n\n", "word\n"),
        (b" w ", " w "),
        ("ừ".encode(), "ừ"),
    ],
)
def test_one_newline_at_the_end_is_not_part_of_it(tmp_path: Path, raw: bytes, text: str) -> None:
    """What an editor adds is left out, everything else belongs to the secret."""
    (tmp_path / "s").write_bytes(raw)
    assert read_secret(file=str(tmp_path / "s")).reveal() == text


def test_exactly_one_place(tmp_path: Path) -> None:
    """Neither place or both are refused; so is a file that is too long."""
    for places in ({}, {"file": "a", "credential": "b"}):
        with pytest.raises(SecretError, match="a secret is given as"):
            read_secret(**places)
    (tmp_path / "long").write_bytes(b"x" * 4097)
    with pytest.raises(SecretError, match="empty, or longer than 4096 bytes"):
        read_secret(file=str(tmp_path / "long"))
