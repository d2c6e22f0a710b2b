"""The prober with probes of the test's own: deadlines from outside, errors that nobody foresaw, what is kept of a failure."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from tslcd_agent.config import DnsProbe, IcmpProbe, MqttProbe, TcpProbe
from tslcd_agent.probes.contract import GOOD, PHASES, Findings, ProbeError, ProbeResult, probe_table
from tslcd_agent.probes.prober import Prober, ProbeStatistics
from tslcd_agent.probes.runner import ProbeRunner
from tslcd_runtime.health import Health
from tslcd_wire.catalogue import PROBE, PROBE_OUTCOMES

if TYPE_CHECKING:
    from tslcd_agent.config import Probe
    from tslcd_agent.readings import Reading


def stand_in(monkeypatch: pytest.MonkeyPatch, kind: str, probe: Any) -> None:
    """Let ``probe`` be what a type of probes does."""
    module = ModuleType(f"tslcd_agent.probes.{kind}")
    monkeypatch.setattr(module, "probe", probe, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)


async def test_a_probe_that_never_ends_is_cut_off_and_keeps_what_it_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The phase under way is the reason; those before it are kept."""

    async def hang(settings: TcpProbe, means: object, findings: Findings) -> None:
        del settings, means
        findings.address = "192.0.2.1"
        with findings.measure("resolve"):
            await asyncio.sleep(0)
        with findings.measure("connect"):
            await asyncio.Event().wait()

    stand_in(monkeypatch, "tcp", hang)
    result = await Prober().probe("x", TcpProbe(target="gw.example", port=1, timeout=0.05))
    assert (result.outcome, result.reason, result.address) == (
        "no_answer",
        "connect: no end within 0.05 s",
        "192.0.2.1",
    )
    assert set(result.phases) == {"resolve"}
    assert result.duration is not None


async def test_what_nobody_foresaw_is_an_outcome_counted_and_logged_once_a_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake in one probe neither ends the round nor fills the log."""

    async def broken(settings: object, means: object, findings: Findings) -> None:
        del settings, means, findings
        raise KeyError("secret-of-the-program")

    stand_in(monkeypatch, "tcp", broken)
    counted = ProbeStatistics()
    prober = Prober(statistics=counted)
    settings = TcpProbe(target="gw.example", port=1)
    with capture_logs() as logs:
        for _ in range(3):
            result = await prober.probe("x", settings)
            assert (result.outcome, result.reason) == ("bad_answer", "unexpected KeyError")
        assert counted.activity() == {"probe_errors_total": 3}
        assert [line["event"] for line in logs] == ["probe broke"]
        await Prober(statistics=counted).probe("x", settings)  # as after a reload
    assert counted.activity() == {"probe_errors_total": 4}


async def test_cancelling_is_not_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the agent ends its probes."""

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    stand_in(monkeypatch, "tcp", hang)
    task = asyncio.create_task(Prober().probe("x", TcpProbe(target="gw.example", port=1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_round_with_a_slow_and_a_broken_probe_has_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends at its own deadline at the latest, and what came of it is in the reading."""

    async def slow(*_: object) -> None:
        await asyncio.Event().wait()

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async def fine(settings: object, means: object, findings: Findings) -> None:
        del settings, means
        findings.tell(answers=2)

    for kind, probe in (("tcp", slow), ("mqtt", broken), ("dns", fine)):
        stand_in(monkeypatch, kind, probe)

    async def nowhere(reading: Reading) -> None:
        raise AssertionError(reading)

    probes: dict[str, Probe] = {
        "slow": TcpProbe(target="gw.example", port=1, timeout=0.05),
        "broken": MqttProbe(),
        "fine": DnsProbe(target="192.0.2.53", name="portal.example"),
        "nameless": IcmpProbe(target="bad\udcff"),
    }
    prober = Prober()
    with capture_logs():
        reading = await ProbeRunner(30, probes, prober.probe, nowhere, Health()).round()
    table = reading.tables["probe"]
    assert table["outcome"] == ["no_answer", "bad_answer", "ok", "unresolved"]
    assert table["up"] == [0, 0, 1, 0]
    assert table["type"] == ["tcp", "mqtt", "dns", "icmp"]
    assert table["answers"] == [None, None, 2, None]
    assert table["packets_sent"] == [None, None, None, 0]
    assert all(cell > 0 for cell in table["duration_seconds"])


async def test_the_log_tells_a_failure_with_its_reason_and_a_changed_path_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Edges: another outcome is told anew; good outcomes are the same."""
    said = iter(["path_changed", "ok", "bad_certificate", "bad_certificate", "refused", "path_changed", "ok"])

    async def scripted(settings: object, means: object, findings: Findings) -> None:
        del settings, means
        outcome: Any = next(said)
        if outcome not in GOOD:
            raise ProbeError(outcome, f"because of {outcome}")
        findings.outcome = outcome

    async def nowhere(reading: Reading) -> None:
        raise AssertionError(reading)

    stand_in(monkeypatch, "tcp", scripted)
    runner = ProbeRunner(30, {"x": TcpProbe(target="gw.example", port=1)}, Prober().probe, nowhere, Health())
    with capture_logs() as logs:
        for _ in range(7):
            await runner.round()
    assert [(line["event"], line.get("outcome"), line.get("reason")) for line in logs] == [
        ("probe failed", "bad_certificate", "because of bad_certificate"),
        ("probe failed", "refused", "because of refused"),
        ("probe answered again", None, None),
    ]


def test_every_column_of_the_catalogue_is_filled() -> None:
    """A result with everything has a cell for every column, and each phase one of its own."""
    prober_says = ProbeResult(
        "ok", (0.1, 0.2), "192.0.2.1", duration=1.0, phases=dict.fromkeys(PHASES, 0.5), figures=_everything()
    )
    table = probe_table({"x": prober_says})
    assert set(table) == {"key", *PROBE.by_name}
    assert table["certificate_expiry_seconds"] == [-5.0]
    assert table["transfer_seconds"] == [0.5]


def _everything() -> Any:
    findings = Findings()
    findings.tell(certificate_expiry=-5.0, http_status=200, answers=1, hops=3, path_changes=0)
    return findings.figures


@pytest.mark.parametrize(("count", "median", "p95"), [(1, 1, 1), (2, 1, 2), (19, 10, 19), (20, 10, 19), (100, 50, 95)])
def test_percentiles_are_values_that_were_measured(count: int, median: float, p95: float) -> None:
    """Nearest rank, whatever the order of the answers; none without answers."""
    result = ProbeResult("ok", (None, *(float(number) for number in range(count, 0, -1)), None))
    assert result.percentile(0.5) == median
    assert result.percentile(0.95) == p95
    assert ProbeResult("no_answer", (None,)).percentile(0.95) is None


def test_outcomes_are_those_of_the_contract() -> None:
    """What a probe may say is what the catalogue knows."""
    from typing import get_args  # noqa: PLC0415 - only here

    from tslcd_agent.probes.contract import Outcome  # noqa: PLC0415

    assert get_args(Outcome) == PROBE_OUTCOMES
