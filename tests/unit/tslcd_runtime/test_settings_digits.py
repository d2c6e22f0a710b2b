"""Text of digits in settings: codes with zeros in front survive reading, writing and other YAML readers."""

from __future__ import annotations

import msgspec
import pytest

from tslcd_runtime.describe import dump, to_yaml
from tslcd_runtime.settings import SettingsError, loads


class Coded(msgspec.Struct, frozen=True):
    """A setting that is text."""

    code: str


@pytest.mark.parametrize("code", ["06970", "29551", "01", "0"])
def test_digits_without_quotes_are_a_problem_whatever_yaml_makes_of_them(code: str) -> None:
    """06970 is text in YAML 1.1 and a number in YAML 1.2: quotes are wanted in each case."""
    with pytest.raises(SettingsError) as caught:
        loads(f"code: {code}\n".encode(), Coded)
    assert str(caught.value) == f"<settings>:1: code: {code} is not text in YAML: put it in quotes"


@pytest.mark.parametrize("code", ["06970", "29551", "01", "86-1", "no", "2025-07-01", "1e3", ""])
def test_text_reads_back_as_it_was_written(code: str) -> None:
    """dump-config quotes what would otherwise be read as something else."""
    assert loads(dump(Coded(code)).encode(), Coded).value == Coded(code)


def test_a_value_in_two_places_is_written_twice() -> None:
    """People read these files: no anchors, no aliases."""
    names = ["gateway"]
    assert to_yaml({"a": names, "b": names}) == "a:\n- gateway\nb:\n- gateway\n"
