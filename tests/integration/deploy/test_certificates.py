"""make-certificates: modes, names, and that nothing is ever overwritten."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from support.tls_broker import make_certificates

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with an authority."""
    assert make_certificates(tmp_path / "ca", "ca").returncode == 0
    return tmp_path / "ca"


def test_only_the_owner_reads_the_files(folder: Path) -> None:
    """Keys, certificates and the revocation list have mode 0600, the folder 0700, whatever the umask."""
    assert make_certificates(folder, "agent", "86-29551-1").returncode == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(("ca.pem", "ca.key", "revoked.pem", "86-29551-1.pem", "86-29551-1.key"), 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("arguments", "file"), [(("ca",), "ca.key"), (("agent", "a1"), "a1.pem"), (("collector",), "collector.pem")]
)
def test_nothing_is_overwritten(folder: Path, arguments: tuple[str, ...], file: str) -> None:
    """A second time fails, names the file, and leaves every byte as it was."""
    make_certificates(folder, *arguments)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = make_certificates(folder, *arguments)
    assert again.returncode == 1
    assert again.stderr == f"Error: {folder / file} exists already; nothing is overwritten\n"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["collector", "collector-b", "ca", "broker", "Upper", "a/b", "a+", "#", "x" * 49, ""])
def test_a_name_with_other_rights_is_refused(folder: Path, name: str) -> None:
    """No agent is named like a collector, like a file of the authority, or with what means something in a topic."""
    done = make_certificates(folder, "agent", "fine", name)
    assert done.returncode == 2
    assert f"{name!r}: an agent's name is [a-z0-9-]{{1,48}}" in done.stderr
    assert not (folder / "fine.pem").exists()


def test_a_collector_is_named_collector(folder: Path) -> None:
    """The rights of collectors go by name."""
    done = make_certificates(folder, "collector", "86-29551-1")
    assert done.returncode == 2
    assert "a collector's name is collector, or begins with collector-" in done.stderr


def test_without_an_authority_it_says_what_to_do_first(tmp_path: Path) -> None:
    """The message names the missing file and the command that makes it."""
    done = make_certificates(tmp_path, "agent", "a1")
    assert done.returncode == 1
    assert done.stderr == f"Error: {tmp_path / 'ca.pem'}: no such file; begin with: make-certificates ca\n"


def test_a_damaged_authority_is_named(folder: Path) -> None:
    """A key that cannot be read is an error, never a traceback."""
    (folder / "ca.key").write_text("nonsense")
    done = make_certificates(folder, "agent", "a1")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {folder}: the authority cannot be read")


def test_withdrawing_keeps_what_was_withdrawn_before(folder: Path) -> None:
    """The revocation list grows by one a certificate, and twice the same counts once."""
    make_certificates(folder, "agent", "a1", "a2")
    assert "1 withdrawn" in make_certificates(folder, "revoke", "a1").stdout
    assert "2 withdrawn" in make_certificates(folder, "revoke", "a2").stdout
    assert "2 withdrawn" in make_certificates(folder, "revoke", "a1").stdout
    assert make_certificates(folder, "revoke", "nobody").returncode == 1


def test_certificates_say_what_they_are_for(folder: Path) -> None:
    """The broker's is for servers and has all its names, an agent's is for clients; neither signs others."""
    make_certificates(folder, "broker", "mqtt.example", "192.0.2.1", "2001:db8::1")
    make_certificates(folder, "agent", "a1")
    broker = x509.load_pem_x509_certificate((folder / "broker.pem").read_bytes())
    agent = x509.load_pem_x509_certificate((folder / "a1.pem").read_bytes())
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mqtt.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.1", "2001:db8::1"]
    for certificate, purpose in ((broker, "serverAuth"), (agent, "clientAuth")):
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert [one._name for one in usage] == [purpose]
        assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
