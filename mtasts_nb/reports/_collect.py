"""Gathers reports as rows of whole numbers, and remembers where each came from.

`add` takes the bytes of one JSON text. The fast reader is tried first; what it does not judge goes to the lenient one.
"""

from __future__ import annotations

import json
from hashlib import sha256

import msgspec

from ..settings import Limits
from ..vocabulary import UNATTRIBUTED
from ._json import decode_documents
from ._leaf import STEP, Hints, Passed, Refused
from ._lenient import read_document, read_policy
from ._policy_seen import PolicySeen
from ._report import Deviation, Report, Unreadable
from ._tables import Codes, IntTable, Odd, Texts
from ._typed import Periods, TypedReport, decode_report
from ._values import is_address, is_plain_host, is_plain_word

__all__ = ["Collector", "identity"]

_FLUSH_EVERY = 10_000

#: Columns of the three number tables; texts are numbers of `Codes`.
REPORT = ("organization_name", "contact_info", "start", "end", "size", "policies")
SESSION = ("policy", "successful", "failed", "detailed", "failures")
FAILURE = (
    "result_type", "failed_session_count", "sending_mta_ip", "receiving_mx_hostname", "receiving_mx_helo",
    "receiving_ip", "failure_reason_code", "additional_information",
)  # fmt: skip


def identity(organization: str, report_id: str, start: int, end: int, domains: list[str]) -> bytes:
    """Return what makes a report the same report: 12 bytes of SHA-256 over reporter, id, period and policy domains.

    A report-id alone is not unique: some reporters make it of date and domain.
    """
    policy_domains = domains[0] if len(domains) == 1 else "\x00".join(sorted(set(domains)))
    text = f"{organization}\x00{report_id}\x00{start}\x00{end}\x00{policy_domains}"
    return sha256(text.encode("utf-8", "replace")).digest()[:12]


class Collector:
    """All that is read in one `load`, as numbers."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.reports = IntTable(len(REPORT))
        self.sessions = IntTable(len(SESSION))
        self.failures = IntTable(len(FAILURE))
        self.report_id, self.source, self.member = Texts(), Texts(), Texts()
        self.keys: list[bytes] = []
        self.digests: list[bytes] = []
        self.organizations, self.contacts = Codes(), Codes()
        self.words = Codes(is_plain_word)
        self.addresses = Codes(is_address)
        self.hosts = Codes(is_plain_host)
        self.helos, self.reasons, self.informations = Codes(), Codes(), Codes()
        self.policies: dict[PolicySeen, int] = {}
        self.policy_domains: list[str] = []
        self._policy_bytes: dict[bytes, int] = {}
        self._periods = Periods()
        self._unflushed = 0
        self.deviations = [Texts() for _ in range(3)]
        self.fields, self.treatments = Codes(), Codes()
        self.deviation_codes = IntTable(2)
        # With each, how many reports had been read before it: where it stands among them in `inputs`.
        self.others: list[tuple[int, Passed | Refused]] = []

    def add(self, data: bytes, source: str, member: str = "", hints: Hints | None = None) -> bool:
        """Take one JSON text. Returns whether it held a report; all that it held is noted in any case."""
        return self.add_typed(data, source, member) or self._add_leniently(data, source, member, hints)

    def add_typed(self, data: bytes, source: str, member: str = "") -> bool:
        """Take one JSON text if it is a report that needs no remark. Returns whether it was."""
        try:
            self._add(decode_report(data), data, source, member)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Odd):
            return False
        return True

    def _add(self, report: TypedReport, data: bytes, source: str, member: str) -> None:
        period = report.date_range
        start, end = self._periods[period.start_datetime, period.end_datetime]
        session_cells: list[int] = []
        failure_cells: list[int] = []
        words, addresses, hosts = self.words.plain, self.addresses.plain, self.hosts.plain
        helos, reasons, informations = self.helos.plain, self.reasons.plain, self.informations.plain
        policy_bytes = self._policy_bytes
        domains: list[str] = []
        details = 0
        for element in report.policies:
            raw = bytes(element.policy)
            policy = policy_bytes.get(raw)
            if policy is None:
                policy = self._new_policy(raw)
            domains.append(self.policy_domains[policy])
            detailed = 0
            for detail in element.failure_details:
                count = detail.failed_session_count
                detailed += count
                failure_cells += (
                    words[detail.result_type],
                    count,
                    addresses[detail.sending_mta_ip],
                    hosts[detail.receiving_mx_hostname],
                    helos[detail.receiving_mx_helo],
                    addresses[detail.receiving_ip],
                    reasons[detail.failure_reason_code],
                    informations[detail.additional_information],
                )
            summary = element.summary
            failed = summary.total_failure_session_count
            if failed != detailed:
                raise Odd
            rows = len(element.failure_details)
            details += rows
            session_cells += (policy, summary.total_successful_session_count, failed, detailed, rows)
        if not report.organization_name and not report.report_id:
            raise Odd
        # A repeated key hides what stood under it the first time; one that hides sessions shows here.
        if data.count(b'session-count"') != 2 * len(domains) + details:
            raise Odd
        organization = report.organization_name
        self.reports.cells += (
            self.organizations.plain[organization],
            self.contacts.plain[report.contact_info],
            start,
            end,
            len(data),
            len(domains),
        )
        self.sessions.cells += session_cells
        self.failures.cells += failure_cells
        self._finish(data, organization, report.report_id, start, end, domains, source, member)

    def _new_policy(self, raw: bytes) -> int:
        policy, deviations = read_policy(msgspec.json.decode(raw))
        if deviations:
            raise Odd
        number = self._policy_number(policy)
        # Reporters that put something new into each policy must not fill the memory.
        if len(self._policy_bytes) < 100_000:
            self._policy_bytes[raw] = number
        return number

    def _policy_number(self, policy: PolicySeen) -> int:
        number = self.policies.setdefault(policy, len(self.policies))
        if number == len(self.policy_domains):
            self.policy_domains.append(policy.policy_domain)
        return number

    def _finish(
        self,
        data: bytes,
        organization: str,
        report_id: str,
        start: int,
        end: int,
        domains: list[str],
        source: str,
        member: str,
    ) -> None:
        self.report_id.rows.append(report_id)
        self.source.rows.append(source)
        self.member.rows.append(member)
        self.digests.append(sha256(data).digest())
        self.keys.append(identity(organization, report_id, start, end, domains))
        self._unflushed += 1
        if self._unflushed >= _FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Pack what has gathered."""
        self._unflushed = 0
        for table in (self.reports, self.sessions, self.failures, self.deviation_codes):
            table.flush()
        for texts in (self.report_id, self.source, self.member, *self.deviations):
            texts.flush()

    def _add_leniently(self, data: bytes, source: str, member: str, hints: Hints | None) -> bool:
        found = False
        try:
            for place, document, assumed in decode_documents(data, self.limits):
                at = STEP.join(step for step in (member, place) if step)
                try:
                    report = read_document(document, hints)
                except Unreadable as refusal:
                    self._refuse(source, at, refusal)
                    continue
                found = True
                for deviation in (*assumed, *report.deviations):
                    self.deviate(source, at, deviation)
                self._add_report(report, data if not place else json.dumps(document).encode(), source, at)
        except Unreadable as refusal:
            self._refuse(source, member, refusal)
        return found

    def deviate(self, source: str, member: str, deviation: Deviation) -> None:
        """Note what was assumed."""
        for column, text in zip(self.deviations, (source, member, deviation.value), strict=True):
            column.rows.append(text)
        self.deviation_codes.cells += (self.fields.code(deviation.field), self.treatments.code(deviation.treatment))

    def set_aside(self, found: Passed | Refused) -> None:
        """Note what holds no report, or could not be read."""
        self.others.append((len(self.keys), found))

    def _refuse(self, source: str, member: str, refusal: Unreadable) -> None:
        if refusal.no_report:
            self.set_aside(Passed(source, member, refusal.detail))
        else:
            self.set_aside(Refused(source, member, refusal.stage, refusal.reason, refusal.detail))

    def _add_report(self, report: Report, data: bytes, source: str, member: str) -> None:
        domains: list[str] = []
        for result in report.policies:
            domains.append(result.policy.policy_domain)
            detailed = result.detailed_failure_session_count
            missing = max(0, result.total_failure_session_count - detailed)
            for failure in result.failures:
                self.failures.cells += (
                    self.words.code(failure.result_type),
                    failure.failed_session_count,
                    self.addresses.code(failure.sending_mta_ip),
                    self.hosts.code(failure.receiving_mx_hostname),
                    self.helos.code(failure.receiving_mx_helo),
                    self.addresses.code(failure.receiving_ip),
                    self.reasons.code(failure.failure_reason_code),
                    self.informations.code(failure.additional_information),
                )
            if missing:
                self.failures.cells += (self.words.code(UNATTRIBUTED), missing, -1, -1, -1, -1, -1, -1)
            self.sessions.cells += (
                self._policy_number(result.policy),
                result.total_successful_session_count,
                result.total_failure_session_count,
                detailed,
                len(result.failures) + bool(missing),
            )
        self.reports.cells += (
            self.organizations.code(report.organization_name),
            self.contacts.code(report.contact_info),
            report.start,
            report.end,
            len(data),
            len(domains),
        )
        reporter = report.organization_name
        if not reporter and not report.report_id:
            # Neither name nor number: two of them are the same report only if one address or one content says so.
            reporter = report.contact_info or repr(report.policies)
        self._finish(data, reporter, report.report_id, report.start, report.end, domains, source, member)
