"""A small fleet, the days around its incidents: told once, within a day of the first report, and nothing else.

The wide run is `python -m tests.check.simulation`.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from mtasts_nb.check import Change, Kind, News
from tests.check.simulation import Event, Fleet, fleet, is_about, mornings


@pytest.fixture(scope="module")
def small() -> Fleet:
    return fleet(2, 40, 4)


def test_an_incident_is_told_once_within_a_day(small) -> None:
    event = next(
        event for event in small.events if event.kind is Kind.INCIDENT and (event.first - small.first).days > 14
    )
    begin = (event.first - small.first).days
    told: list[tuple[date, News]] = [
        (morning, each)
        for morning, news in mornings(small, begin, begin + 3)
        for each in news
        if each.change is Change.NEW and each.kind is Kind.INCIDENT and is_about(each, event)
    ]
    assert len(told) == 1
    assert told[0][0] - event.first <= timedelta(days=2), "the first report comes the day after"


def test_a_silent_reporter_is_told_once(small) -> None:
    (event,) = [event for event in small.events if event.kind is Kind.SILENT_REPORTER]
    assert isinstance(event, Event)
    begin = (event.first - small.first).days + 3
    told = [each for _, news in mornings(small, begin, begin + 2) for each in news if is_about(each, event)]
    assert len(told) == 1
