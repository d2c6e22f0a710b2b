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
        ("store: {keep: 1s}", "1: store: keep: allowed is 1min to 30d"),
        ("web: {port: 99999}", "1: web.port: '99999' is not allowed: a whole number from 1 to 65535 is wanted here"),
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


def test_settings_cannot_be_changed() -> None:
    """A reload makes new ones."""
    with pytest.raises(AttributeError):
        CollectorSettings().expiry = 1  # type: ignore[misc]
    assert msgspec.structs.replace(CollectorSettings(), expiry=10.0).expiry == 10
