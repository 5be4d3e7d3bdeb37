"""Certificates as presented: read, and held against a trust store, a name and a moment.

OpenSSL judges the chain (through pyOpenSSL, which gives its verify codes), service-identity the name. A server that
leaves out an intermediate is told from one with an unknown CA by fetching the issuer that the certificate itself names.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname

from ..markup import one_line
from ..vocabulary import Status
from ._evidence import Certificate, IssuerFetch, Validation, Verdict

__all__ = ["LONGEST_CHAIN", "TrustStore", "issuers_in", "read_certificate", "validate_chain"]

T = TypeVar("T")

#: Most certificates of one chain that are kept; OpenSSL itself takes 100.
LONGEST_CHAIN = 10
#: Most issuers fetched for one chain.
MOST_FETCHES = 3

# X509_verify_cert_error_string(3): the issuer was not found. What was not sent may be at the caIssuers URL.
_ISSUER_NOT_FOUND = frozenset({2, 20, 21})
# What reading a certificate made by a stranger can raise.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm, x509.DuplicateExtension,
               x509.UnsupportedGeneralNameType, OverflowError)  # fmt: skip


class TrustStore:
    """Trusted roots from one PEM file, at one moment. One store serves the policy host and the MX hosts.

    Parameters
    ----------
    path : Path or None
        The PEM file; None means the Mozilla roots that certifi brings.
    at : datetime
        The moment of the checks, UTC.
    """

    def __init__(self, path: Path | None, at: datetime) -> None:
        file = Path(path or certifi.where())
        self.at = at
        self.name = str(file) if path else f"Mozilla roots (certifi {certifi.__version__})"
        self.sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        self._store = crypto.X509Store()
        self._store.load_locations(str(file))
        self._store.set_time(at)

    def verdict(self, chain: Sequence[Certificate]) -> Verdict:
        """Return OpenSSL's verdict on a chain, leaf first."""
        try:
            leaf, *others = (crypto.load_certificate(crypto.FILETYPE_ASN1, part.der) for part in chain)
            crypto.X509StoreContext(self._store, leaf, others).verify_certificate()
        except crypto.X509StoreContextError as error:
            code, depth, text = error.errors[0], error.errors[1], error.errors[2]
            return Verdict(code=int(code), depth=int(depth), text=str(text))
        except (crypto.Error, ValueError) as error:
            # X509_V_ERR_UNSPECIFIED: OpenSSL cannot even read it.
            return Verdict(code=1, text=one_line(f"the certificate cannot be read: {error}"))
        return Verdict(code=0, text="ok")


def read_certificate(der: bytes) -> Certificate:
    """Return what stands in a certificate; `problem` says what could not be read, and nothing is raised.

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
    spki = (
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if public is not None
        else b""
    )
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
        problem="; ".join(problems),
    )


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
    name = cert.signature_algorithm_oid._name  # noqa: SLF001  (the only way to the name; the number else)
    return name if name != "Unknown OID" else cert.signature_algorithm_oid.dotted_string


def weakness(certificate: Certificate) -> str:
    """Return what is weak about a certificate's key or signature (RFC 9325 §4.5), or nothing."""
    bits, key = certificate.key_bits, certificate.key
    if bits is not None and (
        (key.startswith(("RSA", "DSA")) and bits < 2048) or (key.startswith("EC ") and bits < 224)
    ):
        return f"the key is {key}"
    if any(word in certificate.signature.lower() for word in ("md5", "sha1", "md2")):
        return f"the signature is {certificate.signature}"
    return ""


def _name_check(certificate: Certificate, name: str) -> tuple[bool, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            verify_certificate_hostname(x509.load_der_x509_certificate(certificate.der), name)
    except VerificationError:
        seen = ", ".join(certificate.dns_names[:8]) or "no DNS name"
        return False, f"names {seen}"
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
    """Return the certificates in what a caIssuers URL gave: DER, PEM, or PKCS #7 (RFC 5280 §4.2.2.1)."""
    readings: tuple[Callable[[bytes], list[x509.Certificate]], ...] = (
        lambda data: [x509.load_der_x509_certificate(data)],
        pkcs7.load_der_pkcs7_certificates,
        x509.load_pem_x509_certificates,
    )
    for read in readings:
        try:
            found = read(body)[:LONGEST_CHAIN]
            return tuple(read_certificate(cert.public_bytes(serialization.Encoding.DER)) for cert in found)
        except _UNREADABLE:
            continue
    return ()


def validate_chain(
    chain: Sequence[Certificate],
    name: str,
    store: TrustStore,
    fetch: Callable[[str], tuple[IssuerFetch, tuple[Certificate, ...]]] | None = None,
) -> Validation:
    """Return a presented chain held against the store, the name and the store's moment.

    Parameters
    ----------
    chain : sequence of Certificate
        As presented, leaf first; not empty.
    name : str
        The name to find among the SANs.
    store : TrustStore
        Trusted roots, and the moment.
    fetch : callable, optional
        Gets a missing issuer by URL.
    """
    leaf = chain[0]
    verdict = store.verdict(chain)
    if verdict.trusted and (problem := _purpose_problem(leaf)):
        verdict = Verdict(code=26, text=problem)  # X509_V_ERR_INVALID_PURPOSE
    completed, fetches = None, []
    if verdict.code in _ISSUER_NOT_FOUND and fetch is not None:
        whole, child = list(chain), _last_of(chain)
        for _ in range(MOST_FETCHES):
            # Plain HTTP is what can be fetched; another URL is named as what was not tried.
            url = min(child.issuer_urls, key=lambda url: not url.lower().startswith("http://"), default=None)
            if url is None or child.self_issued:
                break
            tried, found = fetch(url)
            fetches.append(tried)
            parent = next((cert for cert in found if cert.subject == child.issuer), None)
            if parent is None:
                break
            whole.append(parent)
            completed = store.verdict(whole)
            if completed.code not in _ISSUER_NOT_FOUND:
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
    """Return the certificate at which the chain from the leaf breaks off."""
    last, rest = chain[0], list(chain[1:])
    while not last.self_issued:
        parent = next((cert for cert in rest if cert.subject == last.issuer), None)
        if parent is None:
            break
        rest.remove(parent)
        last = parent
    return last


def failed_fetch(url: str, reason: str, detail: str, *, observed: bool = True) -> IssuerFetch:
    """Return the attempt to fetch an issuer that did not succeed."""
    status = Status.FAILED if observed else Status.NOT_OBSERVED
    return IssuerFetch(url=url, status=status, reason=reason, detail=detail)
