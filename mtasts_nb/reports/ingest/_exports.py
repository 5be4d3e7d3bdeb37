"""TLS reports as parsedmarc exports them: JSON, CSV, and documents for Elasticsearch or OpenSearch.

What parsedmarc leaves out is lost: the MX patterns of RFC 8460's ``mx-host`` (it keeps only
``mx-host-pattern``), in CSV the contact too. What it writes in another place is put back.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from ...settings import Limits
from ._budget import Budget, over
from ._model import Deviation, Hints, Leaf, Rejected, Skipped, Unreadable, step_down

__all__ = ["CSV_HEADER", "Rebuilt", "csv_reports", "exported", "reports_in_result"]

#: What a CSV export begins with; the columns of older versions are the same.
CSV_HEADER: Final = b"organization_name,begin_date,end_date,report_id,"

_REPORT: Final = {
    "organization_name": "organization-name",
    "org_name": "organization-name",
    "contact_info": "contact-info",
    "report_id": "report-id",
}
_POLICY: Final = {
    "policy_domain": "policy-domain",
    "policy_type": "policy-type",
    "policy_strings": "policy-string",
    "policy_string": "policy-string",
    "mx_host_patterns": "mx-host",
}
_SUMMARY: Final = {
    "successful_session_count": "total-successful-session-count",
    "failed_session_count": "total-failure-session-count",
}
_DETAIL: Final = {
    "result_type": "result-type",
    "failed_session_count": "failed-session-count",
    "sending_mta_ip": "sending-mta-ip",
    "receiving_ip": "receiving-ip",
    "receiving_mx_hostname": "receiving-mx-hostname",
    "receiving_mx_helo": "receiving-mx-helo",
    "failure_reason_code": "failure-reason-code",
    "additional_info_uri": "additional-information",
    "additional_information_uri": "additional-information",
}
#: By the name of the first key, that of the second: parsedmarc's own, and that of its Elasticsearch documents.
_PERIODS: Final = {"begin_date": "end_date", "date_begin": "date_end"}
#: Of a document: what repeats other fields of it.
_DERIVED: Final = ("date_range", "policies_combined", "failure_details_combined")
_REMARK: Final = Deviation(
    "", None, "an export of parsedmarc, which leaves out mx-host; read as the report it was made from"
)
_CSV_REMARK: Final = Deviation(
    "", None, "rows of a CSV export of parsedmarc, which leaves out contact-info and mx-host; read as the report they were made from"
)  # fmt: skip
_REPEATED: Final = "repeated from the policy before by parsedmarc, ignored"


class _Result(msgspec.Struct):
    smtp_tls_reports: list[msgspec.Raw]


def reports_in_result(text: bytes) -> list[tuple[str, bytes]] | None:
    """Return the TLS reports in what parsedmarc prints, which has DMARC reports too; None for anything else.

    Examples
    --------
    >>> reports_in_result(b'{"aggregate_reports": [], "smtp_tls_reports": [{"report_id": "1"}]}')
    [('smtp_tls_reports 1', b'{"report_id": "1"}')]
    """
    if b'"smtp_tls_reports"' not in text:
        return None
    with suppress(msgspec.MsgspecError, RecursionError, ValueError):
        result = msgspec.json.decode(text, type=_Result)
        return [(f"smtp_tls_reports {number}", bytes(raw)) for number, raw in enumerate(result.smtp_tls_reports, 1)]
    return None


def exported(document: object) -> tuple[object, Deviation | None]:
    """Return a document of parsedmarc in the form of RFC 8460 §4.4, and a remark; others unchanged.

    Examples
    --------
    >>> exported({"_id": "1", "_source": {"org_name": "x", "date_begin": "a", "date_end": "b", "policies": []}})[0]
    {'organization-name': 'x', 'policies': [], 'date-range': {'start-datetime': 'a', 'end-datetime': 'b'}}
    """
    if not isinstance(document, dict):
        return document, None
    inner = document.get("_source", document)
    begin = next((begin for begin in _PERIODS if isinstance(inner, dict) and begin in inner), None)
    if begin is None or "policies" not in inner:
        return document, None
    values = {key: value for key, value in inner.items() if key not in _DERIVED}
    period = {"start-datetime": values.pop(begin), "end-datetime": values.pop(_PERIODS[begin], None)}
    policies = values["policies"]
    if isinstance(policies, list):
        values["policies"] = [_element(policy) if isinstance(policy, dict) else policy for policy in policies]
    return {**_named(values, _REPORT), "date-range": period}, _REMARK


def _element(policy: dict[str, Any]) -> dict[str, Any]:
    """Return one element of `policies`; what has no place in it is left beside, for the reader to note."""
    details = policy.get("failure_details")
    element = {
        "policy": _named({key: value for key, value in policy.items() if key in _POLICY}, _POLICY),
        "summary": _named({key: value for key, value in policy.items() if key in _SUMMARY}, _SUMMARY),
        "failure-details": [_named(detail, _DETAIL) if isinstance(detail, dict) else detail for detail in details]
        if isinstance(details, list)
        else details,
    }
    known = {*_POLICY, *_SUMMARY, "failure_details"}
    return element | {key: value for key, value in policy.items() if key not in known}


def _named(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return values under the RFC's names, without those that are null: Elasticsearch keeps all fields."""
    return {names.get(key, key): value for key, value in values.items() if value is not None}


# -- CSV

Row = dict[str, str]


class Rebuilt(NamedTuple):
    """A report from another form: which part of the file, its JSON text or why there is none, what was assumed."""

    name: str
    text: bytes | Unreadable
    remarks: tuple[Deviation, ...] = ()

    def at(self, source: str, member: str, hints: Hints | None, budget: Budget) -> Leaf | Rejected | Skipped:
        """Return this as the result for a part of a file."""
        step = step_down(member, self.name)
        if isinstance(self.text, Unreadable):
            return self.text.at(source, step)
        return Leaf(source, step, self.text, hints, self.remarks, budget)


#: Cells of a row that are not empty, about; a report as JSON has a limit of values.
_VALUES_PER_ROW: Final = 10
_IDENTITY: Final = ("organization_name", "begin_date", "end_date", "report_id")
_FORMULAS: Final = ("'=", "'+", "'-", "'@", "'\t", "'\r")


def csv_reports(data: bytes, limits: Limits, tick: Callable[[], None]) -> Iterator[Rebuilt]:
    """Yield the reports in a CSV export.

    A report has consecutive rows: one for each policy, and after it one for each of its failure details, which do not
    name the policy. A report that was exported twice in a row is two.

    Raises
    ------
    Unreadable
        It is no CSV.
    """
    lines = csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline=""))
    most = limits.json_values // _VALUES_PER_ROW
    try:
        header = next(lines)
        of_one_report = [header.index(name) for name in _IDENTITY]
        identity = itemgetter(*of_one_report)
        shortest = max(of_one_report) + 1
        numbered = ((lines.line_num, line) for line in lines if line)
        for key, group in groupby(numbered, lambda row: identity(row[1]) if len(row[1]) >= shortest else None):
            rows = list(islice(group, most))
            name = _lines(rows)
            if next(group, None):  # noqa: B031 - its rest
                for _ in group:  # noqa: B031
                    tick()
                what = f"more than {most} rows for one report"
                yield Rebuilt(name, over(limits, "json_values", what, "decode"))
                continue
            if key is None:
                few = f"{len(rows[0][1])} cells in a row of a CSV export; expected {len(header)}"
                yield Rebuilt(name, Unreadable("unpack", "damaged", few))
                continue
            length = _period([line for _, line in rows])
            for start in range(0, len(rows), length):
                part = rows[start : start + length]
                document, remarks = _from_rows([_unguarded(header, line) for _, line in part])
                text = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
                yield Rebuilt(_lines(part), text, remarks)
    except csv.Error as error:
        raise Unreadable("unpack", "damaged", f"damaged CSV at line {lines.line_num}: {error}") from None


def _lines(rows: list[tuple[int, list[str]]]) -> str:
    first, last = rows[0][0], rows[-1][0]
    return f"line {first}" if first == last else f"lines {first} to {last}"


def _unguarded(header: list[str], line: list[str]) -> Row:
    """Return a row without the apostrophe before what a spreadsheet would run as a formula."""
    return {
        column: value[1:] if value.startswith(_FORMULAS) else value for column, value in zip(header, line, strict=False)
    }


def _period(rows: list[list[str]]) -> int:
    """Return after how many rows they repeat themselves; all of them where they do not."""
    first = rows[0]
    for length in [at for at in range(1, len(rows) // 2 + 1) if len(rows) % at == 0 and rows[at] == first][:16]:
        if rows == rows[:length] * (len(rows) // length):
            return length
    return len(rows)


def _from_rows(rows: list[Row]) -> tuple[dict[str, Any], tuple[Deviation, ...]]:
    remarks = [_CSV_REMARK]
    policies: list[dict[str, Any]] = []
    before: Row = {}
    for row in rows:
        if row.get("result_type"):
            if not policies:
                policies.append({"policy": {}, "summary": {}, "failure-details": []})
            policies[-1]["failure-details"].append(_cells(row, _DETAIL))
            continue
        policy = _cells(row, _POLICY)
        for column, key in (("policy_strings", "policy-string"), ("mx_host_patterns", "mx-host")):
            if key not in policy:
                continue
            if row[column] == before.get(column) and row.get("policy_type") != before.get("policy_type"):
                del policy[key]
                remarks.append(Deviation(f"policies[{len(policies)}].policy.{key}", None, _REPEATED))
            else:
                policy[key] = row[column].split("|")
        policies.append({"policy": policy, "summary": _cells(row, _SUMMARY), "failure-details": []})
        before = row
    period = {"start-datetime": rows[0].get("begin_date"), "end-datetime": rows[0].get("end_date")}
    document = {**_cells(rows[0], _REPORT), "contact-info": "", "date-range": period, "policies": policies}
    return document, tuple(remarks)


def _cells(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the cells that are not empty under the RFC's names, counts as numbers."""
    return {
        name: int(text) if column.endswith("_count") and text.isascii() and text.isdigit() and len(text) < 20 else text
        for column, name in names.items()
        if (text := row.get(column, ""))
    }
