"""The same report twice, and two that contradict each other."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts


def report(good: int = 10, bad: int = 2, **top: object) -> dict[str, Any]:
    return {
        "organization-name": "Example Post",
        "date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"},
        "contact-info": "tls@post.example",
        "report-id": "1",
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
                "summary": {"total-successful-session-count": good, "total-failure-session-count": bad},
                "failure-details": [{"result-type": "certificate-expired", "failed-session-count": bad}],
            }
        ],
        **top,
    }


def load(*reports: object) -> sts.Archive:
    texts = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in reports)
    return sts.load(*texts, progress=False)


PLAIN = json.dumps(report()).encode()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(PLAIN, id="byte for byte"),
        pytest.param(PLAIN + b"\r\n", id="with a line end, as a mail gateway leaves it"),
        pytest.param(json.dumps(report(), indent=2).encode(), id="set out anew"),
        pytest.param(PLAIN.decode().encode("utf-16"), id="in another encoding"),
        pytest.param(PLAIN.replace(b": 10,", b': "10",'), id="with a count as text"),
    ],
)
def test_copies_count_once(other: bytes) -> None:
    for order in ((PLAIN, other), (other, PLAIN)):
        archive = load(*order)
        assert sorted(archive.inputs["outcome"]) == ["duplicate", "loaded"]
        assert archive.inputs["report_key"].nunique() == 1
        assert len(archive.reports) == len(archive.sessions) == len(archive.failures) == 1
        assert not archive.reports["conflict"].any()
        assert archive.reports["duplicate_of"].isna().all()


DIFFERENT = {
    "organization-name": report(**{"organization-name": "Example Mail"}),
    "report-id": report(**{"report-id": "2"}),
    "start": report(
        **{"date-range": {"start-datetime": "2026-02-07T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"}}
    ),
    "end": report(**{"date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-09T00:00:00Z"}}),
}


@pytest.mark.parametrize("part", DIFFERENT)
def test_identity_is_all_of_reporter_id_period_and_domains(part: str) -> None:
    archive = load(report(), DIFFERENT[part])
    assert archive.inputs["outcome"].tolist() == ["loaded", "loaded"]
    assert not archive.reports["conflict"].any()


@pytest.mark.parametrize("nothing", ["", None])
def test_without_name_and_id_only_the_address_or_the_content_can_say_that_it_is_the_same(nothing: object) -> None:
    bare = {"organization-name": nothing, "report-id": nothing, "contact-info": nothing}
    one, other = report(10, **bare), report(20, **bare)
    indented = json.dumps(one, indent=1).encode()
    for order in itertools.permutations([one, other, indented]):
        archive = load(*order)
        assert archive.inputs["outcome"].value_counts().to_dict() == {"loaded": 2, "duplicate": 1}
        assert archive.sessions["total_successful_session_count"].sum() == 30
        assert not archive.reports["conflict"].any()
    mailed = [
        report(good, **{**bare, "contact-info": name}) for good, name in ((10, "a@b.example"), (20, "c@d.example"))
    ]
    assert load(*mailed).sessions["total_successful_session_count"].sum() == 30
    again = report(15, **{**bare, "contact-info": "a@b.example"})
    assert load(mailed[0], again).reports["conflict"].tolist() == [True, True]


def test_the_same_report_id_for_two_domains_is_two_reports() -> None:
    other = copy.deepcopy(report())
    other["policies"][0]["policy"]["policy-domain"] = "suedwind.example"
    archive = load(report(), other)
    assert archive.inputs["outcome"].tolist() == ["loaded", "loaded"]


def test_of_two_that_contradict_each_other_the_fuller_counts_and_none_is_dropped() -> None:
    three = [report(10, 2), report(30, 2), report(28, 4)]
    seen = []
    for order in itertools.permutations(three):
        archive = load(*order)
        assert sorted(archive.inputs["outcome"]) == ["duplicate", "duplicate", "loaded"]
        assert archive.reports["conflict"].tolist() == [True] * 3
        [winner] = archive.reports.loc[archive.reports["duplicate_of"].isna(), "report_key"]
        assert archive.reports["duplicate_of"].dropna().tolist() == [winner] * 2
        assert archive.reports["report_key"].is_unique
        # 28 + 4 and 30 + 2 are as many; more failures decide.
        assert archive.sessions["total_successful_session_count"].tolist() == [28]
        assert archive.failures["failed_session_count"].tolist() == [4]
        assert archive.inputs.loc[archive.inputs["outcome"] == "loaded", "report_key"].tolist() == [winner]
        seen.append((archive.sessions, archive.reports.drop(columns=["source", "member"])))
    for sessions, reports in seen[1:]:
        pd.testing.assert_frame_equal(sessions, seen[0][0])
        pd.testing.assert_frame_equal(reports, seen[0][1])


def test_copies_of_each_side_of_a_contradiction_are_one_report_each() -> None:
    archive = load(report(10), report(20), report(10), PLAIN + b"\n", report(20))
    assert len(archive.reports) == 2
    assert archive.inputs["outcome"].value_counts().to_dict() == {"duplicate": 4, "loaded": 1}
    assert archive.inputs["reason"].value_counts().to_dict() == {
        "a copy of a report already counted": 3,
        "same identity as a report with other content, which counts": 1,
    }


def test_the_order_of_policies_is_no_content() -> None:
    one = report()
    tlsa = copy.deepcopy(one["policies"][0])
    tlsa["policy"]["policy-type"] = "tlsa"
    one["policies"].append(tlsa)
    other = {**one, "policies": one["policies"][::-1]}
    archive = load(one, other)
    assert sorted(archive.inputs["outcome"]) == ["duplicate", "loaded"]
    assert not archive.reports["conflict"].any()


def test_a_report_key_is_the_same_in_every_load() -> None:
    one, two = load(report(), DIFFERENT["end"]), load(report())
    assert set(two.reports["report_key"]) < set(one.reports["report_key"])
