"""The handshake: first as a sender does it (TLS 1.2 or newer), then, where that fails, with older versions offered.

The chain is never verified in the handshake, so that a bad one is seen and not just refused; `_certificates` judges it.
"""

from __future__ import annotations

from functools import lru_cache

from OpenSSL import SSL, crypto

from ._certificates import LONGEST_CHAIN, read_certificate
from ._evidence import TlsSession
from ._network import Network, StepError, Stream

__all__ = ["client_context", "handshake"]


@lru_cache(maxsize=4)
def client_context(*, older: bool = False, alpn: bytes = b"") -> SSL.Context:
    """Return a TLS client context.

    Parameters
    ----------
    older : bool
        Offer TLS 1.0 and 1.1 too, which OpenSSL 3 does at security level 0 only.
    alpn : bytes
        The one protocol to offer (RFC 7301).
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_min_proto_version(SSL.TLS1_VERSION if older else SSL.TLS1_2_VERSION)
    if older:
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
