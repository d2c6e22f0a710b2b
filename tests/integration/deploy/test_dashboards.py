"""The committed Grafana dashboards: current, well formed by Grafana's own schema, in both languages, and at one with the rules."""

from __future__ import annotations

import copy
import itertools
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
import yaml

from support.dashboards import FOLDER, LANGUAGES, NAMES, RENAMED, VERSIONS, Empty, Query, load, offences, panels
from tslcd_collector import clock
from tslcd_collector.inventory.classes import STANDARD, STANDARD_DEVICE
from tslcd_collector.judge.agents import FILLING
from tslcd_collector.problems import AgentProblem, DeviceProblem
from tslcd_collector.verdict import Party, Reason, State
from tslcd_wire.catalogue import KINDS

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
RUNBOOKS: Final = sorted(path.stem for path in (DEPLOY / "runbooks").glob("*.md"))
EVERY: Final = [(name, language) for language in LANGUAGES for name in NAMES]
#: Panel types that are part of Grafana itself since 10.
BUILT_IN_PANELS: Final = {"bargauge", "stat", "state-timeline", "table", "text", "timeseries"}
#: Pixels: a letter of a title, what stands beside it in a panel's head, and a column of the grid on a small laptop and a phone.
LETTER, BESIDE, LAPTOP_COLUMN, PHONE = 7.4, 40, 1280 / 24, 390 - 16

every = pytest.mark.parametrize(("name", "language"), EVERY)


def texts(value: Any, key: str = "") -> list[tuple[str, str]]:
    """Return every text of a document with the key it stands under."""
    if isinstance(value, dict):
        return [pair for name, one in value.items() for pair in texts(one, name)]
    if isinstance(value, list):
        return [pair for one in value for pair in texts(one, key)]
    return [(key, value)] if isinstance(value, str) else []


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


@pytest.mark.parametrize("version", VERSIONS)
@every
def test_a_dashboard_is_one_by_grafanas_published_schema(name: str, language: str, version: str) -> None:
    """Nothing is misspelt, misplaced or of the wrong type, for the last Grafana 10 and for the current one."""
    assert offences(load(name, language), version) == []


@every
def test_a_setting_with_two_names_stands_under_both(name: str, language: str) -> None:
    """A column that is there for links only is hidden by Grafana 10 and by the current one."""
    for panel in panels(load(name, language)):
        for override in panel.get("fieldConfig", {}).get("overrides", []):
            found = {setting["id"] for setting in override["properties"]} & set(RENAMED.values())
            assert found in (set(), set(RENAMED.values())), panel["title"]


def test_the_schema_finds_mistakes() -> None:
    """A misspelt option, a wrong value and a setting of another panel are each found, in a panel and in a single field."""
    good = load("overview")
    places: list[tuple[str, Any]] = [
        ("options", {"colourMode": "none"}),
        ("options", {"colorMode": "loud"}),
        ("targets", [{"refId": "A", "exprr": "up"}]),
        ("fieldConfig", {"defaults": {"unitt": "s"}, "overrides": []}),
        ("fieldConfig", {"defaults": {"custom": {"lineWidth": 2}}, "overrides": []}),
        (
            "fieldConfig",
            {
                "defaults": {},
                "overrides": [{"matcher": {"id": "byName"}, "properties": [{"id": "units", "value": "s"}]}],
            },
        ),
        ("gridPos", {"x": 0, "y": 0, "w": 3}),
        ("type", "singlestat"),
    ]
    for version, (key, value) in itertools.product(VERSIONS, places):
        bad = copy.deepcopy(good)
        bad["panels"][0][key] = value
        assert offences(bad, version), (version, key, value)
    for key, value in (("timezone", 7), ("refreshh", "10s"), ("templating", {"list": [{"name": "x"}]})):
        assert offences({**good, key: value}, VERSIONS[-1]), key


def test_both_languages_are_the_same_dashboards() -> None:
    """Only words, uids and links differ: the queries, places and settings are the same."""
    assert {path.name for path in FOLDER.rglob("*.json")} == {f"{name}.json" for name in NAMES}
    worded = {"title", "description", "text", "label", "legendFormat", "displayName", "noValue", "name", "url", "uid"}
    worded |= {"tags", "titleFormat", "sortBy"}

    def bare(value: Any, inside: str = "") -> Any:
        """Return a part without words; words are also what overrides match by, and the values of their settings."""
        if isinstance(value, list):
            return [bare(one, inside) for one in value]
        if not isinstance(value, dict):
            return value
        left_out = worded | {"matcher": {"options"}, "properties": {"value"}}.get(inside, set())
        return {name: bare(one, name) for name, one in value.items() if name not in left_out}

    for name in NAMES:
        assert bare(load(name, "vi")) == bare(load(name, "en"))


@every
def test_panels_are_numbered_placed_and_part_of_grafana(name: str, language: str) -> None:
    """Ids are unique, no panel lies on another or outside of the grid, none leaves a hole beside it, and none needs a plugin."""
    document = load(name, language)
    everything = [*(panel for panel in document["panels"] if panel["type"] == "row"), *panels(document)]
    ids = [panel["id"] for panel in everything]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert not cells & taken, panel["title"]
        taken |= cells
    bottom = max(y for _, y in taken) + 1
    if name != "runbooks":
        assert len(taken) == 24 * bottom
    assert {panel["type"] for panel in panels(document)} <= BUILT_IN_PANELS
    assert document["schemaVersion"] <= 38


@every
def test_titles_are_not_clipped(name: str, language: str) -> None:
    """A title fits its panel on a small laptop, and on a phone, where every panel is as wide as the screen."""
    for panel in panels(load(name, language)):
        room = panel["gridPos"]["w"] * LAPTOP_COLUMN - BESIDE
        assert len(panel["title"]) * LETTER <= room, panel["title"]
        assert len(panel["title"]) * LETTER <= PHONE - BESIDE or name == "runbooks", panel["title"]


@every
def test_everything_asks_the_provisioned_data_source(name: str, language: str) -> None:
    """Each panel, target, annotation and variable names the uid that provisioning makes."""
    provisioned = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/tslcd.yaml").read_text())["datasources"]
    (uid,) = [one["uid"] for one in provisioned]
    document = load(name, language)
    asking = [panel for panel in panels(document) if panel["type"] != "text"]
    targets = [target for panel in asking for target in panel["targets"]]
    variables = document["templating"].get("list", [])
    for one in (*asking, *targets, *variables, *document["annotations"]["list"]):
        assert one["datasource"] == {"type": "prometheus", "uid": uid}


def test_provisioning_puts_each_language_into_a_folder_of_its_own() -> None:
    """Two providers with names, folders and uids of their own read the two folders; what is changed on a screen is not kept."""
    providers = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/tslcd.yaml").read_text())["providers"]
    assert [Path(one["options"]["path"]).name for one in providers] == list(LANGUAGES)
    for key in ("name", "folder", "folderUid"):
        assert len({one[key] for one in providers}) == len(LANGUAGES)
    assert not any(one["allowUiUpdates"] for one in providers)


def test_nothing_needs_the_internet() -> None:
    """Dashboards and provisioning name no host but this one."""
    for path in (DEPLOY / "grafana").rglob("*"):
        if path.suffix in (".json", ".yaml"):
            assert re.findall(r"https?://(?!127\.0\.0\.1[:/])\S+", path.read_text()) == [], path


@every
def test_every_link_leads_somewhere(name: str, language: str) -> None:
    """A link is to a dashboard of the same language, with variables that it has, or to a runbook's panel that is there."""
    by_uid = {load(one, language)["uid"]: load(one, language) for one in NAMES}
    assert len(by_uid) == len(NAMES)
    document = load(name, language)
    links = [text for key, text in texts(document) if key == "url" and text]
    (listed,) = [link for link in document["links"] if link["type"] == "dashboards"]
    assert {load(*one)["uid"] for one in EVERY if set(listed["tags"]) <= set(load(*one)["tags"])} == set(by_uid)
    assert {uid for uid in by_uid if uid.endswith(("-overview", "-runbooks"))} - {document["uid"]} <= {
        link.removeprefix("/d/") for link in links
    }
    for link in links:
        match = re.fullmatch(r"/d/([a-z-]+)(?:\?(.*))?", link)
        assert match, link
        target = by_uid[match[1]]
        assert target["uid"] != document["uid"]
        known = {variable["name"] for variable in target["templating"].get("list", [])}
        assert set(re.findall(r"var-(\w+)=", match[2] or "")) <= known, link
        if "viewPanel" in link:
            assert match[2] == "viewPanel=${__data.fields.runbook}"


@every
def test_links_read_columns_that_their_table_has(name: str, language: str) -> None:
    """Each field that a link of a table names is a column, shown or hidden, and its runbooks are panels of the runbooks."""
    titles = {panel["id"]: panel["description"] for panel in panels(load("runbooks", language))}
    for panel in panels(load(name, language)):
        if panel["type"] != "table":
            continue
        columns = panel["transformations"][-2]["options"]["include"]["names"]
        overrides = {one["matcher"]["options"]: one["properties"] for one in panel["fieldConfig"]["overrides"]}
        assert set(overrides) == set(columns)
        fields = {
            field for key, text in texts(panel) if key == "url" for field in re.findall(r"__data\.fields\.(\w+)", text)
        }
        assert fields <= set(columns), panel["title"]
        if "runbook" in columns:
            (mapping,) = [one["value"] for one in overrides["runbook"] if one["id"] == "mappings"]
            for code, shown in mapping[0]["options"].items():
                assert re.search(r"\b[A-Z]\w+$", titles[int(shown["text"])]), code


def test_every_runbook_is_on_the_screen_whole() -> None:
    """Each alert's runbook is a panel, with its text; and each code leads to the runbook that is named for it."""
    document = load("runbooks")
    assert [panel["description"].split()[-1] for panel in panels(document)] == RUNBOOKS
    for name, panel in zip(RUNBOOKS, panels(document), strict=True):
        body = (DEPLOY / "runbooks" / f"{name}.md").read_text().partition("\n")[2].strip()
        assert panel["options"]["content"] == body


@every
def test_words_are_in_the_language_of_the_screen(name: str, language: str) -> None:
    """Every panel has a title and a description; Vietnamese ones have Vietnamese letters, or are a name; English ones none."""
    document = load(name, language)
    names = {"SNMP", "CPU", "Prometheus", "Alertmanager"}
    for panel in document["panels"]:
        said = [panel["title"], *([panel["description"]] if panel["type"] != "row" else [])]
        assert all(said), panel
        for text in said:
            if language == "vi":
                assert re.search(r"[À-ỹĐđ]", text) or text in names, text
            else:
                assert not re.search(r"[À-ỹĐđ]", text), text
    labels = [variable["label"] for variable in document["templating"].get("list", [])]
    assert all(bool(re.search(r"[À-ỹ]", label)) is (language == "vi") for label in labels)
    shown = {
        text
        for key, text in texts(document)
        if key in {"legendFormat", "displayName", "noValue", "titleFormat"} and "{{" not in text and "${" not in text
    }
    if language == "en":
        assert [text for text in shown if re.search(r"[À-ỹĐđ]", text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_word(language: str) -> None:
    """No screen shows a bare code: states, reasons, parties, problems, and the closed sets of the catalogue."""
    text = {name: json.dumps(load(name, language), ensure_ascii=False) for name in NAMES}
    sets = {(kind.name, column.name): column.states for kind in KINDS for column in kind.columns if column.states}
    wanted: dict[str, list[str]] = {
        "overview": [one.value for group in (State, Reason, Party, DeviceProblem) for one in group],
        "channel": [one.value for group in (State, Reason, Party) for one in group],
        "site": [one.value for group in (State, Reason, Party, DeviceProblem, AgentProblem) for one in group],
        "agents": [one.value for one in AgentProblem],
    }
    wanted["site"] += [*sets["sensor", "status"]]
    for name, codes in wanted.items():
        for code in codes:
            assert f'"{code}": {{"color"' in text[name], (name, code)
    # drawn as numbers, in the order of the catalogue or not, but all of them
    for key in (
        ("device", "snmp_state"),
        ("firewall", "ha_role"),
        ("ups", "source"),
        ("ups", "battery_status"),
        ("agent", "start_reason"),
    ):
        for state in sets[key]:
            assert f'state=\\"{state}\\"' in text["site"], state


def test_thresholds_are_those_of_the_classes_and_rules() -> None:
    """The numbers at which a screen changes colour are the defaults of the inventory's classes, and of the rules."""
    ours = SimpleNamespace(**runpy.run_path(str(DEPLOY / "grafana" / "thresholds.py")))
    channel, device = STANDARD, STANDARD_DEVICE
    assert (channel.loss_warn, channel.loss_critical) == ours.LOSS
    assert (channel.latency_warn, channel.latency_critical) == ours.LATENCY
    assert (channel.jitter_warn, channel.jitter_critical) == ours.JITTER
    assert (channel.errors_warn, channel.errors_critical) == ours.ERRORS
    assert (channel.overload_warn, channel.availability_target) == (ours.LOAD, ours.AVAILABILITY)
    assert (device.cpu_warn, device.memory_warn, device.sessions_warn) == (ours.CPU, ours.MEMORY, ours.SESSIONS)
    assert (device.temperature_warn, device.battery_low) == (ours.TEMPERATURE, ours.BATTERY)
    assert device.optical_receive_low == ours.OPTICAL
    assert (clock.WRONG, FILLING) == (ours.CLOCK, ours.SPOOL)
    rules = {
        rule["alert"]: rule["expr"]
        for path in (DEPLOY / "prometheus/rules").glob("*.rules.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert f"> {ours.LOAD}" in rules["ChannelOverloaded95"]
    assert f"< {ours.COVERAGE:g}" in rules["SupervisionIncomplete"]


def test_thresholds_on_the_screens_are_in_use() -> None:
    """Each threshold is a step of some panel, so that the comparison above is about what is shown."""
    found: set[float | None] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            found.update(step["value"] for step in value.get("steps", []) if isinstance(step, dict))
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    for name in NAMES:
        walk(load(name))
    wanted = {0.01, 0.05, 0.02, 0.03, 0.001, 0.9, 0.995, 0.8, 75.0, -22.0, 0.3, 10.0, 1.0}
    assert wanted <= found, wanted - found


def test_the_list_of_empty_queries_is_held_to_what_is_true() -> None:
    """An entry whose query has data, or that no query uses, is a mistake, and so is a query without data or entry."""
    ask = Query("Bảng", "A", "up", instant=True)
    cases: tuple[tuple[dict[tuple[str, ...], str], bool, int], ...] = (
        ({}, True, 0),
        ({}, False, 1),
        ({("d", "Bảng"): "why"}, False, 0),
        ({("d", "Bảng"): "why"}, True, 1),
        ({("d", "Bảng", "A"): "why"}, True, 1),
        ({("d", "Bảng", "B"): "why"}, True, 1),
    )
    for reasons, data, mistakes in cases:
        empty = Empty(reasons)
        empty.note("d", ask, data=data)
        assert len(empty.mistakes()) == mistakes, (reasons, data)
