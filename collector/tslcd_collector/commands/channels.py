"""``channels``: the board of a running collector as a table, by its HTTP API."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from tslcd_runtime.language import Language
    from tslcd_runtime.secret import Secret

STYLES: Final = {"up": "green", "degraded": "yellow", "down": "bold red", "unknown": "magenta", "maintenance": "blue"}
#: A shape a state, so that colour is never the only sign.
MARKS: Final = {"up": "●", "degraded": "◐", "down": "✖", "unknown": "?", "maintenance": "◇"}
_VIET_NAM: Final = dt.timezone(dt.timedelta(hours=7))
_TIMEOUT: Final = 10.0
#: What every question of this command shows.
_shown: Final[dict[str, str]] = {}


class ApiError(Exception):
    """The collector's API cannot be had. The message names the address."""


def show_token(token: Secret | None) -> None:
    """Show ``access.token`` from now on, to the collector of the same settings."""
    if token is not None:
        _shown["Authorization"] = f"Bearer {token.reveal()}"


def fetch(url: str) -> list[dict[str, Any]]:
    """Ask the collector at ``url`` for its channels. Raises ApiError."""
    channels: list[dict[str, Any]] | None = ask(url, "/api/v1/channels").get("channels")
    if channels is None:
        raise ApiError(f"{url}: not the answer of a collector")
    return channels


def ask(url: str, path: str) -> dict[str, Any]:
    """Ask the collector at ``url`` for the JSON document at ``path``. Raises ApiError, with the collector's own words if any."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ApiError(f"{url}: an address looks like http://HOST:PORT")
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=_TIMEOUT)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}{path}", headers=_shown)
        response = connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise ApiError(f"{url}: answered {response.status}: {_reason(body) or 'is this a collector?'}")
        document: dict[str, Any] = json.loads(body)
        if not isinstance(document, dict):
            raise ApiError(f"{url}: not the answer of a collector")
    except (OSError, http.client.HTTPException) as error:
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
        raise ApiError(f"{url}: {reason}: is the collector running?") from None
    except ValueError:
        raise ApiError(f"{url}: not the answer of a collector") from None
    finally:
        connection.close()
    return document


def _reason(body: bytes) -> str:
    """Return what a collector says of an error, empty for another program's page."""
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def table(channels: list[dict[str, Any]], language: Language) -> Table:
    """Lay the channels out for people, in the order of the inventory."""
    counts = {state: sum(one["state"] == state for one in channels) for state in STYLES}
    words = {one["state"]: one["state_words"] for one in channels}
    caption = " · ".join(
        f"{words[state][language.value]}: {count}" for state, count in counts.items() if count and state in words
    )
    shown = Table(
        title=language.say(vi=f"{len(channels)} kênh truyền", en=f"{len(channels)} channels"), caption=caption
    )
    for vi, en in (
        ("Kênh", "Channel"),
        ("Điểm kết nối", "Site"),
        ("Tình trạng", "State"),
        ("Lý do", "Reason"),
        ("Bên xử lý", "Party"),
        ("Từ lúc", "Since"),
        ("Trễ", "RTT"),
        ("Mất gói", "Loss"),
    ):
        shown.add_column(language.say(vi=vi, en=en), no_wrap=True, overflow="ellipsis")
    for one in channels:
        style = STYLES.get(one["state"], "")
        since = dt.datetime.fromtimestamp(one["state_since"], _VIET_NAM)
        rtt, loss = one["traffic"]["rtt_seconds"], one["traffic"]["loss_ratio"]
        shown.add_row(
            escape(one["id"]),
            escape(one["site_name"]),
            f"[{style}]{MARKS.get(one['state'], '?')} {escape(one['state_words'][language.value])}[/]",
            one["reason"],
            escape(one["party_words"][language.value]),
            f"{since:%d/%m %H:%M:%S}",
            "" if rtt is None else f"{rtt * 1000:.1f} ms",
            "" if loss is None else f"{loss:.0%}",
        )
    return shown
