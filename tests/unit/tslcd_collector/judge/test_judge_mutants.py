"""The tables catch a judge that is wrong: comparisons swapped one by one, in place, in the code that runs.

A mutant is a function whose code differs in one comparison, one ``and`` or one ``or``. It is put into the place of the right one while the
tables are gone through, so nothing is imported twice and all of them take seconds.
"""

from __future__ import annotations

import ast
import inspect
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from support.channel_truth import CUTS, GOOD_VERDICT, TABLE, WAITING
from support.channels import NOW, channel, readings, rounds, traffic
from support.device_truth import AGE
from support.device_truth import TABLE as DEVICES
from tslcd_collector.inventory import Binding, ChannelClass, DeviceClass
from tslcd_collector.judge import Past, devices, evidence, judge, past_of, steadiness
from tslcd_collector.judge import channel as channels
from tslcd_collector.judge.devices import judge_device
from tslcd_collector.verdict import Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterator

SWAPS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
#: A class that warns of anything at all.
ZERO: Final = ChannelClass(id="z", loss_warn=0, latency_warn=0, jitter_warn=0, errors_warn=0, overload_warn=0)
PROBE_AND_LINK: Final = Binding(agent="a1", device="fw", interface="wan1", probes=("gateway",))
LIMITS: Final = DeviceClass(id="d", ignored=("old",))


def _right() -> bool:
    """Whether every row of every table comes out right; an exception is not."""
    try:
        for _, binding, measured, verdict, detail in TABLE:
            said = judge(channel(binding), measured, NOW)
            if f"{said.state.value} {said.reason.value} {said.party.value}" != verdict or said.detail.en != detail:
                return False
        if any(
            judge(channel(**changes), measured, NOW).detail.en != detail for _, changes, measured, detail in WAITING
        ):
            return False
        for verdicts, cuts in CUTS:
            dated_verdicts = ((one, NOW + index) for index, one in enumerate(verdicts))
            if len(past_of(dated_verdicts, 900.0).cuts) != cuts:
                return False
        kept = Past(State.UP, Reason.OK, (NOW - 900, NOW - 800)).after(GOOD_VERDICT, NOW, 900.0).cuts
        nothing = readings(probes={"gateway": rounds(5, 5, 5, rtt=0, jitter=0)}, traffic=traffic(0, 0))
        if kept != (NOW - 800,) or judge(channel(PROBE_AND_LINK, ZERO), nothing, NOW).reason is not Reason.OK:
            return False
        for _, tables, past, told in DEVICES:
            dated: Any = {kind: (table, NOW - AGE) for kind, table in tables.items()}
            found = judge_device(dated, LIMITS, past, NOW).problems
            if {one.value: there for one, there in found.items()} != {
                word.strip("()"): not word.startswith("(") for word in told.split()
            }:
                return False
    except Exception:  # noqa: BLE001 - whatever a wrong judge runs into
        return False
    return True


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions and methods that a module defines itself."""
    for thing in vars(module).values():
        if getattr(thing, "__module__", "") != module.__name__:
            continue
        if isinstance(thing, FunctionType):
            yield thing
        elif isinstance(thing, type):
            yield from (one for one in vars(thing).values() if isinstance(one, FunctionType))


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code and all those within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _mutants(module: ModuleType) -> Iterator[tuple[str, ast.Module]]:
    """Yield the tree of a module with one thing in it changed, and what that is."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=[one]):
                right = ast.unparse(node)
                for swapped in SWAPS[type(one)]:
                    node.ops = [swapped()]
                    yield f"{module.__name__.rpartition('.')[2]}:{node.lineno}: {right} -> {ast.unparse(node)}", tree
                node.ops = [one]
            case ast.BoolOp(op=right_op):
                right = ast.unparse(node)
                node.op = ast.Or() if isinstance(right_op, ast.And) else ast.And()
                yield f"{module.__name__.rpartition('.')[2]}:{node.lineno}: {right} -> {ast.unparse(node)}", tree
                node.op = right_op
            case _:
                pass


def _survives(module: ModuleType, tree: ast.Module) -> bool:
    """Whether the tables are content with the module as it is in ``tree``."""
    path = inspect.getsourcefile(module) or ""
    wrong = {(one.co_qualname, one.co_firstlineno): one for one in _codes(compile(tree, path, "exec"))}
    replaced = []
    for function in _functions(module):
        code = function.__code__
        other = wrong.get((code.co_qualname, code.co_firstlineno))
        if other is not None and other != code:
            replaced.append((function, code))
            function.__code__ = other
    try:
        return _right()
    finally:
        for function, code in replaced:
            function.__code__ = code


def test_swapped_comparisons_are_caught() -> None:
    """At least nine of ten mutants of the judge fail some row; those that do not are told."""
    assert _right()
    survivors, count = [], 0
    for module in (channels, evidence, steadiness, devices):
        for what, tree in _mutants(module):
            count += 1
            if _survives(module, tree):
                survivors.append(what)
    assert _right()
    assert count > 200
    assert len(survivors) <= count / 10, "\n".join(survivors)
