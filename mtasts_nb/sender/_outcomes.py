"""What comes of a message: rows as a sender would report them, and the message's fate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ..policy import Policy
from ..vocabulary import Mode, PolicyType, ResultType

if TYPE_CHECKING:
    import pandas as pd

    from ._profiles import Otherwise

__all__ = ["COLUMNS", "Delivery", "Outcomes", "Row"]

#: The columns of `Outcomes.to_frame`, in order.
COLUMNS = ("policy_type", "mx", "address", "delivery", "result_type", "failure_reason_code", "why")


class Delivery(StrEnum):
    """What becomes of a message, at one address or after every MX host.

    In a row, `DEFERRED` and `BOUNCED` say that nothing is delivered *there*, for now or for good: the sender goes on to
    the next address and host. Only where none is left is it the message's fate.
    """

    DELIVERED = "delivered"
    WITHOUT_STS = "without_sts"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    UNKNOWN = "unknown"

    @property
    def accepted(self) -> bool:
        """Whether the message is taken, protected or not."""
        return self in (Delivery.DELIVERED, Delivery.WITHOUT_STS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a sender meets at one address of one MX host, or at the policy host, under one policy.

    Attributes
    ----------
    policy_type : PolicyType
        The policy under which the session is reported (RFC 8460 §4.4). An address has a row under ``tlsa`` and another
        under ``sts`` where both apply: the same session, not two.
    mx, address : str
        Empty in a row about the policy host; `address` is empty where the host itself is out of reach.
    delivery : Delivery
        What becomes of the message there. In a row about the policy host: ``delivered`` where the policy is had,
        ``without_sts`` where it is not.
    result_type : ResultType or None
        None where there is nothing to report: a success, or a failure that is none of TLS.
    failure_reason_code : str
        More about it; RFC 8460 leaves the words to the sender, so others write others.
    why : str
        In a sentence, with the section that decides.
    """

    policy_type: PolicyType
    mx: str = ""
    address: str = ""
    delivery: Delivery
    result_type: ResultType | None = None
    failure_reason_code: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class Outcomes:
    """What a sender does with a message to a domain, and what it reports. Shows itself in a notebook and by ``print``.

    Attributes
    ----------
    domain : str
        The policy domain.
    at : datetime
        The moment of the probe, UTC.
    rows : tuple of Row
        The policy host first, then the MX hosts in the order in which they are tried.
    delivery : Delivery
        The message's fate after every MX host in order of preference.
    delivery_why : str
        Why, in a sentence.
    policy : Policy or None
        The MTA-STS policy that the sender applies, with its mode; None where it has none.
    policy_source : str
        ``live``, ``cached``, ``none`` (the sender has no policy) or ``unknown`` (what it would find was not observed).
    policy_why : str
        How it came to that policy, or to none.
    what_if : str
        The assumptions, in words; empty where there were none.
    otherwise : tuple of Otherwise
        Sender profiles that would act otherwise, and why.
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
    otherwise: tuple[Otherwise, ...] = ()

    @property
    def mode(self) -> Mode | None:
        """The mode that the sender applies; None where it has no policy."""
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
        import pandas as pd

        table = [
            {key: None if (value := getattr(row, key)) is None else str(value) for key in COLUMNS} for row in self.rows
        ]
        return pd.DataFrame(table, columns=list(COLUMNS)).astype("string")

    def report(self) -> dict[str, Any]:
        """Return the TLS report (RFC 8460 §4.4) on this one message, every row taken as one session.

        A sender stops at the first host that takes the message; the report shows what it would say of each host that
        was observed. Rows whose outcome is unknown are left out, and so are failures that are none of TLS.
        """
        day = self.at.astimezone(UTC).date()
        begin = datetime.combine(day, time(), UTC)
        return {
            "organization-name": "mtasts-nb simulation",
            "date-range": {
                "start-datetime": begin.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "end-datetime": (begin + timedelta(days=1, seconds=-1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
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
        sessions = [row for row in rows if row.mx and row.address]
        good = sum(row.result_type is None and row.delivery.accepted for row in sessions)
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

    def __str__(self) -> str:
        from ._view import as_text

        return as_text(self)

    def __repr__(self) -> str:
        found = ", ".join(self.result_types) or "no result type"
        return f"<Outcomes for {self.domain}: {self.delivery.value}, {found}>"

    def _repr_html_(self) -> str:
        from ._view import as_html

        return as_html(self)


def _detail(result_type: ResultType | None, mx: str, address: str, reason: str, count: int) -> dict[str, Any]:
    fields = {
        "result-type": str(result_type),
        "receiving-mx-hostname": mx,
        "receiving-ip": address,
        "failed-session-count": count,
        "failure-reason-code": reason,
    }
    return {key: value for key, value in fields.items() if value != ""}
