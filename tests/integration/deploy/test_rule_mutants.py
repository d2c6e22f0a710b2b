"""The tests of the alert rules are held against mistakes in the rules: a short draw here, all of them by ``tests/soak rules``."""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

import yaml

from rigs.rule_mutations import KINDS
from rigs.rules import ENOUGH, RULES, mutants, run, share

#: Mutants of a test run: of each kind as many, but none of the load, whose tests take long.
DRAWN: Final = 2
#: Of so few, this many may be among those that nobody notices.
LUCK: Final = 1


def test_mistakes_in_the_rules_are_noticed() -> None:
    """Operator, threshold, ``for``, label, severity and clause: nearly all of a draw of each are caught."""
    draw = random.Random(20260101)  # noqa: S311 - a draw, not a secret
    known = [one for one in mutants() if one.file != "load.rules.yml"]
    chosen = [one for kind in KINDS for one in draw.sample([mutant for mutant in known if mutant.kind == kind], DRAWN)]
    fates = run(chosen, 2, lambda: None)
    survivors = [fate.mutant.words for fate in fates if fate.fate == "survived"]
    assert len(survivors) <= LUCK, survivors
    assert share(fates) >= ENOUGH - LUCK / len(fates)


def test_every_alert_is_put_to_the_test() -> None:
    """Each rule has mutants of its severity, its labels and its expression; and no two mutants are the same."""
    found = list(mutants())
    rules = [
        rule
        for file in RULES.glob("*.rules.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]
    names = {rule.get("record") or f"{rule['alert']}/{rule['labels']['severity']}" for rule in rules}
    assert {one.rule for one in found} >= names - {"Watchdog/none"}
    kinds = Counter(one.kind for one in found)
    assert set(kinds) == set(KINDS)
    assert len({(one.file, one.words, repr(one.document)) for one in found}) == len(found)
