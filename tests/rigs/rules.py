"""Mutation of the shipped rules: each mutant is given to the rules' own tests, which must fail.

A mutant that Prometheus does not even take is none, and neither is one that can make no difference: :data:`EQUIVALENT` names those, each
with the reason. The cases that read its file are run from the quickest on, and no further than the first that fails.
"""

from __future__ import annotations

import copy
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import yaml
from rich.console import Console
from rich.progress import Progress

from rigs.ending import finish
from rigs.page import Section
from rigs.rule_mutations import KINDS
from support.processes import find_program

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

RULES: Final = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules"
#: Caught at least.
ENOUGH: Final = 0.9
#: The text that a mutant is judged by.
TOLD: Final = "summary_en"
#: Mutants that mean the same as the rule: a pattern for "rule: mistake", and why.
EQUIVALENT: Final[dict[str, str]] = {
    r"increase at \d+ is rate": "only whether a counter moved is asked: above nothing, a rate is as good",
    r"info: \* at \d+ is /": "what the inventory says of a channel has the value 1",
    r"redundancy_working:count: count at 0 is sum": "the same",
    r"channel:inventory:info: (max at \d+ is min|topk at \d+ is bottomk)": "the same",
    r"/(StoreFailing|Reports|Notifications)\S*: 0 at \d+ is 1$": "an extrapolated increase of one is a little more than one",
    r"(BackfillRefused|ReportsLost|NotificationsFailing|StoreFailing)\S*: 0 at \d+ is 1$": "the same",
    r"(Channel|CutWithMany|Upstream|Redundancy|channel:|SitePower|AgentLost)\S*: max at \d+ is min": "what is folded there has the value 1",
    r"agent:lost:info: max at 68 is min": "that there is an agent is asked, not what its value is",
    r"(ManyAgentsLost/critical|province:channels\S*): max at \d+ is min": "lines are counted, whatever the value",
    r"channels_cut_\w+:count: count at \d+ is sum": "a cut has the value 1",
    r"ChannelDown/\w+: count_over_time at \d+ is sum_over_time": "the same",
    r"Watchdog/none: 1 at \d+ is 0": "an alert fires whatever its value",
    r"(ManyAgentsLost\S*|agent:\S*): \w+ at \d+ without site": "an agent stands at one site",
    r"province:\S*: (by|on) at \d+ without site": "a channel's id is unique in its province",
    r"BackfillRefused/warning: max at 0 is min": "of what is above nothing, that there is something is asked",
    r"BackfillRefused/warning: by at 262 without": "the same",
    r"BackfillRefused/warning: outcome!=\"accepted\" at \d+ is (gone|other)": "what was accepted is taken away beside it",
    r"BackfillRefused/warning: sum at \d+ is count": "the same, since nothing that is zero is in it",
    r"ChannelDown/critical: alertname=\"ChannelDown\" at \d+ is gone": "no other critical alert has a channel",
    r"Channel\S*: topk at \d+ is bottomk": "of lines that all have the value 1 one is told, whichever",
    r"ChannelDown/\w+: alertstate=\"firing\" at 5\d\d is gone": "flapping is told at once, so it is never pending",
    r"channel:cut:info: alertstate=\"firing\" at \d+ is gone": "what is cut upstream is told at once, so it is never pending",
    r"ManyChannelsDown/critical: 10m at \d+ is 1200s": "a longer memory of the most cuts at once is as good",
    r"ManyChannelsDown/critical: alertstate=\"firing\" at 234 is gone": "many cuts are told at once, so that is never pending",
    r"ManyChannelsDown/critical: alertstate=\"firing\" at 312 is gone": "a pending alert is of a channel that is cut now, and those are taken away",
}


class _Loader(yaml.SafeLoader):
    """Reads ``0x5`` as promtool does: six zeros, and no number with sixteen as its base."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":int")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"), list("-+0123456789"))


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. ``document`` is the whole rules file with it."""

    file: str
    rule: str
    kind: str
    mistake: str
    document: dict[str, Any]

    @property
    def words(self) -> str:
        """Name it."""
        return f"{self.rule}: {self.mistake}"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant: ``caught``, ``survived``, or ``none`` when Prometheus does not take it."""

    mutant: Mutant
    fate: str


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(file.read_text(), _Loader)  # noqa: S506 - it is a SafeLoader, with fewer integers
    return document


def _bare(file: Path) -> dict[str, Any]:
    """Read a rules file without its texts, but for the short ones that tell an alert's value.

    Writing texts costs promtool more than all else, and no mutant changes more of them than the value.
    """
    document = _read(file)
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        text = rule.pop("annotations", {}).get(TOLD, "")
        if "$value" in text and "query" not in text:
            rule["annotations"] = {TOLD: text}
    return document


def mutants() -> Iterator[Mutant]:
    """Yield every mutant that may make a difference, without texts."""
    for file in sorted(RULES.glob("*.rules.yml")):
        document = _bare(file)
        for group_number, group in enumerate(document["groups"]):
            for number, rule in enumerate(group["rules"]):
                name = rule.get("record") or f"{rule['alert']}/{rule['labels']['severity']}"
                for kind, mutate in KINDS.items():
                    for mistake, changed in mutate(rule):
                        words = f"{name}: {mistake}"
                        if any(re.search(pattern, words) for pattern in EQUIVALENT):
                            continue
                        mutated = copy.deepcopy(document)
                        mutated["groups"][group_number]["rules"][number] = changed
                        yield Mutant(file.name, name, kind, mistake, mutated)


@dataclass(frozen=True, slots=True)
class Case:
    """One test case in a file of its own: its name, the rules files it reads, and the time it takes in seconds."""

    name: str
    files: frozenset[str]
    seconds: float


def cases(folder: Path, files: Collection[str]) -> list[Case]:
    """Write the rules, and the test cases of ``files``, into ``folder``, bare; run each once; return them, the quick ones first.

    Raises:
        RuntimeError: a case fails though no rule has a mistake.
    """
    told: set[str] = set()
    for path in RULES.glob("*.rules.yml"):
        document = _bare(path)
        told.update(rule["alert"] for group in document["groups"] for rule in group["rules"] if "annotations" in rule)
        (folder / path.name).write_text(yaml.safe_dump(document, allow_unicode=True))
    found = []
    for path in RULES.glob("*.test.yml"):
        document = _read(path)
        for number, case in enumerate(document["tests"] if set(files).intersection(document["rule_files"]) else ()):
            for test in case.get("alert_rule_test", ()):
                for alert in test["exp_alerts"]:
                    texts = alert.pop("exp_annotations", {})
                    if test["alertname"] in told:
                        alert["exp_annotations"] = {TOLD: texts[TOLD]}
            name = f"{path.name.removesuffix('.test.yml')}.{number}.test.yml"
            (folder / name).write_text(yaml.safe_dump({**document, "tests": [case]}, allow_unicode=True))
            began = time.perf_counter()
            failed, said = _promtool("test", "rules", str(folder / name))
            if failed:
                raise RuntimeError(f"{path.name}, case {number}, fails without a mistake:\n{said}")
            found.append(Case(name, frozenset(document["rule_files"]), time.perf_counter() - began))
    return sorted(found, key=lambda case: case.seconds)


def _promtool(*arguments: str) -> tuple[bool, str]:
    """Return whether promtool is not content, and what it says."""
    done = subprocess.run([find_program("promtool"), *arguments], capture_output=True, text=True, check=False)
    return done.returncode != 0, done.stdout + done.stderr


def judge(mutant: Mutant, original: Path, all_cases: Sequence[Case]) -> Fate:
    """Give a mutant to the cases that read its file; ``original`` is the folder that :func:`cases` wrote."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "rules"
        shutil.copytree(original, folder)
        (folder / mutant.file).write_text(yaml.safe_dump(mutant.document, allow_unicode=True))
        for case in (case for case in all_cases if mutant.file in case.files):
            failed, said = _promtool("test", "rules", str(folder / case.name))
            if failed:
                taken = "exp:" in said or not _promtool("check", "rules", str(folder / mutant.file))[0]
                return Fate(mutant, "caught" if taken else "none")
    return Fate(mutant, "survived")


def run(chosen: Sequence[Mutant], processes: int, tick: Callable[[], None]) -> list[Fate]:
    """Judge mutants, some at a time."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(processes) as pool:
        original = Path(name)
        all_cases = cases(original, {mutant.file for mutant in chosen})

        def one(mutant: Mutant) -> Fate:
            fate = judge(mutant, original, all_cases)
            tick()
            return fate

        return list(pool.map(one, chosen))


def section(fates: Sequence[Fate], seed: int) -> Section:
    """Return the table."""
    counts = Counter((fate.mutant.kind, fate.fate) for fate in fates)
    rows = [_row(kind, counts[kind, "caught"], counts[kind, "survived"]) for kind in KINDS]
    caught, survived = (sum(one.fate == fate for one in fates) for fate in ("caught", "survived"))
    rows.append(_row("all", caught, survived))
    notes = [
        (
            f"{caught} of {caught + survived} mutants caught (budget: {ENOUGH:.0%}), seed {seed}; {len(fates) - caught - survived} more are "
            f"no rules for Prometheus; {len(EQUIVALENT)} patterns name mutants that mean the same."
        )
    ]
    return Section("rules", ("mistake", "caught", "of", "share"), rows, notes)


def _row(kind: str, caught: int, survived: int) -> tuple[str, ...]:
    total = caught + survived
    return kind, str(caught), str(total), f"{caught / total:.1%}" if total else "–"


def share(fates: Sequence[Fate]) -> float:
    """Return the share of the mutants that were caught; 1 without any."""
    judged = [fate.fate for fate in fates if fate.fate != "none"]
    return judged.count("caught") / len(judged) if judged else 1.0


@click.command()
@click.option("--sample", default=0, help="Only so many mutants, drawn by the seed; 0 for all.")
@click.option("--seed", default=20260101, show_default=True, help="The same seed draws the same.")
@click.option("--only", default="", help="Only mutants whose file, rule or mistake has these words.")
@click.option("--processes", default=2, show_default=True, help="Mutants at a time.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@click.option("--write", is_flag=True, help="Write the figures into tests/faults/README.md.")
def rules(*, sample: int, seed: int, only: str, processes: int, as_json: bool, write: bool) -> None:
    """Put one mistake after another into the alert rules, and see whether their tests notice."""
    chosen = [one for one in mutants() if only in f"{one.file} {one.words}"]
    if sample:
        chosen = random.Random(seed).sample(chosen, min(sample, len(chosen)))  # noqa: S311 - a draw, not a secret
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("mutants", total=len(chosen))
        fates = run(chosen, processes, lambda: progress.advance(task))
    failures = [f"{one.mutant.file}, {one.mutant.words}: nobody noticed" for one in fates if one.fate == "survived"]
    finish(section(fates, seed), failures, clean=share(fates) >= ENOUGH, as_json=as_json, write=write)
