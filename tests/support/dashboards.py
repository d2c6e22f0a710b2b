"""Reads Grafana dashboards as Grafana would: every query of every panel, variable and annotation, with the variables filled in."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The committed dashboards, a folder a language.
FOLDER: Final = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"
LANGUAGES: Final = ("vi", "en")
NAMES: Final = ("overview", "channel", "site", "operators", "capacity", "agents", "pipeline", "runbooks")
#: Grafana's published schemas beside this module: the last 10, and the current one.
VERSIONS: Final = ("10.4.9", "13.2.3")
#: A setting whose name was changed: dashboards have both, and each version leaves out the one that it does not know.
RENAMED: Final = {"10.4.9": "custom.hideFrom.viz", "13.2.3": "custom.hidden"}
#: What Grafana itself fills in, for a dashboard over 6 h and a data source with a time interval of 30 s.
BUILT_IN: Final[dict[str, str]] = {"__rate_interval": "2m", "__interval": "30s", "__range": "6h"}

_LABEL_VALUES: Final = re.compile(r"label_values\((?:(?P<selector>.+),\s*)?(?P<label>\w+)\)\Z", re.DOTALL)
_QUERY_RESULT: Final = re.compile(r"query_result\((?P<expr>.+)\)\Z", re.DOTALL)
#: ``$1`` is PromQL's own: Grafana leaves what is no variable as it is.
_REFERENCE: Final = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<plain>[A-Za-z_]\w*))")


@dataclass(frozen=True, slots=True)
class Query:
    """One query. ``where``: the panel's title, ``$name`` of a variable, or ``@name`` of an annotation.

    ``instant``: Grafana asks for now only. ``label``: of a variable made by ``label_values``, the label whose values are the
    choices.
    """

    where: str
    ref: str
    expr: str
    instant: bool
    label: str = ""


def load(name: str, language: str = "vi") -> dict[str, Any]:
    """Return a committed dashboard, one of :data:`NAMES`."""
    document: dict[str, Any] = json.loads((FOLDER / language / f"{name}.json").read_text())
    return document


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel, headings left out, and those below folded ones not."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def fill_in(text: str, variables: Mapping[str, str]) -> str:
    """Put values in the place of ``$name`` and ``${name}``. Raises KeyError for a variable without a value."""
    values = {**BUILT_IN, **variables}
    return _REFERENCE.sub(lambda match: values[match["braced"] or match["plain"]], text)


def queries(dashboard: Mapping[str, Any], variables: Mapping[str, str]) -> list[Query]:
    """Return every query of every variable, annotation and panel, with ``variables`` (name to value) filled in.

    A value for several choices is a regular expression, as Grafana makes it (``86|96``, or ``.*`` for all). Raises KeyError
    for a variable without a value, and ValueError for a form of variable that Grafana knows and this module does not.
    """
    found = []
    for variable in dashboard["templating"].get("list", []):
        text = variable["query"]["query"]
        if match := _LABEL_VALUES.match(text):
            expr, label = match["selector"] or f'{{{match["label"]}!=""}}', match["label"]
        elif match := _QUERY_RESULT.match(text):
            expr, label = match["expr"], ""
        else:
            msg = f"variable {variable['name']}: {text!r} is neither label_values nor query_result"
            raise ValueError(msg)
        found.append(Query(f"${variable['name']}", "", fill_in(expr, variables), instant=True, label=label))
    for annotation in dashboard["annotations"].get("list", []):
        expr = fill_in(annotation["target"]["expr"], variables)
        found.append(Query(f"@{annotation['name']}", "", expr, instant=False))
    for panel in panels(dashboard):
        found += [
            Query(
                panel["title"], target["refId"], fill_in(target["expr"], variables), instant=bool(target.get("instant"))
            )
            for target in panel.get("targets", [])
        ]
    return found


class Empty:
    """Queries that may have no data, each with its reason; one that has data all the same is a mistake of the list.

    ``reasons``: by (dashboard, title of the panel in Vietnamese), or (dashboard, title, ref) for one query of it.
    """

    def __init__(self, reasons: Mapping[tuple[str, ...], str]) -> None:
        """Remember the list; nothing was asked yet."""
        self._reasons = reasons
        self._answered: set[tuple[str, ...]] = set()
        self._asked: set[tuple[str, ...]] = set()
        self.missing: list[str] = []

    def allows(self, name: str, query: Query) -> bool:
        """Whether a query may be empty."""
        return self._key(name, query) is not None

    def note(self, name: str, query: Query, *, data: bool) -> None:
        """Note what came of a query."""
        key = self._key(name, query)
        if key is None:
            if not data:
                self.missing.append(f"{name}: {query.where} {query.ref}: {query.expr}")
            return
        self._asked.add(key)
        if data:
            self._answered.add(key)

    def mistakes(self) -> list[str]:
        """Return what is wrong: queries without data, and entries that are not needed."""
        unneeded = [
            f"listed, but has data or is not there: {key}"
            for key in self._reasons
            if key in self._answered or key not in self._asked
        ]
        return self.missing + unneeded

    def _key(self, name: str, query: Query) -> tuple[str, ...] | None:
        for key in ((name, query.where, query.ref), (name, query.where)):
            if key in self._reasons:
                return key
        return None


@functools.cache
def _schema(version: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((Path(__file__).parent / "grafana" / f"{version}.json").read_text())
    (definition,) = document["definitions"].values()
    return {"definitions": document["definitions"], **definition}


def offences(dashboard: Mapping[str, Any], version: str) -> list[str]:
    """Return what Grafana's published schema of a version does not allow in a dashboard, empty when it is one.

    Settings of single fields (overrides) are open in the schema; each is judged as the same setting of a whole panel.
    """
    schema = _schema(version)
    by_type = {
        one["properties"]["type"]["const"]: jsonschema.Draft7Validator({**one, "definitions": schema["definitions"]})
        for one in schema["properties"]["panels"]["items"]["anyOf"]
    }
    found = []
    rest = jsonschema.Draft7Validator({**schema, "properties": {**schema["properties"], "panels": {}}})
    found += [f"{error.json_path}: {error.message}" for error in rest.iter_errors(dashboard)]
    headings = [{**panel, "panels": []} for panel in dashboard["panels"] if panel["type"] == "row"]
    for panel in (*headings, *panels(dashboard)):
        validator = by_type.get(panel["type"])
        if validator is None:
            found.append(f"{panel['title']}: a panel of the type {panel['type']}")
            continue
        for one in (panel, *_as_defaults(panel, RENAMED[version])):
            found += [f"{panel['title']}: {error.json_path}: {error.message}" for error in validator.iter_errors(one)]
    return found


def _as_defaults(panel: Mapping[str, Any], unknown: str) -> Iterator[dict[str, Any]]:
    """Yield, for each override, the panel as if all of its fields were set so, without the setting ``unknown``."""
    for override in panel.get("fieldConfig", {}).get("overrides", []):
        defaults: dict[str, Any] = {}
        for setting in override["properties"]:
            if setting["id"] == unknown:
                continue
            *place, name = setting["id"].split(".")
            holder = defaults
            for step in place:
                # of the three switches of hideFrom, the others are off
                holder = holder.setdefault(step, {"legend": False, "tooltip": False} if step == "hideFrom" else {})
            holder[name] = setting["value"]
        yield {**panel, "fieldConfig": {"defaults": defaults, "overrides": []}}
