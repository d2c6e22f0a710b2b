"""Every profile that is shipped: right in itself, and not in the way of another."""

from __future__ import annotations

import pytest

from tslcd_agent.snmp.profile.findings import columns_of
from tslcd_agent.snmp.profile.library import GENERIC, SHIPPED, Library

LIBRARY = Library()


@pytest.mark.parametrize("name", LIBRARY.names)
def test_shipped_profile_is_right(name: str) -> None:
    """No mistake is in the file, with all it inherits it gives something, and it says where its objects come from."""
    assert [str(problem) for problem in LIBRARY.check(name)] == []
    profile = LIBRARY.profile(name)
    assert columns_of(profile)
    assert profile.lineage[-1] == name


def test_no_two_profiles_claim_the_same_devices() -> None:
    """An identifier without a text, or a pair of both, belongs to one profile."""
    claims: dict[tuple[str | None, str | None], str] = {}
    for name in LIBRARY.names:
        for entry in LIBRARY.entries(name):
            assert claims.setdefault(entry[1:], name) == name


@pytest.mark.parametrize("name", LIBRARY.names)
def test_own_identifier_leads_to_the_profile(name: str) -> None:
    """A device with exactly the identifier that a profile names, and nothing in its description, has that profile."""
    for entry in LIBRARY.entries(name):
        if entry.sys_object_id is not None and entry.sys_descr is None:
            assert LIBRARY.choose(entry.sys_object_id, "").name == name


def test_every_file_in_the_folder_is_a_profile() -> None:
    """The folder has profiles and pages about them; the generic profile is among them."""
    assert {path.suffix for path in SHIPPED.iterdir() if path.is_file()} == {".yaml", ".md"}
    assert GENERIC in LIBRARY
    assert LIBRARY.entries(GENERIC) == ()
