"""Text ready to publish. What is drafted here validates, or nothing comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from mtasts_nb.vocabulary import Mode

from ._hosts import mx_host_names
from ._policy import Policy
from ._sts_record import StsRecord

__all__ = ["draft_policy", "draft_record", "id_from"]


def draft_policy(mx_hosts: Iterable[str], mode: Mode | str, max_age: int) -> str:
    """Return a policy file that permits exactly these MX hosts.

    Parameters
    ----------
    mx_hosts : iterable of str
        The MX host names or patterns (``*.nordwind.example``), also as ``dig MX +short`` prints them: a preference
        number and a trailing dot are taken off, U-labels become A-labels, repetitions go. The order stays.
    mode : Mode or str
        ``enforce``, ``testing`` or ``none``; in mode none no `mx` is written (RFC 8461 §8.3).
    max_age : int
        In seconds, 0 to 31557600. Usual: 86400 while testing, 604800 in the first weeks of enforce.

    Raises
    ------
    PolicyError
        A host, the mode or max_age is not valid, or there is no host and the mode is not none.

    Examples
    --------
    >>> print(draft_policy(["10 mx1.nordwind.example.", "20 mx2.nordwind.example."], "testing", 86400), end="")
    version: STSv1
    mode: testing
    mx: mx1.nordwind.example
    mx: mx2.nordwind.example
    max_age: 86400
    """
    mx = () if mode == Mode.NONE else tuple(mx_host_names(mx_hosts))
    # A mode that does not exist reaches the linter as it is, which names the fault.
    chosen = Mode(mode) if mode in list(Mode) else mode
    return Policy(mode=chosen, max_age=max_age, mx=mx).to_text()  # type: ignore[arg-type]


def draft_record(now: datetime) -> str:
    """Return an `_mta-sts` record whose id is the time, in UTC, to the second.

    Parameters
    ----------
    now : datetime
        With a time zone; one without is taken as UTC.

    Examples
    --------
    >>> draft_record(datetime(2026, 2, 8, 18, 0, tzinfo=UTC))
    'v=STSv1; id=20260208180000;'
    """
    moment = now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)
    # strftime("%Y") does not pad the year on every system.
    return StsRecord(id=f"{moment.year:04d}{moment:%m%d%H%M%S}").to_text()


def id_from(text: str | bytes) -> str:
    """Return an id that changes exactly when a text does; for a fix, which has no clock.

    Examples
    --------
    >>> id_from("version: STSv1")
    '2f0354d1a49d706e'
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:16]
