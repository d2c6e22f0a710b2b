"""``python -m tslcd_wire.schema [--check] [--folder FOLDER]``: write the generated files, or tell which are not current."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tslcd_wire.schema.documents import documents


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with ``--check`` compare them. Return 0, or 1 when a file is not current."""
    parser = argparse.ArgumentParser(prog="python -m tslcd_wire.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="where the files are")
    options = parser.parse_args(arguments)
    stale = []
    for name, text in documents().items():
        path = options.folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not options.check:
            path.write_text(text, encoding="utf-8")
    for path in stale:
        word = "not current, run python -m tslcd_wire.schema" if options.check else "written"
        sys.stdout.write(f"{path}: {word}\n")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
