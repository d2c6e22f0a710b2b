"""The shipped Prometheus configuration and alert rules, by Prometheus' own tools."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from support.metric_names import KNOWN, names_in
from support.processes import find_program
from tslcd_collector.pager.metrics import Metrics as PagerMetrics
from tslcd_collector.problems import AgentProblem, DeviceProblem
from tslcd_collector.verdict import REASON_WORDS, Reason

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
SHIPPED: Final = DEPLOY / "prometheus"
RULES: Final = sorted((SHIPPED / "rules").glob("*.rules.yml"))
TESTS: Final = sorted((SHIPPED / "rules").glob("*.test.yml"))
SEVERITIES: Final = {"critical", "major", "warning", "info", "none"}
PARTIES: Final = {"operator", "agency", "power", "monitoring", "none"}
#: What reads measurements says in its file why a replay cannot fire it.
MEASURED: Final = {"CertificateExpiring", "ChannelOverloaded95"}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run([find_program("promtool"), *arguments], capture_output=True, text=True, check=False)


@cache
def groups() -> list[dict[str, Any]]:
    """Return every group of rules."""
    return list(chain.from_iterable(yaml.safe_load(file.read_text())["groups"] for file in RULES))


def alerts() -> list[dict[str, Any]]:
    """Return every alert rule."""
    return [rule for group in groups() for rule in group["rules"] if "alert" in rule]


@cache
def recorded() -> dict[str, str]:
    """Return the expression of every recording rule."""
    return {rule["record"]: rule["expr"] for group in groups() for rule in group["rules"] if "record" in rule}


def named(rule: dict[str, Any]) -> str:
    """Name a rule in a test's id."""
    return f"{rule['alert']}-{rule['labels']['severity']}"


def test_the_committed_rules_are_what_the_source_gives() -> None:
    """``deploy/prometheus/generate --check`` has nothing to write: words, thresholds and problems of the source are those in use."""
    done = subprocess.run(
        [sys.executable, str(SHIPPED / "generate"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_prometheus_accepts_the_configuration() -> None:
    """Configuration and rule files are right, and the rules are found by it."""
    done = promtool("check", "config", str(SHIPPED / "prometheus.yml"))
    assert done.returncode == 0, done.stderr
    assert f"{len(RULES)} rule files found" in done.stdout


@pytest.mark.parametrize("tests", TESTS, ids=lambda path: path.name)
def test_every_alert_fires_when_it_should_and_only_then(tests: Path) -> None:
    """The rules' own tests hold."""
    done = promtool("test", "rules", str(tests))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_of_every_severity_has_a_test_with_its_labels() -> None:
    """The tests see each alert fire with the severity and the party that it has."""
    text = "".join(file.read_text() for file in TESTS)
    untested = [
        named(rule)
        for rule in alerts()
        if not re.search(rf'alertname="{rule["alert"]}"[^}}]*severity="{rule["labels"]["severity"]}"', text)
        and not re.search(
            rf"alertname: {rule['alert']}\n\s*exp_alerts:.*\n.*severity: {rule['labels']['severity']}", text
        )
    ]
    assert untested == []


@pytest.mark.parametrize("rule", alerts(), ids=named)
def test_an_alert_says_what_happened_who_acts_and_what_to_do(rule: dict[str, Any]) -> None:
    """Severity and party are of the closed sets, both languages are there, and so is the page of the runbook."""
    assert rule["labels"]["severity"] in SEVERITIES
    party = rule["labels"].get("party")
    assert party in PARTIES if party else "party" in rule["expr"]
    annotations = rule["annotations"]
    for key in ("summary", "action"):
        assert annotations[f"{key}_vi"]
        assert annotations[f"{key}_vi"] != annotations[f"{key}_en"]
    assert annotations["runbook"] == f"runbooks/{rule['alert']}.md"


def test_the_reason_of_a_page_is_that_of_the_verdict() -> None:
    """Every reason that a channel can have is written out, in the words that the wall and the dashboards use, and pages ask for them."""
    words = recorded()["reason:words:info"]
    for reason in Reason:
        vi, en = (text.partition(":")[0].removesuffix(".") for text in REASON_WORDS[reason])
        [line] = [one for one in words.splitlines() if f'"reason", "{reason.value}"' in one]
        assert f'"vi", "{vi}"' in line
        assert f'"en", "{en}"' in line
    for down in (rule for rule in alerts() if rule["alert"] == "ChannelDown"):
        for language in ("vi", "en"):
            assert "channel:why:info" in down["annotations"][f"reason_{language}"]
            assert f'label "{language}"' in down["annotations"][f"reason_{language}"]


def test_every_problem_has_an_alert() -> None:
    """No problem of a device or an agent is known to the collector and told to nobody."""
    text = "".join(rule["expr"] for rule in alerts())
    used = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r'problem=~?"([^"]*)"', text))))
    assert used == {one.value for one in chain[DeviceProblem | AgentProblem](DeviceProblem, AgentProblem)}


def test_texts_have_no_topology() -> None:
    """No annotation prints a circuit, a device, an interface or an instance, nor has an address in it."""
    for rule in alerts():
        texts = "".join(rule["annotations"].values())
        printed = re.findall(r"\{\{-? ?(?:with )?[.$]([\w.]+)", texts)
        assert not [one for one in printed if re.search(r"circuit|device|interface|instance|upstream", one)]
        assert not re.search(r"\d+\.\d+\.\d+\.\d+", texts)


def test_rules_read_metrics_that_exist_and_verdicts_instead_of_measurements() -> None:
    """Every family is known; what is backfilled is read by the two alerts alone that say why a replay cannot fire them."""
    series = recorded()
    pager = PagerMetrics().registry.collect()
    known = KNOWN | {family.name + ("_total" if family.type == "counter" else "") for family in pager}
    for rule in alerts():
        expr = rule["expr"]
        while names := [name for name in series if name in expr]:
            for name in names:
                expr = expr.replace(name, f"({series[name]})")
        used = names_in(expr)
        assert used <= known, used - known
        measured = [
            name
            for name in used
            if re.match(r"tslcd_(interface|device(?!_problem)|probe|channel_(receive|transmit|rtt|loss|jitter))", name)
        ]
        assert not measured or rule["alert"] in MEASURED


def test_a_recorded_series_is_made_before_it_is_read() -> None:
    """Within a group a rule reads what was recorded at the same time: no evaluation is lost between a cut and its alert."""
    for group in groups():
        here = [rule["record"] for rule in group["rules"] if "record" in rule]
        made: set[str] = set()
        for rule in group["rules"]:
            assert {name for name in here if name in rule["expr"]} <= made
            made.add(rule.get("record", ""))


def test_a_rule_reads_the_series_of_its_own_group_only() -> None:
    """Nothing urgent waits for the recording rules of another group."""
    for group in groups():
        if group["name"] == "tslcd-devices":
            continue  # they ask for planned work at a site, which does not change within seconds
        here = {rule["record"] for rule in group["rules"] if "record" in rule}
        read = {name for rule in group["rules"] for name in recorded() if name in rule["expr"]}
        assert read <= here
