"""The tables from which `reported` takes what reports show of a kind of failure, as arrays by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..reports import daily
from ..vocabulary import PolicyType
from ._outside import covers
from ._witnesses import HISTORY

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from ..reports import Source
    from ._cells import Cells

    Ints = npt.NDArray[np.int64]

__all__ = ["KIND", "Kind", "Tables"]

Kind = tuple[str, str, str, str]

#: One kind of failure.
KIND: Final = ["policy_domain", "policy_type", "receiving_mx_hostname", "result_type"]
_MOST_TEXTS: Final = 12


class _Table:
    """Rows as arrays, by key: days since 1970-01-01, a text each as a code, and counts."""

    def __init__(self, frame: pd.DataFrame, keys: list[str], texts: Ints, counts: str) -> None:
        self._rows: dict[Any, Any] = frame.groupby(keys, sort=False).indices
        self._none = np.empty(0, dtype=np.int64)
        self.days = frame["day"].dt.as_unit("s").astype("int64").to_numpy() // 86_400
        self.texts = texts
        self.counts = frame[counts].to_numpy()

    def of(self, key: object) -> Ints:
        """Return the positions of the rows with a key."""
        rows: Ints = self._rows.get(key, self._none)
        return rows

    def within(self, key: object, first: int, last: int) -> Ints:
        """Return the positions of the rows with a key, from a first to a last day."""
        rows = self.of(key)
        days = self.days[rows]
        within: Ints = rows[(days >= first) & (days <= last)]
        return within


class _Texts(_Table):
    """Failed sessions by kind, day and a text."""

    def __init__(self, frame: pd.DataFrame, column: str) -> None:
        import pandas as pd

        codes, names = pd.factorize(frame[column])
        super().__init__(frame, KIND, codes, "failed")
        self.names = [str(name) for name in names]

    def sums(self, key: object, first: int, last: int, *, latest: bool = False) -> list[tuple[str, int]]:
        """Return failed sessions by text, without the empty one: most first, or those of the latest days first."""
        rows = self.within(key, first, last)
        codes = self.texts[rows]
        named = [code for code in np.unique(codes).tolist() if self.names[code]]
        totals = {code: int(self.counts[rows][codes == code].sum()) for code in named}
        newest = {code: int(self.days[rows][codes == code].max()) if latest else 0 for code in named}
        ranked = sorted(named, key=lambda code: (-newest[code], -totals[code], self.names[code]))
        return [(self.names[code], totals[code]) for code in ranked]


class Tables:
    """Every table from which a group takes its fields."""

    def __init__(self, source: Source, daily_cells: Cells) -> None:
        import pandas as pd

        who = pd.concat([daily_cells.sessions["organization_name"], daily_cells.failures["organization_name"]])
        codes, names = pd.factorize(who)
        self.reporters = [str(name) for name in names]
        border = len(daily_cells.sessions)
        self.sessions = _Table(daily_cells.sessions, ["policy_domain", "policy_type"], codes[:border], "sessions")
        self.failures = _Table(daily_cells.failures, KIND, codes[border:], "failed")
        self.modes = daily_cells.failures["policy_mode"].to_numpy(dtype=object)
        self.effects = daily_cells.failures["effect"].to_numpy(dtype=object)
        by_mx = ("receiving_mx_hostname", "result_type")
        self._reasons = _Texts(_failed(daily(source, by=(*by_mx, "failure_reason_code"))), "failure_reason_code")
        helo = daily(source, by=(*by_mx, "receiving_mx_helo"))
        # A relay that hides STARTTLS overwrites the word with X characters.
        hidden = [name for name in helo["receiving_mx_helo"].cat.categories if "XXXXXX" in str(name).upper()]
        self._helo = _Texts(_failed(helo[helo["receiving_mx_helo"].isin(hidden)]), "receiving_mx_helo")
        self._policies = _Texts(_policies(source), "policy_string")

    def known(self, at: Ints, first: int, last: int) -> npt.NDArray[np.bool_]:
        """Return which reporters have a history among some rows of `sessions`: reports about days before or after."""
        days, reporters = self.sessions.days[at], self.sessions.texts[at]
        outside = (days < first) | (days > last)
        base = int(days.max()) + 1 if len(days) else 1
        distinct = np.unique(reporters[outside] * base + days[outside]) // base
        return np.bincount(distinct, minlength=len(self.reporters)) >= HISTORY

    def codes(self, names: list[str]) -> list[int]:
        """Return the numbers of reporters."""
        return [number for number, name in enumerate(self.reporters) if name in names]

    def names(self, codes: Ints, sizes: npt.NDArray[Any]) -> tuple[str, ...]:
        """Return reporters, the largest first."""
        return tuple(self.reporters[code] for code in sorted(codes.tolist(), key=lambda code: (-sizes[code], code)))

    def details(self, key: Kind, first: int, last: int) -> dict[str, Any]:
        """Return the fields of `Reported` that the finer tables fill."""
        policies = self._policies.sums(key, first, last, latest=True)
        matched = dict.fromkeys((True, False, None), 0)
        for text, failed in policies if key[2] else ():
            matched[covers(text, key[2])] += failed
        return {
            "reasons": tuple(self._reasons.sums(key, first, last)[:_MOST_TEXTS]),
            "policies": tuple(policies[:_MOST_TEXTS]),
            "covered": matched[True],
            "uncovered": matched[False],
            "hidden_offer": sum(failed for _, failed in self._helo.sums(key, first, last)),
        }


def _failed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with failures, texts as text and none missing."""
    failed = table[table["failed"] > 0]
    texts = [name for name in failed.columns if name not in ("day", "failed", "sessions", "group_sessions")]
    return failed.astype(dict.fromkeys(texts, "str")).fillna(dict.fromkeys(texts, "")).reset_index(drop=True)


def _policies(source: Source) -> pd.DataFrame:
    """Return, by kind and day, the MTA-STS policies of the reports with failures."""
    import pandas as pd

    where = ["report_key", "policy_index"]
    columns = [*KIND, "policy_string", "day", "failed_session_count"]
    parts = []
    wanted = [*where, "policy_type", "policy_string"]
    for sessions, failures in source.session_rows(wanted, [*where, *KIND, "day", "failed_session_count"]):
        of_sts = failures[failures["policy_type"] == PolicyType.STS]
        applied = sessions[sessions["policy_type"] == PolicyType.STS][[*where, "policy_string"]]
        joined = of_sts.merge(applied, on=where)
        # Failures that name no MX host were under a policy too.
        by_day = joined.groupby([*KIND, "policy_string", "day"], observed=True, dropna=False)
        parts.append(by_day["failed_session_count"].sum().reset_index())
    table = pd.concat(parts) if parts else pd.DataFrame(columns=columns)
    return _failed(table.rename(columns={"failed_session_count": "failed"}))
