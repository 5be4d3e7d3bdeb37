"""Many domains: the worst first, and the document leads with the most urgent incident, not with the latest."""

from __future__ import annotations

import re

import pytest

from mtasts_nb.postmortem import open_case
from mtasts_nb.render import Trend, document, to_html, to_text
from mtasts_nb.vocabulary import Level

EXPIRED, FETCH, TLSA = "certificate-expired", "sts-policy-fetch-error", "tlsa-invalid"
DAYS = 20


def _quiet(domain: str, days: int = DAYS, **more: str) -> list[tuple]:
    options = {"domain": domain, "mx": f"mx1.{domain}", **more}
    return [(day, who, 400, {}, options) for day in range(days) for who in ("Post", "Kontor")]


def _failing(domain: str, days: range, kind: str = EXPIRED, good: int = 0, **more: str) -> list[tuple]:
    options = {"domain": domain, "mx": f"mx1.{domain}", **more}
    return [(day, who, good, {kind: 60}, options) for day in days for who in ("Post", "Kontor")]


@pytest.fixture(scope="module")
def many(archive_of):
    """Seven domains: mail deferred now, protection lost now, an incident that is over, and four without any."""
    rows = [row for number in range(4) for row in _quiet(f"quiet-{number}.example", DAYS + 2)]
    rows += [*_quiet("deferred.example"), *_failing("deferred.example", range(DAYS, DAYS + 2))]
    rows += [*_quiet("fetch.example", DAYS - 1), *_failing("fetch.example", range(DAYS - 1, DAYS + 2), FETCH, 300)]
    rows += [*_quiet("over.example", 10), *_failing("over.example", range(10, 12))]
    rows += [
        (day, who, 400, {}, {"domain": "over.example"}) for day in range(12, DAYS + 2) for who in ("Post", "Kontor")
    ]
    return archive_of(*rows)


def test_the_worst_is_first_with_its_incident_trend_and_reporters(many) -> None:
    fleet = open_case(many).fleet()
    first, second, *rest = fleet.domains
    assert (first.policy_domain, first.level, first.reporters) == ("deferred.example", Level.ACT_NOW, 2)
    assert first.incident == "certificate-expired at mx1.deferred.example since 2026-03-21"
    assert second.policy_domain == "fetch.example"
    assert second.level in (Level.ACT_SOON, Level.WATCH)
    assert [domain.incident for domain in rest] == [""] * 5
    assert first.trend.values[-2:] == (1.0, 1.0)
    assert first.trend.values[:8] == (None,) * 8, "a day without a report is not known"
    assert first.share == pytest.approx(240 / 16_240)
    assert sum(fleet.count().values()) == 7


def test_the_document_begins_with_the_fleet_and_then_the_most_urgent(many) -> None:
    case = open_case(many)
    assert case.heading().title == "7 domains, 1 needs action now"
    assert case.opening().title == "The certificate of an MX host has expired: deferred.example"
    assert case.domains().domains == ()
    html = to_html(document(case.fleet()), styled=False)
    assert html.count("<img ") == 7
    assert re.search(r'alt="worst 100 %, last 100 %"', html)
    assert "worst 100 %, last 100 %" in to_text(document(case.fleet()), 200)


def test_one_domain_of_many_has_a_document_of_its_own(many) -> None:
    case = open_case(many, domain="over.example")
    assert case.fleet().domains == case.domains().domains == ()
    assert case.heading().title.endswith(": over.example")
    assert case.opening().openness == "over"


def test_few_domains_are_listed_further_down(sample) -> None:
    case = open_case(sample)
    assert case.fleet().domains == ()
    assert [domain.policy_domain for domain in case.domains().domains] == ["suedwind.example", "nordwind.example"]
    assert case.opening().title == ""


def test_no_report_is_no_fleet(archive_of) -> None:
    case = open_case(archive_of())
    assert case.fleet().domains == case.domains().domains == ()


@pytest.mark.parametrize(
    ("later", "lead"),
    [  # deferred.example has failed since day 20, and still does
        (_failing("later.example", range(DAYS, DAYS + 2), FETCH, 300), "deferred.example"),
        (_failing("later.example", range(DAYS + 1, DAYS + 2), EXPIRED, 300, mode="testing"), "deferred.example"),
        (_failing("later.example", range(DAYS - 2, DAYS)), "deferred.example"),
    ],
    ids=["a lost protection", "a fault without effect", "one that is over"],
)
def test_the_lead_is_the_most_severe_that_is_open(archive_of, later, lead) -> None:
    options = {"mode": "testing"} if later[0][4].get("mode") else {}
    rows = [*_quiet("deferred.example"), *_failing("deferred.example", range(DAYS, DAYS + 2)), *later]
    first = min(row[0] for row in later)
    rows += _quiet("later.example", first, **options)
    last = max(row[0] for row in later) + 1
    rows += [
        (day, who, 400, {}, {"domain": "later.example"}) for day in range(last, DAYS + 2) for who in ("Post", "Kontor")
    ]
    assert open_case(archive_of(*rows)).domain == lead


def test_a_trend_says_the_same_in_words_and_has_a_bar_for_each_day() -> None:
    import base64

    html = to_html(document_of(Trend((0.0, None, 0.01, 1.0), "worst 100 %, <last>")), styled=False)
    match = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="worst 100 %, &lt;last&gt;">', html)
    assert match is not None
    svg = base64.b64decode(match[1]).decode()
    assert svg.count("h3V18z") == 2, "a day without a failure has no bar"
    assert svg.count("h3", svg.index("stroke")) == 3, "a day without a report has no line"


def document_of(trend: Trend):
    from mtasts_nb.render import Document, Paragraph

    return Document((Paragraph(trend),))


def test_what_a_stranger_calls_a_domain_stays_text(archive_of) -> None:
    names = [f"<b>{number}</b>.example" for number in range(6)]
    case = open_case(archive_of(*[(0, "Post", 1, {}, {"domain": name}) for name in names]))
    assert "<b>" not in to_html(document(case.fleet()), styled=False)
