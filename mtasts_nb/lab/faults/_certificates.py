"""Faults of certificates: the policy host's (RFC 8461 §3.3) and the MX hosts' (RFC 8461 §4.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ...vocabulary import Area, ResultType
from .._world import ADDRESSES, World
from ._fault import EVERY_MX, POLICY_HOST, Fault

__all__ = ["MX_CERTIFICATE_FAULTS", "POLICY_CERTIFICATE_FAULTS"]

_EXPIRED, _MISMATCH = ResultType.CERTIFICATE_EXPIRED, ResultType.CERTIFICATE_HOST_MISMATCH
_UNTRUSTED, _INVALID = ResultType.CERTIFICATE_NOT_TRUSTED, ResultType.VALIDATION_FAILURE


@dataclass(frozen=True, slots=True)
class _Kind:
    """One way in which a certificate is wrong: what it is, the finding, the result type at an MX, how to issue it."""

    says: str
    code: str
    at_mx: ResultType | None
    options: Callable[[datetime], dict[str, Any]]
    note: str = ""
    other_name: bool = False


def _dated(start: int, end: int) -> Callable[[datetime], dict[str, Any]]:
    """Return options for validity from and to so many days after the lab's present."""
    return lambda now: {"not_before": now + timedelta(days=start), "not_after": now + timedelta(days=end)}


_KINDS = {
    "expired": _Kind("has expired", "expired", _EXPIRED, _dated(-93, -3)),
    "not-yet-valid": _Kind(
        "is not valid yet",
        "not-yet-valid",
        _INVALID,
        _dated(7, 97),
        "RFC 8460 §4.3 has no result type for it at an MX; some senders report certificate-not-trusted.",
    ),
    "expires-soon": _Kind("expires in two days", "expires-soon", None, _dated(-88, 2)),
    "self-signed": _Kind("is self-signed", "self-signed", _UNTRUSTED, lambda _: {"issuer": "self"}),
    "unknown-ca": _Kind(
        "was issued by a CA that is not trusted", "untrusted", _UNTRUSTED, lambda _: {"issuer": "unknown"}
    ),
    "wrong-name": _Kind("is for another host name", "name-mismatch", _MISMATCH, lambda _: {}, other_name=True),
    "common-name-only": _Kind(
        "has its name in the common name only, without a SAN",
        "common-name-only",
        _MISMATCH,
        lambda _: {"subject_alternative_name": False},
        "Many guides say 'in the CN or SAN'; RFC 8461 requires a SAN DNS-ID.",
    ),
    "intermediate-missing": _Kind(
        "is sent without the intermediate certificate",
        "chain-incomplete",
        _UNTRUSTED,
        lambda _: {"send_intermediate": False},
        "Its caIssuers URL says where to fetch the issuer's certificate; the lab serves it there. At an MX, RFC 8460 "
        "§4.3.1 says certificate-not-trusted, where many guides say validation-failure.",
    ),
    "weak-key": _Kind(
        "has an RSA key of 1024 bits",
        "weak",
        None,
        lambda _: {"rsa_bits": 1024},
        "OpenSSL rejects it at security level 2 and accepts it at level 1, the default of most mail servers.",
    ),
}


def _options(kind: str, world: World, host: str) -> tuple[str, dict[str, Any]]:
    """Return the host name in the certificate, and the other options of `Authority.issue`."""
    return f"www.{world.domain}" if _KINDS[kind].other_name else host, _KINDS[kind].options(world.moment)


def _at_policy_host(kind: str) -> Fault:
    def apply(world: World) -> None:
        name, options = _options(kind, world, world.policy_host)
        credential = world.authority.issue(name, **options)
        for site in world.sites():
            site.credential = credential

    harmless = kind == "expires-soon"
    return Fault(
        name=f"policy-certificate-{kind}",
        area=Area.POLICY_CERTIFICATE,
        sentence=f"The certificate of the policy host {_KINDS[kind].says}.",
        changes="the certificate of mta-sts",
        apply=apply,
        hosts=POLICY_HOST,
        result_type=None if harmless else ResultType.STS_WEBPKI_INVALID,
        delivery="delivered" if harmless else "without_sts",
        expects=(f"policy-certificate-{_KINDS[kind].code}",),
        note=_KINDS[kind].note,
    )


# The prefix of the fault's name: whose certificate it is, the hosts, and the addresses.
_WHOSE: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "mx": ("each MX host", EVERY_MX, ()),
    "backup": ("the backup MX alone", ("mx2",), ()),
    "address": ("the first MX, at its IPv6 address alone,", ("mx1",), ADDRESSES["mx1"][1:]),
}


def _at_mx(kind: str, prefix: str = "mx") -> Fault:
    whose, labels, addresses = _WHOSE[prefix]

    def apply(world: World) -> None:
        for label in labels:
            name, options = _options(kind, world, f"{label}.{world.domain}")
            credential = world.authority.issue(name, **options)
            for server in world.mail_servers(label, addresses=addresses):
                server.credential = credential

    result_type = _KINDS[kind].at_mx
    return Fault(
        name=f"{prefix}-certificate-{kind}",
        area=Area.MX_CERTIFICATE,
        sentence=f"The certificate of {whose} {_KINDS[kind].says}.",
        changes=f"the certificate of {' and '.join(labels)}" + (f" at {addresses[0]}" if addresses else ""),
        apply=apply,
        hosts=labels,
        addresses=addresses,
        result_type=result_type,
        delivery="deferred" if prefix == "mx" and result_type else "delivered",
        expects=(f"mx-certificate-{_KINDS[kind].code}",),
        note=_KINDS[kind].note,
    )


POLICY_CERTIFICATE_FAULTS = tuple(_at_policy_host(kind) for kind in _KINDS)
MX_CERTIFICATE_FAULTS = (
    *(_at_mx(kind) for kind in _KINDS),
    _at_mx("expired", "backup"),
    _at_mx("intermediate-missing", "backup"),
    _at_mx("expired", "address"),
)
