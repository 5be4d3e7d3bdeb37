"""What happens to a message: rows as a sender would report them, and how delivery ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ..policy import Policy
from ..render import Rendered, frame
from ..vocabulary import Mode, PolicyType, ResultType

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "Delivery", "Outcomes", "ProfileDifference", "Row", "Unpublished"]

#: The columns of `Outcomes.to_frame`, in order.
COLUMNS = ("policy_type", "mx", "address", "delivery", "result_type", "failure_reason_code", "why")


class Delivery(StrEnum):
    """What happens to a message, at one address or after every MX host.

    In a row, `DEFERRED` and `BOUNCED` mean that nothing is delivered *there*, for now or permanently: the sender tries
    the next address and host. Only if none is left does it hold for the message.
    """

    DELIVERED = "delivered"
    WITHOUT_STS = "without_sts"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    UNKNOWN = "unknown"

    @property
    def accepted(self) -> bool:
        """Whether the message is delivered, protected or not."""
        return self in (Delivery.DELIVERED, Delivery.WITHOUT_STS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a sender observes at one address of one MX host, or at the policy host, under one policy.

    Attributes
    ----------
    policy_type : PolicyType
        The policy under which the session is reported (RFC 8460 §4.4). An address has a row under ``tlsa`` and another
        under ``sts`` if both apply: the same session, not two.
    mx, address : str
        Empty in a row about the policy host; `address` is empty if the host itself cannot be reached.
    delivery : Delivery
        What happens to the message there. In a row about the policy host: ``delivered`` if a policy was fetched or is
        cached, ``without_sts`` if not.
    result_type : ResultType or None
        None if there is nothing to report: a success, or a failure that does not concern TLS.
    failure_reason_code : str
        More about it; RFC 8460 does not define the codes, so other senders use others.
    why : str
        As a sentence, with the section that decides.
    """

    policy_type: PolicyType
    mx: str = ""
    address: str = ""
    delivery: Delivery
    result_type: ResultType | None = None
    failure_reason_code: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class Outcomes(Rendered):
    """What a sender does with a message to a domain, and what it reports. Shows itself in a notebook and by ``print``.

    Attributes
    ----------
    domain : str
        The policy domain.
    at : datetime
        The time of the probe, UTC.
    rows : tuple of Row
        The policy host first, then the MX hosts in the order in which they are tried.
    delivery : Delivery
        What happens to the message after every MX host in order of preference.
    delivery_why : str
        Why, as a sentence.
    policy : Policy or None
        The MTA-STS policy that the sender applies, with its mode; None if it has none.
    policy_source : str
        ``live``, ``cached``, ``none`` (the sender has no policy) or ``unknown`` (it was not observed).
    policy_why : str
        Why it applies that policy, or none.
    what_if : str
        The assumptions as text; empty if there are none.
    differences : tuple of ProfileDifference
        Known senders that act differently, and why.
    unpublished : tuple of Unpublished
        Known senders of which it is not known whether they act differently.
    """

    domain: str
    at: datetime
    rows: tuple[Row, ...]
    delivery: Delivery
    delivery_why: str
    policy: Policy | None
    policy_source: str
    policy_why: str
    what_if: str = ""
    differences: tuple[ProfileDifference, ...] = ()
    unpublished: tuple[Unpublished, ...] = ()

    @property
    def mode(self) -> Mode | None:
        """The mode that the sender applies; None if it has no policy."""
        return None if self.policy is None else self.policy.mode

    @property
    def result_types(self) -> tuple[ResultType, ...]:
        """The result types to be reported, each once, in order of appearance."""
        return tuple(dict.fromkeys(row.result_type for row in self.rows if row.result_type is not None))

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that have a result type."""
        return tuple(row for row in self.rows if row.result_type is not None)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row per `Row`: the columns of `COLUMNS`, all text; `result_type` may be missing."""
        table = [
            {key: None if (value := getattr(row, key)) is None else str(value) for key in COLUMNS} for row in self.rows
        ]
        return frame(table, COLUMNS).astype("string")

    def report(self) -> dict[str, Any]:
        """Return the TLS report (RFC 8460 §4.4) on this one message, every row counted as one session.

        A sender stops at the first host that accepts the message; the report shows what it would report of each host
        that was observed. Rows whose outcome is unknown are left out, and so are failures that do not concern TLS.
        """
        day = self.at.astimezone(UTC).date()
        begin = datetime.combine(day, time(), UTC)
        end = begin + timedelta(days=1, seconds=-1)
        return {
            "organization-name": "mtasts-nb simulation",
            "date-range": {
                "start-datetime": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
                "end-datetime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            },
            "contact-info": "postmaster@mtasts-nb.invalid",
            "report-id": f"{day.isoformat()}-{self.domain}",
            "policies": [self._policy_report(kind) for kind in dict.fromkeys(row.policy_type for row in self.rows)],
        }

    def _policy_report(self, kind: PolicyType) -> dict[str, Any]:
        rows = [row for row in self.rows if row.policy_type is kind]
        described: dict[str, Any] = {"policy-type": kind.value, "policy-domain": self.domain}
        if kind is PolicyType.STS and self.policy is not None:
            lines = [("version", self.policy.version), ("mode", self.policy.mode.value)]
            lines += [("mx", pattern) for pattern in self.policy.mx]
            lines.append(("max_age", str(self.policy.max_age)))
            described["policy-string"] = [f"{key}: {value}" for key, value in lines]
            described["mx-host"] = list(self.policy.mx)
        good = sum(row.result_type is None and row.delivery.accepted for row in rows if row.mx and row.address)
        failed = Counter(
            (row.result_type, row.mx, row.address, row.failure_reason_code) for row in rows if row.result_type
        )
        return {
            "policy": described,
            "summary": {
                "total-successful-session-count": good,
                "total-failure-session-count": sum(failed.values()),
            },
            "failure-details": [_detail(*key, count) for key, count in failed.items()],
        }

    def __repr__(self) -> str:
        types = ", ".join(self.result_types) or "no result type"
        return f"<Outcomes for {self.domain}: {self.delivery.value}, {types}>"


def _detail(result_type: ResultType | None, mx: str, address: str, reason: str, count: int) -> dict[str, Any]:
    fields = {
        "result-type": str(result_type),
        "receiving-mx-hostname": mx,
        "receiving-ip": address,
        "failed-session-count": count,
        "failure-reason-code": reason,
    }
    return {key: value for key, value in fields.items() if value != ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDifference:
    """A known sender that acts differently.

    Attributes
    ----------
    profile, title : str
        The sender.
    outcomes : Outcomes
        All that it would do.
    why : str
        Its differences that matter here, as sentences.
    sources : tuple of str
        Where they were read.
    """

    profile: str
    title: str
    outcomes: Outcomes
    why: str
    sources: tuple[str, ...]

    @property
    def delivery(self) -> Delivery:
        """What happens to the message with it."""
        return self.outcomes.delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpublished:
    """A known sender that does not publish what it does about something that decides here.

    Attributes
    ----------
    profile, title : str
        The sender.
    topics : tuple of str
        The topics of rules (`Rule`) in which known senders differ, and that decide here.
    """

    profile: str
    title: str
    topics: tuple[str, ...]
