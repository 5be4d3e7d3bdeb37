"""The lab's TLS: a certificate authority for valid and invalid certificates, and handshakes whose alerts arrive."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from ..files import private_folder

__all__ = ["ISSUER_HOST", "Authority", "Credential", "SecureStream", "TlsVersion", "authority_for"]

#: Serves the authority's certificates over plain HTTP, as the caIssuers URL of each leaf says (RFC 5280 §4.2.2.1).
ISSUER_HOST = "pki.example"

#: `modern` is TLS 1.2 and 1.3, `any` 1.0 to 1.3; the others are that version and no other.
TlsVersion = Literal["modern", "any", "1.0", "1.1"]

_OLD = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1}
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_CHUNK = 16 * 1024


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
        """Return the server-side TLS context that speaks these versions, the same one each time."""
        return _shared_context(self, tls)

    def new_context(self, tls: TlsVersion = "modern") -> ssl.SSLContext:
        """Return a new server-side TLS context that speaks these versions."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Weak keys and TLS 1.0 are among the faults; OpenSSL 3 allows them at its lowest level only.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            # Old versions are deprecated, and the point of the fault.
            warnings.simplefilter("ignore", DeprecationWarning)
            oldest = ssl.TLSVersion.TLSv1 if tls == "any" else ssl.TLSVersion.TLSv1_2
            context.minimum_version = _OLD.get(tls, oldest)
            if tls in _OLD:
                context.maximum_version = _OLD[tls]
        with private_folder() as folder:  # ssl loads a chain from a file only
            chain = folder / "chain.pem"
            chain.write_bytes(self.pem())
            context.load_cert_chain(chain)
        return context


_shared_context = lru_cache(maxsize=64)(Credential.new_context)


class Authority:
    """A root and an intermediate that issue the lab's certificates, all dated around one moment.

    Parameters
    ----------
    moment : datetime
        The lab's present, in UTC. Leaves are valid from 30 days before to 60 days after, unless given otherwise.
    """

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        root_key, self._intermediate_key, self._unknown_key = (_new_key() for _ in range(3))
        self.root = self._sign_authority("Lab Root", root_key, "Lab Root", root_key)
        self.intermediate = self._sign_authority(
            "Lab Intermediate", self._intermediate_key, "Lab Root", root_key, "root.cer"
        )

    @property
    def root_pem(self) -> bytes:
        """The trusted root as PEM: what `ProbeSettings.trust_roots` holds."""
        return self.root.public_bytes(serialization.Encoding.PEM)

    def _sign_authority(
        self, name: str, key: _Key, issuer: str, issuer_key: _Key, issuer_file: str | None = None
    ) -> x509.Certificate:
        ten_years = timedelta(days=3650)
        builder = _builder(name, key, issuer, issuer_key, self.moment - ten_years, self.moment + ten_years, issuer_file)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return builder.add_extension(_AUTHORITY_USAGE, critical=True).sign(issuer_key, hashes.SHA256())

    def issue(
        self,
        *names: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        issuer: Literal["intermediate", "self", "unknown"] = "intermediate",
        subject_alternative_name: bool = True,
        send_intermediate: bool = True,
        rsa_bits: int | None = None,
    ) -> Credential:
        """Return a new key and a certificate for it.

        Parameters
        ----------
        *names : str
            DNS names; the first one is the common name too.
        not_before, not_after : datetime, optional
            Dates of the leaf, in UTC.
        issuer : {"intermediate", "self", "unknown"}
            Which key signs: the lab's intermediate, the leaf itself, or a root that is not trusted.
        subject_alternative_name : bool
            False leaves the names in the common name alone.
        send_intermediate : bool
            False leaves the intermediate out of the chain presented.
        rsa_bits : int, optional
            An RSA key of this size, instead of an elliptic curve key.
        """
        key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else _new_key()
        issuer_key, issuer_name = {
            "intermediate": (self._intermediate_key, "Lab Intermediate"),
            "self": (key, names[0]),
            "unknown": (self._unknown_key, "Unknown Root"),
        }[issuer]
        builder = _builder(
            names[0],
            key,
            issuer_name,
            issuer_key,
            not_before or self.moment - timedelta(days=30),
            not_after or self.moment + timedelta(days=60),
            "intermediate.cer" if issuer == "intermediate" else None,
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        if subject_alternative_name:
            san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(san, critical=False)
        leaf = builder.sign(issuer_key, hashes.SHA256())
        return Credential(key, (leaf, self.intermediate) if issuer == "intermediate" and send_intermediate else (leaf,))


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    name: str, key: _Key, issuer: str, issuer_key: _Key, start: datetime, end: datetime, issuer_file: str | None
) -> x509.CertificateBuilder:
    """Return what every certificate has in common; `issuer_file` is where its issuer's is served."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if issuer_file is None:
        return builder
    url = x509.UniformResourceIdentifier(f"http://{ISSUER_HOST}/{issuer_file}")
    access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, url)
    return builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)


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


# One per hour and process: making keys is the slowest part of a lab's start.
_authority_at = lru_cache(maxsize=4)(Authority)


def authority_for(moment: datetime) -> Authority:
    """Return the authority for the hour of a moment; the same one for all labs of that hour."""
    return _authority_at(moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0))


class SecureStream:
    """The server's side of one TLS connection, for servers whose refusal must reach the client.

    When a handshake fails, asyncio drops the connection, and with it the alert that says why (RFC 8446 §6.2).
    """

    def __init__(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._buffer = b""

    async def _do(self, step: Callable[[], bytes | int | None]) -> bytes | int | None:
        """Take one step of TLS, with all the reading and writing below that it needs."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._reader.read(_CHUNK)
                if not data:
                    raise ConnectionResetError("the client left") from None
                self._incoming.write(data)
            finally:
                await self._flush()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())
            await self._writer.drain()

    async def handshake(self) -> None:
        """Complete the handshake; an alert is sent before the error is raised."""
        await self._do(self._tls.do_handshake)

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        await self._do(lambda: self._tls.write(data))

    async def read_until(self, end: bytes) -> bytes:
        """Return what arrives up to and including `end`; nothing where the client leaves before."""
        while end not in self._buffer:
            try:
                chunk = await self._do(lambda: self._tls.read(_CHUNK))
            except (OSError, ssl.SSLError):
                return b""
            if not isinstance(chunk, bytes) or not chunk or len(self._buffer) > _CHUNK:
                return b""
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(end)
        return line + end
