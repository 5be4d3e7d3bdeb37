"""Whether DANE applies to an MX host, and what it asks of a session there (RFC 7672 §2.2, §3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from ..vocabulary import Status
from ._attempts import TlsaMatch
from ._evidence import Evidence, MxHost
from ._tlsa import tlsa_record

__all__ = ["DaneState", "dane_state", "matching_tlsa"]


class DaneState(Enum):
    """Whether DANE applies to a host, for a sender that validates it."""

    NONE = "no TLSA records"
    INSECURE = "TLSA records that do not count, as an answer is not secure"
    UNVALIDATED = "TLSA records, and the resolver does not validate: whether they count is not observed"
    NOT_OBSERVED = "the lookup of the TLSA records was not observed"
    BROKEN = "the lookup of the TLSA records failed"
    UNUSABLE = "no TLSA record is usable for SMTP: TLS is required, unauthenticated"
    USABLE = "applies"

    @property
    def applies(self) -> bool:
        """Whether a sender that validates DANE requires something of the host."""
        return self in (DaneState.BROKEN, DaneState.UNUSABLE, DaneState.USABLE)


def dane_state(evidence: Evidence, mx: MxHost, *, insecure_mx: bool = False) -> DaneState:
    """Return whether DANE applies to a host: only if MX, all addresses and TLSA are secure (RFC 7672 §2.2).

    Parameters
    ----------
    evidence : Evidence
    mx : MxHost
        One of its hosts.
    insecure_mx : bool
        Whether the sender uses TLSA records even if the MX records are not secure (§2.2.1 leaves it that choice).

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab(variant="dane") as lab:
    ...     result = probe("nordwind.example", lab.settings)
    >>> dane_state(result, result.mx_hosts[0])
    <DaneState.USABLE: 'applies'>
    """
    tlsa = mx.tlsa
    if tlsa is None:
        return DaneState.NONE
    if not evidence.validates:
        if tlsa.texts:
            return DaneState.UNVALIDATED
        return DaneState.NONE if tlsa.status is Status.COMPLETED else DaneState.NOT_OBSERVED
    addresses = [lookup for lookup in mx.lookups if lookup.status is Status.COMPLETED]
    secure = any(lookup.texts for lookup in addresses) and all(lookup.secure for lookup in addresses)
    if not secure or not (mx.implicit or evidence.mx.secure or insecure_mx):
        return DaneState.INSECURE if tlsa.texts else DaneState.NONE
    if tlsa.status is Status.NOT_OBSERVED:
        return DaneState.NOT_OBSERVED
    if tlsa.status is Status.FAILED:
        return DaneState.BROKEN
    if not tlsa.texts:
        return DaneState.NONE
    if not tlsa.secure:
        return DaneState.INSECURE
    return DaneState.USABLE if any(map(_is_usable, tlsa.texts)) else DaneState.UNUSABLE


def _is_usable(record: str) -> bool:
    try:
        tlsa_record(record)
    except ValueError:
        return False
    return True


def matching_tlsa(matches: Sequence[TlsaMatch]) -> tuple[TlsaMatch, ...]:
    """Return the records that match: those of the host's own key alone, if there are any.

    With DANE-EE(3) neither names nor dates of the certificate count, with DANE-TA(2) they do (RFC 7672 §3.1.1, §3.1.2).
    """
    matching = tuple(match for match in matches if match.matches)
    return tuple(match for match in matching if match.record.startswith("3")) or matching
