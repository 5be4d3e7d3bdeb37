"""What reports show: failures of one kind, in one span of days, with who saw them and who did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from ..policy import mx_matches
from ..reports import daily
from ..vocabulary import UNATTRIBUTED, UNKNOWN, PolicyType, ResultType
from ._cells import cells
from ._incidents import find_incidents

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from ..reports import Source

__all__ = ["BY_CHANCE", "MOST_GROUPS", "Reported", "reported"]

#: One kind of failure.
KIND: Final = ["policy_domain", "policy_type", "receiving_mx_hostname", "result_type"]
#: Result types that a few sessions of any day have without a fault: time-outs and a sender's bad day.
BY_CHANCE: Final = frozenset(
    {ResultType.VALIDATION_FAILURE, ResultType.STARTTLS_NOT_SUPPORTED, ResultType.STS_POLICY_FETCH_ERROR, UNATTRIBUTED, UNKNOWN}
)  # fmt: skip
#: Less of the sessions is chance, for these types.
_NOISE: Final = 0.01
#: Days of reports from which on incidents can be told from chance.
_HISTORY: Final = 7
#: Another reporter could tell if so many of its sessions would have failed at the rate of those that saw it.
_TELLING: Final = 3.0
#: Failures are taken to go on where the last one is at most so many days before the last report of those who saw it.
_RECENT_DAYS: Final = 2
#: The largest groups are kept; an archive of a thousand domains has no more that anybody reads.
MOST_GROUPS: Final = 2000
_MOST_TEXTS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Reported failures of one kind in one span of days.

    Attributes
    ----------
    policy_domain, policy_type, result_type, mx : str
        The kind; `mx` is empty where reports name none.
    failed, sessions : int
        Failed sessions, and all sessions of those who saw it, from the first day to the last.
    first, last, last_report : date
        First and last UTC day on which it was reported, and the last for which one of those who saw it reported at all.
    reporters, spared : tuple of str
        Who saw it, and who had sessions enough to see it, and did not.
    modes : tuple of str
        The policy modes under which it came, as far as known.
    reasons : tuple of (str, int)
        Reason codes in the reporters' words, with failed sessions, most first.
    policies : tuple of (str, int)
        The policies that the reports name beside it, of the latest days first, with failed sessions.
    uncovered, covered : int
        Failed sessions at a host that the policy in the same report does not permit, and that it does.
    hidden_offer : int
        Failed sessions whose EHLO answer has a row of X signs.
    stands_out : bool
        Whether it is more than chance.
    ongoing : bool
        Whether it is not known to be over.
    held : bool
        Whether, for one reporter at least, no session of a day succeeded under enforce or DANE.
    """

    policy_domain: str
    policy_type: str
    result_type: str
    mx: str
    failed: int
    sessions: int
    first: date
    last: date
    last_report: date
    reporters: tuple[str, ...]
    spared: tuple[str, ...]
    modes: tuple[str, ...]
    reasons: tuple[tuple[str, int], ...]
    policies: tuple[tuple[str, int], ...]
    uncovered: int
    covered: int
    hidden_offer: int
    stands_out: bool
    ongoing: bool
    held: bool

    @property
    def few(self) -> bool:
        """Whether those who saw it are few among those who could have."""
        return bool(self.spared) and 2 * len(self.reporters) <= len(self.spared)

    @property
    def share(self) -> float:
        """Failed sessions as a part of all sessions of those who saw it, from 0 to 1."""
        return self.failed / self.sessions if self.sessions else 1.0


def reported(source: Source) -> tuple[Reported, ...]:
    """Return the failures of a source, one entry per kind and span of days, those with most failed sessions first."""
    found = cells(source)
    if found.failures.empty:
        return ()
    tables = _Tables(source)
    incidents = find_incidents(source).fillna({"receiving_mx_hostname": ""})
    spans = dict(iter(incidents.groupby(KIND, sort=False)))
    sessions = dict(iter(found.sessions.groupby(["policy_domain", "policy_type"], sort=False)))
    groups: list[Reported] = []
    sizes = found.failures.groupby(KIND, sort=False)["failed"].sum().nlargest(MOST_GROUPS)
    kinds = found.failures.groupby(KIND, sort=False)
    for key in sizes.index:
        groups += _groups(key, kinds.get_group(key), spans.get(key), sessions[key[0], key[1]], tables)
    return tuple(sorted(groups, key=lambda one: (-one.failed, one.policy_domain, one.result_type, one.mx, one.first)))


def _groups(
    key: tuple[str, str, str, str],
    failures: pd.DataFrame,
    spans: pd.DataFrame | None,
    sessions: pd.DataFrame,
    tables: _Tables,
) -> Iterator[Reported]:
    rest = failures
    for row in [] if spans is None else spans.to_dict("records"):
        inside = rest["day"].between(row["start"], row["end"])
        if inside.any():
            yield _one(key, rest[inside], sessions, tables, incident=True, ongoing=bool(row["ongoing"]))
        rest = rest[~inside]
    if not rest.empty:
        yield _one(key, rest, sessions, tables, incident=False, ongoing=None)


def _one(
    key: tuple[str, str, str, str],
    failures: pd.DataFrame,
    sessions: pd.DataFrame,
    tables: _Tables,
    *,
    incident: bool,
    ongoing: bool | None,
) -> Reported:
    domain, policy_type, mx, result_type = key
    first, last = failures["day"].min(), failures["day"].max()
    by_reporter = failures.groupby("organization_name")["failed"].sum()
    seers = tuple(str(name) for name in by_reporter.sort_values(ascending=False).index)
    around = sessions[sessions["day"].between(first, last)].groupby("organization_name")["sessions"].sum()
    mine = int(around.reindex(seers).fillna(0).sum())
    failed = int(by_reporter.sum())
    rate = min(1.0, failed / mine) if mine else 1.0
    others = around[~around.index.isin(seers)]
    reported_days = sessions.loc[sessions["organization_name"].isin(seers), "day"]
    last_report = reported_days.max() if len(reported_days) else last
    told = tables.of(key, first, last)
    share = failed / mine if mine else 1.0
    # With a history of a week, what is more than chance is an incident.
    few_days = sessions["day"].nunique() < _HISTORY
    return Reported(
        policy_domain=domain,
        policy_type=policy_type,
        result_type=result_type,
        mx=mx,
        failed=failed,
        sessions=mine,
        first=first.date(),
        last=last.date(),
        last_report=last_report.date(),
        reporters=seers,
        spared=tuple(str(name) for name in others[others * rate >= _TELLING].sort_values(ascending=False).index),
        modes=tuple(mode for mode in ("enforce", "testing", "none") if (failures["policy_mode"] == mode).any()),
        stands_out=incident or result_type not in BY_CHANCE or (share >= _NOISE and few_days),
        ongoing=(last_report - last).days <= _RECENT_DAYS if ongoing is None else ongoing,
        held=bool((failures["effect"] == "held back").any()),
        **told,
    )


class _Tables:
    """The finer tables from which a group takes its reason codes and policies."""

    def __init__(self, source: Source) -> None:
        self._reasons = _keyed(daily(source, by=("receiving_mx_hostname", "result_type", "failure_reason_code")))
        helo = daily(source, by=("receiving_mx_hostname", "result_type", "receiving_mx_helo"))
        # A relay that hides STARTTLS writes X signs over the word.
        helo = helo[helo["receiving_mx_helo"].astype("str").str.upper().str.contains("XXXXXX", na=False)]
        self._helo = _keyed(helo)
        self._policies = _policies(source)

    def of(self, key: tuple[str, str, str, str], first: pd.Timestamp, last: pd.Timestamp) -> dict[str, Any]:
        """Return the fields of `Reported` that the finer tables fill."""
        policies = _within(self._policies, key, first, last)
        texts = _sums(policies.sort_values("day", ascending=False), "policy_string")
        covered = uncovered = 0
        if len(policies) and key[2]:
            covered, uncovered = _coverage(texts, key[2])
        return {
            "reasons": tuple(sorted(_sums(_within(self._reasons, key, first, last), "failure_reason_code").items(), key=lambda item: (-item[1], item[0]))[:_MOST_TEXTS]),
            "policies": tuple(list(texts.items())[:_MOST_TEXTS]),
            "covered": covered,
            "uncovered": uncovered,
            "hidden_offer": int(_within(self._helo, key, first, last)["failed"].sum()),
        }  # fmt: skip


_Keyed = tuple[dict[Any, Any], Any]


def _keyed(table: pd.DataFrame) -> _Keyed:
    """Return the rows of each kind, and an empty table of the same columns."""
    failed = table[table["failed"] > 0]
    texts = [name for name in failed.columns if name not in ("day", "failed", "sessions", "group_sessions")]
    failed = failed.astype(dict.fromkeys(texts, "str")).fillna(dict.fromkeys(texts, ""))
    return dict(iter(failed.groupby(KIND, sort=False))), failed.iloc[:0]


def _within(tables: _Keyed, key: object, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    by_kind, empty = tables
    part = cast("pd.DataFrame", by_kind.get(key, empty))
    return part[part["day"].between(first, last)]


def _sums(table: pd.DataFrame, column: str) -> dict[str, int]:
    """Return failed sessions by text, in order of appearance; without the empty text."""
    sums = table[table[column] != ""].groupby(column, sort=False)["failed"].sum()
    return {str(text): int(count) for text, count in sums.items()}


def _policies(source: Source) -> _Keyed:
    """Return, by kind and day, the MTA-STS policies that stand beside failures in the same report."""
    import pandas as pd

    where = ["report_key", "policy_index"]
    parts = []
    columns = [*where, "policy_type", "policy_string"]
    for sessions, failures in source.session_rows(columns, [*where, *KIND, "day", "failed_session_count"]):
        sts = sessions[sessions["policy_type"] == PolicyType.STS][[*where, "policy_string"]]
        sts = sts[sts["report_key"].isin(failures["report_key"])]
        joined = failures.merge(sts, on=where)
        texts = [*KIND, "policy_string"]
        joined = joined.astype(dict.fromkeys(texts, "str")).fillna(dict.fromkeys(texts, ""))
        parts.append(joined.groupby([*texts, "day"], as_index=False)["failed_session_count"].sum())
    columns = [*KIND, "policy_string", "day", "failed_session_count"]
    table = pd.concat(parts) if parts else pd.DataFrame(columns=columns)
    return _keyed(table.rename(columns={"failed_session_count": "failed"}))


def _coverage(policies: dict[str, int], host: str) -> tuple[int, int]:
    """Return the failed sessions whose policy permits the host, and those whose policy does not."""
    covered = uncovered = 0
    for text, failed in policies.items():
        keyed = (line.partition(":") for line in text.splitlines())
        patterns = [value.strip() for key, _, value in keyed if key.strip().lower() == "mx"]
        if not patterns:
            continue
        if any(mx_matches(pattern, host) for pattern in patterns):
            covered += failed
        else:
            uncovered += failed
    return covered, uncovered
