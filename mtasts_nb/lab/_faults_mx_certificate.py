"""Faults of the certificates of the MX hosts (RFC 8461 §4.2)."""

from __future__ import annotations

from typing import Any

from ..vocabulary import ResultType
from ._fault import EVERY_MX, Fault
from ._faults_policy_host import certificate_options
from ._world import ADDRESSES, World

__all__ = ["MX_CERTIFICATE_FAULTS"]

_MX1_IPV6 = ADDRESSES["mx1"][1]
_EXPIRED, _MISMATCH = ResultType.CERTIFICATE_EXPIRED, ResultType.CERTIFICATE_HOST_MISMATCH
_UNTRUSTED = ResultType.CERTIFICATE_NOT_TRUSTED


def _certificate(
    kind: str, sentence: str, code: str, result_type: ResultType | None, prefix: str = "mx", **more: Any
) -> Fault:
    labels = {"mx": EVERY_MX, "backup": ("mx2",), "address": ("mx1",)}[prefix]
    addresses = (_MX1_IPV6,) if prefix == "address" else ()

    def apply(world: World) -> None:
        names, options = certificate_options(world, kind)
        for label in labels:
            credential = world.authority.issue(*(names or (f"{label}.{world.domain}",)), **options)
            for address, server in world.mail.items():
                if server.name == f"{label}.{world.domain}" and (not addresses or address in addresses):
                    server.credential = credential

    where = {"mx": "of every MX host", "backup": "of mx2", "address": "at the IPv6 address of mx1"}[prefix]
    return Fault(
        name=f"{prefix}-certificate-{kind}",
        area="mx",
        sentence=sentence,
        changes=f"the certificate {where}",
        apply=apply,
        expects=(f"mx-certificate-{code}",),
        **{
            "result_type": result_type,
            "hosts": labels,
            "addresses": addresses,
            "delivery": "deferred" if prefix == "mx" else "delivered",
            **more,
        },
    )


MX_CERTIFICATE_FAULTS = (
    _certificate("expired", "The certificates of the MX hosts have expired.", "expired", _EXPIRED),
    _certificate(
        "not-yet-valid",
        "The certificates of the MX hosts are not valid yet.",
        "not-yet-valid",
        ResultType.VALIDATION_FAILURE,
        note="RFC 8460 §4.3 has no result type for it; some senders say certificate-not-trusted.",
    ),
    _certificate(
        "expires-soon",
        "The certificates of the MX hosts expire in two days.",
        "expires-soon",
        None,
        delivery="delivered",
    ),
    _certificate("self-signed", "The certificates of the MX hosts are self-signed.", "self-signed", _UNTRUSTED),
    _certificate(
        "unknown-ca", "The certificates of the MX hosts come from a CA that nobody trusts.", "untrusted", _UNTRUSTED
    ),
    _certificate("wrong-name", "The certificates of the MX hosts name another host.", "name-mismatch", _MISMATCH),
    _certificate(
        "common-name-only",
        "The certificates of the MX hosts have their name in the common name only.",
        "common-name-only",
        _MISMATCH,
    ),
    _certificate(
        "intermediate-missing",
        "The MX hosts do not send the intermediate certificate.",
        "chain-incomplete",
        _UNTRUSTED,
        note="Many guides file this under validation-failure; RFC 8460 §4.3.1 says certificate-not-trusted.",
    ),
    _certificate(
        "weak-key",
        "The certificates of the MX hosts have RSA keys of 1024 bits.",
        "weak",
        None,
        delivery="delivered",
        note="OpenSSL refuses them at security level 2 (validation-failure) and takes them at level 1, where most "
        "mail servers stand.",
    ),
    _certificate("expired", "Only the backup MX has an expired certificate.", "expired", _EXPIRED, "backup"),
    _certificate(
        "intermediate-missing",
        "Only the backup MX does not send the intermediate certificate.",
        "chain-incomplete",
        _UNTRUSTED,
        "backup",
    ),
    _certificate(
        "expired",
        "The first MX presents an expired certificate at its IPv6 address only.",
        "expired",
        _EXPIRED,
        "address",
    ),
)
