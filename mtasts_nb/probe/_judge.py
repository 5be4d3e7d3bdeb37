"""How a finding is made from its wording, and lowered where the worst case is not the case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ..markup import one_line
from ..vocabulary import Effect, Finding, Severity, Status
from ._evidence import DnsAttempt
from ._wording import WORDING

__all__ = ["Fault", "at_addresses", "finding", "lookup_code", "milder"]

_EVIDENCE = 600
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fault:
    """A code seen at one address, and what was seen."""

    code: str
    evidence: str = ""


def finding(
    code: str,
    *,
    subject: str,
    evidence: str = "",
    severity: Severity | None = None,
    effect: Effect | None = None,
    more: str = "",
    names: Mapping[str, str] = _NO_NAMES,
) -> Finding:
    """Return a finding in the words of its code.

    Parameters
    ----------
    code : str
        A key of `WORDING`.
    subject : str
        What it is about.
    evidence : str
        What was seen; made visible and cut here.
    severity, effect : optional
        Instead of those of the worst case.
    more : str
        A sentence added to the message.
    names : mapping of str to str
        What the words name: domain, host, name, id.
    """
    words = WORDING[code]
    shown = {key: one_line(value, 253) for key, value in names.items()}
    message = words.message.format(**shown)
    return Finding(
        code=code,
        severity=severity or words.severity,
        effect=effect or words.effect,
        subject=one_line(subject, 400),
        message=f"{message} {more}".strip(),
        evidence=one_line(evidence, _EVIDENCE),
        fix=words.fix.format(**shown),
        rfc=words.rfc,
    )


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
