"""The reasons why a domain gets no TLS reports, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pandas as pd

from ..knowledge import CauseText, causes
from ..markup import terminal_text
from ..render import Rendered, frame
from ..vocabulary import ReasonState

__all__ = ["NoReports", "NoReportsReason", "ReportAddress", "SilentReporter"]

#: A report arrives up to three days after its day.
LATE: Final = timedelta(days=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAddress:
    """One address of the `_smtp._tls` record.

    Attributes
    ----------
    uri : str
        As in the record.
    scheme : str
        ``mailto`` or ``https``; another one where senders ignore the address.
    domain : str
        Of the mailbox, or the host of the URL, in A-labels; empty where it cannot be read.
    external : bool
        Whether it is neither the policy domain nor below it.
    """

    uri: str
    scheme: str
    domain: str
    external: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentReporter:
    """A reporter that reported before and stopped.

    Attributes
    ----------
    organization_name : str
    last : date
        The last UTC day that it reported.
    days : int
        How many days it had reported.
    """

    organization_name: str
    last: date
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReportsReason:
    """One possible reason.

    Attributes
    ----------
    code : str
        Of the cause in the flowchart; `cause` has its texts.
    state : ReasonState
        What the evidence shows of it.
    evidence : str
        What was observed, or why it was not.
    """

    code: str
    state: ReasonState
    evidence: str

    @property
    def cause(self) -> CauseText:
        """Title, meaning, fix, verification and RFC section."""
        return causes()[self.code]


@dataclass(frozen=True, kw_only=True, repr=False)
class NoReports(Rendered):
    """Why no reports arrive, or fewer than before. Shows itself in a notebook and by ``print``.

    No reports never means that nothing is wrong: whether mail is delivered is not known then.

    Attributes
    ----------
    domain : str
        The policy domain.
    today : date
        The day of the probe, UTC, from which the age of reports counts.
    addresses : tuple of ReportAddress
        Where senders are asked to report; empty without a valid record.
    first, last : date or None
        First and last UTC day with a report in the source; None where there is none, or no source.
    inputs : mapping of str to int
        How the inputs of an archive ended, without reports: ``skipped``, ``rejected``.
    silent : tuple of SilentReporter
        Reporters that stopped, those that reported most first.
    reasons : tuple of NoReportsReason
        Those confirmed first, those ruled out last; within a state in the order to check them.
    """

    domain: str
    today: date
    addresses: tuple[ReportAddress, ...]
    first: date | None
    last: date | None
    inputs: Mapping[str, int]
    silent: tuple[SilentReporter, ...]
    reasons: tuple[NoReportsReason, ...]

    @property
    def arriving(self) -> bool:
        """Whether there are reports about the last days."""
        return self.last is not None and self.today - self.last <= LATE

    def in_state(self, state: ReasonState) -> tuple[NoReportsReason, ...]:
        """Return the reasons in one state."""
        return tuple(reason for reason in self.reasons if reason.state is state)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per reason: code, title, state, evidence, fix, rfc; all text."""
        rows = [
            {
                "code": reason.code, "title": reason.cause.title, "state": reason.state.value, "evidence": reason.evidence,
                "fix": reason.cause.fix(self.domain), "rfc": reason.cause.rfc,
            }
            for reason in self.reasons
        ]  # fmt: skip
        return frame(rows, ["code", "title", "state", "evidence", "fix", "rfc"]).astype("str")

    def __repr__(self) -> str:
        codes = ", ".join(reason.code for reason in self.in_state(ReasonState.CONFIRMED)) or "nothing confirmed"
        return terminal_text(f"<NoReports about {self.domain}: {codes}>")
