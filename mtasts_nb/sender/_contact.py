"""What a sender observes at one address of an MX host before any policy: how far it gets, and with which TLS."""

from __future__ import annotations

from dataclasses import dataclass

from ..markup import one_line
from ..probe import CertificateProblem, MxHost, SmtpAttempt, TlsaMatch, TlsSession, certificate_faults
from ..vocabulary import ResultType, Status

__all__ = ["Contact", "Objection", "certificate_objection", "contacts"]

# RFC 8461 §3.3 for the policy host, §4.2 for an MX host. Not every sender rejects the problems that are missing here.
_CERTIFICATES = {
    CertificateProblem.EXPIRED: (ResultType.CERTIFICATE_EXPIRED, "the certificate has expired"),
    # RFC 8460 §4.3 has no result type for it; this is its catch-all.
    CertificateProblem.NOT_YET_VALID: (ResultType.VALIDATION_FAILURE, "the certificate is not valid yet"),
    CertificateProblem.SELF_SIGNED: (ResultType.CERTIFICATE_NOT_TRUSTED, "the certificate is self-signed"),
    CertificateProblem.UNTRUSTED: (ResultType.CERTIFICATE_NOT_TRUSTED, "the certificate is from an unknown CA"),
    CertificateProblem.CHAIN_INCOMPLETE: (ResultType.CERTIFICATE_NOT_TRUSTED, "an intermediate certificate is missing"),
    CertificateProblem.INVALID: (ResultType.CERTIFICATE_NOT_TRUSTED, "the chain does not validate"),
    CertificateProblem.NAME_MISMATCH: (ResultType.CERTIFICATE_HOST_MISMATCH, "the certificate names another host"),
    CertificateProblem.COMMON_NAME_ONLY: (
        ResultType.CERTIFICATE_HOST_MISMATCH,
        "the name is in the common name only, which does not count",
    ),
}
_WEAK = (ResultType.CERTIFICATE_NOT_TRUSTED, "the key or the signature is too weak for certificates of the web")


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a sender rejects a session: the first reason is what it reports."""

    result_type: ResultType
    code: str
    why: str


def certificate_objection(session: TlsSession, *, web: bool = False, common_name: bool = False) -> Objection | None:
    """Return why a sender rejects the certificate of a session; None if it accepts it.

    Parameters
    ----------
    session : TlsSession
        A successful handshake.
    web : bool
        Apply the rules of the web too, as libraries that fetch over HTTPS do: no weak keys. SMTP clients, at OpenSSL's
        security level 1, accept them.
    common_name : bool
        Accept the common name if there is no SAN.
    """
    if session.validation is None:
        return Objection(ResultType.CERTIFICATE_NOT_TRUSTED, "no-certificate", "no certificate was presented")
    rules = {**_CERTIFICATES, CertificateProblem.WEAK: _WEAK} if web else dict(_CERTIFICATES)
    if common_name:
        del rules[CertificateProblem.COMMON_NAME_ONLY]
    problems = [(problem, text) for problem, text in certificate_faults(session) if problem in rules]
    if not problems:
        return None
    why = "; ".join(f"{rules[problem][1]} ({text})" for problem, text in problems)
    first = problems[0][0]
    return Objection(rules[first][0], first.value, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One address of one MX host.

    Attributes
    ----------
    address : str
        Empty if the host has none.
    observed : bool
        Whether it was observed; if not, nothing below counts.
    reachable : bool
        Whether a message could be transferred there, with or without TLS.
    permanent : bool
        If not: whether that is permanent.
    rejected : bool
        Whether the banner has a 5xx code, after which some senders bounce.
    why : str
        Why it is not reachable, or was not observed.
    tls : TlsSession or None
        The session of a sender that offers TLS 1.2 and newer.
    no_tls : Objection or None
        Why there is no TLS although the host was reached.
    invalid : Objection or None
        What is wrong with the certificate.
    tlsa : tuple of TlsaMatch
        The TLSA records compared with the chain.
    """

    address: str
    observed: bool = True
    reachable: bool = True
    permanent: bool = False
    rejected: bool = False
    why: str = ""
    tls: TlsSession | None = None
    no_tls: Objection | None = None
    invalid: Objection | None = None
    tlsa: tuple[TlsaMatch, ...] = ()

    @property
    def trouble(self) -> Objection | None:
        """What a sender that needs an authenticated session objects to."""
        return self.no_tls or self.invalid


def contacts(mx: MxHost) -> tuple[Contact, ...]:
    """Return what a sender observes at each address of a host; one contact without an address if it has none."""
    if mx.problem == "limit":
        return (_unobserved("", "too many MX hosts to probe all"),)
    if mx.problem == "null":
        return (_unreachable("a null MX, no host", permanent=True),)
    if mx.problem:
        what = "an IP address, not a host name" if mx.problem == "ip-literal" else "no valid host name"
        return (_unreachable(f"the MX record has {what} (RFC 5321 §5.1)", permanent=True),)
    addresses = dict.fromkeys(text for lookup in mx.lookups for text in lookup.texts)
    attempts = {attempt.request.address: attempt for attempt in mx.attempts}
    if addresses:
        return tuple(
            assess(attempts[address]) if address in attempts else _unobserved(address, "not probed")
            for address in addresses
        )
    if not mx.lookups or any(lookup.status is Status.NOT_OBSERVED for lookup in mx.lookups):
        return (_unobserved("", "its addresses were not looked up"),)
    failed = next((lookup for lookup in mx.lookups if lookup.status is Status.FAILED), None)
    if failed is not None:
        return (_unreachable(f"the lookup of its addresses failed: {one_line(failed.detail, 160)}"),)
    return (_unreachable("it has no address", permanent=True),)


def _unobserved(address: str, why: str) -> Contact:
    return Contact(address=address, observed=False, why=why)


def _unreachable(why: str, *, address: str = "", permanent: bool = False) -> Contact:
    return Contact(address=address, reachable=False, permanent=permanent, why=why)


def assess(attempt: SmtpAttempt) -> Contact:
    """Return what a sender observes in this conversation."""
    address, detail = attempt.request.address, one_line(attempt.detail, 200)
    if attempt.private:
        return _unreachable("the address is private", address=address)
    if not attempt.observed:
        return _unobserved(address, detail or attempt.reason)
    no_tls = _no_tls(attempt, detail)
    if no_tls is not None:
        return Contact(address=address, no_tls=no_tls)
    invalid = certificate_objection(attempt.tls) if attempt.tls is not None else None
    failed = attempt.status is not Status.COMPLETED
    return Contact(
        address=address,
        reachable=not failed,
        rejected=failed and attempt.greeting is not None and attempt.greeting.code // 100 == 5,
        why=f"{attempt.stage}: {detail}" if failed else "",
        tls=attempt.tls,
        invalid=invalid,
        tlsa=attempt.tlsa,
    )


def _no_tls(attempt: SmtpAttempt, detail: str) -> Objection | None:
    """Return why a host that was reached offers no TLS; None if it does, or was not reached."""
    unsupported, failure = ResultType.STARTTLS_NOT_SUPPORTED, ResultType.VALIDATION_FAILURE
    if attempt.starttls_offered is False:
        # It may accept it anyway; a sender does not send what is not offered (RFC 3207 §4).
        return Objection(unsupported, "starttls-not-offered", "STARTTLS is not offered")
    if attempt.status is Status.COMPLETED:
        return None
    if attempt.stage == "ehlo" and attempt.ehlo is not None and attempt.ehlo.code // 100 == 5:
        why = f"EHLO is rejected ({detail}), and STARTTLS with it; HELO remains (RFC 5321 §3.2)"
        return Objection(unsupported, "ehlo-refused", why)
    if attempt.reason == "starttls-refused":
        return Objection(unsupported, "starttls-refused", f"STARTTLS is rejected ({detail})")
    if attempt.stage == "starttls":
        return Objection(failure, f"starttls-{attempt.reason}", f"STARTTLS fails ({detail})")
    if attempt.stage != "handshake":
        return None
    if attempt.older_tls is not None and attempt.needs_old_tls:
        why = f"the host supports at most {attempt.older_tls.version}, senders need 1.2 or newer (RFC 8996)"
        return Objection(failure, "tls-version", why)
    return Objection(failure, f"tls-handshake-{attempt.reason}", f"the TLS handshake fails ({detail})")
