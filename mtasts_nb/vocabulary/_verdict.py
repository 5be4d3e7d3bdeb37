"""One verdict: level, effect on mail and cause, computed once for a domain, an archive or an incident.

A `Concern` is one thing that is wrong, or may be, however it became known. `verdict_on` has the one rule that makes a
`Verdict` of concerns; the sentence for it is made by `verdict_sentence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from ..render import Rendered
from ._terms import CauseKind, Confidence, Effect, Level, Severity, State

__all__ = ["LEVEL_RULES", "Concern", "Verdict", "ranked", "urgency", "verdict_on"]

#: The rule of each level; the first matching one applies.
LEVEL_RULES: Final = MappingProxyType(
    {
        Level.ACT_NOW: "Mail is deferred or bounced now: no MX host is left that senders can use, or reports show that for "
        "one sender no session of a day succeeded under enforce or DANE, and it is not over.",
        Level.ACT_SOON: "No mail is known to be deferred, but protection is lost (senders cannot use the policy, or it is "
        "not enforced while MX hosts fail it), or a fault at one host is hidden by another that works.",
        Level.WATCH: "Something works now and may fail later or for some senders, failures are reported rarely or by some "
        "senders only, some senders find no policy, a part could not be observed, or no known cause explains what is reported.",
        Level.NOT_KNOWN: "Nothing was observed, and there are no recent reports.",
        Level.FINE: "Everything was observed, no problem was found, and reports show no failure or only background noise.",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing that is wrong, or may be: what a verdict asks of a finding, of reported failures or of a cause.

    Attributes
    ----------
    code, title : str
        Of the cause, as in the knowledge base; of the finding where it has no cause of its own.
    kind : CauseKind
    effect : Effect or None
        What it does to mail as things are: a fault at a backup MX alone defers nothing. None where reports do not show
        it: they name no policy, as those of some large senders do not.
    severity : Severity
    confidence : Confidence
        Of the cause.
    state : State
        What is known about it now.
    policy_domain : str
    mx : tuple of str
        The MX hosts concerned; empty where it is none.
    failed : int
        Failed sessions reported for it; 0 where none were, or there are no reports.
    dane_only : bool
        Whether only senders that validate DANE are known to be affected (RFC 7672 §2.2).
    """

    code: str
    title: str
    kind: CauseKind
    effect: Effect | None
    severity: Severity
    confidence: Confidence = Confidence.HIGH
    state: State = State.SEEN_NOW
    policy_domain: str = ""
    mx: tuple[str, ...] = ()
    failed: int = 0
    dane_only: bool = False

    @property
    def present(self) -> bool:
        """Whether it is there now, as far as known."""
        return not self.state.over

    @property
    def claimed(self) -> Confidence | None:
        """The confidence; None where a search ends without a cause, since then none is claimed."""
        return None if self.kind is CauseKind.OUTCOME else self.confidence

    @property
    def level(self) -> Level:
        """How urgent it is, if it is present."""
        if self.kind is CauseKind.SENDER:
            return Level.ACT_NOW if self.effect is Effect.DEFERS_MAIL else Level.WATCH
        if self.kind is not CauseKind.FAULT or self.state is State.RARE:
            return Level.WATCH
        if self.effect is Effect.DEFERS_MAIL and self.severity is Severity.ERROR:
            return Level.ACT_NOW
        # That failures are reported is certain, however uncertain their cause; in these two states they are in doubt.
        doubtful = self.confidence is Confidence.LOW and self.state in (State.THESE_SENDERS, State.NOT_REPRODUCIBLE)
        return Level.WATCH if doubtful else Level.ACT_SOON


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Rendered):
    """How urgent a domain, an archive or an incident is, what happens to mail, and why.

    Attributes
    ----------
    level : Level
    effect : Effect or None
        The worst of what is present; None where it is not known.
    domain : str
        The policy domain; empty where it is about several.
    cause, title : str
        The concern that decides; empty where there is none.
    confidence : Confidence or None
        Of the cause; None where there is none.
    mx : tuple of str
        The MX hosts of that concern.
    others : int
        Further concerns of the same level.
    not_observed : tuple of str
        What could not be observed: faults may be hidden there.
    reported : bool
        Whether there were reports.
    failures : bool
        Whether they show any failure, background noise included.
    over : int
        Concerns that are over.
    dane_only : bool
        Whether all that defers mail concerns only senders that validate DANE.
    """

    level: Level
    effect: Effect | None
    domain: str = ""
    cause: str = ""
    title: str = ""
    confidence: Confidence | None = None
    mx: tuple[str, ...] = ()
    others: int = 0
    not_observed: tuple[str, ...] = ()
    reported: bool = False
    failures: bool = False
    over: int = 0
    dane_only: bool = False

    @property
    def rule(self) -> str:
        """The rule of the level."""
        return LEVEL_RULES[self.level]


def urgency(effect: Effect | None) -> float:
    """Return the order of an effect; what is not known may defer mail, so it comes next to what does."""
    return Effect.DEFERS_MAIL.rank + 0.5 if effect is None else effect.rank


def ranked(concerns: Iterable[tuple[int, Concern]]) -> list[Concern]:
    """Return concerns, the most pressing first; what is known in several ways as one: the worst of each, all hosts.

    Present before past; then by the effect on mail, the severity, the position among the explanations of the same
    failures, what is at fault now before what will be and what is not at the domain, the failed sessions, and the order given.

    Parameters
    ----------
    concerns : iterable of (int, Concern)
        Each with its position among the explanations of the same failures, 0 for the first or only one.
    """
    together: dict[tuple[str, str], list[tuple[int, Concern]]] = {}
    for position, concern in concerns:
        together.setdefault((concern.code, concern.policy_domain), []).append((position, concern))
    positions = {key: min(position for position, _ in same) for key, same in together.items()}

    def order(concern: Concern) -> tuple[float, ...]:
        over, position = int(not concern.present), positions[concern.code, concern.policy_domain]
        return (over, urgency(concern.effect), concern.severity.rank, position, concern.kind.rank, -concern.failed)

    return sorted((_merged([concern for _, concern in same]) for same in together.values()), key=order)


def _merged(concerns: Sequence[Concern]) -> Concern:
    return replace(
        concerns[0],
        effect=min((concern.effect for concern in concerns), key=urgency),
        severity=min((concern.severity for concern in concerns), key=lambda severity: severity.rank),
        confidence=min((concern.confidence for concern in concerns), key=lambda confidence: confidence.rank),
        state=min((concern.state for concern in concerns), key=lambda state: state.rank),
        mx=tuple(dict.fromkeys(host for concern in concerns for host in concern.mx)),
        failed=sum(concern.failed for concern in concerns),
        dane_only=all(concern.dane_only for concern in concerns),
    )


def verdict_on(
    concerns: Iterable[Concern],
    *,
    domain: str = "",
    not_observed: Sequence[str] = (),
    known: bool = True,
    reported: bool = False,
    failures: bool = False,
) -> Verdict:
    """Return the verdict, by `LEVEL_RULES`.

    Parameters
    ----------
    concerns : iterable of Concern
        The most pressing first.
    domain : str, optional
        The policy domain; by default that of the concern that decides.
    not_observed : sequence of str, optional
        What could not be observed.
    known : bool, optional
        Whether anything is known of the domain: something was observed, or there are recent reports.
    reported : bool, optional
        Whether there are reports.
    failures : bool, optional
        Whether they show any failure.

    Examples
    --------
    >>> verdict_on([], domain="nordwind.example").level, verdict_on([], known=False).level
    (<Level.FINE: 'fine'>, <Level.NOT_KNOWN: 'not known'>)
    """
    concerns = tuple(concerns)
    present = [concern for concern in concerns if concern.present]
    # What a probe says of its own network is about what was not observed, and no concern of the domain.
    own = [concern for concern in present if concern.kind is not CauseKind.VANTAGE]
    level = min((concern.level for concern in own), key=lambda level: level.rank, default=Level.FINE)
    if not own and not known:
        level = Level.NOT_KNOWN
    elif not own and (not_observed or present):
        level = Level.WATCH
    deciding = [concern for concern in own if concern.level is level]
    first = deciding[0] if deciding else None
    return Verdict(
        level=level,
        effect=min(
            (concern.effect for concern in own),
            key=urgency,
            default=None if level is Level.NOT_KNOWN else Effect.COSMETIC,
        ),
        domain=domain or (first.policy_domain if first else ""),
        cause=first.code if first else "",
        title=first.title if first else "",
        confidence=first.claimed if first else None,
        mx=first.mx if first else (),
        others=max(0, len(deciding) - 1),
        not_observed=tuple(not_observed),
        reported=reported,
        failures=failures,
        over=len(concerns) - len(present),
        dane_only=bool(own)
        and all(concern.dane_only for concern in own if concern.effect in (Effect.DEFERS_MAIL, None)),
    )
