"""Which router and which switch has which profile, and what is told in sentences instead of numbers."""

from __future__ import annotations

import pytest

from support.profiled import LIBRARY, cells, column, rows

SYS_DESCR = "1.3.6.1.2.1.1.1.0"


@pytest.mark.parametrize(
    ("profile", "descr", "model", "version"),
    [
        (
            "cisco-nxos",
            "Cisco NX-OS(tm) n5000, Software (n5000-uk9), Version 6.0(2)N2(3), RELEASE",
            None,
            "6.0(2)N2(3)",
        ),
        (
            "juniper-srx",
            "Juniper Networks, Inc. srx345 internet router, kernel JUNOS 21.4R3-S5.4,",
            "srx345",
            "21.4R3-S5.4",
        ),
        ("huawei-vrp", "VRP (R) software,Version 5.160 (S5720 V200R007C00SPC500)", "S5720", "V200R007C00SPC500"),
        ("mikrotik-routeros", "RouterOS RB4011iGS+", "RB4011iGS+", None),
        ("zte-zxr10", "ZTE Ethernet Switch  ZXR10 5250-52TM-H, Version: V2.05.11B19", "5250-52TM-H", "V2.05.11B19"),
        ("ubiquiti-edgeos", "EdgeOS v2.0.9-hotfix.7.5622731.230615.0857", None, "v2.0.9"),
        ("vyos", "VyOS 1.4.0", None, "1.4.0"),
        ("draytek-vigor", "DrayTek Corporation, Router Model: Vigor2927, Version: 4.4.2/std", "Vigor2927", "4.4.2/std"),
    ],
)
async def test_model_and_version_in_a_description(
    profile: str, descr: str, model: str | None, version: str | None
) -> None:
    """Where no object tells, the description does."""
    device = await cells(profile, "device", {SYS_DESCR: descr.encode()})
    assert (device.get("model"), device.get("software_version")) == (model, version)


@pytest.mark.parametrize(
    ("sys_object_id", "sys_descr", "profile"),
    [
        (
            "1.3.6.1.4.1.9.1.2068",
            "Cisco IOS Software [Fuji], ISR Software (X86_64_LINUX_IOSD), Version 16.9.4",
            "cisco-ios",
        ),
        ("1.3.6.1.4.1.9.1.1069", "Cisco Controller", "generic"),
        ("1.3.6.1.4.1.9.12.3.1.3.1084", "Cisco NX-OS(tm) n5000, Software (n5000-uk9)", "cisco-nxos"),
        ("1.3.6.1.4.1.2636.1.1.1.2.134", "Juniper Networks, Inc. srx320 internet router", "juniper-srx"),
        ("1.3.6.1.4.1.2636.1.1.1.2.21", "Juniper Networks, Inc. mx960 internet router", "juniper-mx"),
        ("1.3.6.1.4.1.2636.1.1.1.4.131.3", "Juniper Networks, Inc. ex3400-24t Ethernet Switch", "juniper-junos"),
        ("1.3.6.1.4.1.2011.2.224.67", "AR1220 Huawei Versatile Routing Platform Software", "huawei-vrp"),
        ("1.3.6.1.4.1.2011.2.321.5", "Huawei Versatile Security Platform USG6300 V500R005", "huawei-usg"),
        ("1.3.6.1.4.1.2011.2.235", "Hardware management system", "generic"),
        ("1.3.6.1.4.1.25506.1.921", "H3C Comware Platform Software", "h3c-comware"),
        ("1.3.6.1.4.1.25506.11.1.179", "HPE Comware Platform Software", "hpe-comware"),
        ("1.3.6.1.4.1.7367", "DrayTek Corporation, Router Model: Vigor2927", "draytek-vigor"),
        ("1.3.6.1.4.1.14988.1", "RouterOS RB4011iGS+", "mikrotik-routeros"),
        ("1.3.6.1.4.1.3902.3.600.3.1.601", "ZTE ZXR10 9908 Software", "zte-zxr10"),
        ("1.3.6.1.4.1.4881.1.1.10.1.165", "Ruijie Core Routing Switch(N18010) By Ruijie Networks", "ruijie-rgos"),
        ("1.3.6.1.4.1.41112.1.5", "EdgeOS v2.0.9", "ubiquiti-edgeos"),
        ("1.3.6.1.4.1.30803", "EdgeOS v1.10.11", "ubiquiti-edgeos"),
        ("1.3.6.1.4.1.8072.3.2.10", "EdgeOS v1.10.11", "ubiquiti-edgeos"),
        ("1.3.6.1.4.1.44641", "VyOS 1.4.0", "vyos"),
        ("1.3.6.1.4.1.30803", "Vyatta unknown-version", "vyos"),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux Teltonika-RUT955 3.18.44 mips", "teltonika-rutos"),
        ("1.3.6.1.4.1.48690", "RUTX11", "teltonika-rutos"),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux edge 6.1.0-18-amd64 #1 SMP", "linux-netsnmp"),
    ],
)
def test_which_router_has_which_profile(sys_object_id: str, sys_descr: str, profile: str) -> None:
    """Families by their prefix; what shares a prefix, and what has none of its own, by the description."""
    assert LIBRARY.choose(sys_object_id, sys_descr).name == profile


async def test_light_in_an_icx_fibre_is_a_sentence() -> None:
    """Decibels as they are, microwatts made decibels; what is not available is no reading."""
    optics = "1.3.6.1.4.1.1991.1.1.3.3.6.1"
    objects = {
        **column("1.3.6.1.2.1.31.1.1.1.1", b"1/1/1", b"1/1/2", b"1/1/3"),
        **column(f"{optics}.1", b"  49.9531 C: Normal", b"  31.0000 C: Normal", b"N/A"),
        **column(f"{optics}.2", b"-002.2640 dBm: Normal", b"0578.0000 uWatts: Normal", b"N/A"),
        **column(f"{optics}.3", b"-023.0102 dBm: Low-Alarm", b"0000.0000 uWatts: Low-Alarm", b"N/A"),
    }
    assert await rows("ruckus-icx", "sensor", objects) == {
        "1/1/1 optics": {
            "receive_power_dbm": pytest.approx(-23.0102),
            "transmit_power_dbm": pytest.approx(-2.264),
            "temperature_celsius": pytest.approx(49.9531),
            "type": "optical",
        },
        "1/1/2 optics": {
            "transmit_power_dbm": pytest.approx(-2.3807, abs=0.0001),
            "temperature_celsius": 31,
            "type": "optical",
        },
    }
