"""JSON Schema of the inventory's files, for editors: ``python -m tslcd_collector.inventory.schema FOLDER``.

A file names its schema in its first line, ``# yaml-language-server: $schema=schema/sites.json``, and editors then complete
keys and mark mistakes while they are typed. The schemas are made from the same types that the collector reads with.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from tslcd_collector.inventory.files import LISTS, Province
from tslcd_runtime.describe import json_schema


def schemas() -> dict[str, str]:
    """Return every schema as text, by the name of its file."""
    types: dict[str, type[Any]] = {"province": Province, **LISTS}
    return {f"{name}.json": _text(json_schema(one, f"TSLCD inventory: {name}")) for name, one in types.items()}


def write(folder: Path) -> list[Path]:
    """Write every schema into ``folder``, which is made if need be. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, text in schemas().items():
        file = folder / name
        file.write_text(text, encoding="utf-8")
        files.append(file)
    return files


def _text(schema: dict[str, Any]) -> str:
    # the end of text is \Z in Python's patterns and $ in those of JSON Schema (ECMA-262)
    return json.dumps(schema, indent=2, ensure_ascii=False).replace(r"\\Z", "$") + "\n"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def main(folder: Path) -> None:
    """Write the JSON Schema files of the inventory into FOLDER."""
    for file in write(folder):
        click.echo(file)


if __name__ == "__main__":
    main()
