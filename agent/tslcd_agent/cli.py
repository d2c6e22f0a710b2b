"""The command ``tslcd-agent``. Exit codes: 0 good, 1 found a fault, 2 usage or configuration.

Commands are modules of :mod:`tslcd_agent.commands`, imported when they are asked for: ``run`` lives in 42 MB.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from tslcd_agent.telemetry import VERSION

#: Commands in the order of ``--help``, and the modules that have them under the same name.
COMMANDS: Final = {
    "run": "run",
    "check": "check",
    "explain": "explain",
    "top": "top",
    "probe": "probe",
    "profile": "profile",
    "walk": "walk",
    "spool": "spool",
    "dump-config": "dump_config",
}


class _Commands(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        name = COMMANDS.get(cmd_name)
        if name is None:
            return None
        command: click.Command = getattr(import_module(f"tslcd_agent.commands.{name}"), name)
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="tslcd-agent")
def main() -> None:
    """Run or examine the monitoring agent at a connection point / Tác tử giám sát đặt tại điểm kết nối."""
