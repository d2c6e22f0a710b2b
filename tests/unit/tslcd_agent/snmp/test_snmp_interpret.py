"""What a round heard, as the table of the device and as events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tslcd_agent.links.state import LinkStates
from tslcd_agent.snmp import interpret
from tslcd_agent.snmp import objects as mib
from tslcd_wire.report import MAX_EVENTS

if TYPE_CHECKING:
    from tslcd_wire.report import Table

AT = 1_790_000_000.0


def test_the_device_table_tells_uptime_in_seconds_and_texts_clean() -> None:
    """TimeTicks are hundredths; a vendor's description has line ends; the cost of the round is beside it."""
    made = interpret.device_table(
        {mib.SYS_UP_TIME: 8_640_050, mib.SYS_DESCR: b"Router\r\nVersion 1", mib.SYS_OBJECT_ID: "1.3.6.1.4.1.9"},
        interfaces=3,
        left_out=7,
    )
    interpret.cost(made, duration=0.25, complete=True, requests=9, retries=1)
    assert made == {
        "key": [""],
        "snmp_up": [1],
        "snmp_state": ["ok"],
        "uptime_seconds": [86400.5],
        "poll_duration_seconds": [0.25],
        "poll_complete": [1],
        "poll_requests": [9],
        "poll_retries": [1],
        "interfaces": [3],
        "interfaces_left_out": [7],
        "sys_descr": ["Router  Version 1"],
        "sys_object_id": ["1.3.6.1.4.1.9"],
    }


def test_a_change_of_state_is_an_event_and_news_is_not() -> None:
    """Only what was known before can have changed; what is not known changes nothing."""
    links = LinkStates()
    before: Table = {"key": ["wan", "lan", "tun"], "oper_up": [1, 0, 1]}
    assert interpret.link_events(before, "rt", links, at=AT, mono=10.0) == ()
    now: Table = {"key": ["wan", "lan", "tun", "new"], "oper_up": [0, 0, None, 1]}
    events = interpret.link_events(now, "rt", links, at=AT + 30, mono=40.0)
    assert [(event.key, event.up, event.source, event.at) for event in events] == [("wan", False, "poll", AT + 30)]
    assert interpret.link_events(None, "rt", links, at=AT, mono=50.0) == ()
    assert interpret.link_events({"key": ["wan"]}, "rt", links, at=AT, mono=50.0) == ()


def test_a_trap_counts_more_than_the_cache_of_the_device_that_sent_it() -> None:
    """The table says what the trap said, and the old news is no event."""
    links = LinkStates()
    interpret.link_events({"key": ["wan"], "oper_up": [1]}, "rt", links, at=AT, mono=10.0)
    links.changed("rt", "wan", up=False, at=AT + 1, source="trap", mono=11.0)
    table: Table = {"key": ["wan"], "oper_up": [1]}
    assert interpret.link_events(table, "rt", links, at=AT + 2, mono=12.0) == ()
    assert table["oper_up"] == [0]


def test_more_changes_than_a_report_holds_are_told_in_the_next_round() -> None:
    """None of them is lost."""
    links = LinkStates()
    keys = [f"p{number}" for number in range(MAX_EVENTS + 10)]
    interpret.link_events({"key": keys, "oper_up": [1] * len(keys)}, "rt", links, at=AT, mono=10.0)
    down: Table = {"key": keys, "oper_up": [0] * len(keys)}
    told = [len(interpret.link_events(down, "rt", links, at=AT, mono=10.0 + number)) for number in (1, 2, 3)]
    assert told == [MAX_EVENTS, 10, 0]
