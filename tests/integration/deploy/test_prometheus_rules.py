"""The shipped Prometheus configuration and alert rules, by Prometheus' own tools."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from support.metric_names import KNOWN, names_in
from support.processes import find_program

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
SHIPPED: Final = DEPLOY / "prometheus"
RULES: Final = SHIPPED / "rules" / "tslcd.rules.yml"
SEVERITIES: Final = {"critical", "major", "warning", "none"}
PARTIES: Final = {"operator", "agency", "power", "monitoring", "none"}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run([find_program("promtool"), *arguments], capture_output=True, text=True, check=False)


def alerts() -> list[dict[str, Any]]:
    """Return every alert rule."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_prometheus_accepts_the_configuration() -> None:
    """Configuration and rule files are right, and the rules are found by it."""
    done = promtool("check", "config", str(SHIPPED / "prometheus.yml"))
    assert done.returncode == 0, done.stderr
    assert "1 rule files found" in done.stdout


def test_every_alert_fires_when_it_should_and_only_then() -> None:
    """The rules' own tests hold, and each alert has one."""
    tests = RULES.with_suffix(".test.yml")
    done = promtool("test", "rules", str(tests))
    assert done.returncode == 0, done.stdout + done.stderr
    untested = [rule["alert"] for rule in alerts() if not re.search(rf"\b{rule['alert']}\b", _wide(tests.read_text()))]
    assert untested == []


def _wide(text: str) -> str:
    """Name the alerts that the tests select together by an expression."""
    return text.replace("Reports.*", "ReportsLost|ReportsRefused")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('state="down"} == 1', 'state=~"down|unknown"} == 1'),
        ("for: 10s", "for: 0s"),
        ("keep_firing_for: 1m", "keep_firing_for: 10s"),
        ("max by (province, site, channel, party)", "max by (province, site, channel, party, instance)"),
        ("max by (province, site, channel, party)", "max by (province, site, channel, party, reason)"),
        ('{reason!="ok"}', ""),
        (">= 0.1 *", ">= 0.01 *"),
        ("for: 15s", "for: 5s"),
        ("for: 1m", "for: 30s"),
        ("for: 5m", "for: 1m"),
        ("[10m]", "[1h]"),
        ("vector(1)", "vector(1) > 1"),
    ],
)
def test_the_rules_tests_catch_a_wrong_rule(right: str, wrong: str, tmp_path: Path) -> None:
    """Each of these mistakes in the rules fails their tests."""
    text = RULES.read_text()
    assert right in text
    (tmp_path / RULES.name).write_text(text.replace(right, wrong))
    tests = shutil.copy(RULES.with_suffix(".test.yml"), tmp_path)
    assert promtool("check", "rules", str(tmp_path / RULES.name)).returncode == 0
    done = promtool("test", "rules", str(tests))
    assert done.returncode != 0
    assert "exp:" in done.stdout + done.stderr, "it failed for another reason"


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
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
    page = (DEPLOY / annotations["runbook"]).read_text()
    assert page.startswith(f"# {rule['alert']}")


def test_texts_have_no_topology() -> None:
    """No annotation prints a circuit, a device, an interface or an instance."""
    for rule in alerts():
        texts = "".join(rule["annotations"].values())
        assert not re.search(r"(Labels|\$labels)\.(circuit|device|interface|instance|agent_address|upstream)", texts)


def test_rules_read_metrics_that_exist_and_never_raw_samples() -> None:
    """Every family is known; none is of the backfilled kind, so a replay cannot page."""
    used = {name for rule in alerts() for name in names_in(rule["expr"])}
    assert used <= KNOWN, used - KNOWN
    backfilled = {
        name for name in used if re.match(r"tslcd_(interface|device|probe|channel_(receive|transmit|rtt|loss))", name)
    }
    assert backfilled == set()
