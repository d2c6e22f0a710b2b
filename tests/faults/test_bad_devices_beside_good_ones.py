"""One agent process, two good devices and one bad one of each kind: what is told of each, and that the good ones feel nothing."""

from __future__ import annotations

import pytest

from rigs import fleet
from rigs.devices import HOSTILE

#: What may be told of a bad device: what it is, told apart from what it is not. A device whose answers come too late or
#: from elsewhere is silent to whom it was to answer; one that answers some questions is up, and what is missing is told.
TOLD = {
    "silent": {"silent"},
    "slow": {"ok"},
    "garbage": {"broken"},
    "mutating": {"ok", "broken", "silent", "refused"},
    "looping": {"ok", "broken"},
    "endless": {"ok", "broken"},
    "storming": {"silent"},
    "late": {"silent"},
    "elsewhere": {"silent", "broken", "refused"},
    "reporting": {"silent", "broken", "refused"},
}


@pytest.fixture(scope="module")
def course() -> fleet.Course:
    """Watch the agent for eight rounds."""
    size = fleet.Size(seconds=16, interval=2, good=2, silent=1, slow=1, hostile=tuple(HOSTILE), rows=4)
    return fleet.watch(size)


def test_the_good_devices_miss_no_round_and_have_their_own_values(course: fleet.Course) -> None:
    """Nothing that a neighbour sends is taken for theirs, and nothing that it does delays them."""
    assert course.mistakes == []
    assert (course.missed, course.expected >= 12) == (0, True)


@pytest.mark.parametrize("behaviour", TOLD)
def test_each_bad_device_is_told_for_what_it_is(course: fleet.Course, behaviour: str) -> None:
    """It has a reading at every tick, as every device, and its states are those of its kind."""
    (states,) = [found for name, found in course.states.items() if name.startswith(f"{behaviour}-")]
    assert set(states) <= TOLD[behaviour]
    assert states.total() >= 5


def test_every_kind_of_bad_device_is_there() -> None:
    """A behaviour that is added is told about here, too."""
    assert set(TOLD) == {"silent", "slow", *HOSTILE}
