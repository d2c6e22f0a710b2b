"""What people are told of probes of every type, word for word, and which addresses may be sent to."""

from __future__ import annotations

from typing import Any

import pytest

from tslcd_agent.config import DnsProbe, HttpProbe, MqttProbe, PathProbe, TcpProbe, TlsProbe
from tslcd_agent.config.probes import TYPES, DscpNames
from tslcd_agent.probes.check import describe
from tslcd_agent.probes.contract import Figures, ProbeResult
from tslcd_agent.probes.names import Resolver
from tslcd_runtime.language import Language
from tslcd_wire.catalogue import PROBE_OUTCOMES

TCP = TcpProbe(target="gw.example", port=22)
TLS = TlsProbe(target="2001:db8::1")
DNS = DnsProbe(target="192.0.2.53", name="portal.example", record="MX")
HTTP = HttpProbe(target="https://portal.example/")
PATH = PathProbe(target="core.example")
MQTT = MqttProbe()
DAY = 86400.0


@pytest.mark.parametrize(
    ("probe", "result", "english", "vietnamese"),
    [
        (TCP, ProbeResult("ok", phases={"connect": 0.002}), "gw.example:22 takes connections, 2.0 ms", "gw.example:22 nhận kết nối, 2.0 ms"),
        (
            TLS,
            ProbeResult("ok", phases={"connect": 0.002, "tls": 0.01}, figures=Figures(certificate_expiry=20.5 * DAY)),
            "[2001:db8::1]:443 speaks TLS, 12.0 ms, its certificate is good for 20 days",
            "[2001:db8::1]:443 bắt tay TLS, 12.0 ms, chứng thư còn 20 ngày",
        ),
        (
            TLS,
            ProbeResult("bad_certificate", reason="certificate has expired", figures=Figures(certificate_expiry=-3.5 * DAY)),
            "the certificate of [2001:db8::1]:443 is not trusted (certificate has expired): check its end, its name, ca, and the clock, its certificate ended 3 days ago",
            "chứng thư của [2001:db8::1]:443 không được tin (certificate has expired): kiểm tra hạn, tên, ca và đồng hồ, chứng thư đã hết hạn 3 ngày",
        ),
        (
            DNS,
            ProbeResult("ok", phases={"answer": 0.003}, figures=Figures(answers=2)),
            "192.0.2.53 answers 2 MX records of portal.example, 3.0 ms",
            "192.0.2.53 trả lời 2 bản ghi MX của portal.example, 3.0 ms",
        ),
        (
            HTTP,
            ProbeResult("ok", phases={"answer": 0.1}, figures=Figures(http_status=204)),
            "https://portal.example/ answers with status 204, 100.0 ms",
            "https://portal.example/ trả lời mã 204, 100.0 ms",
        ),
        (PATH, ProbeResult("path_changed", figures=Figures(hops=7)), "core.example is at hop 7", "core.example ở chặng thứ 7"),
        (MQTT, ProbeResult("ok", phases={"answer": 0.004}), "a word to the broker came back, 4.0 ms", "gửi tới máy chủ MQTT và nhận lại được, 4.0 ms"),
        (
            HTTP,
            ProbeResult("no_answer", reason="tls: no end within 5 s"),
            "https://portal.example/ does not answer within 5s (tls: no end within 5 s): it is off, too slow, or a firewall in between drops it",
            "https://portal.example/ không trả lời trong 5s (tls: no end within 5 s): đích tắt, quá chậm, hoặc tường lửa ở giữa chặn",
        ),
        (TCP, ProbeResult("refused"), "gw.example:22 refuses: the service does not run, or this is not its port", "gw.example:22 từ chối kết nối: dịch vụ không chạy, hoặc sai cổng"),
        (
            MQTT,
            ProbeResult("refused", reason="not authorized"),
            "the broker refuses (not authorized): check this agent's right to the topic probe",
            "máy chủ MQTT từ chối (not authorized): kiểm tra quyền của tác tử này trên chủ đề probe",
        ),
        (
            HTTP,
            ProbeResult("bad_answer", reason="status 500"),
            "https://portal.example/ answers otherwise than wanted (status 500): check the service, and this probe's settings",
            "https://portal.example/ trả lời không như mong đợi (status 500): kiểm tra dịch vụ và cấu hình của phép đo",
        ),
        (
            HTTP,
            ProbeResult("unresolved"),
            "the name portal.example has no address: check the name and the DNS server",
            "tên portal.example không có địa chỉ: kiểm tra tên và máy chủ DNS",
        ),
        (
            TCP,
            ProbeResult("denied", reason="nothing may be sent to that address"),
            "nothing was sent to gw.example:22 (nothing may be sent to that address): a device with touch: false, or this system does not allow it",
            "không gửi được tới gw.example:22 (nothing may be sent to that address): thiết bị có touch: false, hoặc hệ thống này không cho phép",
        ),
    ],
)  # fmt: skip
def test_every_type_says_plainly_what_came_of_it(
    probe: TcpProbe | TlsProbe | DnsProbe | HttpProbe | PathProbe | MqttProbe,
    result: ProbeResult,
    english: str,
    vietnamese: str,
) -> None:
    """In both languages."""
    assert describe(probe, result, Language.EN) == english
    assert describe(probe, result, Language.VI) == vietnamese


@pytest.mark.parametrize("outcome", PROBE_OUTCOMES)
def test_there_are_words_for_every_outcome_of_every_type(outcome: str) -> None:
    """None is forgotten, also those that a type does not have."""
    given: dict[str, Any] = {"target": "gw.example", "port": 22, "name": "portal.example"}
    for cls in TYPES.values():
        probe = cls(**{key: value for key, value in given.items() if key in cls.__struct_fields__})
        for language in Language:
            assert describe(probe, ProbeResult(outcome, (0.1,)), language)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("192.0.2.4", True),
        ("2001:db8::4", True),
        ("192.0.2.3", False),
        ("2001:db8::3", False),
        ("64:ff9b::c000:203", False),
        ("64:ff9b::c000:204", True),
        ("2002:c000:203::1", False),
        ("2002:c000:204::1", True),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("255.255.255.255", False),
        ("::", False),
    ],
)
def test_an_address_within_another_and_one_for_many_is_no_way_around(address: str, permitted: object) -> None:
    """NAT64, 6to4, multicast and broadcast would reach what must not be touched."""
    assert Resolver({"192.0.2.3", "2001:db8::3"}).permitted(address) is permitted


def test_marks_have_names() -> None:
    """Names of RFC 2474, 2597, 3246, 5865 and 8622, and their numbers."""
    named = {"ef": 46, "EF": 46, "af41": 34, "af11": 10, "cs6": 48, "cs0": 0, "le": 1, "va": 44, "63": 63, "0": 0}
    assert {text: DscpNames.parse(text) for text in named} == named
    assert [DscpNames.show(number) for number in (46, 34, 48, 0, 63)] == ["ef", "af41", "cs6", 0, 63]
    for number in range(64):
        assert DscpNames.parse(str(DscpNames.show(number))) == number
