"""The lab's certificate authority: a root, an intermediate, and leaves that are right or wrong in every way we need."""

from __future__ import annotations

import ssl
import tempfile
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

__all__ = ["ISSUER_HOST", "Authority", "Credential", "TlsVersion", "authority_for"]

#: Serves the authority's certificates over plain HTTP, as the caIssuers URL of each leaf says (RFC 5280 §4.2.2.1).
ISSUER_HOST = "pki.example"

#: `modern` is TLS 1.2 and 1.3; the others are that version and no other.
TlsVersion = Literal["modern", "1.0", "1.1"]

_OLD = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1}
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_LEAF_BEFORE = timedelta(days=30)
_LEAF_AFTER = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key and the chain a server presents with it, leaf first."""

    key: _Key
    chain: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        """The server's own certificate."""
        return self.chain[0]

    def pem(self) -> bytes:
        """Return the key and the chain as one PEM text."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return key + b"".join(cert.public_bytes(serialization.Encoding.PEM) for cert in self.chain)

    def context(self, tls: TlsVersion = "modern") -> ssl.SSLContext:
        """Return a server-side TLS context that speaks these versions."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Weak keys and TLS 1.0 are among the faults; OpenSSL 3 allows them at its lowest level only.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            # Old versions are deprecated, and the point of the fault.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = _OLD.get(tls, ssl.TLSVersion.TLSv1_2)
            if tls in _OLD:
                context.maximum_version = _OLD[tls]
        with tempfile.TemporaryDirectory(prefix="mtasts-nb-lab-") as folder:
            path = Path(folder) / "credential.pem"  # ssl loads a chain from a file only
            path.touch(mode=0o600)
            path.write_bytes(self.pem())
            context.load_cert_chain(path)
        return context


class Authority:
    """A root and an intermediate that issue the lab's certificates, all dated around one moment.

    Parameters
    ----------
    moment : datetime
        The lab's present, in UTC. Leaves are valid from 30 days before to 60 days after, unless asked otherwise.
    """

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._intermediate_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._sign_authority("Lab Root", "Lab Root", self._root_key, self._root_key)
        self.intermediate = self._sign_authority(
            "Lab Intermediate", "Lab Root", self._intermediate_key, self._root_key, url="root.cer"
        )
        self._stranger_key = ec.generate_private_key(ec.SECP256R1())
        self.stranger = self._sign_authority("Unknown Root", "Unknown Root", self._stranger_key, self._stranger_key)

    @property
    def root_pem(self) -> bytes:
        """The trusted root as PEM: what `ProbeSettings.trust_roots` holds."""
        return self.root.public_bytes(serialization.Encoding.PEM)

    def _sign_authority(
        self,
        subject: str,
        issuer: str,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        url: str | None = None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.moment - timedelta(days=3650))
            .not_valid_after(self.moment + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_AUTHORITY_USAGE, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        )
        if url:
            builder = builder.add_extension(_issuer_at(url), critical=False)
        return builder.sign(signer, hashes.SHA256())

    def issue(
        self,
        *names: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        issuer: str = "intermediate",
        subject_alternative_name: bool = True,
        send_intermediate: bool = True,
        rsa_bits: int | None = None,
        key: _Key | None = None,
    ) -> Credential:
        """Return a new key and a certificate for it.

        Parameters
        ----------
        *names : str
            DNS names; the first one is the common name too.
        not_before, not_after : datetime, optional
            Dates of the leaf, in UTC.
        issuer : {"intermediate", "self", "stranger"}
            Who signs: the lab's intermediate, the leaf itself, or a root that nobody trusts.
        subject_alternative_name : bool
            False leaves the names in the common name alone.
        send_intermediate : bool
            False leaves the intermediate out of the chain presented.
        rsa_bits : int, optional
            An RSA key of this size, in place of an elliptic curve key.
        key : private key, optional
            Use this key, as a renewal does that keeps its key.
        """
        if key is None:
            key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
        signer, issuer_name, rest = {
            "intermediate": (self._intermediate_key, _name("Lab Intermediate"), (self.intermediate,)),
            "self": (key, _name(names[0]), ()),
            "stranger": (self._stranger_key, _name("Unknown Root"), ()),
        }[issuer]
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(names[0]))
            .issuer_name(issuer_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before or self.moment - _LEAF_BEFORE)
            .not_valid_after(not_after or self.moment + _LEAF_AFTER)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if subject_alternative_name:
            san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(san, critical=False)
        if issuer == "intermediate":
            builder = builder.add_extension(_issuer_at("intermediate.cer"), critical=False)
        leaf = builder.sign(signer, hashes.SHA256())
        return Credential(key, (leaf, *rest) if send_intermediate else (leaf,))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _issuer_at(file: str) -> x509.AuthorityInformationAccess:
    location = x509.UniformResourceIdentifier(f"http://{ISSUER_HOST}/{file}")
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, location)])


_AUTHORITY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@lru_cache(maxsize=4)
def _authority_at(moment: datetime) -> Authority:
    return Authority(moment)


def authority_for(moment: datetime) -> Authority:
    """Return the authority for the hour of a moment; the same one again for labs of the same hour."""
    return _authority_at(moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
