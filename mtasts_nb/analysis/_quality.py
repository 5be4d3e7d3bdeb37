"""How far the numbers can be trusted: what arrived, what did not, who reports, and one report field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from ..knowledge import result_type_text
from ..markup import number, one_line, plural, share, when
from ..vocabulary import UNATTRIBUTED
from ._cells import cells
from ._table import NO_NAME, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..reports import Archive, Source

__all__ = ["arrivals", "assumptions", "coverage", "one_report", "refusals"]

_OUTCOMES: Final = {
    "loaded": ("Reports read", "They are in the numbers, each once."),
    "duplicate": ("Copies of a report already read", "Not counted again: the same report often arrives by two routes."),
    "skipped": ("Without a report", "Other mails and files; nothing is missing because of them."),
    "rejected": ("Could not be read", "Not in the numbers. Their content is not known."),
}
#: So many failure details can still be read in one go.
_FEW: Final = 4


def arrivals(archive: Archive) -> Table:
    """Return what became of the inputs, and what else affects the numbers: columns ``what, count, meaning``."""
    outcomes = archive.inputs["outcome"].astype("str").value_counts()
    unattributed = archive.failures["result_type"] == UNATTRIBUTED
    rows = [(what, int(outcomes.get(outcome, 0)), meaning) for outcome, (what, meaning) in _OUTCOMES.items()]
    rows += [
        (
            "Conflicting reports with the same identity",
            int(archive.reports["conflict"].sum()),
            "Of each group one counts: with the reporter's usual signature, else received first. The others may be forged.",
        ),
        ("Assumptions made in reading", len(archive.deviations), "Fields that are not as RFC 8460 §4.4 defines them."),
        (
            "Failed sessions without a detail",
            int(archive.failures.loc[unattributed, "failed_session_count"].sum()),
            "Counted by the reporter in its summary, never explained.",
        ),
    ]
    far = int(cells(archive).far_off["sessions"].sum())
    if far:
        meaning = (
            "Left out of statements, tables and figures: most likely a reporter's wrong clock. The archive has them."
        )
        rows.append(("Sessions dated years from all others", far, meaning))
    return Table(
        pd.DataFrame(rows, columns=["what", "count", "meaning"]),
        {"what": "What", "count": "How many", "meaning": "What it means for the numbers"},
        caption=f"{plural(len(archive.inputs), 'input')} examined.",
        nothing="Nothing was examined.",
    )


def refusals(archive: Archive) -> Table:
    """Return what could not be read: columns ``source, member, stage, reason, detail``."""
    return Table(
        archive.rejects,
        {"source": "Input", "member": "Part", "reason": "Reason", "detail": "Detail"},
        caption=f"{plural(len(archive.rejects), 'input')} could not be read.",
        nothing="Everything could be read.",
    )


def assumptions(archive: Archive) -> Table:
    """Return what was assumed in reading, grouped: columns ``field, treatment, times, reports, example``."""
    deviations = archive.deviations.astype({"field": "str", "treatment": "str"})
    # policies[0] and policies[7] are the same mistake.
    deviations["field"] = deviations["field"].str.replace(r"\[\d+\]", "[]", regex=True)
    deviations["report"] = deviations["source"] + "\n" + deviations["member"]
    frame = (
        deviations.groupby(["field", "treatment"])
        .agg(times=("source", "size"), reports=("report", "nunique"), example=("value", "first"))
        .reset_index()
        .sort_values(["times", "field", "treatment"], ascending=[False, True, True])
    )
    return Table(
        frame.reset_index(drop=True),
        {
            "field": "Field", "treatment": "How it was read", "times": "Times", "reports": "Reports",
            "example": "For example",
        },
        caption=f"{plural(len(frame), 'kind')} of deviation from RFC 8460, all understood.",
        nothing="Nothing had to be assumed: every report has the form of RFC 8460.",
    )  # fmt: skip


def coverage(source: Source) -> Table:
    """Return who reports and how regularly: one row per reporter.

    Returns
    -------
    Table
        Columns ``organization_name, first, last`` (days with a report), ``days, missing`` (days between first and last
        without a report), ``longest_gap`` (days), ``quiet`` (days from its last report to the last of all reporters).
    """
    sessions = cells(source).sessions
    end = sessions["day"].max()
    rows = []
    for name, part in sessions.groupby("organization_name", sort=True):
        calendar = pd.DatetimeIndex(sorted(part["day"].unique()))
        steps = calendar.to_series().diff().dt.days.fillna(1).astype("int64") - 1
        rows.append(
            {
                "organization_name": name or NO_NAME,
                "first": calendar[0],
                "last": calendar[-1],
                "days": len(calendar),
                "missing": int(steps.sum()),
                "longest_gap": int(steps.max()),
                "quiet": (end - calendar[-1]).days,
            }
        )
    headings = {
        "organization_name": "Reporter", "first": "First report", "last": "Last report", "days": "Days with a report",
        "missing": "Days missing between", "longest_gap": "Longest gap", "quiet": "Days since its last report",
    }  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(headings)).sort_values(
        ["days", "organization_name"], ascending=[False, True]
    )
    missing = int(frame["missing"].sum())
    return Table(
        frame.reset_index(drop=True),
        headings,
        caption=f"{plural(len(frame), 'reporter')}; {share(missing, int(frame['days'].sum()) + missing)} of their days "
        "are missing. A missing day is unknown, not clean; many reporters send nothing for a day without mail.",
        nothing="No report came.",
    )


def one_report(archive: Archive, report_key: str | None = None) -> Table:
    """Return one report as rows of field (RFC 8460 §4.4), value and meaning.

    Parameters
    ----------
    archive : Archive
        What `load` gave.
    report_key : str, optional
        Which report; None takes one with several kinds of failure and few details.

    Raises
    ------
    KeyError
        There is no report with that key.
    """
    rows: list[tuple[str, str, str]] = []
    if len(archive.sessions):
        key = _example(archive) if report_key is None else report_key
        reports = archive.reports[archive.reports["report_key"] == key]
        if reports.empty:
            raise KeyError(f"there is no report {key!r}; archive.reports['report_key'] has the keys")
        fields = _fields(archive, key, reports.astype(object).to_dict("records")[0])
        rows = [(field, one_line(value) if value else "", meaning) for field, value, meaning in fields]
    return Table(
        pd.DataFrame(rows, columns=["field", "value", "meaning"]),
        {"field": "Field", "value": "Value", "meaning": "What that means"},
        caption="One report, from top to bottom.",
        nothing="No report came, so there is none to show.",
    )


def _example(archive: Archive) -> str:
    """Return the key of the report that shows most in few lines: the most kinds of failure, then the fewest details."""
    if archive.failures.empty:
        return str(archive.sessions["report_key"].min())
    details = archive.failures.groupby("report_key")
    table = details["result_type"].nunique().rename("kinds").to_frame().assign(rows=details.size()).reset_index()
    few = table[table["rows"] <= _FEW]
    best = (table if few.empty else few).sort_values(["kinds", "rows", "report_key"], ascending=[False, True, True])
    return str(best["report_key"].iloc[0])


def _fields(archive: Archive, key: str, report: Mapping[object, object]) -> Iterator[tuple[str, str, str]]:
    yield "organization-name", str(report["organization_name"]), "Who reports; the reporter's own name for itself."
    yield "contact-info", str(report["contact_info"]), "Whom to ask about it."
    yield "report-id", str(report["report_id"]), "The reporter's own number for it; not unique between reporters."
    dates = f"{when(report['start_datetime'])} to {when(report['end_datetime'])}"  # type: ignore[arg-type]
    yield "date-range", dates, "The period, in UTC; usually one day."
    failures = archive.failures[archive.failures["report_key"] == key]
    for session in archive.sessions[archive.sessions["report_key"] == key].to_dict("records"):
        index = session["policy_index"]
        texts = (
            ("policy-type", session["policy_type"], "sts is MTA-STS, tlsa is DANE, no-policy-found is neither."),
            ("policy-domain", session["policy_domain"], "The domain that the mail was for."),
            ("policy-string", _lines(session["policy_string"]), "The policy that the sender applied, perhaps from its cache."),
            ("mx-host", _lines(session["mx_host"]), "The mail servers that this policy covers."),
            ("total-successful-session-count", number(session["total_successful_session_count"]),
             "Connections that were as secure as the policy asks."),
            ("total-failure-session-count", number(session["total_failure_session_count"]),
             "Connections that were not. The details follow."),
        )  # fmt: skip
        yield from ((f"policies[{index}].{name}", str(value), meaning) for name, value, meaning in texts)
        for detail in failures[failures["policy_index"] == index].to_dict("records"):
            meanings = {
                "result_type": result_type_text(str(detail["result_type"])).short,
                "receiving_mx_hostname": "The mail server at which it failed.",
                "receiving_ip": "The address of that mail server.",
                "sending_mta_ip": "The address of the sender.",
                "failed_session_count": "How many connections failed this way.",
                "failure_reason_code": "The reason given by the sender.",
            }
            for name, meaning in meanings.items():
                value = detail[name]
                if value is not None and value == value and value != "":
                    text = number(value) if isinstance(value, int) else str(value)
                    yield f"failure-details: {name.replace('_', '-')}", text, meaning


def _lines(value: object) -> str:
    return "; ".join(str(value).splitlines())
