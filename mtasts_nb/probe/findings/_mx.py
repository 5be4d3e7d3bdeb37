"""What is wrong with the MX hosts: their records, addresses, SMTP, TLS, certificates and TLSA records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...knowledge import finding, finding_texts
from ...vocabulary import Finding, Severity, Status
from .._attempts import SmtpAttempt
from .._dane import DaneState, dane_state, matching_tlsa
from .._evidence import Evidence, MxHost
from ._faults import Blocks, CertificateProblem, Fault, by_code, certificate_faults, joined, lookup_fault
from ._weight import Host, Weights

__all__ = ["faults_at", "mx_findings", "mx_names", "weights"]

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
        yield _no_answer(evidence)
    domain_weights = Weights(evidence, hosts)
    for host in hosts:
        yield from _host_findings(host, domain, domain_weights)


def _no_answer(evidence: Evidence) -> Finding:
    """Return the finding that nothing answers on port 25: at this network, or where that cannot be decided."""
    stuck = [(mx.host, attempt) for mx in evidence.mx_hosts for attempt in mx.attempts]
    stuck = [(host, attempt) for host, attempt in stuck if attempt.reason in ("port-25-closed", "no-way-out")]
    tried = ", ".join(f"{host} [{attempt.request.address}]" for host, attempt in stuck)
    names = dict.fromkeys(host for host, _ in stuck)
    reference = evidence.reference
    if reference is not None:
        tried += f"; nor from the reference host {reference.request.mx} [{reference.request.address}]"
    own = reference is not None or all(attempt.reason == "no-way-out" for _, attempt in stuck)
    return finding(
        "outbound-port-25-closed" if own else "port-25-no-answer",
        subject="this network" if own else ", ".join(names),
        evidence=f"no answer at all from {tried} on port {evidence.vantage.smtp_port}",
        domain=evidence.domain,
        name=", ".join(names),
        more="" if own else f"The time-out was {evidence.vantage.timeout:g} seconds.",
    )


def weights(evidence: Evidence) -> Weights:
    """Return what faults of the MX hosts do to mail."""
    return Weights(evidence, _hosts(evidence))


def faults_at(evidence: Evidence, mx: MxHost) -> dict[str, list[Fault]]:
    """Return what is wrong at each address of a host; under the empty address, with the host itself."""
    faults: dict[str, list[Fault]] = {}
    for fault in [] if mx.problem in ("null", "limit") else _host(evidence, mx).faults:
        faults.setdefault(fault.address, []).append(fault)
    return faults


def _hosts(evidence: Evidence) -> list[Host]:
    return [_host(evidence, mx) for mx in evidence.mx_hosts if mx.problem not in ("null", "limit")]


def _record_findings(evidence: Evidence, hosts: list[Host]) -> Iterator[Finding]:
    domain, observed = evidence.domain, evidence.mx.detail
    codes = []
    if any(mx.problem == "null" for mx in evidence.mx_hosts):
        codes.append("mx-null" if len(evidence.mx_hosts) == 1 else "mx-null-mixed")
    if any(mx.implicit for mx in evidence.mx_hosts):
        bare = any(fault.code == "mx-no-address" for host in hosts for fault in host.faults)
        codes.append("mx-missing" if bare else "mx-implicit")
    for code in codes:
        yield finding(code, subject=f"MX {domain}", host=domain, evidence=observed, domain=domain)


def _host(evidence: Evidence, mx: MxHost) -> Host:
    """Return a host with what is wrong with it."""
    host = Host(mx)
    if mx.problem in ("ip-literal", "invalid-name"):
        code = "mx-ip-literal" if mx.problem == "ip-literal" else "mx-name-invalid"
        host.faults.append(Fault(code, f"MX {mx.preference} {mx.host}", blocks=Blocks.EVERY))
        return host
    dane = dane_state(evidence, mx)
    host.faults += _address_faults(mx)
    for attempt in mx.attempts:
        address = attempt.request.address
        if attempt.observed or attempt.private:
            host.observed.add(address)
        faults = (*_attempt_faults(attempt, dane), *_tlsa_faults(mx, attempt, dane))
        host.faults += [replace(fault, address=address) for fault in faults]
    host.faults += _tlsa_record_faults(mx, dane)
    host.faults += [
        Fault(
            "mx-tls-old-offered",
            f"{attempt.request.address}: offered TLS 1.0 and 1.1, it uses {attempt.older_tls.version}",
        )
        for attempt in mx.attempts
        if attempt.offers_old_tls and attempt.older_tls is not None
    ]
    return host


def _address_faults(mx: MxHost) -> Iterator[Fault]:
    if mx.cname_chain:
        yield Fault("mx-cname", f"{mx.host} → {' → '.join(mx.cname_chain)}")
    failures = [fault for attempt in mx.lookups if (fault := lookup_fault(attempt, "mx-address-lookup-failed"))]
    if any(attempt.texts for attempt in mx.lookups):
        return  # senders use the family that works
    if failures:
        yield replace(failures[0], blocks=Blocks.EVERY)
    elif mx.lookups and all(attempt.status is Status.COMPLETED for attempt in mx.lookups):
        text = "; ".join(f"{attempt.query.type}: {attempt.detail}" for attempt in mx.lookups)
        yield Fault("mx-no-address", text, blocks=Blocks.EVERY)


def _attempt_faults(attempt: SmtpAttempt, dane: DaneState) -> Iterator[Fault]:
    needs_tls = Blocks.DANE if dane in (DaneState.USABLE, DaneState.UNUSABLE) else Blocks.POLICY
    if attempt.private:
        yield Fault("mx-address-private", attempt.detail, blocks=Blocks.EVERY)
    if attempt.status is Status.FAILED:
        yield replace(_failure(attempt), blocks=needs_tls if _reached_without_tls(attempt) else Blocks.EVERY)
    elif attempt.status is Status.COMPLETED and attempt.starttls_offered is False:
        text = f"EHLO does not list it, but the server accepts it: {attempt.starttls}"
        yield Fault("mx-starttls-stripped", text, blocks=needs_tls)
    # With a trust anchor in TLSA the dates count too, with the host's own key they do not.
    anchored = dane is DaneState.USABLE and any(match.record.startswith("2") for match in matching_tlsa(attempt.tlsa))
    for problem, text in certificate_faults(attempt.session):
        code = _CERTIFICATE_CODES[problem]
        dated = problem in (CertificateProblem.EXPIRED, CertificateProblem.NOT_YET_VALID)
        blocks = Blocks.DANE if anchored and dated else Blocks.POLICY
        yield Fault(code, text, blocks=blocks if finding_texts()[code].severity is Severity.ERROR else Blocks.NONE)


def _reached_without_tls(attempt: SmtpAttempt) -> bool:
    """Return whether a sender that needs no TLS delivers to a host whose conversation failed."""
    rejects_ehlo = attempt.stage == "ehlo" and attempt.ehlo is not None and attempt.ehlo.code // 100 == 5
    return rejects_ehlo or attempt.stage in ("starttls", "handshake")


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


def _tlsa_faults(mx: MxHost, attempt: SmtpAttempt, dane: DaneState) -> Iterator[Fault]:
    if mx.tlsa is None or mx.tlsa.answer is None or dane is not DaneState.USABLE:
        return
    if mx.tlsa.answer.records_dropped or not (attempt.tls is None or attempt.tls.chain_complete):
        return  # the one that matches may be among those that were not kept
    usable = [match for match in attempt.tlsa if match.matches is not None]
    if usable and not any(match.matches for match in usable):
        text = "; ".join(f"{match.record}: {match.detail}" for match in usable[:4])
        yield Fault("tlsa-mismatch", text, blocks=Blocks.DANE)


def _tlsa_record_faults(mx: MxHost, dane: DaneState) -> Iterator[Fault]:
    tlsa = mx.tlsa
    if tlsa is None:
        return
    if dane is DaneState.BROKEN:
        fault = lookup_fault(tlsa, "tlsa-lookup-failed")
        yield Fault("tlsa-lookup-failed", fault.evidence if fault else tlsa.detail, blocks=Blocks.DANE)
    elif dane is DaneState.INSECURE:
        yield Fault("tlsa-not-secure", f"{tlsa.query.name}: {tlsa.detail}")
    elif dane.applies:
        matches = [match for attempt in mx.attempts for match in attempt.tlsa]
        unusable = sorted({f"{match.record}: {match.detail}" for match in matches if match.matches is None})
        if unusable:
            yield Fault("tlsa-unusable", "; ".join(unusable))
        own = [match for match in matches if match.matches is not None]
        if own and all(match.matches and match.record.startswith("3") for match in own):
            yield Fault("tlsa-no-next-key", f"{tlsa.query.name}: {tlsa.detail}")


def _host_findings(host: Host, domain: str, domain_weights: Weights) -> Iterator[Finding]:
    name = host.mx.host
    for code, faults in by_code(host.faults).items():
        if host.mx.implicit and code == "mx-no-address":
            continue  # reported as mx-missing
        addresses = tuple(sorted({fault.address for fault in faults if fault.address}))
        weight = domain_weights.of(host, faults)
        partial = bool(addresses) and bool(host.observed - set(addresses))
        only = f"Only at {', '.join(addresses)}." if partial else ""
        yield finding(
            code,
            subject=f"{name} [{', '.join(addresses)}]" if partial else name,
            host=name,
            addresses=addresses if partial else (),
            evidence=joined(faults) if addresses else faults[0].evidence,
            severity=weight.severity,
            effect=weight.effect,
            more=f"{only} {weight.note}".strip(),
            domain=domain,
            name=name,
        )
