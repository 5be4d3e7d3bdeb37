"""Where nothing is wrong, hardly anything is called an incident, and nothing with confidence."""

from __future__ import annotations

import mtasts_nb as sts
from tests.analysis.quiet import quiet_archive


def test_quiet_archives_have_few_incidents_and_none_above_low_confidence() -> None:
    months, incidents = 0.0, 0
    for seed in range(60):
        archive, length = quiet_archive(seed)
        frame = sts.find_incidents(archive)
        assert (frame["confidence"] == "low").all(), (seed, frame)
        months, incidents = months + length, incidents + len(frame)
    assert incidents <= 0.05 * months
