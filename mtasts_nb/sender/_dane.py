"""Whether DANE applies to an MX host, and what it says (RFC 7672)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..markup import one_line
from ..probe import DnsAttempt, MxHost, Probe
from ..vocabulary import PolicyType, ResultType, Status
from ._certificates import Objection
from ._contact import Contact
from ._outcomes import Delivery, Row
from ._profiles import Profile

__all__ = ["Dane", "State", "dane_for", "dane_row"]

_NAME_ONLY = "the name does not"


class State(Enum):
    """How DANE stands for a host."""

    NONE = "does not apply"
    UNKNOWN = "was not observed"
    BROKEN = "the TLSA records cannot be had"
    UNUSABLE = "no TLSA record is for SMTP"
    USABLE = "applies"


@dataclass(frozen=True, slots=True)
class Dane:
    """How DANE stands for a host, and why."""

    state: State
    why: str = ""


def dane_for(probe: Probe, mx: MxHost, profile: Profile) -> Dane:
    """Return how DANE stands for a host: it counts only where MX, addresses and TLSA are secure (RFC 7672 §2.2)."""
    tlsa = mx.tlsa
    if tlsa is None:
        return Dane(State.NONE)
    addresses = [x for x in (mx.a, mx.aaaa) if x is not None and x.texts]
    secure = bool(addresses) and all(x.secure for x in addresses)
    if secure and not (mx.implicit or probe.mx.secure) and profile.does("dane-insecure-mx") != "dane":
        secure = False
    if not secure:
        why = "TLSA records are there, and are ignored: the resolver did not validate all answers (RFC 7672 §2.2)."
        return Dane(State.NONE, why if tlsa.texts else "")
    if tlsa.status is Status.NOT_OBSERVED:
        return Dane(State.UNKNOWN, f"TLSA {tlsa.query.name} was not observed: {one_line(tlsa.detail, 160)}.")
    if tlsa.status is Status.FAILED:
        return Dane(State.BROKEN, _broken(tlsa))
    if not tlsa.texts or not tlsa.secure:
        why = "TLSA records are there, and are ignored: the answer is not secure (RFC 7672 §2.2)." if tlsa.texts else ""
        return Dane(State.NONE, why)
    if any(_usable(text) for text in tlsa.texts):
        return Dane(State.USABLE)
    return Dane(State.UNUSABLE, "No TLSA record is for SMTP: TLS is required, without authentication (RFC 7672 §2.2).")


def _broken(tlsa: DnsAttempt) -> str:
    return (
        f"TLSA {tlsa.query.name} cannot be had ({one_line(tlsa.detail, 160)}) although the zone is signed: "
        "the host must not be used (RFC 7672 §2.1.2, §2.2)."
    )


def _usable(text: str) -> bool:
    parts = text.split()
    # RFC 7672 §3.1: usages 2 and 3, selectors 0 and 1, matching types 0 to 2.
    return (
        len(parts) > 3
        and parts[0] in ("2", "3")
        and parts[1] in ("0", "1")
        and parts[2] in ("0", "1", "2")
        and all(sign in "0123456789abcdefABCDEF" for part in parts[3:] for sign in part)
    )


def dane_row(host: str, contact: Contact, dane: Dane) -> Row | None:
    """Return the row under policy type ``tlsa``; None where DANE has nothing to say."""
    if dane.state is State.NONE or (dane.state is State.UNUSABLE and (contact.no_tls is None or not contact.observed)):
        return None
    delivery, objection, why = _verdict(contact, dane)
    return Row(
        policy_type=PolicyType.TLSA,
        mx=host,
        address=contact.address,
        delivery=delivery,
        result_type=None if objection is None else objection.result_type,
        failure_reason_code="" if objection is None else objection.code,
        why=why,
    )


def _verdict(contact: Contact, dane: Dane) -> tuple[Delivery, Objection | None, str]:
    if dane.state is State.UNKNOWN:
        return Delivery.UNKNOWN, None, dane.why
    if dane.state is State.BROKEN:
        return Delivery.DEFERRED, Objection(ResultType.DNSSEC_INVALID, "tlsa-lookup-failed", dane.why), dane.why
    if not contact.observed:
        return Delivery.UNKNOWN, None, f"Not observed: {contact.why}."
    if contact.no_tls is not None:
        why = f"There are secure TLSA records, and {contact.no_tls.why}: no delivery without TLS (RFC 7672 §2.2)."
        return Delivery.DEFERRED, contact.no_tls, why
    wrong = _mismatch(contact)
    if wrong is not None:
        return Delivery.DEFERRED, wrong, f"DANE fails: {wrong.why}; it fails in every mode of MTA-STS (RFC 8461 §2)."
    if not contact.reachable:
        why = f"Not reached ({contact.why}): no failure of TLS, the sender goes on (RFC 5321 §5.1)."
        return Delivery.DEFERRED, None, why
    return Delivery.DELIVERED, None, "A TLSA record matches what is presented (RFC 7672 §3.1)."


def _mismatch(contact: Contact) -> Objection | None:
    """Return why no TLSA record matches; None where one does, or where no certificate was seen."""
    if contact.tls is None:
        return None
    matches = [match for match in contact.tlsa if match.matches is not None]
    good = [match for match in matches if match.matches]
    if any(match.record.startswith("3") for match in good):
        return None  # DANE-EE(3): neither names nor dates count (RFC 7672 §3.1.1)
    if good:  # DANE-TA(2): they do (§3.1.2)
        dated = contact.refused is not None and contact.refused.code in ("expired", "not-yet-valid")
        return contact.refused if dated else None
    if matches and all(_NAME_ONLY in match.detail for match in matches):
        why = "the trust anchor of a TLSA record matches, the name does not"
        return Objection(ResultType.CERTIFICATE_HOST_MISMATCH, "name-mismatch", why)
    seen = "; ".join(f"{one_line(match.record, 40)}: {one_line(match.detail, 80)}" for match in matches[:3])
    return Objection(ResultType.TLSA_INVALID, "tlsa-mismatch", f"no TLSA record matches what is presented ({seen})")
