"""``deploy/demo`` after everything is installed: run the province until Ctrl-C, or check it and end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from province import live
from province.parts import DemoError
from province.scenario import Outcome, Scenario
from province.stage import Ports, Stage
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from types import FrameType

PORT_BASE: Final = 19470
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIMULATED: Final = (
    "not root: nothing is installed, the broker is the embedded one (amqtt, MQTT 3.1.1), all devices are simulated"
)


_NO_PING: Final = (
    "this user may not send ICMP echoes, so probes measure nothing and their channels stay stale: have an administrator "
    "run sysctl -w net.ipv4.ping_group_range='0 2147483647', which is the default of Debian's systemd"
)


@click.command()
@click.option("--check", is_flag=True, help="Run the checks and end: 0 when all held, 1 when not.")
@click.option("--simulated", is_flag=True, help="As without root: embedded broker, simulated devices only.")
@click.option(
    "--port-base", default=PORT_BASE, show_default=True, type=click.IntRange(1024, 65000), help="First of 5 ports."
)
def main(*, check: bool, simulated: bool, port_base: int) -> None:
    """Run a synthetic province on this machine."""
    console = Console(highlight=False)
    real = os.geteuid() == 0 and not simulated
    if not real:
        console.print(_SIMULATED)
    if not _may_ping():
        console.print(_NO_PING, style="yellow")
        if check:
            sys.exit(2)
    # the usual ways to end a program all clean up; SIGINT is ignored in what a script starts in the background
    for number in _ENDINGS:
        signal.signal(number, _end)
    try:
        code = _run(console, Ports.from_base(port_base), check=check, real=real)
    except KeyboardInterrupt:
        code = 0 if not check else 130
    except (DemoError, SettingsError) as error:
        console.print(f"demo: {error}", style="red", markup=False)
        code = 2
    sys.exit(code)


def _may_ping() -> bool:
    """Whether this user gets a socket for echoes: a datagram one (icmp(7)) or a raw one."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        with contextlib.suppress(PermissionError), socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP):
            return True
    return False


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(console: Console, ports: Ports, *, check: bool, real: bool) -> int:
    stage = Stage(Path(__file__).resolve().parents[2], ports, real=real)
    began = time.monotonic()
    try:
        stage.start()
        console.print(
            f"{len(stage.inventory.channels)} channels, {len(stage.agents)} agents, started in {time.monotonic() - began:.1f} s"
        )
        if not check:
            live.run(stage, console)
        return _check(stage, console, began)
    finally:
        # an impatient second Ctrl-C must not leave half of it behind
        for number in _ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        stage.stop()


def _check(stage: Stage, console: Console, began: float) -> int:
    def tell(outcome: Outcome) -> None:
        mark = "[green]ok  [/]" if outcome.passed else "[bold red]FAIL[/]"
        console.print(f"{mark} {outcome.name}: ", end="")
        console.print(outcome.text, markup=False)

    held = Scenario(stage, tell).run()
    console.print(f"{'all checks held' if held else 'not all checks held'}, in {time.monotonic() - began:.0f} s")
    return 0 if held else 1


if __name__ == "__main__":
    main()
