"""What a check consists of: problems that last, policies, the state between two runs, and news. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from ..render import Rendered
from ..vocabulary import Level

__all__ = ["Change", "Kind", "Known", "KnownPolicy", "News", "Observed", "PolicySeen", "Problem", "State"]


class Kind(StrEnum):
    """What a problem or a piece of news is about."""

    INCIDENT = "incident"  # failures in reports, above their baseline
    FINDING = "finding"  # what a probe shows: a record, a policy, a certificate, TLSA records
    SILENT_REPORTER = "silent reporter"  # one that sent reports regularly sends none, about any domain
    NO_REPORTS = "no reports"  # a domain about which reports came regularly, or all of them, has none
    POLICY = "policy"


class Change(StrEnum):
    """What happened to it since the last run."""

    NEW = "new"
    WORSE = "worse"  # its level is more urgent
    OVER = "over"
    CHANGED = "changed"  # of a policy: it happened, and does not last


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Rendered):
    """Something wrong that begins, lasts and ends.

    Attributes
    ----------
    kind : Kind
    level : Level
        How urgent it is.
    marks : tuple of str
        What makes it the same problem as one of an earlier run: one mark in common, at about the same time.
    codes : tuple of str
        Result types, or the code of the finding.
    domains : tuple of str
        The policy domains concerned; empty for a reporter, and for all domains.
    hosts : tuple of str
        MX hosts, policy hosts, DNS names.
    reporters : tuple of str
        Who reported it; the silent one.
    first, last : date
        UTC days, the first and last on which it was observed.
    failed : int
        Failed sessions reported.
    detail, fix : str
        What a probe observed, and what to do.
    certain : bool
        False where it may be noise: then it is announced once another day shows it too.
    ongoing : bool
        False where it is known to be over.
    """

    kind: Kind
    level: Level
    marks: tuple[str, ...]
    codes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()
    first: date
    last: date
    failed: int = 0
    detail: str = ""
    fix: str = ""
    certain: bool = True
    ongoing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySeen:
    """A policy as a probe or reports show it on a day.

    Attributes
    ----------
    domain : str
    day : date
        Of the probe; for reports, the first day on which one shows the change to it.
    mode : str
    max_age : int or None
        Seconds.
    mx : tuple of str
        The patterns, sorted.
    id : str
        Of the `_mta-sts` record; empty where it is not known: reports do not have it.
    """

    domain: str
    day: date
    mode: str
    max_age: int | None
    mx: tuple[str, ...]
    id: str = ""

    def same_as(self, other: PolicySeen | KnownPolicy) -> bool:
        """Whether both are the same policy, whatever the day and the id."""
        return (self.mode, self.max_age, self.mx) == (other.mode, other.max_age, other.mx)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All that one run observed.

    Attributes
    ----------
    problems : tuple of Problem
    policies : tuple of PolicySeen
        In the order of time.
    kinds : frozenset of Kind
        What was looked into: a problem of another kind is not over for being absent.
    probed : frozenset of str
        The domains whose probe observed everything: a finding about another one is not over for being absent.
    certificates : mapping of str to datetime
        When the certificate of each host expires.
    last_report : date or None
        The last UTC day about which a report came.
    """

    problems: tuple[Problem, ...] = ()
    policies: tuple[PolicySeen, ...] = ()
    kinds: frozenset[Kind] = frozenset()
    probed: frozenset[str] = frozenset()
    certificates: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    last_report: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A problem as of the last run.

    Attributes
    ----------
    problem : Problem
        As it was observed last, with all marks that it ever had.
    announced : bool
        Whether it was in the news.
    over : bool
        Whether its end was.
    absent : int
        In how many runs in a row it was looked for and not found.
    """

    problem: Problem
    announced: bool = False
    over: bool = False
    absent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPolicy:
    """The policy of a domain as of the last run, and since when; `announced` are those of that day that were in the news."""

    domain: str
    day: date
    mode: str
    max_age: int | None
    mx: tuple[str, ...]
    id: str = ""
    announced: tuple[tuple[str, int | None, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What was announced so far.

    Attributes
    ----------
    known : tuple of Known
    policies : tuple of KnownPolicy
        One per domain.
    """

    known: tuple[Known, ...] = ()
    policies: tuple[KnownPolicy, ...] = ()

    @property
    def open(self) -> tuple[Problem, ...]:
        """The problems that were announced and are not over."""
        return tuple(entry.problem for entry in self.known if entry.announced and not entry.over)


@dataclass(frozen=True, slots=True, kw_only=True)
class News(Rendered):
    """Something to tell, once.

    Attributes
    ----------
    change : Change
    kind : Kind
    level : Level
    problem : Problem or None
        None for a policy.
    policy, before : PolicySeen, KnownPolicy or None
        The new policy and the old one.
    same_id : bool
        Whether the id of the record did not change with the policy: senders with a cached policy do not see the change
        (RFC 8461 §8.1).
    """

    change: Change
    kind: Kind
    level: Level
    problem: Problem | None = None
    policy: PolicySeen | None = None
    before: KnownPolicy | None = None
    same_id: bool = False
