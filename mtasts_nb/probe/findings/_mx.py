"""What is wrong with the MX hosts, and what that does to mail.

Severity and effect follow these rules (RFC 8461 §5, §8.4; RFC 5321 §5.1; RFC 7672 §2.2):

- A sender tries the next address and the next MX host. Mail is deferred only if *every* host that could be checked
  fails: at delivery in any mode, at TLS only for senders that enforce (mode enforce, or a mode that cannot be observed
  while a record announces a policy). Only that is an error that defers mail. If some hosts could not be checked, the
  finding says so.
- A host that fails at every address while another accepts mail is a warning, and cosmetic: for mail nothing changes now.
  Redundancy is lost, and the finding says so: such a fault is noticed only on the day the host is needed. The same holds
  for a fault at some addresses of a host while another address works.
- If nothing tells senders to enforce, a fault at TLS disables protection: mail is delivered, unprotected. It is an error
  in mode testing if every host fails, as it will defer mail in enforce; else a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ...knowledge import finding, finding_texts
from ...markup import one_line
from ...vocabulary import Effect, Finding, Mode, Severity, Status
from .._attempts import SmtpAttempt
from .._evidence import Evidence, MxHost
from ._faults import CertificateProblem, Fault, by_code, certificate_faults, joined, lookup_fault, milder

__all__ = ["faults_at", "mx_findings", "mx_names", "redundancy_lost", "usable_mx"]

# Faults that prevent delivery to a host in any mode, and those that do so only for senders that check DANE.
_DELIVERY = frozenset(
    {"mx-refused", "mx-timeout", "mx-unreachable", "mx-closed", "mx-smtp-invalid", "mx-greeting-rejected",
     "mx-greeting-deferred", "mx-no-address", "mx-address-lookup-failed", "mx-address-private", "mx-ip-literal",
     "mx-name-invalid", "dnssec-bogus", "cname-chain-broken"}
)  # fmt: skip
_DANE = frozenset({"tlsa-mismatch", "tlsa-lookup-failed"})
_PLACEHOLDER = "XXXX"  # what firewalls that inspect SMTP write over an EHLO keyword
_CERTIFICATE_CODES = {
    CertificateProblem.EXPIRED: "mx-certificate-expired",
    CertificateProblem.NOT_YET_VALID: "mx-certificate-not-yet-valid",
    CertificateProblem.EXPIRES_SOON: "mx-certificate-expires-soon",
    CertificateProblem.SELF_SIGNED: "mx-certificate-self-signed",
    CertificateProblem.UNTRUSTED: "mx-certificate-untrusted",
    CertificateProblem.CHAIN_INCOMPLETE: "mx-certificate-chain-incomplete",
    CertificateProblem.INVALID: "mx-certificate-invalid",
    CertificateProblem.COMMON_NAME_ONLY: "mx-certificate-common-name-only",
    CertificateProblem.NAME_MISMATCH: "mx-certificate-name-mismatch",
    CertificateProblem.WEAK: "mx-certificate-weak",
}
_CONNECTION_CODES = {
    "refused": "mx-refused",
    "timeout": "mx-timeout",
    "unreachable": "mx-unreachable",
    "not-smtp": "mx-smtp-invalid",
}


def _is_error(code: str) -> bool:
    return finding_texts()[code].severity is Severity.ERROR


@dataclass
class _Host:
    """An MX host with its faults."""

    mx: MxHost
    faults: list[Fault] = field(default_factory=list)
    observed: set[str] = field(default_factory=set)

    def fails(self, *, delivery: bool) -> bool | None:
        """Return whether every address fails; None if none was observed."""
        errors = [fault for fault in self.faults if _is_error(fault.code)]
        if any(not fault.address and fault.code in _DELIVERY for fault in errors):
            return True
        if not self.observed:
            return None
        broken = {f.address for f in errors if (f.code in _DELIVERY or not delivery) and f.code not in _DANE}
        return self.observed <= broken

    def fails_dane(self) -> bool | None:
        """Return whether every address fails for senders that check DANE."""
        if not self.observed:
            return None
        broken = {fault.address for fault in self.faults if fault.code in _DANE or fault.code in _DELIVERY}
        return "" in broken or self.observed <= broken


def mx_names(evidence: Evidence) -> list[str] | None:
    """Return the names that a policy has to cover; None if they could not be looked up."""
    if evidence.mx.status is not Status.COMPLETED:
        return None
    # What is not a host name, or the domain itself without an address, is a fault of its own.
    return [mx.host for mx in evidence.mx_hosts if mx.problem in ("", "limit") and (not mx.implicit or mx.attempts)]


def mx_findings(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about MX records, hosts, SMTP, certificates and TLSA records."""
    domain = evidence.domain
    if (fault := lookup_fault(evidence.mx, "mx-lookup-failed")) is not None:
        yield finding(
            fault.code, subject=f"MX {domain}", host=domain, evidence=fault.evidence, domain=domain, name=domain
        )
        return
    hosts = _hosts(evidence)
    yield from _record_findings(evidence, hosts)
    if evidence.port_25_closed:
        stuck = ("port-25-closed", "no-way-out")
        tried = [a.request.address for mx in evidence.mx_hosts for a in mx.attempts if a.reason in stuck]
        text = f"no answer at all from {', '.join(tried)} on port {evidence.vantage.smtp_port}"
        yield finding("outbound-port-25-closed", subject="this network", evidence=text, domain=domain)
    domain_view = _Domain(evidence, hosts)
    for host in hosts:
        yield from _host_findings(host, domain, domain_view)


def usable_mx(evidence: Evidence) -> list[str] | None:
    """Return the MX hosts left to a sender that enforces, mx patterns included; None if every observed one fails."""
    view = _Domain(evidence, _hosts(evidence))
    return None if view.validation_fails else view.good


def faults_at(mx: MxHost) -> dict[str, list[Fault]]:
    """Return what is wrong at each address of a host; under the empty address, with the host itself."""
    faults: dict[str, list[Fault]] = {}
    for fault in [] if mx.problem in ("null", "limit") else _host(mx).faults:
        faults.setdefault(fault.address, []).append(fault)
    return faults


def _hosts(evidence: Evidence) -> list[_Host]:
    return [_host(mx) for mx in evidence.mx_hosts if mx.problem not in ("null", "limit")]


def _record_findings(evidence: Evidence, hosts: list[_Host]) -> Iterator[Finding]:
    domain, observed = evidence.domain, evidence.mx.detail
    codes = []
    if any(mx.problem == "null" for mx in evidence.mx_hosts):
        codes.append("mx-null" if len(evidence.mx_hosts) == 1 else "mx-null-mixed")
    if any(mx.implicit for mx in evidence.mx_hosts):
        bare = any(fault.code == "mx-no-address" for host in hosts for fault in host.faults)
        codes.append("mx-missing" if bare else "mx-implicit")
    for code in codes:
        yield finding(code, subject=f"MX {domain}", host=domain, evidence=observed, domain=domain)


class _Domain:
    """The domain as a whole: each fault is weighed against the other MX hosts and the mode."""

    def __init__(self, evidence: Evidence, hosts: list[_Host]) -> None:
        # The published intention, even if the record, the certificate or an address of the policy host is at fault.
        self.policy = evidence.served_policy
        self.mode = Mode(self.policy.mode) if self.policy else None
        # A record without an observed policy: senders may apply a cached one, possibly in enforce.
        self.enforced = self.mode is Mode.ENFORCE or (self.policy is None and evidence.record is not None)
        self.wanted = self.enforced or self.mode is Mode.TESTING
        self.delivery_fails = _all(host.fails(delivery=True) for host in hosts)
        self.validation_fails = _all(self._fails_validation(host) for host in hosts)
        self.dane_fails = _all(host.fails_dane() for host in hosts)
        self.good = [host.mx.host for host in hosts if self._fails_validation(host) is False]
        self.reachable = [host.mx.host for host in hosts if host.fails(delivery=True) is False]
        self.good_by_dane = [host.mx.host for host in hosts if host.fails_dane() is False]
        limit = [mx.host for mx in evidence.mx_hosts if mx.problem == "limit"]
        self.unobserved = [host.mx.host for host in hosts if host.fails(delivery=True) is None] + limit

    def _fails_validation(self, host: _Host) -> bool | None:
        if self.wanted and self.policy is not None and not self.policy.matches(host.mx.host):
            return True
        return host.fails(delivery=False)

    def weigh(self, code: str, *, everywhere: bool) -> tuple[Severity, Effect, str]:
        """Return how serious a fault of an MX host is, what it does to mail, and a note, by the rules above."""
        severity, effect = finding_texts()[code].severity, finding_texts()[code].effect
        if effect is not Effect.DEFERS_MAIL and code not in _DELIVERY:
            return severity if everywhere else milder(severity), effect, ""
        if severity is not Severity.ERROR:  # it may come to that, but not yet
            return severity, Effect.COSMETIC if self.enforced else Effect.DISABLES_PROTECTION, ""
        fails, others = self.validation_fails, self.good
        if code in _DANE:
            fails, others = self.dane_fails, self.good_by_dane
        elif code in _DELIVERY:
            fails, others = self.delivery_fails, self.reachable
        elif not self.enforced:
            worst = self.wanted and everywhere and fails
            note = "Mail is delivered anyway, without the protection of MTA-STS."
            return severity if worst else Severity.WARNING, Effect.DISABLES_PROTECTION, note
        if not everywhere:
            return Severity.WARNING, Effect.COSMETIC, "Senders try its other addresses."
        if not fails:
            return Severity.WARNING, Effect.COSMETIC, redundancy_lost(others)
        note = "No MX host is left that senders can use: mail is queued at the sender."
        if self.unobserved:
            note = f"Every MX host that could be checked fails; {_named(self.unobserved)} could not be checked."
        return severity, Effect.DEFERS_MAIL, note


def _all(results: Iterable[bool | None]) -> bool:
    """Return whether there are observed hosts, and all of them fail."""
    known = [result for result in results if result is not None]
    return bool(known) and all(known)


def redundancy_lost(others: list[str]) -> str:
    """Return the sentence that a host fails while others accept mail."""
    where = _named(others) if others else "the other MX hosts"
    return f"Redundancy is lost: senders use {where}, and no mail is deferred as long as that works."


def _named(hosts: list[str]) -> str:
    names = ", ".join(one_line(name, 80) for name in hosts[:3])
    return f"{names} and {len(hosts) - 3} more" if len(hosts) > 3 else names


def _host(mx: MxHost) -> _Host:
    """Return a host with what is wrong with it."""
    host = _Host(mx)
    if mx.problem in ("ip-literal", "invalid-name"):
        code = "mx-ip-literal" if mx.problem == "ip-literal" else "mx-name-invalid"
        host.faults.append(Fault(code, f"MX {mx.preference} {mx.host}"))
        return host
    host.faults += _address_faults(mx)
    for attempt in mx.attempts:
        address = attempt.request.address
        if attempt.observed or attempt.private:
            host.observed.add(address)
        faults = (*_attempt_faults(attempt), *_tlsa_faults(mx, attempt))
        host.faults += [replace(fault, address=address) for fault in faults]
    host.faults += _tlsa_record_faults(mx)
    return host


def _address_faults(mx: MxHost) -> Iterator[Fault]:
    if mx.cname_chain:
        yield Fault("mx-cname", f"{mx.host} → {' → '.join(mx.cname_chain)}")
    failures = [fault for attempt in mx.lookups if (fault := lookup_fault(attempt, "mx-address-lookup-failed"))]
    if any(attempt.texts for attempt in mx.lookups):
        return  # senders use the family that works
    if failures:
        yield failures[0]
    elif mx.lookups and all(attempt.status is Status.COMPLETED for attempt in mx.lookups):
        yield Fault("mx-no-address", "; ".join(f"{attempt.query.type}: {attempt.detail}" for attempt in mx.lookups))


def _attempt_faults(attempt: SmtpAttempt) -> Iterator[Fault]:
    if attempt.private:
        yield Fault("mx-address-private", attempt.detail)
    if attempt.status is Status.FAILED:
        yield _failure(attempt)
    elif attempt.status is Status.COMPLETED and attempt.starttls_offered is False:
        text = f"EHLO does not list it, but the server accepts it: {attempt.starttls}"
        yield Fault("mx-starttls-stripped", text)
    for problem, text in certificate_faults(attempt.session):
        yield Fault(_CERTIFICATE_CODES[problem], text)


def _failure(attempt: SmtpAttempt) -> Fault:
    stage, reason, ending, older = attempt.stage, attempt.reason, attempt.ending, attempt.older_tls
    if stage == "starttls" and attempt.starttls_offered is False:
        hidden = attempt.ehlo is not None and any(_PLACEHOLDER in line.upper() for line in attempt.ehlo.lines[1:])
        return Fault("mx-starttls-stripped" if hidden else "mx-starttls-missing", f"{ending}; EHLO: {attempt.ehlo}")
    if stage == "starttls" and reason == "starttls-refused":
        return Fault("mx-starttls-refused", ending)
    if stage == "ehlo-after-tls":
        return Fault("mx-ehlo-after-tls-failed", ending)
    if stage == "handshake" and older is not None and attempt.needs_old_tls:
        return Fault("mx-tls-version", f"{ending}; offered TLS 1.0 and 1.1 too, it uses {older.version}")
    if stage == "handshake":
        return Fault("mx-tls-failed", ending)
    if attempt.greeting is not None and attempt.greeting.code != 220:
        codes = {4: "mx-greeting-deferred", 5: "mx-greeting-rejected"}
        return Fault(codes.get(attempt.greeting.code // 100, "mx-smtp-invalid"), ending)
    if attempt.ehlo is not None and attempt.ehlo.code != 250:
        return Fault("mx-ehlo-rejected", ending)
    return Fault(_CONNECTION_CODES.get(reason, "mx-closed"), ending)


def _dane_applies(mx: MxHost) -> bool:
    """Return whether senders use the TLSA records: only if the addresses are secure (RFC 7672 §2.2)."""
    return any(attempt.secure for attempt in mx.lookups)


def _tlsa_faults(mx: MxHost, attempt: SmtpAttempt) -> Iterator[Fault]:
    usable = [match for match in attempt.tlsa if match.matches is not None]
    if mx.tlsa is None or mx.tlsa.answer is None or not (mx.tlsa.secure and _dane_applies(mx)):
        return
    if mx.tlsa.answer.records_dropped or not (attempt.tls is None or attempt.tls.chain_complete):
        return  # the one that matches may be among those that were not kept
    if usable and not any(match.matches for match in usable):
        yield Fault("tlsa-mismatch", "; ".join(f"{match.record}: {match.detail}" for match in usable[:4]))


def _tlsa_record_faults(mx: MxHost) -> Iterator[Fault]:
    tlsa = mx.tlsa
    if tlsa is None:
        return
    if _dane_applies(mx) and (fault := lookup_fault(tlsa, "tlsa-lookup-failed")) is not None:
        yield Fault("tlsa-lookup-failed", fault.evidence)
    if not tlsa.texts:
        return
    if not (tlsa.secure and _dane_applies(mx)):
        yield Fault("tlsa-not-secure", f"{tlsa.query.name}: {tlsa.detail}")
        return
    matches = [match for attempt in mx.attempts for match in attempt.tlsa]
    unusable = sorted({f"{match.record}: {match.detail}" for match in matches if match.matches is None})
    if unusable:
        yield Fault("tlsa-unusable", "; ".join(unusable))


def _host_findings(host: _Host, domain: str, view: _Domain) -> Iterator[Finding]:
    name = host.mx.host
    errors = {fault.address for fault in host.faults if _is_error(fault.code)}
    for code, faults in by_code(host.faults).items():
        if host.mx.implicit and code == "mx-no-address":
            continue  # reported as mx-missing
        addresses = tuple(sorted({fault.address for fault in faults if fault.address}))
        everywhere = not addresses or host.observed <= errors or "" in errors
        severity, effect, note = view.weigh(code, everywhere=everywhere)
        partial = bool(addresses) and bool(host.observed - set(addresses))
        only = f"Only at {', '.join(addresses)}." if partial else ""
        yield finding(
            code,
            subject=f"{name} [{', '.join(addresses)}]" if partial else name,
            host=name,
            addresses=addresses if partial else (),
            evidence=joined(faults) if addresses else faults[0].evidence,
            severity=severity,
            effect=effect,
            more=f"{only} {note}".strip(),
            domain=domain,
            name=name,
        )
