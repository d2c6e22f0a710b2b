"""The words of problems with settings: what is allowed, and how a value is shown; used by :mod:`tslcd_runtime.settings` only."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
import yaml
from msgspec import inspect as shape

PYTHON_TYPES: Final[dict[Any, type]] = {
    shape.IntType: int,
    shape.FloatType: float,
    shape.StrType: str,
    shape.BoolType: bool,
}


def looks_a_number(node: yaml.ScalarNode) -> bool:
    """Whether text without quotes has digits only: ``06970`` is text in YAML 1.1 and the number 6970 in YAML 1.2."""
    return not node.style and node.value.isdigit()


def python_type(info: Any) -> Any:
    """Turn an inspected scalar type back into one that msgspec converts to, bounds included."""
    bounds = {
        name: bound
        for name in ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern")
        if (bound := getattr(info, name, None)) is not None
    }
    python = PYTHON_TYPES[type(info)]
    annotated: Any = Annotated  # made at run time, which no type checker follows
    return annotated[python, msgspec.Meta(**bounds)] if bounds else python


def wanted(info: Any) -> str:
    """Say what is allowed, in a few words."""
    if isinstance(info, shape.LiteralType):
        return f"allowed are {', '.join(str(one) for one in info.values)}"
    if isinstance(info, shape.BoolType):
        return "true or false"
    if isinstance(info, shape.UnionType):
        return "a number or text"
    if isinstance(info, shape.StrType):
        parts = ["text"]
        if info.pattern:
            parts.append(f"that matches {info.pattern}")
        if info.min_length or info.max_length:
            parts.append(f"of {info.min_length or 0} to {info.max_length or 'any number of'} characters")
        return " ".join(parts)
    parts = ["a whole number" if isinstance(info, shape.IntType) else "a number"]
    low = info.ge if info.ge is not None else info.gt
    high = info.le if info.le is not None else info.lt
    if low is not None:
        parts.append(f"{'from' if info.ge is not None else 'above'} {low:g}")
    if high is not None:
        parts.append(f"{'to' if info.le is not None else 'below'} {high:g}")
    return " ".join(parts)


def shown(node: yaml.Node) -> str:
    """Show a value in a message: short, and never more than a scalar."""
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value[:60])
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
