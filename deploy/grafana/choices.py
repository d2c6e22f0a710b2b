"""What the person at a screen chooses, each choice within the ones before it, and what is marked in all of its graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.queries import CHOSEN, PROVINCE, among, holding
from grafana.screen import DATA_SOURCE
from grafana.words import Words
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

if TYPE_CHECKING:
    from grafana.screen import Screen

#: How Grafana reads a name to show and a code to use out of a result: labels come in the order of the alphabet.
_NAMED: Final = '/site="(?<value>[^"]+)",site_name="(?<text>[^"]+)"/'


def _variable(
    screen: Screen, name: str, label: Words, text: str, *, regex: str = "", several: bool
) -> builders.QueryVariable:
    """Return a variable whose values come from the data source, asked again when the time range changes."""
    one = (
        builders.QueryVariable(name)
        .label(screen.say(label))
        .datasource(DATA_SOURCE)
        .query({"query": text, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(several)
        .include_all(several)
    )
    if several:
        one = one.all_value(".*").current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    return one.regex(regex) if regex else one


def _label(screen: Screen, name: str, label: Words, within: str, *, several: bool = True) -> None:
    selector = f"tslcd_channel_info{{{within}}}" if within else "tslcd_channel_info"
    screen.with_variable(_variable(screen, name, label, f"label_values({selector}, {name})", several=several))


def province(screen: Screen, *, several: bool = True) -> None:
    """Let a province be chosen, or any number of them."""
    _label(screen, "province", Words("Tỉnh", "Province"), "", several=several)


def channels(screen: Screen, *, several_provinces: bool = True) -> None:
    """Let channels be chosen by province, operator, tenant, class and site."""
    province(screen, several=several_provinces)
    within = PROVINCE
    for name, label in (
        ("operator", Words("Đơn vị vận hành", "Operator")),
        ("tenant", Words("Mạng riêng", "Tenant")),
        ("class", Words("Loại kênh", "Class")),
    ):
        _label(screen, name, label, within)
        within = f'{within},{name}=~"${name}"'
    site(screen, within, several=True)


def site(screen: Screen, within: str = PROVINCE, *, several: bool) -> None:
    """Let a site be chosen by its name."""
    text = f"query_result(max by (site, site_name) (tslcd_channel_info{{{within}}}))"
    label = Words("Điểm kết nối", "Site")
    screen.with_variable(_variable(screen, "site", label, text, regex=_NAMED, several=several))


def channel(screen: Screen) -> None:
    """Let one of the chosen channels be chosen."""
    _label(screen, "channel", Words("Kênh", "Channel"), CHOSEN, several=False)


def mark_outages(screen: Screen, selector: str, *, cuts: bool = True) -> None:
    """Mark planned maintenance and cuts of the channels that ``selector`` finds in the inventory.

    ``cuts``: whether cuts are marked from the start; otherwise when the person at the screen switches them on.
    """
    for state, title, colour in (
        ("down", Words("Mất kết nối", "Outage"), "red"),
        ("maintenance", Words("Bảo trì", "Maintenance"), "blue"),
    ):
        one = among(holding(state), selector)
        screen.annotate(title, f"max by (channel) ({one})", colour, text="{{channel}}", enable=cuts or state != "down")
