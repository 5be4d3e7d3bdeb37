"""The sample archive seen through the package's own reader: nothing lost, nothing doubled, every incident where it was."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import mtasts_nb as sts


@pytest.fixture(scope="module")
def archive(root: Path) -> sts.Archive:
    return sts.load(root / "data" / "sample", progress=False)


@pytest.fixture(scope="module")
def truth(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "data" / "sample" / "truth.csv", keep_default_na=False).set_index("incident")


def _group(archive: sts.Archive, row: pd.Series) -> pd.Series:
    """Failed sessions by day of one incident's group."""
    daily = sts.daily(archive, by=("result_type", "receiving_mx_hostname"))
    daily = daily[(daily["policy_domain"] == row["policy_domain"]) & (daily["policy_type"] == row["policy_type"])]
    daily = daily[daily["result_type"] == row["result_type"]]
    mx = daily["receiving_mx_hostname"]
    daily = daily[mx == row["receiving_mx_hostname"] if row["receiving_mx_hostname"] else mx.isna()]
    return daily.set_index("day")["failed"]


def test_each_input_is_accounted_for(archive: sts.Archive) -> None:
    outcomes = archive.inputs["outcome"].value_counts().to_dict()
    assert outcomes == {
        "loaded": len(archive.reports[archive.reports["duplicate_of"].isna()]),
        "duplicate": 9,
        "skipped": 7,
        "rejected": 1,
    }
    assert sum(outcomes.values()) == len(archive.inputs)
    assert archive.reports["conflict"].sum() > 0
    skipped = archive.inputs[archive.inputs["outcome"] == "skipped"]
    assert any(skipped["source"].astype(str).str.endswith("truth.csv"))


def test_sums_hold(archive: sts.Archive) -> None:
    """The failure rows of a session add up to the larger of total and details."""
    sessions = archive.sessions.set_index(["report_key", "policy_index"])
    rows = archive.failures.groupby(["report_key", "policy_index"], observed=True)["failed_session_count"].sum()
    larger = sessions[["total_failure_session_count", "detailed_failure_session_count"]].max(axis=1)
    assert (larger == rows.reindex(larger.index, fill_value=0)).all()
    assert (sessions["total_failure_session_count"] > sessions["detailed_failure_session_count"]).any()
    assert (sessions["total_failure_session_count"] < sessions["detailed_failure_session_count"]).any()


def test_every_incident_is_seen_where_it_was(archive: sts.Archive, truth: pd.DataFrame) -> None:
    for incident, row in truth.iterrows():
        failed = _group(archive, row)
        first, last = pd.Timestamp(row["start"], tz="UTC"), pd.Timestamp(row["end"] or "2026-10-31", tz="UTC")
        inside = failed[(failed.index >= first) & (failed.index <= last)]
        assert inside.sum() == row["failed_session_count"], incident
        assert failed.drop(inside.index).max() <= 15 or len(inside) == len(failed), incident
        assert {inside.index.min(), inside.index.max()} == {first, last}, incident


def test_its_reporters_are_those_who_saw_it(archive: sts.Archive, truth: pd.DataFrame) -> None:
    """Reporters named in the truth all have failures of the group in the span; others at most background."""
    for incident, row in truth.iterrows():
        failures = archive.failures
        failures = failures[
            (failures["policy_domain"] == row["policy_domain"])
            & (failures["policy_type"] == row["policy_type"])
            & (failures["result_type"] == row["result_type"])
            & (failures["day"] >= pd.Timestamp(row["start"], tz="UTC"))
            & (failures["day"] <= pd.Timestamp(row["end"] or "2026-10-31", tz="UTC"))
        ]
        counts = failures.groupby("organization_name", observed=True)["failed_session_count"].sum()
        named = set(row["reporters"].split("; "))
        assert named <= set(counts.index), incident
        days = (pd.Timestamp(row["end"] or "2026-10-31") - pd.Timestamp(row["start"])).days + 1
        others = {name: count / days for name, count in counts.items() if name not in named}
        assert all(each < 4 for each in others.values()), f"{incident}: {others} a day"


def test_a_policy_of_each_kind_is_read(archive: sts.Archive) -> None:
    sessions = archive.sessions
    assert set(sessions["policy_type"]) == {"sts", "tlsa", "no-policy-found"}
    assert set(sessions["policy_mode"].dropna()) == {"testing", "enforce"}
    assert set(sessions["policy_domain"]) == {
        "nordwind.example",
        "suedwind.example",
    }  # absent ones taken from the file name
    assert set(sessions["policy_max_age"].dropna()) == {86_400, 604_800, 2_592_000}
    tlsa = sessions[sessions["policy_type"] == "tlsa"]["policy_string"]
    assert set(tlsa) == {"3 1 1 " + "5a1c9e07" * 8}  # as a list at some reporters, as an array in a string at another
