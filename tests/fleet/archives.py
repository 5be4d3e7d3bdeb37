"""A fleet of senders that writes report archives: seeded, repeatable, without any real organisation in it.

The world (`world`) says what two domains publish and what breaks; each sender (`senders`) lives through
it with a policy cache of its own; its dialect (`shapes`) words the report; `pack` wraps it. The sample
archive of this package is one such archive. Needs nothing beyond the standard library.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mtasts_nb.errors import LabError

from .chance import Chance
from .layout import ArchiveSummary, lay_out
from .pack import WrittenReport, gzipped
from .roster import Sender, more_senders, senders
from .senders import Correspondence, is_weekend
from .shapes import json_report
from .world import FIRST_DAY, SAMPLE_DAYS, Timeline, world

__all__ = ["SEED", "ArchiveSummary", "iter_reports", "write_flat", "write_sample", "written_reports"]

#: The seed of the bundled sample.
SEED = 8461

# The report mailbox was over quota: nobody's report of these days (from the first of the sample) was kept.
_MAILBOX_FULL = frozenset({35, 36})


def _written(seed: int, days: int) -> Iterator[WrittenReport]:
    return written_reports(world(), senders(), seed=seed, days=days, mailbox_full=_MAILBOX_FULL)


def written_reports(
    timelines: Mapping[str, Timeline],
    roster: Iterable[Sender],
    *,
    seed: int,
    days: int,
    mailbox_full: Container[int] = (),
) -> Iterator[WrittenReport]:
    """Yield the reports of a roster of senders that live through a world, sender by sender.

    Parameters
    ----------
    timelines : mapping of str to Timeline
        The world, by policy domain; each domain that a sender has traffic with.
    roster : iterable of Sender
        Who reports.
    seed, days : int
        As in `iter_reports`.
    mailbox_full : container of int
        Days, counted from the first, of which nobody's report was kept.
    """
    for sender in roster:
        for domain in sender.volume:
            gaps = Chance(seed, sender.slug, domain, "gaps")
            words = Chance(seed, sender.slug, domain, "words")
            timeline = timelines[domain]
            for sender_day in Correspondence(sender, timeline, seed).days(FIRST_DAY, days):
                number = sender_day.day - FIRST_DAY
                lost = gaps.share() < sender.silent or (sender.weekdays_only and is_weekend(sender_day.day))
                asked = timeline.states[timeline.index(sender_day.day * 86_400)].reported
                active = any(start <= number < stop for start, stop in sender.active)
                if lost or not asked or not active or number in mailbox_full:
                    continue
                if (report := json_report(sender_day, words)) is not None:
                    yield WrittenReport.of(sender_day, report)


def iter_reports(seed: int = SEED, days: int = SAMPLE_DAYS) -> Iterator[dict[str, Any]]:
    """Yield the reports of the fleet as JSON objects, sender by sender, before they are wrapped.

    Parameters
    ----------
    seed : int
        The same seed and number of days give the same reports.
    days : int
        UTC days from 2026-07-04. Beyond 120 the last state of the world lasts.

    Examples
    --------
    >>> first = next(iter_reports(days=1))
    >>> first["report-id"]
    '2026-07-04T00:00:00Z_nordwind.example'
    """
    for written in _written(seed, days):
        yield written.report


def write_sample(folder: str | Path, *, seed: int = SEED, days: int = SAMPLE_DAYS) -> ArchiveSummary:
    """Write an archive in mixed forms, with duplicates, odd files and `truth.csv`, and return what was written.

    Parameters
    ----------
    folder : str or Path
        Where to write; made where it is missing. Files of an earlier archive in it are removed, and nothing else:
        a folder that holds anything without a `truth.csv` beside it is refused.
    seed : int
        The same seed and days give the same bytes with the same build of zlib; the same reports with any.
    days : int
        UTC days from 2026-07-04.

    Raises
    ------
    LabError
        The folder holds something else than an archive of ours.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_sample(folder, days=7).reports > 10
    True
    """
    return lay_out(Path(folder), list(_written(seed, days)), world(), FIRST_DAY, days, seed)


def write_flat(folder: str | Path, *, reports: int, seed: int = SEED, days: int = SAMPLE_DAYS) -> ArchiveSummary:
    """Write exactly so many small .json.gz into one folder, for benchmarks, and return what was written.

    The eight reporters come first, then as many of their kinds as are needed. There are no duplicates, no gaps, no
    other files and no truth. Files are written as they are made: memory does not grow with their number.

    Parameters
    ----------
    folder : str or Path
        Where to write; made where it is missing, and must be empty.
    reports : int
        How many; from 0.
    seed, days : int
        As in `write_sample`.

    Raises
    ------
    LabError
        The folder is not empty.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_flat(folder, reports=25, days=10).files
    25
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise LabError(f"{target} is not empty: a flat archive is counted by its files. Name a new folder.")
    size = count = 0
    for written in islice(_endless(seed, days), reports):
        # Level 1: the files are small, and a benchmark's set-up should not take longer than the benchmark.
        data = gzipped(written.body, level=1)
        with open(target / f"{written.name}.json.gz", "xb") as file:  # noqa: PTH123 - twice as fast as Path.open
            file.write(data)
        count += 1
        size += len(data)
    return ArchiveSummary(count, count, size)


def _endless(seed: int, days: int) -> Iterator[WrittenReport]:
    timelines = world()
    if days < 1:
        return
    for sender in more_senders():
        for domain in sender.volume:
            words = Chance(seed, sender.slug, domain, "words")
            for sender_day in Correspondence(sender, timelines[domain], seed).days(FIRST_DAY, days):
                if (report := json_report(sender_day, words)) is not None:
                    yield WrittenReport.of(sender_day, report)
