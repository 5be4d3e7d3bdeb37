"""How each report came: when the recipient's server received its mail, and which domain signed that mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from ._collect import Collector
from .ingest import DkimCheck, Hints, Rejected, Signature, Verdict

__all__ = ["Dkim", "Origins", "Settled", "received_at"]


class Dkim(StrEnum):
    """What `load` does about the DKIM signatures of report mails (RFC 8460 §3)."""

    OFF = "off"
    CHECK = "check"
    REQUIRE = "require"


_NO_MAIL = Verdict(Signature.NO_MAIL)
_FORWARDED = Verdict(Signature.FORWARDED)


@dataclass(slots=True)
class Settled:
    """What is known of the reports of one part, by position.

    Attributes
    ----------
    received : dict
        Of a report that came by mail: the date in the mail's first Received field, as it is there.
    signed_by : dict
        The domain whose valid signature is on its mail.
    """

    received: dict[int, bytes] = field(default_factory=dict)
    signed_by: dict[int, str] = field(default_factory=dict)


class Origins:
    """Collects, beside a `Collector`, what a report's content does not say."""

    def __init__(self, check: DkimCheck | None, dkim: Dkim) -> None:
        self._check = check
        self._required = dkim is Dkim.REQUIRE
        self._received: dict[int, bytes] = {}
        # Source, member, the report's position (None: it was no report), and the number of its mail or a verdict.
        self._rows: list[tuple[str, str, int | None, int | Verdict]] = []

    @property
    def checks(self) -> bool:
        """Whether signatures are checked."""
        return self._check is not None

    def note(self, source: str, member: str, report: int | None, hints: Hints | None) -> None:
        """Note where a JSON text came from; `report` is the position of the report in it, if it is one."""
        received = hints.received if hints else None
        if report is not None and received is not None:
            self._received[report] = received
        if self._check is None:
            return
        if hints and hints.mail:
            moment = received_at(received)
            day = "" if moment is None else f"{moment:%Y-%m-%d}"
            self._rows.append((source, member, report, self._check.take(hints.mail, day)))
        elif self._required and report is not None:
            self._rows.append((source, member, report, _NO_MAIL if received is None else _FORWARDED))

    def close(self) -> None:
        """Forget the mails that wait for their check."""
        if self._check is not None:
            self._check.close()

    def settle(self, collector: Collector) -> Settled:
        """Check the signatures, note each verdict, and take out the reports that need a signature and have none.

        Returns what is known of the reports that are left; nothing of it is kept.
        """
        settled, self._received = Settled(self._received), {}
        rows, self._rows = self._rows, []
        if self._check is None:
            return settled
        verdicts = self._check.verdicts()
        refused: dict[int, Rejected] = {}
        for source, member, report, origin in rows:
            verdict = origin if isinstance(origin, Verdict) else verdicts[origin]
            deviation = verdict.deviation()
            if not isinstance(origin, Verdict):
                collector.deviate(source, member, deviation)
            if report is None:
                continue
            if verdict.signed_by is not None:
                settled.signed_by[report] = verdict.signed_by
            elif self._required:
                detail = f"dkim={Dkim.REQUIRE} needs a valid signature; this report: {deviation.treatment}"
                detail += f" ({deviation.value})" if deviation.value else ""
                refused[report] = Rejected(source, member, "mail", f"dkim-{verdict.result}", detail)
        if not refused:
            return settled
        kept = collector.take_out(refused)
        return Settled(
            {kept[at]: date for at, date in settled.received.items() if at in kept},
            {kept[at]: domain for at, domain in settled.signed_by.items()},
        )


def received_at(date: bytes | None) -> datetime | None:
    """Return the moment in a Received field's date, in UTC; None where there is none.

    Examples
    --------
    >>> received_at(b"Mon, 9 Feb 2026 02:00:00 +0100 (CET)")
    datetime.datetime(2026, 2, 9, 1, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = parsedate_to_datetime((date or b"").decode("ascii", "replace"))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
