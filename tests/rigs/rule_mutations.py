"""Every small mistake that a rule of Prometheus can have, one at a time: what the rules' own tests must notice.

A mutation takes one rule as YAML gives it and yields changed copies, each with the words that name it. Expressions are changed as text:
a place is one of PromQL outside of quotes, found by :func:`places`. What is no longer PromQL is for the caller to find out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Rule: TypeAlias = dict[str, Any]
Change: TypeAlias = tuple[str, Rule]

_COMPARISONS: Final = {
    ">=": (">", "<"),
    "<=": ("<", ">"),
    ">": (">=", "<"),
    "<": ("<=", ">"),
    "==": ("!=",),
    "!=": ("==",),
}
_MATCHERS: Final = {"=~": "!~", "!~": "=~", "!=": "=", "=": "!="}
_SETS: Final = {"and": ("unless", "or"), "unless": ("and",), "or": ("and", "unless")}
_FUNCTIONS: Final = {
    "max": "min",
    "min": "max",
    "count": "sum",
    "sum": "count",
    "topk": "bottomk",
    "max_over_time": "min_over_time",
    "min_over_time": "max_over_time",
    "count_over_time": "sum_over_time",
    "increase": "rate",
    "rate": "increase",
    "absent": "count",
}
_DURATION: Final = re.compile(r"(\d+)([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_OTHER: Final = {"critical": "major", "major": "warning", "warning": "critical", "info": "warning", "none": "info"}


class Place(NamedTuple):
    """A piece of an expression."""

    begin: int
    end: int
    text: str


def places(expr: str, pattern: str, *, inside: bool | None = None) -> Iterator[Place]:
    """Yield where ``pattern`` is outside of quotes; ``inside`` says whether of braces, None for both."""
    shown = re.sub(r'"[^"]*"', lambda found: "\0" * len(found[0]), expr)
    depth = [0]
    for char in shown:
        depth.append(depth[-1] + (char == "{") - (char == "}"))
    for found in re.finditer(pattern, shown):
        if inside is None or (depth[found.start()] > 0) == inside:
            yield Place(found.start(), found.end(), found[0])


def _put(rule: Rule, place: Place, text: str) -> Rule:
    expr: str = rule["expr"]
    return {**rule, "expr": expr[: place.begin] + text + expr[place.end :]}


def operators(rule: Rule) -> Iterator[Change]:
    """Comparisons, matchers, set operators, functions: each replaced."""
    expr = rule["expr"]
    for place in places(expr, r">=|<=|==|!=|>|<", inside=False):
        for other in _COMPARISONS[place.text]:
            yield f"{place.text} at {place.begin} is {other}", _put(rule, place, other)
    for place in places(expr, r"=~|!~|!=|=", inside=True):
        yield f"matcher {place.text} at {place.begin} is negated", _put(rule, place, _MATCHERS[place.text])
    for place in places(expr, r"\b(?:and|unless|or)\b", inside=False):
        for other in _SETS[place.text]:
            yield f"{place.text} at {place.begin} is {other}", _put(rule, place, other)
    for place in places(expr, rf"\b(?:{'|'.join(_FUNCTIONS)})\b(?= by\b|\s*\()", inside=False):
        yield f"{place.text} at {place.begin} is {_FUNCTIONS[place.text]}", _put(rule, place, _FUNCTIONS[place.text])
    for place in places(expr, r" [*/] ", inside=False):
        other = " / " if "*" in place.text else " * "
        yield f"{place.text.strip()} at {place.begin} is {other.strip()}", _put(rule, place, other)


def thresholds(rule: Rule) -> Iterator[Change]:
    """Numbers and ranges: half and double; nothing is one, one is nothing."""
    expr = rule["expr"]
    for place in places(expr, r"(?<![\w.:\[])\d+(?:\.\d+)?(?![\w.:\]])", inside=False):
        number = float(place.text)
        for changed in (1.0 - number,) if number in {0.0, 1.0} else (number / 2, number * 2):
            yield f"{place.text} at {place.begin} is {changed:g}", _put(rule, place, f"{changed:g}")
    for place in places(expr, r"(?:\d+[smhd])+", inside=False):
        for factor in (0.5, 2):
            other = _scaled(place.text, factor)
            yield f"{place.text} at {place.begin} is {other}", _put(rule, place, other)


def waits(rule: Rule) -> Iterator[Change]:
    """``for`` and ``keep_firing_for``: half, double, and nothing."""
    for key in ("for", "keep_firing_for"):
        if key in rule:
            for factor in (0.5, 2):
                other = _scaled(rule[key], factor)
                yield f"{key} {rule[key]} is {other}", {**rule, key: other}
            yield f"{key} {rule[key]} is gone", {name: value for name, value in rule.items() if name != key}


def labels(rule: Rule) -> Iterator[Change]:
    """Labels of the rule, of groupings and of joins, and values of matchers: each changed or left out."""
    for name, value in rule.get("labels", {}).items():
        if name != "severity":
            others = {key: one for key, one in rule["labels"].items() if key != name}
            yield f"label {name} is gone", {**rule, "labels": others}
            yield f"label {name}={value} is other", {**rule, "labels": {**others, name: "other"}}
    expr = rule["expr"]
    for place in places(expr, r"\b(?:by|on|ignoring|group_left) \(([\w, ]*)\)", inside=False):
        word, _, names = place.text.removesuffix(")").partition(" (")
        listed = [name for name in names.split(", ") if name]
        for name in listed:
            left = ", ".join(one for one in listed if one != name)
            yield f"{word} at {place.begin} without {name}", _put(rule, place, f"{word} ({left})")
    for found in re.finditer(r'(\w+)(=~|!~|!=|=)"([^"]*)"', expr):
        whole = Place(found.start(), found.end(), found[0])
        name, operator, value = found.groups()
        if operator in {"=", "!="}:
            yield f"{found[0]} at {whole.begin} is other", _put(rule, whole, f'{name}{operator}"{value}x"')
        else:
            parts = value.split("|")
            for part in parts if len(parts) > 1 else ():
                left = "|".join(one for one in parts if one != part)
                yield f"{found[0]} at {whole.begin} without {part}", _put(rule, whole, f'{name}{operator}"{left}"')


def severities(rule: Rule) -> Iterator[Change]:
    """Another severity, and none."""
    if "severity" in rule.get("labels", {}):
        given = rule["labels"]["severity"]
        yield f"severity {given} is {_OTHER[given]}", {**rule, "labels": {**rule["labels"], "severity": _OTHER[given]}}
        rest = {name: value for name, value in rule["labels"].items() if name != "severity"}
        yield "severity is gone", {**rule, "labels": rest}


def clauses(rule: Rule) -> Iterator[Change]:
    """One side of ``and``, ``or`` or ``unless`` left out, and one matcher of several or alone."""
    expr = rule["expr"]
    for place in places(expr, r"\b(?:and|unless|or)\b(?: on \([\w, ]*\))?", inside=False):
        begin, end = _operands(expr, place)
        right = Place(place.begin, end, "")
        yield f"{place.text} at {place.begin}: right side is gone", _put(rule, right, "")
        left = Place(begin, place.end, "")
        yield f"{place.text} at {place.begin}: left side is gone", _put(rule, left, "")
    for found in re.finditer(r',?\w+(?:=~|!~|!=|=)"[^"]*",?', expr):
        comma = "," if found[0].startswith(",") and found[0].endswith(",") else ""
        yield (
            f"{found[0].strip(',')} at {found.start()} is gone",
            _put(rule, Place(found.start(), found.end(), ""), comma),
        )


def _operands(expr: str, operator: Place) -> tuple[int, int]:
    """Return where the operand before a set operator begins and where the one after it ends."""
    shown = re.sub(r'"[^"]*"', lambda found: "\0" * len(found[0]), expr)
    depth, end = 0, operator.end
    while end < len(shown) and depth >= 0:
        depth += (shown[end] == "(") - (shown[end] == ")")
        if depth < 0 or (
            depth == 0 and re.match(r"\b(?:and|unless|or)\b", shown[end:]) and not shown[end - 1].isalnum()
        ):
            break
        end += 1
    depth, begin = 0, operator.begin
    while begin > 0:
        depth += (shown[begin - 1] == ")") - (shown[begin - 1] == "(")
        if depth < 0:
            break
        if depth == 0 and (found := re.search(r"\b(?:and|unless|or)\b(?: on \([\w, ]*\))?\s*\Z", shown[:begin])):
            begin = max(begin, found.end())
            break
        begin -= 1
    return begin, end


def _scaled(text: str, factor: float) -> str:
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text)) * factor
    return f"{max(1, round(seconds))}s"


#: Kinds of mistakes, in the words of the table.
KINDS: Final[dict[str, Callable[[Rule], Iterator[Change]]]] = {
    "operator": operators,
    "threshold": thresholds,
    "for": waits,
    "label": labels,
    "severity": severities,
    "clause": clauses,
}
