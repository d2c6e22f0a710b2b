"""Secrets: read from a file or a systemd credential, never written in a settings file, never printed.

Invariant: no way of showing a :class:`Secret` (str, repr, format, pickle, JSON, a traceback's locals) shows its text; only
:meth:`Secret.reveal` does, and its callers can be searched for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NoReturn

#: Where systemd puts LoadCredential= files (systemd.exec(5)).
CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
MAX_SECRET_BYTES: Final = 4096


class SecretError(ValueError):
    """A secret that cannot be had. The message names the file, never its content."""


class Secret:
    """A text that cannot print itself."""

    __slots__ = ("_text", "source")

    def __init__(self, text: str, source: str = "") -> None:
        """Hold ``text``; ``source`` says where it came from and may be shown."""
        self._text = text
        self.source = source

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __str__(self) -> str:
        """Hide."""
        return "<secret>"

    def __repr__(self) -> str:
        """Hide, but say where it came from."""
        return f"<secret from {self.source}>" if self.source else "<secret>"

    def __eq__(self, other: object) -> bool:
        """Compare the hidden texts, so that a reload can tell whether anything changed."""
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        """Hash by source; the text stays out of it."""
        return hash(self.source)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into anything that can print."""
        msg = "a secret is not serialised"
        raise TypeError(msg)


def read_secret(*, file: str | None = None, credential: str | None = None) -> Secret:
    """Read a secret from ``file`` or from the systemd credential of that name; one trailing newline is not part of it.

    Raises SecretError when neither or both are given, or it cannot be read, is empty, too long or not UTF-8.
    """
    if (file is None) == (credential is None):
        msg = "a secret is given as {file: PATH} or as {credential: NAME}"
        raise SecretError(msg)
    if credential is not None:
        directory = os.environ.get(CREDENTIALS_VARIABLE)
        if directory is None:
            msg = f"credential {credential!r}: not started by systemd with LoadCredential= (${CREDENTIALS_VARIABLE} is not set)"
            raise SecretError(msg)
        if "/" in credential or credential.startswith("."):
            msg = f"credential {credential!r}: a name, not a path"
            raise SecretError(msg)
        path, source = Path(directory) / credential, f"credential {credential}"
    else:
        path, source = Path(str(file)), str(file)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_SECRET_BYTES + 1)
        text = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        msg = f"{source}: not UTF-8 text"
        raise SecretError(msg) from None
    except ValueError:
        msg = f"{source!r}: not the name of a file"
        raise SecretError(msg) from None
    except OSError as error:
        msg = f"{source}: {(error.strerror or 'cannot be read').lower()}"
        raise SecretError(msg) from None
    if not text or len(raw) > MAX_SECRET_BYTES:
        msg = f"{source}: empty, or longer than {MAX_SECRET_BYTES} bytes"
        raise SecretError(msg)
    return Secret(text, source)
