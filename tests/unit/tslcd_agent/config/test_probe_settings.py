"""Settings of probes: every mistake with its exact message, for every type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tslcd_agent.config import load_config
from tslcd_runtime.describe import dump
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_agent.config import AgentConfig

HEAD = 'agent: {id: 86-29551-1, province: "86"}\nbrokers: [{host: 192.0.2.10}]\n'


def load(directory: Path, text: str) -> AgentConfig:
    """Load settings from text. Raises SettingsError."""
    file = directory / "agent.yaml"
    file.write_text(text)
    return load_config(file).value


MISTAKES: dict[str, tuple[str, list[str]]] = {
    "an unknown type of probe": (
        HEAD + "probes:\n  x:\n    target: gw.example\n    type: ping\n",
        [
            "agent.yaml:6: probes.x.type: 'ping' is not allowed: allowed are icmp, tcp, tls, dns, http, path, mqtt",
        ],
    ),
    "keys of another type": (
        HEAD
        + "probes:\n  x: {target: gw.example, port: 22}\n  y:\n    type: tcp\n    target: gw.example\n    count: 5\n"
        + "    port: 0\n    wait: 3s\n  z: {type: mqtt, target: 192.0.2.9}\n",
        [
            "agent.yaml:4: probes.x.port: does not belong to type icmp",
            "agent.yaml:8: probes.y.count: does not belong to type tcp",
            "agent.yaml:9: probes.y.port: '0' is not allowed: a whole number from 1 to 65535 is wanted here",
            "agent.yaml:10: probes.y.wait: unknown key: allowed are timeout, interval, source, dscp, target, port",
            "agent.yaml:11: probes.z.target: does not belong to type mqtt",
        ],
    ),
    "a probe that is no mapping, and a key given twice": (
        HEAD + "probes:\n  x: gw.example\n  y: {type: tcp, type: tcp, target: gw.example, port: 1}\n",
        [
            "agent.yaml:4: probes.x: 'gw.example' is not allowed: keys and values are wanted here",
            "agent.yaml:5: probes.y.type: unknown key: allowed are timeout, interval, source, dscp, target, port",
        ],
    ),
    "what a type needs": (
        HEAD + "probes:\n  x: {type: tcp, target: gw.example}\n  y: {type: dns, target: 192.0.2.53}\n",
        ["agent.yaml:4: probes.x.port: missing", "agent.yaml:5: probes.y.name: missing"],
    ),
    "wrong marks": (
        HEAD
        + "probes:\n  x: {target: gw.example, dscp: 64}\n  y: {target: gw.example, dscp: [ef]}\n  z: {target: gw.example, dscp: gold}\n",
        [
            "agent.yaml:4: probes.x.dscp: '64' is not a DSCP: write 0 to 63, or a name such as ef, af41, cs6",
            "agent.yaml:5: probes.y.dscp: a list is not a DSCP: for example ef",
            "agent.yaml:6: probes.z.dscp: 'gold' is not a DSCP: write 0 to 63, or a name such as ef, af41, cs6",
        ],
    ),
    "a timeout above the interval": (
        HEAD + "probes:\n  x: {type: http, target: 'http://portal.example/', timeout: 1min}\n",
        ["agent.yaml:4: probes.x: a round may last 1min, longer than its interval, 30s"],
    ),
    "a source of the other family": (
        HEAD + "probes:\n  x: {type: tcp, target: 192.0.2.9, port: 22, source: '2001:db8::1'}\n",
        ["agent.yaml:4: probes.x.source: 2001:db8::1 cannot send to 192.0.2.9: one is IPv4, the other IPv6"],
    ),
    "trust in nobody": (
        HEAD
        + "probes:\n  x: {type: tls, target: gw.example, verify: false, ca: ca.pem}\n"
        + "  y: {type: http, target: 'http://gw.example/', server_name: gw.example}\n",
        [
            "agent.yaml:4: probes.x.ca: does not belong to verify: false",
            "agent.yaml:5: probes.y.server_name: does not belong to http://",
        ],
    ),
    "no web address": (
        HEAD
        + "probes:\n  a: {type: http, target: portal.example}\n  b: {type: http, target: 'ftp://portal.example/'}\n"
        + "  c: {type: http, target: 'https://me:hidden-word@portal.example/'}\n  d: {type: http, target: 'http://[::1/'}\n"
        + "  e: {type: http, target: 'http://portal.example/a b'}\n  f: {type: http, target: 'http://portal.example:70000/'}\n",
        [
            "agent.yaml:4: probes.a.target: 'portal.example' is not a web address: write http://HOST/ or https://HOST/",
            "agent.yaml:5: probes.b.target: 'ftp://portal.example/' is not a web address: write http://HOST/ or https://HOST/",
            "agent.yaml:6: probes.c.target: a user name or password is not written here",
            "agent.yaml:7: probes.d.target: 'http://[::1/' is not a web address: write http://HOST/ or https://HOST/",
            "agent.yaml:8: probes.e.target: 'http://portal.example/a b' is not a web address: write http://HOST/ or https://HOST/",
            "agent.yaml:9: probes.f.target: 'http://portal.example:70000/' is not a web address: write http://HOST/ or https://HOST/",
        ],
    ),
    "wrong wishes for a body": (
        HEAD
        + "probes:\n  x: {type: http, target: 'http://gw.example/', body: '(', max_body: 1GiB}\n"
        + "  y: {type: http, target: 'http://gw.example/', method: HEAD, body: ok}\n",
        [
            "agent.yaml:4: probes.x.body: not a regular expression: missing ), unterminated subpattern at position 0",
            "agent.yaml:4: probes.x.max_body: allowed are 1B to 4MiB",
            "agent.yaml:5: probes.y.body: does not belong to method HEAD",
        ],
    ),
    "no domain name": (
        HEAD + "probes:\n  x: {type: dns, target: 192.0.2.53, name: 'a..b'}\n",
        ["agent.yaml:4: probes.x.name: 'a..b' is not a domain name"],
    ),
    "a broker on what must not be touched": (
        HEAD + "devices:\n  cipher: {address: 192.0.2.10, touch: false}\n",
        ["agent.yaml:2: brokers[0].host: the address of device cipher, which has touch: false"],
    ),
    "a web page of what must not be touched": (
        HEAD
        + "devices:\n  cipher: {address: 192.0.2.3, touch: false}\n"
        + "probes:\n  x: {type: http, target: 'http://192.0.2.3:8080/'}\n  y: {type: path, target: '::ffff:192.0.2.3'}\n",
        [
            "agent.yaml:6: probes.x.target: the address of device cipher, which has touch: false",
            "agent.yaml:7: probes.y.target: the address of device cipher, which has touch: false",
        ],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_of_a_probe_is_told(tmp_path: Path, mistake: str) -> None:
    """The exact messages, all of them at once, and never a secret."""
    text, expected = MISTAKES[mistake]
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems] == expected
    assert not any("hidden" in line for line in expected)


def test_settings_of_every_type_of_probe_come_back_from_their_dump(tmp_path: Path) -> None:
    """The type and the name of a mark are written, so that the dump reads as the same."""
    text = HEAD + (
        "probes:\n  a: {target: gw.example, dscp: EF}\n  b: {type: tcp, target: gw.example, port: 22, dscp: 47}\n"
        "  c: {type: mqtt}\n  d: {type: http, target: 'http://gw.example/', status: [200, 401]}\n"
    )
    config = load(tmp_path, text)
    assert [probe.type for probe in config.probes.values()] == ["icmp", "tcp", "mqtt", "http"]
    dumped = dump(config)
    assert "dscp: ef\n" in dumped
    assert "dscp: 47\n" in dumped
    assert load(tmp_path, dumped) == config
