"""The pager's settings: the shipped file is the defaults, and every mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tslcd_collector.pager.settings import PagerSettings, load, nobody
from tslcd_runtime import settings
from tslcd_runtime.describe import dump

SHIPPED = Path(__file__).parents[4] / "configs" / "pager.yaml"
ZALO = "zalo: [{name: bot, token: {file: token}}]"


def test_shipped_settings_are_the_defaults_and_have_every_key() -> None:
    """What is shipped reads as the defaults, and names each of them."""
    assert settings.load(SHIPPED, PagerSettings).value == PagerSettings()

    def keys(document: object, prefix: str = "") -> set[str]:
        if not isinstance(document, dict):
            return {prefix}
        return {found for key, value in document.items() for found in keys(value, f"{prefix}.{key}")}

    assert keys(yaml.safe_load(SHIPPED.read_text())) == keys(yaml.safe_load(dump(PagerSettings())))


def test_examples_in_the_shipped_settings_can_be_used(tmp_path: Path) -> None:
    """What stands there as a comment is right too: with it, somebody is told."""
    lines = SHIPPED.read_text().splitlines()
    text, part = ["links: {url: 'https://pager.example'}"], list[str]()
    for line in lines:
        if line.startswith("# - ") or (part and line.startswith("#   ")):
            part.append(line[2:])
        elif part and line.endswith(": []"):
            text += [line.removesuffix(" []"), *(f"  {one}" for one in part)]
            part = []
    text += ["escalation: {critical: {steps: [{to: [noc], wait: 5min, hours: ['mon-fri 07:00-17:00']}, {to: [an]}]}}"]
    whole = "\n".join(text)
    for name in ("zalo", "sms", "mail"):
        (tmp_path / name).write_text("secret\n")
        whole = whole.replace(f"/etc/tslcd/secrets/{name}", name)
    (tmp_path / "pager.yaml").write_text(whole)
    loaded = load(tmp_path / "pager.yaml")
    assert [one.name for one in (*loaded.zalo, *loaded.sms, *loaded.mail)] == ["bot", "sms", "mail"]
    assert nobody(loaded, "x") == []


MISTAKES = [
    ("quue: {}", "1: quue: unknown key: did you mean queue? allowed are "),
    ("queue: {keep: 30d}", "1: queue: keep: allowed is 92d to 3650d"),
    ("links: {url: pager.example}", "1: links.url: 'pager.example' is not allowed: text that matches "),
    ("links: {url: 'https://192.0.2.1/x'}", "1: links: url: a name is wanted in place of the address: no message carries addresses"),
    ("links: {url: 'https://[2001:db8::1]'}", "1: links: url: a name is wanted in place of the address: no message carries addresses"),
    ("dead_man: {after: 500ms}", "1: dead_man: after: allowed is 0s, or 1s to 1d"),
    ("rate: {messages: 0}", "1: rate.messages: '0' is not allowed: a whole number from 1 to 1000 is wanted here"),
    ("give_up: 1s", "1: : give_up: allowed is 10s to 7d"),
    ("forget: 40d", "1: : forget: allowed is 1min to 31d"),
    ("zalo: [{name: bot, token: abc}]", "1: zalo[0].token: a secret is not written here: give {file: PATH} or {credential: NAME}"),
    ("zalo: [{name: bot, token: {file: nothing}}]", "1: zalo[0].token: nothing: no such file or directory"),
    ("sms: [{name: g, url: 'http://sms.example/?to={to}'}]", "1: sms[0]: url or body: {to} and {text} are wanted"),
    ("sms: [{name: g, url: 'http://sms.example/?to={to}&m={text}&k={key}'}]", "1: sms[0]: {key} is unknown: allowed are {to}, {text}, {secret}, {id}"),
    ("sms: [{name: g, url: 'http://sms.example/?to={to}&m={text}&k={secret}'}]", "1: sms[0]: secret: belongs to {secret} in url, headers or body, and {secret} to it"),
    ("sms: [{name: g, url: 'http://sms.example/?to={to}&m={text}', success: {field: code}}]", "1: sms[0].success: field and values: both or none"),
    ("sms: [{name: g, url: 'http://sms.example/?to={to}&m={text}', headers: {'A B': x}}]", "1: sms[0]: headers: 'A B' has letters that headers cannot have"),
    ("sms: [{name: g, url: 'http://sms.example/?to={to}&m={text}', headers: {A: '{text}'}}]", "1: sms[0]: headers: 'A': {text} belongs into url or body"),
    ("mail: [{name: m, host: mail.example, sender: nobody}]", "1: mail[0].sender: 'nobody' is not allowed: text that matches "),
    ("mail: [{name: m, host: mail.example, sender: a@b.example, username: u}]", "1: mail[0]: username and password: both or none"),
    ("mail: [{name: m, host: h, sender: a@b, username: u, password: {file: token}, tls: none}]", "1: mail[0]: password: not without TLS"),
    ("mail: [{name: m, host: h, sender: a@b, timeout: 5min}]", "1: mail[0]: timeout: allowed is 100ms to 60s"),
    ("people: [{id: an, name: An}]", "1: people[0].channels: at least 1 wanted, 0 given"),
    ("people: [{id: an, name: An, channels: [{by: bot, to: '1'}]}]", "1: people[0].channels[0].by: no account 'bot': known are none: give zalo, sms or mail accounts"),
    (f"{ZALO}\npeople: [{{id: an, name: An, channels: [{{by: bto, to: '1'}}]}}]", "2: people[0].channels[0].by: no account 'bto': known are bot"),
    (f"{ZALO}\npeople: [{{id: an, name: An, channels: [{{by: bot, to: 1}}]}}]", "2: people[0].channels[0].to: 1 is not text in YAML: put it in quotes"),
    ("people: [{id: an, name: An, quiet: ['22:00-6:00']}]", "1: people[0]: '22:00-6:00': hours look like 22:00-06:00 or mon-fri 07:30-17:00, days are mon, tue, wed, thu, fri, sat, sun"),
    ("people: [{id: an, name: An, quiet: ['00:00-12:00', '12:00-24:00']}]", "1: people[0]: quiet: all hours of the week are quiet"),
    ("groups: [{id: noc, name: NOC}]", "1: groups[0]: channels or members: one of them is wanted"),
    ("groups: [{id: noc, name: NOC, members: [an]}]", "1: groups[0].members[0]: no person 'an'"),
    (f"{ZALO}\nsms: [{{name: bot, url: 'http://s.example/{{to}}{{text}}'}}]", "2: sms[0].name: 'bot' is given twice"),
    ("escalation: {critical: {steps: [{to: [an]}]}}", "1: escalation.critical.steps[0].to[0]: no person or group 'an'"),
    ("escalation: {urgent: {}}", "1: escalation.urgent: unknown key: allowed are critical, major, warning, info"),
    ("escalation: {critical: {remind: 10s}}", "1: escalation.critical: remind: allowed is 0s, or 1min to 7d"),
    ("escalation: {critical: {steps: [{to: []}]}}", "1: escalation.critical.steps[0].to: at least 1 wanted, 0 given"),
    ("web: {token: {}}", "1: web.token: a secret is not written here: give {file: PATH} or {credential: NAME}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_every_mistake_has_its_message(tmp_path: Path, text: str, message: str) -> None:
    """File, line, key and what is allowed."""
    (tmp_path / "token").write_text("abc\n")
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(settings.SettingsError) as caught:
        load(file)
    (problem,) = caught.value.problems
    told = f"{problem.line}: {problem.key}: {problem.message}".replace(f"{tmp_path}/", "")
    assert told.startswith(message) if message.endswith(" ") else told == message


def test_a_pager_that_could_tell_nobody_is_told_so() -> None:
    """The shipped settings are right, and of no use until somebody is named."""
    (problem,) = nobody(PagerSettings(), "pager.yaml")
    assert str(problem) == "pager.yaml: escalation.critical.steps: empty: nobody would be told"


def test_secrets_are_never_dumped(tmp_path: Path) -> None:
    """``dump-config`` shows where a token comes from, not what it is."""
    (tmp_path / "token").write_text("7012:verysecret\n")
    (tmp_path / "p.yaml").write_text(f"{ZALO}\nweb: {{token: {{file: token}}}}")
    assert "verysecret" not in dump(load(tmp_path / "p.yaml"))
