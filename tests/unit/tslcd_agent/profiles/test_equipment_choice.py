"""Which firewall and which UPS has which profile, by what it says that it is."""

from __future__ import annotations

import pytest

from support.profiled import LIBRARY


@pytest.mark.parametrize(
    ("sys_object_id", "sys_descr", "profile"),
    [
        ("1.3.6.1.4.1.12356.101.1.1005", "whatever the administrator wrote", "fortinet-fortigate"),
        ("1.3.6.1.4.1.12356.103.1.1000", "FortiManager", "generic"),
        ("1.3.6.1.4.1.25461.2.3.29", "Palo Alto Networks PA-400 series firewall", "paloalto-panos"),
        ("1.3.6.1.4.1.2604.5", "Linux localhost 4.14.302", "sophos-sfos"),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux fw1 3.10.0-957.21.3cpx86_64 #1 SMP x86_64", "checkpoint-gaia"),
        ("1.3.6.1.4.1.2620.1.6.123.1.49", "Linux fw1 3.10.0-957.21.3cpx86_64 #1 SMP x86_64", "checkpoint-gaia"),
        ("1.3.6.1.4.1.12325.1.1.2.1.1", "pfSense fw 2.7.2-RELEASE FreeBSD 14.0-CURRENT amd64", "pfsense"),
        ("1.3.6.1.4.1.8072.3.2.8", "FreeBSD OPNsense.example 13.2-RELEASE-p7 amd64", "opnsense"),
        ("1.3.6.1.4.1.9.1.2114", "Cisco Adaptive Security Appliance Version 9.12(4)", "cisco-asa"),
        ("1.3.6.1.4.1.9.1.2405", "Cisco Firepower Threat Defense, Version 6.4.0.4 (Build 34)", "cisco-ftd"),
        ("1.3.6.1.4.1.30803", "Netentsec NGFW", "netentsec-ngfw"),
        ("1.3.6.1.4.1.14331.1.4", "Topsec NGFW4000-UF Software Version V3.2073N_NGFW.1", "topsec-ngfw"),
        ("1.3.6.1.4.1.14331.1.4", "Topsec TOS 3.3.005", "generic"),
        ("1.3.6.1.4.1.35047.2.10", "Linux Server 2.4.32", "sangfor-sslvpn"),
        ("1.3.6.1.4.1.35047.2.12", "Linux Wac", "sangfor"),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux utm.example 3.12.40-26.gc80f187.rb1-smp64 #1 SMP x86_64", "sophos-utm"),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux box 6.1.0-18-amd64 #1 SMP x86_64", "linux-netsnmp"),
        ("1.3.6.1.4.1.28557.1.126", "Hillstone Security Appliance SG-6000-E3965", "hillstone-stoneos"),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux GSE200M 2.6.27-SPEAr310", "huawei-ups"),
        ("1.3.6.1.4.1.318.1.3.27", "APC Web/SNMP Management Card", "apc-powernet"),
        ("1.3.6.1.4.1.318.1.3.4.6", "APC Web/SNMP Management Card", "apc-pdu"),
    ],
)
def test_which_box_has_which_profile(sys_object_id: str, sys_descr: str, profile: str) -> None:
    """Generic identifiers are told apart by the description, families by the longest prefix."""
    assert LIBRARY.choose(sys_object_id, sys_descr).name == profile
