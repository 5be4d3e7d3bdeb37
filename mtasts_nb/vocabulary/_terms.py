"""Each scale once: result types, policy types, modes, and how bad, how certain and how recent something is.

The words of RFC 8460 and RFC 8461 come first; the others are the kit's own. No other module defines a scale, or keeps
a private set of result types: what a result type implies is a property of `ResultType`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

__all__ = [
    "UNATTRIBUTED",
    "UNEXPLAINED",
    "UNKNOWN",
    "Area",
    "CauseKind",
    "Certainty",
    "Confidence",
    "Effect",
    "Level",
    "Mode",
    "PolicyType",
    "ResultType",
    "Severity",
    "State",
    "Status",
    "StepStatus",
    "fold_type",
    "is_noisy",
    "is_on_policy_host",
    "result_type_of",
]

#: The result type of failures that a report counts in its summary but does not detail. Ours, not RFC 8460's.
UNATTRIBUTED = "unattributed"
#: Where a report gives no result type, policy type or policy domain.
UNKNOWN = "unknown"
#: In the place of a result type, these say that sessions failed and not why.
UNEXPLAINED = frozenset({UNATTRIBUTED, UNKNOWN})


class _Scale(StrEnum):
    """An ordered scale; the first member is the one that matters most."""

    @property
    def rank(self) -> int:
        """Order for sorting: 0 for the first member."""
        return list(type(self)).index(self)


class Area(_Scale):
    """What a fault concerns, in the order in which a sender meets it."""

    RECORD = "record"
    POLICY_HOST = "policy-host"
    POLICY_CERTIFICATE = "policy-certificate"
    POLICY_FILE = "policy-file"
    MX = "mx"
    MX_CERTIFICATE = "mx-certificate"
    DANE = "dane"
    REPORTING = "reporting"
    SENDER = "sender"


class ResultType(StrEnum):
    """Why a session failed (RFC 8460 §4.3, and the IANA registry "STARTTLS Validation Result Types").

    Examples
    --------
    >>> ResultType.STS_WEBPKI_INVALID.on_policy_host, ResultType.TLSA_INVALID.needs_tls
    (True, True)
    """

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION_FAILURE = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    DANE_REQUIRED = "dane-required"
    STS_POLICY_FETCH_ERROR = "sts-policy-fetch-error"
    STS_POLICY_INVALID = "sts-policy-invalid"
    STS_WEBPKI_INVALID = "sts-webpki-invalid"

    @property
    def area(self) -> Area:
        """What the fault concerns."""
        return _AREAS[self]

    @property
    def on_policy_host(self) -> bool:
        """Whether the fault is on the policy host: protection is lost, mail is not deferred by it (RFC 8461 §5)."""
        return self.area in (Area.POLICY_HOST, Area.POLICY_CERTIFICATE, Area.POLICY_FILE)

    @property
    def needs_dane(self) -> bool:
        """Whether only senders that validate DANE report it (RFC 8460 §4.3.2.1)."""
        return self.area is Area.DANE

    @property
    def needs_tls(self) -> bool:
        """Whether a certificate must have been presented by the MX for this to be seen."""
        return self.area is Area.MX_CERTIFICATE or self is ResultType.TLSA_INVALID

    @property
    def names_its_cause(self) -> bool:
        """Whether the type itself says what is wrong; the others have several causes."""
        return self in (
            ResultType.CERTIFICATE_EXPIRED,
            ResultType.CERTIFICATE_HOST_MISMATCH,
            ResultType.TLSA_INVALID,
            ResultType.DNSSEC_INVALID,
            ResultType.DANE_REQUIRED,
        )

    @property
    def noisy(self) -> bool:
        """Whether a few sessions of any day fail this way without a fault: time-outs, refusals, a sender's bad day."""
        return self in (
            ResultType.VALIDATION_FAILURE,
            ResultType.STARTTLS_NOT_SUPPORTED,
            ResultType.STS_POLICY_FETCH_ERROR,
        )


_AREAS = {
    ResultType.STARTTLS_NOT_SUPPORTED: Area.MX,
    ResultType.CERTIFICATE_HOST_MISMATCH: Area.MX_CERTIFICATE,
    ResultType.CERTIFICATE_EXPIRED: Area.MX_CERTIFICATE,
    ResultType.CERTIFICATE_NOT_TRUSTED: Area.MX_CERTIFICATE,
    ResultType.VALIDATION_FAILURE: Area.MX,
    ResultType.TLSA_INVALID: Area.DANE,
    ResultType.DNSSEC_INVALID: Area.DANE,
    ResultType.DANE_REQUIRED: Area.DANE,
    ResultType.STS_POLICY_FETCH_ERROR: Area.POLICY_HOST,
    ResultType.STS_POLICY_INVALID: Area.POLICY_FILE,
    ResultType.STS_WEBPKI_INVALID: Area.POLICY_CERTIFICATE,
}


def result_type_of(text: str) -> ResultType | None:
    """Return the registered result type of this name; None for any other, such as `unattributed`.

    Examples
    --------
    >>> result_type_of("tlsa-invalid"), result_type_of("x-own-type")
    (<ResultType.TLSA_INVALID: 'tlsa-invalid'>, None)
    """
    try:
        return ResultType(text)
    except ValueError:
        return None


def is_on_policy_host(text: str) -> bool:
    """Return whether a reported result type, registered or not, is a fault on the policy host.

    Examples
    --------
    >>> is_on_policy_host("sts-policy-invalid"), is_on_policy_host("unknown")
    (True, False)
    """
    registered = result_type_of(text)
    # Senders make up names in the family of RFC 8460 §4.3.2.2.
    return text.startswith("sts-") if registered is None else registered.on_policy_host


def is_noisy(text: str) -> bool:
    """Return whether a reported result type also occurs without a fault; what is not registered may.

    Examples
    --------
    >>> is_noisy("validation-failure"), is_noisy("certificate-expired"), is_noisy("x-own-type")
    (True, False, True)
    """
    registered = result_type_of(text)
    return registered is None or registered.noisy


class PolicyType(StrEnum):
    """Which policy a sender applied (RFC 8460 §4.4, `policy-type`)."""

    TLSA = "tlsa"
    STS = "sts"
    NO_POLICY_FOUND = "no-policy-found"


_REGISTERED: Final = frozenset((*ResultType, *PolicyType))
_BLANKS: Final = re.compile(r"[\s_]+")


def fold_type(text: str) -> str:
    """Return a reported result type or policy type in lower case, a registered one in its registered spelling.

    One that is not registered is kept: RFC 8460 §6.6 lets the registry grow. Empty text is `UNKNOWN`.

    Examples
    --------
    >>> fold_type(" Certificate_Expired "), fold_type("X-New Type"), fold_type(" ")
    ('certificate-expired', 'x-new type', 'unknown')
    """
    folded = text.strip().lower()
    hyphened = _BLANKS.sub("-", folded)
    return hyphened if hyphened in _REGISTERED else folded or UNKNOWN


class Mode(StrEnum):
    """What a sender does when validation fails (RFC 8461 §5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class Severity(_Scale):
    """How wrong something is; `error` is the worst."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class Effect(_Scale):
    """What a fault does to mail, now.

    ``cosmetic`` means that mail arrives as before and is protected as before. Something may be lost anyway: redundancy,
    where a host fails and others take over; reports, where the reporting record is missing.

    The values are stable names; `label` is what a person reads.
    """

    DEFERS_MAIL = "holds mail back"
    DISABLES_PROTECTION = "disables protection"
    COSMETIC = "cosmetic"

    @property
    def label(self) -> str:
        """What a person reads."""
        return {Effect.DEFERS_MAIL: "defers mail", Effect.COSMETIC: "defers no mail now"}.get(self, self.value)


class Status(StrEnum):
    """How an attempt to observe something ended. What could not be observed is not broken."""

    COMPLETED = "completed"
    FAILED = "failed"
    NOT_OBSERVED = "not observed"


class Level(_Scale):
    """How urgent a domain or an incident is; the first matching one applies."""

    ACT_NOW = "act now"
    ACT_SOON = "act soon"
    WATCH = "watch"
    NOT_KNOWN = "not known"
    FINE = "fine"


class Confidence(_Scale):
    """How certain the cause of failures is: ``high`` where it was observed or is the only explanation."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Certainty(_Scale):
    """How certain it is that failures are an incident and no background noise: the column ``confidence`` of `find_incidents`."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class State(_Scale):
    """What is known now about a reported failure or a cause; the first ones are present, the last two over."""

    SEEN_NOW = "seen now"
    REPRODUCED = "reproduced now"
    CACHED_POLICY = "sender uses a cached policy"
    REPORTED = "still reported"
    NOT_OBSERVED = "not observed now"
    THESE_SENDERS = "only these senders"
    NOT_REPRODUCIBLE = "not reproducible from here"
    RARE = "rarely reported"
    FIXED = "fixed since"
    NOISE = "background noise"

    @property
    def over(self) -> bool:
        """Whether it needs no more attention."""
        return self in (State.FIXED, State.NOISE)


class CauseKind(_Scale):
    """What sort of thing a cause is.

    ``fault``: to fix now; ``latent``: works today, may fail later or for some senders; ``sender``: not at this domain;
    ``vantage``: nothing could be observed from here; ``outcome``: where a search ends without a fault.
    """

    FAULT = "fault"
    LATENT = "latent"
    SENDER = "sender"
    VANTAGE = "vantage"
    OUTCOME = "outcome"


class StepStatus(_Scale):
    """How far a step of a plan is."""

    TO_DO = "to do"
    NOT_KNOWN = "not known"
    DONE = "done"
    NOT_NEEDED = "not needed"

    @property
    def ticked(self) -> bool:
        """Whether nothing is left to do."""
        return self in (StepStatus.DONE, StepStatus.NOT_NEEDED)
