"""The collector's settings: the shipped file is the defaults, and every mistake is told."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from tslcd_collector.config import CollectorSettings, load
from tslcd_runtime import settings
from tslcd_runtime.describe import dump

SHIPPED = Path(__file__).parents[3] / "configs" / "collector.yaml"


def test_shipped_settings_are_the_defaults_and_have_every_key() -> None:
    """What is shipped reads as the defaults, and names each of them."""
    assert settings.load(SHIPPED, CollectorSettings).value == CollectorSettings()

    def keys(document: object, prefix: str = "") -> set[str]:
        if not isinstance(document, dict):
            return {prefix}
        return {found for key, value in document.items() for found in keys(value, f"{prefix}.{key}")}

    assert keys(yaml.safe_load(SHIPPED.read_text())) == keys(yaml.safe_load(dump(CollectorSettings())))


def test_folders_are_relative_to_the_file(tmp_path: Path) -> None:
    """Inventory and store are found beside the settings, unless they are absolute."""
    file = tmp_path / "collector.yaml"
    file.write_text("inventory: inv\nstore: {directory: /var/lib/x}\n")
    loaded = load(file)
    assert loaded.inventory == str(tmp_path / "inv")
    assert loaded.store.directory == "/var/lib/x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("provinces: ['+', '86']", "1: : provinces: each once, and + (all of them) alone"),
        ("provinces: ['86', '86']", "1: : provinces: each once, and + (all of them) alone"),
        (
            "provinces: ['8 6']",
            r"1: provinces[0]: '8 6' is not allowed: text that matches ^(\+|[a-z0-9-]{1,48})\Z is wanted here",
        ),
        ("provinces: []", "1: provinces: at least 1 wanted, 0 given"),
        ("provinces: [86]", "1: provinces[0]: 86 is not text in YAML: put it in quotes"),
        ("expiry: 1s", "1: : expiry: allowed is 5s to 1d"),
        ("judge:\n  interval: 0s", "2: judge: interval: allowed is 100ms to 60s"),
        ("intake: {max_future: 2d}", "1: intake: max_future: allowed is 1s to 1h"),
        (
            "intake: {batch_max: 0}",
            "1: intake.batch_max: '0' is not allowed: a whole number from 1 to 1000 is wanted here",
        ),
        ("ledger: {keep: 1d}", "1: ledger: keep: allowed is 35d to 3650d"),
        ("store: {keep: 1s}", "1: store: keep: allowed is 1min to 30d"),
        ("web: {port: 99999}", "1: web.port: '99999' is not allowed: a whole number from 1 to 65535 is wanted here"),
        ("backfill: {mode: some}", "1: backfill.mode: 'some' is not allowed: allowed are all, gaps, off"),
        ("backfill: {window: 10s}", "1: backfill: window: allowed is 1min to 400d"),
        ("backfill: {max_future: 1h}", "1: backfill: max_future: allowed is 1s to 10min"),
        ("backfill: {room: 1MiB}", "1: backfill: room: allowed is 16MiB to 1024GiB"),
        (
            "backfill: {rate: 0}",
            "1: backfill.rate: '0' is not allowed: a whole number from 100 to 1e+06 is wanted here",
        ),
        (
            "backfill: {labels: {__name__: x}}",
            "1: backfill: labels: '__name__' is not the name of a label: letters, digits and _ are, and not __ at the beginning",
        ),
        (
            "backfill: {targets: [{name: a, url: 'http://192.0.2.1'}, {name: a, url: 'http://192.0.2.2'}]}",
            "1: backfill: targets: every name once",
        ),
        (
            "backfill: {targets: [{name: a, url: 'ftp://192.0.2.1'}]}",
            r"1: backfill.targets[0].url: 'ftp://192.0.2.1' is not allowed: text that matches ^https?://[^\s]+\Z of 0 to 500 characters is wanted here",
        ),
        (
            "backfill: {targets: [{name: a, url: 'http://me:pw@192.0.2.1/'}]}",
            "1: backfill.targets[0]: url: http://HOST:PORT/PATH is wanted, without a user: username and password have keys of their own",
        ),
        (
            "backfill: {targets: [{name: a, url: 'http://192.0.2.1', username: me}]}",
            "1: backfill.targets[0]: username: a password belongs to it",
        ),
        (
            "backfill: {targets: [{name: a, url: 'http://192.0.2.1', headers: {Host: b}}]}",
            "1: backfill.targets[0]: headers: 'Host' is set by the program itself, or has letters that headers cannot have",
        ),
        ("language: fr", "1: language: 'fr' is not allowed: allowed are auto, en, vi"),
        (
            "collector: {id: A}",
            r"1: collector.id: 'A' is not allowed: text that matches ^[a-z0-9-]{1,48}\Z is wanted here",
        ),
        ("collector:\n\tid: a", "2: : a tab in the indentation: YAML allows spaces only"),
    ],
)
def test_every_mistake_has_its_message(text: str, message: str) -> None:
    """File, line, key and what is allowed."""
    with pytest.raises(settings.SettingsError) as caught:
        settings.loads(text.encode(), CollectorSettings, name="c.yaml")
    (problem,) = caught.value.problems
    assert f"{problem.line}: {problem.key}: {problem.message}" == message


def test_backfill_is_active_with_a_target_and_not_when_off() -> None:
    """``off`` without quotes is the word, not a truth value; without targets nothing is sent either."""
    target = "targets: [{name: a, url: 'http://192.0.2.1/api/v1/write', headers: {X-Scope-OrgID: p86}}]"
    for text, active in (
        (f"mode: off, {target}", False),
        (f"mode: all, {target}", True),
        (target, True),
        ("mode: all", False),
    ):
        loaded = settings.loads(f"backfill: {{{text}}}".encode(), CollectorSettings, name="c.yaml").value
        assert loaded.backfill.active is active
        assert settings.loads(dump(loaded).encode(), CollectorSettings, name="d.yaml").value == loaded


def test_settings_cannot_be_changed() -> None:
    """A reload makes new ones."""
    with pytest.raises(AttributeError):
        CollectorSettings().expiry = 1  # type: ignore[misc]
    assert msgspec.structs.replace(CollectorSettings(), expiry=10.0).expiry == 10
