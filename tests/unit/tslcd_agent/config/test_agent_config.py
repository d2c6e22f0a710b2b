"""The agent's settings: every mistake with its exact message, and the shipped example against the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tslcd_agent import config as agent_config
from tslcd_agent.config import AgentConfig, Device, IcmpProbe, Interfaces, Uplink, load_config, normal_address
from tslcd_agent.config.probes import TYPES
from tslcd_runtime.settings import Loaded, SettingsError

EXAMPLE = Path(__file__).parents[4] / "configs" / "agent.yaml"
HEAD = 'agent: {id: 86-29551-1, province: "86"}\nbrokers: [{host: 192.0.2.10}]\n'


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder for settings, with secrets as files and as systemd credentials."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name in ("firewall-auth", "firewall-priv", "terminal-community"):
        (credentials / name).write_text(f"example-of-{name}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    (tmp_path / "community").write_text("hidden-word\n")
    (tmp_path / "password").write_text("hidden-password\n")
    (tmp_path / "short").write_text("seven77\n")
    return tmp_path


def load(directory: Path, text: str) -> Loaded[AgentConfig]:
    """Load settings from text."""
    file = directory / "agent.yaml"
    file.write_text(text)
    return load_config(file)


def problems(directory: Path, text: str) -> list[str]:
    """Load settings that are wrong; return the problems without the folder."""
    with pytest.raises(SettingsError) as caught:
        load(directory, text)
    return [str(problem).removeprefix(f"{directory}/") for problem in caught.value.problems]


MISTAKES: dict[str, tuple[str, list[str]]] = {
    "nothing at all": ("", ["agent.yaml:1: agent: missing", "agent.yaml:1: brokers: missing"]),
    "no broker": (
        'agent: {id: a, province: "86"}\nbrokers: []\n',
        ["agent.yaml:2: brokers: at least 1 wanted, 0 given"],
    ),
    "uplinks": (
        HEAD.replace(
            "}]", ", source: eth0}, {host: b.example, name: Fibre, transport: carrier, path: mqtt, interface: ''}]"
        ),
        [
            "agent.yaml:2: brokers[0]: source: expected an IP address of this machine, got 'eth0'",
            "agent.yaml:2: brokers[1].interface: '' is not allowed: text of 1 to 15 characters is wanted here",
            r"agent.yaml:2: brokers[1].name: 'Fibre' is not allowed: text that matches ^[a-z0-9-]{1,48}\Z is wanted here",
            "agent.yaml:2: brokers[1].path: 'mqtt' is not allowed: text that matches ^/[!-~]*$ of 0 to 255 characters is wanted here",
            "agent.yaml:2: brokers[1].transport: 'carrier' is not allowed: allowed are tcp, websocket",
        ],
    ),
    "uplinks that do not agree": (
        HEAD.replace("}]", ", name: fibre}, {host: b.example, name: fibre, monthly_budget: 0B}]"),
        [
            "agent.yaml:2: brokers[1].monthly_budget: must be more than nothing",
            "agent.yaml:2: brokers[1].name: 'fibre' is the name of another uplink",
        ],
    ),
    "unknown key": (
        HEAD + "pol: {}\n",
        [
            "agent.yaml:3: pol: unknown key: did you mean poll? allowed are agent, language, log, brokers, spool, courier, poll, heartbeat, devices, probes, traps, links, profiles"
        ],
    ),
    "province as a number": (
        "agent: {id: a, province: 86}\nbrokers: [{host: 192.0.2.10}]\n",
        ["agent.yaml:1: agent.province: 86 is not text in YAML: put it in quotes"],
    ),
    "id with capitals": (
        'agent: {id: Site1, province: "86"}\nbrokers: [{host: 192.0.2.10}]\n',
        [
            "agent.yaml:1: agent.id: 'Site1' is not allowed: text that matches ^[a-z0-9-]{1,48}\\Z is wanted here",
        ],
    ),
    "wrong unit": (
        HEAD + "poll:\n  interval: 30Mbps\n",
        [
            "agent.yaml:4: poll.interval: '30Mbps' is not a duration: write a number and one of ms, s, min, h, d, for example 30s"
        ],
    ),
    "tab": (HEAD + "poll:\n\tinterval: 30s\n", ["agent.yaml:4: a tab in the indentation: YAML allows spaces only"]),
    "too fast": (
        HEAD + "poll: {interval: 500ms, budget: 400ms}\nheartbeat: {interval: 0s}\n",
        [
            "agent.yaml:3: poll.interval: shorter than 1s",
            "agent.yaml:4: heartbeat.interval: shorter than 1s",
        ],
    ),
    "budget above interval": (
        HEAD + "poll: {interval: 10s}\n",
        ["agent.yaml:3: poll.budget: longer than poll.interval, 10s"],
    ),
    "nothing as a bound": (
        HEAD + "spool: {max_size: 0B}\ncourier:\n  history_rate: 0bps\n  ack_timeout: 0s\n",
        [
            "agent.yaml:3: spool.max_size: must be more than nothing",
            "agent.yaml:5: courier.history_rate: must be more than nothing",
            "agent.yaml:6: courier.ack_timeout: must be more than nothing",
        ],
    ),
    "reconnect bounds crossed": (
        HEAD + "courier:\n  reconnect_min: 1min\n",
        ["agent.yaml:4: courier.reconnect_min: longer than courier.reconnect_max"],
    ),
    "secret in the file": (
        HEAD + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp: {version: "2c", community: hidden-word}\n',
        [
            "agent.yaml:6: devices.fw.snmp.community: a secret is not written here: give {file: PATH} or {credential: NAME}"
        ],
    ),
    "secret's file missing": (
        HEAD + "devices:\n  fw:\n    address: 192.0.2.1\n    snmp: {community: {credential: nowhere}}\n",
        ["agent.yaml:6: devices.fw.snmp.community: credential nowhere: no such file or directory"],
    ),
    "2c without community": (
        HEAD + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp: {version: "2c"}\n',
        ["agent.yaml:6: devices.fw.snmp.community: missing: version 2c needs community"],
    ),
    "1 without community": (
        HEAD + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp: {version: "1", context: a}\n',
        [
            "agent.yaml:6: devices.fw.snmp.community: missing: version 1 needs community",
            "agent.yaml:6: devices.fw.snmp.context: does not belong to version 1",
        ],
    ),
    "3 without user": (
        HEAD + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp: {version: "3"}\n',
        ["agent.yaml:6: devices.fw.snmp.user: missing: version 3 needs user"],
    ),
    "encryption without authentication": (
        HEAD
        + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp:\n      version: "3"\n      user: tslcd\n'
        + "      priv: {password: {file: password}}\n",
        ["agent.yaml:9: devices.fw.snmp.priv: needs auth: SNMPv3 encrypts only what it authenticates (RFC 3414)"],
    ),
    "a key extension for keys that are long enough": (
        HEAD
        + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp:\n      version: "3"\n      user: tslcd\n'
        + "      auth: {password: {file: password}}\n"
        + "      priv: {protocol: AES, extension: reeder, password: {file: password}}\n",
        ["agent.yaml:10: devices.fw.snmp.priv.extension: reeder is for AES-192 and AES-256 only, not for AES"],
    ),
    "a context for an engine that has none": (
        HEAD
        + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp:\n      version: "3"\n      user: tslcd\n'
        + "      context: vdom-1\n      engine: gufo\n",
        ["agent.yaml:9: devices.fw.snmp.context: gufo-snmp knows no contexts: engine must be auto or pysnmp"],
    ),
    "a version and an engine that there are not": (
        HEAD
        + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp: {version: "2", engine: net-snmp, community: {file: community}}\n',
        [
            "agent.yaml:6: devices.fw.snmp.engine: 'net-snmp' is not allowed: allowed are auto, gufo, pysnmp",
            "agent.yaml:6: devices.fw.snmp.version: '2' is not allowed: allowed are 1, 2c, 3",
        ],
    ),
    "3 with a community": (
        HEAD
        + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp:\n      version: "3"\n      user: tslcd\n'
        + "      auth: {password: {file: password}}\n      community: {file: community}\n",
        ["agent.yaml:10: devices.fw.snmp.community: does not belong to version 3"],
    ),
    "short passwords": (
        HEAD
        + 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp:\n      version: "3"\n      user: tslcd\n'
        + "      auth: {password: {file: short}}\n      priv: {password: {file: short}}\n",
        [
            "agent.yaml:9: devices.fw.snmp.auth.password: shorter than 8 characters (RFC 3414)",
            "agent.yaml:10: devices.fw.snmp.priv.password: shorter than 8 characters (RFC 3414)",
        ],
    ),
    "no snmp": (
        HEAD + "devices:\n  fw: {address: 192.0.2.1}\n",
        ["agent.yaml:4: devices.fw: snmp: missing (or touch: false, and the device is never asked)"],
    ),
    "a name for an address": (
        HEAD + "devices:\n  fw: {address: fw.example, touch: false}\n  gw: {address: fe80::1%eth0, touch: false}\n",
        [
            "agent.yaml:4: devices.fw.address: 'fw.example' is not an IP address",
            "agent.yaml:5: devices.gw.address: 'fe80::1%eth0' is not an IP address",
        ],
    ),
    "the same device twice": (
        HEAD
        + "devices:\n  a: {address: 192.0.2.1, snmp: {community: {file: community}}}\n"
        + '  b: {address: "::ffff:192.0.2.1", snmp: {community: {file: community}}}\n',
        ["agent.yaml:5: devices.b.address: the same address and port as device a"],
    ),
    "polling what must not be touched": (
        HEAD
        + "devices:\n  cipher: {address: 192.0.2.3, touch: false}\n"
        + '  b: {address: "::ffff:192.0.2.3", port: 1161, snmp: {community: {file: community}}}\n',
        ["agent.yaml:5: devices.b.address: the address of device cipher, which has touch: false"],
    ),
    "probing what must not be touched": (
        HEAD
        + 'devices:\n  cipher: {address: "2001:db8::3", touch: false}\n  other: {address: nonsense, touch: false}\n'
        + 'probes:\n  x:\n    target: "2001:DB8:0::3"\n',
        [
            "agent.yaml:5: devices.other.address: 'nonsense' is not an IP address",
            "agent.yaml:8: probes.x.target: the address of device cipher, which has touch: false",
        ],
    ),
    "a round longer than its interval": (
        HEAD + "probes:\n  x: {target: gw.example, count: 100, spacing: 1s, interval: 30s}\n",
        ["agent.yaml:4: probes.x: a round may last 100s, longer than its interval, 30s"],
    ),
    "wrong source and timeout": (
        HEAD + "probes:\n  x:\n    target: gw.example\n    source: eth0\n    timeout: 0s\n",
        [
            "agent.yaml:6: probes.x.source: 'eth0' is not an IP address",
            "agent.yaml:7: probes.x.timeout: must be more than nothing",
        ],
    ),
    "packets too small or too large": (
        HEAD + "probes:\n  x: {target: gw.example, size: 28}\n",
        ["agent.yaml:4: probes.x.size: '28' is not allowed: a whole number from 64 to 1500 is wanted here"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_told_with_file_line_key_and_what_is_allowed(directory: Path, mistake: str) -> None:
    """The exact messages, all of them at once, and never a secret."""
    text, expected = MISTAKES[mistake]
    assert problems(directory, text) == expected
    assert not any("hidden" in line or "seven77" in line for line in expected)


def assert_defaults(given: msgspec.Struct, where: str, *, required: frozenset[str]) -> None:
    """Prove that every field of a struct but the required ones is at its default, and that no required one has one."""
    for item in msgspec.structs.fields(given):
        default = item.default if item.default is not msgspec.NODEFAULT else item.default_factory
        if item.name in required:
            continue
        assert default is not msgspec.NODEFAULT, f"{where}.{item.name} has no default and is not an example"
        value = default() if callable(default) else default
        assert getattr(given, item.name) == value, f"{where}.{item.name}"


def assert_every_key_shown(loaded: Loaded[AgentConfig], given: msgspec.Struct, path: tuple[str | int, ...]) -> None:
    """Prove that the file shows every key of a struct."""
    for item in msgspec.structs.fields(given):
        assert (*path, item.encode_name) in loaded.lines, f"{path} {item.name} is not in the example"


@pytest.mark.usefixtures("directory")
def test_the_shipped_example_shows_every_key_at_its_default() -> None:
    """What the example says is what happens when nothing is said; examples stand only where there is no default."""
    loaded = load_config(EXAMPLE)
    config = loaded.value
    assert_every_key_shown(loaded, config, ())
    assert_defaults(config, "", required=frozenset({"agent", "brokers", "devices", "probes"}))
    for part in ("log", "spool", "courier", "poll", "heartbeat"):
        assert_every_key_shown(loaded, getattr(config, part), (part,))
    assert_every_key_shown(loaded, config.brokers[0], ("brokers", 0))
    assert_defaults(config.brokers[0], "brokers", required=frozenset({"host"}))
    firewall, terminal = config.devices["firewall"], config.devices["terminal"]
    assert_every_key_shown(loaded, firewall, ("devices", "firewall"))
    assert_every_key_shown(loaded, firewall.interfaces, ("devices", "firewall", "interfaces"))
    assert_defaults(firewall, "devices.firewall", required=frozenset({"address", "snmp"}))
    for device in (firewall, terminal):
        assert device.snmp is not None
    assert firewall.snmp is not None
    assert firewall.snmp.auth is not None
    assert firewall.snmp.priv is not None
    assert_defaults(firewall.snmp.auth, "auth", required=frozenset({"password"}))
    assert_defaults(firewall.snmp.priv, "priv", required=frozenset({"password"}))
    assert [probe.type for probe in config.probes.values()] == list(TYPES)
    for name, probe in config.probes.items():
        assert_every_key_shown(loaded, probe, ("probes", name))
        needed = {item.name for item in msgspec.structs.fields(probe) if item.required}
        assert_defaults(probe, f"probes.{name}", required=frozenset(needed))


@pytest.mark.usefixtures("directory")
def test_a_device_that_must_not_be_touched_is_not_among_the_polled() -> None:
    """No PolledDevice is ever made of it, and its address is among the forbidden."""
    config = load_config(EXAMPLE).value
    assert [device.id for device in config.polled()] == ["firewall", "terminal"]
    assert config.untouchable() == {"192.0.2.3"}


def test_a_device_left_untouched_needs_no_credentials_but_may_have_them(directory: Path) -> None:
    """Turning touch off is enough; the rest of its settings may stay."""
    text = (
        HEAD
        + "devices:\n  cipher: {address: 192.0.2.3, touch: false, snmp: {community: {file: community}}, interval: 10s}\n"
    )
    config = load(directory, text).value
    assert config.polled() == ()
    assert config.untouchable() == {"192.0.2.3"}


def test_defaults_reach_the_polled_device_and_its_own_interval_bounds_its_budget(directory: Path) -> None:
    """A device with an interval of 5 s has no 20 s for a round."""
    text = (
        HEAD
        + "devices:\n  fast: {address: 192.0.2.1, interval: 5s, snmp: {community: {file: community}}}\n"
        + '  slow: {address: "2001:db8:0::1", snmp: {community: {file: community}}}\n'
    )
    fast, slow = load(directory, text).value.polled()
    assert (fast.interval, fast.budget, fast.timeout, fast.retries, fast.port) == (5, 5, 1, 1, 161)
    assert (slow.interval, slow.budget, slow.address) == (30, 20, "2001:db8::1")


def test_no_way_of_showing_the_settings_shows_a_secret(directory: Path) -> None:
    """Neither repr nor the dump has the community in it."""
    from tslcd_runtime.describe import dump  # noqa: PLC0415 - only this test dumps

    text = HEAD + "devices:\n  fw: {address: 192.0.2.1, snmp: {community: {file: community}}}\n"
    config = load(directory, text).value
    assert "hidden-word" not in repr(config) + str(config) + dump(config)
    assert load(directory, dump(config)).value == config


def test_the_defaults_satisfy_their_own_checks() -> None:
    """Settings with nothing but what is required have no problem."""
    least = AgentConfig(
        agent=agent_config.Identity(id="a", province="86"),
        brokers=(Uplink(),),
        devices={"cipher": Device(address="192.0.2.3", touch=False, interfaces=Interfaces())},
        probes={"gw": IcmpProbe(target="gw.example")},
    )
    assert list(agent_config.cross_check(Loaded(least, "agent.yaml", {}))) == []


@pytest.mark.parametrize(
    ("text", "normal"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8::0:1", "2001:db8::1")],
)
def test_an_address_has_one_spelling(text: str, normal: str) -> None:
    """So that another spelling is no way around what must not be touched."""
    assert normal_address(text) == normal


@pytest.mark.parametrize("text", ["gw.example", "", "192.0.2.1/24", "fe80::1%eth0", "192.0.2.256"])
def test_what_is_no_address_is_refused(text: Any) -> None:
    """Names, networks and zones are no addresses."""
    with pytest.raises(ValueError, match=r".+"):
        normal_address(text)
