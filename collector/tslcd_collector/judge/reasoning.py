"""An account of a verdict for people: each reading with its age, each threshold, and what was considered and dismissed. Pure.

Invariants:

* It asks the judge's own evidence and never judges by itself: what decides is the step whose finding is the verdict.
* Every text is there in both languages, and none has an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.judge import phrases
from tslcd_collector.judge.channel import grouped, in_service, is_silent, judge, measured, not_measured_since
from tslcd_collector.judge.evidence import LINK_FAULTS, Evidence, fresh, run_of
from tslcd_collector.judge.steadiness import bound, flaps
from tslcd_collector.verdict import Reason, State, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_collector.inventory.classes import ChannelClass
    from tslcd_collector.inventory.model import Channel
    from tslcd_collector.judge.readings import Readings
    from tslcd_collector.verdict import Verdict

#: Why a reading does not count.
TOO_OLD: Final = Words("quá cũ, không tính", "too old, does not count")
COUNTS: Final = Words("được tính", "counts")
MISSING: Final = Words("chưa có", "there is none")


class Input(NamedTuple):
    """One reading: what and its name, its age in seconds (None: never), whether it counts, and what it tells."""

    what: str
    name: str
    age: float | None
    counts: bool
    words: Words


class Threshold(NamedTuple):
    """A threshold of the class: its key, the figure now (None: cannot be said), the bound in force, and whether it is passed.

    ``bound`` is below the class's own value while the channel is bad for that reason.
    """

    key: str
    figure: float | None
    bound: float
    passed: bool


class Step(NamedTuple):
    """One step of the judge's order. ``outcome``: decides, outranked (true, but another one speaks), or dismissed."""

    step: str
    outcome: str
    words: Words


class Account(NamedTuple):
    """Everything that a verdict follows from."""

    verdict: Verdict
    inputs: list[Input]
    thresholds: list[Threshold]
    considered: list[Step]


def account(channel: Channel, readings: Readings, now: float) -> Account:
    """Return how ``channel`` comes to its verdict at ``now`` (UTC seconds)."""
    verdict = judge(channel, readings, now)
    base = grouped(measured(channel, readings, now), readings.around.lost)
    limits = list(_thresholds(channel, readings, now)) if channel.binding is not None else []
    steps = []
    decided = False
    for step, true, words in _steps(channel, readings, now, base, limits):
        speaks = true and not decided and (step in {"service", "window"} or _says(step, base))
        outcome = "decides" if speaks else "outranked" if true else "dismissed"
        decided = decided or speaks
        steps.append(Step(step, outcome, words))
    return Account(verdict, list(_inputs(channel, readings, now)), limits, steps)


def _says(step: str, base: Verdict) -> bool:
    """Whether a step is where the verdict comes from."""
    return base.reason.value in _REASONS[step]


_REASONS: Final = {
    "heard": {"never_seen"},
    "upstream": {"upstream_down"},
    "silent": {"agent_lost", "uplink_lost", "site_power", "stale"},
    "interface": {"admin_down", "interface_down"},
    "gateway": {"gateway_unreachable", "device_unreachable"},
    "spare": {"uplink_lost"},
    "flapping": {"flapping"},
    "loss": {"loss"},
    "latency": {"latency"},
    "jitter": {"jitter"},
    "errors": {"errors"},
    "group": {"redundancy_lost"},
    "overloaded": {"overloaded"},
    "supervision": {"snmp_refused", "device_unreachable", "never_seen", "stale"},
    "good": {"ok"},
}


def _steps(
    channel: Channel, readings: Readings, now: float, base: Verdict, limits: list[Threshold]
) -> Iterator[tuple[str, bool, Words]]:
    """Yield every step in the judge's order: its name, whether what it asks is true, and that in words."""
    around, binding, agent = readings.around, channel.binding, readings.agent
    yield from _plans(channel, readings, now)
    if binding is None or agent is None:
        yield (
            "heard",
            True,
            Words("chưa từng nhận được tin của tác tử, hoặc kênh chưa khai báo", "no agent was ever heard for it"),
        )
        return
    silent = is_silent(agent, channel.channel_class, now)
    evidence = Evidence(channel, readings, now)
    fault = evidence.fault()
    waits = not silent and not_measured_since(evidence, fault, around)
    yield "upstream", around.upstream is State.DOWN or waits, _carrier(channel, readings, waits=waits)
    yield (
        "silent",
        silent,
        Words(
            f"tác tử {binding.agent} {'không gửi báo cáo' if silent else 'vẫn gửi báo cáo'}",
            f"agent {binding.agent} is {'silent' if silent else 'heard'}",
        ),
    )
    if silent:
        return
    link = fault is not None and fault.reason in LINK_FAULTS
    yield (
        "interface",
        link,
        _either(link, "giao diện của kênh tắt hoặc mất tín hiệu", "its interface is off or has no link"),
    )
    dead = fault is not None and not link
    yield "gateway", dead, _either(dead, "cổng kết nối không trả lời", "the gateway does not answer")
    spare = agent.spare and around.sole and around.others_get_through
    yield "spare", spare, _either(spare, "báo cáo đi đường dự phòng", "its reports leave by a spare way")
    times, past = flaps(readings.past, channel.channel_class, now), readings.past
    yield (
        "flapping",
        bool(times),
        Words(
            f"{len(past.cuts)} lần mất kết nối gần đây, ngưỡng {channel.channel_class.flap_count}",
            f"{len(past.cuts)} cuts lately, the class allows less than {channel.channel_class.flap_count}",
        ),
    )
    by_key = {one.key.removesuffix("_warn"): one for one in limits}
    for name in ("loss", "latency", "jitter", "errors"):
        yield name, by_key[name].passed, _figure(by_key[name])
    lost = around.lost
    yield (
        "group",
        lost is not None,
        Words(
            f"kênh cùng nhóm dự phòng: {lost.channel + ' mất kết nối' if lost else 'không kênh nào mất kết nối'}",
            f"its redundancy group: {lost.channel + ' is down' if lost else 'none is down'}",
        ),
    )
    yield "overloaded", by_key["overload"].passed, _figure(by_key["overload"])
    defect = evidence.witnessed()
    lacks = defect.reason is not Reason.OK
    yield (
        "supervision",
        lacks,
        Words(
            f"giám sát {'thiếu: ' + defect.detail.vi if lacks else 'đủ số liệu'}",
            f"supervision {'lacks: ' + defect.detail.en if lacks else 'lacks nothing'}",
        ),
    )
    good = base.reason is Reason.OK
    yield "good", good, _either(good, "không có gì bất thường", "nothing is wrong")


def _carrier(channel: Channel, readings: Readings, *, waits: bool) -> Words:
    if channel.upstream is None:
        return Words("không có kênh cấp trên", "no other channel carries it")
    if waits and readings.around.upstream is not State.DOWN:
        return phrases.CARRIER_BACK(channel=readings.around.carrier or channel.upstream)
    up, cut = readings.around.carrier or channel.upstream, readings.around.upstream is State.DOWN
    return Words(
        f"kênh cấp trên {up} {'mất kết nối' if cut else 'không mất kết nối'}",
        f"channel {up}, which carries it, is {'down' if cut else 'not down'}",
    )


def _plans(channel: Channel, readings: Readings, now: float) -> Iterator[tuple[str, bool, Words]]:
    waits = not in_service(channel, now)
    yield "service", waits, _either(waits, "kênh chưa đưa vào sử dụng", "it is not in service yet")
    window = readings.around.window or readings.around.carrier_window
    if window is None:
        yield "window", False, Words("không có đợt bảo trì nào", "no window is planned now")
        return
    kind, until = phrases.KINDS[window.window.kind], phrases.moment(window.until)
    yield (
        "window",
        True,
        Words(
            f"đang trong đợt {kind.vi} đến {until.vi}: {window.window.title}",
            f"in a window ({kind.en}) until {until.en}: {window.window.title}",
        ),
    )


def _either(true: bool, vi: str, en: str) -> Words:
    return Words(vi, en) if true else Words(f"không phải: {vi}", f"not so: {en}")


def _figure(one: Threshold) -> Words:
    unit = 1000.0 if one.key.startswith(("latency", "jitter")) else 100.0
    sign = Words(" ms", " ms") if unit > 100 else Words(" %", "%")  # noqa: PLR2004
    limit = phrases.decimal(f"{one.bound * unit:.4g}")
    if one.figure is None:
        return Words(
            f"chưa đủ số liệu, ngưỡng {limit.vi}{sign.vi}", f"too little to judge by yet, bound {limit.en}{sign.en}"
        )
    figure = phrases.decimal(f"{one.figure * unit:.4g}")
    return Words(
        f"{figure.vi}{sign.vi}, ngưỡng {limit.vi}{sign.vi}", f"{figure.en}{sign.en}, bound {limit.en}{sign.en}"
    )


def _thresholds(channel: Channel, readings: Readings, now: float) -> Iterator[Threshold]:
    limits, past, evidence = channel.channel_class, readings.past, Evidence(channel, readings, now)
    told = {one.reason for one in evidence.impairments()}
    load = evidence.load()
    for key, reason, figure in (
        ("loss_warn", Reason.LOSS, evidence.loss()[0]),
        ("latency_warn", Reason.LATENCY, evidence.delay()[0]),
        ("jitter_warn", Reason.JITTER, evidence.jitter()[0]),
        ("errors_warn", Reason.ERRORS, evidence.errors()),
        ("overload_warn", Reason.OVERLOADED, load[0] if load is not None else None),
    ):
        yield Threshold(key, figure, bound(getattr(limits, key), reason, past, limits.clear), reason in told)


def _inputs(channel: Channel, readings: Readings, now: float) -> Iterator[Input]:
    binding, limits = channel.binding, channel.channel_class
    if binding is None:
        return
    agent = readings.agent
    if agent is not None:
        way = Words(", đường dự phòng", ", by a spare way") if agent.spare else Words("", "")
        state = Words("đang kết nối", "online") if agent.online else Words("đã ngắt", "offline")
        words = Words(f"{state.vi}{way.vi}", f"{state.en}{way.en}")
        yield _input("agent", binding.agent, agent.last_heard, limits, now, words)
    else:
        yield Input("agent", binding.agent, None, counts=False, words=MISSING)
    if binding.device is not None:
        device = readings.device
        said = _snmp(device.snmp_state) if device is not None else MISSING
        yield _input("device", binding.device, device.at if device is not None else None, limits, now, said)
    if binding.interface is not None:
        interface = readings.interface
        said = MISSING
        if interface is not None:
            said = Words(
                f"tín hiệu {_yes(interface.oper_up).vi}, cấu hình {_yes(interface.admin_up).vi}",
                f"link {_yes(interface.oper_up).en}, configured {_yes(interface.admin_up).en}",
            )
        yield _input("interface", binding.interface, interface.at if interface is not None else None, limits, now, said)
        traffic = readings.traffic
        if traffic is not None:
            said = Words(f"{traffic.span:.0f} giây liên tục", f"{traffic.span:.0f} s without a gap")
            yield _input("traffic", binding.interface, traffic.at, limits, now, said)
    for name in binding.probes:
        rounds = readings.probes.get(name, ())
        run = run_of(rounds, limits, now)
        lost = sum(max(0, one.sent - one.received) for one in run)
        said = (
            Words(f"{len(run)} lượt, mất {lost} gói", f"{len(run)} rounds, {lost} packets lost") if rounds else MISSING
        )
        yield _input("probe", name, rounds[-1].at if rounds else None, limits, now, said)


def _input(what: str, name: str, at: float | None, limits: ChannelClass, now: float, words: Words) -> Input:
    return Input(what, name, None if at is None else now - at, at is not None and fresh(at, limits, now), words)


def _snmp(state: str) -> Words:
    words = phrases.SNMP_WORDS.get(state, Words(state, state))
    return Words(f"SNMP {words.vi}", f"SNMP {words.en}")


def _yes(flag: bool | None) -> Words:
    if flag is None:
        return Words("không có dữ liệu", "not known")
    return Words("có", "up") if flag else Words("không", "down")
