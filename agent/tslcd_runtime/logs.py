"""Logs: for people on a terminal, logfmt or JSON under systemd.

Edges are logged, not levels: once when something fails, once when it recovers. Event names are English and stable, so
that logs can be searched; values are key-value pairs.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Final, Literal, TypeAlias, cast

from tslcd_runtime.absence import absent

# structlog takes rich and pygments along where they are installed: 5 MB (of the agent's 42) that only commands need, greenlet (1 MB), and
# tracebacks that show the values of local variables. So they are not there while it is imported.
with absent("rich"), absent("greenlet"):
    import structlog

Format: TypeAlias = Literal["auto", "console", "logfmt", "json"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(form: Format = "auto", level: Level = "info") -> None:
    """Set up structlog and standard logging for the whole process, to standard error.

    ``auto`` is ``console`` on a terminal and ``logfmt`` elsewhere. Under systemd the journal has the time already.
    """
    if form == "auto":
        form = "console" if sys.stderr.isatty() else "logfmt"
    under_systemd = "JOURNAL_STREAM" in os.environ
    processors: list[Any] = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level]
    if not under_systemd:
        processors.append(structlog.processors.TimeStamper(fmt="iso", utc=form != "console"))
    match form:
        case "console":
            processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
        case "json":
            processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        case _:
            processors += [
                structlog.processors.format_exc_info,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], drop_missing=True),
            ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # libraries speak only when something is wrong
    logging.basicConfig(
        stream=sys.stderr, level=max(logging.WARNING, LEVELS[level]), format="%(levelname)s %(name)s: %(message)s"
    )


def get_logger(component: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger that says which component speaks."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(component=component))
