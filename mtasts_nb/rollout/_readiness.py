"""Whether a domain may go from testing to enforce, or to a longer max_age, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from ..markup import html_table, html_text, one_line, plural, terminal_text, when

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.policy_history._history import PolicyHistory
    from ..probe import Probe
    from ..reports import Source
    from ._readiness_phases import Target
    from ._readiness_reason import Reason
    from ._readiness_reports import Cells
    from ._readiness_rules import Window

__all__ = ["Readiness", "readiness"]

YES, NOT_YET, CANNOT_TELL = "yes", "not yet", "cannot tell"
#: Days shown where nothing is left to do.
_LOOKED_AT: Final = 30
_WORDS: Final = {YES: "Yes", NOT_YET: "Not yet", CANNOT_TELL: "Cannot tell"}


@dataclass(frozen=True, eq=False)
class Readiness:
    """Whether a domain may take the next step, and the reasons.

    Attributes
    ----------
    verdict : str
        ``yes`` (also where nothing is left to do), ``not yet`` or ``cannot tell``.
    domain : str
        The policy domain.
    policy_mode, max_age : str or None, int or None
        The policy now: as the probe saw it, else the newest that a report shows; seconds. None where there is none.
    target_mode, target_max_age : str or None, int or None
        The step in question; None where nothing is left to do.
    sentences : tuple of str
        The verdict and what decides it.
    reasons : DataFrame
        One row per reason, what decides first: ``topic``, ``says`` (``against``, ``cannot tell``, ``for``, ``note``),
        ``found``, ``expected`` (str). One ``against`` makes it not yet, else one ``cannot tell`` cannot tell.
    by_mx : DataFrame
        Failures under sts in the days judged, not on the policy host: ``receiving_mx_hostname`` (empty where no MX is named),
        ``result_type``, ``failed``, ``days``, ``reporters`` (int64), ``first``, ``last`` (datetime64[us, UTC]), ``share`` (of all sessions).
    held_back : DataFrame
        One row per day and reporter with such failures: ``day``, ``organization_name``, ``case`` (``every session failed``,
        ``others went through``), ``failed_session_count``, ``sessions`` (int64), ``mx`` (one line each). Sessions, not messages: up to so
        many; where others went through, perhaps nothing.
    senders : DataFrame
        Who reported in these days: ``organization_name``, ``policy_type``, ``days``, ``sessions``, ``failed`` (int64), ``last``. Sessions of
        two policy types may be the same ones.
    """

    verdict: str
    domain: str
    policy_mode: str | None
    max_age: int | None
    target_mode: str | None
    target_max_age: int | None
    sentences: tuple[str, ...]
    reasons: pd.DataFrame
    by_mx: pd.DataFrame
    held_back: pd.DataFrame
    senders: pd.DataFrame

    def __repr__(self) -> str:
        rows = [f"{row['says']:<12} {row['topic']}: {row['found']}" for row in self.reasons.to_dict("records")]
        return "\n".join(terminal_text(line, 1200) for line in (*self.sentences, *rows))

    def _repr_html_(self) -> str:
        first, *rest = self.sentences
        told = f"<p><strong>{html_text(first)}</strong> {html_text(' '.join(rest))}</p>"
        if self.reasons.empty:
            return told
        rows: list[dict[str, object]] = [{str(k): v for k, v in row.items()} for row in self.reasons.to_dict("records")]
        headings = {"says": "Says", "topic": "What", "found": "Found", "expected": "Asked for"}
        return told + html_table(rows, headings, caption="What speaks for it and what against it.", width=900)


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
    hold nothing back (RFC 8461 §5), but while they last neither a step nor a rollback reaches the senders. A session is a
    connection and not a message; where other sessions of a sender went through, enforce may have held back nothing.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    probe : Probe, optional
        How the domain stands now; its errors speak against, and what it could not see leaves the matter open.
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
        With fewer sessions under sts in these days nothing can be told.
    stale_days : int
        How many days the last report may lie before the probe.
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
    >>> readiness(sts.Archive(), domain="nordwind.example").verdict
    'cannot tell'
    """
    from ..analysis.policy_history._history import policy_history
    from ._readiness_phases import target_of
    from ._readiness_probe import probe_reasons
    from ._readiness_reason import UNKNOWN, Reason
    from ._readiness_reports import OneDomain, by_mx, held_back, read, senders, types_of
    from ._readiness_rules import Rules, report_reasons

    _check(coverage, max_failed_share, min_sessions, clean_days, max_age, mode)
    name = _domain(source, probe, domain)
    narrowed = OneDomain(source, name, None if until is None else _midnight(until))
    cells, history = read(narrowed), policy_history(narrowed)
    now = _now(history, probe)
    target = target_of(now, mode, max_age, clean_days)
    rules = Rules(coverage, max_failed_share, min_sessions, stale_days)
    last = None if cells.sessions.empty else cells.sessions["day"].max()
    inside = cells
    reasons: list[Reason] = []
    if last is not None:
        window = _window(history, cells, last, now, target, probe)
        inside = cells.since(window.first)
        if target is not None:
            reasons += report_reasons(narrowed, cells, window, target, rules, history)
    elif target is not None:
        reasons.append(Reason("Reports", UNKNOWN, "No report about this domain: nothing is known of it.", "reports"))
    if target is not None:
        reasons += probe_reasons(probe, target, last, stale_days)
    verdict = _verdict(reasons, target)
    sts = types_of(inside)[0]
    return Readiness(
        verdict, name, *now,
        None if target is None else target.mode.value,
        None if target is None else target.max_age,
        _sentences(verdict, name, now, target, reasons, last),
        _frame(reasons), by_mx(sts), held_back(sts), senders(inside),
    )  # fmt: skip


def _check(
    coverage: float,
    max_failed_share: float,
    min_sessions: int,
    clean_days: int | None,
    max_age: int | None,
    mode: str | None,
) -> None:
    from ..vocabulary import Mode

    for label, value in (("coverage", coverage), ("max_failed_share", max_failed_share)):
        if not 0 <= value <= 1:
            raise ValueError(f"{label} is {value}: expected a share from 0 to 1")
    for label, count in (("min_sessions", min_sessions), ("clean_days", clean_days), ("max_age", max_age)):
        if count is not None and count < 0:
            raise ValueError(f"{label} is {count}: expected 0 or more")
    if mode is not None and mode not in list(Mode):
        raise ValueError(f"mode is {mode!r}: expected enforce, testing or none (RFC 8461 §3.2)")


def _midnight(until: str | date) -> pd.Timestamp:
    import pandas as pd

    stamp = pd.Timestamp(until)
    return (stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")).normalize()


def _domain(source: Source, probe: Probe | None, domain: str | None) -> str:
    """Return the one domain in question."""
    from ..reports import daily

    if domain is not None:
        name = domain.strip().lower().removesuffix(".")
        if probe is not None and probe.domain.lower() != name:
            raise ValueError(f"the probe is of {one_line(probe.domain, 80)}, not of {one_line(name, 80)}")
        return name
    if probe is not None:
        return probe.domain.lower().removesuffix(".")
    names = sorted(daily(source, ())["policy_domain"].astype("str").unique())
    if len(names) != 1:
        known = ", ".join(one_line(found, 80) for found in names[:5]) or "no domain at all"
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise ValueError(f"the reports are about {known}{more}: name one with domain=")
    return str(names[0])


def _now(history: PolicyHistory, probe: Probe | None) -> tuple[str | None, int | None]:
    """Return mode and max_age of the policy now: as it is served, else the newest that reports show."""
    if probe is not None and probe.policy is not None and probe.record is not None:
        return probe.policy.mode.value, probe.policy.max_age
    newest = _newest(history)
    if newest is None:
        return None, None
    age = newest["policy_max_age"]
    mode = newest["policy_mode"]
    return (mode if isinstance(mode, str) else None), (None if age is None or age != age else int(age))


def _newest(history: PolicyHistory) -> dict[Any, Any] | None:
    """Return the newest policy that reports show."""
    rows = history.events if len(history.events) else history.policies.sort_values(["reporters", "days"])
    if rows.empty:
        return None
    plain = rows.tail(1).astype(object)
    found: dict[Any, Any] = plain.where(plain.notna(), None).to_dict("records")[0]
    return found


def _window(
    history: PolicyHistory,
    cells: Cells,
    last: pd.Timestamp,
    now: tuple[str | None, int | None],
    target: Target | None,
    probe: Probe | None,
) -> Window:
    """Return the days that are judged: the last so many, but none before the present mode was there."""
    import pandas as pd

    from ._readiness_rules import Window

    first = cells.sessions["day"].min()
    changes = [row for row in history.events.to_dict("records") if str(row["mode_before"]) != str(row["policy_mode"])]
    known = len(changes) > 0
    since = changes[-1]["day"] if known else first
    newest = _newest(history)
    if probe is not None and newest is not None and newest["policy_mode"] != now[0]:
        # The reports do not show it yet: its days have not begun.
        since, known = max(last, pd.Timestamp(probe.started).normalize()) + pd.Timedelta(days=1), False
    wanted = _LOOKED_AT if target is None else max(target.clean_days, 1)
    return Window(max(since, last - pd.Timedelta(days=wanted - 1)), last, since, known)


def _verdict(reasons: list[Reason], target: Target | None) -> str:
    from ._readiness_reason import AGAINST, UNKNOWN

    says = {reason.says for reason in reasons}
    if target is None:
        return YES
    return NOT_YET if AGAINST in says else CANNOT_TELL if UNKNOWN in says else YES


def _frame(reasons: list[Reason]) -> pd.DataFrame:
    import pandas as pd

    from ._readiness_reason import SAYS

    ordered = sorted(reasons, key=lambda reason: SAYS.index(reason.says))
    rows = [(one.topic, one.says, one.found, one.expected) for one in ordered]
    return pd.DataFrame(rows, columns=["topic", "says", "found", "expected"]).astype("str")


def _sentences(
    verdict: str,
    name: str,
    now: tuple[str | None, int | None],
    target: Target | None,
    reasons: list[Reason],
    last: pd.Timestamp | None,
) -> tuple[str, ...]:
    from ._readiness_phases import policy_words
    from ._readiness_reason import AGAINST, UNKNOWN

    domain = one_line(name, 80)
    if target is None:
        return (f"Nothing left to do: {domain} has {policy_words(*now)}.",)
    step = f"{domain} from {policy_words(*now)} to {target}"
    against = [reason for reason in reasons if reason.says == AGAINST]
    unknown = [reason for reason in reasons if reason.says == UNKNOWN]
    told = [f"{_WORDS[verdict]}: {step}."]
    decides = against or unknown
    if decides:
        what = plural(len(decides), "reason") + (" against it" if against else " why it cannot be told")
        told.append(f"{what}. {decides[0].topic}: {decides[0].found}")
    if last is not None:
        told.append(f"As of the reports up to {when(last.date())}.")
    return tuple(told)
