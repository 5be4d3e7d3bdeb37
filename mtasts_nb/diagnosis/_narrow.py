"""The part of an archive that a question is about."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from ..errors import SourceError
from ..markup import one_line

if TYPE_CHECKING:
    from ..reports import Archive

__all__ = ["narrow"]

#: Before the first and after the last day that a report can be about.
_EVER = ("1970-01-01", "2200-01-01")


def narrow(
    archive: Archive,
    domain: str | None = None,
    start: str | date | datetime | None = None,
    end: str | date | datetime | None = None,
) -> Archive:
    """Return the reports about one policy domain and period; None leaves that side open.

    Parameters
    ----------
    archive : Archive
        What `load` gave.
    domain : str, optional
        A policy domain.
    start, end : str, date or datetime, optional
        As `Archive.between` takes them: UTC, an `end` that is a day includes it.

    Raises
    ------
    SourceError
        No report at all is about that domain: most likely a slip in its name. A period without a report is no error.
    """
    if domain is not None:
        domains = sorted(archive.sessions["policy_domain"].astype("str").unique())
        archive = archive.for_domain(domain)
        if not len(archive.sessions):
            known = ", ".join(one_line(name, 80) for name in domains[:10]) or "no domain at all"
            more = f" and {len(domains) - 10} others" if len(domains) > 10 else ""
            raise SourceError(f"no report is about {one_line(domain, 80)}. There are reports about {known}{more}.")
    if start is not None or end is not None:
        archive = archive.between(_EVER[0] if start is None else start, _EVER[1] if end is None else end)
    return archive
