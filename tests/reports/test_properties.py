"""What holds for any report and any bytes: nothing raises, nothing is lost, the order says nothing."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb.reports import _collect, schema

TABLES = tuple(schema.SCHEMA)

words = st.sampled_from(
    ["a", "A ", "post.example", "Post", "", "192.0.2.1", "2001:db8::1", "=1+1", "\ud800", "x\ny", "é"]
)
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**13),
    st.floats(),
    words,
    st.just([]),
    st.just({}),
    st.lists(words, max_size=3),
    st.dictionaries(words, words, max_size=2),
)
counts = st.integers(0, 20)
# Few values on purpose: then the same identity comes up with other content.
types = st.sampled_from(["sts", "tlsa", "no-policy-found"])
domains = st.sampled_from(["nordwind.example", "suedwind.example"])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A right value nine times out of ten, else anything."""
    return st.integers(0, 9).flatmap(lambda n: strategy if n else junk)


def with_some_missing(pairs: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={key: maybe(value) for key, value in pairs.items()})


details = with_some_missing(
    {
        "result-type": st.sampled_from(["certificate-expired", "validation-failure", "X-New"]),
        "sending-mta-ip": st.sampled_from(["192.0.2.1", "192.0.2.2"]),
        "receiving-mx-hostname": st.sampled_from(["mx1.nordwind.example", "MX2.nordwind.example."]),
        "receiving-ip": st.just("198.51.100.1"),
        "failed-session-count": counts,
        "failure-reason-code": words,
    }
)


def odd_reports() -> st.SearchStrategy[dict[str, Any]]:
    policy = with_some_missing(
        {
            "policy-type": types,
            "policy-domain": domains,
            "policy-string": st.just(["version: STSv1", "mode: enforce", "max_age: 60"]),
            "mx-host": st.just(["*.nordwind.example"]),
        }
    )
    summary = with_some_missing({"total-successful-session-count": counts, "total-failure-session-count": counts})
    element = with_some_missing(
        {"policy": policy, "summary": summary, "failure-details": st.lists(details, max_size=3)}
    )
    moment = st.sampled_from(
        ["2026-02-08T00:00:00Z", "2026-02-08T23:59:59Z", "2026-02-09T00:00:00+02:00", "2026-02-08"]
    )
    return with_some_missing(
        {
            "organization-name": st.just("Example Post"),
            "date-range": st.fixed_dictionaries({"start-datetime": maybe(moment), "end-datetime": maybe(moment)}),
            "contact-info": st.just("tls@post.example"),
            "report-id": st.sampled_from(["1", "2"]),
            "policies": st.lists(maybe(element), max_size=3),
        }
    )


def right_reports() -> st.SearchStrategy[dict[str, Any]]:
    """Reports just as RFC 8460 §4.4 says."""
    detail = st.fixed_dictionaries(
        {"result-type": st.sampled_from(["certificate-expired", "tlsa-invalid"]), "failed-session-count": counts},
        optional={
            "sending-mta-ip": st.sampled_from(["192.0.2.1", "2001:db8::1"]),
            "receiving-mx-hostname": st.sampled_from(["mx1.nordwind.example", "mx2.nordwind.example"]),
            "receiving-mx-helo": words.filter(lambda text: "\ud800" not in text),
            "failure-reason-code": st.just("x"),
        },
    )

    def element(found: list[dict[str, Any]], good: int, kind: str, domain: str, lines: list[str]) -> dict[str, Any]:
        return {
            "policy": {"policy-type": kind, "policy-domain": domain, "policy-string": lines, "mx-host": ["a", "b"]},
            "summary": {
                "total-successful-session-count": good,
                "total-failure-session-count": sum(each["failed-session-count"] for each in found),
            },
            "failure-details": found,
        }

    lines = st.sampled_from([["version: STSv1", "mode: none"], ["max_age: 9"], []])
    return st.fixed_dictionaries(
        {
            "organization-name": st.sampled_from(["Example Post", "Example Mail"]),
            "date-range": st.just({"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-09T00:00:00Z"}),
            "contact-info": st.just("tls@post.example"),
            "report-id": st.sampled_from(["1", "2"]),
            "policies": st.lists(
                st.builds(element, st.lists(detail, max_size=3), counts, types, domains, lines), min_size=1, max_size=2
            ),
        }
    )


def encoded(report: object) -> bytes:
    return json.dumps(report).encode()


def load(*sources: bytes) -> sts.Archive:
    archive = sts.load(*sources, progress=False)
    for table in TABLES:
        schema.check(table, getattr(archive, table))
    return archive


def check_sums(archive: sts.Archive) -> None:
    key = ["report_key", "policy_index"]
    want = archive.sessions.set_index(key)[["total_failure_session_count", "detailed_failure_session_count"]].max(
        axis=1
    )
    have = archive.failures.groupby(key)["failed_session_count"].sum()
    assert want.sub(have, fill_value=0).eq(0).all()
    assert set(archive.sessions["report_key"]) <= set(archive.reports["report_key"])
    assert not archive.sessions.duplicated(key).any()
    assert archive.reports["report_key"].is_unique
    known = archive.inputs["report_key"].dropna()
    assert set(known) == set(archive.reports["report_key"])


# One load costs much the same for few reports and for many: each example has many.
@settings(max_examples=40)
@given(st.lists(odd_reports(), min_size=1, max_size=13))
def test_odd_reports_end_somewhere_and_sums_hold(reports: list[dict[str, Any]]) -> None:
    archive = load(*map(encoded, reports))
    assert len(archive.inputs) == len(reports)
    assert archive.inputs["source"].tolist() == [f"<bytes {n}>" for n in range(1, len(reports) + 1)]
    check_sums(archive)
    totals = sts.daily(archive, by=(), policy_type="*")
    assert totals["failed"].sum() == archive.failures["failed_session_count"].sum()


@settings(max_examples=40)
@given(st.lists(st.one_of(odd_reports(), right_reports()), min_size=2, max_size=15), st.data())
def test_the_order_of_inputs_says_nothing(reports: list[dict[str, Any]], data: st.DataObject) -> None:
    sources = [*map(encoded, reports), encoded(reports[0]), json.dumps(reports[0], indent=1).encode()]
    other = data.draw(st.permutations(sources))
    one, two = load(*sources), load(*other)
    pd.testing.assert_frame_equal(one.sessions, two.sessions)
    pd.testing.assert_frame_equal(one.failures, two.failures)
    # Where it came from differs: content given in memory is named by its position.
    placed = ["source", "member"]
    pd.testing.assert_frame_equal(one.reports.drop(columns=placed), two.reports.drop(columns=placed))
    assert one.inputs["outcome"].value_counts().to_dict() == two.inputs["outcome"].value_counts().to_dict()


@settings(max_examples=40)
@given(st.lists(right_reports(), min_size=1, max_size=10))
def test_both_readers_say_the_same(reports: list[dict[str, Any]]) -> None:
    sources = list(map(encoded, reports))
    fast = load(*sources)
    assert fast.deviations.empty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_collect.Collector, "add_typed", lambda *_: False)
        slow = load(*sources)
    assert slow.deviations.empty
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(fast, table), getattr(slow, table))


@given(right_reports())
def test_right_reports_take_the_fast_reader(report: dict[str, Any]) -> None:
    assert _collect.Collector(sts.Limits()).add_typed(encoded(report), "x")


HEADS = [b"", b"{", b"[{", b'{"policies":', b"\x1f\x8b"]


@settings(max_examples=40)
@given(st.lists(st.builds(bytes.__add__, st.sampled_from(HEADS), st.binary(max_size=60)), min_size=1, max_size=15))
def test_bytes_never_raise(blobs: list[bytes]) -> None:
    archive = load(*blobs)
    assert len(archive.inputs) >= len(blobs)
    assert set(archive.inputs["source"]) == {f"<bytes {n}>" for n in range(1, len(blobs) + 1)}


@st.composite
def damaged_reports(draw: st.DrawFn) -> bytes:
    whole = bytearray(encoded(draw(right_reports())))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(whole) - 1))
        whole[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(whole)


@settings(max_examples=40)
@given(st.lists(damaged_reports(), min_size=5, max_size=10), right_reports())
def test_damaged_reports_never_raise(damaged: list[bytes], report: dict[str, Any]) -> None:
    archive = load(*damaged, encoded(report))
    assert archive.inputs["outcome"].tolist()[-1] in ("loaded", "duplicate")
    check_sums(archive)
