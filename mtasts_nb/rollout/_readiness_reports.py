"""What the reports of the last clean days say about a domain, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from ..reports import daily
from ..vocabulary import PolicyType

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["Cells", "OneDomain", "by_mx", "held_back", "read", "senders"]

_ON_POLICY_HOST: Final = "sts-"
#: In place of an MX host that a report does not name.
NO_MX: Final = ""
ALL_FAILED, SOME_FAILED = "every session failed", "others went through"


class OneDomain:
    """A source narrowed to one policy domain, and to days up to one."""

    def __init__(self, source: Source, domain: str, until: pd.Timestamp | None) -> None:
        self._source, self._domain, self._until = source, domain, until

    def session_rows(
        self, session_columns: Sequence[str], failure_columns: Sequence[str], *, engine: str | None = None
    ) -> Iterable[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yield the sessions and failures of the one domain."""
        keys = ("policy_domain", "day")
        wanted = [list(columns) for columns in (session_columns, failure_columns)]
        asked = [[*columns, *(key for key in keys if columns and key not in columns)] for columns in wanted]
        for tables in self._source.session_rows(*asked, engine=engine):
            sessions, failures = (
                self._narrowed(table)[columns] if columns else table
                for table, columns in zip(tables, wanted, strict=True)
            )
            yield sessions, failures

    def _narrowed(self, table: pd.DataFrame) -> pd.DataFrame:
        mine = (table["policy_domain"] == self._domain).to_numpy()
        if self._until is not None:
            mine = mine & (table["day"] <= self._until).to_numpy()
        return table[mine]


@dataclass(frozen=True, slots=True)
class Cells:
    """Sessions and failures of one domain by day, reporter and policy type.

    Attributes
    ----------
    sessions : DataFrame
        ``day, organization_name, policy_type, sessions, failed``.
    failures : DataFrame
        ``day, organization_name, policy_type, receiving_mx_hostname, result_type, failed``.
    """

    sessions: pd.DataFrame
    failures: pd.DataFrame

    def since(self, first: pd.Timestamp) -> Cells:
        """Return the cells from a day on."""
        return Cells(*(table[table["day"] >= first] for table in (self.sessions, self.failures)))

    def of(self, policy_type: str) -> Cells:
        """Return the cells of one policy type."""
        return Cells(*(table[table["policy_type"] == policy_type] for table in (self.sessions, self.failures)))

    @property
    def at_mx(self) -> pd.DataFrame:
        """The failures that are not on the policy host; those that no detail explains may be either and are among them."""
        return self.failures[~self._on_policy_host]

    @property
    def on_policy_host(self) -> pd.DataFrame:
        """The failures on the policy host, which hold nothing back by themselves (RFC 8461 §5)."""
        return self.failures[self._on_policy_host]

    @property
    def _on_policy_host(self) -> pd.Series[bool]:
        return self.failures["result_type"].str.startswith(_ON_POLICY_HOST)


def read(source: Source) -> Cells:
    """Return the cells of a source."""
    rows = daily(source, ("organization_name", "receiving_mx_hostname", "result_type"))
    names = ["organization_name", "receiving_mx_hostname", "result_type", "policy_type"]
    plain: Any = rows.astype(dict.fromkeys(names, "object"))
    plain["receiving_mx_hostname"] = plain["receiving_mx_hostname"].where(plain["receiving_mx_hostname"].notna(), NO_MX)
    key = ["day", "organization_name", "policy_type"]
    sessions = (
        plain.groupby(key, sort=True, dropna=False)
        .agg(sessions=("group_sessions", "first"), failed=("failed", "sum"))
        .reset_index()
    )
    failures = plain.loc[plain["failed"] > 0, [*key, "receiving_mx_hostname", "result_type", "failed"]]
    return Cells(sessions, failures.astype({"result_type": "str"}).reset_index(drop=True))


def by_mx(cells: Cells) -> pd.DataFrame:
    """Return the failures by MX host and result type, the largest first."""
    keys = ["receiving_mx_hostname", "result_type"]
    frame = (
        cells.at_mx.groupby(keys, sort=True)
        .agg(
            failed=("failed", "sum"), days=("day", "nunique"), reporters=("organization_name", "nunique"),
            first=("day", "min"), last=("day", "max"),
        )
        .reset_index()
        .sort_values(["failed", *keys], ascending=[False, True, True])
        .reset_index(drop=True)
    )  # fmt: skip
    frame["share"] = frame["failed"] / max(int(cells.sessions["sessions"].sum()), 1)
    return frame.astype({**dict.fromkeys(keys, "str"), "failed": "int64", "days": "int64", "reporters": "int64"})


def held_back(cells: Cells) -> pd.DataFrame:
    """Return the days and reporters with failures at an MX, and whether any session of theirs went through."""
    key = ["day", "organization_name"]
    at_mx = (
        cells.at_mx.groupby(key, sort=True)
        .agg(
            failed_session_count=("failed", "sum"),
            mx=("receiving_mx_hostname", lambda hosts: "\n".join(sorted(set(hosts) - {NO_MX}))),
        )
        .reset_index()
    )
    frame = at_mx.merge(cells.sessions, on=key, how="left")
    frame["case"] = (frame["sessions"] > frame["failed"]).map({True: SOME_FAILED, False: ALL_FAILED})
    columns = [*key, "case", "failed_session_count", "sessions", "mx"]
    types = {
        "organization_name": "str",
        "case": "str",
        "mx": "str",
        "failed_session_count": "int64",
        "sessions": "int64",
    }
    return frame[columns].astype(types).reset_index(drop=True)


def senders(cells: Cells) -> pd.DataFrame:
    """Return who reported, under which policy type, how much; the largest first."""
    frame = (
        cells.sessions.groupby(["organization_name", "policy_type"], sort=True)
        .agg(days=("day", "nunique"), sessions=("sessions", "sum"), failed=("failed", "sum"), last=("day", "max"))
        .reset_index()
        .sort_values(["sessions", "organization_name", "policy_type"], ascending=[False, True, True])
        .reset_index(drop=True)
    )
    return frame.astype(
        {"organization_name": "str", "policy_type": "str", "days": "int64", "sessions": "int64", "failed": "int64"}
    )


def types_of(cells: Cells) -> tuple[Cells, Cells, Cells]:
    """Return the cells under sts, under tlsa, and of senders that found no policy."""
    return cells.of(PolicyType.STS), cells.of(PolicyType.TLSA), cells.of(PolicyType.NO_POLICY_FOUND)
