"""Whatever a report leaves out (RFC 8460 §4.4), every table counts each of its sessions once."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.analysis import reported
from mtasts_nb.plots import failures_by_mx, failures_over_time
from mtasts_nb.postmortem import open_case
from mtasts_nb.reports import Archive
from mtasts_nb.reports._daily import FAILURE_KEYS, SESSION_KEYS
from mtasts_nb.rollout._reasons import deferred_by_enforce
from mtasts_nb.vocabulary import UNATTRIBUTED

POLICY = ["version: STSv1", "mode: enforce", "mx: mx1.nordwind.example", "max_age: 86400"]
COUNTS = st.integers(0, 40)


def sometimes(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from([None, *values])


DETAIL = st.fixed_dictionaries(
    {
        "result-type": sometimes("certificate-expired", "validation-failure", "sts-policy-fetch-error", "x-own"),
        "receiving-mx-hostname": sometimes("mx1.nordwind.example", "mx2.nordwind.example"),
        "receiving-ip": sometimes("192.0.2.1"),
        "sending-mta-ip": sometimes("198.51.100.7"),
        "receiving-mx-helo": sometimes("mx1"),
        "failure-reason-code": sometimes("certificate has expired"),
        "failed-session-count": COUNTS,
    }
)
REPORTED = st.fixed_dictionaries(
    {
        "policy": st.fixed_dictionaries(
            {
                "policy-type": sometimes("sts", "tlsa", "no-policy-found"),
                "policy-domain": sometimes("nordwind.example"),
                "policy-string": sometimes(POLICY),
            }
        ),
        "summary": st.fixed_dictionaries(
            {"total-successful-session-count": COUNTS, "total-failure-session-count": COUNTS}
        ),
        "failure-details": st.lists(DETAIL, max_size=3),
    }
)
REPORTS = st.lists(
    st.tuples(st.integers(1, 28), sometimes("Post", "Kontor"), st.lists(REPORTED, min_size=1, max_size=2)),
    min_size=1,
    max_size=6,
)


def archive_from(reports: list[tuple[int, object, list[object]]]) -> Archive:
    return sts.load(
        "\n".join(
            json.dumps(
                {
                    "organization-name": name,
                    "report-id": str(number),
                    "date-range": {
                        "start-datetime": f"2026-03-{day:02}T00:00:00Z",
                        "end-datetime": f"2026-03-{day:02}T23:59:59Z",
                    },
                    "policies": policies,
                }
            )
            for number, (day, name, policies) in enumerate(reports)
        ).encode(),
        progress=False,
        workers=1,
    )


def sums(archive: Archive) -> tuple[int, int]:
    """Failed and all sessions, counted without any key."""
    failed = int(archive.failures["failed_session_count"].sum())
    return failed, failed + int(archive.sessions["total_successful_session_count"].sum())


KEYS = [*combinations((*SESSION_KEYS, *FAILURE_KEYS), 1), SESSION_KEYS, FAILURE_KEYS, (*SESSION_KEYS, *FAILURE_KEYS)]


@settings(max_examples=10, deadline=None)
@given(REPORTS)
def test_daily_by_any_keys(reports) -> None:
    archive = archive_from(reports)
    for keys in KEYS:
        table = sts.daily(archive, by=keys)
        once = table.drop_duplicates(["day", "policy_domain", "policy_type"])
        assert (table["failed"].sum(), once["sessions"].sum()) == sums(archive), keys


@settings(max_examples=10, deadline=None)
@given(REPORTS)
def test_every_table_of_failures(reports) -> None:
    archive = archive_from(reports)
    failed, sessions = sums(archive)
    split = analysis.cells(archive)
    assert (split.failures["failed"].sum(), split.sessions["sessions"].sum()) == (failed, sessions)
    for table in (
        analysis.by_result_type, analysis.by_mx, analysis.by_reporter, analysis.impact, analysis.overview,
    ):  # fmt: skip
        assert table(archive).frame["failed"].sum() == failed, table
    for table in (analysis.by_reporter, analysis.overview):
        assert table(archive).frame["sessions"].sum() == sessions, table
    sts_failures = archive.failures[archive.failures["policy_type"] == "sts"]
    enforced = deferred_by_enforce(split.of("sts"))["failed_session_count"].sum()
    assert enforced == sts_failures.loc[
        ~sts_failures["result_type"].str.startswith("sts-"), "failed_session_count"
    ].sum()  # fmt: skip
    case = open_case(archive, period=None)
    if case.incidents.empty:
        assert case.evidence().frame["failed"].sum() == failed


@settings(max_examples=10, deadline=None)
@given(REPORTS)
def test_groups_of_failures_keep_their_policy_and_reasons(reports) -> None:
    archive = archive_from(reports)
    groups = reported(archive)
    assert sum(group.failed for group in groups) == sums(archive)[0]
    failures = archive.failures.merge(archive.sessions[["report_key", "policy_index", "policy_string"]])
    named = failures[(failures["policy_type"] == "sts") & (failures["policy_string"] != "")]
    assert sum(count for group in groups for _, count in group.policies) == named["failed_session_count"].sum()
    reasons = failures.loc[failures["failure_reason_code"].notna(), "failed_session_count"].sum()
    assert sum(count for group in groups for _, count in group.reasons) == reasons


@pytest.mark.parametrize("figure", [failures_over_time, failures_by_mx])
def test_figures_state_every_failure(figure) -> None:
    detail = dict.fromkeys(["result-type", "receiving-mx-hostname", "receiving-ip"])
    archive = archive_from(
        [(day, None, [{"policy": {"policy-type": "sts"}, "summary": {"total-failure-session-count": 9},
                       "failure-details": [detail | {"failed-session-count": 7}]}]) for day in (1, 2)]
    )  # fmt: skip
    assert set(archive.failures["result_type"]) == {"unknown", UNATTRIBUTED}
    assert "18 " in sts.plots.show(figure(archive, policy_type="sts")).alt
