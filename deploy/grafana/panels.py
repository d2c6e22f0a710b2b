"""What both dashboards are built of: queries, mappings, and panels with the house's settings.

Invariants:

* Every panel and every variable asks the data source of the provisioning, by its uid.
* Two collectors that both read everything are folded into one by ``max by`` in every query.
* Titles and legends are Vietnamese, descriptions have both languages.
* Nothing needs the Internet: only panels that are part of Grafana itself.
"""

from __future__ import annotations

from typing import Final

from grafana.vocabulary import STATES, Word, state_number
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

#: Grafana's uid of the data source; provisioning/datasources/tslcd.yaml makes it.
DATA_SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="tslcd-prometheus")
#: The dashboards' uids: part of their addresses.
OVERVIEW: Final = "tslcd-overview"
CHANNEL: Final = "tslcd-channel"


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


def state_numbers(selector: str) -> str:
    """Return an expression: for each channel that ``selector`` matches, the number of its worst state."""
    alternatives = "\n  or ".join(
        f'(tslcd_channel_state{{{selector},state="{state}"}} == 1) * {state_number(state)}' for state in STATES
    )
    return f"max by (province, channel) (\n  {alternatives}\n)"


def value_map(words: dict[str, Word]) -> models.ValueMap:
    """Return a mapping that shows words instead of codes."""
    return models.ValueMap(
        {
            code: models.ValueMappingResult(text=word.vi, color=word.colour, index=index)
            for index, (code, word) in enumerate(words.items())
        }
    )


def state_map() -> models.ValueMap:
    """Return a mapping that shows words instead of the numbers of :func:`state_numbers`."""
    return value_map({str(state_number(state)): word for state, word in STATES.items()})


def thresholds(*steps: tuple[float | None, str]) -> builders.ThresholdsConfig:
    """Return steps of (from this value on, colour); the first has no value."""
    return (
        builders.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=colour) for value, colour in steps])
    )


def option(name: str, value: object) -> models.DynamicConfigValue:
    """Return one setting of one field."""
    return models.DynamicConfigValue(id_val=name, value=value)


def column(title: str, *, words: dict[str, Word] | None = None, unit: str = "") -> list[models.DynamicConfigValue]:
    """Return the settings of a table's column: its title, its words with colours, its unit."""
    settings = [option("displayName", title)]
    if words is not None:
        settings.append(option("mappings", [value_map(words)]))
        settings.append(option("custom.cellOptions", {"type": "color-text"}))
    if unit:
        settings.append(option("unit", unit))
    return settings


def number(title: str, description: str, target: prometheus.Dataquery, *, width: int = 3) -> stat.Panel:
    """Return one big number."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .span(width)
        .height(4)
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("Không có dữ liệu")
        .with_target(target)
    )


def listing(title: str, description: str, target: prometheus.Dataquery, columns: list[str]) -> table.Panel:
    """Return a table with ``columns`` (labels, or Value) in that order; all others are left out."""
    order = {name: index for index, name in enumerate(columns)}
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .with_target(target)
        .with_transformation(
            models.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": columns}})
        )
        .with_transformation(models.DataTransformerConfig(id_val="organize", options={"indexByName": order}))
    )


def timeline(title: str, description: str, target: prometheus.Dataquery) -> statetimeline.Panel:
    """Return a state timeline."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(merge_values=True)
        .line_width(0)
        .fill_opacity(90)
        .legend(_legend())
        .with_target(target)
    )


def graph(title: str, description: str, unit: str) -> timeseries.Panel:
    """Return curves over time, from zero; add targets."""
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .unit(unit)
        .axis_soft_min(0)
        .line_width(1)
        .fill_opacity(10)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(span_nulls=False)
        .legend(_legend())
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.NONE))
    )


def _legend() -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )


def variable(name: str, label: str, expr: str, *, regex: str = "", several: bool = False) -> builders.QueryVariable:
    """Return a variable whose values come from the data source, asked again when the time range changes."""
    one = (
        builders.QueryVariable(name)
        .label(label)
        .datasource(DATA_SOURCE)
        .query({"query": expr, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(several)
        .include_all(several)
    )
    if several:
        one = one.all_value(".*").current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    return one.regex(regex) if regex else one


def province(*, several: bool) -> builders.QueryVariable:
    """Return the variable ``province``: one, or any number of them."""
    return variable("province", "Tỉnh", "label_values(tslcd_channel_info, province)", several=several)


def dashboard(uid: str, title: str, description: str) -> builders.Dashboard:
    """Return an empty dashboard with the house's settings; times are those of Viet Nam."""
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["tslcd"])
        .timezone("Asia/Ho_Chi_Minh")
        .refresh("10s")
        .time("now-6h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
    )
