"""From evidence to causes: what is wrong, how sure that is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..vocabulary import Effect, Severity
from ._groups import (
    CHANCE,
    FIXED,
    Group,
    Seen,
    join,
)
from ._observed import observed
from ._reported import Reported, reported
from ._symptoms import Sign, probe_signs, unobserved

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from ..knowledge import Command
    from ..probe import Probe
    from ..reports import Source
    from ..sender import Outcomes
    from ._action_plan import Action
    from ._health import Health
    from .flowchart import Walk, WalkEvidence

__all__ = ["Cause", "Diagnosis", "Evidence", "diagnose"]

SEEN_NOW = "seen now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that speaks for a cause, or against it.

    Attributes
    ----------
    source : str
        ``probe``, ``reports`` or ``sender`` (what a conformant sender would do with what the probe saw).
    text : str
        What was seen, in a sentence.
    supports : bool
        False where it speaks against.
    """

    source: str
    text: str
    supports: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that is wrong, or may be.

    Attributes
    ----------
    code, title : str
        As in the knowledge base.
    confidence : str
        ``high`` (seen, or the only explanation), ``medium`` or ``low``.
    evidence : tuple of Evidence
        For it first, then against it.
    fix : str
        What to do; text to publish where there is one.
    commands : tuple of Command
        How to confirm it, names filled in.
    verify : str
        How to see that it is mended.
    rfc : str
        The sections that decide.
    provider : str
        What is different at the provider that runs the host; empty where nothing is known to be.
    meaning : str
        What is wrong, and what senders make of it.
    mail : str
        What it does to mail, in the mode that is published or reported.
    effect : Effect
        The same in a word, as things are: a fault at a backup MX holds nothing back.
    state : str
        ``seen now``, or one of the states of groups of reported failures.
    kind, area : str
        As in the knowledge base.
    policy_domain : str
        The domain.
    mx : tuple of str
        The MX hosts concerned; empty where it is none.
    failed : int
        Failed sessions reported for it; 0 where none were, or no reports are at hand.
    """

    code: str
    title: str
    confidence: str
    evidence: tuple[Evidence, ...]
    fix: str
    commands: tuple[Command, ...]
    verify: str
    rfc: str
    provider: str
    meaning: str
    mail: str
    effect: Effect
    severity: Severity
    state: str
    kind: str
    area: str
    policy_domain: str
    mx: tuple[str, ...] = ()
    failed: int = 0

    @property
    def present(self) -> bool:
        """Whether it is there now, as far as known."""
        return self.state not in (FIXED, CHANCE)


@dataclass(frozen=True, kw_only=True, repr=False)
class Diagnosis:
    """What is wrong with a domain, and what to do. Shows itself in a notebook and by ``print``.

    Attributes
    ----------
    domain : str
        The policy domain; empty where reports about several were looked at without a probe.
    causes : tuple of Cause
        The most pressing first. Several causes at once are several.
    groups : tuple of Group
        Every group of reported failures, with what is to be said of it.
    not_observed : tuple of (str, str)
        What the probe could not observe, and why: further faults may hide there.
    outcomes : Outcomes or None
        What a conformant sender would do with what the probe saw.
    probe : Probe or None
    days : tuple of date or None
        First and last UTC day about which reports came; None without reports.
    """

    domain: str
    causes: tuple[Cause, ...]
    groups: tuple[Group, ...]
    not_observed: tuple[tuple[str, str], ...]
    outcomes: Outcomes | None
    probe: Probe | None
    days: tuple[date, date] | None
    _signs: tuple[Sign, ...] = ()
    _observed: tuple[tuple[str, str], ...] = ()

    @property
    def present(self) -> tuple[Cause, ...]:
        """The causes that are there now, as far as known."""
        return tuple(cause for cause in self.causes if cause.present)

    @cached_property
    def health(self) -> Health:
        """One sentence and one of four levels, with the rule."""
        from ._health import health_of

        return health_of(self)

    @cached_property
    def plan(self) -> tuple[Action, ...]:
        """The steps of the action plan, those ticked that the evidence settles."""
        from ._action_plan import plan_of

        return plan_of(self)

    @cached_property
    def walk_evidence(self) -> WalkEvidence:
        """What probe and reports contribute to a walk through the flowchart."""
        from ._clues import clues_of

        return clues_of(self)

    def walk(self, start: str | None = None) -> Walk:
        """Return the walk through the flowchart that the evidence makes.

        Parameters
        ----------
        start : str, optional
            ``report`` or ``deferred``; by default the report if failures are reported, else deferred mail.
        """
        from .flowchart import Walk

        return Walk(start or ("report" if self.walk_evidence.result_type else "deferred"), self.walk_evidence)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cause: rank, code, title, confidence, state, effect, policy_domain, mx, failed, for_it, against_it, fix, rfc.

        `rank` and `failed` are int64, all others text; several hosts or pieces of evidence are parted by LF.
        """
        from ._view import as_frame

        return as_frame(self)

    def __str__(self) -> str:
        from ._view import as_text

        return as_text(self)

    def __repr__(self) -> str:
        named = ", ".join(cause.code for cause in self.causes[:3]) or "no cause"
        return f"<Diagnosis of {self.domain or 'reports'}: {self.health.level}, {named}>"

    def _repr_html_(self) -> str:
        from ._view import as_html

        return as_html(self)


def diagnose(probe: Probe | None = None, archive: Source | None = None, *, before: Probe | None = None) -> Diagnosis:
    """Return the causes of what a probe sees and what reports tell, ranked by evidence.

    With both at hand they are joined: for every group of reported failures it says whether a probe reproduces it now, it
    is over, only few senders see it, or senders still hold an old policy.

    Parameters
    ----------
    probe : Probe, optional
        A look at the domain.
    archive : Source, optional
        Reports, an `Archive` or a store. Beside a probe only those about its domain count.
    before : Probe, optional
        An earlier look, for what only two of them show: a policy that changed under the same id (RFC 8461 §8.1).

    Raises
    ------
    ValueError
        Neither a probe nor an archive is given.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab("mx-certificate-expired") as lab:
    ...     found = diagnose(probe("nordwind.example", lab.settings))
    >>> found
    <Diagnosis of nordwind.example: act now, mx-certificate-expired>
    >>> [cause.confidence for cause in found.causes], found.health.level
    (['high'], 'act now')
    """
    if probe is None and archive is None:
        raise ValueError("diagnose needs a probe, an archive, or both: sts.probe(domain) or sts.load(folder).")
    signs = probe_signs(probe, before) if probe is not None else ()
    seen_by_probe = observed(probe, before) if probe is not None else {}
    outcomes = None
    seen = None
    if probe is not None:
        from ..sender import simulate

        outcomes = simulate(probe)
        seen = Seen(probe, signs, seen_by_probe)
    groups = () if archive is None else tuple(join(one, seen) for one in _about(archive, probe))
    # What is not over comes first; the sort is stable, the larger before the smaller.
    groups = tuple(sorted(groups, key=lambda group: group.over))
    days = _days(archive, probe) if archive is not None else None
    from ._causes import causes_of

    return Diagnosis(
        domain=probe.domain if probe is not None else _domain(groups),
        causes=causes_of(probe, signs, groups, outcomes),
        groups=groups,
        not_observed=tuple(unobserved(probe)) if probe is not None else (),
        outcomes=outcomes,
        probe=probe,
        days=days,
        _signs=signs,
        _observed=tuple(seen_by_probe.items()),
    )


def _about(archive: Source, probe: Probe | None) -> Iterator[Reported]:
    for one in reported(archive):
        if probe is None or one.policy_domain == probe.domain:
            yield one


def _domain(groups: Iterable[Group]) -> str:
    names = {group.reported.policy_domain for group in groups}
    return names.pop() if len(names) == 1 else ""


def _days(archive: Source, probe: Probe | None) -> tuple[date, date] | None:
    first = last = None
    for sessions, _ in archive.session_rows(["policy_domain", "day"], []):
        mine = sessions if probe is None else sessions[sessions["policy_domain"] == probe.domain]
        if len(mine):
            low, high = mine["day"].min(), mine["day"].max()
            first = low if first is None else min(first, low)
            last = high if last is None else max(last, high)
    return None if first is None or last is None else (first.date(), last.date())
