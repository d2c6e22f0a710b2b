"""The runbooks of ``deploy/runbooks`` as a dashboard, so that a click leads to the page of an alert without any other server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from grafana.screen import Screen
from grafana.words import Language, Word, Words
from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.models.text import TextMode

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parents[1] / "runbooks"
#: Where a code leads whose own runbook is not there.
_ELSE: Final = "ChannelDown"


def names() -> list[str]:
    """Return the names of all runbooks, which are those of the alerts."""
    return sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")


def _heading(name: str) -> tuple[str, str]:
    """Return what a runbook says that its alert means, in Vietnamese, and the rest of it."""
    heading, _, body = (FOLDER / f"{name}.md").read_text().partition("\n")
    return heading.removeprefix("# ").partition(" · ")[2] or name, body.strip()


def meanings() -> dict[str, Word]:
    """Return what stands on the screen for an alert: its meaning, in English its name."""
    return {name: Word(_heading(name)[0], name, "text") for name in names()}


def panel_numbers(runbooks: Mapping[str, str] | None = None) -> dict[str, int]:
    """Return the number of the runbook's panel for each code of ``runbooks``; without these, for each alert."""
    numbers = {name: number for number, name in enumerate(names(), 1)}
    if runbooks is None:
        return numbers
    return {code: numbers.get(name, numbers[_ELSE]) for code, name in runbooks.items()}


def runbooks(language: Language) -> Screen:
    """Return the dashboard of all runbooks, one panel each."""
    screen = Screen(
        "runbooks", Words("Việc cần làm cho từng cảnh báo", "What to do about each alert"), language, time="now-1h"
    )
    for name in names():
        meaning, body = _heading(name)
        title = Words(f"{meaning} ({name})", name)
        description = Words(f"Sổ tay cho cảnh báo {name}", f"Runbook of the alert {name}")
        screen.add(
            text.Panel()
            .title(screen.say(title))
            .description(screen.say(description))
            .span(12)
            .height(14)
            .mode(TextMode.MARKDOWN)
            .content(body)
        )
    return screen
