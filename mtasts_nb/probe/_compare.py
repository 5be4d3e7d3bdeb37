"""What changed between two probes of a domain, and which findings are fixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ..knowledge import finding
from ..markup import one_line
from ..render import Rendered, frame
from ..vocabulary import Finding, Findings, Status
from ._attempts import DnsAttempt, HttpAttempt, SmtpAttempt, TlsSession
from ._describe import presented
from ._evidence import Evidence, MxHost
from ._probe import Probe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Change", "ChangeKind", "Comparison", "compare_probes"]


class ChangeKind(StrEnum):
    """How a fact differs between two probes."""

    CHANGED = "changed"
    APPEARED = "appeared"
    GONE = "gone"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact that is not as it was."""

    what: str
    kind: ChangeKind
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Rendered):
    """What changed between two probes of one domain.

    Attributes
    ----------
    changes : tuple of Change
        In the order in which a sender observes them. What one of the two did not observe is ``not comparable``.
    findings : Findings
        What only the comparison shows, for example a policy that changed under the same id.
    fixed, new : Findings
        Findings of the first probe that the second does not have, and the other way round. What the second did not
        reach is not called fixed: a certificate, if the connection was refused before it.
    """

    domain: str
    before: Probe
    after: Probe
    changes: tuple[Change, ...]
    findings: Findings
    fixed: Findings
    new: Findings

    def to_frame(self) -> pd.DataFrame:
        """Return one row per change: what, kind, before, after."""
        names = [field.name for field in fields(Change)]
        rows = [{name: one_line(getattr(change, name), 1000) for name in names} for change in self.changes]
        return frame(rows, names).astype("string")

    def __repr__(self) -> str:
        return (
            f"<Comparison of {self.domain}: {len(self.changes)} changes, {len(self.fixed)} fixed, {len(self.new)} new>"
        )


def compare_probes(before: Probe, after: Probe) -> Comparison:
    """Return what changed between two probes of the same domain.

    Raises
    ------
    ValueError
        The probes are of different domains.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab() as lab:
    ...     result = probe("nordwind.example", lab.settings)
    >>> compare_probes(result, result).changes
    ()
    """
    if before.domain != after.domain:
        raise ValueError(f"The probes are of two domains, {before.domain} and {after.domain}: compare two of one.")
    facts_before, facts_after = dict(_facts(before)), dict(_facts(after))
    changes = (
        _change(fact, facts_before.get(fact) or _missing(fact, before), facts_after.get(fact) or _missing(fact, after))
        for fact in dict.fromkeys((*facts_before, *facts_after))
    )
    findings_before, findings_after = _by_place(before.findings), _by_place(after.findings)
    return Comparison(
        domain=before.domain,
        before=before,
        after=after,
        changes=tuple(change for change in changes if change is not None),
        findings=Findings(_same_id(before, after)),
        fixed=Findings(
            result
            for key, result in findings_before.items()
            if key not in findings_after and _is_comparable(result, after)
        ),
        new=Findings(result for key, result in findings_after.items() if key not in findings_before),
    )


def _by_place(findings: Findings) -> dict[tuple[str, str], Finding]:
    return {(result.code, result.subject): result for result in findings}


def _same_id(before: Probe, after: Probe) -> Iterator[Finding]:
    old, new = set(before.policy_host.policy_files), set(after.policy_host.policy_files)
    ids = [probe.record.id if probe.record else None for probe in (before, after)]
    if old and new and old != new and ids[0] is not None and ids[0] == ids[1]:
        yield finding(
            "policy-changed-same-id",
            subject=after.policy_host.host,
            host=after.policy_host.host,
            evidence=f"record, before and after: {' · '.join(after.sts.texts)}",
            domain=after.domain,
            id=f"{after.started:%Y%m%d%H%M%S}",
        )


# -- facts: what a sender observes, by name


class _Fact(NamedTuple):
    what: str
    host: str = ""
    is_tlsa: bool = False


class _Absent(StrEnum):
    NONE = "(none)"
    NOT_OBSERVED = "(not observed)"


def _change(fact: _Fact, before: str, after: str) -> Change | None:
    if before == after:
        return None
    kind = ChangeKind.CHANGED
    if before is _Absent.NONE:
        kind = ChangeKind.APPEARED
    elif after is _Absent.NONE:
        kind = ChangeKind.GONE
    if any(text is _Absent.NOT_OBSERVED for text in (before, after)):
        kind = ChangeKind.NOT_COMPARABLE
    return Change(what=fact.what, kind=kind, before=str(before), after=str(after))


def _missing(fact: _Fact, evidence: Evidence) -> _Absent:
    """Return what it means that a probe lacks a fact: nothing is there, or it was not looked up."""
    lookups: list[DnsAttempt | None] = [evidence.mx]
    mx = _mx_host(fact.host, evidence)
    if fact.host == evidence.policy_host.host:
        lookups = [evidence.policy_host.a, evidence.policy_host.aaaa]
    elif mx is not None:
        lookups += [mx.tlsa] if fact.is_tlsa else [mx.a, mx.aaaa]
    return _Absent.NONE if _answered(*lookups) else _Absent.NOT_OBSERVED


def _facts(evidence: Evidence) -> Iterator[tuple[_Fact, str]]:
    yield _Fact("_mta-sts record"), _records(evidence.sts)
    host = evidence.policy_host.host
    for lookup in (evidence.policy_host.a, evidence.policy_host.aaaa):
        yield _Fact(f"policy host addresses, {lookup.query.type}", host), _records(lookup)
    for http in evidence.policy_host.attempts:
        where = f"policy host {http.request.address}"
        ending = f"status {http.response.status_code}" if http.response else f"{http.stage}: {http.reason}"
        yield _Fact(f"{where}: fetch", host), ending if http.observed else _Absent.NOT_OBSERVED
        yield _Fact(f"{where}: certificate", host), _certificate(http)
    files = sorted(body.decode("utf-8", "backslashreplace") for body in evidence.policy_host.policy_files)
    if files or any(attempt.observed for attempt in evidence.policy_host.attempts):
        yield _Fact("policy file", host), "\n---\n".join(files) or _Absent.NONE
    yield _Fact("MX records"), _records(evidence.mx)
    for mx in evidence.mx_hosts:
        for smtp in mx.attempts:
            where = f"{mx.host} {smtp.request.address}"
            ending = "complete" if smtp.stage == "done" else f"{smtp.stage}: {smtp.reason}"
            yield _Fact(f"{where}: conversation", mx.host), ending if smtp.observed else _Absent.NOT_OBSERVED
            yield _Fact(f"{where}: TLS", mx.host), smtp.tls.version if smtp.tls else _no_session(smtp)
            yield _Fact(f"{where}: certificate", mx.host), _certificate(smtp)
        yield _Fact(f"{mx.host}: TLS 1.0 or 1.1", mx.host), _old_tls(mx)
        if mx.tlsa is not None:
            yield _Fact(f"{mx.host}: TLSA", mx.host, is_tlsa=True), _records(mx.tlsa)
    yield _Fact("_smtp._tls record"), _records(evidence.tlsrpt)


def _records(lookup: DnsAttempt) -> str:
    if lookup.status is Status.NOT_OBSERVED:
        return _Absent.NOT_OBSERVED
    if lookup.status is Status.FAILED:
        return f"failed: {lookup.detail}"
    return "\n".join(lookup.texts) or _Absent.NONE


def _no_session(attempt: HttpAttempt | SmtpAttempt) -> _Absent:
    return _Absent.NONE if attempt.observed else _Absent.NOT_OBSERVED


def _old_tls(mx: MxHost) -> str:
    """Return the old version that a host still negotiates; one address of those with TLS was asked for it.

    A snapshot from before that check, and a host at which it was not tried, does not show that there is none.
    """
    offers = (attempt.older_tls for attempt in mx.attempts if attempt.offers_old_tls or attempt.needs_old_tls)
    if session := next(offers, None):
        return session.version
    tried = any(attempt.older_tls_tried for attempt in mx.attempts if attempt.tls is not None)
    return _Absent.NONE if tried else _Absent.NOT_OBSERVED


def _certificate(attempt: HttpAttempt | SmtpAttempt) -> str:
    session: TlsSession | None = attempt.tls
    if session is None or not session.chain:
        return _no_session(attempt)
    return f"{presented(session)}, sha256 {session.chain[0].sha256[:16]}"


# -- whether the later probe reached what an earlier finding is about: only then it is fixed, and not just out of sight

# Findings about the MX records as a whole, not about one host.
_MX_RECORDS = frozenset({"mx-lookup-failed", "mx-missing", "mx-implicit", "mx-null", "mx-null-mixed"})
# Findings about the response of the policy host, and those about its connection; all others are about the file.
_RESPONSE = ("policy-http-", "policy-content-type", "policy-too-large", "policy-empty", "policy-address-differs")
_CONNECTION = ("policy-host-", "cname-chain-broken")
_UNDER_TLS = ("mx-certificate-", "mx-ehlo-after-tls-", "tlsa-mismatch")
_AFTER_STARTTLS = ("mx-starttls-", "mx-tls-")


def _is_comparable(result: Finding, later: Evidence) -> bool:
    code, host = result.code, result.host
    if not host:
        return True  # about this machine, its network or this probe
    if host == later.tlsrpt.query.name:
        return _answered(later.tlsrpt)
    if host == later.sts.query.name:
        return _answered(later.sts)
    if code == "mx-not-covered":
        return bool(later.policy_host.policy_files) and _answered(later.mx)
    if host == later.policy_host.host:
        return _policy_host_reached(result, later)
    if code.startswith(("mx-", "tlsa-")) and code not in _MX_RECORDS:
        return _mx_host_reached(result, later)
    return _answered(later.sts, later.mx, later.tlsrpt)


def _answered(*lookups: DnsAttempt | None) -> bool:
    return all(lookup is not None and lookup.status is Status.COMPLETED for lookup in lookups)


def _mx_host(host: str, evidence: Evidence) -> MxHost | None:
    return next((mx for mx in evidence.mx_hosts if mx.host == host), None)


def _policy_host_reached(result: Finding, later: Evidence) -> bool:
    code, policy_host = result.code, later.policy_host
    if not code.startswith(("policy-certificate-", *_RESPONSE, *_CONNECTION)):
        return bool(policy_host.policy_files)
    attempts = [a for a in policy_host.attempts if not result.addresses or a.request.address in result.addresses]
    if not attempts:
        return _answered(policy_host.a, policy_host.aaaa)  # the address is no longer published
    if code.startswith("policy-certificate-"):
        return all(attempt.tls is not None for attempt in attempts)
    if code.startswith(_CONNECTION):
        return all(attempt.observed for attempt in attempts)
    return all(attempt.response is not None for attempt in attempts)


def _mx_host_reached(result: Finding, later: Evidence) -> bool:
    code, mx = result.code, _mx_host(result.host, later)
    if mx is None:
        return _answered(later.mx)  # the host is no longer published
    if code.startswith("tlsa-") and code != "tlsa-mismatch":
        return _answered(mx.tlsa)
    attempts = [a for a in mx.attempts if not result.addresses or a.request.address in result.addresses]
    if not attempts:
        return mx.problem != "limit" and _answered(mx.a, mx.aaaa)
    if code.startswith(_UNDER_TLS):
        return all(attempt.tls is not None for attempt in attempts)
    if code.startswith(_AFTER_STARTTLS):
        return all(attempt.starttls is not None for attempt in attempts)
    return all(attempt.observed for attempt in attempts)
