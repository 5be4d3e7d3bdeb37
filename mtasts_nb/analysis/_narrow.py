"""The part of an archive that a question is about."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from ..errors import SourceError
from ..markup import one_line

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Archive

__all__ = ["narrow"]

#: Before the first and after the last day that a report can be about.
_EVER = ("1970-01-01", "2200-01-01")


def narrow(
    archive: Archive,
    domain: str | None = None,
    start: str | date | datetime | None = None,
    end: str | date | datetime | None = None,
    *,
    policy_type: str | None = None,
    reporter: str | None = None,
    mx: str | None = None,
    result_type: str | None = None,
) -> Archive:
    """Return the reports about one policy domain and period, or only some of what they tell; None asks for all.

    Of the failures only those at one MX host or of one result type can be kept; the sessions stay all, since reports
    count successes per policy alone (RFC 8460 §4.4).

    Parameters
    ----------
    archive : Archive
        What `load` gave.
    domain : str, optional
        A policy domain.
    start, end : str, date or datetime, optional
        As `Archive.between` takes them: UTC, an `end` that is a day includes it.
    policy_type, reporter : str, optional
        Only sessions under this policy type, or in reports of this organization; empty text asks for those that give no
        name.
    mx, result_type : str, optional
        Only failures at this MX host, or of this result type; empty text asks for failures that name no MX host.

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
    of_sessions = {"policy_type": policy_type, "organization_name": reporter}
    of_failures = {**of_sessions, "receiving_mx_hostname": mx, "result_type": result_type}
    if all(value is None for value in of_failures.values()):
        return archive
    sessions = _only(archive.sessions, of_sessions)
    return archive.with_rows(sessions, _only(archive.failures, of_failures))


def _only(rows: pd.DataFrame, wanted: dict[str, str | None]) -> pd.DataFrame:
    for column, value in wanted.items():
        if value is not None:
            found = rows[column]
            rows = rows[found == value if value else found.isna() | (found == "")]
    return rows
