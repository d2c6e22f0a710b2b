"""The committed Grafana dashboards: current, well formed, and every query one that a real Prometheus answers."""

from __future__ import annotations

import http.server
import itertools
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from support.dashboards import fill_in, load, panels, queries
from support.metric_names import KNOWN, names_in
from support.processes import wait_until
from support.prometheus import Prometheus, PrometheusError
from tslcd_collector.verdict import Party, Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
NAMES: Final = ("overview", "channel")
VALUES: Final = {
    "overview": {"province": ".*"},
    "channel": {"province": "86", "site": ".*", "channel": "86-29551-2"},
}
#: Panel types that are part of Grafana itself.
BUILT_IN_PANELS: Final = {"stat", "table", "state-timeline", "timeseries"}

INFO: Final = (
    'site_name="Xã Ví Dụ",agency_name="UBND xã",operator="VNPT",circuit="C-2",access_level="II",class="commune",'
    'tenant="ubnd",upstream="",agent="86-29551-1",device="fw",interface="wan1"'
)
HERE: Final = 'channel="86-29551-2",site="86-29551",province="86"'
BOUND: Final = 'province="86",site="86-29551",agent="86-29551-1",device="fw",interface="wan1"'


def exposition(step: int) -> str:
    """Return what a collector with one channel that is down shows at its scrape number ``step``."""
    lines = [
        *(f'tslcd_channel_state{{{HERE},state="{state.value}"}} {int(state is State.DOWN)}' for state in State),
        f'tslcd_channel_verdict_info{{{HERE},reason="interface_down",party="operator"}} 1',
        f"tslcd_channel_info{{{HERE},{INFO}}} 1",
        f"tslcd_channel_state_since_timestamp_seconds{{{HERE}}} 1790000000",
        *(
            f'tslcd_channel_contracted_bits_per_second{{{HERE},direction="{one}"}} 2e8'
            for one in ("receive", "transmit")
        ),
        *(f"tslcd_channel_{one}_bytes_total{{{HERE}}} {step * 1000}" for one in ("receive", "transmit")),
        f"tslcd_channel_loss_ratio{{{HERE}}} 0.5",
        f"tslcd_channel_rtt_seconds{{{HERE}}} 0.01",
        f"tslcd_channel_jitter_seconds{{{HERE}}} 0.002",
        *(f'tslcd_channels{{province="86",state="{state.value}"}} {int(state is State.DOWN)}' for state in State),
        'tslcd_supervision_coverage_ratio{province="86"} 1',
        'tslcd_agent_online{province="86",site="86-29551",agent="86-29551-1"} 0',
        'tslcd_agent_last_report_timestamp_seconds{province="86",site="86-29551",agent="86-29551-1"} 1790000000',
        "tslcd_collector_broker_connected 1",
        *(
            f"tslcd_interface_{direction}_{what}_total{{{BOUND}}} {step}"
            for direction, what in itertools.product(("receive", "transmit"), ("errors", "discards"))
        ),
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes two equal collectors of one channel, until it has two samples of each."""
    scrapes: dict[str, int] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scrapes[self.path] = scrapes.get(self.path, 0) + 1
            body = exposition(scrapes[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="collectors")
    thread.start()
    target = f"127.0.0.1:{server.server_address[1]}"
    jobs = [
        {
            "job_name": f"tslcd-{name}",
            "metrics_path": f"/{name}",
            "scrape_interval": "1s",
            "static_configs": [{"targets": [target], "labels": {"job": "tslcd-collector", "instance": name}}],
        }
        for name in ("collector", "collector-b")
    ]
    one = Prometheus(tmp_path_factory.mktemp("prometheus"), yaml.safe_dump({"scrape_configs": jobs}))
    try:
        with one.running():
            wait_until(lambda: len(one.query("rate(tslcd_channel_receive_bytes_total[1m]) > 0")) == 2, 30, "scrapes")
            yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_committed_dashboards_are_what_the_generator_writes() -> None:
    """``generate --check`` finds nothing to write, in a process of its own with another hash seed."""
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, str(DEPLOY / "grafana" / "generate"), "--check"],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_is_one_by_the_schema(name: str) -> None:
    """Reading it into the typed model of Grafana's schema and writing it again loses nothing."""
    document = load(name)
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(document)))
    for key in ("uid", "title", "tags", "time", "timezone", "templating"):
        assert again[key] == document[key]
    assert [panel["type"] for panel in again["panels"]] == [panel["type"] for panel in document["panels"]]
    assert [panel["fieldConfig"] for panel in again["panels"]] == [panel["fieldConfig"] for panel in document["panels"]]


@pytest.mark.parametrize("name", NAMES)
def test_panels_are_numbered_placed_and_part_of_grafana(name: str) -> None:
    """Ids are unique, no panel lies on another or outside of the grid, and no panel needs a plugin."""
    document = load(name)
    ids = [panel["id"] for panel in panels(document)]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in panels(document):
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert not cells & taken, panel["title"]
        taken |= cells
    assert {panel["type"] for panel in panels(document)} <= BUILT_IN_PANELS


@pytest.mark.parametrize("name", NAMES)
def test_everything_asks_the_provisioned_data_source(name: str) -> None:
    """Each panel, target and variable names the uid that provisioning makes."""
    provisioned = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/tslcd.yaml").read_text())["datasources"]
    (uid,) = [one["uid"] for one in provisioned]
    document = load(name)
    targets = [target for panel in panels(document) for target in panel["targets"]]
    for one in (*panels(document), *targets, *document["templating"]["list"]):
        assert one["datasource"] == {"type": "prometheus", "uid": uid}


def test_nothing_needs_the_internet() -> None:
    """Dashboards and provisioning name no host but this one."""
    for path in (DEPLOY / "grafana").rglob("*"):
        if path.suffix in (".json", ".yaml"):
            assert re.findall(r"https?://(?!127\.0\.0\.1[:/])\S+", path.read_text()) == [], path


@pytest.mark.parametrize("name", NAMES)
def test_vietnamese_comes_first(name: str) -> None:
    """Titles and variables have Vietnamese letters or are the same in both languages; descriptions have English too."""
    document = load(name)
    for panel in panels(document):
        assert re.search(r"[À-ỹ]", panel["title"]), panel["title"]
        assert panel["description"].isascii() or " · " in panel["description"], panel["description"]
    assert document["title"].split(" · ")[1].isascii()
    assert all(re.search(r"[À-ỹ]", variable["label"]) for variable in document["templating"]["list"])


@pytest.mark.parametrize("name", NAMES)
def test_every_code_of_the_collector_has_a_word(name: str) -> None:
    """States, reasons and parties are all mapped: no screen shows a bare code."""
    text = json.dumps(load(name), ensure_ascii=False)
    for code in (*State, *Reason, *Party):
        assert f'"{code.value}": {{"color"' in text, code


@pytest.mark.parametrize("name", NAMES)
def test_queries_use_names_that_exist(name: str) -> None:
    """Every metric in a query is one that the collector exposes."""
    used = {metric for query in queries(load(name), VALUES[name]) for metric in names_in(query.expr)}
    assert used
    assert used <= KNOWN, used - KNOWN


@pytest.mark.parametrize("name", NAMES)
def test_prometheus_answers_every_query_with_data(name: str, prometheus: Prometheus) -> None:
    """Each query of each panel and variable has a result for a channel that is down, also with two equal collectors."""
    now = time.time()
    empty = []
    for query in queries(load(name), VALUES[name]):
        result = prometheus.query(query.expr) if query.instant else prometheus.query_range(query.expr, now - 5, now, 1)
        if not result:
            empty.append((query.where, query.ref))
        if query.label:
            assert all(query.label in one["metric"] for one in result), query
    assert empty == []


def test_two_collectors_are_one_channel_on_the_screen(prometheus: Prometheus) -> None:
    """The table of channels has one row for a channel that two collectors see, with everything that it shows."""
    document = load("overview")
    (query,) = [one for one in queries(document, VALUES["overview"]) if one.where == "Kênh cần xử lý"]
    (row,) = prometheus.query(query.expr)
    assert row["metric"] == {
        "province": "86",
        "site_name": "Xã Ví Dụ",
        "channel": "86-29551-2",
        "state": "down",
        "reason": "interface_down",
        "party": "operator",
        "agency_name": "UBND xã",
        "operator": "VNPT",
    }
    assert float(row["value"][1]) == 1790000000 * 1000  # Grafana's times are in milliseconds
    (panel,) = [one for one in panels(document) if one["title"] == "Kênh cần xử lý"]
    shown = panel["transformations"][0]["options"]["include"]["names"]
    assert set(shown) == {*row["metric"], "Value"}


def test_the_worst_state_is_drawn(prometheus: Prometheus) -> None:
    """A timeline shows ``down`` by the number that the mapping calls ``Mất kết nối``."""
    document = load("channel")
    (query,) = [one for one in queries(document, VALUES["channel"]) if one.where == "Diễn biến tình trạng"]
    (sample,) = prometheus.query(query.expr)
    (panel,) = [one for one in panels(document) if one["title"] == "Diễn biến tình trạng"]
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert mapping["options"][sample["value"][1]]["text"] == "Mất kết nối"


def test_the_regex_of_sites_reads_what_grafana_makes_of_a_result(prometheus: Prometheus) -> None:
    """The list of sites shows names and gives codes; Grafana hands the regex labels in the order of Prometheus' answer."""
    document = load("channel")
    (variable,) = [one for one in document["templating"]["list"] if one["name"] == "site"]
    (query,) = [one for one in queries(document, VALUES["channel"]) if one.where == "$site"]
    (sample,) = prometheus.query(query.expr)
    text = "{" + ",".join(f'{label}="{value}"' for label, value in sample["metric"].items()) + "} 1 1790000000000"
    match = re.search(variable["regex"].strip("/").replace("(?<", "(?P<"), text)
    assert match is not None
    assert match.groupdict() == {"value": "86-29551", "text": "Xã Ví Dụ"}


def test_a_query_that_is_wrong_is_seen(prometheus: Prometheus) -> None:
    """The check against Prometheus is one that can fail, and so is the filling in of variables."""
    with pytest.raises(PrometheusError, match="parse error"):
        prometheus.query("sum by (")
    with pytest.raises(KeyError, match="nobody"):
        fill_in("up{x='$nobody'}", {})
    unknown: dict[str, Any] = {"templating": {"list": [{"name": "x", "query": {"query": "metrics(.*)"}}]}, "panels": []}
    with pytest.raises(ValueError, match="neither label_values nor query_result"):
        queries(unknown, {})
