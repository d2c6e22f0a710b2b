"""Small parts of login: addresses to go on to, codes, new passwords, bodies, settings."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tslcd_collector.access import codes, fields, headers, passwords
from tslcd_collector.config import CollectorSettings
from tslcd_runtime import settings

NOW = 1_790_000_000.0
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@given(st.text(alphabet="/\\.:@?#%\t\n\r ahtpsevil-", max_size=30) | st.text(max_size=20))
def test_no_text_leads_to_another_host(wanted: str) -> None:
    """Whatever is asked for, a browser stays at the collector, by Python's reading of addresses and by that of browsers."""
    found = headers.safe_next(wanted)
    assert found.startswith("/")
    # browsers take \\ for /, and leave out tabs and line ends
    seen = found.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "")
    assert not seen.startswith("//")
    assert urlsplit(urljoin("http://noc.example/login", seen)).netloc == "noc.example"


def test_pages_of_ours_stay_as_they_are() -> None:
    """Path, query and fragment."""
    for wanted in ("/", "/channels/c1", "/channels/c1?lang=en&q=%C4%91", "/maintenance#new"):
        assert headers.safe_next(wanted) == wanted


def test_codes_of_rfc_6238_are_right_and_taken_once() -> None:
    """Appendix B of the RFC (SHA-1, cut to six digits); the step of a code taken, and those before it, are over."""
    secret = pyotp.random_base32()
    rfc = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")):
        assert codes.step_of(rfc, code, 0, at) == at // 30
    now_step = int(NOW) // 30
    shown = {step: pyotp.TOTP(secret).generate_otp(step) for step in range(now_step - 3, now_step + 4)}
    taken = [step - now_step for step, code in shown.items() if codes.step_of(secret, code, 0, NOW) == step]
    assert taken == [-1, 0, 1]
    assert codes.step_of(secret, shown[now_step], now_step, NOW) is None
    assert codes.step_of(secret, shown[now_step - 1], now_step, NOW) is None
    assert codes.step_of(secret, shown[now_step + 1], now_step, NOW) == now_step + 1


@given(st.text(max_size=12))
def test_what_is_no_code_is_wrong_and_breaks_nothing(text: str) -> None:
    """Any text, digits of other scripts included."""
    assert codes.step_of(SECRET, text, int(NOW), NOW) is None
    assert codes.recovery_hash(text) is None


def test_recovery_codes_are_read_as_people_write_them() -> None:
    """Capitals, spaces and hyphens do not matter; letters that are taken for others do not occur."""
    drawn = codes.new_recovery_codes()
    assert len(set(drawn)) == codes.RECOVERY_CODES
    assert not set("".join(drawn)) & set("01lo")
    for one in drawn:
        assert codes.recovery_hash(f" {one.upper().replace('-', ' ')} ") == codes.recovery_hash(one) is not None
    assert codes.recovery_hash(drawn[0][:-1]) is None


def test_the_picture_needs_neither_style_nor_script() -> None:
    """SVG by attributes alone, so that a strict policy shows it."""
    shown = codes.picture(codes.address(SECRET, "lan"))
    assert shown.startswith("<svg")
    assert "style" not in shown
    assert "script" not in shown


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("ngắn", "at least 12 characters"),
        ("x" * 1025, "at most 1024 bytes"),
        ("ớ" * 400, "at most 1024 bytes"),
        ("abababababab", "too easy to guess"),
        ("lanngoclanngoc", "too easy to guess"),
    ],
)
def test_new_passwords_that_are_refused(password: str, words: str) -> None:
    """Too short, too long in bytes, of few letters, the name again and again."""
    found = passwords.problem(password, "lanngoc")
    assert found is not None
    assert words in found[1]
    assert found[0] != found[1]


def test_passwords_are_compared_whatever_they_are() -> None:
    """A lone surrogate, nothing, rubbish kept as a hash: wrong, and no exception."""
    kept = passwords.hashed("kênh truyền số 1")
    assert passwords.verify(kept, "kênh truyền số 1") == (True, None)
    for given_kept, given_password in (
        (kept, "\ud800"),
        (kept, ""),
        ("", "x"),
        ("$argon2id$rubbish", "x"),
        (kept, "x" * 5000),
    ):
        assert not passwords.verify(given_kept, given_password).right


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"\xff=\xfe", 400),
        ("application/x-www-form-urlencoded", b"a=1&" * 1001, 400),
        ("application/json", b"{", 400),
        ("application/json", b"[1]", 400),
        ("application/json", b'{"a": {"b": 1}}', 400),
        ("application/json", b'{"a": [1]}', 400),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("text/plain", b"a=1", 415),
        ("", b"a=1", 415),
    ],
)
def test_bodies_that_cannot_be_read(kind: str, body: bytes, status: int) -> None:
    """Each with the status that says why."""
    with pytest.raises(fields.BodyError) as caught:
        fields.parse(kind, body)
    assert caught.value.status == status


def test_forms_and_json_are_the_same_fields() -> None:
    """Lists of texts; what is null, or an empty list, is not there."""
    form = fields.parse("application/x-www-form-urlencoded; charset=UTF-8", b"a=1&a=2&b=%C4%91&c=")
    assert form == {"a": ["1", "2"], "b": ["đ"], "c": [""]}
    document = b'{"a": ["1", "2"], "b": 1.5, "c": true, "d": false, "e": null, "f": []}'
    assert fields.parse("application/json", document) == {"a": ["1", "2"], "b": ["1.5"], "c": ["1"], "d": [""]}
    assert fields.parse("", b"") == {}


PROVIDER = "issuer: 'https://login.example', client_id: a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("access: {mode: ldap}", "access.mode: 'ldap' is not allowed: allowed are local, off, oidc"),
        ("access: {public_read: false}", "access: public_read: with mode off nobody could read anything"),
        ("access: {mode: oidc}", "access: mode: oidc wants the provider in oidc, and in url the address it sends people back to"),
        ("access: {idle: 10s}", "access: idle: allowed is 1min to 1d"),
        ("access: {idle: 2h, lifetime: 1h}", "access: lifetime: allowed is idle to 7d"),
        ("access: {protect_metrics: true}", "access: protect_metrics: a token belongs to it"),
        ("access: {url: 'https://noc.example/tslcd'}", "access: url: https://HOST is wanted, without a path"),
        ("access: {token: abc}", "access.token: a secret is not written here: give {file: PATH} or {credential: NAME}"),
        (f"access: {{oidc: {{{PROVIDER}}}}}", "access.oidc: operators, viewers: name a group, or nobody can get in"),
        (f"access: {{oidc: {{{PROVIDER}, viewers: [a], scopes: [email]}}}}", "access.oidc: scopes: openid is one of them"),
        ("access: {oidc: {issuer: 'http://login.example', client_id: a, viewers: [a]}}", "access.oidc: issuer: https is wanted; http only on this machine"),
        ("access: {oidc: {issuer: 'https://me@login.example', client_id: a, viewers: [a]}}", "access.oidc: issuer: https://HOST/PATH is wanted, without user, query or fragment"),
    ],
)  # fmt: skip
def test_every_mistake_in_the_settings_has_its_message(text: str, message: str) -> None:
    """Key and what is allowed."""
    with pytest.raises(settings.SettingsError) as caught:
        settings.loads(text.encode(), CollectorSettings, name="c.yaml")
    (problem,) = caught.value.problems
    assert f"{problem.key}: {problem.message}" == message
