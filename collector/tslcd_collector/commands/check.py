"""``check``: everything the collector needs, tried one by one. Blocks on files and sockets."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tslcd_collector import inventory
from tslcd_collector.access.provider import OpenId, ProviderError
from tslcd_collector.backfill.answer import Outcome
from tslcd_collector.backfill.endpoint import Endpoint
from tslcd_collector.backfill.remote_write import encode
from tslcd_collector.errors import CollectorError, StoreBusyError
from tslcd_collector.store import Database, lock
from tslcd_collector.store.database import FILE
from tslcd_runtime.mqtt import BrokerError, Connection, probe_port
from tslcd_runtime.settings import SettingsError
from tslcd_wire import topics
from tslcd_wire.catalogue import INTERFACE
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from tslcd_collector.access.settings import AccessSettings
    from tslcd_collector.backfill.settings import Target
    from tslcd_collector.config import CollectorSettings
    from tslcd_collector.inventory import DeviceKey, Inventory
    from tslcd_runtime.language import Language


#: What the provider may take for its discovery document and keys, seconds.
_LOGIN_TIMEOUT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: what, whether it works, and in plain words how or why not."""

    what: str
    ok: bool
    text: str


def check(settings: CollectorSettings, language: Language) -> list[Finding]:
    """Try inventory, broker, store, time-series stores, the provider of login and bindings."""
    findings, known = _inventory(settings, language)
    findings.append(_broker(settings, language))
    findings.append(_store(settings, language))
    findings += _backfill(settings, language)
    findings += login(settings.access, language)
    if known is not None:
        findings += _bindings(settings, known, language)
    return findings


def _inventory(settings: CollectorSettings, language: Language) -> tuple[list[Finding], Inventory | None]:
    try:
        known = inventory.load(Path(settings.inventory))
    except SettingsError as error:
        return [Finding("inventory", ok=False, text=str(problem)) for problem in error.problems], None
    text = language.say(
        vi=f"{len(known.channels)} kênh, {len(known.sites)} điểm kết nối, {len(known.devices)} thiết bị",
        en=f"{len(known.channels)} channels, {len(known.sites)} sites, {len(known.devices)} devices",
    )
    return [Finding("inventory", ok=True, text=text)], known


def _broker(settings: CollectorSettings, language: Language) -> Finding:
    async def connect() -> None:
        # a name of its own, so that a running collector keeps its connection
        name = f"tslcd-collector-{settings.collector.id}-check-{time.monotonic_ns():x}"
        async with Connection(settings.broker, name[:64], timeout=5.0) as connection:
            await connection.subscribe([topics.subscription(Lane.STATUS, one) for one in settings.provinces])

    try:
        probe_port(settings.broker)
        asyncio.run(connect())
    except BrokerError as error:
        return Finding("broker", ok=False, text=str(error))
    text = language.say(vi=f"{settings.broker}: kết nối và đọc được", en=f"{settings.broker}: connected, may read")
    return Finding("broker", ok=True, text=text)


def _store(settings: CollectorSettings, language: Language) -> Finding:
    directory = Path(settings.store.directory)
    try:
        with lock(directory), tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"x" * 4096)
            file.flush()
    except StoreBusyError:
        text = language.say(vi="bộ thu đang chạy dùng kho này", en="a running collector has it")
        return Finding("store", ok=True, text=f"{directory}: {text}")
    except CollectorError as error:
        return Finding("store", ok=False, text=str(error))
    except OSError as error:
        return Finding("store", ok=False, text=f"store {directory}: {(error.strerror or str(error)).lower()}")
    return Finding("store", ok=True, text=f"{directory}: {language.say(vi='ghi được', en='may be written to')}")


def _backfill(settings: CollectorSettings, language: Language) -> list[Finding]:
    """Write nothing to every time-series store, which a store that takes remote write accepts."""

    async def write(target: Target) -> Finding:
        what = f"backfill {target.name}"
        try:
            async with Endpoint(target, min(10.0, settings.backfill.timeout)) as endpoint:
                answer = await endpoint.send(encode([]))
        except (OSError, ssl.SSLError) as error:
            return Finding(what, ok=False, text=f"{target.url}: {error}")
        if answer.outcome is Outcome.ACCEPTED:
            text = language.say(vi="nhận remote write", en="takes remote write")
            return Finding(what, ok=True, text=f"{target.url}: {text}")
        hint = language.say(
            vi="Prometheus cần --web.enable-remote-write-receiver",
            en="Prometheus needs --web.enable-remote-write-receiver",
        )
        more = f" ({hint})" if answer.text.startswith("404") else ""
        return Finding(what, ok=False, text=f"{target.url}: {answer.outcome.value}: {answer.text}{more}")

    async def write_all() -> list[Finding]:
        return list(await asyncio.gather(*(write(target) for target in settings.backfill.targets)))

    return asyncio.run(write_all()) if settings.backfill.active else []


def login(settings: AccessSettings, language: Language) -> list[Finding]:
    """Read the provider's discovery document and keys, as the first login would."""
    provider = settings.oidc
    if settings.mode != "oidc" or provider is None:
        return []

    async def look() -> int:
        client = OpenId(provider, settings.url or "")
        try:
            async with asyncio.timeout(_LOGIN_TIMEOUT):
                return await client.look()
        finally:
            await client.close()

    try:
        keys = asyncio.run(look())
    except ProviderError as error:
        return [Finding("login", ok=False, text=f"{provider.issuer}: {_refusal(error, language)}")]
    except TimeoutError:
        text = language.say(vi="không trả lời trong 5 giây", en="no answer within 5 s")
        return [Finding("login", ok=False, text=f"{provider.issuer}: {text}")]
    except OSError as error:
        return [Finding("login", ok=False, text=f"{provider.ca}: {(error.strerror or str(error)).lower()}")]
    text = language.say(vi=f"đọc được cấu hình và {keys} khóa", en=f"discovery and {keys} keys can be read")
    return [Finding("login", ok=True, text=f"{provider.issuer}: {text}")]


def _refusal(error: ProviderError, language: Language) -> str:
    """Say what is wrong with a provider, and what to look at."""
    match error.code:
        case "unreachable":
            return language.say(vi=f"không kết nối được: {error.detail}", en=f"cannot be reached: {error.detail}")
        case "issuer":
            return language.say(
                vi=f"máy chủ tự gọi mình là {error.detail}: access.oidc.issuer phải ghi đúng như vậy",
                en=f"the provider calls itself {error.detail}: access.oidc.issuer must say exactly that",
            )
        case "answer":
            return language.say(
                vi=f"không đọc được {error.detail}: xem lại access.oidc.issuer",
                en=f"cannot read {error.detail}: is access.oidc.issuer right?",
            )
        case "discovery":
            return language.say(
                vi=f"cấu hình thiếu {error.detail}, hoặc không phải https",
                en=f"its {error.detail} is missing, or not https",
            )
        case _:
            return language.say(vi="không công bố khóa nào dùng được", en="publishes no key that can be used")


def _bindings(settings: CollectorSettings, known: Inventory, language: Language) -> list[Finding]:
    """Compare bindings with what devices reported so far."""
    directory = Path(settings.store.directory)
    nothing = Finding(
        "bindings", ok=True, text=language.say(vi="chưa có báo cáo để so", en="no reports yet to compare with")
    )
    if not (directory / FILE).exists():
        return [nothing]
    database = Database(directory, read_only=True)
    try:
        database.open(time.time())
        rows = database.latest()
    except CollectorError as error:
        return [Finding("bindings", ok=False, text=str(error))]
    finally:
        database.close()
    interfaces: dict[DeviceKey, tuple[str, ...]] = {
        (row.agent, row.device): tuple(row.table["key"]) for row in rows if row.kind == INTERFACE.name
    }
    if not interfaces:
        return [nothing]
    problems = inventory.binding_problems(known, interfaces)
    if problems:
        return [Finding("bindings", ok=False, text=str(problem)) for problem in problems]
    text = language.say(
        vi=f"khớp với giao diện của {len(interfaces)} thiết bị",
        en=f"agree with the interfaces of {len(interfaces)} devices",
    )
    return [Finding("bindings", ok=True, text=text)]
