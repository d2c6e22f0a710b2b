"""Pages without a browser: languages, hostile names, filters, caching, sizes, and methods that are not theirs."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from support import inventories, wall
from support.asked import ask
from tslcd_collector import inventory
from tslcd_collector.access import Person, Role
from tslcd_collector.judge import phrases
from tslcd_collector.ledger.rows import History, Interval, Revision
from tslcd_collector.supervision import Standing
from tslcd_collector.verdict import Party, Reason, State, Verdict, Words
from tslcd_collector.web import application
from tslcd_collector.web.assets import SHIPPED
from tslcd_collector.web.pages import Pages

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.applications import Starlette

    from tslcd_collector.web import View

#: What somebody might write into an inventory to be run on the wall.
HOSTILE: Final = """</script><script>alert(1)</script><img src=x onerror=alert(2)>'"&{{271*271}}"""


class Markup(HTMLParser):
    """What is in a page: tags with attributes, and text."""

    def __init__(self, text: str) -> None:
        """Parse."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Remember text."""
        self.texts.append(data)


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> tuple[View, Starlette]:
    """Make 500 channels in trouble, once."""
    made = wall.view(tmp_path_factory.mktemp("inventory"))
    return made, application(made)


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[View, Starlette]:
    """Make channels whose every text is hostile."""
    written = json.dumps(HOSTILE, ensure_ascii=False)
    change: dict[str, str | None] = {
        name: text.replace("Trụ sở", written).replace("Ủy ban nhân dân", written)
        for name, text in inventories.FILES.items()
        if name in {"sites.yaml", "agencies.yaml"}
    }
    change["channels.yaml"] = (
        inventories.FILES["channels.yaml"]
        .replace("operator: VNPT", f"operator: {written}\n  name: {written}\n  tenant: {written}")
        .replace("circuit: VNPT-1", f"circuit: {written}")
        .replace("legal_document: 01/2025", f"legal_document: {written}")
    )
    change["contacts.yaml"] = f"contacts:\n- {{id: noc, name: {written}, role: {written}}}\n"
    made = wall.seen(inventory.load(inventories.write(tmp_path, change)), troubled=False)
    verdict = Verdict(State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR, Words(HOSTILE, HOSTILE))
    made.supervision.standing["c1"] = Standing(verdict, 1.0, 1.0)
    return made, application(made)


def pages_of(made: View) -> list[str]:
    """Return the addresses of all kinds of pages."""
    known = made.supervision.inventory
    assert known is not None
    return ["/", f"/channels/{next(iter(known.channels))}", "/channels/none"]


async def test_hostile_names_are_text_and_never_markup(hostile: tuple[View, Starlette]) -> None:
    """From the inventory, from a verdict's detail, from the address and from its query."""
    made, app = hostile
    evil = quote(HOSTILE, safe="")
    for target in (
        *pages_of(made),
        f"/?q={evil}&operator={evil}&state={evil}&party={evil}&lang={evil}",
        f"/channels/{evil}",
    ):
        answer = await ask(app, target, headers={"accept": "text/html"})
        markup = Markup(answer.text)
        assert not any(tag == "img" for tag, _ in markup.tags), target
        assert not any(name.startswith("on") for _, attributes in markup.tags for name in attributes), target
        scripts = [attributes for tag, attributes in markup.tags if tag == "script"]
        assert all(one.get("type") == "application/json" or "src" in one for one in scripts), target
        assert "alert(1)" not in answer.text or "&lt;script&gt;alert(1)" in answer.text, target
        assert "73441" not in "".join(markup.texts)
    listened = await ask(app, "/api/v1/channels")
    assert json.loads(listened.text)["channels"][0]["detail"] == {"vi": HOSTILE, "en": HOSTILE}


async def test_a_page_asks_for_nothing_but_files_of_the_collector(province: tuple[View, Starlette]) -> None:
    """No inline style or script, which the policy would refuse, and no other host."""
    made, app = province
    for target in pages_of(made):
        answer = await ask(app, target)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        markup = Markup(answer.text)
        assert not [tag for tag, attributes in markup.tags if tag == "style" or "style" in attributes]
        asked = [
            str(attributes.get("src") or attributes.get("href"))
            for tag, attributes in markup.tags
            if tag in {"script", "link", "img", "iframe"} and ("src" in attributes or "href" in attributes)
        ]
        assert asked
        for path in asked:
            found = await ask(app, path)
            assert (found.status, found.headers["x-content-type-options"]) == (200, "nosniff"), path
            assert "immutable" in found.headers["cache-control"]


@pytest.mark.parametrize(
    ("query", "headers", "language"),
    [
        ("", {}, "vi"),
        ("", {"accept-language": "en-GB,en;q=0.9"}, "en"),
        ("?lang=en", {"accept-language": "vi"}, "en"),
        ("", {"cookie": "lang=en", "accept-language": "vi"}, "en"),
        ("?lang=xx", {"cookie": "lang=<b>; theme=\x00"}, "vi"),
    ],
)
async def test_pages_speak_the_language_that_is_wanted(
    province: tuple[View, Starlette], query: str, headers: dict[str, str], language: str
) -> None:
    """All of it: the words of states, reasons and parties too; what was chosen in the address is remembered."""
    made, app = province
    other = {"vi": ("Needs somebody", "operator</"), "en": ("Cần xử lý", "mất kết nối")}[language]
    for target in pages_of(made):
        answer = await ask(app, target + query, headers=headers)
        assert f'<html lang="{language}"' in answer.text
        assert not [word for word in other if word in answer.text.replace("Lịch", "")]
        assert any("lang=en" in one for one in answer.cookies) == (query == "?lang=en")


async def test_the_wall_shows_everything_without_scripts(province: tuple[View, Starlette]) -> None:
    """Every channel with a name and a state in words, what needs somebody, and a page that comes again by itself."""
    made, app = province
    answer = await ask(app, "/")
    markup = Markup(answer.text)
    links = {attributes.get("href") for tag, attributes in markup.tags if tag == "a"}
    assert {f"/channels/{channel}" for channel in made.supervision.standing} <= links
    assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in answer.text
    assert answer.text.count('<li class="need ') == 13
    assert answer.text.count("<i>mất kết nối</i>") == 9


async def test_filters_work_in_the_address(province: tuple[View, Starlette]) -> None:
    """State, party, operator and text together; a filter that lets nothing through says so."""
    _, app = province

    async def shown(query: str) -> tuple[int, int]:
        markup = Markup((await ask(app, f"/?{query}")).text)
        chips = [
            attributes for tag, attributes in markup.tags if tag == "a" and str(attributes.get("id")).startswith("c-")
        ]
        tiles = [attributes for tag, attributes in markup.tags if tag == "li" and "data-site" in attributes]
        return sum("hidden" not in one for one in chips), sum("hidden" not in one for one in tiles)

    assert await shown("") == (500, 124)
    assert await shown("state=down") == (9, 6)
    assert await shown("state=down&party=agency") == (2, 2)
    assert await shown("q=tan+thuy&operator=VNPT") == await shown(f"q={quote('Thuỷ Tân')}&operator=VNPT")
    assert await shown("q=tan+thuy&state=up") == (0, 0)
    assert await shown(f"q={'x' * 5000}") == (0, 0)
    nothing = (await ask(app, "/?q=nowhere")).text
    assert re.search(r'id="no-match">', nothing)


@pytest.mark.parametrize(
    "channel", ["none", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "c1%20", "%F0%9F%98%80", "x" * 3000, "%3Cscript%3E"]
)
async def test_a_channel_that_is_not_there_is_a_page_that_says_so(
    province: tuple[View, Starlette], channel: str
) -> None:
    """404 whatever is asked for, with the way back; never a trace of the program."""
    _, app = province
    for target in (f"/channels/{channel}", f"/api/v1/channels/{channel}/day", f"/static/{channel}"):
        answer = await ask(app, target, headers={"accept": "text/html"})
        assert answer.status == 404
        assert "Traceback" not in answer.text
        assert "<script>" not in answer.text


async def test_methods_that_are_not_theirs_are_refused_and_head_has_no_body(province: tuple[View, Starlette]) -> None:
    """HEAD tells what GET would; /events does not begin to stream for it."""
    made, app = province
    for target in (*pages_of(made)[:2], "/events", "/api/v1/channels", SHIPPED.path("live.js")):
        head = await ask(app, target, method="HEAD")
        assert head.status == 200
        assert "content-type" in head.headers
        for method in ("PUT", "DELETE", "PATCH"):
            refused = await ask(app, target, method=method)
            assert refused.status in {403, 405}, (method, target)
    assert made.feed.listeners == 0


async def test_what_is_known_is_not_sent_again(province: tuple[View, Starlette]) -> None:
    """304 with the tag of the page, while nothing changed; a change is another page at once."""
    made, app = province
    first = await ask(app, "/?q=long")
    same = await ask(app, "/?q=long", headers={"if-none-match": first.headers["etag"]})
    other = await ask(app, "/?q=long", headers={"if-none-match": first.headers["etag"], "cookie": "lang=en"})
    assert same.status in {200, 304}  # 200 when five seconds went by between
    assert other.status == 200
    channel, before = next(iter(made.supervision.standing.items()))
    made.supervision.standing[channel] = Standing(Verdict(State.DOWN, Reason.LOSS, Party.OPERATOR), 5.0, 5.0)
    try:
        changed = await ask(app, "/?q=long", headers={"if-none-match": first.headers["etag"]})
    finally:
        made.supervision.standing[channel] = before
    assert changed.status == 200
    assert changed.headers["etag"] != first.headers["etag"]
    path = SHIPPED.path("wall.js")
    asset = await ask(app, path)
    assert (await ask(app, path, headers={"if-none-match": asset.headers["etag"]})).status == 304
    assert (await ask(app, "/static/wall.000000000000.js")).status == 404


async def test_a_wall_of_500_channels_is_small(province: tuple[View, Starlette]) -> None:
    """Page, style and scripts together, compressed: less than 150 kB."""
    _, app = province
    packed = {"accept-encoding": "gzip"}
    parts = ["/", *(SHIPPED.path(name) for name in ("screen.css", "live.js", "wall.js", "icon.svg"))]
    assert sum([(await ask(app, part, headers=packed)).sent for part in parts]) < 150_000


@pytest.mark.parametrize(("role", "offered"), [(None, False), (Role.VIEWER, False), (Role.OPERATOR, True)])
async def test_only_operators_are_offered_what_only_they_may_do(
    hostile: tuple[View, Starlette],
    role: Role | None,
    offered: bool,
) -> None:
    """Acknowledge, comment and plan are forms of operators, with the token of their session."""
    pages = Pages(hostile[0])
    state: dict[str, Any] = {} if role is None else {"person": Person("an", role), "csrf": "token-1"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        from starlette.requests import Request  # noqa: PLC0415 - as a route would make it

        request = Request(scope, receive)
        request.scope["path_params"] = {"channel": "c1"}
        await (await pages.channel(request))(scope, receive, send)

    answer = await ask(app, "/channels/c1", **state)
    for address in ("/api/v1/channels/c1/acknowledge", "/api/v1/channels/c1/comments", "/api/v1/maintenance"):
        assert (f'action="{address}"' in answer.text) is offered
    assert ('value="token-1"' in answer.text) is offered


async def test_a_page_of_a_channel_survives_a_ledger_that_does_not_answer(
    province: tuple[View, Starlette], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is from memory; the past says that it cannot be read."""
    made, app = province
    assert made.ledger is not None

    async def never(*_: object) -> History:
        raise TimeoutError

    monkeypatch.setattr(made.ledger, "history", never)
    answer = await ask(app, pages_of(made)[1])
    assert answer.status == 200
    assert "Không đọc được sổ tình trạng kênh lúc này." in answer.text


@pytest.mark.parametrize("awaited", ["history", "comments"])
async def test_a_page_of_a_channel_shows_what_stands_at_the_event_that_it_names(
    hostile: tuple[View, Starlette], awaited: str
) -> None:
    """A change while the ledger or the comments are waited for is on the page: its browser is not told of it again."""
    made, app = hostile

    async def told(name: str) -> None:
        if name == awaited:
            made.supervision.standing["c1"] = Standing(wall.GOOD, 5.0, 5.0)
            made.rows()

    async def past(*_: object) -> History:
        await told("history")
        return History([], [], more=False)

    async def comments(*_: object) -> list[object]:
        await told("comments")
        return []

    made.ledger = SimpleNamespace(history=past)  # type: ignore[assignment]
    made.operations = SimpleNamespace(acknowledgements={}, noted={}, comments=comments)  # type: ignore[assignment]
    made.rows()
    before = made.feed.last
    text = (await ask(app, "/channels/c1")).text
    assert made.feed.last != before
    assert f'data-seen="{made.feed.last}"' in text
    assert 'data-row="up ok none ' in text


async def test_a_channel_that_leaves_while_its_page_is_made_is_gone(hostile: tuple[View, Starlette]) -> None:
    """404, as if it had never been asked for."""
    made, app = hostile

    async def past(*_: object) -> History:
        del made.supervision.standing["c1"]
        return History([], [], more=False)

    made.ledger = SimpleNamespace(history=past)  # type: ignore[assignment]
    assert (await ask(app, "/channels/c1")).status == 404


async def test_comments_that_cannot_be_read_are_told_from_none(hostile: tuple[View, Starlette]) -> None:
    """The page is shown all the same, and a page that is open knows that it has to keep those that it has."""
    made, app = hostile

    async def broken(*_: object) -> list[object]:
        raise TimeoutError

    assert "data-unread" not in (await ask(app, "/channels/c1")).text
    made.operations = SimpleNamespace(acknowledgements={}, noted={}, comments=broken)  # type: ignore[assignment]
    answer = await ask(app, "/channels/c1")
    assert (answer.status, 'id="comments" data-unread' in answer.text) == (200, True)


async def test_details_are_in_the_language_of_the_reader(
    province: tuple[View, Starlette], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is and what was: on the page in one language, in JSON in both; rows of an older program as they were written."""
    made, app = province
    now, was, old = phrases.NO_LINK(interface="ge0/1", device="rt"), phrases.NO_ANSWER(probe="core"), "as it was once"
    channel = pages_of(made)[1].removeprefix("/channels/")

    async def past(*_: object) -> History:
        words = (("down", "gateway_unreachable", "operator", was.kept()), ("down", "admin_down", "agency", old))
        intervals = [Interval(channel, *one, at, at + 1) for at, one in enumerate(words, 5)]
        return History(intervals, [Revision(5, 7, 9, phrases.POWER_CUT.kept())], more=False)

    assert made.ledger is not None
    monkeypatch.setattr(made.ledger, "history", past)
    standing = Standing(Verdict(State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR, now), 5.0, 5.0)
    monkeypatch.setitem(made.supervision.standing, channel, standing)
    for language, other in (("vi", "en"), ("en", "vi")):
        text = (await ask(app, f"/channels/{channel}?lang={language}")).text
        for one in (now, was):
            assert getattr(one, language) in text
            assert getattr(one, other) not in text
        assert old in text
    for address in ("/api/v1/channels", f"/api/v1/channels/{channel}/explain"):
        document = json.loads((await ask(app, address)).text)
        found = next(
            one for one in document.get("channels", [document]) if channel in {one.get("id"), one.get("channel")}
        )
        assert found["detail"] == now._asdict()
    history = json.loads((await ask(app, f"/api/v1/channels/{channel}/history")).text)
    assert [one["detail"] for one in history["intervals"]] == [was._asdict(), {"vi": old, "en": old}]
    assert [one["note"] for one in history["revisions"]] == [phrases.POWER_CUT._asdict()]


async def test_the_day_of_a_channel_is_there_for_programs(province: tuple[View, Starlette]) -> None:
    """288 points, with null where nothing is known."""
    made, app = province
    points = json.loads((await ask(app, f"/api/v1{pages_of(made)[1]}/day")).text)["points"]
    assert len(points) == 288
    assert set(points[0]) == {"at", "receive", "transmit", "loss", "rtt", "jitter"}
