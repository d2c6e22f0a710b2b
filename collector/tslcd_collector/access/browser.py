"""What a browser shows and is given: cookies that neither scripts nor other sites get, its address, and how it speaks to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tslcd_collector.access.headers import cookie_name

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tslcd_collector.access.settings import AccessSettings


class Browser:
    """One request's browser."""

    def __init__(self, request: Request, settings: AccessSettings) -> None:
        """Look at the request."""
        self._request = request
        #: Whether it speaks https, to the collector or to a proxy before it.
        self.https = request.url.scheme == "https" or (settings.url or "").startswith("https:")

    @property
    def source(self) -> str:
        """The address it comes from."""
        return self._request.client.host if self._request.client is not None else ""

    def cookie(self, what: str) -> str:
        """Return a cookie of ours, empty when there is none."""
        return self._request.cookies.get(cookie_name(what, https=self.https), "")

    def give(self, answer: Response, what: str, value: str, *, seconds: int | None = None) -> None:
        """Set a cookie; without ``seconds`` it ends with the browser."""
        answer.set_cookie(
            cookie_name(what, https=self.https),
            value,
            max_age=seconds,
            httponly=True,
            secure=self.https,
            samesite="lax",
        )

    def take(self, answer: Response, what: str) -> None:
        """Delete a cookie."""
        answer.delete_cookie(cookie_name(what, https=self.https), httponly=True, secure=self.https, samesite="lax")
