"""After a fix: whether the reports bear it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ...markup import html_table, html_text, number, one_line, plural, share, terminal_text, when
from ...vocabulary import UNKNOWN, PolicyType
from .._table import listed

if TYPE_CHECKING:
    import pandas as pd

    from ...reports import Source

__all__ = ["FixCheck", "verify_fix"]

_KINDS: Final = ("policy_domain", "policy_type", "receiving_mx_hostname", "result_type")
#: A day tells a reporter to be clean only if, with the fault still there, so many sessions would have failed.
_TELLING: Final = 3.0
#: As unlikely as this without a fault: failures since the fix are more than chance brings.
_UNLIKELY: Final = 0.01
#: Days after the fix that are looked at: what fails months later has another cause.
_LOOKED_AT: Final = 28
#: The part of the earlier failures whose reporters must have told.
_MOST: Final = 0.9

FIXED, FAILING, EARLY, NOT_SEEN = "fixed", "still failing", "too early", "not seen before"
_CLEAN, _AGAIN, _FEW, _SILENT = "no more failures", "still failing", "too few sessions to tell", "no report yet"
_STATES: Final = (_AGAIN, _SILENT, _FEW, _CLEAN)


@dataclass(frozen=True, eq=False)
class FixCheck:
    """What the reports say about a fix.

    Attributes
    ----------
    verdict : str
        ``fixed``, ``still failing``, ``too early``, or ``not seen before`` where no report from before the fix shows the
        failures, so that their absence proves nothing.
    since : datetime
        When the fix was made, UTC.
    watch_until : datetime
        The end of the last day of the watch.
    cause : dict of str to str
        What was looked for: keys of `daily`, each with its value; ``""`` for an MX host that reports do not name.
    sentences : tuple of str
        The verdict and what it rests on.
    reporters : DataFrame
        One row per reporter that saw the failures before, by how many: ``organization_name`` (str), ``state`` (str),
        ``failed_before`` and ``sessions_before`` (int64), ``last_failure`` and ``last_report`` (datetime64[us, UTC]),
        ``days_since`` (int64, whole days since the fix for which it reported, of 28), ``failed_since`` and ``sessions_since``
        (int64, on these days), ``would_have_failed`` (float64, with the fault still there).
    """

    verdict: str
    since: datetime
    watch_until: datetime
    cause: dict[str, str]
    sentences: tuple[str, ...]
    reporters: pd.DataFrame

    def __repr__(self) -> str:
        return "\n".join(terminal_text(sentence) for sentence in self.sentences)

    def _repr_html_(self) -> str:
        first, *rest = self.sentences
        told = f"<p><strong>{html_text(first)}</strong> {html_text(' '.join(rest))}</p>"
        if self.reporters.empty:
            return told
        headings = {
            "organization_name": "Reporter", "state": "State", "failed_before": "Failed before", "days_since": "Days since",
            "failed_since": "Failed since", "would_have_failed": "Would have failed", "last_report": "Last report",
        }  # fmt: skip
        rows: list[dict[str, object]] = [
            {**{str(name): value for name, value in row.items()}, "last_report": row["last_report"].date()}
            for row in self.reporters.head(40).astype(object).to_dict("records")
        ]
        caption = (
            f"{plural(len(self.reporters), 'reporter')} saw it before {when(self.since)}; since then, whole days count."
        )
        return told + html_table(
            rows, headings, caption=caption,
            numeric=("failed_before", "days_since", "failed_since", "would_have_failed"),
        )  # fmt: skip


def verify_fix(
    source: Source,
    cause: str | Mapping[str, Any] | pd.Series,
    since: str | date | datetime,
    *,
    watch: timedelta = timedelta(hours=48),
    before: timedelta = timedelta(days=28),
) -> FixCheck:
    """Return whether the reports after a fix bear it out.

    Only reporters that saw the failures before can tell that they are gone, and only with sessions enough: a day counts
    for them when, at the rate at which they failed before, three or more sessions would have failed. Reports are about
    whole UTC days (RFC 8460 §4.1): the day of the fix itself counts neither before nor after, unless it was made at
    midnight. A report about a day comes after that day, from some senders a day or more later.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    cause : Series, mapping or str
        What was mended: a row of `find_incidents`; or a mapping with any of ``result_type``, ``receiving_mx_hostname``
        (missing or empty: failures that name no MX), ``policy_domain`` and ``policy_type``; or a result type.
    since : str, date or datetime
        When; without a time zone it is taken as UTC.
    watch : timedelta
        How long to watch, counted in whole days after the fix; 48 hours is what troubleshooting guides say.
    before : timedelta
        How far back failures count as seen before. Of an incident, from its first day on, if that is longer ago.

    Returns
    -------
    FixCheck
        Looked at are 28 days after the fix at most. Still failing: of at least one reporter, the latest day that tells has more such failures than chance brings.
        Fixed: the reporters with nine tenths of the earlier failures are clean, none is still failing, and the clean
        days cover the watch. Too early: anything else, and it says who has not reported yet.

    Raises
    ------
    ValueError
        `cause` names nothing to look for, or `watch` is not positive.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> verify_fix(sts.Archive(), "certificate-expired", "2026-02-08").verdict
    'not seen before'
    """
    if watch <= timedelta(0) or before <= timedelta(0):
        raise ValueError(f"watch is {watch} and before is {before}: expected lengths of time above zero")
    wanted, start = _wanted(cause)
    moment = _moment(since)
    # The first whole day after the fix.
    first = -(-int((moment - _EPOCH).total_seconds()) // 86_400)
    fixed_on = int((moment - _EPOCH).total_seconds()) // 86_400
    length = -(-int(watch.total_seconds()) // 86_400)
    earliest = min(fixed_on - before.days, start if start is not None else fixed_on)
    table = _by_reporter_and_day(source, wanted)
    frame = _reporters(table, earliest, min(first, fixed_on), first)
    until = _EPOCH + timedelta(days=first + length)
    verdict = _verdict(frame, length)
    last_day = None if table.empty else int(table["number"].max())
    sentences = _sentences(verdict, frame, wanted, moment, until, first, last_day)
    return FixCheck(verdict, moment, until, wanted, sentences, frame)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(since: str | date | datetime) -> datetime:
    import pandas as pd

    stamp = pd.Timestamp(since)
    if pd.isna(stamp):
        raise ValueError(f"since is {since!r}: expected the moment of the fix")
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    moment: datetime = stamp.to_pydatetime()
    return moment


def _wanted(cause: str | Mapping[str, Any] | pd.Series) -> tuple[dict[str, str], int | None]:
    """Return the keys to look for, and the first day of an incident."""
    import pandas as pd

    if isinstance(cause, str):
        return {"result_type": str(cause)}, None
    named = {str(key): cause[key] for key in cause.keys()}  # noqa: SIM118 - a Series iterates over its values
    wanted: dict[str, str] = {key: "" if pd.isna(named[key]) else str(named[key]) for key in _KINDS if key in named}
    if not wanted.get("result_type") and not wanted.get("receiving_mx_hostname"):
        raise ValueError(
            f"cause has {', '.join(map(repr, named)) or 'nothing'}: expected a result_type or a receiving_mx_hostname, "
            "a row of find_incidents, or a result type as text"
        )
    start = named.get("start")
    if start is None or pd.isna(start):
        return wanted, None
    return wanted, int((_moment(start) - _EPOCH).total_seconds()) // 86_400


def _by_reporter_and_day(source: Source, wanted: Mapping[str, str]) -> pd.DataFrame:
    """Return failed and expected failures of the kind, and sessions, by reporter and day."""
    import numpy as np
    import pandas as pd

    from .._blocks import blocks
    from ._find import CHRONIC
    from ._outliers import outlook

    parts = []
    for block in blocks(source, wanted.get("policy_type") or None):
        if block.policy_domain != wanted.get("policy_domain", block.policy_domain):
            continue
        failed, expected = np.zeros_like(block.sessions), np.zeros_like(block.sessions)
        for place, (host, result_type) in enumerate(block.kinds):
            if host == wanted.get("receiving_mx_hostname", host) and result_type == wanted.get(
                "result_type", result_type
            ):
                view = outlook(block, place, CHRONIC)
                failed += view.failed()
                expected += view.rates[:, None] * block.sessions
        if not failed.any():
            continue  # those sessions could not have met it: they are about another domain, or under another policy
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
    import pandas as pd

    from ._overdispersed import tail

    rows: list[dict[str, Any]] = []
    for name, part in table.groupby("organization_name", sort=True):
        earlier = part[(part["number"] >= earliest) & (part["number"] < stop)]
        bad = earlier[earlier["failed"] > 0]
        # A reporter with a time-out a week did not see the fault, which leaves a mark above chance.
        if bad.empty or _chance(bad, tail) > _UNLIKELY:
            continue
        rate = bad["failed"].sum() / bad["sessions"].sum()
        later = part[(part["number"] >= first) & (part["number"] < first + _LOOKED_AT)]
        would = float(rate * later["sessions"].sum())
        rows.append(
            {
                "organization_name": name or UNKNOWN,
                "state": _state(later, rate, tail),
                "failed_before": int(bad["failed"].sum()),
                "sessions_before": int(earlier["sessions"].sum()),
                "last_failure": int(part.loc[part["failed"] > 0, "number"].max()),
                "last_report": int(part["number"].max()),
                "days_since": len(later),
                "failed_since": int(later["failed"].sum()),
                "sessions_since": int(later["sessions"].sum()),
                "would_have_failed": would,
            }
        )
    rows.sort(key=lambda row: (_STATES.index(row["state"]), -row["failed_before"], row["organization_name"]))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    for name in ("last_failure", "last_report"):
        frame[name] = pd.to_datetime(frame[name].astype("int64"), unit="D", utc=True)
    return frame.astype(_COLUMNS)


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


def _chance(days: pd.DataFrame, tail: Any) -> float:
    """Return how likely the failures of some days together are without a fault."""
    from ._baseline import CLUMPS

    return float(tail([days["failed"].sum()], [max(float(days["expected"].sum()), 1e-9)], [CLUMPS])[0])


def _state(later: pd.DataFrame, rate: float, tail: Any) -> str:
    """Return what the latest day that tells says about one reporter."""
    if later.empty:
        return _SILENT
    would = rate * later["sessions"]
    raised = [_chance(later.iloc[[place]], tail) <= _UNLIKELY for place in range(len(later))]
    # A day tells by failures, however few its sessions; by their absence only if there were enough.
    telling = [place for place in range(len(later)) if raised[place] or would.iloc[place] >= _TELLING]
    if telling:
        return _AGAIN if raised[telling[-1]] else _CLEAN
    # Days that tell nothing each may do so together.
    if _chance(later, tail) <= _UNLIKELY:
        return _AGAIN
    return _CLEAN if would.sum() >= _TELLING else _FEW


def _verdict(frame: pd.DataFrame, length: int) -> str:
    if frame.empty:
        return NOT_SEEN
    if (frame["state"] == _AGAIN).any():
        return FAILING
    clean = frame[frame["state"] == _CLEAN]
    told = clean["failed_before"].sum() >= _MOST * frame["failed_before"].sum()
    return FIXED if told and int(clean["days_since"].max()) >= length else EARLY


def _named(wanted: Mapping[str, str]) -> str:
    """Return what was looked for, as words."""
    kind = one_line(wanted.get("result_type") or "failures", 80)
    host = wanted.get("receiving_mx_hostname")
    place = f" at {one_line(host, 80)}" if host else ""
    domain = f" for {one_line(wanted['policy_domain'], 80)}" if wanted.get("policy_domain") else ""
    return f"{kind}{place}{domain}"


def _sentences(
    verdict: str,
    frame: pd.DataFrame,
    wanted: Mapping[str, str],
    since: datetime,
    until: datetime,
    first: int,
    last_day: int | None,
) -> tuple[str, ...]:
    what, fixed_at = _named(wanted), when(since)
    if verdict == NOT_SEEN:
        return (
            f"Cannot tell: no reporter saw {what} before {fixed_at} more often than chance brings.",
            "That reports since then show none proves nothing.",
        )
    day_after = when((_EPOCH + timedelta(days=first)).date())
    by_state = {state: frame[frame["state"] == state] for state in _STATES}
    clean, again, silent, few = (by_state[state] for state in (_CLEAN, _AGAIN, _SILENT, _FEW))
    none = not frame["failed_since"].any()
    lead = {
        FIXED: f"Fixed, as far as reported: {what} has not come again since {fixed_at}."
        if none
        else f"Fixed, as far as reported: of {what}, mended at {fixed_at}, the latest reports have no more than usual.",
        FAILING: f"Still failing: {what} goes on after {fixed_at}.",
        EARLY: f"Too early to say: {what}, mended at {fixed_at}.",
    }[verdict]
    told = [lead]
    if len(again):
        latest = when(again["last_failure"].max().date())
        total = int(again["failed_since"].sum())
        told.append(
            f"{_names(again)} reported {plural(total, 'failed session')} on whole days since, the last on {latest}; "
            f"as before, about {number(again['would_have_failed'].sum())} would have failed. " + _cached(wanted)
        )
    if len(clean):
        would = clean["would_have_failed"].sum()
        told.append(
            f"{_names(clean)} reported {plural(int(clean['sessions_since'].sum()), 'session')} since {day_after}, of "
            f"which {_some(int(clean['failed_since'].sum()))} failed this way, "
            f"where about {number(would)} would have failed as before."
        )
    if len(silent):
        part = share(int(silent["failed_before"].sum()), int(frame["failed_before"].sum()))
        verb = "has" if len(silent) == 1 else "have"
        told.append(
            f"{_names(silent)} {verb} sent no report about a day since {day_after}; {part} of the earlier failures came "
            "from there. No report is not known to be no failure."
        )
    if len(few):
        told.append(f"{_names(few)} reported too few sessions since to tell.")
    if verdict == EARLY:
        have = "none about a later day" if last_day is None or last_day < first else _reached(last_day)
        told.append(
            f"Watch the reports about the days up to {when((until - timedelta(days=1)).date())}; at hand: {have}."
        )
    return tuple(told)


def _cached(wanted: Mapping[str, str]) -> str:
    """Return why a fix may take time to be seen."""
    if wanted.get("policy_type") == PolicyType.TLSA:
        return "If the fix was a new TLSA record, the old one may be in caches until its TTL is over (RFC 7671 §8.1)."
    return "If the fix was a change of the policy, senders may go on with the old one until its max_age is over (RFC 8461 §3.3)."


def _reached(last_day: int) -> str:
    return f"up to {when((_EPOCH + timedelta(days=last_day)).date())}"


def _some(count: int) -> str:
    return number(count) if count else "none"


def _names(frame: pd.DataFrame) -> str:
    return listed([one_line(name, 60) for name in frame["organization_name"]])
