"""One-time codes (RFC 6238: SHA-1, 6 digits, 30 s, what every authenticator knows) and codes for when the telephone is lost.

Invariants:

* A code is taken once: its step of time must be later than that of the last one taken, also for codes that are valid still.
* A clock of a telephone may be off by one step, 30 s, in either direction, and not by more.
* A recovery code has 80 bits, so a plain hash keeps it; it is taken once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

STEP: Final = 30
RECOVERY_CODES: Final = 10
ISSUER: Final = "TSLCD"
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 letters and digits that are not taken for one another
_DIGITS: Final = re.compile(r"[0-9]{6}\Z")
_RECOVERY: Final = re.compile(rf"[{_LETTERS}]{{16}}\Z")


def new_secret() -> str:
    """Make the secret of an authenticator: 160 bits in base 32 (RFC 4226 section 4, R6)."""
    import pyotp  # noqa: PLC0415 - where people log in

    return pyotp.random_base32(32)


def step_of(secret: str, code: str, last: int, now: float) -> int | None:
    """Return the step of time whose code this is, None for a wrong one, or one of a step up to ``last``."""
    import pyotp  # noqa: PLC0415 - where people log in

    code = re.sub(r"\s", "", code)
    if not _DIGITS.match(code):
        return None
    generator = pyotp.TOTP(secret)
    current = int(now) // STEP
    found = None
    for step in (current - 1, current, current + 1):
        # all of them are compared, whichever it is
        if hmac.compare_digest(generator.generate_otp(step), code) and step > last:
            found = step
    return found


def address(secret: str, name: str) -> str:
    """Return what an authenticator reads from the picture (otpauth://)."""
    import pyotp  # noqa: PLC0415 - where people log in

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def picture(text: str) -> str:
    """Draw a QR code as an SVG element that needs neither style nor script."""
    import segno  # noqa: PLC0415 - where people log in

    return segno.make(text, error="m").svg_inline(scale=5, border=4, light="#fff", dark="#000", omitsize=False)


def new_recovery_codes() -> list[str]:
    """Make a set of recovery codes, as people read them: ``abcd-efgh-ijkm-npqr``."""
    drawn = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    return ["-".join(one[at : at + 4] for at in range(0, 16, 4)) for one in drawn]


def recovery_hash(code: str) -> bytes | None:
    """Return what is kept of a recovery code, None for what cannot be one."""
    plain = re.sub(r"[\s-]", "", code.casefold())
    return hashlib.sha256(plain.encode()).digest() if _RECOVERY.match(plain) else None
