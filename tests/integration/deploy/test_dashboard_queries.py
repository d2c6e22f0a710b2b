"""Every query of every dashboard against a real Prometheus that scrapes two equal collectors with every family there is."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from support.dashboard_collectors import scraped
from support.dashboards import NAMES, Empty, Query, fill_in, load, panels, queries
from support.every_family import CHANNELS, THEN, exposition
from support.metric_names import KNOWN
from support.processes import wait_until
from support.prometheus import PrometheusError
from support.promql import names
from tslcd_collector.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.prometheus import Prometheus

RULES: Final = Path(__file__).parents[3] / "deploy" / "prometheus" / "rules"
VALUES: Final = {
    **dict.fromkeys(("province", "operator", "tenant", "class"), ".*"),
    "site": "86-29551",
    "channel": CHANNELS[0],
}
#: What has no data here, and why.
EMPTY: Final = Empty(
    {
        ("overview", "@Bảo trì"): "no channel is in maintenance",
        ("channel", "@Bảo trì"): "no channel is in maintenance",
        ("site", "@Bảo trì"): "no channel is in maintenance",
        ("operators", "@Bảo trì"): "no channel is in maintenance",
        ("capacity", "Tải của từng kênh so với băng thông hợp đồng", "E"): "a day's percentile is judged at midnight",
        ("capacity", "Tải của từng kênh so với băng thông hợp đồng", "F"): "a day's percentile is judged at midnight",
        ("pipeline", "Cảnh báo trong Alertmanager"): "no Alertmanager runs here",
        ("pipeline", "Thông báo gửi đi"): "no Alertmanager runs here",
    }
)
#: What is counted of the supervision: silent agents, devices in trouble.
NUMBERS: Final = {("Giám sát", "C"), ("Giám sát", "D")}
#: Programs whose metrics are used besides ours: what their names begin with.
OUTSIDE: Final = {
    "prometheus_": "Prometheus itself",
    "alertmanager_": "the Alertmanager",
    "process_": "client libraries, in all of them",
    "scrape_": "Prometheus, of each scrape",
    "up": "Prometheus, of each scrape",
    "ALERTS": "Prometheus, of alerts",
}
#: Labels besides those of the families: of the scrape, of alerts, of other programs, and those that queries make.
OTHER_LABELS: Final = {
    *("instance", "job"),
    *("alertname", "alertstate", "severity", "party"),
    *("integration", "version", "code", "lane", "result", "target", "outcome", "reason"),
    *("runbook", "direction"),
}


def shipped(folder: Path) -> str:
    """Write the shipped rules with their intervals shortened; return the pattern that finds them."""
    folder.mkdir()
    for path in RULES.glob("*.rules.yml"):
        (folder / path.name).write_text(re.sub(r"(?m)^(\s+interval:) .*$", r"\1 1s", path.read_text()))
    return f"{folder}/*.rules.yml"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes two equal collectors and itself, until its rules have made what they make."""
    folder = tmp_path_factory.mktemp("prometheus")
    with scraped(folder, lambda _, step: exposition(step), shipped(folder / "rules")) as one:
        wait_until(lambda: len(one.query("channel:transmit_utilization:p95_7d")) == len(CHANNELS), 30, "rules")
        wait_until(lambda: one.query('ALERTS{alertstate="firing",party="monitoring",severity!="none"}'), 30, "alerts")
        yield one


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_ask_the_same(name: str) -> None:
    """So that what is shown of the queries of one language holds for the other."""
    asked = [[one.expr for one in queries(load(name, language), VALUES)] for language in ("vi", "en")]
    assert asked[0] == asked[1]
    assert asked[0] or name == "runbooks"


def test_prometheus_answers_every_query_with_data(prometheus: Prometheus) -> None:
    """Each query of each panel, variable and annotation has a result, also with two equal collectors, or is named in a list."""
    now = time.time()
    for name in NAMES:
        for one in queries(load(name), VALUES):
            result = prometheus.query(one.expr) if one.instant else prometheus.query_range(one.expr, now - 5, now, 1)
            EMPTY.note(name, one, data=bool(result))
            if one.label:
                assert all(one.label in sample["metric"] for sample in result), one
    assert EMPTY.mistakes() == []


def test_queries_use_names_that_exist() -> None:
    """Every metric and label is one of the collector's, of a recording rule, or of a program that is named."""
    rules = [
        rule
        for path in RULES.glob("*.rules.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    labels = {family.name: set(family.labels) for family in FAMILIES}
    every = {label for one in labels.values() for label in one} | OTHER_LABELS
    used = set()
    for name in NAMES:
        for one in queries(load(name), VALUES):
            found = names(one.expr)
            assert found.listed <= every, (one, found.listed - every)
            for metric, selected in found.selected.items():
                used.add(metric)
                if metric in KNOWN or metric in recorded:
                    own = labels.get(metric, every)
                    assert selected <= own | {"instance", "job"}, (one, metric, selected - own)
                elif metric not in OUTSIDE:
                    assert metric.startswith(tuple(one for one in OUTSIDE if one.endswith("_"))), (one, metric)
                    assert selected <= OTHER_LABELS, (one, metric, selected)
    assert len(used) > 80


def test_two_collectors_are_one_row_on_the_screen(prometheus: Prometheus) -> None:
    """The table of incidents has one row for a channel that two collectors see, with everything that it shows."""
    document = load("overview")
    since, lasting = (one for one in queries(document, VALUES) if one.where.startswith("Sự cố đang mở, lâu nhất"))
    (row,) = prometheus.query(since.expr)
    assert row["metric"] == {
        "province": "86",
        "site": "86-29551",
        "site_name": "Xã Ví Dụ",
        "channel": CHANNELS[0],
        "state": "down",
        "reason": "interface_down",
        "runbook": "interface_down",
        "party": "operator",
        "agency_name": "UBND xã",
        "operator": "VNPT",
    }
    assert float(row["value"][1]) == THEN * 1000  # Grafana's times are in milliseconds
    (age,) = prometheus.query(lasting.expr)
    assert abs(float(age["value"][1]) - (time.time() - THEN)) < 60
    (panel,) = [one for one in panels(document) if one["title"] == since.where]
    shown = panel["transformations"][1]["options"]["include"]["names"]
    assert set(shown) == {*row["metric"], "Value #A", "Value #B"}


@pytest.mark.parametrize(
    "name", [name for name in NAMES if any(panel["type"] == "table" for panel in panels(load(name)))]
)
def test_a_table_finds_the_columns_that_it_shows(name: str, prometheus: Prometheus) -> None:
    """Each column is a label or a value of the table's queries; rows of several queries can be told apart and put together."""
    document = load(name)
    asked: dict[str, list[Query]] = {}
    for one in queries(document, VALUES):
        asked.setdefault(one.where, []).append(one)
    for panel in panels(document):
        if panel["type"] != "table":
            continue
        ours = asked[panel["title"]]
        results = [prometheus.query(one.expr) for one in ours if not EMPTY.allows(name, one)]
        assert all(results), panel["title"]
        found = {label for result in results for label in result[0]["metric"]}
        found |= {f"Value #{one.ref}" for one in ours} if len(ours) > 1 else {"Value"}
        columns = panel["transformations"][-2]["options"]["include"]["names"]
        # an alert or a problem is of one thing or another: not every row has every label that they are folded by
        assert set(columns) <= found | {label for one in ours for label in names(one.expr).listed}, panel["title"]
        common = set.intersection(*({*result[0]["metric"]} for result in results))
        for result in results:
            keys = [tuple(sorted((label, sample["metric"].get(label)) for label in common)) for sample in result]
            assert len(set(keys)) == len(keys) or len(results) == 1, panel["title"]


def test_the_worst_state_is_drawn(prometheus: Prometheus) -> None:
    """A timeline shows ``down`` by the number that the mapping calls ``Mất kết nối``."""
    document = load("channel")
    (query,) = [one for one in queries(document, VALUES) if one.where == "Diễn biến tình trạng"]
    (sample,) = prometheus.query(query.expr)
    (panel,) = [one for one in panels(document) if one["title"] == "Diễn biến tình trạng"]
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert mapping["options"][sample["value"][1]]["text"] == "Mất kết nối"


def test_the_regex_of_sites_reads_what_grafana_makes_of_a_result(prometheus: Prometheus) -> None:
    """The list of sites shows names and gives codes; Grafana hands the regex labels in the order of Prometheus' answer."""
    document = load("channel")
    (variable,) = [one for one in document["templating"]["list"] if one["name"] == "site"]
    (query,) = [one for one in queries(document, VALUES) if one.where == "$site"]
    (sample,) = prometheus.query(query.expr)
    text = "{" + ",".join(f'{label}="{value}"' for label, value in sample["metric"].items()) + "} 1 1790000000000"
    match = re.search(variable["regex"].strip("/").replace("(?<", "(?P<"), text)
    assert match is not None
    assert match.groupdict() == {"value": "86-29551", "text": "Xã Ví Dụ"}


def test_choices_narrow_what_is_shown(prometheus: Prometheus) -> None:
    """Another province, operator, tenant, class or site leaves nothing on the screen, and numbers at zero.

    What stays is whether the collector runs, and alerts without a site. What nobody asks for is not told to be all seen.
    """
    now = time.time()
    document = load("overview")
    shown = {panel["title"] for panel in panels(document)}
    for name in ("operator", "tenant", "class", "site", "province"):
        asked = [one for one in queries(document, {**VALUES, name: "another"}) if one.where[0] != "$"]
        assert {one.where for one in asked} >= shown
        for one in asked:
            result = prometheus.query(one.expr) if one.instant else prometheus.query_range(one.expr, now - 5, now, 1)
            if one.where == "Cảnh báo đang bật":
                assert not any({"site", "channel"} & {*sample["metric"]} for sample in result), (name, result)
            elif one.where == "Số kênh theo tình trạng" or (one.where, one.ref) in NUMBERS:
                assert [sample["value"][1] for sample in result] == ["0"], (name, one)
            elif (one.where, one.ref) not in {("Giám sát", "A"), ("Giám sát", "E")}:
                assert result == [], (name, one)


def test_a_query_that_is_wrong_is_seen(prometheus: Prometheus) -> None:
    """The check against Prometheus is one that can fail, and so are the filling in of variables and the finding of names."""
    with pytest.raises(PrometheusError, match="parse error"):
        prometheus.query("sum by (")
    with pytest.raises(KeyError, match="nobody"):
        fill_in("up{x='$nobody'}", {})
    unknown: dict[str, Any] = {
        "templating": {"list": [{"name": "x", "query": {"query": "metrics(.*)"}}]},
        "annotations": {},
        "panels": [],
    }
    with pytest.raises(ValueError, match="neither label_values nor query_result"):
        queries(unknown, {})
    found = names(
        'max by (a, b) (rate(x:y{c="d e",f=~"$g"}[5m])) * on (h) group_left () z offset 7h > bool 1 or vector(0)'
    )
    assert found.selected == {"x:y": {"c", "f"}, "z": set()}
    assert found.listed == {"a", "b", "h"}
