"""Answers of the analyses, one scale for each question; the first member is the one that matters most."""

from __future__ import annotations

from ._terms import Effect, _Scale

__all__ = [
    "Adoption",
    "Answer",
    "Bearing",
    "FixStatus",
    "FixView",
    "MailEffect",
    "PolicyState",
    "PolicyView",
    "ReasonState",
]


class MailEffect(_Scale):
    """What failed sessions did to mail, as far as reports show (RFC 8461 §5; RFC 7672 §2.2)."""

    DEFERRED = "deferred"
    POSSIBLY_DELAYED = "possibly delayed"
    UNPROTECTED = "protection lost"
    NO_EFFECT = "no effect"
    NOT_KNOWN = "not known"

    @property
    def effect(self) -> Effect | None:
        """The same on the scale of findings; None where the reports do not show it."""
        return {
            MailEffect.DEFERRED: Effect.DEFERS_MAIL,
            MailEffect.POSSIBLY_DELAYED: Effect.COSMETIC,
            MailEffect.UNPROTECTED: Effect.DISABLES_PROTECTION,
            # Delivered, and not protected by the policy.
            MailEffect.NO_EFFECT: Effect.DISABLES_PROTECTION,
        }.get(self)


class Answer(_Scale):
    """Whether a domain may take the next step."""

    YES = "yes"
    NOT_YET = "not yet"
    CANNOT_TELL = "cannot tell"


class Bearing(_Scale):
    """What a reason says about a step."""

    AGAINST = "against"
    CANNOT_TELL = "cannot tell"
    FOR = "for"
    NOTE = "note"


class FixStatus(_Scale):
    """Whether the reports after a fix confirm it."""

    FAILING = "still failing"
    TOO_EARLY = "too early"
    NOT_SEEN_BEFORE = "not seen before"
    FIXED = "fixed"


class FixView(_Scale):
    """What one reporter shows after a fix."""

    FAILING = "still failing"
    SILENT = "no report yet"
    FEW_SESSIONS = "too few sessions to tell"
    CLEAN = "no more failures"


class PolicyState(_Scale):
    """What a report shows of the policy that its sender applied on one day."""

    APPLIED = "applied"
    NO_POLICY = "no policy found"
    NOT_OBSERVED = "not observed"


class Adoption(_Scale):
    """How far a reporter is with a change of the policy."""

    APPLIED = "applied"
    SKIPPED = "skipped"
    PARTLY = "partly"
    STILL_OLD = "still old"
    SILENT = "no report since"
    NEVER_LEFT = "never left it"
    BEGAN = "began with it"
    ANOTHER = "another policy"
    NOT_OBSERVED = "not observed"

    @property
    def measured(self) -> bool:
        """Whether the reports show how long it took, or takes."""
        return self in (Adoption.APPLIED, Adoption.SKIPPED, Adoption.PARTLY, Adoption.STILL_OLD)


class PolicyView(_Scale):
    """Which policy a reporter applied in its last report."""

    OLDER = "older policy"
    BOTH = "both"
    ANOTHER = "another policy"
    NO_POLICY = "no policy found"
    SILENT = "no report since"
    NOT_OBSERVED = "not observed"
    CURRENT = "current policy"


class ReasonState(_Scale):
    """What evidence shows of a possible reason."""

    CONFIRMED = "confirmed"
    POSSIBLE = "possible"
    NOT_OBSERVED = "not observed"
    RULED_OUT = "ruled out"
