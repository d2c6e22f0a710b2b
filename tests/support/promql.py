"""The names in an expression of PromQL: which metrics, with which labels. Enough for the expressions of rules and dashboards."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
#: Lists of labels: what they hold is no metric.
_CLAUSE: Final = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_SELECTOR: Final = re.compile(r"(?<![\w:$])([a-zA-Z_:][\w:]*)\s*(\{[^{}]*\})?(?!\s*\()(?![\w:])")
_MATCHER: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
#: Words of the language that stand where a metric could.
_WORDS: Final = frozenset(
    {
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "and",
        "or",
        "unless",
        "bool",
        "offset",
        "start",
        "end",
    }
)


class Names(NamedTuple):
    """``selected``: the labels that each metric is selected by. ``listed``: labels that results are made or joined by."""

    selected: dict[str, set[str]]
    listed: set[str]


def names(expr: str) -> Names:
    """Return the names in an expression."""
    bare = _STRING.sub('""', expr)
    listed = {label.strip() for _, labels in _CLAUSE.findall(bare) for label in labels.split(",") if label.strip()}
    bare = re.sub(r"\[[^\]]*\]", "", _CLAUSE.sub(" ", bare))
    # durations (offset 7h) begin with a digit and are no names
    selected: dict[str, set[str]] = {}
    for match in _SELECTOR.finditer(bare):
        if match[1] not in _WORDS:
            selected.setdefault(match[1], set()).update(_MATCHER.findall(match[2] or ""))
    return Names(selected, listed)
