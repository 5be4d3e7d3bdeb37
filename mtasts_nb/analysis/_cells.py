"""The finest daily table, split into what every summary needs: sessions seen, and failures by kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..reports import daily
from ..vocabulary import UNATTRIBUTED, UNKNOWN, Mode, PolicyType, ResultType

if TYPE_CHECKING:
    import pandas as pd

    from ..reports import Source

__all__ = ["EFFECTS", "Cells", "cells", "far_off_days"]

#: One reporter's sessions of one day, about one domain, under one policy type and mode.
CELL = ["day", "policy_domain", "policy_type", "organization_name", "policy_mode"]
#: What failures do to mail, the worst first, each with what it means (RFC 8461 §5; RFC 7672 §2.2).
EFFECTS = {
    "held back": "No session of that reporter succeeded that day, under enforce or DANE: its mail waited for a later try.",
    "perhaps delayed": "Some sessions failed under enforce or DANE, others of the same reporter and day succeeded: "
    "another MX or a later try may have taken the mail at once.",
    "protection lost": "The policy could not be fetched or was not valid: mail went through, under a cached policy or "
    "without one.",
    "reported only": "The policy was in testing or none, or the sender saw none: the mail was delivered all the same.",
    "not known": "The report does not say which policy mode applied, or not what failed.",
}
_REGISTERED = frozenset(map(str, ResultType))
#: Days are far off where no report came for so many days between them and the rest, and they are few beside the rest.
_FAR_DAYS = 366
_FEW = 0.05


@dataclass(frozen=True, eq=False)
class Cells:
    """Sessions and failures by day, policy domain, policy type, reporter and policy mode.

    Attributes
    ----------
    sessions : DataFrame
        `CELL` and ``sessions`` (int64): one row for each combination for which a report came.
    failures : DataFrame
        `CELL`, ``receiving_mx_hostname`` (empty where none was reached), ``result_type``, ``failed`` (int64) and
        ``effect``, one of `EFFECTS`.
    far_off : DataFrame
        The rows that would be in `sessions`, were their days not years from all others: one report with a wrong clock
        would make a week of reports a week in seventy years.
    """

    sessions: pd.DataFrame
    failures: pd.DataFrame
    far_off: pd.DataFrame

    @property
    def last_day(self) -> pd.Timestamp | None:
        """The last day for which a report came."""
        return None if self.sessions.empty else self.sessions["day"].max()


def cells(source: Source | Cells) -> Cells:
    """Return the sessions and failures of a source; of what is split already, itself."""
    if isinstance(source, Cells):
        return source
    fine = daily(source, by=("organization_name", "policy_mode", "receiving_mx_hostname", "result_type"))
    texts = [*CELL[1:], "receiving_mx_hostname", "result_type"]
    fine = fine.astype(dict.fromkeys(texts, "str")).fillna(dict.fromkeys(texts, ""))
    far = far_off_days(fine["day"])
    far_off = _sessions(fine[far])
    fine = fine[~far]
    sessions = _sessions(fine)
    failures = fine.loc[fine["failed"] > 0, [*CELL, "receiving_mx_hostname", "result_type", "failed"]]
    return Cells(sessions, _with_effect(failures.reset_index(drop=True), sessions), far_off)


def _sessions(fine: pd.DataFrame) -> pd.DataFrame:
    rows = fine.drop_duplicates(CELL)[[*CELL, "group_sessions"]].rename(columns={"group_sessions": "sessions"})
    return rows.reset_index(drop=True)


def far_off_days(day: pd.Series) -> pd.Series:
    """Return which rows have a day far off: few days, more than a year from the stretch with the most days."""
    import numpy as np
    import pandas as pd

    if day.empty:
        return day.astype("bool")
    days = pd.Series(np.sort(day.unique()))
    stretch = (days.diff().dt.days > _FAR_DAYS).cumsum()
    sizes = stretch.value_counts()
    few = sizes[(sizes < _FEW * sizes.max()) | ((sizes == 1) & (sizes.max() > 2))].index
    return day.isin(days[stretch.isin(few)])


def _with_effect(failures: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    import numpy as np

    seen = sessions.set_index(CELL)["sessions"]
    total = failures.groupby(CELL, sort=False)["failed"].transform("sum")
    whole = seen.reindex(failures.set_index(CELL).index).to_numpy()
    none_succeeded = total.to_numpy() >= whole
    kind, mode, policy = failures["result_type"], failures["policy_mode"], failures["policy_type"]
    unexplained = kind.isin([UNATTRIBUTED, UNKNOWN]) | ~kind.isin(_REGISTERED)
    binding = (mode == Mode.ENFORCE) | (policy == PolicyType.TLSA)
    harmless = mode.isin([Mode.TESTING, Mode.NONE]) | (policy == PolicyType.NO_POLICY_FOUND)
    effect = np.select(
        [kind.str.startswith("sts-"), harmless & ~binding, unexplained, binding & none_succeeded, binding],
        ["protection lost", "reported only", "not known", "held back", "perhaps delayed"],
        default="not known",
    )
    return failures.assign(effect=effect)
