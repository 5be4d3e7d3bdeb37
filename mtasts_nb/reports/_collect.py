"""Collects reports as rows of whole numbers, and remembers where each came from.

`add` takes the bytes of one JSON text. The fast reader is tried first; what it does not judge goes to the lenient one.
Each repeated text is stored once, each table is one array of int64: twenty thousand reports are read in half a second,
which leaves no time to make an object per cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..settings import Limits
from ..vocabulary import UNATTRIBUTED
from .ingest import (
    Deviation,
    Hints,
    NeedsLenientReader,
    Periods,
    Rejected,
    Report,
    ReportedPolicy,
    Result,
    Skipped,
    TypedReport,
    Unreadable,
    decode_document,
    decode_report,
    is_address,
    is_plain_host,
    is_plain_type,
    read_document,
    read_policy,
)

__all__ = ["Collector", "Ints", "identity", "text_array"]

Ints = npt.NDArray[np.int64]

_FLUSH_EVERY = 10_000
#: Reporters that write something new into each policy must not fill the memory.
_MOST_POLICIES = 100_000

#: Columns of the three number tables; texts are numbers of `Codes`.
REPORT = ("organization_name", "contact_info", "start", "end", "size", "policies")
SESSION = ("policy", "successful", "failed", "detailed", "failures")
FAILURE = (
    "result_type", "failed_session_count", "sending_mta_ip", "receiving_mx_hostname", "receiving_mx_helo",
    "receiving_ip", "failure_reason_code", "additional_information",
)  # fmt: skip


class Codes(dict[str | None, int]):
    """Numbers for repeated text, a new one for a new text; a missing text is -1."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self) - 1
        return number

    def texts(self) -> list[str]:
        """Return all texts, in the order of their numbers."""
        return [text for text in self if text is not None]


class _Plain(dict[str | None, int]):
    """The numbers of texts that need no remark, for the fast reader; raises `NeedsLenientReader` for others."""

    __slots__ = ("_codes", "_is_plain")

    def __init__(self, codes: Codes, is_plain: Callable[[str], bool]) -> None:
        super().__init__({None: -1})
        self._codes = codes
        self._is_plain = is_plain

    def __missing__(self, text: str) -> int:
        if not self._is_plain(text):
            raise NeedsLenientReader
        number = self[text] = self._codes[text]
        return number


class IntTable:
    """A growing table of whole numbers. `cells` takes the numbers row after row, without brackets."""

    __slots__ = ("_blocks", "_width", "cells")

    def __init__(self, width: int) -> None:
        self._width = width
        self._blocks: list[Ints] = []
        self.cells: list[int] = []

    def flush(self) -> None:
        """Pack what has been added: a Python number takes four times the memory."""
        if self.cells:
            self._blocks.append(np.fromiter(self.cells, np.int64, len(self.cells)))
            self.cells.clear()

    def columns(self) -> list[Ints]:
        """Return the columns, and forget the rows."""
        self.flush()
        flat = np.concatenate(self._blocks) if self._blocks else np.empty(0, np.int64)
        self._blocks.clear()
        return list(np.ascontiguousarray(flat.reshape(-1, self._width).T))


class Texts:
    """A growing column of texts that are mostly different."""

    __slots__ = ("_blocks", "rows")

    def __init__(self) -> None:
        self._blocks: list[Any] = []
        self.rows: list[str | None] = []

    def flush(self) -> None:
        """Pack what has been added."""
        if self.rows:
            self._blocks.append(text_array(self.rows))
            self.rows.clear()

    def column(self) -> Any:
        """Return all as one Arrow array, and forget it."""
        self.flush()
        blocks, self._blocks = self._blocks, []
        return pa.concat_arrays(blocks) if blocks else text_array([])


def text_array(texts: Sequence[str | None]) -> Any:
    """Return texts as an Arrow array; half a surrogate pair, which UTF-8 cannot express, is replaced."""
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([text and text.encode("utf-8", "replace").decode() for text in texts], pa.large_string())


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
        self.types, self.addresses, self.hosts = Codes(), Codes(), Codes()
        self.helos, self.reasons, self.informations = Codes(), Codes(), Codes()
        # A failure's texts, for either reader.
        free = (self.helos, self.reasons, self.informations)
        self._lenient = (self.types, self.addresses, self.hosts, *free)
        self._fast = (
            _Plain(self.types, is_plain_type),
            _Plain(self.addresses, is_address),
            _Plain(self.hosts, is_plain_host),
            *free,
        )
        self.policies: dict[ReportedPolicy, int] = {}
        self.policy_domains: list[str] = []
        self._policy_bytes: dict[bytes, int] = {}
        self._periods = Periods()
        self._unflushed = 0
        self.deviations = [Texts() for _ in range(3)]
        self.fields, self.treatments = Codes(), Codes()
        self.deviation_codes = IntTable(2)
        # With each, how many reports had been read before it: its position among them in `inputs`.
        self.others: list[tuple[int, Skipped | Rejected]] = []

    def add(self, data: bytes, source: str, member: str = "", hints: Hints | None = None) -> None:
        """Take one JSON text, and note what it is."""
        if self.add_typed(data, source, member):
            return
        try:
            document, assumed = decode_document(data, self.limits)
            report = read_document(document, hints)
        except Unreadable as error:
            self.set_aside(error.at(source, member))
            return
        for deviation in (*assumed, *report.deviations):
            self.deviate(source, member, deviation)
        self._add_lenient(report, data, source, member)

    def add_typed(self, data: bytes, source: str, member: str = "") -> bool:
        """Take one JSON text if it is a report that needs no remark. Returns whether it was."""
        try:
            self._add_typed(decode_report(data), data, source, member)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, NeedsLenientReader):
            return False
        return True

    def _add_typed(self, report: TypedReport, data: bytes, source: str, member: str) -> None:
        if not report.organization_name and not report.report_id:
            raise NeedsLenientReader
        start, end = self._periods[report.date_range.start_datetime, report.date_range.end_datetime]
        policies = []
        details = 0
        for element in report.policies:
            details += len(element.failure_details)
            raw = bytes(element.policy)
            policy = self._policy_bytes.get(raw)
            policies.append(self._new_policy(raw) if policy is None else policy)
        # A repeated key hides its first value; one that hides sessions shows here.
        if data.count(b'session-count"') != 2 * len(policies) + details:
            raise NeedsLenientReader
        cells = self._cells(policies, report.policies, self._fast, complete=True)
        head = (report.organization_name, report.contact_info, report.report_id, start, end)
        self._finish(head, report.organization_name, policies, cells, data, source, member)

    def _new_policy(self, raw: bytes) -> int:
        policy, deviations = read_policy(msgspec.json.decode(raw))
        if deviations:
            raise NeedsLenientReader
        number = self._policy_number(policy)
        if len(self._policy_bytes) < _MOST_POLICIES:
            self._policy_bytes[raw] = number
        return number

    def _policy_number(self, policy: ReportedPolicy) -> int:
        number = self.policies.setdefault(policy, len(self.policies))
        if number == len(self.policy_domains):
            self.policy_domains.append(policy.policy_domain)
        return number

    def _add_lenient(self, report: Report, data: bytes, source: str, member: str) -> None:
        policies = [self._policy_number(policy) for policy in report.policies]
        cells = self._cells(policies, report.results, self._lenient, complete=False)
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
        *,
        complete: bool,
    ) -> tuple[list[int], list[int]]:
        """Return the cells of sessions and failures; with `complete`, the summaries must agree with the details."""
        types, addresses, hosts, helos, reasons, informations = codes
        session_cells: list[int] = []
        failure_cells: list[int] = []
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
            if failed != detailed:
                if complete:
                    raise NeedsLenientReader
                if failed > detailed:
                    failure_cells += (types[UNATTRIBUTED], failed - detailed, -1, -1, -1, -1, -1, -1)
                    rows += 1
            session_cells += (policy, summary.total_successful_session_count, failed, detailed, rows)
        return session_cells, failure_cells

    def _finish(
        self,
        head: tuple[str, str, str, int, int],
        reporter: str,
        policies: list[int],
        cells: tuple[list[int], list[int]],
        data: bytes,
        source: str,
        member: str,
    ) -> None:
        organization, contact, report_id, start, end = head
        self.reports.cells += (
            self.organizations[organization], self.contacts[contact], start, end, len(data), len(policies),
        )  # fmt: skip
        session_cells, failure_cells = cells
        self.sessions.cells += session_cells
        self.failures.cells += failure_cells
        self.report_id.rows.append(report_id)
        self.source.rows.append(source)
        self.member.rows.append(member)
        self.digests.append(sha256(data).digest())
        domains = [self.policy_domains[policy] for policy in policies]
        self.keys.append(identity(reporter, report_id, start, end, domains))
        self._unflushed += 1
        if self._unflushed >= _FLUSH_EVERY:
            self._flush()

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
