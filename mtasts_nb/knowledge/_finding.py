"""The one way to make a finding: the registry gives its severity, effect, message, fix and section."""

from __future__ import annotations

from ..markup import one_line
from ..vocabulary import Effect, Finding, Severity
from ._causes import causes
from ._findings import finding_texts

__all__ = ["finding", "fix_of"]

_NAME, _SUBJECT, _EVIDENCE = 253, 400, 600


def fix_of(code: str, *, domain: str | None = None, **names: str) -> str:
    """Return what to do about a finding: its own fix where it has one, else that of its cause.

    Examples
    --------
    >>> fix_of("tlsrpt-record-missing", domain="nordwind.example", name="_smtp._tls.nordwind.example")
    '_smtp._tls.nordwind.example. 3600 IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@nordwind.example"'
    """
    text = finding_texts()[code]
    if text.own_fix:
        return text.own_fix.format(**{"domain": domain or "DOMAIN"} | names)
    return causes()[text.cause].fix(domain) if text.cause else ""


def finding(
    code: str,
    *,
    subject: str,
    host: str = "",
    addresses: tuple[str, ...] = (),
    evidence: str = "",
    fix: str | None = None,
    severity: Severity | None = None,
    effect: Effect | None = None,
    variant: str = "",
    more: str = "",
    **names: str,
) -> Finding:
    """Return a finding with the texts of its code.

    Parameters
    ----------
    code : str
        A key of `finding_texts`.
    subject : str
        What it is about, for people.
    host : str, optional
        The host concerned; also fills ``{host}``.
    addresses : tuple of str, optional
        The addresses concerned, where it does not concern all of the host's.
    evidence : str, optional
        What was observed; made visible and shortened here.
    fix : str, optional
        A text to publish. Without one: the fix of the code, or of its cause.
    severity, effect : optional
        Instead of those of the worst case.
    variant : str, optional
        Which of the messages of the code.
    more : str, optional
        A sentence added to the message.
    **names : str
        What fills the placeholders of message and fix: domain, name, id …

    Examples
    --------
    >>> finding("mx-refused", subject="mx1.nordwind.example", host="mx1.nordwind.example").message
    'mx1.nordwind.example refuses connections to port 25.'
    """
    text = finding_texts()[code]
    clean = {key: one_line(value, _NAME) for key, value in ({"host": host} | names).items()}
    domain = clean.pop("domain", None)
    known = clean if domain is None else clean | {"domain": domain}
    return Finding(
        code=code,
        severity=severity or text.severity,
        effect=effect or text.effect,
        subject=one_line(subject, _SUBJECT),
        message=f"{text.message(variant, **known)} {more}".strip(),
        evidence=one_line(evidence, _EVIDENCE),
        fix=fix if fix is not None else fix_of(code, domain=domain, **clean),
        rfc=text.rfc,
        host=one_line(host, _NAME),
        addresses=addresses,
    )
