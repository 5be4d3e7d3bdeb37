"""A report after reading, whatever shape it came in: the normal form that both readers agree on."""

from __future__ import annotations

from dataclasses import dataclass, field

from ._policy_seen import PolicySeen

__all__ = ["Deviation", "Failure", "PolicyResult", "Report", "Unreadable"]


class Unreadable(Exception):  # noqa: N818 - the answer "this cannot be understood", not a fault of the program
    """A document cannot be read as a report; becomes a row of `Archive.rejects`, or of skipped inputs."""

    def __init__(self, stage: str, reason: str, detail: str, *, no_report: bool = False) -> None:
        super().__init__(detail)
        self.stage = stage
        self.reason = reason
        self.detail = detail
        #: Whether it is readable and simply something else than a report.
        self.no_report = no_report


@dataclass(slots=True, frozen=True)
class Deviation:
    """One assumption: where in the report, what stood there (None: nothing), what was made of it."""

    field: str
    value: str | None
    treatment: str


@dataclass(slots=True, frozen=True)
class Failure:
    """One failure detail (RFC 8460 §4.4, `failure-details`)."""

    result_type: str
    failed_session_count: int
    sending_mta_ip: str | None = None
    receiving_mx_hostname: str | None = None
    receiving_mx_helo: str | None = None
    receiving_ip: str | None = None
    failure_reason_code: str | None = None
    additional_information: str | None = None


@dataclass(slots=True, frozen=True)
class PolicyResult:
    """One element of `policies`: the policy, its summary, its failure details."""

    policy: PolicySeen
    total_successful_session_count: int
    total_failure_session_count: int
    failures: tuple[Failure, ...] = ()

    @property
    def detailed_failure_session_count(self) -> int:
        """The failed sessions of all details."""
        return sum(failure.failed_session_count for failure in self.failures)


@dataclass(slots=True, frozen=True)
class Report:
    """One report (RFC 8460 §4.4). Times in microseconds since 1970, UTC."""

    organization_name: str
    contact_info: str
    report_id: str
    start: int
    end: int
    policies: tuple[PolicyResult, ...]
    deviations: tuple[Deviation, ...] = field(default=(), compare=False)
