"""An OpenID provider of a test's own loop that says what it is told to say, true or not."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tslcd_collector.web import bind, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

CLIENT: Final = "tslcd-collector"


class LyingProvider:
    """``lie`` changes what is said: ``claims``, ``header``, ``key``, ``metadata``, ``tokens``, ``user_info``, ``answer``."""

    def __init__(self, issuer: str) -> None:
        """Make a key."""
        self.issuer = issuer
        self.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
        self.lie: dict[str, Any] = {}
        self.nonce = ""
        self.asked: list[dict[str, str]] = []

    async def metadata(self, request: Request) -> Response:
        """Answer discovery."""
        del request
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        return JSONResponse({**found, **self.lie.get("metadata", {})})

    async def jwks(self, request: Request) -> Response:
        """Answer with the public keys."""
        del request
        return JSONResponse(self.lie.get("jwks") or {"keys": [{"kty": "other"}, self.key.as_dict(private=False)]})

    async def token(self, request: Request) -> Response:
        """Answer with an ID token."""
        body = (await request.body()).decode()
        self.asked.append({"body": body, "authorization": request.headers.get("authorization", "")})
        if "answer" in self.lie:
            return Response(**self.lie["answer"])
        tokens = {"access_token": "abc", "token_type": "Bearer", "id_token": self.id_token()}
        return JSONResponse({**tokens, **self.lie.get("tokens", {})})

    async def user_info(self, request: Request) -> Response:
        """Answer with what else is known."""
        del request
        return JSONResponse(self.lie.get("user_info", {"sub": "s-1"}))

    def id_token(self) -> str:
        """Sign the claims."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "s-1",
            "exp": now + 300,
            "iat": now,
            "nonce": self.nonce,
            "preferred_username": "lan",
            "groups": ["noc"],
        }
        claims = {name: value for name, value in {**claims, **self.lie.get("claims", {})}.items() if value is not None}
        header = {"alg": "ES256", "kid": "one", **self.lie.get("header", {})}
        header = {name: value for name, value in header.items() if value is not None}
        if header["alg"] in {"none", "HS256"}:
            signed = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
            if header["alg"] == "none":
                return f"{signed}."
            # what everybody knows, the public key, taken for a shared secret
            return f"{signed}.{_encoded(hmac.digest(self.key.as_pem(private=False), signed.encode(), 'sha256'))}"
        return jwt.encode(header, claims, self.lie.get("key", self.key), algorithms=["ES256"])


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@contextlib.asynccontextmanager
async def lying_provider() -> AsyncIterator[LyingProvider]:
    """Serve one on loopback for the time of a block."""
    listener = bind("127.0.0.1", 0)
    one = LyingProvider(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", one.metadata),
            Route("/jwks", one.jwks),
            Route("/token", one.token, methods=["POST"]),
            Route("/userinfo", one.user_info),
        ]
    )
    try:
        async with serve(app, listener):
            yield one
    finally:
        listener.close()
