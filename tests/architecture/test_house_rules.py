"""What the house asks of every file, beyond what ruff, mypy and the import contracts can tell."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("agent", "collector")
LONGEST = 400
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core", "misc"}
#: Folders that a build or a tool makes.
MADE = {"dist", "build", "__pycache__", "node_modules"}


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files of the repository; of an unpacked source distribution, all that no tool made."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        names = [
            path
            for path in ROOT.rglob("*")
            if not any(part.startswith(".") or part in MADE for part in path.relative_to(ROOT).parts)
        ]
    return tuple(path for path in names if path.is_file())


def shown(path: Path) -> str:
    """Name a file from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


@cache
def modules() -> dict[str, ast.Module]:
    """Parse every Python file."""
    return {shown(path): ast.parse(path.read_bytes()) for path in tracked() if path.suffix == ".py"}


def test_long_files_have_a_reason() -> None:
    """A module of more than 400 lines says the reason in its docstring."""
    assert [
        f"{shown(path)}: {lines} lines"
        for path in tracked()
        if path.suffix == ".py"
        and (lines := path.read_text().count("\n")) > LONGEST
        and "reason" not in (ast.get_docstring(modules()[shown(path)]) or "")
    ] == []


def test_source_roots_are_not_packages() -> None:
    """agent/ and collector/ are source roots; an __init__.py there would make imports depend on the folder they run in."""
    assert [root for root in PROGRAMS if (ROOT / root / "__init__.py").exists()] == []
    assert [name for name in modules() if name.startswith("tests/") and name.endswith("/__init__.py")] == []


def test_names_are_nouns_of_the_field() -> None:
    """No module or folder has a name that could be any other's."""
    parts = {name: set(Path(name).with_suffix("").parts) for name in map(shown, tracked())}
    assert {name: bad for name, has in parts.items() if (bad := has & FORBIDDEN)} == {}


def test_names_of_tests_are_unique() -> None:
    """Two test files of one name would hide each other, since folders of tests are no packages."""
    names = [Path(name).name for name in modules() if name.startswith("tests/")]
    tests = [name for name in names if name.startswith("test_")]
    assert sorted(tests) == sorted(set(tests))


def test_every_module_says_what_it_is() -> None:
    """Every module and every test has a docstring."""
    assert [name for name, module in modules().items() if not ast.get_docstring(module)] == []
    assert [
        f"{name}: {node.name}"
        for name, module in modules().items()
        if name.startswith("tests/")
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not ast.get_docstring(node)
    ] == []


def test_public_functions_are_annotated() -> None:
    """Every argument and result of a public function of the programs has a type."""
    missing = []
    for name, module in modules().items():
        if not name.startswith(PROGRAMS):
            continue
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                bare = [one.arg for one in arguments if one.annotation is None and one.arg not in {"self", "cls"}]
                if bare or node.returns is None:
                    missing.append(f"{name}:{node.lineno} {node.name} {bare}")
    assert missing == []


def test_no_task_is_forgotten() -> None:
    """The result of create_task, ensure_future and call_later is never thrown away."""
    forgotten = []
    for name, module in modules().items():
        if not name.startswith(PROGRAMS):
            continue
        for node in ast.walk(module):
            call = node.value if isinstance(node, ast.Expr) else None
            function = call.func if isinstance(call, ast.Call) else None
            if isinstance(function, ast.Attribute) and function.attr in {"create_task", "ensure_future"}:
                owner = ast.unparse(function.value)
                # a TaskGroup keeps its tasks itself
                if owner in {"asyncio", "loop", "self._loop"}:
                    forgotten.append(f"{name}: {ast.unparse(function)}")
    assert forgotten == []


#: Written in pieces, so that this file does not have them itself.
FOREIGN = re.compile(
    r"(?<![\w./-])/(?:" + "work|home/[a-z]+|root/\\.|tmp/lab|builds" + r")(?:/|\b)"
    r"|^--?(?:extra-)?(?:index-" + r"url|find-" + r"links|trusted-" + r"host)\b.*"
    r"|https?://[^/\s\"']*(?:artifac" + r"tory|nex" + r"us|devpi|verdaccio|mirror)[^\s\"']*",
    re.MULTILINE,
)


def test_nothing_of_one_machine_is_in_the_repository() -> None:
    """No path of a developer's machine and no host of a private registry is in any file."""
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{shown(path)}: {match[0]}" for match in FOREIGN.finditer(text)]
    assert found == []


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after a statement."""
    program = f"{statement}\nimport sys; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


COLLECTORS = {"prometheus_client", "starlette", "uvicorn", "sqlalchemy", "jinja2"}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import tslcd_wire.codec, tslcd_wire.schema.documents", {"yaml", "aiomqtt", "paho", "structlog", "click", "rich", "tslcd_runtime"}),
        ("import tslcd_runtime.settings, tslcd_runtime.logs", {"rich", "pygments", "click", "aiomqtt", "tslcd_wire"}),
        ("import tslcd_agent.cli", {"rich", "pygments", "cryptography", "pysnmp", "gufo", "tslcd_collector", *COLLECTORS}),
        ("import tslcd_collector.app, tslcd_collector.cli", {"argon2", "authlib", "cryptography", "httpx", "joserfc", "pyotp", "rich", "segno"}),
        ("import tslcd_agent.app", {"rich", "pygments", "cryptography", "pysnmp", "tslcd_collector", *COLLECTORS}),
    ],
    ids=["wire", "runtime", "agent's commands", "running collector", "running agent"],
)  # fmt: skip
def test_imports_are_as_light_as_they_should_be(statement: str, absent: set[str]) -> None:
    """What costs memory or belongs to the other program is imported where it is needed, or not at all."""
    assert loaded_by(statement) & absent == set()


def test_import_contracts_hold() -> None:
    """The contracts of import-linter in pyproject.toml are kept."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
