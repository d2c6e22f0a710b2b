"""A dashboard while it is drawn, in one language.

Invariants:

* A dashboard has the same uid for ever, one a language: it is part of its address.
* Panels are numbered in the order in which they are added, and placed in lines of 24 columns; a heading begins a new line.
* Links lead to dashboards of the same language and keep the time range; those in the head of a dashboard keep choices too.
* What the library writes and no Grafana reads (settings of older versions, empty ones) is left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from grafana.words import Language, Word, Words
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana_foundation_sdk.cog.builder import Builder

COLUMNS: Final = 24
#: Grafana's uid of the data source; provisioning/datasources/tslcd.yaml makes it.
DATA_SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="tslcd-prometheus")
#: How far two moments may lie apart and still be one mark in the graphs.
ANNOTATION_STEP: Final = "30s"
#: Dashboards by name, in the order of the links.
TITLES: Final[dict[str, Words]] = {
    "overview": Words("Tổng quan kênh truyền TSLCD", "TSLCD channels: overview"),
    "channel": Words("Một kênh truyền", "One channel"),
    "site": Words("Một điểm kết nối", "One site"),
    "operators": Words("So sánh đơn vị vận hành", "Operators compared"),
    "capacity": Words("Băng thông và tải", "Capacity"),
    "agents": Words("Tác tử giám sát", "Monitoring agents"),
    "pipeline": Words("Hệ thống giám sát", "The supervision itself"),
    "runbooks": Words("Sổ tay xử lý", "Runbooks"),
}
#: Keys that the library writes for every variable, panel and dashboard, and that Grafana does not know there.
_STALE: Final = {"auto", "auto_count", "auto_min", "footer", "repeatDirection", "style"}
#: What stands in the place of a variable's id, which variables have no more.
_NO_IDS: Final = {"", "00000000-0000-0000-0000-000000000000"}


OTHERS: Final = Words("Các bảng khác", "Other dashboards")


def uid(name: str, language: Language) -> str:
    """Return Grafana's uid of a dashboard."""
    return f"tslcd-{name}" if language == "vi" else f"tslcd-{language}-{name}"


class Screen:
    """One dashboard in one language; times are those of Viet Nam."""

    def __init__(
        self, name: str, description: Words, language: Language, *, time: str = "now-6h", refresh: str = "10s"
    ) -> None:
        """Begin an empty one. ``time``: the start of the range that it opens with; ``refresh``: how often it asks again."""
        self.name = name
        self.language = language
        self._next = 1
        self._x = self._y = self._line = 0
        self._annotations: list[dict[str, Any]] = []
        self._board = (
            builders.Dashboard(self.say(TITLES[name]))
            .uid(uid(name, language))
            .description(self.say(description))
            .tags(["tslcd", f"tslcd-{language}"])
            .timezone("Asia/Ho_Chi_Minh")
            .refresh(refresh)
            .time(time, "now")
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .readonly()
        )
        for other in ("overview", "runbooks"):
            if other != name:
                self._link(self.say(TITLES[other]), models.DashboardLinkType.LINK, f"/d/{uid(other, language)}", other)
        # one list, which a phone has room for
        self._link(self.say(OTHERS), models.DashboardLinkType.DASHBOARDS, "", "")

    def _link(self, title: str, kind: models.DashboardLinkType, url: str, other: str) -> None:
        link = builders.DashboardLink(title).type(kind).icon("doc" if other == "runbooks" else "dashboard")
        link = link.keep_time(keep_time=True).include_vars(include_vars=other != "runbooks")
        link = link.url(url) if url else link.tags([f"tslcd-{self.language}"]).as_dropdown(as_dropdown=True)
        self._board = self._board.link(link)

    def say(self, words: Words | Word) -> str:
        """Return a text in the language of the screen."""
        return words.of(self.language)

    def link(self, name: str, **variables: str) -> str:
        """Return the address of another dashboard; a variable's value may be one of Grafana's (``${__value.raw}``)."""
        values = "".join(f"var-{variable}={value}&" for variable, value in variables.items())
        return f"/d/{uid(name, self.language)}?{values}${{__url_time_range}}"

    def runbook(self, field: str) -> str:
        """Return the address of the runbook whose panel's number stands in ``field`` of a table's row."""
        return f"/d/{uid('runbooks', self.language)}?viewPanel=${{__data.fields.{field}}}"

    def value_map(self, words: Mapping[str, Word]) -> models.ValueMap:
        """Return a mapping that shows words instead of codes."""
        return models.ValueMap(
            {
                code: models.ValueMappingResult(text=self.say(word), color=word.colour, index=index)
                for index, (code, word) in enumerate(words.items())
            }
        )

    def with_variable(self, variable: Builder[models.VariableModel]) -> None:
        """Add a variable, after those that it is chosen by."""
        self._board = self._board.with_variable(variable)

    def annotate(self, title: Words, expr: str, colour: str, *, text: str, enable: bool = True) -> None:
        """Add what is marked in every graph: the times at which ``expr`` has a value above 0, with a text made of its labels."""
        target = {"expr": expr, "refId": "Anno", "interval": ANNOTATION_STEP}
        self._annotations.append(
            {
                "name": self.say(title),
                "datasource": {"type": DATA_SOURCE.type_val, "uid": DATA_SOURCE.uid},
                "enable": enable,
                "iconColor": colour,
                "target": target,
                "titleFormat": self.say(title),
                "textFormat": text,
                # Grafana 10.0 reads these two, later versions the target
                "expr": expr,
                "step": ANNOTATION_STEP,
            }
        )

    def heading(self, words: Words) -> None:
        """Begin a new part."""
        self._break()
        row = builders.Row(self.say(words)).id(self._next).grid_pos(models.GridPos(x=0, y=self._y, w=COLUMNS, h=1))
        self._next += 1
        self._y += 1
        self._board = self._board.with_row(row)

    def fold(self, words: Words, *panels: Any) -> None:
        """Add panels under a heading that is folded: nothing is asked for them until somebody opens it."""
        self._break()
        row = builders.Row(self.say(words)).id(self._next).grid_pos(models.GridPos(x=0, y=self._y, w=COLUMNS, h=1))
        self._next += 1
        self._y += 1
        below = self._y
        for panel in panels:
            place = panel.build().grid_pos
            row = row.with_panel(panel.id(self._next).grid_pos(models.GridPos(x=0, y=below, w=COLUMNS, h=place.h)))
            below += place.h
            self._next += 1
        self._board = self._board.with_row(row)

    def add(self, *panels: Any) -> None:
        """Add panels beside each other, and on the next line when one does not fit."""
        for panel in panels:
            place = panel.build().grid_pos
            if self._x + place.w > COLUMNS:
                self._break()
            panel.id(self._next).grid_pos(models.GridPos(x=self._x, y=self._y, w=place.w, h=place.h))
            self._next += 1
            self._x += place.w
            self._line = max(self._line, place.h)
            self._board = self._board.with_panel(panel)

    def _break(self) -> None:
        self._x, self._y, self._line = 0, self._y + self._line, 0

    def document(self) -> dict[str, Any]:
        """Return the dashboard as Grafana reads it."""
        document: dict[str, Any] = _without_stale(json.loads(JSONEncoder().encode(self._board.build())))
        return {**document, "annotations": {"list": self._annotations}}


def _without_stale(value: Any) -> Any:
    """Return a part of a document without what no Grafana reads: unset settings, and those of :data:`_STALE`."""
    if isinstance(value, list):
        return [_without_stale(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_stale(one)
        for name, one in value.items()
        # the first step of thresholds has no value on purpose
        if name not in _STALE and (one is not None or name == "value") and not (name == "id" and one in _NO_IDS)
    }
