"""``tslcd-agent run``. Nothing is imported here that the running agent does not need: it lives in 42 MB."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import click

from tslcd_agent import app
from tslcd_agent.commands.settings import load, path_option
from tslcd_agent.spool import SpoolError
from tslcd_runtime import logs
from tslcd_runtime.command import FAULT, refuse_settings
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

_THREAD_END: Final = 0.2


@click.command()
@path_option
def run(path: Path) -> None:
    """Measure and report until SIGTERM; SIGHUP reads the settings again."""
    config = load(path)
    logs.configure(config.log.format, config.log.level)
    try:
        _work(app.run(path, config))
    except SettingsError as error:
        refuse_settings(error)
    except SpoolError as error:
        click.echo(f"tslcd-agent: {error}", err=True)
        sys.exit(FAULT)


def _work(program: Coroutine[Any, Any, None]) -> None:
    """Run the agent to its end.

    Unlike asyncio.run this does not wait for threads of the default executor: one may hang in a TCP connect for as long as
    a broker's timeout, and everything is on disk by now.
    """
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(program)
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    others = [one for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    for one in others:
        one.join(_THREAD_END)
    if any(one.is_alive() for one in others):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
