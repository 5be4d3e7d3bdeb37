"""The ranking, the breakdowns and the timeline, on small archives and on the sample, whose truth is known."""

from __future__ import annotations

import csv

import pytest

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.errors import SourceError

EXPIRED, FETCH, VALIDATION = "certificate-expired", "sts-policy-fetch-error", "validation-failure"
TABLES = ("overview", "by_result_type", "by_mx", "by_reporter", "impact", "timeline", "coverage")


def _attention(archive) -> dict[tuple[str, str], str]:
    frame = analysis.overview(archive).frame
    return {(row.policy_domain, row.policy_type): row.attention for row in frame.itertuples()}


#: What each reporter counted, and the level of the first policy domain by the reports alone.
ARCHIVES = [
    pytest.param([(0, "Post", 0, {EXPIRED: 3})], "act now", id="nothing delivered under enforce"),
    pytest.param([(0, "Post", 0, {EXPIRED: 3}, {"mode": "testing"})], "act soon", id="testing: no mail deferred"),
    pytest.param([(0, "Post", 0, {EXPIRED: 3}, {"mode": None})], "act soon", id="no policy-string: effect not known"),
    pytest.param([(0, "Post", 97, {EXPIRED: 3})], "act soon", id="3 % under enforce: other sessions of the day worked"),
    pytest.param([(0, "Post", 9999, {EXPIRED: 1})], "watch", id="1 in 10,000, of a type that is never chance"),
    pytest.param([(0, "Post", 9999, {"sts-webpki-invalid": 1})], "watch", id="the same at the policy host"),
    pytest.param([(0, "Post", 9999, {FETCH: 1})], "fine", id="1 in 10,000 is the noise of any day"),
    pytest.param(
        [(0, "Post", 9999, {EXPIRED: 1}), (0, "Kontor", 0, {EXPIRED: 2})],
        "act now",
        id="a small sender always fails",
    ),
    pytest.param(
        [(0, "Post", 9999, {VALIDATION: 1}), (0, "Kontor", 0, {VALIDATION: 2})],
        "act now",
        id="a small sender always fails, of a type that may be chance",
    ),
    pytest.param(
        [(0, "Post", 9999, {EXPIRED: 1}), (0, "Kontor", 95, {EXPIRED: 5})], "act soon", id="5 % of one sender"
    ),
    pytest.param([(0, "Post", 50, {VALIDATION: 40})], "act soon", id="44 % is a fault, whichever its cause"),
    pytest.param([(0, "Post", 97, {FETCH: 3})], "act soon", id="3 % at the policy host: protection is lost"),
    pytest.param([(0, "Post", 0, {FETCH: 3})], "act soon", id="no policy at all defers no mail"),
    pytest.param(
        [(0, "Post", 5, {}, {"kind": "no-policy-found"}), (1, "Post", 5, {})],
        "fine",
        id="it finds the policy since",
    ),
    pytest.param(
        [(0, "Post", 5, {}), (0, "Kontor", 5, {}, {"kind": "no-policy-found"}), (8, "Post", 5, {})],
        "fine",
        id="no sender without a policy for a week",
    ),
    pytest.param([(0, "Post", 5, {})], "fine", id="no failure"),
    pytest.param([(0, "Post", 0, {EXPIRED: 3}), (9, "Post", 5, {})], "fine", id="failed, then nine quiet days"),
    pytest.param(
        [(0, "Post", 5, {}), (9, "Post", 5, {}, {"domain": "suedwind.example"})],
        "not known",
        id="silence is not good news",
    ),
    pytest.param([(0, "Post", 0, {"tlsa-invalid": 3}, {"kind": "tlsa"})], "act now", id="DANE defers without a mode"),
    pytest.param([(0, "Post", 5, {}, {"kind": "no-policy-found"})], "act soon", id="no sender finds a policy"),
]


@pytest.mark.parametrize(("rows", "expected"), ARCHIVES)
def test_attention(archive_of, rows, expected) -> None:
    found = _attention(archive_of(*rows))
    assert next(value for (domain, _), value in found.items() if domain == "nordwind.example") == expected


def test_a_sender_that_finds_no_policy_beside_others_that_do(archive_of) -> None:
    found = _attention(archive_of((0, "Post", 5, {}), (0, "Kontor", 5, {}, {"kind": "no-policy-found"})))
    assert found[("nordwind.example", "no-policy-found")] == "watch"


def test_what_needs_attention_comes_first_among_many(archive_of) -> None:
    rows = [(0, "Post", 50, {}, {"domain": f"d{number:02}.example"}) for number in range(60)]
    rows.append((0, "Post", 0, {EXPIRED: 4}, {"domain": "last.example"}))
    table = analysis.overview(archive_of(*rows))
    assert table.frame["policy_domain"].iloc[0] == "last.example"
    html = table._repr_html_()
    assert "The first 40 of 61 rows are shown." in html
    assert "<summary>30 more rows</summary>" in html
    open_part, folded = html.split("<details>")
    assert (open_part.count("<tr>"), folded.count("<tr>")) == (11, 31)


@pytest.mark.parametrize(
    ("row", "effect"),
    [
        ((0, "Post", 0, {EXPIRED: 5}), "deferred"),
        ((0, "Post", 1, {EXPIRED: 5}), "possibly delayed"),
        ((0, "Post", 0, {EXPIRED: 5}, {"mode": "testing"}), "no effect"),
        ((0, "Post", 0, {EXPIRED: 5}, {"mode": "none"}), "no effect"),
        ((0, "Post", 0, {EXPIRED: 5}, {"mode": None}), "not known"),
        ((0, "Post", 0, {FETCH: 5}), "protection lost"),
        ((0, "Post", 0, {"tlsa-invalid": 5}, {"kind": "tlsa"}), "deferred"),
        ((0, "Post", 0, {}, {"summary": 5}), "not known"),  # unattributed: nobody said what failed
        ((0, "Post", 0, {"x-own-word": 5}), "not known"),
    ],
)
def test_effect_on_mail(archive_of, row, effect) -> None:
    frame = analysis.impact(archive_of(row)).frame
    assert frame[["effect", "failed"]].to_numpy().tolist() == [[effect, 5]]


def test_failures_at_the_policy_host_do_not_change_the_effect_of_an_mx_failure(archive_of) -> None:
    """Success of nobody: but part of the failures never reached an MX."""
    frame = analysis.impact(archive_of((0, "Post", 0, {EXPIRED: 2, FETCH: 3}))).frame
    assert dict(zip(frame["effect"], frame["failed"], strict=True)) == {"deferred": 2, "protection lost": 3}


def test_every_failed_session_has_exactly_one_effect(sample) -> None:
    total = int(sample.failures["failed_session_count"].sum())
    assert int(analysis.impact(sample).frame["failed"].sum()) == total
    for name in ("by_result_type", "by_mx", "by_reporter"):
        assert int(getattr(analysis, name)(sample).frame["failed"].sum()) == total, name


def test_the_timeline_says_what_came_outside_the_incidents(archive_of) -> None:
    failing = [(day, "Post", 0, {EXPIRED: 20}) for day in (20, 21)]
    rows = [(day, "Post", 400, {}) for day in range(20)]
    table = analysis.timeline(archive_of(*rows, *failing, (22, "Post", 999, {"validation-failure": 1})))
    assert table.frame[["days", "failed_session_count", "state"]].to_numpy().tolist() == [[2, 40, "ongoing"]]
    assert table.caption.endswith(" 1 sporadic failed session outside of them.")
    quiet = analysis.timeline(archive_of(*rows, (20, "Post", 999, {"validation-failure": 1}))).nothing
    assert quiet == "No incident: 1 sporadic failed session, too few on any day for an incident."


def test_what_came_outside_is_told_by_policy_type(archive_of) -> None:
    both = [(0, "Post", 999, {EXPIRED: 1}), (0, "Post", 999, {"tlsa-invalid": 2}, {"kind": "tlsa"})]
    assert (
        "1 sporadic failed session under MTA-STS and 2 sporadic failed sessions under DANE"
        in analysis.timeline(archive_of(*both)).nothing
    )


def test_the_sample_tells_its_incidents(sample, root) -> None:
    with (root / "data/sample/truth.csv").open(newline="") as file:
        truth = list(csv.DictReader(file))
    frame = analysis.timeline(sample).frame
    assert len(frame) == len(truth)
    for story in truth:
        mx = story["receiving_mx_hostname"] or "(none named)"
        match = frame[
            (frame["result_type"] == story["result_type"])
            & (frame["policy_domain"] == story["policy_domain"])
            & (frame["receiving_mx_hostname"] == mx)
        ]
        assert len(match) == 1, story["incident"]
        found = match.iloc[0]
        assert abs((found["start"].date() - _day(story["start"])).days) <= 1, story["incident"]
        assert found["ongoing"] == (not story["end"])
        assert abs(found["failed_session_count"] - int(story["failed_session_count"])) <= 0.25 * int(
            story["failed_session_count"]
        )
        held = analysis.impact(
            sample.for_domain(story["policy_domain"]).between(story["start"], story["end"] or "2026-10-31")
        )
        assert ("deferred" in set(held.frame["effect"])) == (story["held_back"] == "true"), story["incident"]


def _day(text: str):
    from datetime import date

    return date.fromisoformat(text)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_rows_says_so_in_words(archive_of, name) -> None:
    for archive in (archive_of(), archive_of((0, "Post", 5, {}))):
        table = getattr(analysis, name)(archive)
        html = table._repr_html_()
        if len(table):
            assert "<table" in html
        else:
            assert table.nothing in html
            assert str(table) == table.nothing
    assert getattr(analysis, name)(archive_of()).nothing.startswith("No report came")


def test_what_is_the_same_in_every_row_is_said_once(archive_of) -> None:
    table = analysis.by_result_type(archive_of((0, "Post", 0, {EXPIRED: 2, "validation-failure": 1})))
    text = str(table)
    assert text.count("nordwind.example") == 1
    assert "Policy domain: nordwind.example. Policy type: sts." in text


def test_the_largest_comes_first_and_shares_are_within_a_policy_type(archive_of) -> None:
    rows = [
        (0, "Post", 5, {EXPIRED: 1, "validation-failure": 3}),
        (0, "Post", 5, {"tlsa-invalid": 10}, {"kind": "tlsa"}),
    ]
    frame = analysis.by_result_type(archive_of(*rows)).frame
    assert frame[["result_type", "failed", "share"]].to_numpy().tolist() == [
        ["tlsa-invalid", 10, 1.0],
        ["validation-failure", 3, 0.75],
        [EXPIRED, 1, 0.25],
    ]


def test_a_reporter_without_failures_is_there(archive_of) -> None:
    frame = analysis.by_reporter(archive_of((0, "Post", 0, {EXPIRED: 2}), (0, "Kontor", 5, {}))).frame
    assert frame[["organization_name", "failed", "sessions"]].to_numpy().tolist() == [["Post", 2, 2], ["Kontor", 0, 5]]


def test_coverage_counts_gaps(archive_of) -> None:
    frame = analysis.coverage(archive_of(*[(day, "Post", 1, {}) for day in (0, 1, 5)], (7, "Kontor", 1, {}))).frame
    post = frame[frame["organization_name"] == "Post"].iloc[0]
    assert post[["days", "missing", "longest_gap", "quiet"]].tolist() == [3, 3, 3, 2]


def test_policy_types_that_failed(archive_of) -> None:
    both = [
        (0, "Post", 5, {EXPIRED: 1}),
        (0, "Post", 5, {"tlsa-invalid": 9}, {"kind": "tlsa"}),
        (0, "X", 5, {}, {"kind": "no-policy-found"}),
    ]
    assert analysis.failing_policy_types(archive_of(*both)) == ["sts", "tlsa"]
    assert analysis.failing_policy_types(archive_of((0, "Post", 5, {}, {"kind": "tlsa"}))) == ["tlsa"]
    assert analysis.failing_policy_types(archive_of()) == []


def test_arrivals_add_up(sample) -> None:
    frame = analysis.arrivals(sample).frame
    assert frame["count"].iloc[:4].sum() == len(sample.inputs)
    assert len(analysis.refusals(sample)) == len(sample.rejects)
    assert analysis.assumptions(sample).frame["times"].sum() == len(sample.deviations)


def test_one_report_field_by_field(archive_of, sample) -> None:
    table = analysis.one_report(archive_of((0, "Post", 5, {EXPIRED: 2}, {"reason": "why"})))
    said = dict(zip(table.frame["field"], table.frame["value"], strict=True))
    assert said["organization-name"] == "Post"
    assert said["date-range"] == "2026-03-01 00:00 UTC to 2026-03-01 23:59 UTC"
    assert (
        said["policies[0].policy-string"] == "version: STSv1; mode: enforce; mx: mx1.nordwind.example; max_age: 86400"
    )
    assert said["failure-details: failed-session-count"] == "2"
    assert said["failure-details: failure-reason-code"] == "why"
    assert "failure-details: sending-mta-ip" not in said, "what the report does not have gets no row"
    assert len(analysis.one_report(sample, sample.reports["report_key"].iloc[0])) > 5
    with pytest.raises(KeyError, match="no report 'x'"):
        analysis.one_report(sample, "x")
    assert analysis.one_report(archive_of()).nothing.startswith("No report came")


def test_a_slip_in_the_domain_is_told_and_an_empty_period_is_not_an_error(sample) -> None:
    with pytest.raises(SourceError, match=r"no report is about nordwnd\.example.*nordwind\.example, suedwind\.example"):
        analysis.narrow(sample, "nordwnd.example")
    assert len(analysis.narrow(sample, start="2030-01-01").sessions) == 0
    assert len(analysis.narrow(sample, "NORDWIND.example.", end="2026-07-05").sessions) > 0


def test_hostile_names_are_text_in_every_table() -> None:
    import json

    evil = '<img src=x onerror="alert(1)">\u202e'
    report = {
        "organization-name": evil,
        "report-id": evil,
        "date-range": {"start-datetime": "2026-03-01T00:00:00Z", "end-datetime": "2026-03-01T23:59:59Z"},
        "policies": [
            {
                "policy": {"policy-type": evil, "policy-domain": evil},
                "summary": {"total-successful-session-count": 0, "total-failure-session-count": 5},
                "failure-details": [{"result-type": evil, "receiving-mx-hostname": evil, "failed-session-count": 5}],
            }
        ],
    }
    archive = sts.load(json.dumps(report).encode(), progress=False)
    for name in (*TABLES, "story", "scope", "key_figures", "meanings"):
        view = getattr(analysis, name)(archive)
        assert "<img" not in view._repr_html_(), name
        assert "\u202e" not in view._repr_html_() + str(view), name
