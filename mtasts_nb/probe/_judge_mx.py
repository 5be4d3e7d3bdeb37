"""What is wrong with the MX hosts, and what that does to mail.

Severity and effect by these rules (RFC 8461 §5, §8.4; RFC 5321 §5.1; RFC 7672 §2.2):

- A sender tries the next address and the next MX host. Mail is held back only where *every* host that could be looked
  at fails: at delivery in any mode, at TLS only for senders that enforce (mode enforce, or a mode that cannot be seen
  while a record announces a policy). That, and only that, is an error that holds mail back. Where some hosts could not
  be looked at, the finding says so.
- A host that fails at every address while another takes the mail is a warning, and cosmetic: for mail nothing changes
  now. What is lost is redundancy, and the finding says that: such a fault shows only on the day the host is needed.
  So is a fault at some addresses of a host while another address is in order.
- Where nothing asks senders to enforce, a fault at TLS disables protection: mail is delivered, unprotected. It is an
  error in mode testing where every host fails, as it will hold mail back in enforce; else a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ..knowledge import finding, finding_texts
from ..markup import one_line
from ..vocabulary import Effect, Finding, Mode, Severity, Status
from ._evidence import MxHost, SmtpAttempt
from ._judge import Fault, at_addresses, joined, lookup_code, milder
from ._judge_certificates import certificate_faults
from ._judge_policy_host import OLD_TLS

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["faults_at", "mx_findings", "mx_names", "redundancy_lost", "usable_mx"]

# Faults that keep mail from a host in any mode, and those that do so only for senders that check DANE.
_DELIVERY = frozenset(
    {"mx-refused", "mx-timeout", "mx-unreachable", "mx-closed", "mx-smtp-invalid", "mx-greeting-rejected",
     "mx-greeting-deferred", "mx-no-address", "mx-address-lookup-failed", "mx-address-private", "mx-ip-literal",
     "mx-name-invalid", "dnssec-bogus", "cname-chain-broken"}
)  # fmt: skip
_DANE = frozenset({"tlsa-mismatch", "tlsa-lookup-failed"})
_PLACEHOLDER = "XXXX"  # what firewalls that inspect SMTP write over an EHLO keyword


@dataclass
class _Seen:
    """What was found at one host: faults of the host itself (address empty) and per address."""

    mx: MxHost
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    looked_at: set[str] = field(default_factory=set)

    def fails(self, *, delivery: bool) -> bool | None:
        """Return whether every address fails; None where none was looked at."""
        kinds = [(at, f.code) for at, f in self.faults if finding_texts()[f.code].severity is Severity.ERROR]
        if any(not at and code in _DELIVERY for at, code in kinds):
            return True
        if not self.looked_at:
            return None
        broken = {at for at, code in kinds if (code in _DELIVERY or not delivery) and code not in _DANE}
        return self.looked_at <= broken

    def fails_dane(self) -> bool | None:
        """Return whether every address fails for senders that check DANE."""
        if not self.looked_at:
            return None
        broken = {at for at, f in self.faults if f.code in _DANE or f.code in _DELIVERY}
        return "" in broken or self.looked_at <= broken


def mx_names(probe: Probe) -> list[str] | None:
    """Return the names that a policy has to cover; None where they could not be looked up."""
    if probe.mx.status is not Status.COMPLETED:
        return None
    # What is no host name, or stands in for an MX without having an address, is a fault of its own.
    return [mx.host for mx in probe.mx_hosts if mx.problem in ("", "limit") and (not mx.implicit or mx.attempts)]


def mx_findings(probe: Probe) -> Iterator[Finding]:
    """Yield the findings about MX records, hosts, conversations, certificates and TLSA records."""
    domain = probe.domain
    fault = lookup_code(probe.mx, "mx-lookup-failed")
    if fault is not None:
        yield finding(fault.code, subject=f"MX {domain}", evidence=fault.evidence, domain=domain, name=domain)
        return
    seen = _look_through_all(probe)
    yield from _record_findings(probe, seen)
    if probe.port_25_closed:
        yield finding("outbound-port-25-closed", subject="this network", evidence=_dropped(probe), domain=domain)
    rank = partial(_rank, _Verdicts(probe, seen))
    for one in seen:
        yield from _host_findings(one, domain, rank)


def usable_mx(probe: Probe) -> list[str] | None:
    """Return the MX hosts left to a sender that enforces, patterns included; None where every one looked at fails."""
    verdicts = _Verdicts(probe, _look_through_all(probe))
    return None if verdicts.validation_fails else verdicts.good


def faults_at(mx: MxHost) -> dict[str, list[Fault]]:
    """Return what is wrong at each address of a host; under the empty address, with the host itself."""
    faults: dict[str, list[Fault]] = {}
    if mx.problem not in ("null", "limit"):
        for address, fault in _look_through(mx).faults:
            faults.setdefault(address, []).append(fault)
    return faults


def _look_through_all(probe: Probe) -> list[_Seen]:
    return [_look_through(mx) for mx in probe.mx_hosts if mx.problem not in ("null", "limit")]


def _record_findings(probe: Probe, seen: list[_Seen]) -> Iterator[Finding]:
    domain = probe.domain
    nulls = [mx for mx in probe.mx_hosts if mx.problem == "null"]
    if nulls:
        code = "mx-null" if len(probe.mx_hosts) == 1 else "mx-null-mixed"
        yield finding(code, subject=f"MX {domain}", evidence=probe.mx.detail, domain=domain)
    if any(mx.implicit for mx in probe.mx_hosts):
        bare = any(fault.code == "mx-no-address" for one in seen for _, fault in one.faults)
        code = "mx-missing" if bare else "mx-implicit"
        yield finding(code, subject=f"MX {domain}", evidence=probe.mx.detail, domain=domain)


def _dropped(probe: Probe) -> str:
    stuck = ("port-25-closed", "no-way-out")
    tried = [a.request.address for mx in probe.mx_hosts for a in mx.attempts if a.reason in stuck]
    return f"no answer at all from {', '.join(tried)} on port {probe.vantage.smtp_port}"


@dataclass(frozen=True)
class _Ranking:
    severity: Severity
    effect: Effect
    more: str


class _Verdicts:
    """What the domain as a whole looks like, against which each fault is weighed."""

    def __init__(self, probe: Probe, seen: list[_Seen]) -> None:
        # What is meant, be the record, the certificate or one address of the policy host at fault.
        self.policy = probe.served_policy
        self.mode = Mode(self.policy.mode) if self.policy else None
        # A record without a policy that can be seen: senders may go on with a cached one, in enforce for all we know.
        self.enforced = self.mode is Mode.ENFORCE or (self.policy is None and probe.record is not None)
        self.wanted = self.enforced or self.mode is Mode.TESTING
        self.delivery_fails = _all(one.fails(delivery=True) for one in seen)
        self.validation_fails = _all(self._fails_validation(one) for one in seen)
        self.dane_fails = _all(one.fails_dane() for one in seen)
        self.good = [one.mx.host for one in seen if self._fails_validation(one) is False]
        self.reachable = [one.mx.host for one in seen if one.fails(delivery=True) is False]
        self.good_by_dane = [one.mx.host for one in seen if one.fails_dane() is False]
        limit = [mx.host for mx in probe.mx_hosts if mx.problem == "limit"]
        self.unseen = [one.mx.host for one in seen if one.fails(delivery=True) is None] + limit

    def at(self, code: str) -> tuple[bool, list[str]]:
        """Return whether every host fails in the way of this code, and those that do not."""
        if code in _DANE:
            return self.dane_fails, self.good_by_dane
        if code in _DELIVERY:
            return self.delivery_fails, self.reachable
        return self.validation_fails, self.good

    def _fails_validation(self, one: _Seen) -> bool | None:
        if self.wanted and self.policy is not None and not self.policy.matches(one.mx.host):
            return True
        return one.fails(delivery=False)


def _all(verdicts: Iterator[bool | None]) -> bool:
    """Return whether there are hosts that were looked at, and all of them fail."""
    known = [verdict for verdict in verdicts if verdict is not None]
    return bool(known) and all(known)


def _rank(verdicts: _Verdicts, code: str, *, everywhere: bool) -> _Ranking:
    """Return how bad a fault of an MX host is, and what it does to mail, by the rules above."""
    severity, effect = finding_texts()[code].severity, finding_texts()[code].effect
    if effect is not Effect.DEFERS_MAIL and code not in _DELIVERY:
        return _Ranking(severity if everywhere else milder(severity), effect, "")
    if severity is not Severity.ERROR:  # it may come to that, and has not yet
        return _Ranking(severity, Effect.COSMETIC if verdicts.enforced else Effect.DISABLES_PROTECTION, "")
    fails, others = verdicts.at(code)
    if code not in _DANE and code not in _DELIVERY and not verdicts.enforced:
        more = "Mail is delivered all the same, without the protection of MTA-STS."
        worst = verdicts.wanted and everywhere and fails
        return _Ranking(severity if worst else Severity.WARNING, Effect.DISABLES_PROTECTION, more)
    if not everywhere:
        return _Ranking(Severity.WARNING, Effect.COSMETIC, "Senders go on to its other addresses.")
    if not fails:
        return _Ranking(Severity.WARNING, Effect.COSMETIC, redundancy_lost(others))
    if verdicts.unseen:
        more = f"Every MX host that could be looked at fails; nothing is known of {_named(verdicts.unseen)}."
    else:
        more = "No MX host is left that senders can use: they wait and try again."
    return _Ranking(severity, Effect.DEFERS_MAIL, more)


def redundancy_lost(others: list[str]) -> str:
    """Return what it means that a host fails while others take the mail."""
    where = f"to {_named(others)}" if others else "to the other MX hosts"
    return f"Redundancy is lost: senders go on {where}, and nothing is held back while that works."


def _named(hosts: list[str]) -> str:
    shown = ", ".join(one_line(name, 80) for name in hosts[:3])
    return f"{shown} and {len(hosts) - 3} more" if len(hosts) > 3 else shown


def _look_through(mx: MxHost) -> _Seen:
    """Return what is wrong at one host."""
    seen = _Seen(mx)
    if mx.problem in ("ip-literal", "invalid-name"):
        code = "mx-ip-literal" if mx.problem == "ip-literal" else "mx-name-invalid"
        seen.faults.append(("", Fault(code, f"MX {mx.preference} {mx.host}")))
        return seen
    seen.faults += [("", fault) for fault in _address_faults(mx)]
    for attempt in mx.attempts:
        address = attempt.request.address
        if attempt.status is not Status.NOT_OBSERVED or attempt.reason == "private-address":
            seen.looked_at.add(address)
        seen.faults += [(address, fault) for fault in _attempt_faults(attempt)]
        seen.faults += [(address, fault) for fault in _tlsa_faults(mx, attempt)]
    seen.faults += [("", fault) for fault in _tlsa_record_faults(mx)]
    return seen


def _address_faults(mx: MxHost) -> Iterator[Fault]:
    if mx.cname_chain:
        yield Fault("mx-cname", f"{mx.host} → {' → '.join(mx.cname_chain)}")
    lookups = [attempt for attempt in (mx.a, mx.aaaa) if attempt is not None]
    failures = [fault for attempt in lookups if (fault := lookup_code(attempt, "mx-address-lookup-failed"))]
    if any(attempt.texts for attempt in lookups):
        return  # senders use the family that works
    if failures:
        yield failures[0]
    elif lookups and all(attempt.status is Status.COMPLETED for attempt in lookups):
        yield Fault("mx-no-address", "; ".join(f"{attempt.query.type}: {attempt.detail}" for attempt in lookups))


def _attempt_faults(attempt: SmtpAttempt) -> Iterator[Fault]:
    if attempt.reason == "private-address":
        yield Fault("mx-address-private", attempt.detail)
    if attempt.status is Status.FAILED:
        yield _failure(attempt)
    elif attempt.status is Status.COMPLETED and attempt.starttls_offered is False:
        yield Fault("mx-starttls-stripped", f"EHLO does not list it, yet the server takes it: {attempt.starttls}")
    yield from certificate_faults(attempt.tls or attempt.older_tls, "mx")


def _failure(attempt: SmtpAttempt) -> Fault:
    stage, reason, evidence = attempt.stage, attempt.reason, f"{attempt.stage}: {attempt.detail}"
    if stage == "starttls" and attempt.starttls_offered is False:
        hidden = attempt.ehlo is not None and any(_PLACEHOLDER in line.upper() for line in attempt.ehlo.lines[1:])
        return Fault("mx-starttls-stripped" if hidden else "mx-starttls-missing", f"{evidence}; EHLO: {attempt.ehlo}")
    if stage == "starttls" and reason == "starttls-refused":
        return Fault("mx-starttls-refused", evidence)
    if stage == "ehlo-after-tls":
        return Fault("mx-ehlo-after-tls-failed", evidence)
    if stage == "handshake":
        older = attempt.older_tls
        if older is not None and older.version in OLD_TLS:
            return Fault("mx-tls-version", f"{evidence}; offered TLS 1.0 and 1.1 too, it takes {older.version}")
        return Fault("mx-tls-failed", evidence)
    if reason.startswith("greeting-"):
        kinds = {"4": "mx-greeting-deferred", "5": "mx-greeting-rejected"}
        return Fault(kinds.get(reason[9:10], "mx-smtp-invalid"), evidence)
    if reason.startswith("ehlo-"):
        return Fault("mx-ehlo-rejected", evidence)
    codes = {"refused": "mx-refused", "timeout": "mx-timeout", "unreachable": "mx-unreachable",
             "not-smtp": "mx-smtp-invalid"}  # fmt: skip
    return Fault(codes.get(reason, "mx-closed"), evidence)


def _dane_applies(mx: MxHost) -> bool:
    """Return whether senders look at the TLSA records: only where the addresses are secure (RFC 7672 §2.2)."""
    return any(attempt is not None and attempt.secure for attempt in (mx.a, mx.aaaa))


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
    if _dane_applies(mx) and (fault := lookup_code(tlsa, "tlsa-lookup-failed")) is not None:
        yield Fault("tlsa-lookup-failed", fault.evidence)
    if not tlsa.texts:
        return
    if not (tlsa.secure and _dane_applies(mx)):
        yield Fault("tlsa-not-secure", f"{tlsa.query.name}: {tlsa.detail}")
        return
    matches = [match for attempt in mx.attempts for match in attempt.tlsa]
    useless = sorted({f"{match.record}: {match.detail}" for match in matches if match.matches is None})
    if useless:
        yield Fault("tlsa-unusable", "; ".join(useless))


def _host_findings(one: _Seen, domain: str, rank: partial[_Ranking]) -> Iterator[Finding]:
    host = one.mx.host
    for code, seen in at_addresses(one.faults).items():
        if one.mx.implicit and code == "mx-no-address":
            continue  # said as mx-missing
        where = sorted({address for address, _ in seen if address})
        errors = {at for at, f in one.faults if finding_texts()[f.code].severity is Severity.ERROR}
        everywhere = not where or one.looked_at <= errors or "" in errors
        ranking = rank(code, everywhere=everywhere)
        others = sorted(one.looked_at - set(where))
        only = f"Only at {', '.join(where)}." if where and others else ""
        yield finding(
            code,
            subject=f"{host} [{', '.join(where)}]" if only else host,
            addresses=tuple(where) if only else (),
            evidence=joined(seen) if where else seen[0][1],
            severity=ranking.severity,
            effect=ranking.effect,
            more=f"{only} {ranking.more}".strip(),
            host=host,
            domain=domain,
            name=host,
        )
