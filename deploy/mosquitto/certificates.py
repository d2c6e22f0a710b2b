"""The certificates of broker, agents and collectors: a small certificate authority in one folder.

Invariants:

* Nothing is ever overwritten: a file that exists stays as it is, and the command says so and fails. Withdrawing is the one
  exception, since a revocation list lives by being replaced; it is replaced by rename, so the broker never reads half.
* Every file is made with mode 0600, in a folder of mode 0700, from the first byte on.
* The common name of a client certificate is its identity on the broker, so names are identifiers of the contract
  (``[a-z0-9-]{1,48}``), and an agent can never be named like a collector.

Works with the click and cryptography of Debian 12 (8.1, 38.0) and later. X.509 as in RFC 5280.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
from pathlib import Path
from typing import Final

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: The authority and its revocation list outlive the certificates; an expired revocation list lets nobody in.
AUTHORITY_DAYS: Final = 3650
CERTIFICATE_DAYS: Final = 825
_IDENTIFIER: Final = re.compile(r"[a-z0-9-]{1,48}\Z")
_COLLECTOR: Final = re.compile(r"collector(-[a-z0-9-]{1,38})?\Z")
#: A box at the edge without a real-time clock may be behind; certificates are good from a day ago on.
_BACKDATE: Final = dt.timedelta(days=1)

Key = ec.EllipticCurvePrivateKey


def write_new(path: Path, content: bytes) -> None:
    """Write a new file of mode 0600, on disk when this returns. Raises click.ClickException when it exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{path} exists already; nothing is overwritten") from None
    except OSError as error:
        raise click.ClickException(f"{path}: {(error.strerror or 'cannot be written').lower()}") from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def key_bytes(key: Key) -> bytes:
    """Return a private key as PEM, PKCS #8 (RFC 5958), not encrypted: the file's mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc).replace(microsecond=0)  # noqa: UP017 - runs on Debian's Python too


class Authority:
    """A certificate authority kept in ``folder``: ca.pem, ca.key and revoked.pem."""

    def __init__(self, folder: Path) -> None:
        """Load it. Raises click.ClickException when it is not there or cannot be read."""
        self.folder = folder
        try:
            self.certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        except FileNotFoundError as error:
            raise click.ClickException(f"{error.filename}: no such file; begin with: make-certificates ca") from None
        except (OSError, ValueError) as error:
            raise click.ClickException(f"{folder}: the authority cannot be read: {error}") from None
        if not isinstance(key, Key):
            raise click.ClickException(f"{folder / 'ca.key'}: not a key made by this program")
        self._key = key

    @classmethod
    def create(cls, folder: Path, common_name: str) -> Authority:
        """Make a new authority with an empty revocation list. Raises click.ClickException when one is there."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key, now = ec.generate_private_key(ec.SECP256R1()), _now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(_name(common_name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATE)
            .not_valid_after(now + dt.timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_new(folder / "ca.key", key_bytes(key))
        write_new(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM))
        authority = cls(folder)
        write_new(folder / "revoked.pem", authority.revocation_list([]))
        return authority

    def issue(self, name: str, alternatives: list[x509.GeneralName], *, server: bool, days: int) -> None:
        """Make ``name``.pem and ``name``.key. ``days`` may be negative: an expired certificate, for tests of refusal."""
        key, now = ec.generate_private_key(ec.SECP256R1()), _now()
        start = min(now - _BACKDATE, now + dt.timedelta(days=days) - _BACKDATE)
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        authority_key = self._key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key), critical=False)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        if (self.folder / f"{name}.pem").exists():
            raise click.ClickException(f"{self.folder / name}.pem exists already; nothing is overwritten")
        write_new(self.folder / f"{name}.key", key_bytes(key))
        write_new(self.folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def revoked(self) -> list[x509.RevokedCertificate]:
        """Return the entries of the revocation list. Raises click.ClickException when it cannot be read."""
        path = self.folder / "revoked.pem"
        try:
            return list(x509.load_pem_x509_crl(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise click.ClickException(f"{path}: {error}") from None

    def revoke(self, name: str) -> None:
        """Put the certificate ``name``.pem on the revocation list; a second time changes nothing."""
        path = self.folder / f"{name}.pem"
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            raise click.ClickException(f"{path}: {error}") from None
        entries = self.revoked()
        if all(entry.serial_number != certificate.serial_number for entry in entries):
            entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(_now())
            entries.append(entry.build())
        fresh = self.folder / "revoked.pem.new"
        fresh.unlink(missing_ok=True)
        write_new(fresh, self.revocation_list(entries))
        fresh.replace(self.folder / "revoked.pem")

    def revocation_list(self, entries: list[x509.RevokedCertificate]) -> bytes:
        """Return a signed revocation list (RFC 5280 section 5) as PEM, in force for as long as an authority lives."""
        now = _now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - _BACKDATE)
            .next_update(now + dt.timedelta(days=AUTHORITY_DAYS))
        )
        for entry in entries:
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _usage(*, authority: bool) -> x509.KeyUsage:
    """Return the key usage (RFC 5280 section 4.2.1.3): signing of certificates and lists, or of handshakes."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def alternative(text: str) -> x509.GeneralName:
    """Return a host name or an IP address as a subject alternative name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _agent_name(name: str) -> str:
    if not _IDENTIFIER.match(name) or _COLLECTOR.match(name) or name in ("ca", "broker", "revoked"):
        raise click.BadParameter(
            f"{name!r}: an agent's name is [a-z0-9-]{{1,48}}, and not ca, broker, revoked, collector or collector-..."
        )
    return name


_days = click.option("--days", default=CERTIFICATE_DAYS, show_default=True, type=click.IntRange(min=1))


@click.group()
@click.option(
    "--folder",
    default="certificates",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the authority and all its certificates are kept. Keep it off the broker.",
)
@click.pass_context
def main(context: click.Context, folder: Path) -> None:
    """Make certificates for broker, agents and collectors; nothing is ever overwritten."""
    context.obj = folder


@main.command()
@click.option("--name", default="TSLCD monitor CA", show_default=True, help="Common name of the authority.")
@click.pass_obj
def ca(folder: Path, name: str) -> None:
    """Make the certificate authority and an empty revocation list."""
    Authority.create(folder, name)
    click.echo(f"{folder}/ca.pem ca.key revoked.pem")


@main.command()
@click.argument("names", nargs=-1, required=True)
@_days
@click.pass_obj
def broker(folder: Path, names: tuple[str, ...], days: int) -> None:
    """Make the broker's certificate; NAMES are all host names and addresses under which clients know it."""
    Authority(folder).issue("broker", [alternative(name) for name in names], server=True, days=days)
    click.echo(f"{folder}/broker.pem broker.key")


@main.command()
@click.argument("names", nargs=-1, required=True)
@_days
@click.pass_obj
def agent(folder: Path, names: tuple[str, ...], days: int) -> None:
    """Make a certificate for each agent of NAMES (the ids of the inventory)."""
    checked = [_agent_name(name) for name in names]
    authority = Authority(folder)
    for name in checked:
        authority.issue(name, [], server=False, days=days)
        click.echo(f"{folder}/{name}.pem {name}.key")


@main.command()
@click.argument("name", default="collector")
@_days
@click.pass_obj
def collector(folder: Path, name: str, days: int) -> None:
    """Make a certificate for the collector NAME: collector, or collector-... for one of several."""
    if not _COLLECTOR.match(name):
        raise click.BadParameter(f"{name!r}: a collector's name is collector, or begins with collector-")
    Authority(folder).issue(name, [], server=False, days=days)
    click.echo(f"{folder}/{name}.pem {name}.key")


@main.command()
@click.argument("name")
@click.pass_obj
def revoke(folder: Path, name: str) -> None:
    """Withdraw the certificate NAME: copy revoked.pem to the broker and restart it."""
    authority = Authority(folder)
    authority.revoke(name)
    click.echo(
        f"{folder}/revoked.pem: {len(authority.revoked())} withdrawn; copy it to the broker and restart the broker"
    )
