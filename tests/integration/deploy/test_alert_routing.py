"""The shipped Alertmanager configuration: who is told what, when, and what holds what back, by a real Alertmanager.

Cases that do not touch each other share one Alertmanager: each has a province of its own.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from click.testing import CliRunner

from support.alertmanager import Alertmanager, Pager
from support.processes import find_program, running, wait_until
from tslcd_collector.cli import main
from tslcd_collector.shifts.alertmanager import render
from tslcd_collector.shifts.days import VIET_NAM
from tslcd_collector.shifts.files import Hours, NamedDay, ShiftCalendar, TenantRoute

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
SHIPPED: Final = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
#: How the shipped file was written: ``tslcd-collector alertmanager`` with these.
WRITTEN: Final = (
    *("--inventory", str(ROOT / "configs" / "inventory"), "--calendar", str(ROOT / "configs" / "calendar.yaml")),
    *("--from", "2026", "--years", "2"),
)


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool."""
    return subprocess.run([find_program("amtool"), *arguments], capture_output=True, text=True, check=False)


def test_the_shipped_file_follows_from_inventory_and_calendar() -> None:
    """``tslcd-collector alertmanager`` writes what is committed; ``--check`` tells when it would write something else."""
    assert CliRunner().invoke(main, ["alertmanager", *WRITTEN]).output == SHIPPED.read_text()
    assert CliRunner().invoke(main, ["alertmanager", *WRITTEN, "--check", str(SHIPPED)]).exit_code == 0
    other = CliRunner().invoke(main, ["alertmanager", *WRITTEN, "--years", "3", "--check", str(SHIPPED)])
    assert (other.exit_code, "is not current" in other.output) == (1, True)


def test_an_address_that_is_none_is_refused() -> None:
    """What would break the file, or be no webhook, is told at once."""
    for option in ("--pager", "--dead-man"):
        done = CliRunner().invoke(main, ["alertmanager", *WRITTEN, option, "192.0.2.30: x"])
        assert (done.exit_code, "is wanted" in done.output) == (2, True)


def test_alertmanager_accepts_the_configuration(tmp_path: Path) -> None:
    """``amtool check-config`` finds no fault, in the shipped file, nor with everything that a calendar can ask for."""
    done = amtool("check-config", str(SHIPPED))
    assert done.returncode == 0, done.stderr
    assert "5 receivers" in done.stdout
    tenants = tuple(
        TenantRoute(
            tenant=f"vpn-{when}", pager="http://192.0.2.30:9480", severities=("critical", "major", "warning"), when=when
        )
        for when in ("always", "working", "off")
    )
    full = tmp_path / "full.yml"
    full.write_text(
        render(ShiftCalendar(tenants=tenants), first=2026, years=9, outside="https://outside.example/x?y=1")
    )
    done = amtool("check-config", str(full))
    assert done.returncode == 0, done.stderr
    assert "14 receivers" in done.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=ChannelDown severity=critical party=operator province=86 site=s", "pager-critical"),
        ("alertname=ChannelDown severity=major party=operator province=86 site=s redundancy_group=g", "pager-major"),
        ("alertname=ManyChannelsDown severity=critical party=operator province=86", "pager-critical"),
        ("alertname=CollectorDead severity=critical party=monitoring", "pager-critical"),
        ("alertname=CollectorDead severity=warning party=monitoring", "pager-warning"),
        ("alertname=PipelineBroken severity=critical party=monitoring", "pager-critical"),
        ("alertname=AgentLost severity=major party=monitoring province=86 site=s", "pager-major"),
        ("alertname=SitePower severity=major party=power province=86 site=s", "pager-major"),
        ("alertname=ChannelDegraded severity=warning party=operator province=86 site=s", "pager-warning"),
        ("alertname=SupervisionIncomplete severity=warning party=monitoring province=86", "pager-warning"),
        ("alertname=UpstreamDown severity=info party=operator province=86 site=s channel=c", "nobody"),
        ("alertname=Watchdog severity=none party=none", "dead-man"),
        ("alertname=SomethingNew severity=unheard-of", "pager-warning"),
    ],
)
def test_an_alert_goes_to_its_receiver(labels: str, receiver: str) -> None:
    """Routes go by severity and party; nothing is lost for having a severity that nobody knows."""
    done = amtool(
        "config", "routes", "test", f"--config.file={SHIPPED}", f"--verify.receivers={receiver}", *labels.split()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_tenant_with_a_pager_of_its_own_is_told_besides_the_province(tmp_path: Path) -> None:
    """What it asked for and no more, and no other tenant's."""
    calendar = ShiftCalendar(tenants=(TenantRoute(tenant="vpn-ubnd", pager="http://192.0.2.30:9480"),))
    file = tmp_path / "alertmanager.yml"
    file.write_text(render(calendar, first=2026, years=1))

    def receivers(labels: str) -> str:
        return amtool("config", "routes", "test", f"--config.file={file}", *labels.split()).stdout.strip()

    assert receivers("severity=critical party=operator tenant=vpn-ubnd") == "tenant-vpn-ubnd-critical,pager-critical"
    assert receivers("severity=warning party=operator tenant=vpn-ubnd") == "pager-warning"
    # what explains a cut of its channel, and holds it back, is told there too
    for name in ("ManyChannelsDown", "CollectorDead"):
        told = receivers(f"alertname={name} severity=critical party=monitoring province=86")
        assert told == "tenant-vpn-ubnd-critical,pager-critical", name
    assert receivers("alertname=SitePower severity=major party=power site=s") == "tenant-vpn-ubnd-major,pager-major"
    assert receivers("alertname=AgentLost severity=major party=monitoring site=s") == "pager-major"
    assert receivers("alertname=Watchdog severity=none party=none") == "dead-man"
    assert receivers("severity=critical party=operator tenant=vpn-mttq") == "pager-critical"


def test_receivers_are_on_this_machine() -> None:
    """The file that is shipped sends nothing to anywhere else."""
    hosts = set(re.findall(r"url: https?://([^:/]+)", SHIPPED.read_text()))
    assert hosts == {"127.0.0.1"}


def test_every_alert_that_is_named_exists() -> None:
    """A misspelt name in an inhibition holds nothing back, and nobody notices."""
    rules = chain.from_iterable(
        group["rules"]
        for file in (ROOT / "deploy" / "prometheus" / "rules").glob("*.rules.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
    )
    alerts = {rule["alert"] for rule in rules if "alert" in rule}
    document = yaml.safe_load(SHIPPED.read_text())
    matchers = [
        one for rule in document["inhibit_rules"] for part in ("source", "target") for one in rule[f"{part}_matchers"]
    ]
    patterns = [found[1] for one in matchers if (found := re.match(r'alertname [=!]~? "(.*)"', one))]
    assert patterns
    for pattern in patterns:
        for part in re.split(r"\|(?![^(]*\))", pattern):
            assert any(re.fullmatch(part, alert) for alert in alerts), part


@pytest.fixture
def pager() -> Iterator[Pager]:
    """Run a pager."""
    with Pager().running() as one:
        yield one


@contextmanager
def alertmanager(directory: Path, pager: Pager, text: str | None = None) -> Iterator[Alertmanager]:
    """Run the shipped configuration, or another, with groups that wait 1 s and warnings at any hour."""
    if text is None:
        text = re.sub(r"\n *active_time_intervals:.*", "", SHIPPED.read_text())
    one = Alertmanager(directory, re.sub(r"group_wait: (5s|1m)", "group_wait: 1s", text), pager.port)
    with running(one.program, one.ready):
        yield one


def alert(name: str, severity: str = "critical", party: str = "operator", **labels: str) -> dict[str, str]:
    """Return the labels of an alert, of site ``s`` and channel ``c`` unless said; an empty label is none."""
    given = {"province": "86", "site": "s", **labels}
    return {"alertname": name, "severity": severity, "party": party, **{key: one for key, one in given.items() if one}}


#: Alerts that fire together, and what is told of them: name and severity of each.
CASES: Final[dict[str, tuple[list[dict[str, str]], list[str]]]] = {
    "sixty cuts with one cause, and one before or after": (
        [
            alert("ManyChannelsDown", site=""),
            *(alert("ChannelDown", site=f"{n}", channel=f"{n}") for n in range(61)),
            *(alert("CutWithMany", "info", site=f"{n}", channel=f"{n}", told="no") for n in range(60)),
            alert("CutWithMany", "info", site="60", channel="60", told="yes"),
        ],
        ["ChannelDown critical", "ManyChannelsDown critical"],
    ),
    "of many cuts those of a channel and of a site are told apart": (
        [
            alert("CutWithMany", "info", site="a", channel="c", told="no"),
            *(alert("ChannelDown", site=site, channel=channel) for site, channel in ("ac", "bc", "ad")),
        ],
        ["ChannelDown critical", "ChannelDown critical"],
    ),
    "a cut upstream and all that follows": (
        [
            alert("ChannelDown", site="top", channel="top"),
            alert("UpstreamDown", "info", channel="c"),
            alert("AgentLost", "major", "monitoring", agent="a"),
            alert("RedundancyLost", "major", redundancy_group="g"),
            alert("UplinkSpare", "warning", agent="a"),
            alert("TunnelDown", "warning", "agency", agent="a", device="fw"),
        ],
        ["ChannelDown critical"],
    ),
    "another channel of a site behind a cut is cut by itself": (
        [alert("UpstreamDown", "info", channel="c"), alert("ChannelDown", channel="d")],
        ["ChannelDown critical"],
    ),
    "two channels of a site, one of them degraded before": (
        [
            alert("ChannelDown", channel="c"),
            alert("ChannelDown", channel="d"),
            alert("ChannelDegraded", "warning", channel="d"),
            alert("ChannelFlapping", "major", channel="d"),
            alert("UplinkSpare", "warning", agent="a"),
            alert("PathDown", "warning", agent="a", device="fw"),
        ],
        ["ChannelDown critical,ChannelDown critical"],
    ),
    "a channel at its load explains a spare way, no tunnel and no fibre": (
        [
            alert("ChannelDegraded", "warning", "agency", channel="c"),
            alert("UplinkSpare", "warning", agent="a"),
            alert("TunnelDown", "warning", "agency", agent="a", device="fw"),
            alert("OpticalPowerLow", "warning", "operator", agent="a", device="sw"),
        ],
        ["ChannelDegraded warning", "OpticalPowerLow warning", "TunnelDown warning"],
    ),
    "a cut of a redundant channel": (
        [
            alert("ChannelDown", "major", channel="c", redundancy_group="g"),
            alert("RedundancyLost", "major", redundancy_group="g"),
        ],
        ["ChannelDown major"],
    ),
    "both of a group": (
        [
            alert("ChannelDown", "critical", channel="c", redundancy_group="g"),
            alert("ChannelDown", "major", channel="c", redundancy_group="g"),
            alert("ChannelDown", "critical", channel="d", redundancy_group="g"),
        ],
        ["ChannelDown critical,ChannelDown critical"],
    ),
    "another group of the site is short too": (
        [
            alert("ChannelDown", "critical", channel="c", redundancy_group="g"),
            alert("RedundancyLost", "major", redundancy_group="h"),
        ],
        ["ChannelDown critical", "RedundancyLost major"],
    ),
    "a site without power": (
        [
            alert("SitePower", "major", "power"),
            alert("AgentLost", "major", "monitoring", agent="a"),
            alert("ChannelDown", "critical", channel="c"),
            alert("OnBattery", "warning", "power", agent="a", device="ups"),
            alert("DeviceUnreadable", "warning", "monitoring", agent="a", device="fw"),
        ],
        ["SitePower major"],
    ),
    "a storm: three sites without power": (
        [alert("SitePower", "major", "power", site=f"{n}") for n in range(3)],
        ["SitePower major,SitePower major,SitePower major"],
    ),
    "a lost agent holds back what it said last, no cut, and not what is missing elsewhere": (
        [
            alert("AgentLost", "major", "monitoring", agent="a"),
            alert("ChannelDown", "critical", channel="c"),
            alert("ClockWrong", "warning", "monitoring", agent="a"),
            alert("DeviceHardware", "warning", "agency", agent="a", device="fw"),
            alert("SupervisionIncomplete", "warning", "monitoring", site=""),
        ],
        ["AgentLost major", "ChannelDown critical", "SupervisionIncomplete warning"],
    ),
    "many lost agents": (
        [
            alert("ManyAgentsLost", "critical", "monitoring", site=""),
            *(alert("AgentLost", "major", "monitoring", site=f"{n}", agent=f"{n}") for n in range(6)),
        ],
        ["ManyAgentsLost critical"],
    ),
    "a device that cannot be read, beside one that is hot": (
        [
            alert("DeviceUnreadable", "warning", "monitoring", agent="a", device="rt"),
            alert("DeviceOverloaded", "warning", "agency", agent="a", device="rt"),
            alert("DeviceHardware", "major", "agency", agent="a", device="fw"),
            alert("DeviceHardware", "warning", "agency", agent="a", device="fw"),
        ],
        ["DeviceHardware major", "DeviceUnreadable warning"],
    ),
    "the device of the channel is dead": (
        [
            alert("ChannelDown", "critical", "agency", channel="c"),
            alert("DeviceUnreadable", "warning", "monitoring", agent="a", device="fw"),
        ],
        ["ChannelDown critical"],
    ),
    "things that have nothing to do with each other": (
        [
            alert("ChannelDown", "critical", channel="c"),
            alert("ChannelDegraded", "warning", site="t", channel="c"),
            alert("ChannelOverloaded95", "warning", "agency", channel="c", reading="window"),
            alert("CertificateExpiring", "warning", "monitoring", agent="a"),
        ],
        [
            "CertificateExpiring warning",
            "ChannelDegraded warning",
            "ChannelDown critical",
            "ChannelOverloaded95 warning",
        ],
    ),
}


def told(pages: list[tuple[str, dict[str, Any]]], province: str) -> list[str]:
    """Return what was told of a province, a page each."""
    return sorted(
        ",".join(sorted(f"{one['labels']['alertname']} {one['labels']['severity']}" for one in page["alerts"]))
        for _, page in pages
        if page["commonLabels"].get("province") == province
    )


def test_one_page_a_root_cause(tmp_path: Path, pager: Pager) -> None:
    """Upstream before site, site before device, device before interface: each case makes the pages of its causes alone."""
    provinces = {case: f"{number:02}" for number, case in enumerate(CASES, 1)}
    with alertmanager(tmp_path, pager) as one:
        one.fire(*({**each, "province": provinces[case]} for case, (fired, _) in CASES.items() for each in fired))
        wanted = sum(len(pages) for _, pages in CASES.values())
        wait_until(lambda: len(pager.pages) >= wanted, 20, f"{wanted} pages")
        one.fire({"alertname": "Later", "severity": "warning", "party": "none", "province": "99"})
        wait_until(lambda: told(pager.pages, "99"), 20, "a later group: when it is there, all others had their time")
    assert {case: told(pager.pages, provinces[case]) for case in CASES} == {
        case: sorted(pages) for case, (_, pages) in CASES.items()
    }
    assert {path for path, _ in pager.pages} == {f"/alerts/{name}" for name in ("critical", "major", "warning")}
    assert all(page["version"] == "4" for _, page in pager.pages)


def test_a_dead_collector_holds_everything_back_but_itself_and_the_watchdog(tmp_path: Path, pager: Pager) -> None:
    """Nobody is called to a commune while the supervision itself is dead; one of a pair that is dead holds nothing back."""
    dead = {"alertname": "CollectorDead", "severity": "critical", "party": "monitoring"}
    cut, agent = alert("ChannelDown", channel="c"), alert("AgentLost", "major", "monitoring", agent="a")
    with alertmanager(tmp_path, pager) as one:
        one.fire(dead, cut, agent, alert("ManyChannelsDown", site=""))
        wait_until(lambda: pager.names("/alerts/critical"), 15, "the page about the collector")
        one.fire({"alertname": "Watchdog", "severity": "none", "party": "none"})
        wait_until(lambda: pager.names("/dead-man"), 15, "the dead man's switch")
        assert pager.names("/alerts/critical") == [["CollectorDead"]]
        assert pager.names("/alerts/major") == []
        one.resolve(dead)
        one.fire({**dead, "severity": "warning"}, {**cut, "province": "96"})
        wait_until(lambda: told(pager.pages, "96"), 15, "a cut with one collector of a pair")


def test_a_pager_that_comes_back_gets_what_it_missed(tmp_path: Path, pager: Pager) -> None:
    """While the pager answers 503 the page is tried again, and it is told once."""
    pager.fails = True
    with alertmanager(tmp_path, pager) as one:
        one.fire(alert("ChannelDown", channel="c"))
        wait_until(lambda: pager.refused, 15, "a try")
        pager.fails = False
        wait_until(lambda: pager.pages, 30, "the page")
    assert pager.names("/alerts/critical") == [["ChannelDown"]]


@pytest.mark.parametrize("works", [True, False], ids=["working", "holiday"])
def test_warnings_wait_for_working_hours_and_pages_do_not(works: bool, tmp_path: Path, pager: Pager) -> None:
    """On a day that is off by the calendar a warning is held and a cut is told; on a Saturday that is worked both are."""
    today = dt.datetime.now(VIET_NAM).date()
    near = tuple(NamedDay(day=(today + dt.timedelta(days=ahead)).isoformat(), name="x") for ahead in (-1, 0, 1))
    calendar = ShiftCalendar(
        working_hours=(Hours(begin="00:00", until="24:00"),),
        days_worked=near if works else (),
        days_off=() if works else near,
    )
    text = render(calendar, first=today.year - 1, years=3)
    with alertmanager(tmp_path, pager, text) as one:
        one.fire(alert("ChannelDown", channel="c"), alert("ChannelDegraded", "warning", site="t", channel="d"))
        wait_until(lambda: pager.names("/alerts/critical"), 15, "the cut")
        if works:
            wait_until(lambda: pager.names("/alerts/warning"), 15, "the warning")
        else:
            one.fire(alert("ChannelDown", site="u", channel="e"))
            wait_until(lambda: len(pager.names("/alerts/critical")) >= 2, 15, "a later cut: the warning had its time")
            assert pager.names("/alerts/warning") == []
