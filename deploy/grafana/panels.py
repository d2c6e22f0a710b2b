"""What all dashboards are built of: panels with the house's settings.

Invariants:

* Every panel and every query asks the data source of the provisioning, by its uid.
* Every panel has a title and a description in the language of its screen.
* Nothing needs the Internet: only panels that are part of Grafana itself, 10 or later.
* Legends are words of the screen's language, or label values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from grafana.screen import DATA_SOURCE, Screen
from grafana.vocabulary import NO_DATA, NOTHING
from grafana_foundation_sdk.builders import bargauge, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana.words import Word, Words

Setting = models.DynamicConfigValue
P = TypeVar("P", bargauge.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)

_REFS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Seconds as days, hours, minutes and seconds: the same in every language.
DURATION: Final = "dtdhms"


def query(expr: str, legend: str = "", *, ref: str = "A") -> prometheus.Dataquery:
    """Return a query over the time range."""
    return _query(expr, ref).legend_format(legend).range()


def instant(expr: str, legend: str = "", *, ref: str = "A") -> prometheus.Dataquery:
    """Return a query of now, as a number."""
    return _query(expr, ref).legend_format(legend).instant()


def rows(expr: str, *, ref: str = "A") -> prometheus.Dataquery:
    """Return a query of now, as the rows of a table: one column a label, one for the value."""
    return _query(expr, ref).format(PromQueryFormat.TABLE).instant()


def _query(expr: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).ref_id(ref).datasource(DATA_SOURCE)


def option(name: str, value: object) -> Setting:
    """Return one setting of one field."""
    return Setting(id_val=name, value=value)


def fixed(colour: str) -> Setting:
    """Return the setting of one colour for a whole field."""
    return option("color", {"mode": "fixed", "fixedColor": colour})


def steps(*pairs: tuple[float | None, str]) -> dict[str, object]:
    """Return thresholds of (from this value on, colour) as a setting's value; the first has no value."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in pairs]}


def thresholds(*pairs: tuple[float | None, str]) -> builders.ThresholdsConfig:
    """Return the same for a whole panel."""
    return (
        builders.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=colour) for value, colour in pairs])
    )


def bad_from(warn: float, bad: float | None = None) -> tuple[tuple[float | None, str], ...]:
    """Return steps for a figure that is good while it is small."""
    first = ((None, "green"), (warn, "orange"))
    return first if bad is None else (*first, (bad, "red"))


def column(
    screen: Screen,
    title: Words,
    *,
    words: Mapping[str, Word] | None = None,
    unit: str = "",
    url: str = "",
    width: int = 0,
    decimals: int | None = None,
    limits: tuple[tuple[float | None, str], ...] = (),
) -> list[Setting]:
    """Return the settings of a table's column: its title, words with colours, unit, where a click leads, thresholds."""
    settings = [option("displayName", screen.say(title))]
    if words is not None:
        settings.append(option("mappings", [screen.value_map(words)]))
    if limits:
        settings.append(option("thresholds", steps(*limits)))
    if words is not None or limits:
        settings.append(option("custom.cellOptions", {"type": "color-text"}))
    if unit:
        settings.append(option("unit", unit))
    if decimals is not None:
        settings.append(option("decimals", decimals))
    if url:
        settings.append(option("links", [{"title": screen.say(title), "url": url}]))
    if width:
        settings.append(option("custom.width", width))
    return settings


def unseen() -> list[Setting]:
    """Return the settings of a column that is there for the links of others only: as Grafana 10 calls it, and as 13 does."""
    return [option("custom.hidden", value=True), option("custom.hideFrom.viz", value=True)]


def hidden(numbers: Mapping[str, int]) -> list[Setting]:
    """Return the settings of a column that is there for a link only: codes as numbers of panels."""
    mapping = models.ValueMap({code: models.ValueMappingResult(text=str(number)) for code, number in numbers.items()})
    return [*unseen(), option("mappings", [mapping])]


def _head(screen: Screen, panel: P, title: Words, description: Words, width: int, height: int) -> P:
    """Give a new panel its title, description, data source and size."""
    return (
        panel.title(screen.say(title))
        .description(screen.say(description))
        .datasource(DATA_SOURCE)
        .span(width)
        .height(height)
    )


def number(
    screen: Screen,
    title: Words,
    description: Words,
    targets: Sequence[prometheus.Dataquery],
    *,
    width: int,
    height: int = 4,
) -> stat.Panel:
    """Return big numbers side by side, one a query."""
    panel = (
        _head(screen, stat.Panel(), title, description, width, height)
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .justify_mode(common.BigValueJustifyMode.CENTER)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME if len(targets) > 1 else common.BigValueTextMode.VALUE)
        .orientation(common.VizOrientation.AUTO)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value(screen.say(NO_DATA))
    )
    for target in targets:
        panel = panel.with_target(target)
    return panel


def listing(  # noqa: PLR0913 - what a table may have
    screen: Screen,
    title: Words,
    description: Words,
    exprs: Sequence[str],
    columns: Mapping[str, list[Setting]],
    *,
    width: int = 24,
    height: int = 8,
    empty: Words,
    sort: str = "",
    descending: bool = True,
) -> table.Panel:
    """Return a table with ``columns`` (labels, or ``Value``) in that order; all others are left out.

    Several expressions become one table: rows with the same labels are one, and their values are ``Value #A``, ``Value #B``.
    ``sort``: the column by which it is sorted first.
    """
    panel = (
        _head(screen, table.Panel(), title, description, width, height)
        .no_value(screen.say(empty))
        .show_header(show_header=True)
    )
    for ref, expr in zip(_REFS, exprs, strict=False):
        panel = panel.with_target(rows(expr, ref=ref))
    if len(exprs) > 1:
        panel = panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    order = {name: index for index, name in enumerate(columns)}
    panel = panel.with_transformation(
        models.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": list(columns)}})
    ).with_transformation(models.DataTransformerConfig(id_val="organize", options={"indexByName": order}))
    for name, settings in columns.items():
        panel = panel.override_by_name(name, settings)
    if sort:
        (shown,) = [str(setting.value) for setting in columns[sort] if setting.id_val == "displayName"]
        panel = panel.sort_by([common_builders.TableSortByFieldState().display_name(shown).desc(desc=descending)])
    return panel


def timeline(
    screen: Screen,
    title: Words,
    description: Words,
    targets: Sequence[prometheus.Dataquery],
    *,
    width: int = 24,
    height: int = 8,
    words: Mapping[str, Word] | None = None,
) -> statetimeline.Panel:
    """Return a state timeline; ``words``: what stands for the values."""
    panel = (
        _head(screen, statetimeline.Panel(), title, description, width, height)
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(merge_values=True)
        .row_height(0.85)
        .line_width(0)
        .fill_opacity(90)
        .no_value(screen.say(NOTHING))
        .legend(_legend())
    )
    for target in targets:
        panel = panel.with_target(target)
    return panel if words is None else panel.mappings([screen.value_map(words)])


def graph(
    screen: Screen,
    title: Words,
    description: Words,
    targets: Sequence[prometheus.Dataquery],
    *,
    unit: str,
    width: int = 12,
    height: int = 8,
) -> timeseries.Panel:
    """Return lines over time, from zero, with holes where nothing was measured."""
    panel = (
        _head(screen, timeseries.Panel(), title, description, width, height)
        .unit(unit)
        .no_value(screen.say(NO_DATA))
        .axis_soft_min(0)
        .line_width(2)
        .fill_opacity(10)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(span_nulls=False)
        .legend(_legend())
        .tooltip(
            common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
        )
    )
    for target in targets:
        panel = panel.with_target(target)
    return panel


def with_limits(panel: timeseries.Panel, *pairs: tuple[float | None, str]) -> timeseries.Panel:
    """Draw thresholds into a graph as dashed lines."""
    return panel.thresholds(thresholds(*pairs)).thresholds_style(
        common_builders.GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED)
    )


def bars(
    screen: Screen,
    title: Words,
    description: Words,
    target: prometheus.Dataquery,
    *,
    unit: str,
    width: int = 12,
    height: int = 8,
) -> bargauge.Panel:
    """Return one bar a series of now; no series is no fault."""
    return (
        _head(screen, bargauge.Panel(), title, description, width, height)
        .unit(unit)
        .min(0)
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.TEXT)
        .no_value(screen.say(NOTHING))
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(target)
    )


def named(screen: Screen, panel: P, words: Mapping[str, Word]) -> P:
    """Show words with their colours in the place of series that are named by a code."""
    for code, word in words.items():
        panel = panel.override_by_name(code, [option("displayName", screen.say(word)), fixed(word.colour)])
    return panel


def named_by(screen: Screen, panel: P, label: str, words: Mapping[str, Word]) -> P:
    """Do the same for series whose legend is ``… · code``: the label's value and the word for the code."""
    for code, word in words.items():
        name = f"${{__field.labels.{label}}} · {screen.say(word)}"
        panel = panel.override_by_regexp(f"/· {code}$/", [option("displayName", name), fixed(word.colour)])
    return panel


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Put the lines of a graph upon each other, as whole numbers."""
    return (
        panel.decimals(0).stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(60)
    )


def _legend() -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
