"""The lenient reader: a decoded JSON document, of any shape, to a `Report` with all that was assumed.

RFC 8460 §4.4 says what a report looks like. Reporters differ; rejected is only what cannot be understood: a report
without policies, or without a day to assign them to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ...vocabulary import UNKNOWN
from ._exports import exported
from ._model import (
    Detail,
    Deviation,
    Hints,
    NeedsLenientReader,
    Report,
    ReportedPolicy,
    Result,
    Summary,
    Unreadable,
    absent_text,
    counts_differ,
)
from ._values import (
    DAY,
    LONGEST_SPAN,
    DateError,
    excerpt,
    is_address,
    mode_and_max_age,
    read_count,
    read_host,
    read_moment,
    read_text,
    read_type,
    split_entries,
)

__all__ = ["MOST_DEVIATIONS", "Period", "looks_like_report", "read_document", "read_period", "read_policy"]

_TOP = ("organization-name", "date-range", "contact-info", "report-id", "policies")
_PERIOD = ("start-datetime", "end-datetime")
_POLICY = ("policy-type", "policy-string", "policy-domain", "mx-host")
_SUMMARY = ("total-successful-session-count", "total-failure-session-count")
_DETAIL = (
    "result-type", "sending-mta-ip", "receiving-mx-hostname", "receiving-mx-helo", "receiving-ip",
    "failed-session-count", "additional-information", "failure-reason-code",
)  # fmt: skip
# Names of drafts and of third-party generators.
_ALIASES = {
    "mx-host-pattern": "mx-host",
    "mx-host-patterns": "mx-host",
    "mx-hosts": "mx-host",
    "policy-strings": "policy-string",
    "additional-info-uri": "additional-information",
    "additional-info": "additional-information",
    "failure-error-code": "failure-reason-code",
    "failure-detail": "failure-details",
    "total-success-session-count": "total-successful-session-count",
    "total-failed-session-count": "total-failure-session-count",
    "start-date-time": "start-datetime",
    "end-date-time": "end-datetime",
}
# RFC 8460 §5.1: sender "!" policy-domain "!" begin "!" end ["!" unique-id] "." extension
_FILE_NAME = re.compile(r"(?:^|[/\\\s])[^!/\\\s]+!([^!/\\\s]+)!(\d{9,11})!(\d{9,11})(?=[!.]|$)")
# Some reporters make the report-id of the day and the domain.
_DAY = r"\d{4}-?\d\d-?\d\d(?:T\d\d:?\d\d(?::?\d\d)?Z?)?"
_HOST = r"((?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,20}[a-z][a-z0-9-]{0,61}[a-z0-9])"
_REPORT_ID = re.compile(rf"<?(?:{_DAY}[_+!:/ -]{_HOST}|{_HOST}[_+!:/ -]{_DAY})\.?>?", re.IGNORECASE | re.ASCII)
# RFC 8460 §5.3: "Report Domain: example.com Submitter: mail.sender.example Report-ID: <…>"
_SUBJECT = re.compile(r"report\s+domain:\s*([^\s;,<>]+)", re.IGNORECASE)
# A hostile report could make a million of them.
MOST_DEVIATIONS = 1000
_KINDS = {
    "dict": "object", "list": "array", "str": "text", "int": "number", "float": "number", "bool": "boolean",
    "NoneType": "null",
}  # fmt: skip


def looks_like_report(document: object) -> bool:
    """Return whether a JSON object is meant as a report: it has policies, or at least two other keys of one."""
    if not isinstance(document, dict):
        return False
    if "policies" in document:
        return True
    keys = {_canonical(key) for key in document}
    return "policies" in keys or len(keys.intersection(_TOP)) >= 2


def read_document(document: object, hints: Hints | None = None) -> Report:
    """Return the report in a decoded JSON document.

    Parameters
    ----------
    document : object
        What a JSON decoder gave.
    hints : Hints, optional
        File name and mail headers.

    Raises
    ------
    Unreadable
        It is not a report (`no_report` is set), or a report that cannot be understood.
    """
    document, remark = exported(document)
    if not isinstance(document, dict):
        raise Unreadable("parse", "no-report", f"JSON, but a {_kind(document)} and no TLS report", no_report=True)
    if not looks_like_report(document):
        inner = [value for value in document.values() if looks_like_report(value)]
        if len(document) > 3 or len(inner) != 1:
            raise Unreadable("parse", "no-report", "JSON, but without the keys of a TLS report", no_report=True)
        document = inner[0]
    reader = _Reader(hints)
    reader.deviations += [remark] if remark else []
    return reader.report(document)


def read_policy(document: object) -> tuple[ReportedPolicy, list[Deviation]]:
    """Return the `policy` object of an element of `policies`, and what was assumed."""
    reader = _Reader(None)
    policy = reader.reported_policy(reader.keys(document, "policy", _POLICY), "policy")
    return policy, reader.deviations


class Period(NamedTuple):
    """Begin and end in µs since 1970, UTC, and what was assumed."""

    start: int
    end: int
    deviations: tuple[Deviation, ...]


#: A longer text of a moment is of no form that is known.
_LONGEST_MOMENT = 40


def read_period(start: str, end: str) -> Period:
    """Return the period between two moments; raises `NeedsLenientReader` where what surrounds the report must supply one."""
    if max(len(start), len(end)) > _LONGEST_MOMENT:
        raise NeedsLenientReader
    reader = _Reader(None)
    moments = dict(zip(_PERIOD, (start, end), strict=True))
    try:
        for moment in moments.values():
            read_moment(moment)
    except DateError:
        raise NeedsLenientReader from None
    return Period(*reader.period({"date-range": moments}), tuple(reader.deviations))


def _canonical(key: str) -> str:
    name = key.strip().lower().replace("_", "-").replace(" ", "-")
    return _ALIASES.get(name, name)


def _kind(value: object) -> str:
    return _KINDS.get(type(value).__name__, "value")


class _Reader:
    """Reads one document, and notes what it assumes."""

    def __init__(self, hints: Hints | None) -> None:
        self.hints = hints or Hints()
        self.deviations: list[Deviation] = []
        self.left_out = 0
        self.in_report_id: str | None = None
        #: Policy domain, begin and end in seconds since 1970.
        self.in_file_name = _FILE_NAME.search(self.hints.filename or "")

    def note(self, where: str, value: object, treatment: str | None) -> None:
        if treatment is None:
            return
        if len(self.deviations) < MOST_DEVIATIONS:
            self.deviations.append(Deviation(where, excerpt(value), treatment))
        else:
            self.left_out += 1

    def keys(self, value: object, where: str, known: tuple[str, ...]) -> dict[str, object]:
        """Return an object's values under the RFC's keys; notes keys that differ or are unknown."""
        if not isinstance(value, dict):
            if value is not None:
                self.note(where, value, "not an object, ignored")
            return {}
        values: dict[str, object] = {}
        prefix = f"{where}." if where else ""
        for key, content in value.items():
            name = key if key in known else _canonical(key)
            if name not in known:
                self.note(f"{prefix}{excerpt(key)}", content, "not a key of RFC 8460, ignored")
            elif name in values and name != key:
                self.note(f"{prefix}{excerpt(key)}", content, f"ignored beside {name}")
            else:
                if name != key:
                    self.note(f"{prefix}{excerpt(key)}", content, f"read as {name}")
                values[name] = content
        return values

    def text(self, values: dict[str, object], key: str, where: str) -> str | None:
        text, treatment = read_text(values.get(key))
        self.note(f"{where}{key}", values.get(key), treatment)
        return text

    def elements(self, value: object, where: str) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield the elements of an array with their paths; a single object counts as an array of one."""
        if isinstance(value, dict):
            self.note(where, value, "an object in place of an array, taken as its one element" if value else "empty")
            value = [value] if value else []
        if not isinstance(value, list):
            if value is not None:
                self.note(where, value, "not an array, ignored")
            return
        for index, element in enumerate(value):
            path = f"{where}[{index}]"
            if isinstance(element, dict) and element:
                yield path, element
            else:
                self.note(path, element, "empty, ignored" if element in ({}, None) else "not an object, ignored")

    def report(self, document: object) -> Report:
        top = self.keys(document, "", _TOP)
        policies = top.get("policies")
        if not isinstance(policies, list | dict):
            what = f"its policies are {_kind(policies)}" if "policies" in top else "it has no policies"
            raise Unreadable("parse", "no-policies", f"{what}; expected an array of objects (RFC 8460 §4.4)")
        start, end = self.period(top)
        organization, contact, report_id = (
            self.required_text(top, key) for key in ("organization-name", "contact-info", "report-id")
        )
        if (names := _FILE_NAME.search(report_id)) or (names := _REPORT_ID.fullmatch(report_id[:300])):
            named = (names[1] or names[2]).lower()
            # Some put their own name there.
            reporter = (organization.strip().lower(), contact.strip().lower().rpartition("@")[2])
            self.in_report_id = None if named in reporter else named
        results = [self.policy(path, element) for path, element in self.elements(policies, "policies")]
        if not results:
            self.note("policies", policies, "empty, the report counts no session")
        if self.left_out:
            self.deviations.append(Deviation("", str(self.left_out), "more deviations of this report are not listed"))
        return Report(
            organization, contact, report_id, start, end,
            [policy for policy, _ in results], [result for _, result in results], self.deviations,
        )  # fmt: skip

    def required_text(self, top: dict[str, object], key: str) -> str:
        text = self.text(top, key, "")
        if text is None:
            self.note(*absent_text(key))
        return text or ""

    # -- the reporting period

    def period(self, top: dict[str, object]) -> tuple[int, int]:
        values = self.keys(top.get("date-range"), "date-range", _PERIOD)
        start = self.moment(values, _PERIOD[0], 2)
        if start is None:
            raise Unreadable("parse", "no-date", _no_date(values.get(_PERIOD[0])))
        end = self.moment(values, _PERIOD[1], 3)
        if end is None:
            end = start - start % DAY + DAY - 1_000_000
            self.note(f"date-range.{_PERIOD[1]}", values.get(_PERIOD[1]), "not understood, taken as the end of the day")
        if end < start:
            self.note("date-range", top.get("date-range"), "ends before it starts; counted on the day it starts")
        elif end - start > LONGEST_SPAN:
            self.note("date-range", top.get("date-range"), "spans more than 25 hours; counted on the day it starts")
        return start, end

    def moment(self, values: dict[str, object], key: str, group: int) -> int | None:
        try:
            moment, treatment = read_moment(values.get(key))
        except DateError as error:
            if self.in_file_name is None:
                return None
            moment, treatment = int(self.in_file_name[group]) * 1_000_000, f"{error}; taken from the file name"
        self.note(f"date-range.{key}", values.get(key), treatment)
        return moment

    # -- one element of `policies`

    def policy(self, where: str, element: dict[str, object]) -> tuple[ReportedPolicy, Result]:
        known = ("policy", "summary", "failure-details")
        flat = "summary" not in element and not any(_canonical(key) in known[:2] for key in element)
        values = self.keys(element, where, (*known, *_POLICY, *_SUMMARY) if flat else known)
        if flat:
            self.note(where, None, "without policy and summary; their keys are looked for beside")
        policy = values if flat else self.keys(values.get("policy"), f"{where}.policy", _POLICY)
        summary = values if flat else self.keys(values.get("summary"), f"{where}.summary", _SUMMARY)
        successful, failed = (self.count(summary, key, f"{where}.summary") for key in _SUMMARY)
        details = [
            self.detail(path, detail)
            for path, detail in self.elements(values.get("failure-details"), f"{where}.failure-details")
        ]
        reported = self.reported_policy(policy, f"{where}.policy")
        result = Result(summary=Summary(successful, failed), failure_details=details)
        detailed = result.detailed_failure_session_count
        if failed != detailed:
            self.note(*counts_differ(where, failed, detailed))
        return reported, result

    def count(self, values: dict[str, object], key: str, where: str) -> int:
        count, treatment = read_count(values.get(key))
        self.note(f"{where}.{key}", values.get(key), treatment)
        return count

    def type(self, values: dict[str, object], key: str, where: str) -> str:
        name, treatment = read_type(values.get(key))
        self.note(f"{where}.{key}", values.get(key), treatment)
        return name

    def host(self, values: dict[str, object], key: str, where: str) -> str | None:
        host, treatment = read_host(values.get(key))
        self.note(f"{where}.{key}", values.get(key), treatment)
        return host

    def reported_policy(self, values: dict[str, object], where: str) -> ReportedPolicy:
        policy_type = self.type(values, "policy-type", where)
        domain = self.host(values, "policy-domain", where)
        if domain is None:
            domain, treatment = self.surrounding_domain()
            self.note(f"{where}.policy-domain", None, treatment)
        lines = self.entries(values, "policy-string", where)
        hosts = self.entries(values, "mx-host", where)
        bare = [host[3:].strip() if host[:3].lower() == "mx:" else host for host in hosts]
        if bare != hosts:
            self.note(f"{where}.mx-host", values.get("mx-host"), "mx: removed")
        mode, max_age = mode_and_max_age(lines)
        return ReportedPolicy(policy_type, domain, mode, max_age, "\n".join(lines), "\n".join(bare))

    def entries(self, values: dict[str, object], key: str, where: str) -> list[str]:
        """Return the entries of `policy-string` or `mx-host`. Absent is allowed: no policy was found."""
        value = values.get(key)
        path = f"{where}.{key}"
        if value is None:
            return []
        texts: list[str] = []
        for index, entry in enumerate(value if isinstance(value, list) else [value]):
            text, treatment = read_text(entry)
            self.note(f"{path}[{index}]", entry, treatment)
            texts += [text] if text is not None else []
        lines, treatment = split_entries(texts)
        if treatment is None and not isinstance(value, list):
            # RFC 8460 appendix B itself shows mx-host as a string (erratum 6241).
            treatment = "one value in place of an array, taken as its one element"
        self.note(path, value, treatment)
        return lines

    def surrounding_domain(self) -> tuple[str, str]:
        """Return the policy domain that the file name, the mail's headers or the report-id give (RFC 8460 §5.1, §5.3)."""
        subject = _SUBJECT.search(self.hints.subject or "")
        for candidate, origin in (
            (self.in_file_name[1] if self.in_file_name else None, "the file name"),
            (self.hints.tls_report_domain, "TLS-Report-Domain"),
            (subject[1] if subject else None, "the mail's subject"),
            (self.in_report_id, "the report-id"),
        ):
            domain, _ = read_host(candidate)
            if domain and not re.search(r"\s", domain):
                return domain, f"absent, taken from {origin}"
        return UNKNOWN, "absent, taken as unknown"

    # -- one element of `failure-details`

    def detail(self, where: str, element: dict[str, object]) -> Detail:
        values = self.keys(element, where, _DETAIL)
        return Detail(
            self.type(values, "result-type", where),
            self.count(values, "failed-session-count", where),
            self.address(values, "sending-mta-ip", where),
            self.host(values, "receiving-mx-hostname", where),
            self.text(values, "receiving-mx-helo", f"{where}."),
            self.address(values, "receiving-ip", where),
            self.text(values, "failure-reason-code", f"{where}."),
            self.text(values, "additional-information", f"{where}."),
        )

    def address(self, values: dict[str, object], key: str, where: str) -> str | None:
        text = self.text(values, key, f"{where}.")
        if text is not None and not is_address(text):
            self.note(f"{where}.{key}", values.get(key), "not an IP address, kept as text" if text else "empty, kept")
        return text


def _no_date(value: object) -> str:
    what = "is absent"
    if value is not None:
        try:
            read_moment(value)
        except DateError as error:
            what = f"is {excerpt(value)!r}: {error}"
    return f"date-range.start-datetime {what}; expected a moment such as 2026-02-08T00:00:00Z (RFC 8460 §4.4)"
