"""One address of one MX host under the policies that apply there (RFC 8461 §§2, 4, 5; RFC 7672)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..markup import one_line
from ..policy import Policy
from ..vocabulary import Mode, PolicyType, ResultType
from ._certificates import Objection
from ._contact import Contact
from ._dane import Dane, State, dane_row
from ._outcomes import Delivery, Row
from ._profiles import Profile

__all__ = ["Address", "Stance", "meet_policies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """With what a sender comes to a host: its manner, the MTA-STS policy it applies (`source` as in Outcomes), DANE."""

    profile: Profile
    policy: Policy | None
    source: str
    why: str
    dane: Dane

    @property
    def applied(self) -> Policy | None:
        """The policy, where it has a mode in which anything is checked."""
        policy = self.policy
        if policy is None or policy.mode is Mode.NONE:
            return None
        if policy.mode is Mode.TESTING and self.profile.does("testing") == "ignored":
            return None
        return policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What comes of the message at one address; `permanent` where nothing is delivered there for good."""

    address: str
    delivery: Delivery
    rows: tuple[Row, ...]


def meet_policies(host: str, contact: Contact, stance: Stance) -> Address:
    """Return what comes of the message at one address, and the rows that report it."""
    manner = stance.profile.does("dane")
    enforced = stance.applied is not None and stance.applied.mode is Mode.ENFORCE
    tlsa = None if manner == "overridden" and enforced else dane_row(host, contact, stance.dane)
    if tlsa is not None and stance.dane.state is State.USABLE and manner == "instead":
        rows: tuple[Row, ...] = (tlsa,)
    elif stance.applied is not None:
        sts = _sts_row(host, contact, stance)
        rows = (sts,) if tlsa is None else _both(tlsa, sts)
    elif tlsa is not None:
        # A policy that was not observed may forbid what DANE allows.
        rows = (tlsa, _plain_row(host, contact, stance)) if stance.source == "unknown" else (tlsa,)
    else:
        rows = (_plain_row(host, contact, stance),)
    rows = tuple(_for_good(row, contact, stance) for row in rows)
    return Address(address=contact.address, delivery=_together(rows), rows=rows)


def _both(tlsa: Row, sts: Row) -> tuple[Row, Row]:
    """Return the two rows of one session, each with what really becomes of the message."""
    if not tlsa.delivery.accepted and sts.delivery.accepted:
        word = "is not known" if tlsa.delivery is Delivery.UNKNOWN else "fails"
        why = f"MTA-STS has no objection, but DANE {word}, and MTA-STS does not override it (RFC 8461 §2)."
        sts = replace(sts, delivery=tlsa.delivery, why=why if sts.result_type is None else f"{sts.why} {why}")
    elif tlsa.delivery.accepted and not sts.delivery.accepted:
        why = "A TLSA record matches, but MTA-STS in mode enforce forbids this host; a sender that does both obeys both (RFC 8461 §2, §5)."
        tlsa = replace(tlsa, delivery=sts.delivery, why=why)
    return tlsa, sts


def _together(rows: tuple[Row, ...]) -> Delivery:
    """Return what becomes of one session that has a row under each policy."""
    fates = [row.delivery for row in rows]
    for worst in (Delivery.BOUNCED, Delivery.DEFERRED, Delivery.UNKNOWN):
        if worst in fates:
            return worst
    # DANE has authenticated the host, whatever a policy in mode testing says of it.
    return Delivery.DELIVERED if Delivery.DELIVERED in fates else Delivery.WITHOUT_STS


def _for_good(row: Row, contact: Contact, stance: Stance) -> Row:
    bounces = contact.permanent or (contact.rejected and stance.profile.does("greeting-5xx") == "bounce")
    if bounces and row.delivery is Delivery.DEFERRED and row.result_type is None:
        return replace(row, delivery=Delivery.BOUNCED)
    return row


def _unreached(contact: Contact) -> str:
    if not contact.address:
        return f"Nothing to connect to: {contact.why}. The sender goes on to the next host (RFC 5321 §5.1)."
    return f"Not reached ({contact.why}): no failure of TLS; the sender goes on to the next address (RFC 5321 §5.1)."


def _plain_row(host: str, contact: Contact, stance: Stance) -> Row:
    """Return the row of a sender that checks nothing here."""
    none = stance.policy is not None and stance.policy.mode is Mode.NONE
    kind = PolicyType.NO_POLICY_FOUND
    if not contact.observed:
        return Row(
            policy_type=kind, mx=host, address=contact.address, delivery=Delivery.UNKNOWN, why=_unobserved(contact)
        )
    if stance.source == "unknown":
        why = f"Whether a policy applies is not known: {stance.why}"
        return Row(policy_type=kind, mx=host, address=contact.address, delivery=_either_way(contact), why=why)
    if not contact.reachable:
        why = _unreached(contact)
        return Row(policy_type=kind, mx=host, address=contact.address, delivery=Delivery.DEFERRED, why=why)
    trouble = f" There, {contact.trouble.why}, which no sender minds without a policy." if contact.trouble else ""
    dane = f" {stance.dane.why}" if stance.dane.why and stance.dane.state is State.NONE else ""
    if none:
        head = "Mode none: as if there were no policy (RFC 8461 §5)."
    elif stance.policy is not None:
        head = "This sender does nothing about a policy in mode testing."
    else:
        head = "The sender has no policy (RFC 8461 §3.3)."
    why = f"{head} Delivered with whatever TLS there is.{trouble}{dane}"
    return Row(policy_type=kind, mx=host, address=contact.address, delivery=Delivery.WITHOUT_STS, why=why)


def _either_way(contact: Contact) -> Delivery:
    """Return what becomes of a message that no policy would change."""
    return Delivery.UNKNOWN if contact.reachable else Delivery.DEFERRED


def _unobserved(contact: Contact) -> str:
    return f"Not observed: {contact.why}."


def _sts_row(host: str, contact: Contact, stance: Stance) -> Row:
    policy = stance.applied
    if policy is None:  # pragma: no cover - the caller has looked
        raise AssertionError("no policy to apply")
    delivery, objection, why = _verdict(host, contact, policy, stance.profile)
    return Row(
        policy_type=PolicyType.STS,
        mx=host,
        address=contact.address,
        delivery=delivery,
        result_type=None if objection is None else objection.result_type,
        failure_reason_code="" if objection is None else objection.code,
        why=f"{why} {stance.dane.why}".strip() if stance.dane.state is State.NONE else why,
    )


def _verdict(host: str, contact: Contact, policy: Policy, profile: Profile) -> tuple[Delivery, Objection | None, str]:
    enforced = policy.mode is Mode.ENFORCE
    uncovered = _uncovered(host, policy, profile)
    if contact.permanent:  # null MX, no address: there is no host to hold to a policy
        return Delivery.DEFERRED, None, _unreached(contact)
    if uncovered is not None and enforced:
        why = f"{_sentence(uncovered.why)} A sender does not connect to it (RFC 8461 §4.1, §5)."
        return Delivery.DEFERRED, uncovered, why
    if not contact.observed:
        return Delivery.UNKNOWN, uncovered, _unobserved(contact)
    trouble = uncovered or contact.no_tls or _refused(contact, policy, profile)
    if trouble is not None and enforced:
        why = f"{_sentence(trouble.why)} In mode enforce nothing is delivered to this host; the sender goes on, and tries again (RFC 8461 §4.2, §5)."
        return Delivery.DEFERRED, trouble, why
    if not contact.reachable:
        return Delivery.DEFERRED, trouble, _unreached(contact)
    if trouble is not None:
        why = f"{_sentence(trouble.why)} In mode testing it is reported, and the message delivered all the same (RFC 8461 §5)."
        return Delivery.WITHOUT_STS, trouble, why
    why = "The policy permits the host; TLS and certificate are in order (RFC 8461 §4.1, §4.2)."
    return Delivery.DELIVERED, None, why


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _uncovered(host: str, policy: Policy, profile: Profile) -> Objection | None:
    if profile.does("coverage") == "certificate" or policy.matches(host):
        return None
    why = f"no mx pattern of the policy matches {one_line(host, 120)}"
    return Objection(ResultType.VALIDATION_FAILURE, "mx-mismatch", why)


def _refused(contact: Contact, policy: Policy, profile: Profile) -> Objection | None:
    refused = contact.refused
    by_name = refused is not None and refused.result_type is ResultType.CERTIFICATE_HOST_MISMATCH
    if profile.does("coverage") != "certificate" or contact.tls is None or (refused is not None and not by_name):
        return refused
    names = contact.tls.chain[0].dns_names if contact.tls.chain else ()
    if any(_alike(pattern, name) for pattern in policy.mx for name in names):
        return None
    why = "no name of the certificate matches an mx pattern"
    return Objection(ResultType.CERTIFICATE_HOST_MISMATCH, "name-mismatch", why)


def _alike(pattern: str, name: str) -> bool:
    """Return whether a certificate's name and a pattern agree; either may be a wildcard."""
    pattern, name = pattern.lower(), name.lower()
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return name == pattern or (name.startswith("*.") and name[2:] == pattern.partition(".")[2])
