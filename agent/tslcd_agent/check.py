"""``tslcd-agent check``: everything the agent will need is tried once, and said in plain words."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, assert_never

from tslcd_agent.config.untouchable import permission
from tslcd_agent.probes.check import check_probe
from tslcd_agent.probes.mqtt import OwnConnection
from tslcd_agent.probes.prober import Prober
from tslcd_agent.snmp.check import check_device
from tslcd_agent.snmp.session import open_session
from tslcd_agent.verification import CheckResult
from tslcd_runtime.mqtt import BrokerError, Connection
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from tslcd_agent.config import AgentConfig
    from tslcd_runtime.language import Language
    from tslcd_runtime.mqtt import Endpoint


class Check(NamedTuple):
    """One line of the table: what kind of thing was tried (spool, broker, device, probe), and what came of it."""

    kind: str
    result: CheckResult


async def check(config: AgentConfig, language: Language) -> list[Check]:
    """Try spool, brokers, devices and probes, all at the same time; return a line for each, in that order.

    Round trips to a broker come last: it may let each certificate in once at a time.
    """
    forbidden = config.untouchable()
    broker = OwnConnection(config.brokers, config.agent, forbidden, config.courier.answer_timeout)
    prober = Prober(forbidden, exchange=broker.round_trip)
    late = {name: probe for name, probe in config.probes.items() if probe.type == "mqtt"}
    tries: list[tuple[str, Coroutine[Any, Any, CheckResult]]] = [
        ("spool", asyncio.to_thread(check_spool, Path(config.spool.directory), language)),
        *(("broker", check_broker(endpoint, config, language)) for endpoint in config.brokers),
        *(
            ("device", check_device(device, open_session(device), reachable=prober.pinger.reachable, language=language))
            for device in config.polled()
        ),
        *(
            ("probe", check_probe(name, probe, prober.probe, language))
            for name, probe in config.probes.items()
            if name not in late
        ),
    ]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [(kind, group.create_task(one, name=f"check {kind}")) for kind, one in tries]
        trips = [await check_probe(name, probe, prober.probe, language) for name, probe in late.items()]
    finally:
        prober.close()
    return [*(Check(kind, task.result()) for kind, task in tasks), *(Check("probe", trip) for trip in trips)]


def check_spool(directory: Path, language: Language) -> CheckResult:
    """Say whether reports can be kept in ``directory``. Makes nothing that stays. Blocks."""
    existing = next((one for one in (directory, *directory.absolute().parents) if one.exists()), directory)
    try:
        if existing != directory:
            if not os.access(existing, os.W_OK | os.X_OK):
                raise PermissionError(13, "permission denied")
        else:
            with tempfile.TemporaryFile(dir=directory) as probe:
                probe.write(b"x" * 4096)
                probe.flush()
                os.fsync(probe.fileno())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = language.say(
            vi=f"không ghi được vào {existing}: {reason}: chạy lệnh bằng người dùng của tác tử, kiểm tra quyền và dung lượng đĩa",
            en=f"cannot write to {existing}: {reason}: run this as the agent's user, check its rights and the disk's space",
        )
        return CheckResult(str(directory), ok=False, message=message)
    message = language.say(vi="ghi được", en="writable")
    if existing != directory:
        message = language.say(vi="chưa có, tác tử sẽ tạo", en="not there yet, the agent will make it")
    return CheckResult(str(directory), ok=True, message=message)


async def check_broker(endpoint: Endpoint, config: AgentConfig, language: Language) -> CheckResult:
    """Connect the way the courier does, and ask for acknowledgements the way it does."""
    identity = config.agent
    topic = str(Topic(identity.province, identity.id, Lane.ACK))
    began = time.monotonic()
    try:
        client_id = f"tslcd-{identity.province}-{identity.id}-check"
        permits = permission(config.untouchable())
        async with Connection(
            endpoint, client_id, timeout=config.courier.answer_timeout, permits=permits
        ) as connection:
            await connection.subscribe([topic])
            seconds = time.monotonic() - began
    except BrokerError as error:
        return CheckResult(str(endpoint), ok=False, message=broker_advice(error, language))
    how = "TLS" if endpoint.tls else language.say(vi="không mã hóa", en="not encrypted")
    message = language.say(
        vi=f"kết nối được, MQTT {endpoint.protocol}, {how}, {seconds * 1000:.0f} ms",
        en=f"connected, MQTT {endpoint.protocol}, {how}, {seconds * 1000:.0f} ms",
    )
    return CheckResult(str(endpoint), ok=True, message=message)


def broker_advice(error: BrokerError, language: Language) -> str:
    """Say which broker, what happened, and what to do now; one line without a full stop."""
    match error.code:
        case "unreachable":
            advice = language.say(
                vi="kiểm tra địa chỉ, cổng, đường đi và máy chủ MQTT có đang chạy không",
                en="check address, port and route, and whether the broker runs",
            )
        case "timeout":
            advice = language.say(
                vi="kiểm tra địa chỉ và cổng, tường lửa ở giữa, và cổng TLS có cần phần tls không",
                en="check address and port, firewalls in between, and whether this port wants tls",
            )
        case "refused":
            advice = language.say(
                vi="kiểm tra chứng thư hoặc tên và mật khẩu, và quyền của tác tử này trên máy chủ",
                en="check the certificate, or user name and password, and this agent's rights at the broker",
            )
        case "tls":
            advice = language.say(
                vi="kiểm tra tls.ca, tls.certificate, tls.key, tên máy chủ trong chứng thư và đồng hồ",
                en="check tls.ca, tls.certificate, tls.key, the name in the broker's certificate, and the clock",
            )
        case "lost":
            advice = language.say(
                vi="máy chủ tự ngắt: xem nhật ký của máy chủ; có tác tử khác dùng cùng tên không",
                en="the broker hung up: see its log; does another agent use the same name",
            )
        case _:
            assert_never(error.code)
    return f"{error}: {advice}"
