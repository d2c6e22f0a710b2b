"""The devices of the demo: two real Net-SNMP daemons in namespaces, and recordings of real routers and firewalls.

A device is told by what its agent needs (where, and which secret) and by the part that plays it. Which recording plays
which device of ``configs/inventory`` stands in :data:`PLAYED_BY`; the channels there are bound to interfaces that the
recordings have.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from province import network, recordings
from province.parts import DemoError, Part

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tslcd_collector.inventory import DeviceKey

#: The devices that are real daemons when the demo is root, and synthetic recordings otherwise.
FIREWALL: Final = ("86-29551-1", "fw")
ROUTER: Final = ("86-29557-1", "rt")
V3_USER: Final = "tslcd"
_V3_AUTH: Final = "demo-authentication"
_V3_PRIV: Final = "demo-privacy-key"
_V3_ENGINE: Final = "0x80001f8804deadbeef01"

#: Recordings of snmpsim-data by device of the inventory.
PLAYED_BY: Final[dict[DeviceKey, str]] = {
    ("86-29566-1", "fw"): "network/firewall/fortinet-xcu",
    ("86-29566-1", "rt"): "network/router/cisco-unmarked-0",
    ("86-29584-1", "fw"): "network/firewall/sangfor-ad1800-fp2",
    ("86-29590-1", "fw"): "network/firewall/paloalto-pa-5000",
    ("86-29593-1", "rt"): "network/router/huawei-s5720",
    ("86-29602-1", "rt"): "network/router/vyatta-unknown",
    ("86-29611-1", "fw"): "network/firewall/netentsec-ngfw",
}
#: What stands at a site and carries no channel, so that the inventory need not name it.
BESIDES: Final[dict[DeviceKey, str]] = {("86-29566-1", "ups"): "UPS/eaton-93e-80"}


@dataclass(frozen=True)
class Source:
    """Where an agent finds a device, and the text of its ``snmp:`` block in ``agent.yaml``."""

    address: str
    port: int
    snmp: str


class Devices:
    """All devices of the demo. ``real``: in namespaces, which needs root."""

    def __init__(self, work: Path, keys: Iterable[DeviceKey], port: int, *, real: bool) -> None:
        """Write every recording and configuration below ``work``; nothing runs yet. Raises DemoError."""
        self.work = work
        self.real = real
        self.port = port
        self.sources: dict[DeviceKey, Source] = {}
        self.parts: dict[DeviceKey, Part] = {}
        self.shared: Part | None = None
        endpoints = []
        data = work / "recordings"
        for number, key in enumerate(sorted({*keys, *BESIDES}), 1):
            if key in {FIREWALL, ROUTER}:
                self._lead(key, number)
                continue
            recording = PLAYED_BY.get(key) or BESIDES.get(key)
            if recording is None:
                raise DemoError(f"device {key[1]} of {key[0]}: no recording is named for it")
            community = f"{key[0]}-{key[1]}"
            recordings.write(data, community, recordings.recorded(recording))
            address = f"127.0.1.{number}"
            endpoints.append((address, port))
            self.sources[key] = Source(address, port, self._v2c(community))
        if endpoints:
            command = recordings.responder(data, work / "recordings-index", endpoints)
            self.shared = Part("simulated devices", command, work / "simulated-devices.log")

    def _v2c(self, community: str) -> str:
        file = self.work / f"community-{community}"
        file.write_text(community + "\n")
        file.chmod(0o600)
        return f"{{version: 2c, community: {{file: {file}}}}}"

    def _lead(self, key: DeviceKey, number: int) -> None:
        """Prepare one of the two devices that the check plays with."""
        if not self.real:
            community = f"{key[0]}-{key[1]}"
            data = self.work / f"recording-{key[1]}"
            recordings.write(data, community, recordings.synthetic(key[1], ("wan1", "wan2", "lan")))
            address = f"127.0.1.{number}"
            self.sources[key] = Source(address, self.port, self._v2c(community))
            command = recordings.responder(data, self.work / f"recording-{key[1]}-index", [(address, self.port)])
        elif key == FIREWALL:
            self.sources[key] = Source(network.FIREWALL.address, 161, self._v2c("demo-community"))
            command = self._snmpd(key, network.FIREWALL, "rocommunity demo-community\n")
        else:
            auth, priv = self.work / "v3-auth", self.work / "v3-priv"
            for file, text in ((auth, _V3_AUTH), (priv, _V3_PRIV)):
                file.write_text(text + "\n")
                file.chmod(0o600)
            snmp = (
                f"{{version: '3', user: {V3_USER}, auth: {{protocol: SHA, password: {{file: {auth}}}}}, "
                f"priv: {{protocol: AES, password: {{file: {priv}}}}}}}"
            )
            self.sources[key] = Source(network.ROUTER.address, 161, snmp)
            user = f"createUser -e {_V3_ENGINE} {V3_USER} SHA {_V3_AUTH} AES {_V3_PRIV}\nrouser {V3_USER} priv\n"
            command = self._snmpd(key, network.ROUTER, f"exactEngineID {_V3_ENGINE}\n{user}")
        self.parts[key] = Part(f"device {key[1]} of {key[0]}", command, self.work / f"device-{key[1]}.log")

    def _snmpd(self, key: DeviceKey, device: network.Device, lines: str) -> list[str]:
        """Write an snmpd.conf and return the command that runs it inside the device's namespace."""
        program = shutil.which("snmpd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if program is None:
            raise DemoError("snmpd is not installed")
        folder = self.work / f"snmpd-{key[1]}"
        folder.mkdir(mode=0o700)
        configuration = folder / "snmpd.conf"
        configuration.write_text(f"{lines}sysName {key[0]}-{key[1]}\nsysDescr Net-SNMP daemon of the demo\n")
        daemon = [
            program,
            "-f",
            "-C",
            "-c",
            str(configuration),
            "-Lo",
            "-p",
            str(folder / "pid"),
            "-M",
            "",
            f"udp:{device.address}:161",
        ]
        return ["ip", "netns", "exec", device.namespace, "env", f"SNMP_PERSISTENT_DIR={folder / 'persistent'}", *daemon]

    def start(self) -> None:
        """Start every device."""
        if self.real:
            network.build()
        for part in self.all_parts():
            part.start()

    def all_parts(self) -> list[Part]:
        """Return the parts that play devices."""
        return [*self.parts.values(), *([self.shared] if self.shared else [])]

    def stop(self) -> None:
        """Stop every device and remove the namespaces."""
        for part in self.all_parts():
            part.stop(2)
        if self.real:
            network.remove()

    def targets(self, agent: str) -> dict[str, str]:
        """Return what each probe of an agent asks: gateways behind WAN ports where they are real, else this machine.

        ``gateway`` is behind the first way out, ``gateway-2`` and ``core`` behind the second, where there is one.
        """
        if self.real and agent in {FIREWALL[0], ROUTER[0]}:
            wans = (network.FIREWALL if agent == FIREWALL[0] else network.ROUTER).wans
            return {"gateway": wans[0].gateway, "gateway-2": wans[-1].gateway, "core": wans[-1].gateway}
        return {"gateway": "127.0.2.1", "gateway-2": "127.0.2.2", "core": "127.0.2.3"}

    def cut_wan1(self) -> None:
        """Take the firewall's first WAN port down."""
        if self.real:
            network.cut_wan(network.FIREWALL, "wan1")
        else:
            self._set_oper_status(2)

    def mend_wan1(self) -> None:
        """Bring the firewall's first WAN port up again."""
        if self.real:
            network.mend_wan(network.FIREWALL, "wan1")
        else:
            self._set_oper_status(1)

    def _set_oper_status(self, status: int) -> None:
        source = self.sources[FIREWALL]
        recordings.set_oper_status(source.address, source.port, f"{FIREWALL[0]}-{FIREWALL[1]}", index=1, status=status)

    def stop_router(self) -> None:
        """Take the router's power: no SNMP, and with a real one no ping and no way to the gateway either."""
        self.parts[ROUTER].kill()
        if self.real:
            network.unplug(network.ROUTER)

    def start_router(self) -> None:
        """Give the router its power back."""
        if self.real:
            network.plug_in(network.ROUTER)
        self.parts[ROUTER].start()
