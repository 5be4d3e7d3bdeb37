"""`verify_fix`: fixed, still failing, too early, or not to be told; and who has not reported yet."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.knowledge import causes
from mtasts_nb.reports import Archive
from tests import golden

EXPIRED, FAILURE, FETCH = "certificate-expired", "validation-failure", "sts-policy-fetch-error"
# Day 20 is 2026-03-21; the fault is there from day 20 to 24, the fix is made at noon of day 24.
SINCE = "2026-03-25T12:00"


def reports(
    name: str, last: int, failing: range, count: int = 80, sessions: int = 1000, kind: str = EXPIRED, **options
):
    return [
        (day, name, sessions - (count if day in failing else 0), {kind: count} if day in failing else {}, options)
        for day in range(last + 1)
    ]


@pytest.mark.parametrize(
    ("rows", "verdict", "states"),
    [
        pytest.param(reports("Post", 27, range(20, 25)), "fixed", {"Post": "no more failures"}, id="two whole days clean"),
        pytest.param(reports("Post", 25, range(20, 25)), "too early", {"Post": "no more failures"}, id="one whole day clean"),
        pytest.param(reports("Post", 24, range(20, 25)), "too early", {"Post": "no report yet"}, id="no report since"),
        pytest.param(reports("Post", 28, range(20, 29)), "still failing", {"Post": "still failing"}, id="goes on"),
        pytest.param(reports("Post", 28, range(20, 27)), "fixed", {"Post": "no more failures"}, id="a tail, then clean"),
        pytest.param(
            reports("Post", 28, range(20, 25)) + reports("Kontor", 24, range(20, 25)),
            "too early", {"Post": "no more failures", "Kontor": "no report yet"}, id="half of it has not reported",
        ),
        pytest.param(
            reports("Post", 28, range(20, 25)) + reports("Kontor", 24, range(20, 25), count=4),
            "fixed", {"Post": "no more failures", "Kontor": "no report yet"}, id="all but a twentieth has",
        ),
        pytest.param(
            reports("Post", 28, range(20, 25)) + reports("Kontor", 28, range(20, 29)),
            "still failing", {"Post": "no more failures", "Kontor": "still failing"}, id="one of two goes on",
        ),
        pytest.param(
            reports("Post", 24, range(20, 25)) + [(day, "Post", 9, {}) for day in (25, 26, 27)],
            "too early", {"Post": "too few sessions to tell"}, id="too few sessions to tell",
        ),
        pytest.param(
            reports("Post", 24, range(20, 25), count=900) + [(day, "Post", 2, {}) for day in (25, 26, 27)],
            "fixed", {"Post": "no more failures"}, id="few each day, together enough",
        ),
        pytest.param(
            reports("Post", 24, range(20, 25)) + [(day, "Other", 1000, {}) for day in range(40)],
            "too early", {"Post": "no report yet"}, id="others' silence about it proves nothing",
        ),
        pytest.param(reports("Post", 40, range(40, 41)), "still failing", {"Post": "still failing"}, id="only after the fix"),
        pytest.param(
            reports("Post", 28, range(20, 25)) + reports("Kontor", 28, range(27, 29)),
            "still failing", {"Post": "no more failures", "Kontor": "still failing"}, id="another one only after the fix",
        ),
        pytest.param(
            reports("Post", 28, range(20, 25)) + reports("Kontor", 28, range(27, 28), count=1),
            "fixed", {"Post": "no more failures"}, id="one session after the fix is background noise",
        ),
        pytest.param(reports("Post", 40, range(27, 29)), "not seen before", {}, id="only after the fix, and over"),
        pytest.param(reports("Post", 40, range(0)), "not seen before", {}, id="no failure"),
        pytest.param([], "not seen before", {}, id="no report"),
        pytest.param(reports("Post", 90, range(20, 25)) + reports("Bank", 90, range(80, 85)), "fixed", {"Post": "no more failures"}, id="months later: another cause"),
    ],
)  # fmt: skip
def test_the_verdict(archive_of, rows, verdict, states) -> None:
    check = sts.verify_fix(archive_of(*rows), EXPIRED, SINCE)
    assert check.verdict == verdict
    assert dict(zip(check.reporters["organization_name"], check.reporters["state"], strict=True)) == states


def test_chance_before_is_not_the_fault_and_chance_after_is_not_its_return(archive_of) -> None:
    noisy = [(day, "Noisy", 997, {FAILURE: 1 + day % 3}) for day in range(40)]
    fault = [(day, "Post", 998 - 100 * (20 <= day < 25), {FAILURE: 2 + 100 * (20 <= day < 25)}) for day in range(40)]
    check = sts.verify_fix(archive_of(*noisy, *fault), FAILURE, SINCE)
    assert check.verdict == "fixed"
    assert check.reporters["organization_name"].tolist() == ["Post"]
    assert check.reporters["failed_since"].iloc[0] == 30


@pytest.mark.parametrize(
    "cause",
    [
        EXPIRED,
        " Certificate_Expired ",
        "mx-certificate-expired",
        sts.vocabulary.ResultType.CERTIFICATE_EXPIRED,
        {"result_type": EXPIRED},
        {"receiving_mx_hostname": "mx1.nordwind.example"},
        {"result_type": EXPIRED, "policy_domain": "nordwind.example", "policy_type": "sts"},
        "an incident",
        "a table of one incident",
        "a cause of a diagnosis",
    ],
    ids=str,
)
def test_what_a_cause_may_be(archive_of, cause) -> None:
    rows = reports("Post", 28, range(20, 25))
    rows += reports("Post", 28, range(20, 29), kind=EXPIRED, domain="suedwind.example", mx="mx1.suedwind.example")
    archive = archive_of(*rows)
    wide = not str(cause).startswith(("an ", "a ")) and (isinstance(cause, str) or list(cause) == ["result_type"])
    if cause == "an incident":
        cause = sts.find_incidents(archive).set_index("policy_domain", drop=False).loc["nordwind.example"]
    elif cause == "a table of one incident":
        incidents = sts.find_incidents(archive)
        cause = incidents[incidents["policy_domain"] == "nordwind.example"]
    elif cause == "a cause of a diagnosis":
        diagnosis = sts.diagnose(archive=archive)
        cause = next(each for each in diagnosis.causes if each.policy_domain == "nordwind.example")
    verdict = sts.verify_fix(archive, cause, SINCE).verdict
    # A result type alone takes in every domain, and the other one goes on failing.
    assert verdict == ("still failing" if wide else "fixed")


@pytest.mark.parametrize(
    ("cause", "types"),
    [
        ("mx-certificate-expired", ("certificate-expired",)),
        ("mx-not-in-policy", ("validation-failure",)),
        ("tlsa-mismatch", ("tlsa-invalid",)),  # a finding, which has the cause dane-tlsa-mismatch
        ("policy-http-redirect", ("sts-policy-fetch-error",)),
        (causes()["mx-certificate-untrusted"], ("certificate-not-trusted",)),
        ("x-own-type", ("x-own-type",)),
    ],
)
def test_a_cause_stands_for_the_result_types_that_report_it(archive_of, cause, types) -> None:
    archive = archive_of(*reports("Post", 28, range(20, 25), kind="X-Own-Type"))
    assert sts.verify_fix(archive, cause, SINCE).cause == {"result_type": types}


def test_an_incident_on_the_policy_host(archive_of) -> None:
    archive = archive_of(*reports("Post", 28, range(20, 25), kind=FETCH))
    incident = sts.find_incidents(archive).iloc[0]
    assert pd.isna(incident["receiving_mx_hostname"])
    assert sts.verify_fix(archive, incident, SINCE).verdict == "fixed"
    assert sts.verify_fix(archive, incident.to_dict(), SINCE).verdict == "fixed"


def test_an_incident_older_than_what_is_looked_at_counts_from_its_first_day(archive_of) -> None:
    archive = archive_of(*reports("Post", 75, range(5, 10)))
    incident = sts.find_incidents(archive).iloc[0]
    assert sts.verify_fix(archive, EXPIRED, "2026-05-10").verdict == "not seen before"
    assert sts.verify_fix(archive, incident, "2026-05-10").verdict == "fixed"


@pytest.mark.parametrize(
    ("since", "first_day"),
    [
        ("2026-03-25", "2026-03-25"),
        (date(2026, 3, 25), "2026-03-25"),
        ("2026-03-25T00:00:01", "2026-03-26"),
        (datetime(2026, 3, 25, 1, tzinfo=timezone(timedelta(hours=2))), "2026-03-25"),  # 2026-03-24 23:00 UTC
        (pd.Timestamp("2026-03-25T23:59", tz="UTC"), "2026-03-26"),
    ],
)
def test_the_day_of_the_fix_counts_neither_way(archive_of, since, first_day) -> None:
    check = sts.verify_fix(archive_of(*reports("Post", 27, range(20, 25))), EXPIRED, since)
    assert check.watch_until == pd.Timestamp(first_day, tz="UTC") + pd.Timedelta(days=2)
    assert check.since.utcoffset() == timedelta(0)
    assert check.reporters["days_since"].iloc[0] == 28 - (pd.Timestamp(first_day) - pd.Timestamp("2026-03-01")).days


def test_a_longer_watch(archive_of) -> None:
    archive = archive_of(*reports("Post", 27, range(20, 25)))
    assert sts.verify_fix(archive, EXPIRED, SINCE, watch=timedelta(days=7)).verdict == "too early"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"cause": {}}, "nothing"),
        ({"cause": ""}, "neither a result type"),
        ({"cause": "certificate-expird"}, "Did you mean certificate-expired"),
        ({"cause": {"result_type": "mx-certificate-expird"}}, "Did you mean mx-certificate-expired"),
        ({"cause": "the certificate"}, "the registered result types are starttls-not-supported, "),
        ({"cause": "mx-unreachable"}, "no result type of RFC 8460 reports"),
        ({"cause": "record-missing"}, "compare_probes"),
        ({"cause": pd.DataFrame()}, "0 rows"),
        ({"cause": 7}, "int: expected a row of find_incidents"),
        ({"cause": {"policy_domain": "nordwind.example"}}, "policy_domain"),
        ({"watch": timedelta(0)}, "above zero"),
        ({"since": None}, "the moment of the fix"),
    ],
)
def test_what_cannot_be_asked(asked, expected) -> None:
    with pytest.raises(ValueError, match=expected):
        sts.verify_fix(Archive(), **{"cause": EXPIRED, "since": SINCE, **asked})


def test_what_it_says(archive_of) -> None:
    five = [row for name in ("A", "B", "C", "D", "E") for row in reports(name, 24, range(20, 25))]
    cases = {
        "one reporter, no report yet": reports("Post", 24, range(20, 25)),
        "five reporters, no report yet": five,
        "still failing": reports("Post", 26, range(20, 27)),
        "fixed": reports("Post", 27, range(20, 25)),
        "only after the fix": reports("Post", 28, range(27, 29)),
        "not seen before": [],
    }
    texts = {name: sts.verify_fix(archive_of(*rows), EXPIRED, SINCE) for name, rows in cases.items()}
    golden.check(Path(__file__).with_name("verify_fix.txt"), texts)


def test_a_stranger_names_itself_as_it_likes(archive_of) -> None:
    name = "<img src=x onerror=alert(1)>\x1b[31m"
    check = sts.verify_fix(archive_of(*reports(name, 27, range(20, 25))), {"result_type": EXPIRED}, SINCE)
    assert "<img" not in check._repr_html_()
    assert "\x1b" not in check._repr_html_() + str(check)


@pytest.mark.parametrize(
    ("number", "since", "verdict"),
    [
        (1, "2026-07-31T10:00", "fixed"),
        (2, "2026-08-29T18:00", "fixed"),
        (3, "2026-09-02T09:00", "fixed"),
        (4, "2026-09-14T13:05", "fixed"),
        (5, "2026-10-20T18:00", "fixed"),
        (6, "2026-10-10T07:00", "fixed"),
        (7, "2026-10-28T09:00", "still failing"),
        (7, "2026-10-31T09:00", "too early"),
    ],
)
def test_the_sample(sample, number, since, verdict) -> None:
    incident = sts.find_incidents(sample).set_index("incident").loc[number]
    assert sts.verify_fix(sample, incident, since).verdict == verdict


def test_the_sample_two_days_after_the_certificate_was_renewed(sample) -> None:
    incident = sts.find_incidents(sample).iloc[2]
    # One of five front ends still has the old one.
    early = sample.between("2026-07-01", "2026-09-02")
    assert sts.verify_fix(early, incident, "2026-08-31T11:20").verdict == "still failing"
