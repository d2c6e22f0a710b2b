"""What ``tslcd-agent check`` says about one thing: whether it works, and in plain words what to do when it does not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the table. ``name`` is what was tried, ``message`` is for people, in their language, without secrets.

    ``settings``: YAML of the keys of agent.yaml that are to be changed, under their parents; empty when none is known.
    """

    name: str
    ok: bool
    message: str
    settings: str = ""
