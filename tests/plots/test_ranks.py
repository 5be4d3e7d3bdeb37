"""Names that have no colour of their own: by rank among all of a source, the same in every figure of it."""

from __future__ import annotations

from collections.abc import Callable

from mtasts_nb import plots
from mtasts_nb.plots._series import fold
from mtasts_nb.plots._view import DOMAIN, MX, REPORTER, view_of
from mtasts_nb.reports import Archive

EXPIRED, MX1 = "certificate-expired", "mx1.nordwind.example"


def _source(archive: Callable[..., Archive], session: type) -> Archive:
    return archive(
        session(day, ((EXPIRED, MX1, 10 * (who + 1)),), reporter=f"R{who}", domain=f"d{who % 2}.example")
        for day in range(3)
        for who in range(8)
    )


def test_a_reporter_keeps_its_colour_whatever_a_figure_is_about(archive, session) -> None:
    source = _source(archive, session)
    looks = [
        {series.name: series.style for series in fold(view_of(source, (REPORTER,), **asked), REPORTER)}
        for asked in ({}, {"domain": "d0.example"}, {"period": ("2026-03-02", "2026-03-02")})
    ]
    assert len(looks[0]) == len(set(looks[0].values())) == 8
    assert all(looks[0][name] == style for narrowed in looks[1:] for name, style in narrowed.items())


def test_a_reporter_a_host_and_a_domain_never_look_the_same(archive, session) -> None:
    source = _source(archive, session)
    looks = {key: {series.style for series in fold(view_of(source, (key,)), key)} for key in (REPORTER, MX, DOMAIN)}
    assert looks[REPORTER].isdisjoint(looks[MX] | looks[DOMAIN])
    assert looks[MX].isdisjoint(looks[DOMAIN])


def test_failures_by_policy_domain(archive, session) -> None:
    text = plots.alt_text(plots.failures_over_time(_source(archive, session), by="policy_domain"))
    assert "stacked by policy domain. 2 policy domains" in text
    assert "Most are d1.example 600 (55.6 %), d0.example 480 (44.4 %)." in text
