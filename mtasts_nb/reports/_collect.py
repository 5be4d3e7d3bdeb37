"""Collects reports as rows of whole numbers, and remembers where each came from.

`add` takes the bytes of one JSON text. The fast reader is tried first; what it does not judge goes to the lenient one.
Each repeated text is stored once, each table is one array of int64: twenty thousand reports are read in half a second,
which leaves no time to make an object per cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import compress

import msgspec
import numpy as np

from ..settings import Limits
from ..vocabulary import UNATTRIBUTED, UNKNOWN
from ._columns import Codes, IntTable, PlainCodes, Texts
from .ingest import (
    LARGEST_TOTAL,
    MOST_DEVIATIONS,
    TEXTS_OF_DETAIL,
    TEXTS_OF_ELEMENT,
    TEXTS_OF_REPORT,
    Deviation,
    Hints,
    NeedsLenientReader,
    Payer,
    Periods,
    Rejected,
    Report,
    ReportedPolicy,
    Result,
    Skipped,
    TypedReport,
    Unreadable,
    absent_text,
    bytes_of,
    check_keys,
    count_texts,
    counts_differ,
    decode_document,
    decode_report,
    fault,
    is_address,
    is_plain_host,
    is_plain_type,
    read_document,
    read_policy,
)

__all__ = ["Collector", "identity"]

_FLUSH_EVERY = 10_000
#: Reporters that write something new into each policy must not fill the memory.
_MOST_POLICY_BYTES = 16 * 1024 * 1024
#: All sessions of an archive: no sum over any of its rows leaves int64, nor does the double of one.
_MOST_SESSIONS = 2**61

#: Columns of the three number tables; texts are numbers of `Codes`.
REPORT = ("organization_name", "contact_info", "start", "end", "size", "policies")
SESSION = ("policy", "successful", "failed", "detailed", "failures")
FAILURE = (
    "result_type", "failed_session_count", "sending_mta_ip", "receiving_mx_hostname", "receiving_mx_helo",
    "receiving_ip", "failure_reason_code", "additional_information",
)  # fmt: skip
#: What a remembered deviation takes at most, its texts included.
_DEVIATION_BYTES = 1000
#: Texts that the row of failures without a detail lacks.
_ABSENT_UNATTRIBUTED = 6


def _rows(results: Sequence[Result]) -> int:
    """Return how many rows these elements of `policies` give at most: their own, their details, the unattributed."""
    return 2 * len(results) + sum(len(result.failure_details) for result in results)


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
        self._text_size = size = [0]  # bytes of all texts and policies, in a list so that all can count there
        self.organizations, self.contacts = Codes(size), Codes(size)
        self.types, self.addresses, self.hosts = Codes(size), Codes(size), Codes(size)
        self.helos, self.reasons, self.informations = Codes(size), Codes(size), Codes(size)
        # A failure's texts, for either reader.
        free = (self.helos, self.reasons, self.informations)
        self._lenient = (self.types, self.addresses, self.hosts, *free)
        self._fast = (
            PlainCodes(self.types, is_plain_type),
            PlainCodes(self.addresses, is_address),
            PlainCodes(self.hosts, is_plain_host),
            *free,
        )
        self.policies: dict[ReportedPolicy, int] = {}
        self.policy_domains: list[str] = []
        self._policy_bytes: dict[bytes, tuple[int, int, list[Deviation]]] = {}
        self._policy_bytes_left = _MOST_POLICY_BYTES
        self._periods = Periods()
        self._unflushed = 0
        self._counted = 0
        self.deviations = [Texts() for _ in range(3)]
        self.fields, self.treatments = Codes(size), Codes()
        self.deviation_codes = IntTable(2)
        # With each, how many reports had been read before it: its position among them in `inputs`.
        self.others: list[tuple[int, Skipped | Rejected]] = []

    def add(
        self, data: bytes, source: str, member: str = "", hints: Hints | None = None, budget: Payer | None = None
    ) -> None:
        """Take one JSON text, and note what it is. The budget pays for its rows and for text that is new."""
        before = self._text_size[0]
        try:
            if not self.add_typed(data, source, member, budget):
                self._read_leniently(data, source, member, hints, budget)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it costs none of its neighbours
            detail = self.refuse(error, source, member)
            if budget:
                budget.owe(1, bytes_of(source, member, detail))
        if budget:
            budget.owe(0, self._text_size[0] - before)

    def _read_leniently(self, data: bytes, source: str, member: str, hints: Hints | None, budget: Payer | None) -> None:
        document, assumed = decode_document(data, self.limits)
        report = read_document(document, hints)
        deviations = (*assumed, *report.deviations)
        if budget:
            text = sum(bytes_of(source, member, deviation.value) for deviation in deviations)
            budget.rows(len(deviations) + _rows(report.results), text)
        self._add_lenient(report, data, source, member)
        for deviation in deviations:
            self.deviate(source, member, deviation)

    def add_typed(self, data: bytes, source: str, member: str = "", budget: Payer | None = None) -> bool:
        """Take one JSON text if it is a report with the RFC's keys and types. Returns whether it was."""
        try:
            report = decode_report(data)
            if budget:
                budget.rows(_rows(report.policies), bytes_of(report.report_id))
            deviations = self._add_typed(report, data, source, member)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, NeedsLenientReader):
            return False
        for deviation in deviations:
            self.deviate(source, member, deviation)
            if budget:
                budget.owe(1, bytes_of(source, member, deviation.value))
        return True

    def _add_typed(self, report: TypedReport, data: bytes, source: str, member: str) -> list[Deviation]:
        organization, contact, report_id = report.organization_name, report.contact_info, report.report_id
        if not organization and not report_id:
            raise NeedsLenientReader
        start, end, of_period = self._periods[report.date_range.start_datetime, report.date_range.end_datetime]
        deviations, texts = [*of_period], TEXTS_OF_REPORT
        if organization is None or contact is None or report_id is None:
            for key, text in (("organization-name", organization), ("contact-info", contact), ("report-id", report_id)):
                if text is None:
                    deviations.append(Deviation(*absent_text(key)))
                    texts -= 2
        policies, of_policies = [], []
        for element in report.policies:
            raw = bytes(element.policy)
            known = self._policy_bytes.get(raw)
            policy, texts_of_policy, assumed = self._new_policy(raw) if known is None else known
            policies.append(policy)
            of_policies.append(assumed)
            texts += TEXTS_OF_ELEMENT + texts_of_policy
            if element.failure_details != ():
                texts += 1 + TEXTS_OF_DETAIL * len(element.failure_details)
        cells = self._cells(policies, report.policies, self._fast)
        absent = cells[1].count(-1)
        failed, detailed = cells[0][2 :: len(SESSION)], cells[0][3 :: len(SESSION)]
        if failed != detailed or any(of_policies):
            for at, assumed in enumerate(of_policies):
                where = f"policies[{at}]"
                deviations += [Deviation(f"{where}.{each.field}", each.value, each.treatment) for each in assumed]
                if failed[at] != detailed[at]:
                    deviations.append(Deviation(*counts_differ(where, failed[at], detailed[at])))
                if failed[at] > detailed[at]:
                    absent -= _ABSENT_UNATTRIBUTED
            if len(deviations) > MOST_DEVIATIONS:
                raise NeedsLenientReader
        # An absent text lacks its key too. More texts than there should be: a key is repeated, or has a null.
        if count_texts(data) != texts - 2 * absent:
            check_keys(data)
        head = (organization or "", contact or "", report_id or "", start, end)
        self._finish(head, head[0], policies, cells, data, source, member)
        return deviations

    def _new_policy(self, raw: bytes) -> tuple[int, int, list[Deviation]]:
        """Return the number of a policy not seen before, how many texts it has, and what was assumed to read it."""
        policy, deviations = read_policy(check_keys(raw))
        # What surrounds the report may supply its domain.
        if policy.policy_domain == UNKNOWN or len(deviations) >= MOST_DEVIATIONS:
            raise NeedsLenientReader
        known = self._policy_number(policy), count_texts(raw), deviations
        size = len(raw) + _DEVIATION_BYTES * len(deviations)
        if size <= self._policy_bytes_left:
            self._policy_bytes_left -= size
            self._policy_bytes[raw] = known
        return known

    def _policy_number(self, policy: ReportedPolicy) -> int:
        number = self.policies.setdefault(policy, len(self.policies))
        if number == len(self.policy_domains):
            self.policy_domains.append(policy.policy_domain)
            self._text_size[0] += bytes_of(*(text for text in policy if isinstance(text, str)))
        return number

    def _add_lenient(self, report: Report, data: bytes, source: str, member: str) -> None:
        policies = [self._policy_number(policy) for policy in report.policies]
        cells = self._cells(policies, report.results, self._lenient)
        reporter = report.organization_name
        if not reporter and not report.report_id:
            # Neither name nor id: two such reports are the same only with the same contact, or the same content.
            reporter = report.contact_info or repr((report.policies, report.results))
        head = (report.organization_name, report.contact_info, report.report_id, report.start, report.end)
        self._finish(head, reporter, policies, cells, data, source, member)

    def _cells(
        self,
        policies: list[int],
        results: Sequence[Result],
        codes: tuple[dict[str | None, int], ...],
    ) -> tuple[list[int], list[int], int]:
        """Return the cells of sessions and failures, and the sum of all sessions; raises `Unreadable` where that is absurd."""
        types, addresses, hosts, helos, reasons, informations = codes
        session_cells: list[int] = []
        failure_cells: list[int] = []
        total = 0
        for policy, result in zip(policies, results, strict=True):
            detailed = 0
            for detail in result.failure_details:
                count = detail.failed_session_count
                detailed += count
                failure_cells += (
                    types[detail.result_type],
                    count,
                    addresses[detail.sending_mta_ip],
                    hosts[detail.receiving_mx_hostname],
                    helos[detail.receiving_mx_helo],
                    addresses[detail.receiving_ip],
                    reasons[detail.failure_reason_code],
                    informations[detail.additional_information],
                )
            summary = result.summary
            failed = summary.total_failure_session_count
            rows = len(result.failure_details)
            if failed > detailed:
                failure_cells += (types[UNATTRIBUTED], failed - detailed, *(-1,) * _ABSENT_UNATTRIBUTED)
                rows += 1
            successful = summary.total_successful_session_count
            total += successful + (max(detailed, failed))
            session_cells += (policy, successful, failed, detailed, rows)
        if total > LARGEST_TOTAL:
            raise Unreadable("parse", "counts", f"its counts add up to {total} sessions; the most is 10^13")
        if self._counted + total > _MOST_SESSIONS:
            raise Unreadable("parse", "counts", "with it, the sessions of all reports would exceed 2^61")
        return session_cells, failure_cells, total

    def _finish(
        self,
        head: tuple[str, str, str, int, int],
        reporter: str,
        policies: list[int],
        cells: tuple[list[int], list[int], int],
        data: bytes,
        source: str,
        member: str,
    ) -> None:
        organization, contact, report_id, start, end = head
        session_cells, failure_cells, total = cells
        domains = [self.policy_domains[policy] for policy in policies]
        key, digest = identity(reporter, report_id, start, end, domains), sha256(data).digest()
        # From here on nothing can go wrong but the memory: `refuse` takes back what was added by then.
        self.reports.cells += (
            self.organizations[organization], self.contacts[contact], start, end, len(data), len(policies),
        )  # fmt: skip
        self.sessions.cells += session_cells
        self.failures.cells += failure_cells
        self.report_id.rows.append(report_id)
        self.source.rows.append(source)
        self.member.rows.append(member)
        self.digests.append(digest)
        self.keys.append(key)
        self._counted += total
        self._unflushed += 1
        if self._unflushed >= _FLUSH_EVERY:
            self._flush()

    def refuse(self, error: Exception, source: str, member: str) -> str:
        """Note that a report could not be taken, and take back what of it was added; return why, in words."""
        if not isinstance(error, Unreadable):  # which is raised before anything is added
            self._take_back()
        unreadable = fault(error, "parse")
        self.set_aside(unreadable.at(source, member))
        return unreadable.detail

    def _take_back(self) -> None:
        """Forget what was added after the last whole report."""
        del self.reports.cells[self._unflushed * len(REPORT) :]
        del self.sessions.cells[sum(self.reports.cells[len(REPORT) - 1 :: len(REPORT)]) * len(SESSION) :]
        del self.failures.cells[sum(self.sessions.cells[len(SESSION) - 1 :: len(SESSION)]) * len(FAILURE) :]
        for texts in (self.report_id, self.source, self.member):
            del texts.rows[self._unflushed :]
        whole = min(len(self.deviation_codes.cells) // 2, *(len(column.rows) for column in self.deviations))
        del self.deviation_codes.cells[2 * whole :]
        for column in self.deviations:
            del column.rows[whole:]
        reports = min(len(self.keys), len(self.digests))
        del self.keys[reports:], self.digests[reports:]

    def _flush(self) -> None:
        self._unflushed = 0
        for table in (self.reports, self.sessions, self.failures, self.deviation_codes):
            table.flush()
        for texts in (self.report_id, self.source, self.member, *self.deviations):
            texts.flush()

    def deviate(self, source: str, member: str, deviation: Deviation) -> None:
        """Note what was assumed."""
        for column, text in zip(self.deviations, (source, member, deviation.value), strict=True):
            column.rows.append(text)
        self.deviation_codes.cells += (self.fields[deviation.field], self.treatments[deviation.treatment])

    def set_aside(self, result: Skipped | Rejected) -> None:
        """Note what has no report in it, or could not be read."""
        self.others.append((len(self.keys), result))

    def take_out(self, refused: Mapping[int, Rejected]) -> dict[int, int]:
        """Make reports rejected inputs, by their positions; return the new positions of the others by their old ones."""
        keep = np.ones(len(self.keys), np.bool_)
        keep[list(refused)] = False
        self._flush()
        sessions = np.repeat(keep, self.reports.keep(keep))
        self.failures.keep(np.repeat(sessions, self.sessions.keep(sessions)))
        for texts in (self.report_id, self.source, self.member):
            texts.keep(keep)
        self.keys, self.digests = list(compress(self.keys, keep)), list(compress(self.digests, keep))
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep)])
        # What was noted before a report at the same position comes before it.
        others = [*self.others, *refused.items()]
        self.others = [(int(before[at]), result) for at, result in sorted(others, key=lambda other: other[0])]
        return {at: int(before[at]) for at in np.flatnonzero(keep).tolist()}
