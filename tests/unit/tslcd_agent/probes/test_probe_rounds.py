"""Probes without sockets: figures of a round, readings, edges, messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tslcd_agent.config import IcmpProbe
from tslcd_agent.config.probes import host_of
from tslcd_agent.probes.check import check_probe
from tslcd_agent.probes.contract import Echoes, ProbeResult, probe_table
from tslcd_agent.probes.prober import echoes_of
from tslcd_agent.probes.runner import ProbeRunner, runners
from tslcd_runtime.health import Health
from tslcd_runtime.language import Language
from tslcd_wire import codec
from tslcd_wire.catalogue import PROBE_OUTCOMES
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from tslcd_agent.config import Probe
    from tslcd_agent.readings import Reading


class Network:
    """Answers probes by target, and remembers what was sent."""

    def __init__(self, answers: dict[str, ProbeResult]) -> None:
        """Answer from ``answers``."""
        self.answers = answers
        self.sent: list[str] = []

    async def probe(self, name: str, settings: Probe) -> ProbeResult:
        """Answer one round."""
        self.sent.append(name)
        await asyncio.sleep(0)
        return self.answers[host_of(settings) or ""]


async def nowhere(reading: Reading) -> None:
    """Take no reading."""
    raise AssertionError(reading)


def runner(network: Network, **targets: str) -> ProbeRunner:
    """Make a runner that is not running."""
    probes = {name: IcmpProbe(target=target) for name, target in targets.items()}
    return ProbeRunner(30, probes, network.probe, nowhere, Health())


def test_the_figures_of_a_round() -> None:
    """Loss, mean, bounds, and jitter over consecutive answers, a lost packet between them or not."""
    table = probe_table({"gw": ProbeResult("ok", (0.010, None, 0.014, 0.012), "192.0.2.1")})
    assert {column: cells[0] for column, cells in table.items()} == {
        "key": "gw",
        "up": 1,
        "outcome": "ok",
        "packets_sent": 4,
        "packets_received": 3,
        "loss_ratio": 0.25,
        "rtt_seconds": pytest.approx(0.012),
        "rtt_min_seconds": 0.010,
        "rtt_max_seconds": 0.014,
        "jitter_seconds": pytest.approx(0.003),
        "rtt_median_seconds": 0.012,
        "rtt_p95_seconds": 0.014,
        "type": "icmp",
    }


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (ProbeResult("no_answer", (None, None)), {"up": 0, "packets_sent": 2, "packets_received": 0, "loss_ratio": 1}),
        (ProbeResult("unresolved"), {"up": 0, "packets_sent": 0, "packets_received": 0}),
        (ProbeResult("denied"), {"up": 0, "packets_sent": 0, "packets_received": 0}),
    ],
)
def test_a_round_without_answers_has_no_times_and_without_packets_no_loss(
    result: ProbeResult, expected: dict[str, Any]
) -> None:
    """What is not known is not there: nothing sent is no loss."""
    table = probe_table({"gw": result})
    assert {column: cells[0] for column, cells in table.items()} == {
        "key": "gw",
        "outcome": result.outcome,
        "type": "icmp",
        **expected,
    }


results = st.builds(
    ProbeResult,
    st.sampled_from(PROBE_OUTCOMES),
    st.lists(st.none() | st.floats(0, 100), max_size=20).map(tuple),
)


@given(st.dictionaries(st.from_regex(r"[a-z0-9-]{1,48}", fullmatch=True), results, min_size=1, max_size=5))
def test_whatever_came_back_the_report_satisfies_the_contract(found: dict[str, ProbeResult]) -> None:
    """Any outcome with any times."""
    tables = {"probe": probe_table(found)}
    report = Report(agent="a", stream="0198f3c2", seq=1, at=1.0, boot="7c1e", mono=1.0, tables=tables)
    assert codec.decode_report(codec.encode(report)).refused == ()


async def test_all_probes_of_an_interval_are_one_reading() -> None:
    """Few reports; each probe in it, whatever became of it."""
    network = Network(
        {
            "192.0.2.1": ProbeResult("ok", (0.001,), "192.0.2.1"),
            "192.0.2.2": ProbeResult("no_answer", (None,), "192.0.2.2"),
            "core.example": ProbeResult("unresolved"),
        }
    )
    reading = await runner(network, gateway="192.0.2.1", core="192.0.2.2", name="core.example").round()
    assert reading.device == ""
    assert reading.tables["probe"]["key"] == ["gateway", "core", "name"]
    assert reading.tables["probe"]["outcome"] == ["ok", "no_answer", "unresolved"]
    assert reading.tables["probe"]["loss_ratio"] == [0, 1, None]


def test_probes_are_grouped_by_interval() -> None:
    """One runner each, with a name of its own; none where there is no probe."""
    probes = {
        "a": IcmpProbe(target="192.0.2.1"),
        "b": IcmpProbe(target="192.0.2.2", interval=10),
        "c": IcmpProbe(target="192.0.2.3"),
    }
    made = runners(probes, Network({}).probe, nowhere, Health())
    assert [one.name for one in made] == ["probe every 30 s", "probe every 10 s"]
    assert runners({}, Network({}).probe, nowhere, Health()) == ()


def test_settings_reach_the_packets() -> None:
    """Every key of a probe is one of its echoes."""
    probe = IcmpProbe(target="gw.example", count=3, spacing=0.5, timeout=2, size=100, source="192.0.2.7", dscp=46)
    echoes = echoes_of(probe)
    assert echoes == Echoes("gw.example", 3, 0.5, 2, 100, "192.0.2.7", 46)
    assert echoes.longest == 3.0


async def test_a_failing_probe_is_logged_once_and_its_recovery_once() -> None:
    """Edges, not levels."""
    network = Network({"192.0.2.1": ProbeResult("no_answer", (None,), "192.0.2.1")})
    one = runner(network, gateway="192.0.2.1")
    with capture_logs() as logs:
        await one.round()
        await one.round()
        network.answers["192.0.2.1"] = ProbeResult("ok", (0.001,), "192.0.2.1")
        await one.round()
        await one.round()
    assert [line["event"] for line in logs] == ["probe failed", "probe answered again"]
    assert logs[0]["outcome"] == "no_answer"


async def test_the_loop_submits_beats_and_stops_when_told() -> None:
    """Readings come by themselves, and cancelling leaves nothing behind."""
    health = Health()
    enough = asyncio.Event()
    readings: list[Reading] = []

    async def submit(reading: Reading) -> None:
        readings.append(reading)
        if len(readings) == 3:
            enough.set()

    network = Network({"192.0.2.1": ProbeResult("ok", (0.001,), "192.0.2.1")})
    (one,) = runners({"gw": IcmpProbe(target="192.0.2.1", interval=0.02)}, network.probe, submit, health)
    task = asyncio.create_task(one.run())
    async with asyncio.timeout(10):
        await enough.wait()
    assert health.stuck(now=1e12) == [one.name]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert health.stuck(now=1e12) == []


@pytest.mark.parametrize(
    ("result", "ok", "english", "vietnamese"),
    [
        (
            ProbeResult("ok", (0.002, None), "192.0.2.1"),
            True,
            "gw answers 1 of 2 packets, mean round-trip time 2.00 ms",
            "gw trả lời 1/2 gói, độ trễ trung bình 2.00 ms",
        ),
        (
            ProbeResult("no_answer", (None, None)),
            False,
            "gw answers none of 2 packets: it is off, or ICMP is blocked",
            "gw không trả lời gói nào trong 2 gói: đích tắt, hoặc chặn ICMP",
        ),
        (
            ProbeResult("unreachable", (None,)),
            False,
            "gw is unreachable: the network says there is no way: check the address and the routes",
            "không tới được gw: mạng báo không có đường đi: kiểm tra địa chỉ và định tuyến",
        ),
        (
            ProbeResult("unresolved"),
            False,
            "the name gw has no address: check the name and the DNS server",
            "tên gw không có địa chỉ: kiểm tra tên và máy chủ DNS",
        ),
        (
            ProbeResult("denied"),
            False,
            "not allowed to send to gw: no right to ICMP (CAP_NET_RAW or net.ipv4.ping_group_range), or a device with touch: false",
            "không được phép gửi tới gw: thiếu quyền ICMP (CAP_NET_RAW hoặc net.ipv4.ping_group_range), hoặc thiết bị có touch: false",
        ),
    ],
)
async def test_the_check_of_a_probe_says_plainly_what_came_of_it(
    result: ProbeResult, ok: bool, english: str, vietnamese: str
) -> None:
    """Word for word, in both languages."""
    network = Network({"gw": result})
    for language, message in ((Language.EN, english), (Language.VI, vietnamese)):
        checked = await check_probe("gateway", IcmpProbe(target="gw"), network.probe, language)
        assert (checked.name, checked.ok, checked.message) == ("gateway", ok, message)
