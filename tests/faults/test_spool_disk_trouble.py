"""A full disk, and one that answers with errors: the spool goes on, what is new can be sent, and drops are told to the last one."""

from __future__ import annotations

import pytest

from bench.machine import MissingError
from rigs import disk
from rigs.keepers import be_silent

SEED = 20261124


def test_a_full_disk_costs_no_more_than_is_told() -> None:
    """Filled up twice, once for longer than memory lasts: what is dropped is told exactly, and the rest is given back once."""
    be_silent()
    try:
        found = disk.full(2, SEED, lambda _: None)
    except MissingError as error:
        assert "root" in str(error)  # noqa: PT017 - where there is no tmpfs to be had, it says so, and the errors below stand in
    else:
        assert not found.mistakes, found.mistakes
        assert not found.late
        assert found.dropped


@pytest.mark.parametrize("burst", [False, True])
@pytest.mark.parametrize("error", disk.ERRORS)
def test_an_error_of_any_system_call_loses_nothing(error: str, burst: bool) -> None:
    """Every seventieth call of a script fails, alone or with the next forty (the command tries all): the process lives on."""
    found = disk.Errors(error, burst, SEED, 70).run(lambda _: None)
    assert not found.mistakes, found.mistakes
    assert (found.late, found.died) == (0, 0)
    assert found.trials > 1
