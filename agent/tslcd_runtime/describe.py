"""Settings the other way round: values as YAML (``dump-config``) and types as JSON Schema (for editors)."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
import yaml
from msgspec import inspect as shape

from tslcd_runtime.secret import Secret


def dump(settings: msgspec.Struct) -> str:
    """Write settings as YAML that reads back as the same, but for secrets, which show only where they came from."""
    return to_yaml(_plain(settings, shape.type_info(type(settings))))


class _Dumper(yaml.SafeDumper):
    """Quotes digits that are text: what YAML 1.1 leaves bare (``06970``) is a number elsewhere, and settings refuse it."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value that stands in two places twice: people read these files."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if value.isdigit() else None)


_Dumper.add_representer(str, _text)


def to_yaml(value: Any) -> str:
    """Write plain values (mappings, lists, text, numbers, flags, None) as YAML that settings read back as the same."""
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


def _plain(value: Any, info: Any) -> Any:
    match info:
        case shape.Metadata(extra={"quantity": quantity}):
            return quantity.show(value)
        case shape.Metadata():
            return _plain(value, info.type)
        case shape.UnionType():
            if value is None:
                return None
            kinds = [one for one in info.types if not isinstance(one, shape.NoneType)]
            return _plain(value, next((one for one in kinds if getattr(one, "cls", None) is type(value)), kinds[0]))
        case shape.StructType():
            tag = {info.tag_field: info.tag} if info.tag_field else {}
            return tag | {item.encode_name: _plain(getattr(value, item.name), item.type) for item in info.fields}
        case shape.DictType():
            return {key: _plain(one, info.value_type) for key, one in value.items()}
        case shape.ListType() | shape.VarTupleType():
            return [_plain(one, info.item_type) for one in value]
        case _:
            return _secret(value) if isinstance(value, Secret) else value


def _secret(secret: Secret) -> dict[str, str]:
    name = secret.source.removeprefix("credential ")
    return {"credential": name} if name != secret.source else {"file": secret.source}


def json_schema(settings_type: type[Any], title: str) -> dict[str, Any]:
    """Describe a settings type as JSON Schema 2020-12: quantities and secrets as they are written in files."""

    def hook(unknown: type) -> dict[str, Any]:
        if unknown is not Secret:
            raise NotImplementedError
        one = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
        return {**one, "properties": {"file": {"type": "string"}, "credential": {"type": "string"}}}

    schema = msgspec.json.schema(settings_type, schema_hook=hook)
    _write_quantities(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def _write_quantities(node: Any) -> None:
    """Turn numbers that stand for a quantity into the text that a file has, in place; forbid unknown keys; tidy texts."""
    if isinstance(node, list):
        for one in node:
            _write_quantities(one)
        return
    if not isinstance(node, dict):
        return
    if "x-quantity" in node:
        node["type"] = "string"
        del node["x-quantity"]
        node.pop("default", None)
    if isinstance(node.get("description"), str):
        node["description"] = inspect.cleandoc(node["description"])  # Python 3.13 takes the indentation away itself
    if "properties" in node and node.get("type") == "object":
        node.setdefault("additionalProperties", False)
    for one in node.values():
        _write_quantities(one)
