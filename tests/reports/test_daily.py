"""`daily`: what is added up, what never is, and what no report means."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb.reports import FAILURE_KEYS, SESSION_KEYS, schema


def policy(
    kind: str = "sts",
    domain: str = "nordwind.example",
    good: int = 0,
    mode: str = "enforce",
    max_age: int | None = None,
    **failures: int,
) -> dict[str, Any]:
    """One element of `policies`; failures by the name of the MX (result type certificate-expired)."""
    lines = [f"mode: {mode}"] if max_age is None else [f"mode: {mode}", f"max_age: {max_age}"]
    return {
        "policy": {"policy-type": kind, "policy-domain": domain, "policy-string": lines},
        "summary": {"total-successful-session-count": good, "total-failure-session-count": sum(failures.values())},
        "failure-details": [
            {"result-type": "certificate-expired", "receiving-mx-hostname": mx, "failed-session-count": count}
            for mx, count in failures.items()
        ],
    }


def report(day: int, *policies: dict[str, Any], reporter: str = "Example Post") -> bytes:
    return json.dumps(
        {
            "organization-name": reporter,
            "date-range": {
                "start-datetime": f"2026-02-{day:02d}T00:00:00Z",
                "end-datetime": f"2026-02-{day:02d}T23:59:59Z",
            },
            "contact-info": "tls@post.example",
            "report-id": f"{day}",
            "policies": list(policies),
        }
    ).encode()


def rows(table: pd.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    plain = table.assign(day=table["day"].dt.day)
    return [
        tuple(None if pd.isna(cell) else cell for cell in row) for row in plain[list(names)].itertuples(index=False)
    ]


def load(*reports: bytes) -> sts.Archive:
    return sts.load(*reports, progress=False)


def test_columns_and_types() -> None:
    table = sts.daily(load(report(8, policy(good=3, mx1=2))))
    assert list(table.columns) == [
        "day", "result_type", "failed", "sessions", "group_sessions", "policy_domain", "policy_type",
    ]  # fmt: skip
    assert [str(kind) for kind in table.dtypes] == [
        "datetime64[us, UTC]", "category", "int64", "int64", "int64", "category", "category",
    ]  # fmt: skip
    wide = sts.daily(load(report(8, policy())), by=("policy_type", "result_type", "policy_domain"))
    assert list(wide.columns) == [
        "day", "policy_type", "result_type", "policy_domain", "failed", "sessions", "group_sessions",
    ]  # fmt: skip


def test_sessions_are_those_of_the_day_domain_and_type_in_every_row() -> None:
    archive = load(
        report(8, policy(good=10, mx1=2, mx2=3)),
        report(8, policy(good=5), reporter="Example Mail"),
    )
    table = sts.daily(archive, by="receiving_mx_hostname")
    assert rows(table, "receiving_mx_hostname", "failed", "sessions", "group_sessions") == [
        ("mx1", 2, 20, 20),
        ("mx2", 3, 20, 20),
    ]


def test_group_sessions_are_narrowed_by_session_keys_only() -> None:
    archive = load(
        report(8, policy(good=10, mx1=2, mx2=3)),
        report(8, policy(good=5), reporter="Example Mail"),
    )
    table = sts.daily(archive, by=("organization_name", "receiving_mx_hostname"))
    assert rows(table, "organization_name", "receiving_mx_hostname", "failed", "sessions", "group_sessions") == [
        ("Example Mail", None, 0, 20, 5),
        ("Example Post", "mx1", 2, 20, 15),
        ("Example Post", "mx2", 3, 20, 15),
    ]


def test_a_day_without_a_report_is_missing_and_a_day_without_failure_is_zero() -> None:
    archive = load(report(8, policy(good=4)), report(10, policy(good=4, mx1=1)))
    assert rows(sts.daily(archive), "day", "result_type", "failed", "sessions") == [
        (8, None, 0, 4),
        (10, "certificate-expired", 1, 5),
    ]


def test_policy_types_are_never_added_unless_told_to() -> None:
    archive = load(
        report(8, policy("sts", good=4, mx1=1), policy("tlsa", good=4, mx1=1), policy("no-policy-found", good=2))
    )
    assert rows(sts.daily(archive), "policy_type", "failed", "sessions") == [
        ("no-policy-found", 0, 2),
        ("sts", 1, 5),
        ("tlsa", 1, 5),
    ]
    assert rows(sts.daily(archive, policy_type="sts"), "policy_type", "failed", "sessions") == [("sts", 1, 5)]
    assert rows(sts.daily(archive, policy_type=["sts", "tlsa"]), "policy_type", "sessions") == [("sts", 5), ("tlsa", 5)]
    assert rows(sts.daily(archive, policy_type="*"), "policy_type", "failed", "sessions") == [("*", 2, 12)]


def test_details_above_the_total_count_in_the_sessions() -> None:
    element = policy(good=10, mx1=5)
    element["summary"]["total-failure-session-count"] = 1
    for by in ((), ("policy_string",), ("policy_string", "result_type")):
        assert rows(sts.daily(load(report(8, element)), by=by), "failed", "sessions") == [(5, 15)]


def test_what_no_detail_explains_is_failed_all_the_same() -> None:
    element = policy(good=10, mx1=5)
    element["summary"]["total-failure-session-count"] = 8
    assert rows(sts.daily(load(report(8, element))), "result_type", "failed", "sessions") == [
        ("certificate-expired", 5, 18),
        ("unattributed", 3, 18),
    ]


def test_a_detail_that_counts_nothing_is_no_failure() -> None:
    assert rows(sts.daily(load(report(8, policy(good=1, mx1=0)))), "result_type", "failed") == [(None, 0)]


def test_the_policy_that_was_applied_is_a_key_of_sessions_and_of_failures() -> None:
    archive = load(
        report(8, policy(good=3, mx1=1, max_age=86400)),
        report(9, policy(good=2, mx2=4, mode="testing")),
        report(9, policy(good=5, mode="testing"), reporter="Example Mail"),
    )
    table = sts.daily(archive, by=("policy_max_age", "policy_string"))
    assert str(table["policy_max_age"].dtype) == "Int64"
    assert rows(table, "day", "policy_max_age", "policy_string", "failed", "group_sessions") == [
        (8, 86400, "mode: enforce\nmax_age: 86400", 1, 4),
        (9, None, "mode: testing", 4, 11),
    ]
    by_mx = sts.daily(archive, by=("policy_string", "mx_host", "receiving_mx_hostname"))
    assert rows(by_mx, "day", "policy_string", "mx_host", "receiving_mx_hostname", "failed") == [
        (8, "mode: enforce\nmax_age: 86400", "", "mx1", 1),
        (9, "mode: testing", "", "mx2", 4),
    ]


def test_a_missing_key_is_a_group_of_its_own() -> None:
    element = policy(good=1, mx1=2, mx2=3)
    del element["failure-details"][1]["receiving-mx-hostname"]
    del element["policy"]["policy-string"]
    table = sts.daily(load(report(8, element)), by=("policy_mode", "receiving_mx_hostname"))
    assert rows(table, "policy_mode", "receiving_mx_hostname", "failed") == [(None, "mx1", 2), (None, None, 3)]


def test_nothing_is_an_empty_table_of_the_right_types() -> None:
    empty, some = sts.daily(sts.Archive()), sts.daily(load(report(8, policy(good=1))))
    assert empty.empty
    assert empty.dtypes.map(str).to_dict() == some.dtypes.map(str).to_dict()
    assert sts.daily(load(report(8, policy())), policy_type="tlsa").empty


@pytest.mark.parametrize(
    ("by", "named"),
    [("mx", "'mx'"), (("result_type", "result_type"), "twice"), (("day",), "'day'")],
)
def test_a_wrong_key_is_named_with_those_there_are(by: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        sts.daily(sts.Archive(), by=by)  # type: ignore[arg-type]


def test_an_archive_has_one_engine() -> None:
    with pytest.raises(ValueError, match="engine='dask'"):
        sts.daily(sts.Archive(), engine="dask")


class Pieces:
    """A source that gives an archive in three pieces, as a store would."""

    def __init__(self, archive: sts.Archive) -> None:
        self.archive = archive

    def session_rows(
        self, session_columns: Sequence[str], failure_columns: Sequence[str], *, engine: str | None = None
    ) -> Iterable[tuple[pd.DataFrame, pd.DataFrame]]:
        sessions, failures = self.archive.sessions, self.archive.failures
        keys = sessions["report_key"].unique()
        for part in (keys[::3], keys[1::3], keys[2::3]):
            yield (
                sessions.loc[sessions["report_key"].isin(part), list(session_columns)],
                failures.loc[failures["report_key"].isin(part), list(failure_columns)],
            )


elements = st.builds(
    policy,
    st.sampled_from(["sts", "tlsa"]),
    st.sampled_from(["nordwind.example", "suedwind.example"]),
    st.integers(0, 5),
    st.sampled_from(["enforce", "testing", "?"]),
    st.sampled_from([None, 86400, 5]),
    mx1=st.integers(0, 3),
    mx2=st.integers(0, 3),
)
archives = st.lists(
    st.builds(
        lambda day, found, reporter: report(day, *found, reporter=reporter),
        st.integers(1, 4),
        st.lists(elements, min_size=1, max_size=3),
        st.sampled_from(["Example Post", "Example Mail"]),
    ),
    min_size=1,
    max_size=6,
)
keys = st.lists(st.sampled_from([*SESSION_KEYS, *FAILURE_KEYS]), unique=True, max_size=4)


def naive(archive: sts.Archive, by: Sequence[str]) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """The same, row by row."""
    session_keys = [key for key in by if key in SESSION_KEYS]
    base = ["day", "policy_domain", "policy_type", *session_keys]
    own = [key for key in by if key in FAILURE_KEYS]

    session_of = {(row.report_key, row.policy_index): row for row in archive.sessions.itertuples()}

    def cells(row: Any, names: Sequence[str]) -> tuple[Any, ...]:
        # What only the sessions have, a failure takes from its session.
        where = [row if hasattr(row, name) else session_of[row.report_key, row.policy_index] for name in names]
        values = [getattr(row, name) for row, name in zip(where, names, strict=True)]
        return tuple(None if pd.isna(value) else value for value in values)

    totals: dict[tuple[Any, ...], int] = {}
    groups: dict[tuple[Any, ...], int] = {}
    failed: dict[tuple[Any, ...], int] = {}
    for row in archive.sessions.itertuples():
        count = row.total_successful_session_count + max(
            row.total_failure_session_count, row.detailed_failure_session_count
        )
        for found, names in ((totals, base[:3]), (groups, base)):
            found[cells(row, names)] = found.get(cells(row, names), 0) + count
    for row in archive.failures.itertuples():
        if row.failed_session_count:
            key = cells(row, [*base, *own])
            failed[key] = failed.get(key, 0) + row.failed_session_count
    for group in groups:
        if not any(key[: len(base)] == group for key in failed):
            failed[*group, *[None] * len(own)] = 0
    return {key: (count, totals[key[:3]], groups[key[: len(base)]]) for key, count in failed.items()}


@settings(max_examples=40)
@given(archives, keys)
def test_as_counted_row_by_row_and_in_pieces(sources: list[bytes], by: list[str]) -> None:
    archive = load(*sources)
    table = sts.daily(archive, by=by)
    names = [
        "day",
        "policy_domain",
        "policy_type",
        *(k for k in by if k in SESSION_KEYS),
        *(k for k in by if k in FAILURE_KEYS),
    ]
    unique = list(dict.fromkeys(names))
    found = {
        tuple(None if pd.isna(row[name]) else row[name] for name in names): (
            row["failed"], row["sessions"], row["group_sessions"],
        )
        for row in table.to_dict("records")
    }  # fmt: skip
    assert found == naive(archive, by)
    assert len(table) == len(found)
    ordered = table.sort_values(unique, kind="stable", na_position="last").reset_index(drop=True)
    pd.testing.assert_frame_equal(table, ordered)
    pd.testing.assert_frame_equal(sts.daily(Pieces(archive), by=by), table, check_categorical=False)


def test_four_hundred_days_of_many_groups_take_well_under_a_second() -> None:
    size = 200_000
    rng = np.random.default_rng(1)
    days = pd.Timestamp("2025-01-01", tz="UTC").as_unit("us") + pd.to_timedelta(rng.integers(0, 400, size), "D")
    frame = {name: schema.empty("failures")[name] for name in schema.columns("failures")}
    failures = pd.DataFrame(
        {
            **{name: column.reindex(range(size)) for name, column in frame.items() if str(column.dtype) == "category"},
            "report_key": "x",
            "policy_index": 0,
            "start_datetime": days,
            "day": days,
            "policy_type": pd.Categorical(rng.choice(["sts", "tlsa"], size)),
            "policy_domain": pd.Categorical(rng.choice([f"d{n}.example" for n in range(20)], size)),
            "result_type": pd.Categorical(rng.choice([f"r{n}" for n in range(11)], size)),
            "receiving_mx_hostname": pd.Categorical(rng.choice([f"mx{n}" for n in range(9)], size)),
            "failed_session_count": rng.integers(0, 9, size),
        }
    )[list(frame)]
    sessions = failures.assign(
        end_datetime=days, policy_max_age=pd.array([None] * size, "Int64"), policy_string="", mx_host="",
        total_successful_session_count=5, total_failure_session_count=1, detailed_failure_session_count=1,
    )[schema.columns("sessions")]  # fmt: skip
    archive = sts.Archive(sessions=sessions, failures=failures)
    began = time.process_time()
    table = sts.daily(archive, by=("result_type", "receiving_mx_hostname"))
    assert time.process_time() - began < 1
    assert table["failed"].sum() == failures["failed_session_count"].sum()
