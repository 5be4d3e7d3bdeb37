"""Every fault of the texts that make MTA-STS and TLS reporting, as findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mtasts_nb.markup import one_line
from mtasts_nb.vocabulary import Effect, Finding, Findings, Severity

from ._corrected import corrected_policy, corrected_sts_record, corrected_tlsrpt_record, policy_text
from ._cover_findings import cover_findings
from ._decode import as_raw
from ._drafts import id_from
from ._fault import Fault, Raw
from ._hosts import mx_host_names
from ._policy import Policy
from ._policy_lint import PolicyLint, lint_policy
from ._record_lint import Kind, RecordLint
from ._sts_record import STS, StsRecord, as_text, counted, lint_sts_record
from ._tlsrpt_record import TLSRPT, TlsRptRecord, lint_tlsrpt_record

__all__ = ["validate"]

_POLICY_REFUSED = (
    "Senders refuse the file (sts-policy-invalid): those that hold an older policy go on with it until it expires, "
    "all others deliver as if there were no MTA-STS."
)
_POLICY_REFUSED_TOO = "Senders refuse the file."
_NOTHING_TO_DO = frozenset({"policy-unknown-field", "sts-record-unknown-field", "tlsrpt-record-unknown-field"})


def validate(
    record: Raw | StsRecord | Iterable[Raw] | None = None,
    policy: Raw | Policy | None = None,
    mx_hosts: Iterable[str] | str | None = None,
    tlsrpt_record: Raw | TlsRptRecord | Iterable[Raw] | None = None,
) -> Findings:
    """Return every fault of the texts given, the worst first. Never raises on bad text.

    The parser of a text refuses it exactly when a finding about that text is an error.

    Parameters
    ----------
    record : str or bytes, or list of them
        The `_mta-sts` TXT record (RFC 8461 §3.1); a list is all the TXT records of the name, one text each.
    policy : str or bytes
        The policy file (RFC 8461 §3.2).
    mx_hosts : list of str, or str with one host per line
        The MX hosts of the domain, to compare with the patterns (RFC 8461 §4.1). Lines of ``dig MX`` will do. Where
        the domain has no MX record, give the domain itself (RFC 5321 §5.1).
    tlsrpt_record : str or bytes, or list of them
        The `_smtp._tls` TXT record (RFC 8460 §3).

    Returns
    -------
    Findings
        `corrected` holds, under the name of each argument that needs it, the text put right; it is also the `fix` of
        each finding that it mends.

    Examples
    --------
    >>> print(validate(record="v=STS1; id=20260208"))
    1 error.
    <BLANKLINE>
    ERROR  sts-record-version-typo  (disables protection)
      where _mta-sts record, column 1
      what  The version is misspelt: `v=STSv1` (seen: `v=STS1`). Senders treat the domain as without
            MTA-STS.
      seen  v=STS1
      fix   v=STSv1; id=20260208;
      see   RFC 8461 §3.1
    """
    items: list[Finding] = []
    corrected: dict[str, str] = {}
    hosts = None if mx_hosts is None else mx_host_names(mx_hosts)
    published: str | bytes = ""
    if policy is not None:
        raw = _raw(policy)
        lint = lint_policy(raw)
        right = corrected_policy(lint, hosts or ())
        items += _policy_findings(lint, right)
        if hosts is not None:
            items += cover_findings(lint, hosts, right)
        if right is not None and any(finding.fix == right for finding in items):
            corrected["policy"] = right
        published = right or as_raw(raw)
    if record is not None:
        text, found = _sole(record, STS)
        items += found
        if text is not None:
            sts = lint_sts_record(text)
            right = corrected_sts_record(sts, id_from(published or text))
            more = _record_findings(sts, right)
            items += more
            if right is not None and any(finding.fix == right for finding in more):
                corrected["record"] = right
    if tlsrpt_record is not None:
        text, found = _sole(tlsrpt_record, TLSRPT)
        items += found
        if text is not None:
            tlsrpt = lint_tlsrpt_record(text)
            right = corrected_tlsrpt_record(tlsrpt.record, tlsrpt.usable)
            more = _record_findings(tlsrpt.record, right)
            items += more
            if right is not None and any(finding.fix == right for finding in more):
                corrected["tlsrpt_record"] = right
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
    """Return the one text to read, and what the RRset rule finds (RFC 8461 §3.1, RFC 8460 §3).

    A single text is taken as it is. Of several, exactly one must begin with the version and a semicolon; where none
    does, the one that was probably meant is read, so that its slip is named.
    """
    if isinstance(given, str | bytes | bytearray | memoryview | StsRecord | TlsRptRecord):
        return as_raw(_raw(given)), []
    kept, discarded = counted((_raw(text) for text in given), kind.tag)
    where = f"TXT records of {kind.subject}"
    if len(kept) > 1:
        return None, [
            Finding(
                code=f"{kind.prefix}-multiple",
                severity=Severity.ERROR,
                effect=kind.effect,
                subject=where,
                message=f"{len(kept)} records begin `{kind.tag};`, exactly one must. {kind.consequence}",
                evidence=" | ".join(one_line(as_text(raw), 120) for raw in kept[:5]),
                fix="Delete all but the one that belongs to the policy you serve.",
                rfc=kind.rfc,
            )
        ]
    others = [
        Finding(
            code=f"{kind.prefix}-others",
            severity=Severity.ADVICE,
            effect=Effect.COSMETIC,
            subject=where,
            message=f"A TXT record of another kind stands at the same name. Senders pass over it (only `{kind.tag};` "
            "counts), but it has no business there.",
            evidence=one_line(as_text(raw), 200),
            rfc=kind.rfc,
        )
        for raw in discarded[:5]
        if kept
    ]
    if kept:
        return kept[0], others
    family = kind.tag[2:5].lower()  # sts, tls
    meant = next((raw for raw in discarded if family in as_text(raw)[:60].lower()), None)
    return meant, [
        Finding(
            code=f"{kind.prefix}-missing",
            severity=kind.absent,
            effect=kind.effect,
            subject=where,
            message=f"No TXT record begins `{kind.tag};`. {kind.consequence}",
            evidence=" | ".join(one_line(as_text(raw), 120) for raw in discarded[:5]),
            fix=f"Publish a TXT record that begins `{kind.tag};`.",
            rfc=kind.rfc,
        )
    ]


def _finding(fault: Fault, subject: str, consequence: str, fix: str) -> Finding:
    place = f", line {fault.line}" if fault.line else f", column {fault.column}" if fault.column else ""
    return Finding(
        code=fault.code,
        severity=fault.severity,
        effect=fault.effect,
        subject=subject + place,
        message=f"{fault.message} {consequence}" if fault.is_error else fault.message,
        evidence=fault.actual or "",
        fix="" if fault.code in _NOTHING_TO_DO else fix,
        rfc=fault.rfc,
    )


def _record_findings(lint: RecordLint, right: str | None) -> list[Finding]:
    kind = lint.kind
    fix = right or f"Write one TXT record of the form `{kind.tag}; {kind.key}=…`."
    findings = [_finding(fault, f"{kind.subject} record", kind.consequence, fix) for fault in lint.faults]
    # No finding about a record weighs more than the record itself does.
    return [replace(found, effect=max(found.effect, kind.effect, key=lambda effect: effect.rank)) for found in findings]


def _policy_findings(lint: PolicyLint, right: str | None) -> list[Finding]:
    fix = right or (
        "Serve a plain text file with `version: STSv1`, a mode, a max_age and one line `mx: …` for each MX host; "
        "draft_policy(mx_hosts, 'testing', 86400) writes it."
    )
    findings: list[Finding] = []
    for fault in lint.faults:
        longer = policy_text(lint, lint.mx, 604_800) if fault.code == "policy-max-age-under-week" else None
        refused = (
            _POLICY_REFUSED_TOO if any(known.severity is Severity.ERROR for known in findings) else _POLICY_REFUSED
        )
        findings.append(_finding(fault, "policy file", refused, longer or fix))
    return findings
