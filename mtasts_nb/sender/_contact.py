"""What a sender meets at one address of an MX host, before any policy: how far it gets, and what TLS it can have."""

from __future__ import annotations

from dataclasses import dataclass

from ..markup import one_line
from ..probe import SmtpAttempt, TlsaMatch, TlsSession
from ..vocabulary import ResultType, Status
from ._certificates import Objection, objection

__all__ = ["Contact", "meet", "unseen"]

_OLD_TLS = ("SSLv3", "TLSv1", "TLSv1.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One address of one MX host.

    Attributes
    ----------
    address : str
        Empty where the host has none.
    observed : bool
        Whether we looked; if not, nothing below counts.
    reachable : bool
        Whether a message could be handed over there, with or without TLS.
    permanent : bool
        Where it could not: whether that is for good.
    rejected : bool
        Whether the host greets with a 5xx, which some senders take for the end.
    why : str
        Where it could not, or was not looked at: why.
    tls : TlsSession or None
        What a sender that offers TLS 1.2 and newer gets.
    no_tls : Objection or None
        Why there is no TLS to be had although the host was reached.
    refused : Objection or None
        What is wrong with the certificate.
    tlsa : tuple of TlsaMatch
        The TLSA records held against the chain.
    """

    address: str
    observed: bool = True
    reachable: bool = True
    permanent: bool = False
    rejected: bool = False
    why: str = ""
    tls: TlsSession | None = None
    no_tls: Objection | None = None
    refused: Objection | None = None
    tlsa: tuple[TlsaMatch, ...] = ()

    @property
    def trouble(self) -> Objection | None:
        """What a sender that wants an authenticated session objects to."""
        return self.no_tls or self.refused


def unseen(address: str, why: str) -> Contact:
    """Return the contact that was not observed."""
    return Contact(address=address, observed=False, why=why)


def meet(attempt: SmtpAttempt) -> Contact:
    """Return what a sender meets where this conversation was had."""
    address, detail = attempt.request.address, one_line(attempt.detail, 200)
    if attempt.reason == "private-address":
        return Contact(address=address, reachable=False, why="the address is private")
    if attempt.status is Status.NOT_OBSERVED:
        return unseen(address, detail or attempt.reason)
    refused = objection(attempt.tls) if attempt.tls is not None else None
    if attempt.starttls_offered is False:
        # It may answer all the same; a sender does not ask for what is not offered (RFC 3207 §4).
        why = "STARTTLS is not offered"
        return Contact(
            address=address, no_tls=Objection(ResultType.STARTTLS_NOT_SUPPORTED, "starttls-not-offered", why)
        )
    if attempt.status is Status.COMPLETED:
        return Contact(address=address, tls=attempt.tls, refused=refused, tlsa=attempt.tlsa)
    if attempt.stage == "ehlo" and attempt.reason.startswith("ehlo-5"):
        why = f"EHLO is refused ({detail}), and with it STARTTLS; HELO is left (RFC 5321 §3.2)"
        return Contact(address=address, no_tls=Objection(ResultType.STARTTLS_NOT_SUPPORTED, "ehlo-refused", why))
    if attempt.stage in ("starttls", "handshake"):
        return Contact(address=address, no_tls=_no_tls(attempt, detail))
    why = f"{attempt.stage}: {detail}"
    rejected = attempt.stage == "greeting" and attempt.reason.startswith("greeting-5")
    return Contact(
        address=address,
        reachable=False,
        rejected=rejected,
        why=why,
        tls=attempt.tls,
        refused=refused,
        tlsa=attempt.tlsa,
    )


def _no_tls(attempt: SmtpAttempt, detail: str) -> Objection:
    if attempt.reason == "starttls-refused":
        return Objection(ResultType.STARTTLS_NOT_SUPPORTED, "starttls-refused", f"STARTTLS is refused ({detail})")
    if attempt.stage == "starttls":
        code = f"starttls-{attempt.reason}"
        return Objection(ResultType.VALIDATION_FAILURE, code, f"STARTTLS leads nowhere ({detail})")
    older = attempt.older_tls
    if older is not None and older.version in _OLD_TLS:
        why = f"the host speaks {older.version} at most, senders want 1.2 or newer (RFC 8996)"
        return Objection(ResultType.VALIDATION_FAILURE, "tls-version", why)
    return Objection(
        ResultType.VALIDATION_FAILURE, f"tls-handshake-{attempt.reason}", f"the TLS handshake fails ({detail})"
    )
