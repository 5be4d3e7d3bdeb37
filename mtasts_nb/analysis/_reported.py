"""What reports show: failures of one kind, in one span of days, with who reported them and who did not."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..knowledge import MX, POLICY_HOST, causes, causes_of_reason
from ..vocabulary import UNEXPLAINED, MailEffect, Mode, State, is_noisy, is_on_policy_host
from ._cells import cells
from ._failure_tables import KIND, Kind, Tables
from .incidents import find_incidents

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from ..reports import Source

    Ints = npt.NDArray[np.int64]

__all__ = ["MOST_GROUPS", "Reported", "reported"]

#: A smaller share of the sessions is background noise, for result types that also occur without a fault; others are rare.
_NOISE: Final = 0.01
#: A reporter of whose sessions so large a part fails has a fault, however few they are among those of all.
_MOSTLY: Final = 0.5
#: As much as this is never noise, even before there is an incident: failed sessions, and their share at one reporter.
_BEGUN, _BEGUN_SHARE = 30, 0.05
#: Days of reports from which on incidents can be distinguished from background noise.
_HISTORY: Final = 7
#: Another reporter should have seen it if so many of its sessions would have failed at the rate of those that did.
_TELLING: Final = 3.0
#: Failures continue if the last one is at most so many days before the last report of those who reported it.
_RECENT_DAYS: Final = 2
#: The largest groups are kept; nobody reads more, even of an archive of a thousand domains.
MOST_GROUPS: Final = 2000
#: What begins so many days before or after something else may have begun with it; not every sender reports every day.
_GAP: Final = 3
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Reported failures of one kind in one span of days.

    Attributes
    ----------
    policy_domain, policy_type, result_type, mx : str
        The kind; `mx` is empty where reports name none.
    failed, sessions : int
        Failed sessions, and all sessions of those who reported it, from the first day to the last.
    worst_share : float
        The largest share of the sessions of one reporter that failed, from 0 to 1.
    first, last, last_report : date
        First and last UTC day on which it was reported, and the last day of any report of those who reported it.
    reporters, spared : tuple of str
        Who reported it, and who had enough sessions to see it and did not.
    modes : tuple of str
        The policy modes under which it was reported, as far as known.
    reasons : tuple of (str, int)
        Reason codes in the reporters' words, with failed sessions, most first.
    policies : tuple of (str, int)
        The policies in the same reports, of the latest days first, with failed sessions.
    uncovered, covered : int
        Failed sessions at a host that the policy in the same report does not match, and that it matches.
    hidden_offer : int
        Failed sessions whose EHLO answer has a row of X characters.
    incident : bool
        Whether it is one of `find_incidents`.
    noise : bool
        Whether it is no more than background noise.
    ongoing : bool
        Whether it is not known to be over.
    mail : MailEffect
        The worst that it did to mail.
    also : tuple of str
        Who reported at that time what may be the same fault, in another way: without the MX name, as another result type
        of the same cause, under another policy type, or in a summary alone.
    strangers : tuple of str
        Of `reporters`, those without a history in an archive in which others have one; anyone can mail a report.
    continued : Reported or None
        What may be the same fault, reported in another way and ongoing, where this way is over; `ongoing` is true then.
    """

    policy_domain: str
    policy_type: str
    result_type: str
    mx: str
    failed: int
    sessions: int
    worst_share: float
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
    incident: bool
    noise: bool
    ongoing: bool
    mail: MailEffect
    also: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    continued: Reported | None = None

    @property
    def few(self) -> bool:
        """Whether those who reported it are few among those who could have, and their policy does not explain it."""
        by_policy = 2 * self.uncovered >= self.failed
        affected = len(self.reporters) - len(self.strangers) + len(self.also)
        return bool(self.spared) and 2 * affected <= len(self.spared) and not by_policy

    def named_causes(self, reason: str) -> tuple[str, ...]:
        """Return the causes that a reason code names in a report of this result type; none for an unknown one."""
        return _named_causes(reason, POLICY_HOST if is_on_policy_host(self.result_type) else MX)

    @property
    def possible_causes(self) -> frozenset[str]:
        """The causes that senders report so; where reasons for half of it name causes, only those."""
        named: dict[tuple[str, ...], int] = {}
        for reason, failed in self.reasons:
            codes = self.named_causes(reason)
            named[codes] = named.get(codes, 0) + failed
        unnamed = named.pop((), 0)
        if 2 * sum(named.values()) >= max(self.failed, unnamed):
            return frozenset(code for codes in named for code in codes)
        return frozenset(code for code, text in causes().items() if self.result_type in text.result_types)

    @property
    def share(self) -> float:
        """Failed sessions as a part of all sessions of those who reported it, from 0 to 1."""
        return self.failed / self.sessions if self.sessions else 1.0

    @property
    def state(self) -> State:
        """What reports alone show of it."""
        if self.noise:
            return State.NOISE
        if not self.ongoing:
            return State.FIXED
        if not self.incident and self.worst_share < _NOISE:
            return State.RARE
        return State.THESE_SENDERS if self.few else State.REPORTED


#: Longer texts are strangers' and are not remembered: what is, takes at most 4,096 times so many characters.
_LONGEST_REMEMBERED: Final = 500


def _named_causes(reason: str, side: str) -> tuple[str, ...]:
    function = _causes_of_short if len(reason) <= _LONGEST_REMEMBERED else _causes_of_short.__wrapped__
    return function(reason, side)


@lru_cache(maxsize=4096)
def _causes_of_short(reason: str, side: str) -> tuple[str, ...]:
    return causes_of_reason(reason, side, reported=True)


def reported(source: Source) -> tuple[Reported, ...]:
    """Return the failures of a source, one entry per kind and span of days, those with most failed sessions first."""
    daily_cells = cells(source)
    if daily_cells.failures.empty:
        return ()
    incidents = find_incidents(source).fillna({"receiving_mx_hostname": ""})
    spans: dict[object, list[dict[Hashable, Any]]] = {}
    for row in incidents.to_dict("records"):
        spans.setdefault(tuple(row[name] for name in KIND), []).append(row)
    tables = Tables(source, daily_cells)
    sizes = daily_cells.failures.groupby(KIND, sort=False)["failed"].sum().nlargest(MOST_GROUPS)
    groups = [group for key in sizes.index for group in _groups(key, spans.get(key, []), tables)]
    return tuple(
        sorted(
            _related(groups),
            key=lambda group: (-group.failed, group.policy_domain, group.result_type, group.mx, group.first),
        )
    )


def _related(groups: list[Reported]) -> Iterator[Reported]:
    """Yield each group with what else may be the same fault, reported in another way."""
    of_domain: dict[str, list[tuple[Reported, frozenset[str]]]] = {}
    for group in groups:
        if group.state is not State.NOISE:
            of_domain.setdefault(group.policy_domain, []).append((group, group.possible_causes))
    for group in groups:
        others = of_domain.get(group.policy_domain, ())
        if group.state is State.NOISE or len(others) < 2 or not (group.spared or not group.ongoing):
            yield group
            continue
        codes = group.possible_causes
        same = [other for other, possible in others if _may_be_same(group, codes, other, possible)]
        also = {name for other in same for name in other.reporters} - {*group.reporters}
        after = [other for other in same if other.ongoing and other.last > group.last]
        goes_on = None if group.ongoing else max(after, key=lambda other: other.last, default=None)
        yield replace(
            group,
            also=tuple(sorted(also)),
            spared=tuple(name for name in group.spared if name not in also),
            continued=goes_on,
            ongoing=group.ongoing or goes_on is not None,
        )


def _may_be_same(group: Reported, codes: frozenset[str], other: Reported, possible: frozenset[str]) -> bool:
    """Return whether another way of reporting failures may be about the same fault."""
    if (group.policy_type, group.mx, group.result_type) == (other.policy_type, other.mx, other.result_type):
        return False
    if group.mx and other.mx and group.mx != other.mx:
        return False
    unexplained = bool(UNEXPLAINED & {group.result_type, other.result_type})
    if not unexplained and is_on_policy_host(group.result_type) != is_on_policy_host(other.result_type):
        return False
    if not unexplained and group.result_type != other.result_type and not codes & possible:
        return False
    # What began later has another cause; so has what began before, unless it is named alike.
    began, days = (other.first - group.first).days, (other.first - group.last).days
    return days <= _GAP and (
        began >= -_GAP or (not unexplained and bool(codes & possible) and len(codes | possible) <= 2)
    )


def _groups(key: Kind, spans: list[dict[Hashable, Any]], tables: Tables) -> Iterator[Reported]:
    """Yield a kind's failures in each incident, and the rest together."""
    rows = tables.failures.of(key)
    days, counts = tables.failures.days[rows], tables.failures.counts[rows]
    rest = np.ones(len(rows), dtype=bool)
    for span in spans:
        inside = rest & (days >= _day_number(span["start"])) & (days <= _day_number(span["end"]))
        if counts[inside].sum() > span["failed_session_count"]:
            # What the others have then is their usual noise.
            inside &= np.isin(tables.failures.texts[rows], tables.codes(str(span["organization_name"]).split("\n")))
        if inside.any():
            yield _group(key, rows[inside], tables, incident=True, ongoing=bool(span["ongoing"]))
            rest &= ~inside
    if rest.any():
        yield _group(key, rows[rest], tables, incident=False, ongoing=None)


def _group(key: Kind, rows: Ints, tables: Tables, *, incident: bool, ongoing: bool | None) -> Reported:
    domain, policy_type, mx, result_type = key
    failures, sessions = tables.failures, tables.sessions
    days = failures.days[rows]
    first, last = int(days.min()), int(days.max())
    failed_of = np.bincount(failures.texts[rows], failures.counts[rows], len(tables.reporters))
    affected = np.flatnonzero(failed_of)
    at = sessions.of((domain, policy_type))
    around = at[(sessions.days[at] >= first) & (sessions.days[at] <= last)]
    sessions_of = np.bincount(sessions.texts[around], sessions.counts[around], len(tables.reporters))
    total, failed = int(sessions_of[affected].sum()), int(failed_of.sum())
    rate = min(1.0, failed / total) if total else 1.0
    others = np.where(failed_of > 0, 0.0, sessions_of)
    known = tables.known(at, first, last)
    if known.any():
        others[~known] = 0.0
        strangers = affected[~known[affected]]
    else:
        strangers = affected[:0]
    report_days = sessions.days[at][np.isin(sessions.texts[at], affected)]
    last_report = int(report_days.max()) if len(report_days) else last
    worst = float((failed_of[affected] / np.maximum(sessions_of, failed_of)[affected]).max())
    few = rate < _NOISE and worst < _MOSTLY
    begun = worst >= _BEGUN_SHARE and failed >= _BEGUN
    noise = is_noisy(result_type) and ((len(np.unique(sessions.days[at])) >= _HISTORY and not begun) or few)
    modes = set(tables.modes[rows].tolist())
    return Reported(
        policy_domain=domain,
        policy_type=policy_type,
        result_type=result_type,
        mx=mx,
        failed=failed,
        sessions=total,
        worst_share=worst,
        first=_date(first),
        last=_date(last),
        last_report=_date(last_report),
        reporters=tables.names(affected, failed_of),
        strangers=tables.names(strangers, failed_of),
        spared=tables.names(np.flatnonzero(others * rate >= _TELLING), others),
        modes=tuple(mode.value for mode in Mode if mode in modes),
        incident=incident,
        noise=noise and not incident,
        ongoing=last_report - last <= _RECENT_DAYS if ongoing is None else ongoing,
        mail=min(map(MailEffect, np.unique(tables.effects[rows])), key=lambda effect: effect.rank),
        **tables.details(key, first, last),
    )


def _day_number(moment: pd.Timestamp) -> int:
    return int(moment.timestamp()) // 86_400


def _date(number: int) -> date:
    return _EPOCH + timedelta(days=number)
