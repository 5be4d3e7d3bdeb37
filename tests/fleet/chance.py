"""Seeded chance for the fleet: only sums, products and square roots of the generator's own numbers.

`exp`, `log` and `cos` may differ in the last bit between C libraries, and a count rounded from them too.
IEEE 754 fixes the result of `+`, `*` and `sqrt`, so that the same seed gives the same archive on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import sqrt
from typing import TypeVar

__all__ = ["Chance"]

_T = TypeVar("_T")


class Chance:
    """A stream of chance of its own for each name, so that one sender more leaves the others as they are.

    Parameters
    ----------
    *name : str or int
        Seed and names; the same ones give the same stream.

    Examples
    --------
    >>> Chance(7, "a sender").portion(1000, 0.5) == Chance(7, "a sender").portion(1000, 0.5)
    True
    """

    __slots__ = ("_random",)

    def __init__(self, *name: str | int) -> None:
        self._random = random.Random("/".join(map(str, name))).random

    def share(self) -> float:
        """Return a number from 0 up to, but not including, 1."""
        return self._random()

    def below(self, limit: int) -> int:
        """Return a whole number from 0 to `limit` - 1."""
        return int(self._random() * limit)

    def pick(self, items: Sequence[_T]) -> _T:
        """Return one of the items."""
        return items[int(self._random() * len(items))]

    def bell(self) -> float:
        """Return a number spread about 0 with standard deviation 1 (the sum of three uniform ones)."""
        draw = self._random
        return 2 * (draw() + draw() + draw()) - 3

    def count(self, mean: float, spread: float = 1.0) -> int:
        """Return a whole number about `mean`; `spread` 1 scatters as Poisson counts do, more is over-dispersed."""
        if mean < 9 * spread * spread:
            # The bell would reach below zero here, and cutting it off would raise the mean.
            return self._few(mean, int(4 * mean) + 4)
        return int(mean + spread * sqrt(mean) * self.bell() + self._random())

    def portion(self, total: int, share: float) -> int:
        """Return how many of `total` fall to a share, scattered as a binomial count is."""
        if total <= 0 or share <= 0:
            return 0
        if share > 0.5:
            return total - self.portion(total, 1 - share)
        mean = total * share
        if mean < 9:
            return self._few(mean, min(total, int(4 * mean) + 4))
        return int(mean + sqrt(mean * (1 - share)) * self.bell() + self._random())

    def _few(self, mean: float, chances: int) -> int:
        draw, each = self._random, mean / chances
        return sum([draw() < each for _ in range(chances)])

    def token(self, length: int, alphabet: str = "0123456789abcdef") -> str:
        """Return a text of characters of the alphabet."""
        draw, size = self._random, len(alphabet)
        return "".join([alphabet[int(draw() * size)] for _ in range(length)])
