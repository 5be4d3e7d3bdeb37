"""Every analysis of the postmortem, on 400 days × 50 policy domains × 200,000 reports, once they are loaded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

import mtasts_nb as sts
from mtasts_nb import analysis, postmortem
from mtasts_nb.publish._redact_data import names_in, redacted_archive
from mtasts_nb.publish._redact_names import Pseudonyms
from mtasts_nb.reports import Archive, schema

from .bench_incidents import Frames
from .setting import Figure, timed

_SHOWN = (
    "heading", "sentences", "facts", "opening", "impact", "by_reporter", "timeline", "nearby_events", "evidence", "cause",
    "fix_check", "actions", "by_mx", "by_result_type", "other_incidents",
)  # fmt: skip


def _archive() -> Archive:
    """Return the tables of `Frames` as an Archive, one report for each session row."""
    made = Frames()
    tables = {"sessions": made._sessions.copy(), "failures": made._failures.copy()}
    tables["sessions"]["report_key"] = [f"{number:024x}" for number in range(len(tables["sessions"]))]
    order = ["day", "organization_name", "policy_domain"]
    keys = tables["sessions"].set_index(order)["report_key"]
    tables["failures"]["report_key"] = keys.reindex(pd.MultiIndex.from_frame(tables["failures"][order])).to_numpy()
    policy = "version: STSv1\nmode: enforce\nmx: mx1.example\nmx: mx2.example\nmax_age: 604800"
    given = {
        "policy_mode": "enforce", "policy_string": policy, "mx_host": "mx1.example\nmx2.example", "policy_max_age": 604800,
        "sending_mta_ip": "192.0.2.1", "receiving_ip": "192.0.2.2", "failure_reason_code": "CERTIFICATE_EXPIRED",
        "policy_index": 0,
    }  # fmt: skip
    for name, frame in tables.items():
        frame["start_datetime"] = frame["day"]
        frame["end_datetime"] = frame["day"] + pd.Timedelta(days=1)
        columns = {column.name: _column(frame, column, given) for column in schema.SCHEMA[name]}
        tables[name] = pd.DataFrame(columns)
        schema.check(name, tables[name])
    sessions = tables["sessions"]
    reports = {
        column.name: _column(sessions, column, {"sha256": "0" * 64, "size": 500}) for column in schema.SCHEMA["reports"]
    }
    reports["source"] = sessions["report_key"]
    tables["reports"] = pd.DataFrame(reports)
    inputs = {
        column.name: _column(tables["reports"], column, {"outcome": "loaded"}) for column in schema.SCHEMA["inputs"]
    }
    tables["inputs"] = pd.DataFrame(inputs)
    return Archive(sources=["made up"], **tables)


def _column(frame: pd.DataFrame, column: schema.Column, given: dict[str, object]) -> pd.Series:
    size = len(frame)
    if column.name in frame:
        found = frame[column.name]
        if column.dtype == schema.CATEGORY:
            names = pd.Index(list(map(str, found.cat.categories)), dtype=schema.text_dtype())
            return pd.Series(pd.Categorical.from_codes(found.cat.codes, categories=names), index=frame.index)
        return found.astype(schema.text_dtype()) if column.dtype == schema.TEXT else found
    value = given.get(column.name)
    if column.dtype == schema.CATEGORY:
        names = pd.Index([] if value is None and column.optional else [str(value or "")], dtype=schema.text_dtype())
        codes = np.full(size, -1 if value is None and column.optional else 0)
        return pd.Series(pd.Categorical.from_codes(codes, categories=names), index=frame.index)
    if column.dtype == schema.TEXT:
        value = value if value is not None or column.optional else ""
        return pd.Series([value] * size, index=frame.index, dtype=schema.text_dtype())
    return pd.Series(np.zeros(size, np.int64) if value is None else np.full(size, value), index=frame.index).astype(
        column.dtype
    )


def measure() -> Iterator[Figure]:
    """Yield the time of all that the document computes, without the figures, and of redaction."""
    archive = _archive()

    def tell() -> None:
        case = postmortem.open_case(archive)
        for name in _SHOWN:
            getattr(case, name)()._repr_html_()
        for table in (analysis.arrivals, analysis.coverage, analysis.refusals, analysis.assumptions):
            table(case.archive)._repr_html_()
        sts.policy_history(case.history, case.domain)._repr_html_()

    tell()
    seconds = min(timed(tell) for _ in range(2))
    what = f"{len(archive.reports)} reports; every sentence and table of notebook 06"
    yield Figure("postmortem", 1000 * seconds, "ms", 3000, beside=what)
    everything = min(timed(lambda: postmortem.open_case(archive, period=None).cause()._repr_html_()) for _ in range(2))
    yield Figure("postmortem, all incidents at once: open and diagnose", 1000 * everything, "ms")
    redact = timed(lambda: redacted_archive(archive, Pseudonyms(b"bench", avoid=names_in(archive))))
    yield Figure("redaction of the archive", 1000 * redact, "ms")
