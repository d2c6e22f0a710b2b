"""What a rules file is made of, and how it is written.

Invariants:

* The same source gives the same bytes. A text that stands in several rules of a file is written once, with an anchor.
* An alert cannot be written without a severity, a party, a text in both languages and a page of the runbook.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_collector.verdict import Words

Severity: TypeAlias = Literal["critical", "major", "warning", "info", "none"]
Owner: TypeAlias = Literal["operator", "agency", "power", "monitoring", "none"]
_WIDTH: Final = 118


@dataclass(frozen=True, kw_only=True)
class Record:
    """A recording rule."""

    name: str
    expr: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alerting rule. ``party`` None: the label comes with the series. ``wait`` is Prometheus' ``for``, ``hold`` its ``keep_firing_for``."""

    name: str
    expr: str
    severity: Severity
    summary: Words
    action: Words
    party: Owner | None = None
    reason: Words | None = None
    wait: str = ""
    hold: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that are evaluated together, in this order and with one time."""

    name: str
    interval: str
    rules: tuple[Record | Alert, ...]


@dataclass(frozen=True, kw_only=True)
class RuleFile:
    """One file: ``about`` says what holds for all of it."""

    name: str
    about: str
    groups: tuple[Group, ...]

    def text(self) -> str:
        """Return the file."""
        return "\n".join((*_Page(self).lines(), ""))


class _Page:
    """One file while it is written."""

    def __init__(self, file: RuleFile) -> None:
        self._file = file
        texts = [text for group in file.groups for rule in group.rules for _, text in _annotations(rule)]
        self._shared = {text for text in texts if "\n" in text and texts.count(text) > 1}
        self._anchors: dict[str, str] = {}

    def lines(self) -> Iterator[str]:
        """Yield every line."""
        yield "# Written by deploy/prometheus/generate; change the Python beside it, not this file."
        yield "#"
        yield from _comment(self._file.about, 0)
        yield "groups:"
        for group in self._file.groups:
            yield f"  - name: {group.name}"
            yield f"    interval: {group.interval}"
            yield "    rules:"
            for rule in group.rules:
                yield from _comment(" ".join(rule.note.split()), 6)
                yield from self._rule(rule)

    def _rule(self, rule: Record | Alert) -> Iterator[str]:
        yield f"      - {'record' if isinstance(rule, Record) else 'alert'}: {rule.name}"
        yield "        expr: |"
        yield from textwrap.indent(textwrap.dedent(rule.expr).strip(), " " * 10).splitlines()
        if isinstance(rule, Record):
            yield ""
            return
        if rule.wait:
            yield f"        for: {rule.wait}"
        if rule.hold:
            yield f"        keep_firing_for: {rule.hold}"
        yield "        labels:"
        party = {"party": rule.party} if rule.party is not None else {}
        for key, value in {"severity": rule.severity, **party, **rule.labels}.items():
            yield f"          {key}: {value}"
        yield "        annotations:"
        for key, text in _annotations(rule):
            yield from self._annotation(key, text)
        yield ""

    def _annotation(self, key: str, text: str) -> Iterator[str]:
        if text in self._anchors:
            yield f"          {key}: *{self._anchors[text]}"
        elif "\n" in text:
            mark = ""
            if text in self._shared:
                taken = sum(name.startswith(key) for name in self._anchors.values())
                self._anchors[text] = f"{key}_{taken + 1}" if taken else key
                mark = f"&{self._anchors[text]} "
            yield f"          {key}: {mark}|-"
            yield from textwrap.indent(text, " " * 12).splitlines()
        else:
            yield f"          {key}: {json.dumps(text, ensure_ascii=False)}"


def _annotations(rule: Record | Alert) -> Iterator[tuple[str, str]]:
    if isinstance(rule, Record):
        return
    for name, words in (("summary", rule.summary), ("reason", rule.reason), ("action", rule.action)):
        if words is not None:
            yield f"{name}_vi", words.vi
            yield f"{name}_en", words.en
    yield "runbook", f"runbooks/{rule.name}.md"


def _comment(text: str, indent: int) -> Iterator[str]:
    margin = " " * indent + "# "
    for paragraph in textwrap.dedent(text).strip().splitlines():
        hanging = margin + ("  " if paragraph.startswith("* ") else "")
        yield from textwrap.wrap(
            paragraph, _WIDTH, initial_indent=margin, subsequent_indent=hanging, break_on_hyphens=False
        ) or [margin.rstrip()]
