"""The way from testing to enforce, in phases, and what each asks before it may begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..markup import MISSING, span
from ..vocabulary import Mode

__all__ = ["Target", "next_phase", "target_of"]

_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY
_MONTH: Final = 30 * _DAY
#: Clean days before enforce or a longer max_age in testing, and before a longer max_age in enforce.
TWO_WEEKS: Final = 14
A_MONTH: Final = 30


@dataclass(frozen=True, slots=True)
class Target:
    """A mode and max_age to go to, and how many clean days it asks for."""

    mode: Mode
    max_age: int
    clean_days: int

    def __str__(self) -> str:
        return f"{self.mode.value}, max_age {span(self.max_age)}"


def next_phase(mode: str | None, max_age: int | None) -> Target | None:
    """Return what comes after a policy; None where nothing does.

    The phases are those of the usual guides: testing with a max_age of a day; of a week after two clean weeks; enforce
    with a week; with thirty days after a clean month.

    Examples
    --------
    >>> str(next_phase("testing", 604800)), str(next_phase("enforce", 604800))
    ('enforce, max_age 7 days', 'enforce, max_age 30 days')
    """
    age = max_age or 0
    if mode == Mode.ENFORCE:
        if age < _WEEK:
            return Target(Mode.ENFORCE, _WEEK, TWO_WEEKS)
        return Target(Mode.ENFORCE, _MONTH, A_MONTH) if age < _MONTH else None
    if mode == Mode.TESTING:
        return Target(Mode.ENFORCE if age >= _WEEK else Mode.TESTING, _WEEK, TWO_WEEKS)
    return Target(Mode.TESTING, _DAY, 0)


def target_of(
    now: tuple[str | None, int | None], mode: str | None, max_age: int | None, days: int | None
) -> Target | None:
    """Return what the caller asks for, filled up with the next phase."""
    usual = next_phase(*now)
    if mode is None and max_age is None:
        found = usual
    else:
        wanted = Mode(mode) if mode is not None else Mode(now[0]) if now[0] else Mode.TESTING
        age = max_age if max_age is not None else _WEEK if usual is None else usual.max_age
        stays = now[0] == wanted == Mode.ENFORCE
        asked = 0 if wanted is Mode.NONE else A_MONTH if stays and age > _WEEK else TWO_WEEKS
        if wanted is Mode.TESTING and now[0] in (None, Mode.NONE.value, Mode.ENFORCE.value):
            asked = 0  # testing holds nothing back
        found = Target(wanted, age, asked)
    if found is None or days is None:
        return found
    return Target(found.mode, found.max_age, days)


def policy_words(mode: str | None, max_age: int | None) -> str:
    """Return a policy as words."""
    return "no policy" if mode is None and max_age is None else f"{mode or MISSING}, max_age {span(max_age)}"
