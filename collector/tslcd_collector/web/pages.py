"""Pages for people: the wall, a channel, and what says that there is none. Rendered here, kept up to date by the scripts.

Invariants:

* Without JavaScript a page says the same, filters included, and comes again by itself.
* Every page carries the id of the event that it was made at, so that the browser hears what came after it, and nothing twice:
  nothing is awaited between the look at what stands and the end of the page.
* Nothing from the inventory, a report or the address is ever markup: templates escape, and the policy that
  :mod:`tslcd_collector.access` sends with every answer runs no inline script.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.responses import Response

from tslcd_collector.errors import LedgerError
from tslcd_collector.exposition import wants_gzip
from tslcd_collector.verdict import PARTY_WORDS, REASON_WORDS, STATE_WORDS, Party, Reason, State
from tslcd_collector.web import wording
from tslcd_collector.web.assets import SHIPPED
from tslcd_collector.web.names import found
from tslcd_collector.web.screen import coverage, needs, short, totals, worst
from tslcd_collector.web.sheet import describe

if TYPE_CHECKING:
    from starlette.requests import Request

    from tslcd_collector.inventory import Channel
    from tslcd_collector.ledger.rows import History
    from tslcd_collector.operations.rows import Comment
    from tslcd_collector.web.screen import Plan, Row, Tile
    from tslcd_collector.web.view import View
    from tslcd_runtime.language import Language

#: How many entries the list of what needs somebody has; the rest is counted.
LISTED: Final = 60
#: How many comments a channel's page has, the newest.
COMMENTS: Final = 20
#: How long a page waits for what is on disk, seconds.
PATIENCE: Final = 3.0
#: A wall that nothing has changed on is the same for so long, seconds: a hundred browsers that come at once cost one page.
KEPT: Final = 5.0
_MAX_KEPT: Final = 32
THEMES: Final = ("auto", "dark", "light")
_YEAR: Final = 365 * 86400
_MAX_QUERY: Final = 100


_environment = Environment(
    loader=PackageLoader("tslcd_collector.web"),
    autoescape=select_autoescape(default=True),
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
# read now, so that no request waits for a disk
_templates = {name: _environment.get_template(name) for name in ("wall.html", "channel.html", "gone.html")}
for _part in ("layout.html", "parts.html"):
    _environment.get_template(_part)


class Pages:
    """The handlers, over ``view``."""

    def __init__(self, view: View) -> None:
        """Remember what may be looked at."""
        self._view = view
        self._kept: dict[str, bytes] = {}

    async def wall(self, request: Request) -> Response:
        """Show every channel, what needs somebody, and how old all of it is."""
        now, rows, plan = time.time(), self._view.rows(), self._view.plan()
        chosen = {name: request.query_params.get(name, "")[:_MAX_QUERY] for name in ("state", "party", "operator", "q")}
        beat = self._view.beat()
        decides = (
            *(request.url.query, _language(request), _theme(request), *_who(request)),
            *(self._view.feed.last, beat["plan"], beat["broker"], self._view.not_ready(), now // KEPT),
        )
        tag = _tag(repr(decides).encode())
        body = self._kept.get(tag)
        if body is None:
            body = self._render(request, "wall.html", now, **_on_the_wall(plan, rows, chosen))
            while len(self._kept) >= _MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[tag] = body
        return _answer(request, body, tag)

    async def channel(self, request: Request) -> Response:
        """Show one channel: what it is, since when, who must act, its past, and the measurements of its last day."""
        name = request.path_params["channel"]
        if self._stands(name) is None:
            return _answer(request, self._render(request, "gone.html", time.time()), "", 404)
        past, comments = await asyncio.gather(self._past(name), self._comments(name))
        # nothing is awaited from here on: the page shows what stood at the event whose id it carries
        now, found = time.time(), self._stands(name)
        if found is None:
            return _answer(request, self._render(request, "gone.html", now), "", 404)
        channel, row = found
        content = describe(self._view, channel, past, _language(request), now)
        body = self._render(request, "channel.html", now, channel=channel, row=row, comments=comments, **content)
        return _answer(request, body, _tag(body))

    async def static(self, request: Request) -> Response:
        """Serve style and scripts."""
        return SHIPPED.answer(request)

    def _stands(self, name: str) -> tuple[Channel, Row] | None:
        """Return a channel and what it is now, None for one that nobody supervises."""
        plan = self._view.plan()
        channel = plan.inventory.channels.get(name) if plan is not None else None
        row = self._view.rows().get(name)
        return (channel, row) if channel is not None and row is not None else None

    async def _past(self, channel: str) -> History | None:
        """Return the last week of a channel, None when it cannot be read."""
        now = time.time()
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._view.past(channel, now - 7 * 86400, now)
        except (LedgerError, TimeoutError):
            return None

    async def _comments(self, channel: str) -> list[Comment] | None:
        """Return the newest comments on a channel, None when they cannot be read."""
        if self._view.operations is None:
            return []
        try:
            async with asyncio.timeout(PATIENCE):
                return (await self._view.operations.comments(channel))[:COMMENTS]
        except Exception:  # noqa: BLE001 - whatever is wrong with that file, the channel is shown
            return None

    def _render(self, request: Request, template: str, now: float, **content: Any) -> bytes:
        language, theme = _language(request), _theme(request)
        person, csrf = _who(request)
        context = {
            "language": language.value,
            "other": "en" if language.value == "vi" else "vi",
            "theme": theme,
            "t": lambda key, **words: wording.say(language, key).format(**words),
            "state_word": lambda state: getattr(STATE_WORDS[State(state)], language.value),
            "brief_word": lambda state: getattr(wording.BRIEF[State(state)], language.value),
            "reason_word": lambda reason: getattr(short(Reason(reason)), language.value),
            "sentence": lambda reason: getattr(REASON_WORDS[Reason(reason)], language.value),
            "party_word": lambda party: getattr(PARTY_WORDS[Party(party)], language.value),
            "duration": lambda seconds: wording.duration(seconds, language),
            "lasts": lambda seconds: wording.age(seconds, language),
            "percent": lambda share: wording.percent(share, language),
            "since": lambda at: wording.since(at, now),
            "moment": wording.moment,
            "clock": wording.clock,
            "now": now,
            "address": lambda **changes: _address(request, changes),
            "asset": SHIPPED.path,
            "words": _inline(wording.dictionary(language)),
            "beat": self._view.beat(),
            "seen": self._view.feed.last,
            "not_ready": self._view.not_ready(),
            "province": self._view.supervision.inventory.province.name if self._view.supervision.inventory else "",
            "person": person,
            "operator": _is_operator(person),
            "login": self._view.access is not None and self._view.access.settings.active and person is None,
            "csrf": csrf,
        }
        return _templates[template].render(context | content).encode()


def _answer(request: Request, body: bytes, tag: str, status: int = 200) -> Response:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Accept-Language, Cookie"}
    if tag:
        headers["ETag"] = f'W/"{tag}"'
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
    if wants_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, 5, mtime=0)
    response = Response(body, status, media_type="text/html", headers=headers)
    for name, allowed in (("lang", ("vi", "en")), ("theme", THEMES)):
        if request.query_params.get(name) in allowed:
            response.set_cookie(name, request.query_params[name], max_age=_YEAR, samesite="lax")
    return response


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _on_the_wall(plan: Plan | None, rows: dict[str, Row], chosen: dict[str, str]) -> dict[str, Any]:
    """Return what the template of the wall asks for, as the filters have it."""
    tiles = plan.tiles if plan is not None else ()
    shown = {channel.id for tile in tiles for channel in tile.channels if _chosen(tile, channel, rows, chosen)}
    wanted = needs(plan, {channel: rows[channel] for channel in shown}) if plan is not None else []
    return {
        "tiles": [_tile(tile, rows, shown) for tile in tiles],
        "rows": rows,
        "needs": wanted[:LISTED],
        "more": max(0, len(wanted) - LISTED),
        "totals": totals(rows),
        "coverage": coverage(rows),
        "operators": plan.operators if plan is not None else (),
        "chosen": chosen,
        "shown": shown,
        "Party": Party,
    }


def _language(request: Request) -> Language:
    return wording.preferred(
        asked=request.query_params.get("lang"),
        remembered=request.cookies.get("lang"),
        accept=request.headers.get("accept-language", ""),
    )


def _theme(request: Request) -> str:
    asked = (request.query_params.get("theme"), request.cookies.get("theme"))
    return next((one for one in asked if one in THEMES), "auto")


def _who(request: Request) -> tuple[Any, str]:
    """Return who asks, None where nobody logs in, and the token of their forms."""
    return getattr(request.state, "person", None), getattr(request.state, "csrf", "")


def _is_operator(person: Any) -> bool:
    role = getattr(person, "role", None)
    return getattr(role, "value", role) == "operator"


def _address(request: Request, changes: dict[str, str]) -> str:
    """Return the address of this page with other parameters."""
    known = {name: value for name, value in request.query_params.items() if value and name not in {"lang", "theme"}}
    return f"?{urlencode(known | changes)}"


def _chosen(tile: Tile, channel: Channel, rows: dict[str, Row], chosen: dict[str, str]) -> bool:
    """Whether a channel is among what the filters let through."""
    row = rows.get(channel.id)
    if row is None:
        return False
    for name, value in (("state", row.state), ("party", row.party), ("operator", channel.operator)):
        if chosen[name] and chosen[name] != value:
            return False
    agency, operator = channel.agency.name, channel.operator
    text = f"{tile.type} {tile.name} {tile.site.id} {channel.id} {channel.name} {agency} {operator}"
    return not chosen["q"] or found(chosen["q"], text)


def _tile(tile: Tile, rows: dict[str, Row], shown: set[str]) -> dict[str, Any]:
    """Return what the template asks of one tile; ``part``: not all of its channels share its state."""
    known = [(channel, rows[channel.id]) for channel in tile.channels if channel.id in rows]
    state = worst(row.state for _, row in known)
    return {
        "tile": tile,
        "channels": known,
        "state": state,
        "since": min((row.since for _, row in known if row.state == state), default=0.0),
        "hidden": not any(channel.id in shown for channel, _ in known),
        "part": any(row.state != state for _, row in known),
    }


def _inline(document: object) -> Markup:
    """Write JSON into a data block of a page: nothing in it can end the block."""
    text = msgspec.json.encode(document).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - that is what it is for
