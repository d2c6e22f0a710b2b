"""The overview of a site as tables for a terminal. A state is told by a word and a sign, not by colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from tslcd_agent.commands.overview import InterfaceLine, Overview
    from tslcd_runtime.language import Language

_SI: Final = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))
_STATES: Final = {
    "ok": ("trả lời", "answers"),
    "refused": ("từ chối", "refused"),
    "silent": ("im lặng", "silent"),
    "unreachable": ("không tới được", "unreachable"),
    "broken": ("trả lời sai", "broken"),
    "no_answer": ("không trả lời", "no answer"),
    "unresolved": ("không có địa chỉ", "unresolved"),
    "denied": ("không được phép", "denied"),
    "bad_certificate": ("chứng thư sai", "bad certificate"),
    "bad_answer": ("trả lời sai", "bad answer"),
    "path_changed": ("đường đi đổi", "path changed"),
}


def screen(overview: Overview, language: Language) -> Group:
    """Return the whole screen: devices, interfaces, probes; what there is nothing of is left out."""
    parts: list[Table | Text] = []
    if overview.devices:
        parts.append(_devices(overview, language))
    if any(True for _ in overview.interfaces()):
        parts.append(_interfaces(overview, language))
    if overview.probes:
        parts.append(_probes(overview, language))
    if not parts:
        parts.append(Text(language.say(vi="chưa có số liệu", en="nothing measured yet")))
    return Group(*parts)


def _devices(overview: Overview, language: Language) -> Table:
    say = language.say
    table = _table(
        say(vi="Thiết bị", en="Devices"),
        (say(vi="tên", en="name"), "left"),
        ("", "left"),
        (say(vi="kiểu", en="model"), "left"),
        ("CPU", "right"),
        (say(vi="bộ nhớ", en="memory"), "right"),
        (say(vi="hoạt động", en="uptime"), "right"),
        (say(vi="lượt hỏi", en="poll"), "right"),
    )
    for line in overview.devices.values():
        table.add_row(
            line.name,
            _state(
                line.state,
                language,
                note="" if line.complete or line.state != "ok" else say(vi="một phần", en="in part"),
            ),
            Text(line.model),
            _share(line.cpu_utilization_ratio),
            _share(line.memory_utilization_ratio),
            _span(line.uptime_seconds),
            _milliseconds(line.duration_seconds),
        )
    return table


def _interfaces(overview: Overview, language: Language) -> Table:
    say = language.say
    table = _table(
        say(vi="Giao diện", en="Interfaces"),
        (say(vi="thiết bị", en="device"), "left"),
        (say(vi="tên", en="name"), "left"),
        ("", "left"),
        (say(vi="vào", en="in"), "right"),
        (say(vi="ra", en="out"), "right"),
        (say(vi="tốc độ", en="speed"), "right"),
        (say(vi="lỗi/s", en="errors/s"), "right"),
        (say(vi="mô tả", en="description"), "left"),
    )
    for line in overview.interfaces():
        table.add_row(
            line.device,
            Text(line.name),
            _link(line, language),
            _bits(line.receive_bits_per_second),
            _bits(line.transmit_bits_per_second),
            _bits(line.speed_bits_per_second),
            "-" if line.errors_per_second is None else f"{line.errors_per_second:.1f}",
            Text(line.alias),
            style="dim" if line.old else None,
        )
    return table


def _probes(overview: Overview, language: Language) -> Table:
    say = language.say
    table = _table(
        say(vi="Phép đo", en="Probes"),
        (say(vi="tên", en="name"), "left"),
        ("", "left"),
        (say(vi="mất gói", en="loss"), "right"),
        (say(vi="độ trễ", en="round trip"), "right"),
        (say(vi="biến động", en="jitter"), "right"),
    )
    for line in overview.probes.values():
        table.add_row(
            line.name,
            _state(line.outcome, language),
            _share(line.loss_ratio),
            _milliseconds(line.rtt_seconds),
            _milliseconds(line.jitter_seconds),
        )
    return table


def _table(title: str, *columns: tuple[str, str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in columns:
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=True)
    return table


def _state(state: str, language: Language, note: str = "") -> Text:
    vi, en = _STATES.get(state, (state, state))
    words = language.say(vi=vi, en=en) + (f", {note}" if note else "")
    return Text(f"● {words}", "green" if not note else "yellow") if state == "ok" else Text(f"✗ {words}", "bold red")


def _link(line: InterfaceLine, language: Language) -> Text:
    if line.old:
        return Text(language.say(vi="? cũ", en="? old"))
    if line.up is None:
        return Text(language.say(vi="? không có dữ liệu", en="? unknown"))
    if line.up:
        return Text(language.say(vi="● nối", en="● up"), "green")
    if line.enabled is False:
        return Text(language.say(vi="○ tắt", en="○ off"), "dim")
    return Text(language.say(vi="✗ mất", en="✗ down"), "bold red")


def _bits(value: float | None) -> str:
    """Return bits per second with an SI prefix."""
    if value is None:
        return "-"
    for prefix, size in _SI:
        if value >= size:
            return f"{value / size:.3g} {prefix}b/s"
    return f"{value:.0f} b/s"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value * 1000:.1f} ms"


def _span(seconds: float | None) -> str:
    """Return days and hours, or hours and minutes, or minutes and seconds."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
