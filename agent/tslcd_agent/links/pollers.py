"""What traps and fast polls ask of the pollers: which interface an index is, and to go round now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Poller(Protocol):
    """As much of a device's poller as link state needs."""

    def key_of(self, index: str) -> str | None:
        """Return the key of the interface with this ifIndex, None when it is not known (or not wanted)."""
        ...

    def indexes_of(self, patterns: Sequence[str]) -> Mapping[str, str]:
        """Return key and ifIndex of the known interfaces whose keys match shell patterns."""
        ...

    def wake(self, reason: str) -> None:
        """Poll as soon as that is good for the device."""
        ...


class Pollers:
    """The pollers by device. A device without one is known nothing of, and is not woken."""

    def __init__(self, pollers: Mapping[str, Poller]) -> None:
        """Refer to a mapping, which may still be filled."""
        self._pollers = pollers

    def key_of(self, device: str, index: str) -> str | None:
        """Return the key of an interface, None when it is not known."""
        poller = self._pollers.get(device)
        return None if poller is None else poller.key_of(index)

    def indexes_of(self, device: str, patterns: Sequence[str]) -> Mapping[str, str]:
        """Return ifIndex by key of the interfaces that match."""
        poller = self._pollers.get(device)
        return {} if poller is None else poller.indexes_of(patterns)

    def wake(self, device: str, reason: str) -> None:
        """Poll a device now."""
        poller = self._pollers.get(device)
        if poller is not None:
            poller.wake(reason)
