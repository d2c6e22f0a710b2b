"""Nothing is ever sent to a device with ``touch: false``: counted on its own cable, for everything that can send."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from support import snmp_message as snmp
from support.capture import ICMP, SEARCH, TCP, UDP, Capture, capturing
from support.namespace import Namespace, join
from support.processes import Program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OPEN: Final = "198.51.100.2"
CIPHER: Final = "198.51.100.3"
CIPHER6: Final = "2001:db8:1::3"
OPEN6: Final = "2001:db8:1::2"
#: Every way to write or to hide the address.
DISGUISES: Final = (
    CIPHER,
    f"::ffff:{CIPHER}",
    "198.51.25603",
    "cipher.example",
    CIPHER6,
    "2001:DB8:1:0::3",
    "cipher6.example",
)
HOSTS: Final = f"127.0.0.1 localhost\n{OPEN} open.example\n{CIPHER} cipher.example\n{CIPHER6} cipher6.example\n"
#: A web server on the allowed address whose every answer leads to the forbidden one.
REDIRECTING: Final = f"""
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://cipher.example:8080/")
        self.end_headers()
http.server.HTTPServer(("{OPEN}", 8080), Handler).serve_forever()
"""  # fmt: skip
#: Runs command lines of the agent (JSON on standard input), each in a fork: its modules are read once. The last line of its
#: output are the exit codes.
FORKING: Final = """
import importlib, json, os, sys
from tslcd_agent.cli import COMMANDS, main
for name in COMMANDS.values():
    importlib.import_module(f"tslcd_agent.commands.{name}")
codes = []
for words in json.load(sys.stdin):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        main(words)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(*codes)
"""
PROBES: Final = """
  {name}-icmp: {{target: {target}, count: 1, interval: 1s, timeout: 500ms, dscp: ef}}
  {name}-tcp: {{type: tcp, target: {target}, port: 22, interval: 1s, timeout: 1s}}
  {name}-tls: {{type: tls, target: {target}, interval: 1s, timeout: 1s, verify: false}}
  {name}-dns: {{type: dns, target: {target}, name: portal.example, interval: 1s, timeout: 1s}}
  {name}-http: {{type: http, target: "http://{target}:8080/", redirects: 3, interval: 1s, timeout: 1s}}
  {name}-path: {{type: path, target: {target}, interval: 1s, timeout: 1s}}
"""
SETTINGS: Final = f"""
agent: {{id: a-1, province: "86"}}
log: {{format: logfmt}}
spool: {{directory: spool}}
brokers: [{{host: cipher.example}}, {{host: open.example}}]
poll: {{interval: 1s, budget: 1s, timeout: 300ms}}
heartbeat: {{interval: 1s}}
devices:
  open: {{address: {OPEN}, snmp: {{community: {{file: word}}}}, watch: {{interfaces: ["*"], interval: 1s}}}}
  cipher: {{address: {CIPHER}, touch: false, snmp: {{community: {{file: word}}}}, watch: {{interfaces: ["*"], interval: 1s}}}}
  cipher6: {{address: "{CIPHER6}", touch: false, snmp: {{community: {{file: word}}}}}}
probes:
  own: {{type: mqtt, interval: 1s, timeout: 1s}}
"""


class Site:
    """The agent's box, and a cable on which the devices are."""

    def __init__(self, box: Namespace, wire: Namespace, directory: Path) -> None:
        """Write the settings."""
        self.box = box
        self.wire = wire
        self.directory = directory
        (directory / "word").write_text("public\n")
        probes = "".join(
            PROBES.format(name=f"p{number}", target=name)
            for number, name in enumerate(("cipher.example", "cipher6.example", "open.example"))
        )
        self.settings = directory / "agent.yaml"
        self.settings.write_text(
            SETTINGS.replace("host: cipher.example}, {host: ", "host: ").replace(
                "directory: spool", f"directory: {directory}/spool"
            )
            + probes.replace("\n\n", "\n")
        )

    def command(self, *words: str) -> list[str]:
        """Return a command line of the agent inside the box."""
        return [*self.box.prefix, sys.executable, "-m", "tslcd_agent", *words, "--config", str(self.settings)]

    def call(self, *words: str) -> int:
        """Run a command to its end; return its exit code."""
        (code,) = self.call_all([words])
        return code

    def call_all(self, commands: Sequence[Sequence[str]]) -> list[int]:
        """Run commands one after another, each in a process of its own; return their exit codes."""
        lines = json.dumps([[*words, "--config", str(self.settings)] for words in commands])
        done = subprocess.run(
            [*self.box.prefix, sys.executable, "-c", FORKING],
            cwd=self.directory,
            input=lines.encode(),
            capture_output=True,
            timeout=100,
            check=True,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return [int(code) for code in done.stdout.splitlines()[-1].split()]

    def change(self, old: str, new: str) -> None:
        """Write the settings with something else in them."""
        text = self.settings.read_text()
        assert old in text
        self.settings.write_text(text.replace(old, new))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Site, Capture]]:
    """Join the box to a cable with an allowed device and two forbidden ones, and count on it."""
    with contextlib.ExitStack() as stack:
        box = stack.enter_context(Namespace("box").existing())
        wire = stack.enter_context(Namespace("wire").existing())
        names = Path("/etc/netns") / box.name  # ip-netns(8): these files stand for those in /etc
        names.mkdir(parents=True)
        stack.callback(shutil.rmtree, names)
        (names / "hosts").write_text(HOSTS)
        (names / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        join(box, wire, "lan", "198.51.100.1/24", f"{OPEN}/24")
        wire.ip("address", "add", f"{CIPHER}/24", "dev", "lan")
        for namespace, addresses in ((box, ("2001:db8:1::1",)), (wire, (OPEN6, CIPHER6))):
            for address in addresses:
                namespace.ip("address", "add", f"{address}/64", "dev", "lan", "nodad")
        capture = stack.enter_context(capturing(wire, "lan", tmp_path / "capture.log"))
        server = Program([*wire.prefix, sys.executable, "-c", REDIRECTING], tmp_path / "web.log")
        server.start()
        stack.callback(server.stop)
        yield Site(box, wire, tmp_path), capture


#: As traps come: an inform of version 2c, which wants an answer.
INFORM: Final = snmp.message(
    snmp.V2C,
    b"public",
    snmp.pdu(
        snmp.INFORM,
        7,
        [
            snmp.binding(snmp.oid("1.3.6.1.2.1.1.3.0"), snmp.number(1000, snmp.TIME_TICKS)),
            snmp.binding(snmp.oid("1.3.6.1.6.3.1.1.4.1.0"), snmp.oid("1.3.6.1.6.3.1.1.5.1")),
        ],
    ),
)
#: Sends it from an address, and says whether an answer came.
INFORMING: Final = """
import socket, sys
made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
made.bind((sys.argv[1], 0))
made.settimeout(1)
made.sendto(bytes.fromhex(sys.argv[2]), ("198.51.100.1", 1162))
try:
    made.recv(4096)
    print("answered")
except TimeoutError:
    print("silence")
"""


def untouched(capture: Capture) -> bool:
    """Whether no frame went to, or looked for, a forbidden address."""
    return capture.frames(CIPHER) == capture.frames(CIPHER6) == 0


def test_not_one_packet_goes_to_what_must_not_be_touched(site: tuple[Site, Capture]) -> None:
    """Pollers, probes of every type, redirects, check and every command, by name and in every disguise: no frame.

    The same producers reach the device beside it, and a single echo from the box is seen: the count can count.
    """
    here, capture = site
    agent = Program(here.command("run"), here.directory / "agent.log")
    denied = [f"probe=p{number}-{kind} " for number in (0, 1) for kind in ("icmp", "tcp", "tls", "dns", "http", "path")]

    def told() -> bool:
        lines = [line for line in agent.output().splitlines() if "outcome=denied" in line]
        return all(any(probe in f"{line} " for line in lines) for probe in [*denied, "probe=p2-http "])

    agent.start()
    try:
        wait_until(told, 30, "every probe denied")
        for protocol in (ICMP, TCP, UDP):
            wait_until(lambda: capture.frames(OPEN, protocol) > 2, 20, f"protocol {protocol} to the device beside")  # noqa: B023 - called here
    finally:
        agent.stop()
    assert "Traceback" not in agent.output()
    assert untouched(capture), "pollers and probes"

    assert here.call("check") == 1
    assert untouched(capture), "check"

    for target in DISGUISES:
        ways = (
            (target, "--type", "icmp", "--count", "2"),
            (target, "--type", "tcp", "--port", "22"),
            (target, "--type", "tls", "--no-verify"),
            (target, "--type", "dns", "--name", "portal.example"),
            (target, "--type", "dns", "--name", "portal.example", "--transport", "tcp"),
            (f"http://[{target}]:8080/" if ":" in target else f"http://{target}:8080/",),
            (target, "--type", "path"),
        )
        assert here.call_all([("probe", *words) for words in ways]) == [1] * len(ways), target
        assert untouched(capture), target
    assert here.call("probe", "http://open.example:8080/", "--redirects", "3") == 1
    assert untouched(capture), "redirect"
    groups = ("224.0.0.1", "ff02::1", "255.255.255.255")  # would reach it as well
    assert here.call_all([("probe", group) for group in groups]) == [1] * len(groups)

    assert here.call("probe", "open.example") == 0
    here.settings.write_text(here.settings.read_text().replace("touch: false", "touch: true"))
    assert here.call("probe", CIPHER, "--count", "1") == 0
    assert capture.frames(CIPHER, ICMP) == 1
    assert capture.frames(CIPHER, SEARCH) >= 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("walk", ("--community", "public")),
        ("walk", ("--like", "open")),
        ("profile test", ("--community", "public")),
        ("profile test", ("--like", "open")),
        ("explain", ("--community", "public")),
        ("explain", ("--like", "open")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_commands_about_one_device_ask_no_untouchable_one(
    site: tuple[Site, Capture], command: str, words: tuple[str, ...]
) -> None:
    """By its name in the settings, its address in every disguise, or a name of the system: refused, and not one frame.

    The device beside it is asked by the same command.
    """
    here, capture = site
    targets = ("cipher", "cipher6", *DISGUISES, f"64:ff9b::{CIPHER}", "2002:c633:6403::1", "224.0.0.1")
    codes = here.call_all([(*command.split(), target, *words) for target in targets])
    assert dict(zip(targets, codes, strict=True)) == dict.fromkeys(targets, 2)
    assert untouched(capture)
    here.call(*command.split(), OPEN, *words)
    assert capture.frames(OPEN, UDP) > 0


def test_the_live_view_asks_no_untouchable_device(site: tuple[Site, Capture]) -> None:
    """Devices and probes of the settings, for two rounds."""
    here, capture = site
    assert here.call("top", "--json", "--interval", "1", "--rounds", "2") == 1
    assert untouched(capture)
    assert capture.frames(OPEN, UDP) > 0


@pytest.mark.parametrize("name", ["cipher.example", "cipher6.example"])
def test_a_broker_by_a_name_of_an_untouchable_address_is_not_connected_to(
    site: tuple[Site, Capture], name: str
) -> None:
    """Settings cannot know where a name leads: the courier and every command look at the address before they connect."""
    here, capture = site
    here.change("brokers: [{host: open.example}]", f"brokers: [{{host: {name}}}, {{host: open.example}}]")
    agent = Program(here.command("run"), here.directory / "agent.log")
    agent.start()
    try:
        wait_until(lambda: "nothing may be sent to that address" in agent.output(), 20, "the broker refused")
        wait_until(lambda: capture.frames(OPEN, TCP) > 2, 20, "the broker beside it tried")
    finally:
        agent.stop()
    assert untouched(capture), "courier"
    assert here.call("check") == 1
    assert untouched(capture), "check"
    assert here.call("probe", "--type", "mqtt") == 1
    assert untouched(capture), "probe"


def test_an_inform_of_an_untouchable_device_is_not_answered(site: tuple[Site, Capture]) -> None:
    """Whatever credentials it has; that of a polled device is."""
    here, capture = site
    here.settings.write_text(here.settings.read_text() + "\ntraps: {port: 1162}\n")
    link = subprocess.run(
        [*here.box.prefix, "ip", "-j", "link", "show", "lan"], capture_output=True, check=True, timeout=10
    )
    # the kernel of the box would answer a search for its own address, and that is no packet of the agent's
    here.wire.ip("neigh", "replace", "198.51.100.1", "lladdr", json.loads(link.stdout)[0]["address"], "dev", "lan")
    agent = Program(here.command("run"), here.directory / "agent.log")
    agent.start()
    try:
        wait_until(lambda: "listening for traps" in agent.output(), 20, "the listener")
        for source, said in ((CIPHER, "silence"), (OPEN, "answered")):
            words = [*here.wire.prefix, sys.executable, "-c", INFORMING, source, INFORM.hex()]
            done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
            assert done.stdout.strip() == said
        assert f"source={CIPHER}" in agent.output()
    finally:
        agent.stop()
    assert untouched(capture)
