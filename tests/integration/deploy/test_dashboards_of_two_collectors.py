"""Dashboards while two collectors disagree: each channel is in one state, and choices narrow whatever stands at a site."""

from __future__ import annotations

import collections
import itertools
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.dashboard_collectors import COLLECTORS, scraped
from support.dashboards import Query, load, panels, queries
from support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.prometheus import Prometheus

ALL: Final = {**dict.fromkeys(("province", "operator", "tenant", "class", "site"), ".*"), "channel": "up-unknown"}
#: The state that holds is the first of these that a collector gives.
FIRST: Final = ("maintenance", "down", "degraded", "up", "unknown")
#: Every pair of states that two collectors can give: a channel each, at a site of its own, named by both.
PAIRS: Final = tuple(itertools.product(FIRST, repeat=2))
HELD: Final = {f"{a}-{b}": min(a, b, key=FIRST.index) for a, b in PAIRS}
OPEN: Final = {channel: state for channel, state in HELD.items() if state in {"down", "degraded", "unknown"}}
#: Since when: the second collector has held each state for longer.
SINCE: Final = {"collector": 1790000600, "collector-b": 1790000000}


#: The channel whose site has another name in the second collector's inventory.
RENAMED: Final = "down-down"


def operator(channel: str) -> str:
    """Return the operator of a channel: those that the first collector has for up or unknown have another one."""
    return "Viettel" if channel.startswith("u") else "VNPT"


def why(name: str, state: str) -> tuple[str, str]:
    """Return the reason and the party that a collector gives for a state: it shows whose they are."""
    if state in {"up", "maintenance"}:
        return "ok", "none"
    if name == "collector":
        return "loss", "operator"
    return ("latency", "operator") if state == "degraded" else ("agent_lost", "monitoring")


def _channel(name: str, channel: str, state: str) -> Iterator[str]:
    own = f'province="86",site="s-{channel}",channel="{channel}"'
    for one in FIRST:
        yield f'tslcd_channel_state{{{own},state="{one}"}} {int(one == state)}'
    reason, party = why(name, state)
    yield f"tslcd_channel_up{{{own}}} {int(state in {'up', 'degraded'})}"
    yield f"tslcd_channel_loss_ratio{{{own}}} {0.5 if state == 'down' else 0}"
    yield f'tslcd_channel_verdict_info{{{own},reason="{reason}",party="{party}"}} 1'
    yield f"tslcd_channel_state_since_timestamp_seconds{{{own}}} {SINCE[name]}"
    # the second collector has read another inventory
    site_name = f"{channel}, {name}" if channel == RENAMED else channel
    told = f'site_name="{site_name}",agency_name="A",operator="{operator(channel)}",tenant="t",class="k",agent="a-{channel}"'
    yield f"tslcd_channel_info{{{own},{told}}} 1"


def _site(site: str) -> Iterator[str]:
    """Yield the trouble of a site: its agent is silent and a device is too hot; both are told."""
    at = f'province="86",site="{site}",agent="a-{site}"'
    yield f"tslcd_agent_online{{{at}}} 0"
    yield f'tslcd_device_problem{{{at},device="fw",problem="too_hot"}} 1'
    yield f'ALERTS{{alertname="AgentLost",alertstate="firing",severity="major",{at}}} 1'


def show(name: str, _: int) -> bytes:
    """Return what a collector shows, and the alerts beside it."""
    lines = [line for pair in PAIRS for line in _channel(name, "-".join(pair), pair[COLLECTORS.index(name)])]
    # one site of each operator, and one without channels
    for site in ("s-up-unknown", "s-down-down", "centre"):
        lines += _site(site)
    lines += [
        'ALERTS{alertname="ChannelDown",alertstate="firing",severity="critical",province="86",site="s-down-down",channel="down-down"} 1',
        'ALERTS{alertname="ManyAgentsLost",alertstate="firing",severity="critical",province="86"} 1',
        'ALERTS{alertname="StoreFailing",alertstate="firing",severity="critical"} 1',
        'ALERTS{alertname="RedundancyLost",alertstate="pending",severity="major",province="86",site="s-down-down"} 1',
    ]
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes both."""
    with scraped(tmp_path_factory.mktemp("prometheus"), show) as one:
        wait_until(lambda: len(one.query("tslcd_channel_up offset 2s")) == 2 * len(PAIRS), 30, "both collectors")
        yield one


def asked(name: str, where: str, **chosen: str) -> list[Query]:
    """Return the queries of a panel, with what is chosen at the top."""
    return [one for one in queries(load(name), {**ALL, **chosen}) if one.where == where]


def answer(prometheus: Prometheus, query: Query) -> list[dict[str, Any]]:
    """Return the samples of now, or the last ones of a range."""
    if query.instant:
        return prometheus.query(query.expr)
    now = time.time()
    result = prometheus.query_range(query.expr, now - 2, now, 1)
    return [{**one, "value": one["values"][-1]} for one in result]


def numbers(prometheus: Prometheus, name: str, where: str, **chosen: str) -> dict[str, float]:
    """Return the one number of each query of a panel, by its ref."""
    found = {}
    for query in asked(name, where, **chosen):
        (sample,) = answer(prometheus, query)
        found[query.ref] = float(sample["value"][1])
    return found


def drawn(prometheus: Prometheus, name: str, where: str, **chosen: str) -> dict[str, str]:
    """Return the word that a timeline has for each channel."""
    (panel,) = [one for one in panels(load(name, "en")) if one["targets"][0]["expr"] == _source(name, where)]
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    (query,) = asked(name, where, **chosen)
    samples = answer(prometheus, query)
    words = {one["metric"]["channel"]: mapping["options"][one["value"][1]]["text"] for one in samples}
    assert len(samples) == len({(one["metric"]["channel"], one["metric"]["site_name"]) for one in samples})
    return {channel: word.lower() for channel, word in words.items()}


def _source(name: str, where: str) -> str:
    (panel,) = [one for one in panels(load(name)) if one["title"] == where]
    expr: str = panel["targets"][0]["expr"]
    return expr


def test_each_channel_counts_once(prometheus: Prometheus) -> None:
    """A channel is unknown only where no collector knows better, and planned work wins; coverage follows."""
    held = collections.Counter(HELD.values())
    found = numbers(prometheus, "overview", "Số kênh theo tình trạng")
    assert found == dict(
        zip("ABCDE", (held[one] for one in ("down", "degraded", "unknown", "maintenance", "up")), strict=True)
    )
    assert held == {"maintenance": 9, "down": 7, "degraded": 5, "up": 3, "unknown": 1}
    assert numbers(prometheus, "overview", "Giám sát")["B"] == pytest.approx(1 - 1 / len(PAIRS))


def test_the_trend_counts_the_same(prometheus: Prometheus) -> None:
    """Each channel that is not up is in one of the lines, under the word for its state."""
    where = "Số kênh không hoạt động"
    (panel,) = [
        one for one in panels(load("overview", "en")) if one["targets"][0]["expr"] == _source("overview", where)
    ]
    words = {
        one["matcher"]["options"]: setting["value"]
        for one in panel["fieldConfig"]["overrides"]
        for setting in one["properties"]
        if setting["id"] == "displayName"
    }
    (query,) = asked("overview", where)
    assert panel["targets"][0]["legendFormat"] == "{{state}}"
    found = {words[one["metric"]["state"]].lower(): int(one["value"][1]) for one in answer(prometheus, query)}
    assert found == {"maintenance": 9, "down": 7, "degraded": 5, "unknown": 1}


def test_incidents_are_a_row_a_channel(prometheus: Prometheus) -> None:
    """The row has the reason of a collector that gives the state, and of two such collectors of the one that has it longer."""
    rows, ages = (answer(prometheus, query) for query in asked("overview", "Sự cố đang mở, lâu nhất trước"))
    assert {one["metric"]["channel"]: one["metric"]["state"] for one in rows} == OPEN
    assert len(rows) == len(OPEN)
    assert sorted(str(one["metric"]) for one in ages) == sorted(str(one["metric"]) for one in rows)
    whose = {
        channel: "collector-b" if channel.endswith(f"-{state}") else "collector" for channel, state in OPEN.items()
    }
    for one in rows:
        name = whose[one["metric"]["channel"]]
        assert (one["metric"]["reason"], one["metric"]["party"]) == why(name, one["metric"]["state"])
        assert float(one["value"][1]) == SINCE[name] * 1000
    (parties,) = asked("overview", "Sự cố đang mở theo bên xử lý")
    found = {one["metric"]["party"]: int(one["value"][1]) for one in answer(prometheus, parties)}
    assert found == collections.Counter(why(name, OPEN[channel])[1] for channel, name in whose.items())


def test_timelines_draw_the_state_that_holds(prometheus: Prometheus) -> None:
    """All channels, one of them, and those that had trouble: a collector without a broker makes no trouble."""
    assert drawn(prometheus, "overview", "Diễn biến mọi kênh") == HELD
    trouble = {channel: state for channel, state in HELD.items() if state != "up"}
    assert drawn(prometheus, "overview", "Diễn biến các kênh có sự cố") == trouble
    for channel, state in HELD.items():
        (query,) = asked("channel", "Diễn biến lý do", channel=channel)
        reasons = {one["metric"]["reason"] for one in answer(prometheus, query)}
        assert ("ok" in reasons) is (state in {"up", "maintenance"}), channel
        (row,) = answer(prometheus, asked("channel", "Tình trạng hiện tại", channel=channel)[0])
        assert row["metric"]["state"] == state


def test_marks_are_of_the_state_that_holds(prometheus: Prometheus) -> None:
    """A channel in planned work is not marked as cut."""
    for where, state in (("@Mất kết nối", "down"), ("@Bảo trì", "maintenance")):
        (query,) = asked("overview", where)
        found = {one["metric"]["channel"] for one in answer(prometheus, query)}
        assert found == {channel for channel, held in HELD.items() if held == state}


def test_operators_are_judged_by_what_the_channels_show(prometheus: Prometheus) -> None:
    """Channels down, availability and loss of an operator are those of the channels' own dashboards."""
    compared = asked("operators", "So sánh trong khoảng thời gian đang xem")
    table = {
        one.ref: {row["metric"]["operator"]: float(row["value"][1]) for row in answer(prometheus, one)}
        for one in compared
    }
    channels: dict[str, list[str]] = {"VNPT": [], "Viettel": []}
    for channel in HELD:
        channels[operator(channel)].append(channel)
    for name, own in channels.items():
        assert table["A"][name] == len(own)
        assert table["B"][name] == sum(HELD[channel] == "down" for channel in own)
        for ref, panel in (("C", "Trong khoảng thời gian đang xem"), ("E", "Tỷ lệ mất gói")):
            single = [answer(prometheus, asked("channel", panel, channel=one)[0])[0]["value"][1] for one in own]
            mean = sum(map(float, single)) / len(own)
            assert 0 < mean < 1
            assert table[ref][name] == pytest.approx(mean), (name, ref)
    (down,) = asked("operators", "Kênh mất kết nối")
    found = {one["metric"]["operator"]: float(one["value"][1]) for one in answer(prometheus, down)}
    assert found == {name: count for name, count in table["B"].items() if count}
    (reasons,) = asked("operators", "Kênh có sự cố phía đơn vị vận hành")
    found = {one["metric"]["reason"]: float(one["value"][1]) for one in answer(prometheus, reasons)}
    cut = {channel: state for channel, state in HELD.items() if state in {"down", "degraded"}}
    first = [channel for channel, state in cut.items() if channel.startswith(state)]
    second = [channel for channel, state in cut.items() if state == "degraded" and channel not in first]
    either = int("degraded-degraded" in first)  # the one that Prometheus happened to store first
    loss, latency = len(first), len(second)
    assert found in ({"loss": loss, "latency": latency}, {"loss": loss - either, "latency": latency + either})


def _told(samples: list[dict[str, Any]], *labels: str) -> set[tuple[str, ...]]:
    return {tuple(one["metric"].get(label, "") for label in labels) for one in samples}


@pytest.mark.parametrize(
    ("chosen", "sites"),
    [
        ({}, {"s-up-unknown", "s-down-down", "centre"}),
        ({"operator": "VNPT"}, {"s-down-down", "centre"}),
        ({"operator": "Viettel"}, {"s-up-unknown", "centre"}),
        ({"operator": "VNPT|Viettel"}, {"s-up-unknown", "s-down-down", "centre"}),
        ({"site": "s-up-unknown"}, {"s-up-unknown"}),
        ({"site": "s-up-unknown", "operator": "VNPT"}, set()),
        ({"tenant": "another"}, {"centre"}),
        ({"class": "another"}, {"centre"}),
        ({"province": "96"}, set()),
    ],
)
def test_trouble_at_a_site_follows_the_channels_that_are_chosen(
    prometheus: Prometheus, chosen: dict[str, str], sites: set[str]
) -> None:
    """Silent agents, devices and alerts are of the sites of chosen channels, and of sites that have none.

    Alerts without a site stay, those of a province as long as it is chosen.
    """
    (devices,) = asked("overview", "Thiết bị có vấn đề", **chosen)
    rows = answer(prometheus, devices)
    assert _told(rows, "site") == {(site,) for site in sites}
    assert len(rows) == len(sites)
    for one in rows:  # a site without channels has no name but its own
        assert one["metric"]["site_name"].removesuffix(", collector") == one["metric"]["site"].removeprefix("s-")
    bare = {("StoreFailing", "")} | (set() if "province" in chosen else {("ManyAgentsLost", "")})
    wanted = bare | {("AgentLost", site) for site in sites}
    if "s-down-down" in sites:
        wanted.add(("ChannelDown", "s-down-down"))
    (alerts,) = asked("overview", "Cảnh báo đang bật", **chosen)
    rows = answer(prometheus, alerts)
    assert _told(rows, "alertname", "site") == wanted
    assert len(rows) == len(wanted)
    counts = {one.ref: answer(prometheus, one) for one in asked("overview", "Giám sát", **chosen)}
    found = {ref: int(samples[0]["value"][1]) for ref, samples in counts.items() if ref in "CDE"}
    assert found == {"C": len(sites), "D": len(sites), "E": len(wanted)}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_what_is_not_narrowed_is_said(language: str) -> None:
    """The panels that show alerts say that those without a site are always there."""
    words = {"vi": "cảnh báo không thuộc điểm nào", "en": "those of no site"}[language]
    saying = [one["title"] for one in panels(load("overview", language)) if words in one["description"]]
    showing = [
        one["title"]
        for one in panels(load("overview", language))
        if any("ALERTS" in target["expr"] for target in one["targets"])
    ]
    assert saying == showing
    assert len(showing) == 2


def test_two_inventories_are_no_error(prometheus: Prometheus) -> None:
    """While collectors name a site differently, every query is answered, and the channel has one row."""
    for name in ("overview", "channel", "site", "operators", "agents"):
        for one in queries(load(name), {**ALL, "site": f"s-{RENAMED}", "channel": RENAMED}):
            answer(prometheus, one)
    (row,) = answer(prometheus, asked("channel", "Tình trạng hiện tại", channel=RENAMED)[0])
    assert row["metric"]["site_name"] == f"{RENAMED}, collector-b"
    assert row["metric"]["state"] == "down"
