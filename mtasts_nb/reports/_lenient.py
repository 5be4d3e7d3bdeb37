"""The lenient reader: a decoded JSON document, of any shape, to a `Report` with all that was assumed.

RFC 8460 §4.4 says what a report looks like. Reporters differ; what is refused here is only what nobody could
understand: no policies at all, or no day to put them on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ..vocabulary import UNKNOWN
from ._dates import DAY, LONGEST_SPAN, DateError, read_moment
from ._leaf import Hints
from ._policy_seen import PolicySeen, entries, mode_and_max_age
from ._report import Deviation, Failure, PolicyResult, Report, Unreadable
from ._values import is_address, read_count, read_host, read_text, read_word, shown

__all__ = ["looks_like_report", "read_document", "read_policy"]

_TOP = ("organization-name", "date-range", "contact-info", "report-id", "policies")
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
# RFC 8460 §5.3: "Report Domain: example.com Submitter: mail.sender.example Report-ID: <…>"
_SUBJECT = re.compile(r"report\s+domain:\s*([^\s;,<>]+)", re.IGNORECASE)
# A hostile report could make a million of them.
_MOST_DEVIATIONS = 1000


def looks_like_report(document: object) -> bool:
    """Return whether a JSON object is meant as a report: it has policies, or at least two other keys of one."""
    if not isinstance(document, dict):
        return False
    keys = {_canonical(key) for key in document}
    return "policies" in keys or len(keys.intersection(_TOP)) >= 2


def read_document(document: object, hints: Hints | None = None) -> Report:
    """Return the report that a decoded JSON document holds.

    Parameters
    ----------
    document : object
        What a JSON decoder gave.
    hints : Hints, optional
        What lay around it: file name, mail headers.

    Raises
    ------
    Unreadable
        It is no report (`no_report` is set), or it is one that cannot be understood.
    """
    if not isinstance(document, dict):
        raise Unreadable("parse", "no-report", f"JSON, but a {_kind(document)} and no TLS report", no_report=True)
    if not looks_like_report(document):
        inner = [value for value in document.values() if looks_like_report(value)]
        if len(document) <= 3 and len(inner) == 1:
            return _Reader(hints).report(inner[0])
        raise Unreadable("parse", "no-report", "JSON, but without the keys of a TLS report", no_report=True)
    return _Reader(hints).report(document)


def read_policy(document: object) -> tuple[PolicySeen, list[Deviation]]:
    """Return the `policy` object of an element of `policies`, and what was assumed."""
    reader = _Reader(None)
    policy = reader.policy_seen(reader.keys(document, "policy", _POLICY), "policy")
    return policy, reader.deviations


@lru_cache(maxsize=1024)
def _canonical(key: str) -> str:
    name = key.strip().lower().replace("_", "-").replace(" ", "-")
    return _ALIASES.get(name, name)


def _kind(value: object) -> str:
    names = {"dict": "object", "list": "array", "str": "text", "int": "number", "float": "number", "bool": "boolean"}
    return "null" if value is None else names.get(type(value).__name__, "value")


class _Reader:
    """Reads one document, and notes what it assumes."""

    def __init__(self, hints: Hints | None) -> None:
        self.hints = hints or Hints()
        self.deviations: list[Deviation] = []
        self.left_out = 0

    def note(self, where: str, value: object, treatment: str | None) -> None:
        if treatment is None:
            return
        if len(self.deviations) < _MOST_DEVIATIONS:
            self.deviations.append(Deviation(where, shown(value), treatment))
        else:
            self.left_out += 1

    def keys(self, value: object, where: str, known: tuple[str, ...]) -> dict[str, object]:
        """Return an object's values under the RFC's keys; notes keys that differ or are unknown."""
        if not isinstance(value, dict):
            if value is not None:
                self.note(where, value, "not an object, ignored")
            return {}
        found: dict[str, object] = {}
        prefix = f"{where}." if where else ""
        for key, content in value.items():
            name = key if key in known else _canonical(key)
            if name not in known:
                self.note(f"{prefix}{shown(key)}", content, "not a key of RFC 8460, ignored")
            elif name in found and (name == key) is False:
                self.note(f"{prefix}{shown(key)}", content, f"ignored beside {name}")
            else:
                if name != key:
                    self.note(f"{prefix}{shown(key)}", content, f"read as {name}")
                found[name] = content
        return found

    def text(self, found: dict[str, object], key: str, where: str) -> str | None:
        value = found.get(key)
        text, treatment = read_text(value)
        self.note(f"{where}{key}", value, treatment)
        return text

    def elements(self, value: object, where: str) -> Iterator[tuple[str, object]]:
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

    def report(self, document: dict[str, object]) -> Report:
        top = self.keys(document, "", _TOP)
        policies = top.get("policies")
        if not isinstance(policies, list | dict):
            what = f"its policies are {_kind(policies)}" if "policies" in top else "it has no policies"
            raise Unreadable("parse", "no-policies", f"{what}; expected an array of objects (RFC 8460 §4.4)")
        organization, contact, report_id = (
            self.required_text(top, key) for key in ("organization-name", "contact-info", "report-id")
        )
        start, end = self.period(top)
        results = tuple(self.policy(path, element) for path, element in self.elements(policies, "policies"))
        if not results:
            self.note("policies", policies, "empty, the report counts no session")
        if self.left_out:
            self.deviations.append(Deviation("", str(self.left_out), "more deviations of this report are not listed"))
        return Report(organization, contact, report_id, start, end, results, tuple(self.deviations))

    def required_text(self, top: dict[str, object], key: str) -> str:
        text = self.text(top, key, "")
        if text is None:
            self.note(key, None, "absent, taken as empty")
        return text or ""

    # -- the reporting period

    def period(self, top: dict[str, object]) -> tuple[int, int]:
        found = self.keys(top.get("date-range"), "date-range", ("start-datetime", "end-datetime"))
        named = _FILE_NAME.search(self.hints.filename or "")
        moments: list[int | None] = []
        for key, group in (("start-datetime", 2), ("end-datetime", 3)):
            value = found.get(key)
            try:
                moment, treatment = read_moment(value)
            except DateError as error:
                moments.append(int(named[group]) * 1_000_000 if named else None)
                if named:
                    self.note(f"date-range.{key}", value, f"{error}; taken from the file name")
                elif key == "start-datetime":
                    raise Unreadable("parse", "no-date", _no_date(value, error)) from None
            else:
                self.note(f"date-range.{key}", value, treatment)
                moments.append(moment)
        start, end = moments[0], moments[1]
        if start is None:  # the loop above has refused a report without a start
            raise AssertionError
        if end is None:
            end = start - start % DAY + DAY - 1_000_000
            self.note(
                "date-range.end-datetime", found.get("end-datetime"), "not understood, taken as the end of the day"
            )
        if end < start:
            self.note("date-range", top.get("date-range"), "ends before it starts; counted on the day it starts")
        elif end - start > LONGEST_SPAN:
            self.note("date-range", top.get("date-range"), "spans more than 25 hours; counted on the day it starts")
        return start, end

    # -- one element of `policies`

    def policy(self, where: str, element: object) -> PolicyResult:
        known = ("policy", "summary", "failure-details")
        flat = isinstance(element, dict) and not any(_canonical(key) in known[:2] for key in element)
        found = self.keys(element, where, (*known, *_POLICY, *_SUMMARY) if flat else known)
        if flat:
            self.note(where, None, "without policy and summary; their keys are looked for beside")
        policy = found if flat else self.keys(found.get("policy"), f"{where}.policy", _POLICY)
        summary = found if flat else self.keys(found.get("summary"), f"{where}.summary", _SUMMARY)
        counts = [self.count(summary, key, f"{where}.summary") for key in _SUMMARY]
        failures = tuple(
            self.failure(path, detail)
            for path, detail in self.elements(found.get("failure-details"), f"{where}.failure-details")
        )
        result = PolicyResult(self.policy_seen(policy, f"{where}.policy"), counts[0], counts[1], failures)
        detailed = result.detailed_failure_session_count
        both = f"{counts[1]} in the summary, {detailed} in the details"
        if counts[1] > detailed:
            self.note(f"{where}.summary.{_SUMMARY[1]}", both, "the difference is one unattributed failure")
        elif counts[1] < detailed:
            self.note(f"{where}.summary.{_SUMMARY[1]}", both, "both are kept, the larger counts")
        return result

    def count(self, found: dict[str, object], key: str, where: str) -> int:
        value = found.get(key)
        count, treatment = read_count(value)
        self.note(f"{where}.{key}", value, treatment)
        return count

    def policy_seen(self, found: dict[str, object], where: str) -> PolicySeen:
        kind, treatment = read_word(found.get("policy-type"))
        self.note(f"{where}.policy-type", found.get("policy-type"), treatment)
        domain, treatment = read_host(found.get("policy-domain"))
        self.note(f"{where}.policy-domain", found.get("policy-domain"), treatment)
        if domain is None:
            domain, treatment = self.domain_around()
            self.note(f"{where}.policy-domain", None, treatment)
        lines = self.listing(found, "policy-string", where)
        hosts = self.listing(found, "mx-host", where)
        bare = [host[3:].strip() if host[:3].lower() == "mx:" else host for host in hosts]
        if bare != hosts:
            self.note(f"{where}.mx-host", found.get("mx-host"), "mx: taken off")
        mode, max_age = mode_and_max_age(lines)
        return PolicySeen(kind, domain, mode, max_age, "\n".join(lines), "\n".join(bare))

    def listing(self, found: dict[str, object], key: str, where: str) -> list[str]:
        """Return the entries of `policy-string` or `mx-host`. Absent is allowed: no policy was found."""
        value = found.get(key)
        path = f"{where}.{key}"
        if value is None:
            return []
        texts: list[str] = []
        for index, entry in enumerate(value if isinstance(value, list) else [value]):
            text, treatment = read_text(entry)
            self.note(f"{path}[{index}]", entry, treatment)
            texts += [text] if text is not None else []
        lines, treatment = entries(texts)
        if treatment is None and not isinstance(value, list):
            # RFC 8460 appendix B itself shows mx-host as a string (erratum 6241).
            treatment = "one value in place of an array, taken as its one element"
        self.note(path, value, treatment)
        return lines

    def domain_around(self) -> tuple[str, str]:
        """Return the policy domain that the file name or the mail's headers give (RFC 8460 §5.1, §5.3)."""
        named = _FILE_NAME.search(self.hints.filename or "")
        subject = _SUBJECT.search(self.hints.subject or "")
        for candidate, origin in (
            (named[1] if named else None, "the file name"),
            (self.hints.tls_report_domain, "TLS-Report-Domain"),
            (subject[1] if subject else None, "the mail's subject"),
        ):
            domain, _ = read_host(candidate)
            if domain and not re.search(r"\s", domain):
                return domain, f"absent, taken from {origin}"
        return UNKNOWN, "absent, taken as unknown"

    # -- one element of `failure-details`

    def failure(self, where: str, element: object) -> Failure:
        found = self.keys(element, where, _DETAIL)
        result_type, treatment = read_word(found.get("result-type"))
        self.note(f"{where}.result-type", found.get("result-type"), treatment)
        mx, treatment = read_host(found.get("receiving-mx-hostname"))
        self.note(f"{where}.receiving-mx-hostname", found.get("receiving-mx-hostname"), treatment)
        return Failure(
            result_type,
            self.count(found, "failed-session-count", where),
            self.address(found, "sending-mta-ip", where),
            mx,
            self.text(found, "receiving-mx-helo", f"{where}."),
            self.address(found, "receiving-ip", where),
            self.text(found, "failure-reason-code", f"{where}."),
            self.text(found, "additional-information", f"{where}."),
        )

    def address(self, found: dict[str, object], key: str, where: str) -> str | None:
        text = self.text(found, key, f"{where}.")
        if text is not None and not is_address(text):
            self.note(f"{where}.{key}", found.get(key), "no IP address, kept as text" if text else "empty, kept")
        return text


def _no_date(value: object, error: DateError) -> str:
    what = "is absent" if value is None else f"is {shown(value)!r}: {error}"
    return f"date-range.start-datetime {what}; expected a moment such as 2026-02-08T00:00:00Z (RFC 8460 §4.4)"
