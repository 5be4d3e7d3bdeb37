"""Whether a domain may go from testing to enforce, or to a longer max_age, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pandas as pd

from ..analysis import Cells, PolicyHistory, by_reporter, cells, policy_history
from ..markup import MISSING, one_line, plural, span, when
from ..moments import utc_moment
from ..probe import Probe
from ..render import Rendered
from ..reports import Source, daily, domain_name
from ..vocabulary import Answer, Bearing, Mode, PolicyType
from ._reasons import Reason, Rules, Target, Window, deferred_by_enforce, probe_reasons, report_reasons

__all__ = ["Readiness", "readiness"]

_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY
_MONTH: Final = 30 * _DAY
#: Clean days before enforce or a longer max_age in testing, and before a longer max_age in enforce.
_CLEAN_WEEKS: Final = 14
_CLEAN_MONTH: Final = 30
#: Days shown where nothing is left to do.
_REVIEWED: Final = 30


@dataclass(frozen=True, eq=False, repr=False)
class Readiness(Rendered):
    """Whether a domain may take the next step, and the reasons.

    Attributes
    ----------
    verdict : Answer
        ``yes`` (also where nothing is left to do), ``not yet`` or ``cannot tell``.
    domain : str
        The policy domain.
    policy_mode, max_age : str or None, int or None
        The policy now: as the probe saw it, else the newest that a report shows; seconds. None where there is none, and
        where none was observed.
    policy_observed : bool
        Whether it is known which policy there is, or that there is none; False where reports under sts carry no
        policy-string and there is no probe.
    target_mode, target_max_age : str or None, int or None
        The step in question; None where nothing is left to do.
    last_day : date or None
        The last UTC day with a report; None without one.
    reasons : DataFrame
        One row per reason, what decides first: ``topic``, ``says`` (a value of `Bearing`), ``evidence``, ``expected`` (str).
        One ``against`` makes it not yet, else one ``cannot tell`` cannot tell.
    by_mx : DataFrame
        Failures under sts in the days judged, not on the policy host: ``receiving_mx_hostname`` (empty where no MX is named),
        ``result_type``, ``failed``, ``days``, ``reporters`` (int64), ``first``, ``last`` (datetime64[us, UTC]), ``share`` (of all sessions).
    would_defer : DataFrame
        One row per day and reporter with such failures: ``day``, ``organization_name``, ``effect`` (a value of `MailEffect`,
        as under enforce), ``failed_session_count``, ``sessions`` (int64), ``mx`` (one line each). Sessions, not messages,
        and at most so many.
    senders : DataFrame
        Who reported in these days, as `by_reporter` gives it. Sessions of two policy types may be the same ones.
    """

    verdict: Answer
    domain: str
    policy_mode: str | None
    max_age: int | None
    policy_observed: bool
    target_mode: str | None
    target_max_age: int | None
    last_day: date | None
    reasons: pd.DataFrame
    by_mx: pd.DataFrame
    would_defer: pd.DataFrame
    senders: pd.DataFrame

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict and what decides it."""
        return tuple(_sentences(self))


def readiness(
    source: Source,
    probe: Probe | None = None,
    domain: str | None = None,
    *,
    mode: str | None = None,
    max_age: int | None = None,
    clean_days: int | None = None,
    coverage: float = 0.7,
    max_failed_share: float = 0.01,
    min_sessions: int = 100,
    stale_days: int = 3,
    until: str | date | None = None,
) -> Readiness:
    """Return whether a domain may go from testing to enforce, or to a longer max_age.

    The default step is the next phase of the usual guides: testing with max_age 86400; 604800 after two clean weeks; enforce
    with 604800 after two more; 2592000 after a clean month in enforce. Clean: no incident of `find_incidents` under sts at an
    MX, and few failures in all. Days count from the first report that shows the present mode. Failures on the policy host
    defer no mail (RFC 8461 §5), but while they last neither a step nor a rollback reaches the senders. A session is a
    connection and not a message; where other sessions of a sender succeeded, enforce may have deferred nothing.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    probe : Probe, optional
        The domain as it is now; its errors speak against the step, and what it could not observe leaves the answer open.
    domain : str, optional
        The policy domain; by default that of the probe, or the only one in the reports.
    mode, max_age : str, int, optional
        Another step than the next phase.
    clean_days : int, optional
        How many clean days to ask for, in place of 14 (30 for a longer max_age in enforce).
    coverage : float
        Of these days, the share that must have a report.
    max_failed_share : float
        The largest share of sessions that may fail at an MX: time-outs happen on any day.
    min_sessions : int
        With fewer sessions under sts in these days there is no answer.
    stale_days : int
        How many days the last report may be older than the probe.
    until : str or date, optional
        Judge as of the end of this UTC day; by default the last day with a report.

    Returns
    -------
    Readiness
        The verdict with its reasons.

    Raises
    ------
    ValueError
        The reports are about several domains and none is named, the probe is of another one, or a threshold is out of range.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> readiness(sts.Archive(), domain="nordwind.example").verdict.value
    'cannot tell'
    """
    _check(coverage, max_failed_share, min_sessions, clean_days, max_age, mode)
    name = _domain(source, probe, domain)
    narrowed = _OneDomain(source, name, None if until is None else _midnight(until))
    split, history = cells(narrowed), policy_history(narrowed)
    now = _now(history, probe)
    observed = now != (None, None) or not len(split.of(PolicyType.STS).sessions)
    target = _target(now, mode, max_age, clean_days)
    rules = Rules(coverage, max_failed_share, min_sessions, stale_days)
    last, inside = split.last_day, split
    reasons: list[Reason] = []
    if last is not None:
        window = _window(history, split, last, now, target, probe)
        inside = split.since(window.first)
        if target is not None:
            patterns = _patterns(history, probe)
            reasons += report_reasons(narrowed, split, window, target, rules, history, patterns)
    elif target is not None:
        text = "No report about this domain: nothing is known of it."
        reasons.append(Reason("Reports", Bearing.CANNOT_TELL, text, "reports"))
    if not observed:
        text = "No report says which policy its sender applied (no policy-string)."
        reasons.append(Reason("Policy now", Bearing.CANNOT_TELL, text, "a probe, or a report with a policy-string"))
    if target is not None:
        reasons += probe_reasons(probe, target.mode, last, stale_days)
    sts = inside.of(PolicyType.STS)
    return Readiness(
        _verdict(reasons), name, *now, observed,
        None if target is None else target.mode.value,
        None if target is None else target.max_age,
        None if last is None else last.date(),
        _frame(reasons), _by_mx(sts), deferred_by_enforce(sts), _senders(inside),
    )  # fmt: skip


class _OneDomain:
    """A source narrowed to one policy domain, and to the days up to a last one."""

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
        inside = (table["policy_domain"] == self._domain).to_numpy()
        if self._until is not None:
            inside = inside & (table["day"] <= self._until).to_numpy()
        return table[inside]


def _next_phase(mode: str | None, max_age: int | None) -> Target | None:
    """Return what comes after a policy; None where nothing does.

    The phases are those of the usual guides: testing with a max_age of a day; of a week after two clean weeks; enforce
    with a week; with thirty days after a clean month.

    Examples
    --------
    >>> _next_phase("testing", 604800).mode.value, _next_phase("enforce", 604800).max_age
    ('enforce', 2592000)
    """
    age = max_age or 0
    if mode == Mode.ENFORCE:
        if age < _WEEK:
            return Target(Mode.ENFORCE, _WEEK, _CLEAN_WEEKS)
        return Target(Mode.ENFORCE, _MONTH, _CLEAN_MONTH) if age < _MONTH else None
    if mode == Mode.TESTING:
        return Target(Mode.ENFORCE if age >= _WEEK else Mode.TESTING, _WEEK, _CLEAN_WEEKS)
    return Target(Mode.TESTING, _DAY, 0)


def _target(
    now: tuple[str | None, int | None], mode: str | None, max_age: int | None, days: int | None
) -> Target | None:
    """Return the step that was asked for; the next phase fills in what was not given."""
    target = usual = _next_phase(*now)
    if mode is not None or max_age is not None:
        wanted = Mode(mode) if mode is not None else Mode(now[0]) if now[0] else Mode.TESTING
        age = max_age if max_age is not None else _WEEK if usual is None else usual.max_age
        stays = now[0] == wanted == Mode.ENFORCE
        asked = 0 if wanted is Mode.NONE else _CLEAN_MONTH if stays and age > _WEEK else _CLEAN_WEEKS
        if wanted is Mode.TESTING and now[0] != Mode.TESTING:
            asked = 0  # testing defers no mail
        target = Target(wanted, age, asked)
    return target if target is None or days is None else Target(target.mode, target.max_age, days)


def _check(
    coverage: float,
    max_failed_share: float,
    min_sessions: int,
    clean_days: int | None,
    max_age: int | None,
    mode: str | None,
) -> None:
    for label, value in (("coverage", coverage), ("max_failed_share", max_failed_share)):
        if not 0 <= value <= 1:
            raise ValueError(f"{label} is {value}: expected a share from 0 to 1")
    for label, count in (("min_sessions", min_sessions), ("clean_days", clean_days), ("max_age", max_age)):
        if count is not None and count < 0:
            raise ValueError(f"{label} is {count}: expected 0 or more")
    if mode is not None and mode not in list(Mode):
        raise ValueError(f"mode is {mode!r}: expected enforce, testing or none (RFC 8461 §3.2)")


def _midnight(until: str | date) -> pd.Timestamp:
    return pd.Timestamp(utc_moment(until, "until")).normalize()


def _domain(source: Source, probe: Probe | None, domain: str | None) -> str:
    """Return the one domain in question."""
    if domain is not None:
        name = domain_name(domain)
        if probe is not None and probe.domain.lower() != name:
            raise ValueError(f"the probe is of {one_line(probe.domain, 80)}, not of {one_line(name, 80)}")
        return name
    if probe is not None:
        return probe.domain.lower().removesuffix(".")
    names = sorted(daily(source, ())["policy_domain"].astype("str").unique())
    if len(names) != 1:
        known = ", ".join(one_line(text, 80) for text in names[:5]) or "no domain at all"
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise ValueError(f"the reports are about {known}{more}: name one with domain=")
    return str(names[0])


def _now(history: PolicyHistory, probe: Probe | None) -> tuple[str | None, int | None]:
    """Return mode and max_age of the policy now: as it is served, else the newest that reports show."""
    if probe is not None and probe.policy is not None and probe.record is not None:
        return probe.policy.mode.value, probe.policy.max_age
    newest = _newest(history)
    return (None, None) if newest is None else (newest["policy_mode"], newest["policy_max_age"])


def _newest(history: PolicyHistory) -> dict[Any, Any] | None:
    """Return the newest policy that reports show, with None for what they leave out."""
    changes = history.events.dropna(subset=["policy"])
    rows = changes if len(changes) else history.policies.sort_values(["reporters", "days"])
    if rows.empty:
        return None
    plain = rows.tail(1).astype(object)
    newest: dict[Any, Any] = plain.where(plain.notna(), None).to_dict("records")[0]
    return newest


def _patterns(history: PolicyHistory, probe: Probe | None) -> tuple[str, ...]:
    """Return the mx patterns of the policy now; none where they are not known."""
    if probe is not None and probe.policy is not None:
        return probe.policy.mx
    newest = _newest(history)
    return tuple((newest["mx"] or "").split()) if newest is not None else ()


def _window(
    history: PolicyHistory,
    split: Cells,
    last: pd.Timestamp,
    now: tuple[str | None, int | None],
    target: Target | None,
    probe: Probe | None,
) -> Window:
    """Return the days that are judged: the last so many, but none before the present mode was published."""
    # Where the policy was removed, its last mode is the one that is judged.
    changes = history.events.dropna(subset=["policy"])
    changes = changes[changes["mode_before"].astype("str") != changes["policy_mode"].astype("str")]
    known = len(changes) > 0
    since = changes["day"].iloc[-1] if known else split.sessions["day"].min()
    newest = _newest(history)
    if probe is not None and newest is not None and newest["policy_mode"] != now[0]:
        # The reports do not show it yet: its days have not begun.
        since, known = max(last, pd.Timestamp(probe.started).normalize()) + pd.Timedelta(days=1), False
    wanted = _REVIEWED if target is None else max(target.clean_days, 1)
    return Window(max(since, last - pd.Timedelta(days=wanted - 1)), last, since, known)


def _verdict(reasons: list[Reason]) -> Answer:
    says = {reason.says for reason in reasons}
    if Bearing.AGAINST in says:
        return Answer.NOT_YET
    return Answer.CANNOT_TELL if Bearing.CANNOT_TELL in says else Answer.YES


def _frame(reasons: list[Reason]) -> pd.DataFrame:
    rows = [
        (reason.topic, reason.says.value, reason.evidence, reason.expected)
        for reason in sorted(reasons, key=lambda reason: reason.says.rank)
    ]
    return pd.DataFrame(rows, columns=["topic", "says", "evidence", "expected"]).astype("str")


def _by_mx(split: Cells) -> pd.DataFrame:
    """Return the failures by MX host and result type, the largest first."""
    keys = ["receiving_mx_hostname", "result_type"]
    frame = (
        split.at_mx.groupby(keys, sort=True)
        .agg(
            failed=("failed", "sum"), days=("day", "nunique"), reporters=("organization_name", "nunique"),
            first=("day", "min"), last=("day", "max"),
        )
        .reset_index()
        .sort_values(["failed", *keys], ascending=[False, True, True])
        .reset_index(drop=True)
    )  # fmt: skip
    frame["share"] = frame["failed"] / max(int(split.sessions["sessions"].sum()), 1)
    return frame.astype(dict.fromkeys(keys, "str") | dict.fromkeys(["failed", "days", "reporters"], "int64"))


def _senders(split: Cells) -> pd.DataFrame:
    types = {
        "organization_name": "str", "policy_type": "str", "sessions": "int64", "days": "int64", "failed": "int64",
        "top": "str", "share": "float64",
    }  # fmt: skip
    return by_reporter(split).frame.astype(types)


def _policy_text(mode: str | None, max_age: int | None, *, observed: bool = True) -> str:
    """Return mode and max_age as text."""
    if not observed:
        return "a policy that was not observed"
    return "no policy" if mode is None and max_age is None else f"{mode or MISSING}, max_age {span(max_age)}"


def _sentences(answer: Readiness) -> Iterable[str]:
    domain, now = (
        one_line(answer.domain, 80),
        _policy_text(answer.policy_mode, answer.max_age, observed=answer.policy_observed),
    )
    if answer.target_mode is None:
        yield f"Nothing left to do: {domain} has {now}."
        return
    word = {Answer.YES: "Yes", Answer.NOT_YET: "Not yet", Answer.CANNOT_TELL: "Cannot tell"}[answer.verdict]
    yield f"{word}: {domain} from {now} to {_policy_text(answer.target_mode, answer.target_max_age)}."
    bearing = {Answer.NOT_YET: Bearing.AGAINST, Answer.CANNOT_TELL: Bearing.CANNOT_TELL}.get(answer.verdict)
    deciding = answer.reasons[answer.reasons["says"] == bearing]
    if len(deciding):
        what = plural(len(deciding), "reason") + (" against it" if bearing is Bearing.AGAINST else " to leave it open")
        yield f"{what}. {deciding['topic'].iloc[0]}: {deciding['evidence'].iloc[0]}"
    if answer.last_day is not None:
        yield f"Based on the reports up to {when(answer.last_day)}."
