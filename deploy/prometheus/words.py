"""Texts of alerts: Go templates in both languages, with the words of the collector for reasons, parties and problems.

Invariant: no text has an address, a circuit, a device, an interface or who carries whom in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tslcd_collector.problems import DEVICE_PROBLEM_WORDS
from tslcd_collector.verdict import PARTY_WORDS, REASON_WORDS, Party, Reason, Words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_collector.problems import DeviceProblem
    from tslcd_collector.verdict import Language

LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")


def _looked_up(variable: str, start: str, query: str, labels: tuple[str, ...], wanted: str) -> str:
    """Return a template that sets a variable to a label of what a query finds, else to ``start``."""
    arguments = " ".join(f"$labels.{label}" for label in labels)
    found = f"{{{{ with .Labels.{wanted} }}}}{{{{ ${variable} = . }}}}{{{{ end }}}}"
    return f"{{{{ ${variable} := {start} }}}}{{{{ range printf `{query}` {arguments} | query | sortByLabel `{wanted}` }}}}{found}{{{{ end }}}}"


#: Sets $name to the name of the site, or to its id when nobody knows the name.
_NAME: Final = _looked_up(
    "name", "$labels.site", "tslcd_channel_info{site=%q,province=%q}", ("site", "province"), "site_name"
)


def at_site(vi: str, en: str) -> Words:
    """Return a text in which ``{{ $name }}`` is the name of the site of the alert's labels."""
    return Words(_NAME + vi, _NAME + en)


def at_channel_site(vi: str, en: str) -> Words:
    """Return such a text for an alert whose series has the name as a label."""
    name = "{{ or $labels.site_name $labels.site }}"
    return Words(vi.replace("{{ $name }}", name), en.replace("{{ $name }}", name))


def short(reason: Reason, language: Language) -> str:
    """Return what happened, without what to do: the words of a verdict up to the colon."""
    return REASON_WORDS[reason].of(language).partition(":")[0].removesuffix(".")


def _cases(variable: str, cases: Iterable[tuple[str, str]], otherwise: str) -> str:
    """Return a template that writes the text of the value that a variable has."""
    parts = [f'{{{{- else if eq ${variable} "{value}" }}}}{text}' for value, text in cases]
    parts[0] = parts[0].replace("{{- else if", "{{- if", 1)
    return "\n".join((*parts, f"{{{{- else }}}}{otherwise}{{{{ end }}}}"))


#: Why each channel is down or degraded, in labels named as the languages: a text asks for its line.
REASONS: Final = "channel:why:info"


def reason_words() -> str:
    """Return an expression with a line a reason: its label, and its words in both languages."""

    def line(reason: Reason) -> str:
        found = "vector(1)"
        words: list[tuple[str, str]] = [(language, short(reason, language)) for language in LANGUAGES]
        for name, text in [("reason", reason.value), *words]:
            found = f'label_replace({found}, {json.dumps(name)}, {json.dumps(text, ensure_ascii=False)}, "", "")'
        return found

    return "\nor\n".join(line(one) for one in Reason)


def _why(language: Language) -> str:
    asked = f"printf `{REASONS}{{channel=%q,province=%q}}` $labels.channel $labels.province | query"
    return (
        f'{{{{ with {asked} }}}}{{{{ sortByLabel "en" . | first | label "{language}" }}}}{{{{ else }}}}?{{{{ end }}}}'
    )


#: Why a channel is what it is, now.
WHY: Final = Words(_why("vi"), _why("en"))

_CALLS: Final = {
    Party.OPERATOR: Words(
        "Báo {party}{{{{ with $labels.operator }}}} {{{{ . }}}}{{{{ end }}}}, lấy số sự cố và giờ hẹn khắc phục",
        "Call the {party}{{{{ with $labels.operator }}}} {{{{ . }}}}{{{{ end }}}}; note the ticket and the promised time",
    ),
    Party.AGENCY: Words(
        "Gọi đầu mối của {party}: thiết bị và dây nối tại điểm kết nối",
        "Call the contact of the {party} at the site: equipment and cables on its side",
    ),
    Party.POWER: Words(
        "Hỏi điểm kết nối và {party} về điện và thiết bị lưu điện",
        "Ask the site and the {party} company about mains power and the UPS",
    ),
}
_ELSE: Final = Words(
    "Kiểm tra hệ thống giám sát trước khi gọi ai", "Check the supervision itself before calling anybody"
)


def _call(language: Language) -> str:
    cases = [
        (party.value, text.of(language).format(party=PARTY_WORDS[party].of(language))) for party, text in _CALLS.items()
    ]
    return _cases("labels.party", cases, _ELSE.of(language))


#: Whom to call about a channel, by the party of the alert.
CALL: Final = Words(_call("vi"), _call("en"))


def problems(*listed: DeviceProblem) -> Words:
    """Return which of these problems a device has, as a list."""
    names = "|".join(one.value for one in listed)
    query = f'count by (problem) (tslcd_device_problem{{problem=~"{names}",agent=%q,device=%q,province=%q}} == 1)'
    loop = f"{{{{ range printf `{query}` $labels.agent $labels.device $labels.province | query | sortByLabel `problem` }}}}"

    def text(language: Language) -> str:
        words = [(one.value, DEVICE_PROBLEM_WORDS[one].of(language)) for one in listed]
        found = _cases("problem", words, "{{ $problem }}")
        comma = "{{ if $more }}, {{ end }}{{ $more = true }}{{ $problem := .Labels.problem }}"
        return f"{{{{ $more := false }}}}{loop}{comma}\n{found}\n{{{{- end }}}}"

    return Words(text("vi"), text("en"))
