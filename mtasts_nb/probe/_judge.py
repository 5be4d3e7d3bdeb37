"""What the judges share: a fault seen at an address, and how faults at several addresses become one finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..knowledge import finding_texts
from ..vocabulary import Severity, Status
from ._evidence import DnsAttempt

__all__ = ["Fault", "at_addresses", "finding_codes", "lookup_code", "milder"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A code seen at one address, and what was seen."""

    code: str
    evidence: str = ""


def finding_codes() -> tuple[str, ...]:
    """Return every code that only a probe of the live domain can give.

    Examples
    --------
    >>> "mx-certificate-expired" in finding_codes()
    True
    """
    return tuple(code for code, text in finding_texts().items() if text.live)


def milder(severity: Severity) -> Severity:
    """Return warning for error; the others as they are."""
    return Severity.WARNING if severity is Severity.ERROR else severity


def at_addresses(faults: Iterable[tuple[str, Fault]]) -> dict[str, list[tuple[str, str]]]:
    """Return per code the addresses at which it was seen, with the evidence, in order of appearance."""
    grouped: dict[str, list[tuple[str, str]]] = {}
    for address, fault in faults:
        entry = (address, fault.evidence)
        if entry not in grouped.setdefault(fault.code, []):
            grouped[fault.code].append(entry)
    return grouped


def joined(seen: Sequence[tuple[str, str]]) -> str:
    """Return evidence per address as one text; the same evidence is said once."""
    texts: dict[str, list[str]] = {}
    for address, text in seen:
        texts.setdefault(text, []).append(address)
    return "; ".join(
        f"{', '.join(addresses)}: {text}" if text else ", ".join(addresses) for text, addresses in texts.items()
    )


def lookup_code(attempt: DnsAttempt, otherwise: str) -> Fault | None:
    """Return what is wrong with a look-up; None where it was answered or could not be asked."""
    if attempt.status is not Status.FAILED:
        return None
    if attempt.reason == "cname-loop":
        return Fault("cname-chain-broken", attempt.detail)
    if attempt.unchecked is not None and attempt.unchecked.rcode in ("NOERROR", "NXDOMAIN"):
        return Fault("dnssec-bogus", f"{attempt.detail}; with checking turned off (CD) the answer comes")
    return Fault(otherwise, attempt.detail)
