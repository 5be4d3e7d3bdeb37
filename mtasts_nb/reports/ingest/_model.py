"""What the readers hand on: inputs, the JSON texts unpacked from them, and the reports read from those.

`iter_inputs` gives an `Input` per file; the unpackers turn each into leaves; the readers turn each leaf into a report.
Every `Leaf`, `Rejected` and `Skipped` becomes exactly one row of `Archive.inputs`.

Names
-----
``source`` is what the caller can find again: the path as given (a file below a folder: folder joined with the rest), or
``<bytes 1>``, ``<file 2>`` with the 1-based position among the sources. It is always valid Unicode: bytes of a file
name that are not UTF-8 are written as ``\\xNN``.
``member`` is the path inside the source, its steps joined by `STEP`; empty for a plain file. Examples:
``2026/june.tar > a.json.gz``, ``message 12 > part 2 (example.json.gz)``, ``line 3``, ``item 2``. A bare gzip adds no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, BinaryIO, Final, NamedTuple, Protocol

import msgspec

from ...markup import one_line

__all__ = [
    "LARGEST_COUNT",
    "LARGEST_TOTAL",
    "STEP",
    "Detail",
    "Deviation",
    "Hints",
    "Input",
    "Leaf",
    "NeedsLenientReader",
    "Payer",
    "Rejected",
    "Report",
    "ReportedPolicy",
    "Result",
    "Skipped",
    "Summary",
    "Unreadable",
    "absent_text",
    "counts_differ",
    "fault",
    "member_name",
    "named",
    "step_down",
]

#: Between the steps of a member.
STEP: Final = " > "
#: No reporter sees more sessions in a day; a larger count is a fault or an attack.
LARGEST_COUNT: Final = 10**12
#: Nor does one report count more sessions.
LARGEST_TOTAL: Final = 10 * LARGEST_COUNT


class Input(NamedTuple):
    """One thing to read: a file on disk (`path`), or what the caller gave in memory (`stream`).

    A tuple, and made without a stat where the folder listing already says that it is a regular file: a folder may
    contain a hundred thousand of them. Exactly one of `path` and `stream` is set.
    """

    source: str
    path: str | None
    stream: bytes | BinaryIO | None = None


@dataclass(slots=True, frozen=True)
class Rejected:
    """Something that could not be read.

    `stage` is one of ``read`` (the file system), ``unpack`` (compression, containers), ``mail``, ``decode`` (JSON),
    ``parse`` (a JSON text that cannot be understood as a report). `reason` is a short stable code in kebab case, such
    as ``truncated``, ``expansion-ratio``, ``nesting``, ``not-a-regular-file``, ``unreadable``; `detail` is a sentence
    with the figures or the operating system's message.
    """

    source: str
    member: str
    stage: str
    reason: str
    detail: str


@dataclass(slots=True, frozen=True)
class Skipped:
    """Something readable without a report in it: a mail of another kind, a README in a zip. `reason` says what it is."""

    source: str
    member: str
    reason: str


class Unreadable(Exception):  # noqa: N818 - a result, not a fault of the program
    """Something cannot be read; it becomes a `Rejected`, or with `no_report` a `Skipped`."""

    def __init__(self, stage: str, reason: str, detail: str, *, no_report: bool = False) -> None:
        super().__init__(stage, reason, detail)
        self.stage = stage
        self.reason = reason
        self.detail = detail
        #: Whether it is readable and simply something else than a report.
        self.no_report = no_report

    def at(self, source: str, member: str) -> Rejected | Skipped:
        """Return this as the result for one source and member."""
        if self.no_report:
            return Skipped(source, member, self.detail)
        return Rejected(source, member, self.stage, self.reason, self.detail)


def fault(error: Exception, stage: str) -> Unreadable:
    """Return an exception that nobody expected as the rejection of what was being read."""
    if isinstance(error, Unreadable):
        return error
    if isinstance(error, MemoryError):
        return Unreadable(stage, "memory", "there is not enough memory for it")
    if isinstance(error, RecursionError):
        return Unreadable(stage, "nesting", "nested too deep to be read")
    what = one_line(f"{type(error).__name__}: {error}", 200)
    return Unreadable(stage, "fault", f"a fault of this program, please report it with the file: {what}")


class NeedsLenientReader(Exception):  # noqa: N818 - a result, not a fault of the program
    """The fast reader does not judge this value; the lenient reader does."""


@dataclass(slots=True, frozen=True)
class Deviation:
    """One assumption: where in the report, which value (None: none was there), how it was treated."""

    field: str
    value: str | None
    treatment: str


#: Where, value and treatment, as of a `Deviation`; both readers note them.
Remark = tuple[str, "str | None", str]


def absent_text(key: str) -> Remark:
    """Return what there is to note of an organization-name, contact-info or report-id that is absent."""
    return key, None, "absent, taken as empty"


def counts_differ(where: str, failed: int, detailed: int) -> Remark:
    """Return what there is to note of an element of `policies` whose summary does not count what its details do."""
    treatment = (
        "the difference is one unattributed failure" if failed > detailed else "both are kept, the larger counts"
    )
    field_name = f"{where}.summary.total-failure-session-count"
    return field_name, f"{failed} in the summary, {detailed} in the details", treatment


@dataclass(slots=True, frozen=True)
class Hints:
    """What surrounds a report and may supply what the report itself leaves out.

    Attributes
    ----------
    filename : str or None
        The attachment's or member's name; RFC 8460 §5.1 puts sender, domain and epochs in it.
    tls_report_domain, tls_report_submitter : str or None
        The mail headers of RFC 8460 §5.3.
    subject : str or None
        The mail's subject (RFC 8460 §5.3 fixes its form).
    mail : bytes or None
        The whole mail as it came, for the check of its DKIM signature; None where the report did not come by mail.
        Set only when the unpackers are called with ``keep_mail=True``.
    received : bytes or None
        The date of the outermost mail's first Received field as it is there, empty where there is none; None where the
        report did not come by mail.
    """

    filename: str | None = None
    tls_report_domain: str | None = None
    tls_report_submitter: str | None = None
    subject: str | None = None
    mail: bytes | None = None
    received: bytes | None = None


class Payer(Protocol):
    """What pays for rows; see `_budget.Budget`."""

    def rows(self, count: int, labels: int) -> None:
        """Count rows with their text; raise where they are too many."""

    def owe(self, rows: int, labels: int) -> None:
        """Count rows and text that are in memory already."""


@dataclass(slots=True, frozen=True)
class Leaf:
    """A document that may be a report: decompressed bytes of one JSON text, in whatever encoding they came.

    `remarks` says what had to be repaired or left out on the way to these bytes; each is a row of
    `Archive.deviations`.
    """

    source: str
    member: str
    data: bytes
    hints: Hints | None = None
    remarks: tuple[Deviation, ...] = ()
    #: Pays for the rows that the document gives.
    budget: Payer | None = field(default=None, compare=False, repr=False)


def step_down(member: str, name: str) -> str:
    """Return the member one step further down.

    Examples
    --------
    >>> step_down("", "a.zip"), step_down("a.zip", "b.json")
    ('a.zip', 'a.zip > b.json')
    """
    return f"{member}{STEP}{name}" if member else name


def member_name(raw: str) -> str:
    """Return a member's name as valid Unicode of bounded length."""
    name = raw if raw.isascii() else raw.encode("utf-8", "backslashreplace").decode()
    return name if len(name) <= 500 else f"{name[:500]}…"


def named(name: str, outer: Hints | None) -> Hints:
    """Return the hints for a member of that name in a container whose hints are `outer`."""
    base = name.rpartition("/")[2]
    return replace(outer, filename=base) if outer else Hints(base)


Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_COUNT)]


class _Strict(msgspec.Struct, gc=False, rename="kebab", forbid_unknown_fields=True):
    pass


class Summary(_Strict):
    """The `summary` of an element of `policies` (RFC 8460 §4.4)."""

    total_successful_session_count: Count
    total_failure_session_count: Count


class Detail(_Strict):
    """One failure detail (RFC 8460 §4.4, `failure-details`)."""

    result_type: str
    failed_session_count: Count
    sending_mta_ip: str | None = None
    receiving_mx_hostname: str | None = None
    receiving_mx_helo: str | None = None
    receiving_ip: str | None = None
    failure_reason_code: str | None = None
    additional_information: str | None = None


class Result(_Strict, kw_only=True):
    """One element of `policies` without its policy."""

    summary: Summary
    #: The empty tuple where the key is absent.
    failure_details: Sequence[Detail] = ()

    @property
    def detailed_failure_session_count(self) -> int:
        """The failed sessions of all details."""
        return sum(detail.failed_session_count for detail in self.failure_details)


class ReportedPolicy(NamedTuple):
    """One policy (RFC 8460 §4.4) as columns; equal policies are stored once."""

    policy_type: str
    policy_domain: str
    policy_mode: str | None
    policy_max_age: int | None
    policy_string: str
    mx_host: str


@dataclass(slots=True, frozen=True)
class Report:
    """One report (RFC 8460 §4.4) after lenient reading; each policy with its result. Times in µs since 1970, UTC."""

    organization_name: str
    contact_info: str
    report_id: str
    start: int
    end: int
    policies: list[ReportedPolicy]
    results: list[Result]
    deviations: list[Deviation] = field(default_factory=list, compare=False)
