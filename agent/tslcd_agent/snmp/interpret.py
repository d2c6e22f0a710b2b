"""What a round heard, as the table ``device`` and as events. Pure; interfaces have a module of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.uptime import TICKS_A_SECOND
from tslcd_wire.codec import clean_text
from tslcd_wire.report import MAX_EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_agent.errors import SnmpCode
    from tslcd_agent.links.state import LinkStates
    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Event, Table, Tables

    Values = Mapping[str, Value]


def text_of(value: Value) -> str:
    """Return any value as text: bytes as UTF-8, with U+FFFD for what is not."""
    if value is None:
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def device_table(values: Values, *, interfaces: int = 0, left_out: int = 0) -> Table:
    """Make the table ``device`` of a round that was answered; what the round cost is for :func:`cost` to add."""
    ticks = values.get(mib.SYS_UP_TIME)
    table: Table = {"key": [""], "snmp_up": [1], "snmp_state": ["ok"]}
    if isinstance(ticks, int) and ticks >= 0:
        table["uptime_seconds"] = [ticks / TICKS_A_SECOND]
    table["interfaces"] = [interfaces]
    if left_out:
        table["interfaces_left_out"] = [left_out]
    for column, oid in (("sys_name", mib.SYS_NAME), ("sys_descr", mib.SYS_DESCR), ("sys_object_id", mib.SYS_OBJECT_ID)):
        text = clean_text(text_of(values.get(oid)))
        if text:
            table[column] = [text]
    return table


def failure_tables(state: SnmpCode | str) -> Tables:
    """Make the tables of a round without an answer; ``state`` is one of the catalogue's SNMP_STATES."""
    return {"device": {"key": [""], "snmp_up": [0], "snmp_state": [state]}}


def cost(table: Table, *, duration: float, complete: bool, requests: int, retries: int) -> None:
    """Add to a table ``device`` what its round cost; ``duration`` in seconds."""
    table["poll_duration_seconds"] = [round(duration, 6)]
    table["poll_complete"] = [int(complete)]
    table["poll_requests"] = [requests]
    table["poll_retries"] = [retries]


def link_events(table: Table | None, device: str, links: LinkStates, *, at: float, mono: float) -> tuple[Event, ...]:
    """Return the changes that a table ``interface`` tells of, at most as many as a report holds.

    ``at``, ``mono``: when the round began. Where a trap or netlink knows better than the device's own answer, ``oper_up``
    in ``table`` is put right.
    """
    if table is None or "oper_up" not in table:
        return ()
    states: list[int | None] = table["oper_up"]
    held = links.held(device, mono)
    events: list[Event] = []
    for row, key in enumerate(table["key"]):
        if key in held:
            states[row] = int(held[key])
            continue
        up = states[row]
        if up is None or len(events) == MAX_EVENTS:
            continue  # what does not fit is still news in the next round
        event = links.changed(device, key, bool(up), at, "poll", mono=mono)
        if event is not None:
            events.append(event)
    return tuple(events)
