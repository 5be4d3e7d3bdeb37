"""Every fault of the texts that make MTA-STS and TLS reporting, as findings, and the texts corrected.

A corrected text is parsed again before it is proposed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from ..errors import RecordError
from ..knowledge import finding, finding_texts, fix_of
from ..markup import one_line
from ..vocabulary import Finding, Findings
from ._coverage import cover, cover_findings, host_patterns, near_miss
from ._fault import Fault, Raw, as_raw, as_text
from ._names import ascii_lower, mx_host_names, pattern_doubt
from ._policy import Policy, lint_policy, policy_text
from ._policy_fields import PolicyLint
from ._record_lint import Kind, RecordLint, split_rrset
from ._sts_record import STS, StsRecord, id_meant, lint_sts_record
from ._tlsrpt_record import TLSRPT, TlsRptRecord, lint_tlsrpt_record

__all__ = ["validate"]

_NAMED_HOSTS = 10
_USELESS = frozenset({"pattern-ip-address", "pattern-single-label"})
_WEEK = 604_800
_SHORT = "policy-max-age-under-week"
# The corrected text keeps unknown fields.
_KEPT = frozenset({"policy-unknown-field", "sts-record-unknown-field", "tlsrpt-record-unknown-field"})


def validate(
    record: Raw | StsRecord | Iterable[Raw] | None = None,
    policy: Raw | Policy | None = None,
    mx_hosts: Iterable[str] | str | None = None,
    tlsrpt_record: Raw | TlsRptRecord | Iterable[Raw] | None = None,
) -> Findings:
    """Return every fault of the texts given, the worst first. Never raises on bad text.

    The parser of a text rejects it exactly when a finding about that text is an error.

    Parameters
    ----------
    record : str or bytes, or list of them
        The `_mta-sts` TXT record (RFC 8461 §3.1); a list is all the TXT records of the name, one text each.
    policy : str or bytes
        The policy file (RFC 8461 §3.2).
    mx_hosts : list of str, or str with one host per line
        The MX hosts of the domain, to compare with the patterns (RFC 8461 §4.1). The output of ``dig MX`` will do.
        Where the domain has no MX record, give the domain itself (RFC 5321 §5.1).
    tlsrpt_record : str or bytes, or list of them
        The `_smtp._tls` TXT record (RFC 8460 §3).

    Returns
    -------
    Findings
        `corrected` holds, under the name of each argument that needs it, the corrected text; it is also the `fix` of
        each finding that it fixes.

    Examples
    --------
    >>> bad = validate(record="v=STS1; id=20260208")[0]
    >>> bad.code, bad.fix
    ('sts-record-version-typo', 'v=STSv1; id=20260208;')
    """
    items: list[Finding] = []
    corrected: dict[str, str] = {}

    def add(kind: str, findings: list[Finding], text: str | None) -> None:
        items.extend(findings)
        if text is not None and any(finding.fix == text for finding in findings):
            corrected[kind] = text

    hosts = None if mx_hosts is None else mx_host_names(mx_hosts)
    published: str | bytes = ""
    if policy is not None:
        raw = _raw(policy)
        lint = lint_policy(raw)
        right = _corrected_policy(lint, hosts or ())
        covered = [] if hosts is None else cover_findings(lint, hosts, right)
        add("policy", [*_policy_findings(lint, right), *covered], right)
        published = right or as_raw(raw)
    if record is not None:
        text, rrset = _sole(record, STS)
        items += rrset
        if text is not None:
            sts = lint_sts_record(text)
            right = _corrected_sts_record(sts, _id_from(published or text))
            add("record", _record_findings(sts, right), right)
    if tlsrpt_record is not None:
        text, rrset = _sole(tlsrpt_record, TLSRPT)
        items += rrset
        if text is not None:
            tlsrpt = lint_tlsrpt_record(text)
            right = _corrected_tlsrpt_record(tlsrpt.record, tlsrpt.usable)
            add("tlsrpt_record", _record_findings(tlsrpt.record, right), right)
    return Findings(items, corrected=corrected)


def _raw(text: object) -> Raw:
    """Return the text of whatever was given; a parsed value gives the text it came from."""
    if isinstance(text, str | bytes | bytearray | memoryview):
        return text
    if isinstance(text, Policy | StsRecord | TlsRptRecord):
        return text.raw or text.to_text()
    return str(text)


def _sole(
    given: Raw | StsRecord | TlsRptRecord | Iterable[Raw], kind: Kind
) -> tuple[str | bytes | None, list[Finding]]:
    """Return the one text to read, and the findings of the RRset rule (RFC 8461 §3.1, RFC 8460 §3).

    A single text is read as it is. Of several, exactly one must begin with the version and a semicolon; where none
    does, the one that was probably meant is read, so that its mistake is named.
    """
    if isinstance(given, str | bytes | bytearray | memoryview | StsRecord | TlsRptRecord):
        return as_raw(_raw(given)), []
    kept, discarded = split_rrset((_raw(text) for text in given), kind.tag)
    where = f"TXT records of {kind.subject}"
    evidence = " | ".join(one_line(as_text(raw), 120) for raw in (kept or discarded)[:5])
    if len(kept) > 1:
        code = f"{kind.prefix}-multiple"
        count = str(len(kept))
        return None, [finding(code, subject=where, evidence=evidence, more=kind.consequence, tag=kind.tag, count=count)]
    if kept:
        code = f"{kind.prefix}-others"
        return kept[0], [
            finding(code, subject=where, evidence=one_line(as_text(raw), 200), tag=kind.tag) for raw in discarded[:5]
        ]
    family = kind.tag[2:5].lower()  # sts, tls
    meant = next((raw for raw in discarded if family in as_text(raw)[:60].lower()), None)
    code = f"{kind.prefix}-missing"
    fix = f"Publish a TXT record that begins `{kind.tag};`."
    return meant, [finding(code, subject=where, evidence=evidence, fix=fix, more=kind.consequence, tag=kind.tag)]


def _findings(faults: Iterable[Fault], subject: str, corrected: str | None) -> list[Finding]:
    """Return a finding for each fault; the first error says what senders do."""
    findings: list[Finding] = []
    is_rejected = False
    for fault in faults:
        text = finding_texts()[fault.code]
        where = f", line {fault.line}" if fault.line else f", column {fault.column}" if fault.column else ""
        consequence = text.consequence if fault.is_error and not is_rejected else ""
        is_rejected = is_rejected or fault.is_error
        findings.append(
            Finding(
                code=fault.code,
                severity=fault.severity,
                effect=fault.effect,
                subject=subject + where,
                message=f"{fault.message} {consequence}".strip(),
                evidence=fault.actual or "",
                fix=corrected if corrected and fault.code not in _KEPT else fix_of(fault.code),
                rfc=fault.rfc,
            )
        )
    return findings


def _record_findings(lint: RecordLint, corrected: str | None) -> list[Finding]:
    return _findings(lint.faults, f"{lint.kind.subject} record", corrected)


def _policy_findings(lint: PolicyLint, corrected: str | None) -> list[Finding]:
    longer = policy_text(lint, lint.mx, _WEEK)
    return [
        *_findings((fault for fault in lint.faults if fault.code != _SHORT), "policy file", corrected),
        *_findings((fault for fault in lint.faults if fault.code == _SHORT), "policy file", longer),
    ]


def _id_from(text: str | bytes) -> str:
    """Return an id that changes exactly when a text does; for a fix, which has no clock."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:16]


def _lines_for(hosts: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns to write for hosts: each by its name, which matches no other; many by fewer patterns."""
    named = [host for host in hosts if host_patterns([host])]
    return tuple(named) if len(named) <= _NAMED_HOSTS else host_patterns(named)


def _corrected_policy(lint: PolicyLint, hosts: Sequence[str]) -> str | None:
    """Return the corrected policy file, with every host covered; None where no pattern can be understood.

    Patterns that match none of the hosts stay, as in a migration, except those that are a mistake for a host.
    """
    if not lint.readable:
        return policy_text(PolicyLint(), _lines_for(hosts))
    patterns = [pattern for pattern in lint.mx if not (fault := pattern_doubt(pattern)) or fault.code not in _USELESS]
    coverage = cover(patterns, hosts)
    added = list(_lines_for(coverage.uncovered))
    # A mistake for a host is replaced by the host in its place, so that the two texts compare well side by side.
    meant: dict[str, list[str]] = {}
    for host in coverage.uncovered[:50]:
        if (miss := near_miss(host, coverage.unused)) and miss.kind.is_mistake:
            meant.setdefault(miss.pattern, []).extend([host] if host in added else [])
    placed = [name for pattern in patterns for name in meant.get(pattern, [pattern])]
    return policy_text(lint, [*placed, *(name for name in added if name not in placed)])


def _kept_extensions(lint: RecordLint) -> tuple[tuple[str, str], ...]:
    """Return the unknown fields worth keeping: not those of another kind of record, nor a misspelt own key."""
    if f"{lint.kind.prefix}-other-kind" in lint.faults:
        return ()
    first: dict[str, str] = {}
    for key, value in lint.extensions:
        if ascii_lower(key).strip("_-.") != lint.kind.key:
            first.setdefault(key, value)
    return tuple(first.items())


def _corrected_sts_record(lint: RecordLint, new_id: str) -> str | None:
    """Return the corrected `_mta-sts` record; where its id cannot be understood, with a new one."""
    if not lint.readable:
        return None
    try:
        return StsRecord(id=id_meant(lint.value or "") or new_id, extensions=_kept_extensions(lint)).to_text()
    except RecordError:  # an extension that cannot be written again
        return StsRecord(id=new_id).to_text()


def _corrected_tlsrpt_record(lint: RecordLint, usable: Sequence[str]) -> str | None:
    """Return the corrected `_smtp._tls` record; None where no address can be understood."""
    if not lint.readable or not usable:
        return None
    try:
        return TlsRptRecord(rua=tuple(dict.fromkeys(usable)), extensions=_kept_extensions(lint)).to_text()
    except RecordError:
        return None
