"""One address of one MX host under the policies that apply there: MTA-STS (RFC 8461 §§2, 4, 5) and DANE (RFC 7672)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from ..markup import one_line
from ..policy import Policy
from ..probe import DaneState, Evidence, MxHost, dane_state, matching_tlsa
from ..vocabulary import Mode, PolicyType, ResultType
from ._contact import Contact, Objection
from ._outcomes import Delivery, Row
from ._profiles import Profile

__all__ = ["Address", "Dane", "SenderState", "apply_policies", "dane_for"]

_Result: TypeAlias = tuple[Delivery, Objection | None, str]


@dataclass(frozen=True, slots=True)
class Dane:
    """Whether DANE applies to a host, and why."""

    state: DaneState
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderState:
    """What a sender knows when it connects to a host: the MTA-STS policy it applies (`source` as in Outcomes), DANE."""

    profile: Profile
    policy: Policy | None
    source: str
    why: str
    dane: Dane

    @property
    def applied(self) -> Policy | None:
        """The policy, if it has a mode in which anything is checked."""
        policy = self.policy
        if policy is None or policy.mode is Mode.NONE:
            return None
        return None if policy.mode is Mode.TESTING and self.profile.does("testing") == "ignored" else policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What happens to the message at one address."""

    address: str
    delivery: Delivery
    rows: tuple[Row, ...]


def apply_policies(host: str, contact: Contact, state: SenderState) -> Address:
    """Return what happens to the message at one address, and the rows that report it."""
    behaviour, policy = state.profile.does("dane"), state.applied
    overridden = behaviour == "overridden" and policy is not None and policy.mode is Mode.ENFORCE
    dane = None if overridden else _dane_result(contact, state.dane)
    tlsa = None if dane is None else _row(PolicyType.TLSA, host, contact, dane)
    if tlsa is not None and state.dane.state is DaneState.USABLE and behaviour == "instead":
        rows: tuple[Row, ...] = (tlsa,)
    elif policy is not None:
        delivery, objection, why = _sts_result(host, contact, policy, state.profile)
        if state.dane.state in (DaneState.INSECURE, DaneState.UNVALIDATED):
            why = f"{why} {state.dane.why}".strip()
        sts = _row(PolicyType.STS, host, contact, (delivery, objection, why))
        rows = (sts,) if tlsa is None else _both(tlsa, sts)
    else:
        plain = _row(PolicyType.NO_POLICY_FOUND, host, contact, _plain_result(contact, state))
        # A policy that was not observed may forbid what DANE allows.
        rows = (plain,) if tlsa is None else (tlsa, plain) if state.source == "unknown" else (tlsa,)
    rows = tuple(_bounced(row, contact, state.profile) for row in rows)
    return Address(address=contact.address, delivery=_together(rows), rows=rows)


def _row(policy_type: PolicyType, host: str, contact: Contact, result: _Result) -> Row:
    delivery, objection, why = result
    return Row(
        policy_type=policy_type,
        mx=host,
        address=contact.address,
        delivery=delivery,
        result_type=None if objection is None else objection.result_type,
        failure_reason_code="" if objection is None else objection.code,
        why=why,
    )


def _both(tlsa: Row, sts: Row) -> tuple[Row, Row]:
    """Return the two rows of one session, each with what really happens to the message."""
    if not tlsa.delivery.accepted and sts.delivery.accepted:
        result = "was not observed" if tlsa.delivery is Delivery.UNKNOWN else "fails"
        why = f"MTA-STS allows the host, but DANE {result}, and MTA-STS does not override it (RFC 8461 §2)."
        sts = replace(sts, delivery=tlsa.delivery, why=why if sts.result_type is None else f"{sts.why} {why}")
    elif tlsa.delivery.accepted and not sts.delivery.accepted:
        why = "A TLSA record matches, but MTA-STS in mode enforce forbids this host; a sender that checks both obeys both (RFC 8461 §2, §5)."
        tlsa = replace(tlsa, delivery=sts.delivery, why=why)
    return tlsa, sts


def _together(rows: tuple[Row, ...]) -> Delivery:
    """Return what happens in one session that has a row under each policy."""
    deliveries = {row.delivery for row in rows}
    # DELIVERED before WITHOUT_STS: DANE has authenticated the host, whatever a policy in mode testing says.
    order = (Delivery.BOUNCED, Delivery.DEFERRED, Delivery.UNKNOWN, Delivery.DELIVERED)
    return next((delivery for delivery in order if delivery in deliveries), Delivery.WITHOUT_STS)


def _bounced(row: Row, contact: Contact, profile: Profile) -> Row:
    bounces = contact.permanent or (contact.rejected and profile.does("greeting-5xx") == "bounce")
    if bounces and row.delivery is Delivery.DEFERRED and row.result_type is None:
        return replace(row, delivery=Delivery.BOUNCED)
    return row


def _unreached(contact: Contact) -> _Result:
    why = f"Not reached ({contact.why}): not a TLS failure; the sender tries the next address (RFC 5321 §5.1)."
    if not contact.address:
        why = f"Nothing to connect to: {contact.why}. The sender tries the next host (RFC 5321 §5.1)."
    return Delivery.DEFERRED, None, why


def _unobserved(contact: Contact) -> str:
    return f"Not observed: {contact.why}."


def _plain_result(contact: Contact, state: SenderState) -> _Result:
    """Return the result with a sender that checks nothing here."""
    if not contact.observed:
        return Delivery.UNKNOWN, None, _unobserved(contact)
    if state.source == "unknown":
        why = f"Whether a policy applies is not known: {state.why}"
        return Delivery.UNKNOWN if contact.reachable else Delivery.DEFERRED, None, why
    if not contact.reachable:
        return _unreached(contact)
    if state.policy is None:
        why = "The sender has no policy (RFC 8461 §3.3)."
    elif state.policy.mode is Mode.NONE:
        why = "Mode none: as if there were no policy (RFC 8461 §5)."
    else:
        why = "This sender ignores policies in mode testing."
    why += " Delivered with the TLS that is available."
    if contact.trouble:
        why += f" There, {contact.trouble.why}: without a policy, senders ignore this."
    if state.dane.state in (DaneState.INSECURE, DaneState.UNVALIDATED):
        why += f" {state.dane.why}"
    return Delivery.WITHOUT_STS, None, why


def _sts_result(host: str, contact: Contact, policy: Policy, profile: Profile) -> _Result:
    enforced = policy.mode is Mode.ENFORCE
    uncovered = _uncovered(host, policy, profile)
    if contact.permanent:  # null MX, no address: no host to apply a policy to
        return _unreached(contact)
    if uncovered is not None and enforced:
        why = f"{_sentence(uncovered.why)} A sender does not connect to it (RFC 8461 §4.1, §5)."
        return Delivery.DEFERRED, uncovered, why
    if not contact.observed:
        return Delivery.UNKNOWN, uncovered, _unobserved(contact)
    trouble = uncovered or contact.no_tls or _invalid(contact, policy, profile)
    if trouble is not None and enforced:
        why = f"{_sentence(trouble.why)} In mode enforce nothing is delivered to this host; the sender tries the next one, and later again (RFC 8461 §4.2, §5)."
        return Delivery.DEFERRED, trouble, why
    if not contact.reachable:
        delivery, _, why = _unreached(contact)
        return delivery, trouble, why
    if trouble is not None:
        why = f"{_sentence(trouble.why)} In mode testing it is reported, and the message is delivered anyway (RFC 8461 §5)."
        return Delivery.WITHOUT_STS, trouble, why
    return Delivery.DELIVERED, None, "The policy matches the host; TLS and certificate are valid (RFC 8461 §4.1, §4.2)."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _uncovered(host: str, policy: Policy, profile: Profile) -> Objection | None:
    if profile.does("coverage") == "certificate" or policy.matches(host):
        return None
    why = f"no mx pattern of the policy matches {one_line(host, 120)}"
    return Objection(ResultType.VALIDATION_FAILURE, "mx-mismatch", why)


def _invalid(contact: Contact, policy: Policy, profile: Profile) -> Objection | None:
    invalid = contact.invalid
    by_name = invalid is not None and invalid.result_type is ResultType.CERTIFICATE_HOST_MISMATCH
    if profile.does("coverage") != "certificate" or contact.tls is None or (invalid is not None and not by_name):
        return invalid
    names = contact.tls.chain[0].dns_names if contact.tls.chain else ()
    if any(_names_match(pattern, name) for pattern in policy.mx for name in names):
        return None
    why = "no name of the certificate matches an mx pattern"
    return Objection(ResultType.CERTIFICATE_HOST_MISMATCH, "name-mismatch", why)


def _names_match(pattern: str, name: str) -> bool:
    """Return whether a name of a certificate and a pattern match; either may be a wildcard."""
    pattern, name = pattern.lower(), name.lower()
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return name == pattern or (name.startswith("*.") and name[2:] == pattern.partition(".")[2])


# -- DANE


def dane_for(evidence: Evidence, mx: MxHost, profile: Profile) -> Dane:
    """Return whether DANE applies to a host for this sender, and why (`dane_state`)."""
    state = dane_state(evidence, mx, insecure_mx=profile.does("dane-insecure-mx") == "dane")
    tlsa = mx.tlsa
    return Dane(state, "" if tlsa is None else _dane_why(state, f"TLSA {tlsa.query.name}", one_line(tlsa.detail, 160)))


def _dane_why(state: DaneState, lookup: str, detail: str) -> str:
    match state:
        case DaneState.INSECURE:
            return (
                "TLSA records exist but are ignored: the resolver did not validate the MX, the address and the TLSA "
                "answers, all of which must be secure (RFC 7672 §2.2)."
            )
        case DaneState.UNVALIDATED:
            return (
                "The resolver of this probe does not validate DNSSEC: whether the TLSA records count was not observed. "
                "Probe through a validating resolver."
            )
        case DaneState.NOT_OBSERVED:
            return f"{lookup} was not observed: {detail}."
        case DaneState.BROKEN:
            return (
                f"The lookup of {lookup} failed ({detail}) although the zone is signed: "
                "the host must not be used (RFC 7672 §2.1.2, §2.2)."
            )
        case DaneState.UNUSABLE:
            return "No TLSA record is usable for SMTP: TLS is required, without authentication (RFC 7672 §2.2)."
        case _:
            return ""


def _dane_result(contact: Contact, dane: Dane) -> _Result | None:
    """Return the result under policy type ``tlsa``; None if DANE does not decide."""
    if dane.state in (DaneState.NONE, DaneState.INSECURE):
        return None
    if dane.state is DaneState.UNUSABLE and (contact.no_tls is None or not contact.observed):
        return None
    if dane.state is DaneState.NOT_OBSERVED:
        return Delivery.UNKNOWN, None, dane.why
    if dane.state is DaneState.UNVALIDATED:
        return _unvalidated(contact, dane)
    if dane.state is DaneState.BROKEN:
        return Delivery.DEFERRED, Objection(ResultType.DNSSEC_INVALID, "tlsa-lookup-failed", dane.why), dane.why
    if not contact.observed:
        return Delivery.UNKNOWN, None, _unobserved(contact)
    if contact.no_tls is not None:
        why = f"There are secure TLSA records, and {contact.no_tls.why}: no delivery without TLS (RFC 7672 §2.2)."
        return Delivery.DEFERRED, contact.no_tls, why
    mismatch = _mismatch(contact)
    if mismatch is not None:
        why = f"DANE fails: {mismatch.why}; it fails in every mode of MTA-STS (RFC 8461 §2)."
        return Delivery.DEFERRED, mismatch, why
    if not contact.reachable:
        return _unreached(contact)
    return Delivery.DELIVERED, None, "A TLSA record matches what is presented (RFC 7672 §3.1)."


def _unvalidated(contact: Contact, dane: Dane) -> _Result | None:
    """Return the result where it is not known whether the TLSA records count; None if it makes no difference."""
    if not contact.observed or not contact.reachable:
        return None
    usable = any(match.matches is not None for match in contact.tlsa)
    counted = _dane_result(contact, Dane(DaneState.USABLE if usable or contact.tls is None else DaneState.UNUSABLE))
    if counted is None or counted[0].accepted:
        return None
    return Delivery.UNKNOWN, None, f"If the TLSA records count: {counted[2]} {dane.why}"


def _mismatch(contact: Contact) -> Objection | None:
    """Return why no TLSA record matches; None if one does, or if no certificate was presented."""
    if contact.tls is None:
        return None
    usable = [match for match in contact.tlsa if match.matches is not None]
    if matching := matching_tlsa(usable):
        dated = contact.invalid is not None and contact.invalid.code in ("expired", "not-yet-valid")
        return contact.invalid if dated and matching[0].record.startswith("2") else None
    if usable and all(match.name_only for match in usable):
        why = "the trust anchor of a TLSA record matches, the name does not"
        return Objection(ResultType.CERTIFICATE_HOST_MISMATCH, "name-mismatch", why)
    records = "; ".join(f"{one_line(match.record, 40)}: {one_line(match.detail, 80)}" for match in usable[:3])
    return Objection(ResultType.TLSA_INVALID, "tlsa-mismatch", f"no TLSA record matches what is presented ({records})")
