"""Login at an OpenID Connect provider: code flow with PKCE (OpenID Connect Core 1.0, RFC 7636, RP-Initiated Logout 1.0).

Invariants:

* A login is finished only by the browser that began it, once, within ten minutes, with the state, nonce and verifier made for it.
* A token counts only when a key of the provider signed it by an asymmetric algorithm, for this client, by this issuer, and when it
  is not expired; ``alg: none`` and secrets shared with the client are refused whatever the provider says that it supports.
* A key that is not known is asked for once more, so that a provider may change its keys; not more often than every ten seconds.
* Roles come from the claim that the settings name, and from nothing else; who has none of the groups is refused.

authlib makes and checks what the protocol says, httpcore carries it: authlib's own client needs httpx, which loads rich into the collector.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpcore
import msgspec

from tslcd_collector.access.headers import safe_next
from tslcd_collector.access.person import Role
from tslcd_collector.access.sessions import digest
from tslcd_collector.access.settings import LOOPBACK
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.access.settings import Provider

CALLBACK: Final = "/login/callback"
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
#: What is imported when the first login comes, tens of milliseconds of work.
NEEDED: Final = (
    "authlib.oidc.core",
    "authlib.oauth2.auth",
    "authlib.oauth2.rfc6749.parameters",
    "authlib.oauth2.rfc7636",
    "joserfc.jwt",
)
#: Seconds a login may take, and logins under way.
FLOW: Final = 600.0
MAX_FLOWS: Final = 1000
#: Discovery and keys are read again after so long, and not more often than this; seconds.
FRESH: Final = 3600.0
AGAIN: Final = 10.0
#: Seconds that an answer may take, and its bytes.
TIMEOUT: Final = 10.0
LARGEST: Final = 512 * 1024
#: What clocks of the provider and of this machine may differ by, seconds.
LEEWAY: Final = 60
MAX_NAME: Final = 100


class ProviderError(Exception):
    """A login at the provider that came to nothing. ``code`` is bounded, the text names no token; ``detail``: what it is about."""

    def __init__(self, code: str, text: str, detail: str = "") -> None:
        """Remember."""
        self.code = code
        self.detail = detail
        super().__init__(text)


class Claimed(NamedTuple):
    """What the provider says of a person, and where that person wants to go on to."""

    subject: str
    name: str
    role: Role
    id_token: str
    onward: str


class _Flow(NamedTuple):
    state: str
    nonce: str
    verifier: str
    onward: str
    begun: float


class OpenId:
    """One provider. ``own``: the address of this collector, to which people come back."""

    def __init__(self, settings: Provider, own: str) -> None:
        """Remember."""
        self.settings = settings
        self._own = own
        self._pool: httpcore.AsyncConnectionPool | None = None
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[Any]] | None = None
        self._flows: OrderedDict[bytes, _Flow] = OrderedDict()
        self._log = get_logger("provider")

    async def begin(self, browser: str, onward: str) -> str:
        """Begin a login of the browser that got the cookie ``browser``; return where to send it. Raises ProviderError."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]  # noqa: PLC0415 - authlib is large
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # noqa: PLC0415

        metadata = await self._discover()
        state, nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        flow = _Flow(state, nonce, verifier, safe_next(onward), _steady())
        self._flows[digest(browser)] = flow
        while len(self._flows) > MAX_FLOWS:
            self._flows.popitem(last=False)
        return str(
            prepare_grant_uri(
                metadata["authorization_endpoint"],
                self.settings.client_id,
                "code",
                redirect_uri=self._own + CALLBACK,
                scope=list(self.settings.scopes),
                state=flow.state,
                nonce=flow.nonce,
                code_challenge=create_s256_code_challenge(flow.verifier),
                code_challenge_method="S256",
            )
        )

    async def finish(self, answer: Mapping[str, str], browser: str, now: float) -> Claimed:
        """Finish a login by what the provider sent the browser back with; ``now`` in UTC seconds. Raises ProviderError."""
        flow = self._flows.pop(digest(browser), None) if browser else None
        if flow is None or _steady() - flow.begun > FLOW:
            raise ProviderError("flow", "no login of this browser is under way, or it took too long: begin again")
        if not secrets.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise ProviderError("state", "the answer does not belong to the login that this browser began")
        # RFC 9207: an answer that says who it is from is from our provider
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:
            raise ProviderError("issuer", "the answer is from another provider")
        if "error" in answer:
            raise ProviderError("refused", f"the provider refused: {answer['error'][:60]}")
        if not answer.get("code"):
            raise ProviderError("code", "the provider sent no code")
        tokens = await self._exchange(answer["code"], flow.verifier)
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise ProviderError("token", "the provider sent no ID token")
        claims = await self._checked(id_token, flow.nonce, tokens.get("access_token"), now)
        if _claim(claims, self.settings.role_claim) is None or _claim(claims, self.settings.name_claim) is None:
            claims = {**await self._user_info(tokens, claims["sub"]), **claims}
        return self._claimed(claims, id_token, flow.onward)

    async def logout_address(self, id_token: str) -> str | None:
        """Return where a person goes to be logged out of the provider too; None when it has no such page."""
        from authlib.common.urls import add_params_to_uri  # type: ignore[import-untyped]  # noqa: PLC0415 - authlib is large

        try:
            there = (await self._discover()).get("end_session_endpoint")
        except ProviderError:
            return None
        if not isinstance(there, str) or not self._trusted(there):
            return None
        asked = [("client_id", self.settings.client_id), ("post_logout_redirect_uri", f"{self._own}/login")]
        return str(add_params_to_uri(there, [*asked, ("id_token_hint", id_token)] if id_token else asked))

    async def look(self) -> int:
        """Read what every login begins with; return how many keys of the provider can be used. Raises ProviderError, OSError."""
        await self._discover()
        if keys := await self._known_keys():
            return len(keys)
        raise ProviderError("key", "the provider publishes no key that can be used")

    async def close(self) -> None:
        """Close connections."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    def _claimed(self, claims: Mapping[str, Any], id_token: str, onward: str) -> Claimed:
        groups = _claim(claims, self.settings.role_claim)
        if isinstance(groups, str):
            groups = groups.split()
        has = {"*", *(one for one in groups if isinstance(one, str))} if isinstance(groups, list) else {"*"}
        if has & set(self.settings.operators):
            role = Role.OPERATOR
        elif has & set(self.settings.viewers):
            role = Role.VIEWER
        else:
            raise ProviderError("role", "this person has none of the groups that may log in here")
        name = _claim(claims, self.settings.name_claim)
        subject = str(claims["sub"])[:255]
        shown = name.strip() if isinstance(name, str) and name.isprintable() else ""
        return Claimed(subject, shown[:MAX_NAME] or subject[:MAX_NAME], role, id_token, onward)

    async def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]  # noqa: PLC0415 - authlib is large
        from authlib.oauth2.rfc6749.parameters import prepare_token_request  # noqa: PLC0415

        metadata = await self._discover()
        secret = self.settings.client_secret
        allowed = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        how = "none" if secret is None else "client_secret_basic"
        if secret is not None and how not in allowed and "client_secret_post" in allowed:
            how = "client_secret_post"
        body = prepare_token_request(
            "authorization_code", redirect_uri=self._own + CALLBACK, code=code, code_verifier=verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        auth = ClientAuth(self.settings.client_id, secret.reveal() if secret else None, how)
        url, headers, body = auth.prepare("POST", metadata["token_endpoint"], headers, body)
        return await self._ask("POST", url, headers, body.encode())

    async def _checked(self, token: str, nonce: str, access_token: object, now: float) -> dict[str, Any]:
        """Return the claims of an ID token. Raises ProviderError."""
        try:
            return self._check(token, await self._known_keys(), nonce, access_token, now)
        except _UnknownKeyError:
            try:
                return self._check(token, await self._known_keys(anew=True), nonce, access_token, now)
            except _UnknownKeyError:
                raise ProviderError(
                    "key", "the ID token is signed with a key that the provider does not publish"
                ) from None

    def _check(self, token: str, keys: list[Any], nonce: str, access_token: object, now: float) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # noqa: PLC0415 - authlib is large
        from joserfc import jws, jwt  # noqa: PLC0415
        from joserfc.errors import BadSignatureError, JoseError  # noqa: PLC0415

        try:
            header = jws.extract_compact(token.encode()).headers()
            if header.get("alg") not in ALGORITHMS:
                raise ProviderError("algorithm", "the ID token is not signed by an algorithm that is allowed")
            fitting = [one for one in keys if "kid" not in header or one.kid == header["kid"]]
            for key in fitting:
                try:
                    found = jwt.decode(token, key, algorithms=list(ALGORITHMS))
                    break
                except (BadSignatureError, ValueError, TypeError):
                    continue
            else:
                if "kid" in header and fitting:
                    raise ProviderError("signature", "the signature of the ID token is wrong")
                raise _UnknownKeyError
            claims = CodeIDToken(
                found.claims,
                found.header,
                {
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                    "sub": {"essential": True},
                    "exp": {"essential": True},
                },
                {"nonce": nonce, "client_id": self.settings.client_id, "access_token": access_token},
            )
            claims.validate(now=int(now), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            # the message names a claim, never its value
            code = getattr(error, "error", "") or type(error).__name__
            claim = getattr(error, "claim", "")
            raise ProviderError("token", f"the ID token is refused: {code} {claim}".strip()[:100]) from None
        return dict(claims)

    async def _user_info(self, tokens: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """Return what else the provider knows; only of the same subject (OpenID Connect Core 5.3.2)."""
        there = (await self._discover()).get("userinfo_endpoint")
        access = tokens.get("access_token")
        if not isinstance(there, str) or not isinstance(access, str):
            return {}
        found = await self._ask("GET", there, {"Authorization": f"Bearer {access}"})
        if found.get("sub") != subject:
            raise ProviderError("subject", "the user info is of somebody else")
        return found

    async def _discover(self) -> dict[str, Any]:
        if self._metadata is not None and _steady() - self._metadata[0] < FRESH:
            return self._metadata[1]
        found = await self._ask("GET", self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration", {})
        if found.get("issuer") != self.settings.issuer:
            text = f"the provider calls itself another issuer than {self.settings.issuer}"
            raise ProviderError("issuer", text, repr(found.get("issuer"))[:200])
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(name), str) or not self._trusted(found[name]):
                raise ProviderError("discovery", f"the provider's {name} is missing, or not https", name)
        self._metadata = (_steady(), found)
        return found

    async def _known_keys(self, *, anew: bool = False) -> list[Any]:
        from joserfc.errors import JoseError  # noqa: PLC0415 - authlib is large
        from joserfc.jwk import import_key  # noqa: PLC0415

        if self._keys is not None and _steady() - self._keys[0] < (AGAIN if anew else FRESH):
            return self._keys[1]
        found = await self._ask("GET", (await self._discover())["jwks_uri"], {})
        keys = []
        for one in found.get("keys", [])[:50] if isinstance(found.get("keys"), list) else []:
            try:
                if one.get("use", "sig") == "sig" and one.get("kty") in {"RSA", "EC", "OKP"}:
                    keys.append(import_key(one))
            except (JoseError, ValueError, TypeError, AttributeError, KeyError):
                continue  # a key of a kind we do not know is another's
        self._keys = (_steady(), keys)
        return keys

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> dict[str, Any]:
        """Ask the provider; it answers in JSON. Raises ProviderError."""
        if self._pool is None:
            context = await asyncio.to_thread(ssl.create_default_context, cafile=self.settings.ca)
            self._pool = httpcore.AsyncConnectionPool(ssl_context=context, max_connections=4, keepalive_expiry=30.0)
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT)
        raw, where = b"", urlsplit(url).path
        sent = {
            "Host": urlsplit(url).netloc,
            "Accept": "application/json",
            "Content-Length": str(len(body or b"")),
            **headers,
        }
        try:
            async with (
                asyncio.timeout(TIMEOUT),
                self._pool.stream(
                    method, url, headers=list(sent.items()), content=body, extensions={"timeout": timeout}
                ) as answer,
            ):
                async for chunk in answer.aiter_stream():
                    raw += chunk
                    if len(raw) > LARGEST:
                        text = f"{where}: the answer is longer than {LARGEST} bytes"
                        raise ProviderError("answer", text, f"{where}: longer than {LARGEST} bytes")
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
            TimeoutError,
            OSError,
        ) as error:
            reason = _reason(error)
            self._log.warning("provider not reached", path=where, reason=reason)
            raise ProviderError("unreachable", "the provider cannot be reached", reason) from None
        if answer.status != 200:  # noqa: PLR2004 - the one status of success here
            self._log.warning("provider refused", path=where, status=answer.status)
            raise ProviderError(
                "answer", f"{where}: the provider answered {answer.status}", f"{where}: {answer.status}"
            )
        try:
            return msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError:
            text = f"{where}: the answer is not a JSON object"
            raise ProviderError("answer", text, f"{where}: not a JSON object") from None

    def _trusted(self, url: str) -> bool:
        """Whether what goes there is not read on the way."""
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


class _UnknownKeyError(Exception):
    """No key that is known fits."""


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim; a dot goes one level down, unless a claim has it in its name."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _reason(error: BaseException) -> str:
    """Return why there was no answer, in the words of the system rather than of the libraries."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, ssl.SSLCertVerificationError):
            return f"certificate: {at.verify_message}"
        if isinstance(at, ssl.SSLError):
            return f"no TLS: {(at.reason or str(at)).lower().replace('_', ' ')}"
        if isinstance(at, OSError) and at.strerror:
            return os.strerror(at.errno).lower() if at.errno and at.errno > 0 else at.strerror.lower()
        at = at.__cause__ or at.__context__
    timeout = isinstance(error, (httpcore.TimeoutException, TimeoutError))
    return "no answer in time" if timeout else str(error) or type(error).__name__


def _steady() -> float:
    return time.monotonic()
