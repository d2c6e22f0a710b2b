"""How much of something a device takes in one answer: found out, remembered from round to round, tried again with care.

Invariants:

* What was refused is halved at once; a larger size is tried only after ``patience`` good rounds, and then goes half of the
  way back to what was refused.
* Every trial that fails doubles the patience, up to MAX_PATIENCE rounds: a device with small answers is not tormented.

Pure.
"""

from __future__ import annotations

from typing import Final

#: Good rounds before a larger size is tried, at first and at most.
PATIENCE: Final = 20
MAX_PATIENCE: Final = 640


class Allowance:
    """The largest size that a device is known to take, at most ``most``."""

    def __init__(self, most: int) -> None:
        """Begin with everything."""
        self._most = most
        self._refused = most + 1
        self._proven = 0  # a size that was good for long, 0 where there is none
        self._patience = PATIENCE
        self._good = 0
        #: What to ask for now.
        self.size = most

    def refuse(self, size: int, *, sure: bool = True) -> None:
        """Take note that an answer of ``size`` did not come. Sizes below 1 do not exist.

        ``sure``: the device said so; silence may have been the network's.
        """
        if size > self.size:
            return
        if sure:
            self._refused = max(2, size)
        if 0 < self._proven < size:
            # a trial failed: back to what was good
            self._patience = min(MAX_PATIENCE, 2 * self._patience)
            self.size = self._proven
        else:
            self.size = max(1, size // 2)
        self._proven = 0
        self._good = 0

    def accept(self) -> None:
        """Take note of a round in which nothing was refused."""
        self._good += 1
        if self.size >= self._most or self._good < self._patience:
            return
        self._good = 0
        self._proven = self.size
        if self._refused - self.size <= 1:
            # all that is known to be refused was found out long ago: perhaps it was the network
            self._refused = self._most + 1
            self._patience = min(MAX_PATIENCE, 2 * self._patience)
        self.size = min(self._most, (self.size + self._refused) // 2)
