"""Invented reporters alone raise no confidence: anyone can mail a report under any name."""

from __future__ import annotations

import numpy as np
import pytest

import mtasts_nb as sts
from mtasts_nb.analysis import reported
from mtasts_nb.analysis._witnesses import independent
from tests.archive_of import ArchiveOf

FAULT = {"certificate-expired": 20}


def confidence(archive: sts.Archive) -> str:
    [row] = sts.find_incidents(archive).to_dict("records")
    return str(row["confidence"])


def history(*reporters: str, days: int = 40) -> list[tuple[object, ...]]:
    return [(day, name, 200, {}) for day in range(days) for name in reporters]


def fault(*reporters: str, days: range) -> list[tuple[object, ...]]:
    return [(day, name, 20, FAULT) for day in days for name in reporters]


INVENTED = tuple(f"Invented {number}" for number in range(6))
FIVE, ONE = range(40, 45), range(40, 41)


def test_two_known_reporters_give_high_confidence(archive_of: ArchiveOf) -> None:
    known = ("Example Post", "Example Mail")
    assert confidence(archive_of(*history(*known), *fault(*known, days=FIVE))) == "high"


@pytest.mark.parametrize("days", [FIVE, ONE], ids=["five days", "one day"])
def test_invented_reporters_raise_none(archive_of: ArchiveOf, days: range) -> None:
    known = history("Example Post")
    alone = confidence(archive_of(*known, *fault("Example Post", days=days)))
    joined = confidence(archive_of(*known, *fault("Example Post", *INVENTED, days=days)))
    assert joined == alone == ("medium" if days is FIVE else "low")


def test_what_only_invented_reporters_see_has_low_confidence(archive_of: ArchiveOf) -> None:
    archive = archive_of(
        *history("Example Post"), *[(day, "Example Post", 200, {}) for day in FIVE], *fault(*INVENTED, days=FIVE)
    )
    assert confidence(archive) == "low"


def test_in_a_young_archive_nobody_is_known_yet(archive_of: ArchiveOf) -> None:
    known = ("Example Post", "Example Mail")
    rows = [(day, name, 20, FAULT if day > 1 else {}) for day in range(8) for name in known]
    assert confidence(archive_of(*rows)) == "medium"


def test_signers_of_their_own_make_reporters_independent() -> None:
    none = np.array([0, 0, 0])
    assert independent(none, ["a.example", "b.example", ""]) == 2
    assert independent(none, ["a.example", "a.example", ""]) == 1
    assert independent(np.array([9, 0, 0]), ["a.example", "a.example", "b.example"]) == 2


def test_what_few_see_is_not_seen_by_many_because_invented_reporters_join(archive_of: ArchiveOf) -> None:
    """Nor do invented reporters that see nothing make a fault that of few."""
    known = [f"Example {number}" for number in range(6)]
    quiet = [(day, name, 200, {}) for day in FIVE for name in known[1:]]
    few = [*history(*known), *fault(known[0], days=FIVE), *quiet]
    for rows in (few, [*few, *fault(*INVENTED, days=FIVE)]):
        [group] = [group for group in reported(archive_of(*rows)) if group.incident]
        assert group.state == "only these senders"
    many = [*history(*known), *fault(*known, days=FIVE)]
    for rows in (many, [*many, *[(day, f"Quiet {n}", 200, {}) for day in FIVE for n in range(20)]]):
        [group] = [group for group in reported(archive_of(*rows)) if group.incident]
        assert group.state == "still reported"
