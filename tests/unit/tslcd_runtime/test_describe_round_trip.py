"""Settings shown and described: what is dumped loads as the same, and the schema says what the loader accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from support.sample_settings import Device, Sample
from tslcd_runtime.describe import dump, json_schema
from tslcd_runtime.secret import Secret
from tslcd_runtime.settings import SettingsError, loads

SCHEMA = json_schema(Sample, "sample")
quantities = st.floats(0, 1e15).map(lambda value: round(value, 6))
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
devices = st.builds(
    Device,
    name=st.text("abc", min_size=1, max_size=8),
    code=st.none() | st.sampled_from(["06970", "no", "1e3", "0x1", "null", "~", "-", "2024-01-01", "1:30", "Xã"]),
    port=st.integers(1, 65535),
    weight=st.floats(0, 1, exclude_min=True, exclude_max=True),
    version=st.sampled_from(["v2c", "v3"]),
)
samples = st.builds(
    Sample,
    interval=quantities,
    spool=quantities,
    share=st.floats(0, 100).map(lambda percent: float(repr(percent)) * 0.01),
    rate=st.none() | quantities,
    enabled=st.booleans(),
    devices=st.lists(devices, max_size=3),
    labels=st.dictionaries(st.text("abc", min_size=1, max_size=3), words, max_size=3),
    ports=st.lists(st.integers(), min_size=2, max_size=4).map(tuple),
    title=words,
)


@settings(max_examples=400)
@given(samples)
def test_dumped_settings_load_as_the_same(sample: Sample) -> None:
    """loads(dump(x)) == x, for every value of every type, also texts that YAML would take for something else."""
    assert loads(dump(sample).encode(), Sample).value == sample


@settings(max_examples=100)
@given(samples)
def test_dumped_settings_pass_the_schema(sample: Sample) -> None:
    """Editors accept what dump-config writes."""
    Draft202012Validator(SCHEMA).validate(yaml.safe_load(dump(sample)))


def test_secrets_show_only_where_they_came_from() -> None:
    """A secret is dumped as its file or credential, and its text is nowhere."""
    sample = Sample(
        devices=[
            Device(name="a", community=Secret("hidden-word", "/etc/x/community")),
            Device(name="b", community=Secret("hidden-word", "credential community")),
        ]
    )
    text = dump(sample)
    assert "hidden-word" not in text
    shown = [device["community"] for device in yaml.safe_load(text)["devices"]]
    assert shown == [{"file": "/etc/x/community"}, {"credential": "community"}]
    Draft202012Validator(SCHEMA).validate(yaml.safe_load(text))


def test_schema_is_valid_and_has_no_leftovers() -> None:
    """The schema keeps the rules of JSON Schema; quantities are texts with a pattern and an example."""
    Draft202012Validator.check_schema(SCHEMA)
    interval = SCHEMA["$defs"]["Sample"]["properties"]["interval"]
    assert interval["type"] == "string"
    assert interval["examples"] == ["30s"]
    assert "x-quantity" not in str(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "intervall: 1s",
        "interval: 30",
        "interval: 5m",
        "interval: -1s",
        "spool: 200MB",
        "share: 5",
        "rate: 5",
        "enabled: 1",
        "title: 5",
        "ports: [1]",
        "ports: [a, b]",
        "labels: {A: x}",
        "labels: {a: 1}",
        "devices: {}",
        "devices: [{}]",
        "devices: [{name: X}]",
        "devices: [{name: x, port: 0}]",
        "devices: [{name: x, weight: 1}]",
        "devices: [{name: x, version: v1}]",
        "devices: [{name: x, code: 5}]",
        "devices: [{name: x, community: public}]",
        "devices: [{name: x, community: {}}]",
        "devices: [{name: x, community: {file: a, credential: b}}]",
        "devices: [{name: a}, {name: b}, {name: c}, {name: d}]",
    ],
)
def test_schema_and_loader_refuse_the_same(text: str) -> None:
    """What the loader calls a mistake, an editor with the schema underlines."""
    data: Any = yaml.safe_load(text)
    assert not Draft202012Validator(SCHEMA).is_valid(data)
    with pytest.raises(SettingsError):
        loads(text.encode(), Sample, directory=Path("/nonexistent"))


def test_type_that_files_cannot_have_is_a_mistake_of_ours() -> None:
    """A settings type with something strange in it fails when its schema is made, not in an editor."""
    with pytest.raises(TypeError, match="complex"):
        json_schema(complex, "strange")
