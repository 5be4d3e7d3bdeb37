"""After a fix: whether the reports confirm it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from ...knowledge import CauseText
from ...markup import number, one_line, plural, share, when
from ...moments import utc_moment
from ...render import Rendered
from ...reports import Source
from ...vocabulary import UNKNOWN, Concern, FixStatus, FixView, PolicyType
from .._table import at_mx, listed
from ._baseline import CLUMPS, tail
from ._blocks import blocks
from ._find import CHRONIC
from ._fix_target import FixTarget, fix_target
from ._outliers import outlook

__all__ = ["FixCheck", "verify_fix"]

#: A day shows a reporter to be clean only if, with the fault still there, so many sessions would have failed.
_TELLING: Final = 3.0
#: As unlikely as this without a fault: failures since the fix are more than background noise.
_UNLIKELY: Final = 0.01
#: Days after the fix that count: what fails months later has another cause.
_COUNTED: Final = 28
#: The part of the earlier failures whose reporters must be clean.
_MOST: Final = 0.9
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = {
    "organization_name": "str",
    "state": "str",
    "failed_before": "int64",
    "sessions_before": "int64",
    "last_failure": "datetime64[us, UTC]",
    "last_report": "datetime64[us, UTC]",
    "days_since": "int64",
    "failed_since": "int64",
    "sessions_since": "int64",
    "would_have_failed": "float64",
}


@dataclass(frozen=True, eq=False)
class FixCheck(Rendered):
    """What the reports show about a fix.

    Attributes
    ----------
    verdict : FixStatus
        ``fixed``, ``still failing``, ``too early``, or ``not seen before`` where no report from before the fix shows the
        failures, so that their absence proves nothing.
    since : datetime
        When the fix was made, UTC.
    first_day : date
        The first whole day after the fix, UTC.
    watch_until : datetime
        The end of the last day of the watch.
    last_day : date or None
        The last day for which a report came about what failed.
    cause : mapping of str to tuple of str
        What was checked: keys of `daily`, each with the values that count; ``""`` for an MX host that reports do not name.
    reporters : DataFrame
        One row per reporter that saw the failures before, by how many, or only after the fix: ``organization_name`` (str),
        ``state`` (str, a value of `FixView`), ``failed_before`` (0 where it saw them only after the fix) and
        ``sessions_before`` (int64), ``last_failure`` and ``last_report``
        (datetime64[us, UTC]), ``days_since`` (int64, whole days since the fix for which it reported, of 28),
        ``failed_since`` and ``sessions_since`` (int64, on these days), ``would_have_failed`` (float64, with the fault still
        there).
    """

    verdict: FixStatus
    since: datetime
    first_day: date
    watch_until: datetime
    last_day: date | None
    cause: FixTarget
    # Its `repr` would show the names as they came.
    reporters: pd.DataFrame = field(repr=False)

    def in_state(self, state: FixView) -> pd.DataFrame:
        """Return the reporters in one state."""
        return self.reporters[self.reporters["state"] == state]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict and what it is based on."""
        return tuple(_sentences(self))


def verify_fix(
    source: Source,
    cause: str | Mapping[str, Any] | pd.Series | pd.DataFrame | Concern | CauseText,
    since: str | date | datetime,
    *,
    watch: timedelta = timedelta(hours=48),
    before: timedelta = timedelta(days=28),
) -> FixCheck:
    """Return whether the reports after a fix confirm it.

    Only reporters that saw the failures before can show that they are gone, and only with enough sessions: a day counts
    for them when, at the rate at which they failed before, three or more sessions would have failed. Reports are about
    whole UTC days (RFC 8460 §4.1): the day of the fix itself counts neither before nor after, unless it was made at
    midnight. A report about a day comes after that day, from some senders a day or more later.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    cause : Series, mapping, Concern, CauseText or str
        What was fixed: a row of `find_incidents`; or a mapping with any of ``result_type``, ``receiving_mx_hostname``
        (missing or empty: failures that name no MX), ``policy_domain`` and ``policy_type``; a cause of a diagnosis; or as
        text a result type, or the code of a cause or finding. A cause stands for the result types by which most senders
        report it; other causes of the same types count too.
    since : str, date or datetime
        When; without a time zone it is taken as UTC.
    watch : timedelta
        How long to watch, counted in whole days after the fix; troubleshooting guides ask for 48 hours.
    before : timedelta
        How far back failures count as seen before. Of an incident, from its first day on, if that is longer ago.

    Returns
    -------
    FixCheck
        At most 28 days after the fix count. Still failing: for at least one reporter, the latest day that shows anything
        has more such failures than background noise, also if it had none before. Fixed: the reporters with nine tenths of the earlier failures are
        clean, none is still failing, and the clean days cover the watch. Too early: anything else.

    Raises
    ------
    ValueError
        `cause` names nothing that reports can show, with close matches in the message; or `watch` is not positive.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> verify_fix(sts.Archive(), "certificate-expired", "2026-02-08").verdict.value
    'not seen before'
    """
    if watch <= timedelta(0) or before <= timedelta(0):
        raise ValueError(f"watch is {watch} and before is {before}: expected lengths of time above zero")
    wanted, start = fix_target(cause, lambda: _result_types(source)), _first_day(cause)
    moment = utc_moment(since, "since, the moment of the fix,")
    fixed_on = (moment - _EPOCH) // timedelta(days=1)
    first = -((_EPOCH - moment) // timedelta(days=1))
    length = -(-watch // timedelta(days=1))
    table = _by_reporter_and_day(source, wanted)
    frame = _reporters(table, min(fixed_on - before.days, fixed_on if start is None else start), fixed_on, first)
    return FixCheck(
        _verdict(frame, length), moment, _date(first), _EPOCH + timedelta(days=first + length),
        None if table.empty else _date(int(table["number"].max())), wanted, frame,
    )  # fmt: skip


def _date(number: int) -> date:
    return (_EPOCH + timedelta(days=number)).date()


def _result_types(source: Source) -> frozenset[str]:
    return frozenset(result_type for block in blocks(source) for _, result_type in block.kinds)


def _first_day(cause: object) -> int | None:
    """Return the first day of an incident; None for others."""
    row: Any = cause.iloc[0] if isinstance(cause, pd.DataFrame) else cause
    start = row.get("start") if hasattr(row, "get") else None
    return None if start is None or pd.isna(start) else (utc_moment(start, "start") - _EPOCH).days


def _by_reporter_and_day(source: Source, wanted: FixTarget) -> pd.DataFrame:
    """Return failed and expected failures of the kind, and sessions, by reporter and day."""

    def counts(key: str, value: str) -> bool:
        return value in wanted.get(key, (value,))

    parts = []
    for block in blocks(source, next(iter(wanted.get("policy_type", ())), None) or None):
        if not counts("policy_domain", block.policy_domain):
            continue
        failed, expected = np.zeros_like(block.sessions), np.zeros_like(block.sessions)
        for kind, (host, result_type) in enumerate(block.kinds):
            if counts("receiving_mx_hostname", host) and counts("result_type", result_type):
                view = outlook(block, kind, CHRONIC)
                failed += view.failed()
                expected += view.rates[:, None] * block.sessions
        if not failed.any():
            continue  # those sessions could not have failed so: they are about another domain, or under another policy
        who, day = np.nonzero(block.sessions)
        parts.append(
            pd.DataFrame(
                {
                    "organization_name": np.array(block.reporters, object)[who],
                    "number": block.days[day],
                    "failed": failed[who, day],
                    "expected": expected[who, day],
                    "sessions": block.sessions[who, day],
                }
            )
        )
    columns = ["organization_name", "number", "failed", "expected", "sessions"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts).groupby(columns[:2], as_index=False, sort=True)[columns[2:]].sum()


def _reporters(table: pd.DataFrame, earliest: int, stop: int, first: int) -> pd.DataFrame:
    """Return what each reporter that had the failures shows; days are numbers, the day of the fix is in neither part."""
    rows: list[dict[str, Any]] = []
    reporters = table["organization_name"].nunique()
    for name, part in table.groupby("organization_name", sort=True):
        earlier = part[(part["number"] >= earliest) & (part["number"] < stop)]
        bad = earlier[earlier["failed"] > 0]
        later = part[(part["number"] >= first) & (part["number"] < first + _COUNTED)]
        # A reporter with a time-out a week did not see the fault, whose traces exceed background noise.
        before = not bad.empty and _probability(bad) <= _UNLIKELY
        worst = bad if before else later[later["failed"] > 0]
        # Of many reporters, one has a bad day after any fix.
        if not before and (worst["failed"].sum() < _TELLING or _probability(later) > _UNLIKELY / reporters):
            continue
        rate = worst["failed"].sum() / worst["sessions"].sum()
        if not before and _state(later, rate) is not FixView.FAILING:
            continue
        rows.append(
            {
                "organization_name": name or UNKNOWN,
                "state": _state(later, rate),
                "failed_before": int(bad["failed"].sum()) if before else 0,
                "sessions_before": int(earlier["sessions"].sum()),
                "last_failure": int(part.loc[part["failed"] > 0, "number"].max()),
                "last_report": int(part["number"].max()),
                "days_since": len(later),
                "failed_since": int(later["failed"].sum()),
                "sessions_since": int(later["sessions"].sum()),
                "would_have_failed": float(rate * later["sessions"].sum()) if before else 0.0,
            }
        )
    rows.sort(key=lambda row: (row["state"].rank, -row["failed_before"], row["organization_name"]))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    for name in ("last_failure", "last_report"):
        frame[name] = pd.to_datetime(frame[name].astype("int64"), unit="D", utc=True)
    return frame.astype(_COLUMNS)


def _probability(days: pd.DataFrame) -> float:
    """Return how likely the failures of some days together are without a fault."""
    return float(tail([days["failed"].sum()], [max(float(days["expected"].sum()), 1e-9)], [CLUMPS])[0])


def _state(later: pd.DataFrame, rate: float) -> FixView:
    """Return what the latest day that shows anything says about one reporter."""
    if later.empty:
        return FixView.SILENT
    would = rate * later["sessions"]
    raised = [_probability(later.iloc[[row]]) <= _UNLIKELY for row in range(len(later))]
    # Failures count on any day, however few its sessions; their absence only if there were enough.
    telling = [row for row in range(len(later)) if raised[row] or would.iloc[row] >= _TELLING]
    if telling:
        return FixView.FAILING if raised[telling[-1]] else FixView.CLEAN
    # Days that show nothing each may do so together.
    if _probability(later) <= _UNLIKELY:
        return FixView.FAILING
    return FixView.CLEAN if would.sum() >= _TELLING else FixView.FEW_SESSIONS


def _verdict(frame: pd.DataFrame, length: int) -> FixStatus:
    if frame.empty:
        return FixStatus.NOT_SEEN_BEFORE
    if (frame["state"] == FixView.FAILING).any():
        return FixStatus.FAILING
    clean = frame[frame["state"] == FixView.CLEAN]
    enough = clean["failed_before"].sum() >= _MOST * frame["failed_before"].sum()
    return FixStatus.FIXED if enough and int(clean["days_since"].max()) >= length else FixStatus.TOO_EARLY


def _sentences(check: FixCheck) -> Iterator[str]:
    cause, frame, fixed_at, first_day = check.cause, check.reporters, when(check.since), when(check.first_day)
    names = {key: one_line(" or ".join(values), 80) for key, values in cause.items()}
    domain = f" for {names['policy_domain']}" if names.get("policy_domain") else ""
    what = f"{names.get('result_type') or 'failures'}{at_mx(names.get('receiving_mx_hostname', ''))}{domain}"
    if check.verdict is FixStatus.NOT_SEEN_BEFORE:
        yield f"Cannot tell: no reporter had {what} before {fixed_at} beyond background noise."
        yield "That later reports show none proves nothing."
        return
    yield {
        FixStatus.FIXED: f"Fixed, as far as reported: {what}, fixed at {fixed_at}, is back to background noise."
        if frame["failed_since"].any()
        else f"Fixed, as far as reported: no {what} since {fixed_at}.",
        FixStatus.FAILING: f"Still failing: {what} continues after {fixed_at}."
        if frame["failed_before"].any()
        else f"Failing: {what} is reported after {fixed_at}, and was not before.",
        FixStatus.TOO_EARLY: f"Too early to say: {what}, fixed at {fixed_at}.",
    }[check.verdict]
    if len(again := check.in_state(FixView.FAILING)):
        yield (
            f"{_names(again)} reported {plural(int(again['failed_since'].sum()), 'failed session')} on whole days since, the "
            f"last on {when(again['last_failure'].max().date())}."
        )
        if would := again["would_have_failed"].sum():
            yield f"Without a fix about {number(would)} would have failed."
        yield (
            "If the fix was a new TLSA record, the old one may be cached until its TTL has expired (RFC 7671 §8.1)."
            if cause.get("policy_type") == (PolicyType.TLSA,)
            else "If the fix was a change of the policy, senders may use the cached one until its max_age has expired "
            "(RFC 8461 §3.3)."
        )
    if len(clean := check.in_state(FixView.CLEAN)):
        failed = int(clean["failed_since"].sum())
        yield (
            f"{_names(clean)} reported {plural(int(clean['sessions_since'].sum()), 'session')} since {first_day}: "
            f"{number(failed) if failed else 'none'} failed this way. Without a fix about "
            f"{number(clean['would_have_failed'].sum())} would have failed."
        )
    if len(silent := check.in_state(FixView.SILENT)):
        part = share(int(silent["failed_before"].sum()), int(frame["failed_before"].sum()))
        yield (
            f"No report yet from {_names(silent)} about a day since {first_day}; {part} of the earlier failures came from "
            "there. No report does not mean no failure."
        )
    if len(few := check.in_state(FixView.FEW_SESSIONS)):
        yield f"{_names(few)} reported too few sessions since to tell."
    if check.verdict is FixStatus.TOO_EARLY:
        late = check.last_day is not None and check.last_day >= check.first_day
        until = when((check.watch_until - timedelta(days=1)).date())
        latest = f"the latest so far is about {when(check.last_day)}" if late else "none has arrived about a later day"
        yield f"Watch the reports about the days up to {until}; {latest}."


def _names(frame: pd.DataFrame) -> str:
    return listed([one_line(name, 60) for name in frame["organization_name"]])
