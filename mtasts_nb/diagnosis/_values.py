"""What a diagnosis consists of: data only. Other modules make it and show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ..analysis import Candidate, Reported, unexplained
from ..markup import terminal_text
from ..render import Rendered, frame
from ..vocabulary import Area, Concern, State, StepStatus, Verdict, cause_clause, verdict_on
from .flowchart import Walk, WalkEvidence

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from ..knowledge import Command
    from ..probe import Probe
    from ..sender import Outcomes

__all__ = ["STATES", "Action", "Cause", "Causes", "Diagnosis", "Evidence", "Group"]

#: The rule of each state of a group of reported failures.
STATES: Final = {
    State.REPRODUCED: "A probe shows now what the reports show.",
    State.CACHED_POLICY: "Everything is right under the policy that is published now; the reports name another one.",
    State.FIXED: "A probe does not show it, or later reports of the same reporters do not.",
    State.THESE_SENDERS: "Few of the reporters that could have seen it did: the fault is likely at the sender, or on the path to it.",
    State.NOT_REPRODUCIBLE: "It is still reported by several, and a probe from here does not show it.",
    State.NOT_OBSERVED: "It is still reported, and the probe could not check it.",
    State.REPORTED: "It is still reported; there is no probe to compare with.",
    State.RARE: "It is still reported, in less than one session in a hundred, and is not a failure that occurs without a fault.",
    State.NOISE: "No more than on a normal day: timeouts, a sender's bad day.",
}
_COUNTS: Final = ("rank", "failed")
_COLUMNS: Final = (
    "rank", "code", "title", "confidence", "state", "effect", "policy_domain", "mx", "failed", "for_it", "against_it",
    "fix", "rfc",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One observation for a cause, or against it.

    Attributes
    ----------
    source : str
        ``probe``, ``reports`` or ``sender`` (what a conformant sender would do with what the probe observed).
    text : str
        What was observed, in a sentence.
    supports : bool
        False where it speaks against.
    """

    source: str
    text: str
    supports: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause(Concern):
    """A `Concern` with its evidence, and what to do about it.

    Attributes
    ----------
    evidence : tuple of Evidence
        For it first, then against it.
    meaning : str
        What is wrong, and how senders react.
    mail : str
        What it does to mail, in the mode that is published or reported; of one that is over, what it did.
    fix : str
        What to do now; text to publish where there is one.
    prevent : str
        How to avoid it next time; empty where the fix is permanent.
    commands : tuple of Command
        How to confirm it, names filled in.
    verify : str
        How to verify the fix.
    rfc : str
        The sections that decide.
    provider : str
        What is different at the provider that runs the host; empty where nothing is known to be.
    area : Area or None
        What it concerns; None for a finding without a cause of its own.
    """

    evidence: tuple[Evidence, ...]
    meaning: str
    mail: str
    fix: str
    prevent: str = ""
    commands: tuple[Command, ...] = ()
    verify: str = ""
    rfc: str
    provider: str = ""
    area: Area | None = None

    @property
    def claim(self) -> str:
        """The title, with what it lacks in certainty, to begin a line."""
        clause = cause_clause(self.title, self.claimed)
        return f"{clause[0].upper()}{clause[1:]}"


@dataclass(frozen=True, slots=True)
class Causes(Rendered):
    """The causes of a diagnosis alone: for a document that shows the verdict and what to do elsewhere.

    Attributes
    ----------
    causes : tuple of Cause
        The most pressing first.
    not_observed : tuple of (str, str)
        What was not observed, and why.
    """

    causes: tuple[Cause, ...]
    not_observed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of reported failures: policy domain × policy type × result type × MX, in one span of days.

    Attributes
    ----------
    reported : Reported
        Counts, days, and who reported it.
    state : State
        By the rules of `STATES`.
    why : str
        The evidence for the state, in a sentence.
    causes : tuple of Candidate
        What it may be caused by, the likeliest first; where a probe shows the cause, that alone.
    question : str
        What would distinguish the first two causes, where the evidence does not.
    """

    reported: Reported
    state: State
    why: str
    causes: tuple[Candidate, ...]
    question: str = ""

    @property
    def over(self) -> bool:
        """Whether it needs no more attention."""
        return self.state.over


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One step of the action plan.

    Attributes
    ----------
    step : str
        What to do.
    status : StepStatus
    evidence : str
        What shows it.
    """

    step: str
    status: StepStatus
    evidence: str

    @property
    def ticked(self) -> bool:
        """Whether nothing is left to do."""
        return self.status.ticked


@dataclass(frozen=True, kw_only=True, repr=False)
class Diagnosis(Rendered):
    """What is wrong with a domain, and what to do. Shows itself in a notebook and by ``print``.

    Attributes
    ----------
    domain : str
        The policy domain; empty where reports about several were given without a probe.
    causes : tuple of Cause
        The most pressing first. A finding without a cause of its own is one.
    groups : tuple of Group
        Every group of reported failures; what is not over first.
    not_observed : tuple of (str, str)
        What the probe could not observe, and why: further faults may be hidden there.
    outcomes : Outcomes or None
        What a conformant sender would do with what the probe observed.
    probe : Probe or None
    days : tuple of date or None
        First and last UTC day of the reports; None without reports.
    known : bool
        Whether the probe observed anything, or there are recent reports.
    plan : tuple of Action
        The steps of the action plan, those ticked that the evidence settles.
    walk_evidence : WalkEvidence
        What probe and reports contribute to a walk through the flowchart.
    """

    domain: str
    causes: tuple[Cause, ...]
    groups: tuple[Group, ...]
    not_observed: tuple[tuple[str, str], ...]
    outcomes: Outcomes | None
    probe: Probe | None
    days: tuple[date, date] | None
    known: bool = True
    plan: tuple[Action, ...] = ()
    walk_evidence: WalkEvidence = field(default_factory=WalkEvidence)

    @property
    def present(self) -> tuple[Cause, ...]:
        """The causes that are present now, as far as known."""
        return tuple(cause for cause in self.causes if cause.present)

    @cached_property
    def verdict(self) -> Verdict:
        """Level, effect on mail and cause."""
        rest = [each for group in self.groups for each in unexplained(group.reported, group.state, group.causes)]
        return verdict_on(
            (*self.causes, *rest),
            domain=self.domain,
            not_observed=[subject for subject, _ in self.not_observed],
            known=self.known,
            reported=self.days is not None,
            failures=bool(self.groups),
        )

    def walk(self, start: str | None = None) -> Walk:
        """Return the walk through the flowchart that the evidence makes.

        Parameters
        ----------
        start : str, optional
            ``report`` or ``deferred``; by default the report if failures are reported, else deferred mail.
        """
        return Walk(start or ("report" if self.walk_evidence.result_type else "deferred"), self.walk_evidence)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cause: rank, code, title, confidence, state, effect, policy_domain, mx, failed, for_it, against_it, fix, rfc.

        `rank` and `failed` are int64, all others text; several hosts or pieces of evidence are separated by LF.
        """
        rows = [
            {
                "rank": rank,
                **{name: getattr(cause, name) for name in ("code", "title", "policy_domain", "failed", "fix", "rfc")},
                **{name: getattr(cause, name).value for name in ("confidence", "state")},
                "effect": cause.effect.value if cause.effect else "not known",
                "mx": "\n".join(cause.mx),
                "for_it": "\n".join(each.text for each in cause.evidence if each.supports),
                "against_it": "\n".join(each.text for each in cause.evidence if not each.supports),
            }
            for rank, cause in enumerate(self.causes, start=1)
        ]
        return frame(rows, list(_COLUMNS)).astype({name: "int64" if name in _COUNTS else "str" for name in _COLUMNS})

    def __repr__(self) -> str:
        codes = ", ".join(cause.code for cause in self.causes[:3]) or "no cause"
        return terminal_text(f"<Diagnosis of {self.domain or 'reports'}: {self.verdict.level.value}, {codes}>")
