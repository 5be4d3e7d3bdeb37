"""One report, field by field, for somebody who has never read one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..knowledge import explain
from ..markup import number, one_line, when
from ._table import Table

if TYPE_CHECKING:
    from ..reports import Archive

__all__ = ["one_report"]

#: So many failure details can still be read in one go.
_FEW = 4
_Rows = list[tuple[str, str, str]]


def one_report(archive: Archive, report_key: str | None = None) -> Table:
    """Return one report as rows of field (RFC 8460 §4.4), value and meaning.

    Parameters
    ----------
    archive : Archive
        What `load` gave.
    report_key : str, optional
        Which report; None takes one with several kinds of failure and few details, so that there is something to see.

    Raises
    ------
    KeyError
        There is no report with that key.
    """
    import pandas as pd

    rows: _Rows = []
    if len(archive.sessions):
        key = _telling(archive) if report_key is None else report_key
        found = archive.reports[archive.reports["report_key"] == key]
        if found.empty:
            raise KeyError(f"there is no report {key!r}; archive.reports['report_key'] has the keys")
        rows = _rows(archive, key, found.iloc[0].to_dict())
    return Table(
        pd.DataFrame(rows, columns=["field", "value", "meaning"]),
        {"field": "Field", "value": "What it says", "meaning": "What that means"},
        caption="One report, from top to bottom.",
        nothing="No report came, so there is none to show.",
    )


def _telling(archive: Archive) -> str:
    """Return the key of the report that shows most in few lines: the most kinds of failure, then the fewest details."""
    if archive.failures.empty:
        return str(archive.sessions["report_key"].min())
    details = archive.failures.groupby("report_key")
    table = details["result_type"].nunique().rename("kinds").to_frame().assign(rows=details.size()).reset_index()
    few = table[table["rows"] <= _FEW]
    best = (table if few.empty else few).sort_values(["kinds", "rows", "report_key"], ascending=[False, True, True])
    return str(best["report_key"].iloc[0])


def _rows(archive: Archive, key: str, report: dict[object, object]) -> _Rows:
    rows: _Rows = [
        ("organization-name", str(report["organization_name"]), "Who reports, by its own word."),
        ("contact-info", str(report["contact_info"]), "Whom to ask about it."),
        ("report-id", str(report["report_id"]), "The reporter's own number for it; not unique between reporters."),
        (
            "date-range",
            f"{when(report['start_datetime'])} to {when(report['end_datetime'])}",  # type: ignore[arg-type]
            "The period, in UTC; usually one day.",
        ),
    ]
    sessions = archive.sessions[archive.sessions["report_key"] == key]
    failures = archive.failures[archive.failures["report_key"] == key]
    for session in sessions.to_dict("records"):
        rows += _of_policy(session)
        mine = failures[failures["policy_index"] == session["policy_index"]]
        for detail in mine.to_dict("records"):
            rows += _of_detail(detail)
    return [(field, one_line(value) if value else "", meaning) for field, value, meaning in rows]


def _of_policy(session: dict[object, object]) -> _Rows:
    at = f"policies[{session['policy_index']}]"
    return [
        (f"{at}.policy-type", str(session["policy_type"]), "sts is MTA-STS, tlsa is DANE, no-policy-found is neither."),
        (f"{at}.policy-domain", str(session["policy_domain"]), "The domain that the mail was for."),
        (
            f"{at}.policy-string",
            _lines(session["policy_string"]),
            "The policy as the sender has it, which may be an older one.",
        ),
        (f"{at}.mx-host", _lines(session["mx_host"]), "The mail servers that this policy allows."),
        (
            f"{at}.total-successful-session-count",
            number(session["total_successful_session_count"]),  # type: ignore[arg-type]
            "Connections that were as secure as the policy asks.",
        ),
        (
            f"{at}.total-failure-session-count",
            number(session["total_failure_session_count"]),  # type: ignore[arg-type]
            "Connections that were not. The details follow.",
        ),
    ]


def _of_detail(detail: dict[object, object]) -> _Rows:
    kind = str(detail["result_type"])
    fields = [
        ("result-type", kind, explain(kind).short),
        ("receiving-mx-hostname", _text(detail["receiving_mx_hostname"]), "The mail server at which it failed."),
        ("receiving-ip", _text(detail["receiving_ip"]), "The address of that mail server."),
        ("sending-mta-ip", _text(detail["sending_mta_ip"]), "The address of the sender."),
        ("failed-session-count", number(detail["failed_session_count"]), "How many connections failed so."),  # type: ignore[arg-type]
        ("failure-reason-code", _text(detail["failure_reason_code"]), "The sender's own word for the reason."),
    ]
    return [(f"failure-details: {name}", value, meaning) for name, value, meaning in fields if value]


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)


def _lines(value: object) -> str:
    return "; ".join(str(value).splitlines())
