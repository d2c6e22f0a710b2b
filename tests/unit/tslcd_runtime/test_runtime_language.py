"""The language of messages for people follows the setting, then the locale."""

from __future__ import annotations

import pytest

from tslcd_runtime.language import Language


@pytest.mark.parametrize(
    ("setting", "environment", "expected"),
    [
        ("vi", {"LANG": "en_US.UTF-8"}, Language.VI),
        ("en", {"LANG": "vi_VN.UTF-8"}, Language.EN),
        ("auto", {"LANG": "vi_VN.UTF-8"}, Language.VI),
        ("auto", {"LANG": "vi"}, Language.VI),
        ("auto", {"LANG": "vi.UTF-8"}, Language.VI),
        ("auto", {"LANG": "vie_XX"}, Language.EN),
        ("auto", {"LC_ALL": "C.UTF-8", "LANG": "vi_VN.UTF-8"}, Language.EN),
        ("auto", {"LC_ALL": "", "LC_MESSAGES": "vi_VN", "LANG": "en_US"}, Language.VI),
        ("auto", {}, Language.EN),
    ],
)
def test_the_setting_wins_then_the_locale_in_the_order_of_posix(
    setting: str, environment: dict[str, str], expected: Language
) -> None:
    """LC_ALL before LC_MESSAGES before LANG; whatever is not Vietnamese is English."""
    assert Language.choose(setting, environment) is expected


def test_a_message_is_said_in_one_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was chosen; the process's environment counts where none is given."""
    monkeypatch.delenv("LC_ALL")
    monkeypatch.setenv("LANG", "vi_VN.UTF-8")
    assert Language.choose().say(vi="kênh truyền", en="channel") == "kênh truyền"
    assert Language.EN.say(vi="kênh truyền", en="channel") == "channel"


def test_an_unknown_language_is_refused() -> None:
    """The setting is a closed set."""
    with pytest.raises(ValueError, match="fr"):
        Language.choose("fr", {})
