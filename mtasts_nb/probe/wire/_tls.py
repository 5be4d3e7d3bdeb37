"""TLS: the handshake, the certificates as presented, and what they are checked against: roots, name, time, TLSA records.

The handshake never verifies the chain, so that an invalid one is seen and not just refused. OpenSSL judges the chain
(through pyOpenSSL, which gives its verify codes), service-identity the name. A server that does not send an intermediate
is distinguished from one with an unknown CA by fetching the issuer that the certificate itself names.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ExtensionOID, NameOID
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname

from ...files import read_file
from ...markup import one_line
from .._attempts import Certificate, ChainResult, IssuerFetch, TlsaMatch, TlsSession, Validation
from .._tlsa import tlsa_record
from ._network import Network, StepError, Stream

__all__ = [
    "ISSUER_NOT_FOUND",
    "LONGEST_CHAIN",
    "Offer",
    "TrustStore",
    "client_context",
    "handshake",
    "issuers_in",
    "match_tlsa",
    "read_certificate",
    "validate_chain",
]

T = TypeVar("T")

#: Most certificates of one chain that are kept; OpenSSL itself takes 100.
LONGEST_CHAIN = 10
#: Most issuers fetched for one chain.
MOST_FETCHES = 3
#: The bundle of a whole operating system is below 1 MiB.
_LARGEST_STORE = 64 * 1024 * 1024

_HASHES = {1: hashlib.sha256, 2: hashlib.sha512}  # RFC 6698 §2.1.3
#: X509_verify_cert_error_string(3): the issuer was not found. It may be at the caIssuers URL.
ISSUER_NOT_FOUND = frozenset({2, 20, 21})
# The CA/Browser Forum's certificate policies: validated by domain, organisation or person.
_PUBLIC_POLICIES = "2.23.140.1."
# Exceptions that reading a stranger's certificate can raise.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm, x509.DuplicateExtension,
               x509.UnsupportedGeneralNameType, OverflowError)  # fmt: skip


#: The TLS versions that a client offers: 1.2 and newer, as senders do; 1.0 and 1.1 too; or only those two.
Offer = Literal["current", "older too", "older only"]


@lru_cache(maxsize=8)
def client_context(offer: Offer = "current", *, alpn: bytes = b"") -> SSL.Context:
    """Return a TLS client context.

    Parameters
    ----------
    offer : Offer
        TLS 1.0 and 1.1 are offered at OpenSSL 3's security level 0 only.
    alpn : bytes
        The one protocol to offer (RFC 7301).
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_min_proto_version(SSL.TLS1_2_VERSION if offer == "current" else SSL.TLS1_VERSION)
    if offer == "older only":
        context.set_max_proto_version(SSL.TLS1_1_VERSION)
    if offer != "current":
        context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
    if alpn:
        context.set_alpn_protos([alpn])
    return context


def handshake(network: Network, stream: Stream, name: str, context: SSL.Context) -> TlsSession:
    """Do the handshake and return what was agreed and presented, not yet validated; `StepError` where it fails."""
    try:
        tls = stream.start_tls(context, name, network.step())
    except (UnicodeError, ValueError) as error:
        raise StepError("invalid-name", f"not a name for SNI: {error}", observed=False) from error
    presented = tls.get_peer_cert_chain() or []
    return TlsSession(
        version=tls.get_protocol_version_name(),
        cipher=tls.get_cipher_name() or "",
        sni=name,
        chain=tuple(
            read_certificate(crypto.dump_certificate(crypto.FILETYPE_ASN1, cert)) for cert in presented[:LONGEST_CHAIN]
        ),
        chain_complete=len(presented) <= LONGEST_CHAIN,
    )


class TrustStore:
    """Trusted roots from one PEM file, at one time. One store serves the policy host and the MX hosts.

    Parameters
    ----------
    path : Path or None
        The PEM file; None means the Mozilla roots of certifi.
    at : datetime
        The time of the checks, UTC.
    """

    def __init__(self, path: Path | None, at: datetime) -> None:
        file = Path(path or certifi.where())
        self.at = at
        self.name = str(file) if path else f"Mozilla roots (certifi {certifi.__version__})"
        self.sha256 = hashlib.sha256(read_file(file, _LARGEST_STORE)).hexdigest()
        self._store = crypto.X509Store()
        self._store.load_locations(str(file))
        self._store.set_time(at)

    def verdict(self, chain: Sequence[Certificate]) -> ChainResult:
        """Return OpenSSL's verdict on a chain, leaf first."""
        try:
            leaf, *others = (crypto.load_certificate(crypto.FILETYPE_ASN1, part.der) for part in chain)
            crypto.X509StoreContext(self._store, leaf, others).verify_certificate()
        except crypto.X509StoreContextError as error:
            code, depth, text = error.errors[0], error.errors[1], error.errors[2]
            return ChainResult(code=int(code), depth=int(depth), text=str(text))
        except (crypto.Error, ValueError) as error:
            # X509_V_ERR_UNSPECIFIED: OpenSSL cannot even read it.
            return ChainResult(code=1, text=one_line(f"the certificate cannot be read: {error}"))
        return ChainResult(code=0, text="ok")


def read_certificate(der: bytes) -> Certificate:
    """Return the content of a certificate; `problem` says what could not be read, and nothing is raised.

    Examples
    --------
    >>> read_certificate(b"junk").problem[:16]
    'cannot be read: '
    """
    digest = hashlib.sha256(der).hexdigest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            return _read(x509.load_der_x509_certificate(der), der, digest)
        except _UNREADABLE as error:
            return Certificate(der=der, sha256=digest, problem=one_line(f"cannot be read: {error}"))


def _read(cert: x509.Certificate, der: bytes, digest: str) -> Certificate:
    problems: list[str] = []

    def attempt(what: str, read: Callable[[], T], default: T) -> T:
        try:
            return read()
        except x509.ExtensionNotFound:
            return default
        except _UNREADABLE as error:
            problems.append(one_line(f"{what}: {error}", 200))
            return default

    public = attempt("key", cert.public_key, None)
    key, bits = _describe_key(public)
    spki = b"" if public is None else _spki(public)
    return Certificate(
        der=der,
        sha256=digest,
        subject=attempt("subject", lambda: cert.subject.rfc4514_string()[:500], ""),
        issuer=attempt("issuer", lambda: cert.issuer.rfc4514_string()[:500], ""),
        serial=attempt("serial", lambda: f"{cert.serial_number:x}", ""),
        common_names=attempt(
            "common name",
            lambda: tuple(
                str(part.value)[:300] for part in cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[:10]
            ),
            (),
        ),
        dns_names=attempt("subject alternative name", lambda: _dns_names(cert), ()),
        not_before=attempt("not before", lambda: cert.not_valid_before_utc, None),
        not_after=attempt("not after", lambda: cert.not_valid_after_utc, None),
        key=key,
        key_bits=bits,
        signature=attempt("signature", lambda: _describe_signature(cert), ""),
        spki_sha256=hashlib.sha256(spki).hexdigest() if spki else "",
        is_ca=attempt("basic constraints", lambda: _is_ca(cert), default=False),
        issuer_urls=attempt("authority information access", lambda: _issuer_urls(cert), ()),
        of_public_ca=attempt("public marks", lambda: _of_public_ca(cert), default=False),
        problem="; ".join(problems),
    )


def _spki(public: CertificatePublicKeyTypes) -> bytes:
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _is_ca(cert: x509.Certificate) -> bool:
    return cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def _dns_names(cert: x509.Certificate) -> tuple[str, ...]:
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(name[:300] for name in names.get_values_for_type(x509.DNSName)[:200])


def _issuer_urls(cert: x509.Certificate) -> tuple[str, ...]:
    access = cert.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    return tuple(
        entry.access_location.value[:500]
        for entry in access
        if entry.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(entry.access_location, x509.UniformResourceIdentifier)
    )[:4]


def _of_public_ca(cert: x509.Certificate) -> bool:
    oids = {extension.oid for extension in cert.extensions}
    if ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS in oids:
        return True
    if ExtensionOID.CERTIFICATE_POLICIES not in oids:
        return False
    policies = cert.extensions.get_extension_for_class(x509.CertificatePolicies).value
    return any(policy.policy_identifier.dotted_string.startswith(_PUBLIC_POLICIES) for policy in policies)


def _describe_key(public: object) -> tuple[str, int | None]:
    if isinstance(public, rsa.RSAPublicKey):
        return f"RSA {public.key_size}", public.key_size
    if isinstance(public, ec.EllipticCurvePublicKey):
        return f"EC {public.curve.name}", public.curve.key_size
    if isinstance(public, dsa.DSAPublicKey):
        return f"DSA {public.key_size}", public.key_size
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "Ed25519", 256
    if isinstance(public, ed448.Ed448PublicKey):
        return "Ed448", 456
    return ("", None) if public is None else (type(public).__name__, None)


def _describe_signature(cert: x509.Certificate) -> str:
    name = cert.signature_algorithm_oid._name  # noqa: SLF001  (the name is not public otherwise)
    return name if name != "Unknown OID" else cert.signature_algorithm_oid.dotted_string


def _name_check(certificate: Certificate, name: str) -> tuple[bool, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            verify_certificate_hostname(x509.load_der_x509_certificate(certificate.der), name)
    except VerificationError:
        return False, f"names {', '.join(certificate.dns_names[:8]) or 'no DNS name'}"
    except CertificateError as error:
        return False, one_line(f"no usable SAN: {error}", 200)
    except _UNREADABLE as error:
        return False, one_line(f"cannot be checked: {error}", 200)
    return True, ""


def _purpose_problem(leaf: Certificate) -> str:
    """Return whether the extended key usage rules out a server (RFC 5280 §4.2.1.12)."""
    try:
        usage = x509.load_der_x509_certificate(leaf.der).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return ""
    allowed = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return "" if allowed & set(usage.value) else "the extended key usage does not allow a server"


def issuers_in(body: bytes) -> tuple[Certificate, ...]:
    """Return the certificates in the response of a caIssuers URL: DER, PEM, or PKCS #7 (RFC 5280 §4.2.2.1)."""
    readings: tuple[Callable[[bytes], list[x509.Certificate]], ...] = (
        lambda data: [x509.load_der_x509_certificate(data)],
        pkcs7.load_der_pkcs7_certificates,
        x509.load_pem_x509_certificates,
    )
    for read in readings:
        try:
            issuers = read(body)[:LONGEST_CHAIN]
            return tuple(read_certificate(cert.public_bytes(serialization.Encoding.DER)) for cert in issuers)
        except _UNREADABLE:
            continue
    return ()


def validate_chain(
    chain: Sequence[Certificate],
    name: str,
    store: TrustStore,
    fetch: Callable[[str], tuple[IssuerFetch, tuple[Certificate, ...]]] | None = None,
) -> Validation:
    """Return a presented chain checked against the store, the name and the store's time.

    Parameters
    ----------
    chain : sequence of Certificate
        As presented, leaf first; not empty.
    name : str
        The name that the certificate must have as a SAN.
    store : TrustStore
        Trusted roots, and the time.
    fetch : callable, optional
        Gets a missing issuer by URL.
    """
    leaf = chain[0]
    verdict = store.verdict(chain)
    if verdict.trusted and (problem := _purpose_problem(leaf)):
        verdict = ChainResult(code=26, text=problem)  # X509_V_ERR_INVALID_PURPOSE
    completed, fetches = None, []
    if verdict.code in ISSUER_NOT_FOUND and fetch is not None:
        whole, child = list(chain), _last_of(chain)
        for _ in range(MOST_FETCHES):
            # Only plain HTTP is fetched; another URL is reported as not fetched.
            url = min(child.issuer_urls, key=lambda url: not url.lower().startswith("http://"), default=None)
            if url is None or child.self_issued:
                break
            attempt, certificates = fetch(url)
            fetches.append(attempt)
            parent = next((cert for cert in certificates if cert.subject == child.issuer), None)
            if parent is None:
                break
            whole.append(parent)
            completed = store.verdict(whole)
            if completed.code not in ISSUER_NOT_FOUND:
                break
            child = parent
    matches, why = _name_check(leaf, name)
    return Validation(
        name=name,
        at=store.at,
        verdict=verdict,
        name_matches=matches,
        name_detail=why,
        completed_verdict=completed,
        fetches=tuple(fetches),
        days_left=(leaf.not_after - store.at).total_seconds() / 86400 if leaf.not_after else None,
    )


def _last_of(chain: Sequence[Certificate]) -> Certificate:
    """Return the certificate at which the chain from the leaf ends."""
    last, rest = chain[0], list(chain[1:])
    while not last.self_issued:
        parent = next((cert for cert in rest if cert.subject == last.issuer), None)
        if parent is None:
            break
        rest.remove(parent)
        last = parent
    return last


def match_tlsa(records: Sequence[str], session: TlsSession) -> tuple[TlsaMatch, ...]:
    """Return each TLSA record with whether the presented chain matches it (RFC 6698, RFC 7671).

    DANE-EE(3) checks the leaf only, neither names nor dates; DANE-TA(2) needs a certificate of the chain above the leaf,
    and the name too (RFC 7672 §3.1). PKIX-TA(0) and PKIX-EE(1) are not usable for SMTP (§3.1.3).
    """
    return tuple(_match(text, session) for text in records)


def _match(text: str, session: TlsSession) -> TlsaMatch:
    try:
        usage, selector, matching, expected = tlsa_record(text)
    except ValueError as error:
        return TlsaMatch(record=text, matches=None, detail=str(error))
    candidates = session.chain[:1] if usage == 3 else session.chain[1:]
    for depth, certificate in enumerate(candidates, start=0 if usage == 3 else 1):
        if _association(certificate, selector, matching) == expected:
            if usage == 2 and session.validation is not None and not session.validation.name_matches:
                detail = "the trust anchor matches, the name does not"
                return TlsaMatch(record=text, matches=False, detail=detail, name_only=True)
            return TlsaMatch(record=text, matches=True, detail=f"matches the certificate at depth {depth}")
    seen = ", ".join(_association(c, selector, 1 if matching == 0 else matching).hex()[:16] for c in candidates)
    return TlsaMatch(record=text, matches=False, detail=f"presented: {seen or 'nothing at that depth'}")


def _association(certificate: Certificate, selector: int, matching: int) -> bytes:
    content = certificate.der if selector == 0 else _public_key(certificate)
    return _HASHES[matching](content).digest() if matching else content


def _public_key(certificate: Certificate) -> bytes:
    try:
        return _spki(x509.load_der_x509_certificate(certificate.der).public_key())
    except _UNREADABLE:
        return b""
