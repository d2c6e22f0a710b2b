"""Rules about channels: cut, degraded, flapping, without redundancy, many at once.

A recording rule folds two collectors that both see everything (label instance) and puts beside a verdict what routes a page and what
its text says: tenant, redundancy group, the site's name, the operator's. A text that had to ask for them would ask once an alert
and evaluation. A channel without its line in the inventory's series is still told, without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus.rule import Alert, Group, Record, RuleFile
from prometheus.thresholds import (
    CUT_HOLD,
    CUT_WAIT,
    FLAPPING_CUT,
    FLAPPING_CUT_SAMPLES,
    FLAPPING_HOLD,
    INVENTORY_HOLD,
    LATELY,
    MANY,
    MANY_SHARE,
    UPSTREAM_HOLD,
)
from prometheus.words import CALL, LANGUAGES, REASONS, WHY, at_channel_site, reason_words

from tslcd_collector.verdict import Reason, State, Words

if TYPE_CHECKING:
    from prometheus.rule import Severity

ABOUT: Final = """
Channels. Invariants of all rules of this folder:

* Rules read verdicts and problems, which the collector decides live and nobody ever backfills: history that comes late cannot page. What reads measurements (load, certificates) says there why it cannot either.
* An alert about a channel is made from the states down and degraded alone. A channel whose agent is silent is unknown, and AgentLost says so.
* What is in the labels is what does not change while a fault lasts, so that one fault is one alert. The reason may change (a link goes down, then its interface is switched off), so it is read into the text.
* A rule that fails pages nobody: joins are "and", or have on their one side what topk leaves, one series.
* Two collectors that both read everything (label instance) are folded into one alert.
* Every alert has severity (critical, major: a page; warning: the day shift; info: nobody, it holds others back), party, a summary and an action in both languages, and a runbook. No text has an address, a circuit or a device in it.
"""

CHANNEL: Final = "province, site, channel"
ABOUT_CHANNEL: Final = "tenant, redundancy_group, site_name, operator"
ALERT: Final = f"{CHANNEL}, party, {ABOUT_CHANNEL}"
DOWN: Final = "channel:down:info"
CUT: Final = "channel:cut:info"
DEGRADED: Final = "channel:degraded:info"
FLAPPING: Final = f'{DEGRADED}{{reason="{Reason.FLAPPING.value}"}}'
WORSE: Final = f'{DEGRADED}{{reason!~"{Reason.FLAPPING.value}|{Reason.REDUNDANCY_LOST.value}"}}'
UPSTREAM: Final = f'{DOWN}{{reason="{Reason.UPSTREAM_DOWN.value}"}}'
VERDICTS: Final = f'{{__name__=~"channel:({State.DOWN.value}|{State.DEGRADED.value}):verdict"}}'
WORDS: Final = "reason:words:info"
CUT_CHANNEL: Final = "channel:cut:max"
CUT_LATELY: Final = "channel:cut_lately:info"
WORKING: Final = "province:redundancy_working:count"
CUTS_LATELY: Final = "province:channels_cut_lately:count"
CUTS_TOGETHER: Final = "province:channels_cut_together:count"
CHANNELS: Final = "province:channels:count"


def firing(alert: str, **labels: str) -> str:
    """Return the series of an alert that fires, as of the evaluation before."""
    more = "".join(f',{name}="{value}"' for name, value in labels.items())
    return f'ALERTS{{alertname="{alert}",alertstate="firing"{more}}}'


def _judged(state: State) -> tuple[Record, Record]:
    """Record the verdicts of channels in a state: folded, then with tenant and redundancy group.

    Work that was planned on the page of one collector holds the other one's verdict back too.
    """
    folded = f"channel:{state.value}:verdict"
    return (
        Record(
            name=folded,
            expr=f"""
                max by ({CHANNEL}, reason, party) (
                  tslcd_channel_verdict_info{{reason!="{Reason.OK.value}"}}
                  and on (instance, {CHANNEL}) (tslcd_channel_state{{state="{state.value}"}} == 1)
                  unless on ({CHANNEL}) (tslcd_channel_state{{state="{State.MAINTENANCE.value}"}} == 1)
                )
            """,
        ),
        Record(
            name=f"channel:{state.value}:info",
            expr=f"""
                {folded} * on ({CHANNEL}) group_left ({ABOUT_CHANNEL}) channel:inventory:info
                or
                ({folded} unless on ({CHANNEL}) channel:inventory:info)
            """,
        ),
    )


def _one_line(series: str) -> str:
    """Return what the inventory says of each channel, once."""
    return f"topk by ({CHANNEL}) (1, max by ({CHANNEL}, {ABOUT_CHANNEL}) ({series}))"


RECORDS: Final = (
    Record(
        name="channel:inventory:info",
        note=(
            "One line a channel, also while two collectors disagree about it. The last one stays when a scrape is missing: with"
            " other labels an alert would be another alert, and told as one."
        ),
        expr=f"""
            {_one_line("tslcd_channel_info")}
            or on ({CHANNEL})
            {_one_line(f"last_over_time(tslcd_channel_info[{INVENTORY_HOLD}])")}
        """,
    ),
    *_judged(State.DOWN),
    *_judged(State.DEGRADED),
    Record(
        name=WORDS,
        note="The words of every reason. Alerts ask for those of their channel: a text with all of them would be read anew for every alert.",
        expr=reason_words(),
    ),
    Record(
        name=REASONS,
        note="Of a collector that is newer than these rules the bare reason.",
        expr=f"""
            max by ({CHANNEL}, {", ".join(LANGUAGES)}) ({VERDICTS} * on (reason) group_left ({", ".join(LANGUAGES)}) {WORDS})
            or on ({CHANNEL})
            max by ({CHANNEL}, {", ".join(LANGUAGES)}) (
              label_replace(label_replace({VERDICTS}, "vi", "$1", "reason", "(.*)"), "en", "$1", "reason", "(.*)")
            )
        """,
    ),
    Record(
        name=CUT,
        note="""
            Cuts that are a cause of their own: not those behind a cut upstream, nor those that were behind one until lately, which the
            collector has to measure again before it knows.
        """,
        expr=f"""
            {DOWN}{{reason!="{Reason.UPSTREAM_DOWN.value}"}}
            unless on ({CHANNEL}) {firing("UpstreamDown")}
        """,
    ),
    Record(name=CUT_CHANNEL, note="The same, one line a channel.", expr=f"max by ({CHANNEL}) ({CUT})"),
    Record(
        name=WORKING,
        note="Channels that still work, of each redundancy group.",
        expr=f"""
            count by (province, redundancy_group) (
              channel:inventory:info{{redundancy_group!=""}}
              and on ({CHANNEL}) (max by ({CHANNEL}) (tslcd_channel_up) == 1)
            )
        """,
    ),
)


def _down(*, redundant: bool) -> Alert:
    """Return the alert of a cut, of one severity: whether another channel of the group works."""
    severity: Severity = "major" if redundant else "critical"
    operator = "and" if redundant else "unless"
    fires = firing("ChannelDown", severity=severity)
    return Alert(
        name="ChannelDown",
        severity=severity,
        note=(
            """
            The same while another channel of its redundancy group works: the service is up, so nobody has to get up for it at once.
            """
            if redundant
            else """
            One page a cut. What is shorter than `for` pages nobody. keep_firing_for keeps a channel that comes and goes one alert, and keeps
            a dying collector from looking like a repair. Once the collector calls it flapping, the alert stands until it is steady.
            What fires keeps its labels: a cut whose party turns out to be another one is still one page. A channel that is told as
            flapping goes down again and again: that is no news before it stays down.
            """
        ),
        expr=f"""
            (
              max by ({ALERT}) ({fires} and on ({CHANNEL}) {CUT})
              or
              topk by ({CHANNEL}) (1, max by ({ALERT}) (
                {CUT}
                unless on ({CHANNEL}) {fires}
                unless on ({CHANNEL}) (
                  {firing("ChannelFlapping")}
                  unless on ({CHANNEL}) count_over_time({CUT_CHANNEL}[{FLAPPING_CUT}]) >= {FLAPPING_CUT_SAMPLES}
                )
              ))
            )
              {operator} on (province, redundancy_group) {WORKING}
            or
            max by ({ALERT}) ({fires})
              and on ({CHANNEL}) {FLAPPING}
        """,
        wait=CUT_WAIT,
        hold=CUT_HOLD,
        summary=(
            at_channel_site(
                "Kênh {{ $labels.channel }} ({{ $name }}) mất kết nối; kênh dự phòng còn hoạt động",
                "Channel {{ $labels.channel }} ({{ $name }}) is down; a redundant one works",
            )
            if redundant
            else at_channel_site(
                "Kênh {{ $labels.channel }} ({{ $name }}) mất kết nối",
                "Channel {{ $labels.channel }} ({{ $name }}) is down",
            )
        ),
        reason=WHY,
        action=CALL,
    )


ALERTS: Final = (
    Alert(
        name="UpstreamDown",
        severity="info",
        note="""
            Pages nobody: the channel upstream has its own alert. It holds back what follows from the cut at this site, and keeps doing so
            until the channel was measured again after the repair.
        """,
        expr=f"max by ({ALERT}) ({UPSTREAM})",
        hold=UPSTREAM_HOLD,
        summary=at_channel_site(
            "Kênh {{ $labels.channel }} ({{ $name }}) mất theo kênh cấp trên",
            "Channel {{ $labels.channel }} ({{ $name }}) is down with the one that carries it",
        ),
        reason=WHY,
        action=Words(
            "Không cần xử lý tại đây: khôi phục kênh cấp trên",
            "Nothing to do here: restore the channel that carries it",
        ),
    ),
    _down(redundant=False),
    _down(redundant=True),
    Alert(
        name="ChannelFlapping",
        severity="major",
        note="""
            At once: the collector has already counted. A cut of the same channel that is still told holds it back, and is told for longer.
        """,
        expr=f"max by ({ALERT}) ({FLAPPING})",
        hold=FLAPPING_HOLD,
        summary=at_channel_site(
            "Kênh {{ $labels.channel }} ({{ $name }}) chập chờn, mất rồi lại có nhiều lần",
            "Channel {{ $labels.channel }} ({{ $name }}) comes and goes",
        ),
        reason=WHY,
        action=CALL,
    ),
    Alert(
        name="RedundancyLost",
        severity="major",
        note="""
            One a group, not one a channel. Normally the cut's own page holds it back; it speaks where that cut is not told any
            more while the group is still short. After a cut upstream that one's page says it all.
        """,
        expr=f"""
            max by (province, site, redundancy_group, party, site_name) ({DEGRADED}{{reason="{Reason.REDUNDANCY_LOST.value}"}})
            unless on (province, redundancy_group) {DOWN}{{reason="{Reason.UPSTREAM_DOWN.value}",redundancy_group!=""}}
        """,
        wait="30s",
        hold="1m",
        summary=at_channel_site(
            "Điểm {{ $name }} còn hoạt động nhưng mất dự phòng", "Site {{ $name }} works, and has lost its redundancy"
        ),
        action=Words(
            "Khôi phục kênh đã mất trước khi mất cả nhóm; tránh bảo trì kênh còn lại",
            "Restore the channel that is lost before all are; allow no maintenance of the one that is left",
        ),
    ),
    Alert(
        name="ChannelDegraded",
        severity="warning",
        note="""
            Loss, delay, jitter, errors and load above the thresholds of the class: the collector judges, this tells. What fires keeps
            its labels.
        """,
        expr=f"""
            max by ({ALERT}) ({firing("ChannelDegraded")} and on ({CHANNEL}) {WORSE})
            or
            topk by ({CHANNEL}) (1, max by ({ALERT}) ({WORSE} unless on ({CHANNEL}) {firing("ChannelDegraded")}))
        """,
        wait="1m",
        hold="2m",
        summary=at_channel_site(
            "Kênh {{ $labels.channel }} ({{ $name }}) suy giảm chất lượng",
            "Channel {{ $labels.channel }} ({{ $name }}) is degraded",
        ),
        reason=WHY,
        action=CALL,
    ),
)


def _many(count: str) -> str:
    """Return the condition that so many channels of a province are an event of its own."""
    return f"({count} >= {MANY} and {count} >= {MANY_SHARE} * {CHANNELS})"


_NEW: Final = f"({CUT_CHANNEL} unless last_over_time({CUT_CHANNEL}[{LATELY}] offset {LATELY}))"
TOGETHER: Final = (
    Record(name=CHANNELS, expr=f"count by (province) (max by ({CHANNEL}) (tslcd_channel_up))"),
    Record(
        name=CUT_LATELY,
        note="""
            Cuts that can belong to one event: what was cut before has its own page. `told` says whether that of a new one is out already.
        """,
        expr=f"""
            label_replace({_NEW} unless on ({CHANNEL}) {firing("ChannelDown")}, "told", "no", "", "")
            or
            label_replace({_NEW} and on ({CHANNEL}) {firing("ChannelDown")}, "told", "yes", "", "")
        """,
    ),
    Record(name=CUTS_LATELY, expr=f"count by (province) ({CUT_LATELY})"),
    Alert(
        name="CutWithMany",
        severity="info",
        party="operator",
        note="""
            Pages nobody: the page of many at once has told it. It marks which cuts those are, and nothing that is cut later, for as long
            as many of them stand; and those that are repaired until they are told no more. What was told by itself before they were
            many stays told, and its end too; the others are held back.
        """,
        expr=f"""
            max by ({CHANNEL}, site_name, told) (
              {firing("CutWithMany")}
              and on (province) {firing("ManyChannelsDown")}
              and on ({CHANNEL}) ({CUT} or {firing("ChannelDown")})
            )
            or on ({CHANNEL})
            max by ({CHANNEL}, site_name, told) (
              {CUT} * on ({CHANNEL}) group_left (told) {CUT_LATELY}
              and on (province) {_many(CUTS_LATELY)}
            )
        """,
        summary=at_channel_site(
            "Kênh {{ $labels.channel }} ({{ $name }}) mất cùng lúc với nhiều kênh khác",
            "Channel {{ $labels.channel }} ({{ $name }}) is down together with many others",
        ),
        action=Words(
            "Không gọi riêng cho kênh này: xử lý nguyên nhân chung trước",
            "Make no call for this one: work on the common cause first",
        ),
    ),
    Record(
        name=CUTS_TOGETHER,
        expr=f"count by (province) ({CUT_CHANNEL} and on ({CHANNEL}) {firing('CutWithMany')})",
    ),
    Alert(
        name="ManyChannelsDown",
        severity="critical",
        party="operator",
        note="""
            One page for many cuts at once; the Alertmanager holds back the single ones that belong to it (CutWithMany), so this one is told
            without waiting and until the last cut that it held back is told no more, also when the collector dies meanwhile, else
            those would page when all is over. Once they are few it says the most there were, not how many are left.
        """,
        expr=f"""
            {_many(CUTS_TOGETHER)}
            or
            max_over_time({CUTS_TOGETHER}[10m])
              and on (province) {firing("ManyChannelsDown")}
              and on (province) (
                {firing("ChannelDown")}
                and on ({CHANNEL}) {firing("CutWithMany")}
                unless on ({CHANNEL}) {CUT}
                unless on ({CHANNEL}) {FLAPPING}
              )
        """,
        hold="1m",
        summary=Words(
            "Tỉnh {{ $labels.province }}: {{ $value }} kênh mất kết nối cùng lúc",
            "Province {{ $labels.province }}: {{ $value }} channels are down at once",
        ),
        action=Words(
            "Tìm nguyên nhân chung trước: cổng kết nối tỉnh, tuyến trục của đơn vị vận hành, điện",
            "Look for the common cause first: the provincial gateway, the trunk of an operator, power",
        ),
    ),
)

FILE: Final = RuleFile(
    name="channels",
    about=ABOUT,
    groups=(Group(name="tslcd-channels", interval="5s", rules=(*RECORDS, *ALERTS, *TOGETHER)),),
)
