"""Which spans tell one story."""

from __future__ import annotations

import pytest

from mtasts_nb.analysis.incidents._spans import Extent, stories

A, B = "a.example", "b.example"
EXPIRED, MISMATCH = "certificate-expired", "certificate-host-mismatch"


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param([Extent(10, 14, A, "mx1", EXPIRED)], [1], id="one"),
        pytest.param([Extent(10, 14, A, "mx1", EXPIRED), Extent(10, 14, A, "mx2", EXPIRED)], [1, 1], id="two MX"),
        pytest.param([Extent(10, 14, A, "mx1", EXPIRED), Extent(11, 13, A, "mx1", MISMATCH)], [1, 1], id="two types"),
        pytest.param([Extent(10, 14, A, "mx1", EXPIRED), Extent(10, 14, B, "mx1", EXPIRED)], [1, 1], id="one MX, two domains"),
        pytest.param([Extent(10, 14, A, "mx1", EXPIRED), Extent(10, 14, B, "mx9", EXPIRED)], [1, 2], id="other domain, other MX"),
        pytest.param([Extent(10, 14, A, "", "sts-webpki-invalid"), Extent(10, 14, B, "", "sts-webpki-invalid")], [1, 2], id="no MX is no common MX"),
        pytest.param([Extent(10, 30, A, "mx1", EXPIRED), Extent(16, 20, A, "mx2", EXPIRED)], [1, 2], id="begins six days later"),
        pytest.param([Extent(10, 11, A, "mx1", EXPIRED), Extent(12, 20, A, "mx2", EXPIRED)], [1, 2], id="no day in common"),
        pytest.param([Extent(10, 30, A, "mx1", EXPIRED), Extent(16, 20, A, "", "unattributed")], [1, 1], id="unexplained, within"),
        pytest.param([Extent(10, 14, A, "mx1", EXPIRED), Extent(30, 34, A, "", "unattributed")], [1, 2], id="unexplained, alone"),
        pytest.param(
            [Extent(10, 20, A, "mx1", EXPIRED), Extent(15, 30, A, "", "unknown"), Extent(22, 40, A, "mx2", MISMATCH)],
            [1, 2, 2],
            id="what is unexplained does not make one of two stories",
        ),
        pytest.param(
            [Extent(12, 16, A, "mx3", EXPIRED), Extent(10, 14, A, "mx1", EXPIRED), Extent(11, 15, A, "mx2", EXPIRED)],
            [1, 1, 1],
            id="a chain, in any order",
        ),
    ],
)  # fmt: skip
def test_stories(spans, expected) -> None:
    assert stories(spans) == expected
