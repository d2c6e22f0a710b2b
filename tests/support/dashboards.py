"""Reads Grafana dashboards as Grafana would: every query of every panel and variable, with the variables filled in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The committed dashboards.
FOLDER: Final = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"
#: What Grafana itself fills in, for a dashboard over 6 h and a data source with a time interval of 30 s.
BUILT_IN: Final[dict[str, str]] = {"__rate_interval": "2m", "__interval": "30s", "__range": "6h"}

_LABEL_VALUES: Final = re.compile(r"label_values\((?:(?P<selector>.+),\s*)?(?P<label>\w+)\)\Z", re.DOTALL)
_QUERY_RESULT: Final = re.compile(r"query_result\((?P<expr>.+)\)\Z", re.DOTALL)
_REFERENCE: Final = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))")


@dataclass(frozen=True, slots=True)
class Query:
    """One query. ``where``: the panel's title, or ``$name`` of a variable. ``instant``: Grafana asks for now only.

    ``label``: of a variable made by ``label_values``, the label whose values are the choices.
    """

    where: str
    ref: str
    expr: str
    instant: bool
    label: str = ""


def load(name: str) -> dict[str, Any]:
    """Return a committed dashboard: ``overview`` or ``channel``."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return document


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel, also those inside of rows."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def fill_in(text: str, variables: Mapping[str, str]) -> str:
    """Put values in the place of ``$name`` and ``${name}``. Raises KeyError for a variable without a value."""
    values = {**BUILT_IN, **variables}
    return _REFERENCE.sub(lambda match: values[match["braced"] or match["plain"]], text)


def queries(dashboard: Mapping[str, Any], variables: Mapping[str, str]) -> list[Query]:
    """Return every query of every variable and panel, with ``variables`` (name to value) filled in.

    A value for several choices is a regular expression, as Grafana makes it (``86|96``, or ``.*`` for all). Raises KeyError
    for a variable without a value, and ValueError for a form of variable that Grafana knows and this module does not.
    """
    found = []
    for variable in dashboard["templating"]["list"]:
        text = variable["query"]["query"]
        if match := _LABEL_VALUES.match(text):
            expr, label = match["selector"] or f'{{{match["label"]}!=""}}', match["label"]
        elif match := _QUERY_RESULT.match(text):
            expr, label = match["expr"], ""
        else:
            msg = f"variable {variable['name']}: {text!r} is neither label_values nor query_result"
            raise ValueError(msg)
        found.append(Query(f"${variable['name']}", "", fill_in(expr, variables), instant=True, label=label))
    for panel in panels(dashboard):
        found += [
            Query(
                panel["title"], target["refId"], fill_in(target["expr"], variables), instant=bool(target.get("instant"))
            )
            for target in panel.get("targets", [])
        ]
    return found
