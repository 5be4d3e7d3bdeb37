"""How a domain is, in one of four levels, by a rule that can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..markup import one_line, plural
from ..vocabulary import Effect, Severity
from ._candidates import LOW

if TYPE_CHECKING:
    from ._diagnose import Cause, Diagnosis
    from ._groups import Group

__all__ = ["LEVELS", "Health", "health_of"]

ACT_NOW, ACT_SOON, WATCH, FINE = "act now", "act soon", "watch", "fine"
#: The four levels, the worst first, and the rule of each: the first that holds decides.
LEVELS: Final = {
    ACT_NOW: "Mail is held back or returned now: no MX host is left that senders can use, or reports show that for one "
    "sender no session of a day succeeded under enforce or DANE, and it is not over.",
    ACT_SOON: "No mail is held, but protection is lost (senders cannot use the policy, or it is not enforced while MX hosts "
    "fail it), or a fault at one host is hidden by another that works.",
    WATCH: "Something works today and will not for ever or for all, failures are reported that only some senders see, or a "
    "part could not be observed, or no known cause explains what is reported.",
    FINE: "Everything was observed, nothing is wrong, and no report tells of more than chance.",
}
_BLIND = "outbound-port-25-closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a domain is.

    Attributes
    ----------
    level : str
        One of `LEVELS`: ``act now``, ``act soon``, ``watch``, ``fine``.
    sentence : str
        Why.
    rule : str
        The rule of that level.
    reasons : tuple of str
        The titles of the causes that decided.
    """

    level: str
    sentence: str
    rule: str
    reasons: tuple[str, ...]


def health_of(diagnosis: Diagnosis) -> Health:
    """Return the level of a diagnosis, by the rules in `LEVELS`."""
    present = [cause for cause in diagnosis.present if cause.code != _BLIND]
    by_level: dict[str, list[Cause]] = {}
    for cause in present:
        by_level.setdefault(_level(cause), []).append(cause)
    level = next((name for name in LEVELS if name in by_level), FINE)
    blind = [what for what, _ in diagnosis.not_observed]
    unseen = any(cause.code == _BLIND for cause in diagnosis.present) or bool(blind)
    unexplained = [group for group in diagnosis.groups if not group.over and not group.causes]
    if level == FINE and (unseen or unexplained):
        level = WATCH
    deciding = by_level.get(level, [])
    return Health(
        level=level,
        sentence=_sentence(diagnosis, level, deciding, blind, unexplained),
        rule=LEVELS[level],
        reasons=tuple(dict.fromkeys(cause.title for cause in deciding)),
    )


def _level(cause: Cause) -> str:
    if cause.kind in ("sender", "outcome"):
        return ACT_NOW if cause.effect is Effect.DEFERS_MAIL and cause.kind == "sender" else WATCH
    if cause.kind == "latent":
        return WATCH
    if cause.effect is Effect.DEFERS_MAIL and cause.severity is Severity.ERROR:
        return ACT_NOW
    return WATCH if cause.confidence == LOW else ACT_SOON


def _sentence(
    diagnosis: Diagnosis, level: str, deciding: list[Cause], blind: list[str], unexplained: list[Group]
) -> str:
    named = diagnosis.domain or next((cause.policy_domain for cause in deciding), "") or "these domains"
    if not deciding and unexplained:
        seen = unexplained[0].reported
        told = f"{plural(seen.failed, 'failed session')} of the type {one_line(seen.result_type, 60)}"
        return f"Reports about {one_line(seen.policy_domain, 120)} tell of {told}, which no known cause explains."
    if not deciding:
        if blind and level == WATCH:
            return f"Nothing wrong was seen with {named}, but {blind[0]} could not be observed."
        since = "" if diagnosis.days is None else " and no report tells of more than chance"
        return f"Nothing wrong was seen with {named}{since}."
    first = deciding[0]
    more = f", and {plural(len(deciding) - 1, 'more cause')} of this level" if len(deciding) > 1 else ""
    words = {
        ACT_NOW: "Mail is held back or returned",
        ACT_SOON: "No mail is held, but something is broken",
        WATCH: "Mail flows and is protected as far as seen",
    }
    place = f" ({', '.join(first.mx[:3])})" if first.mx else ""
    return f"{words[level]} at {named}: {first.title[0].lower()}{first.title[1:]}{place}{more}."
