"""Faults of DANE (RFC 7672) and of the record for TLS reports (RFC 8460 §3)."""

from __future__ import annotations

from collections.abc import Callable

from ..vocabulary import ResultType
from ._fault import EVERY_MX, Delivery, Fault
from ._variants import publish_tlsa
from ._world import World

__all__ = ["DANE_FAULTS", "TLSRPT_FAULTS"]


def _publish_other_key(world: World, *labels: str, usage: int = 3, own_key: bool = False) -> None:
    for label in labels:
        own = next(world.mails(label)).credential
        publish_tlsa(world, label, own if own_key else world.authority.issue(f"{label}.{world.domain}"), usage)


def _expire(world: World, *labels: str) -> None:
    for label in labels:
        world.zone.expire(f"_25._tcp.{label}", "TLSA")


def _dane(
    name: str,
    sentence: str,
    changes: str,
    apply: Callable[[World], None],
    expects: str,
    result_type: ResultType | None,
    hosts: tuple[str, ...],
    delivery: Delivery,
    *,
    variant: str = "dane",
    note: str = "",
) -> Fault:
    return Fault(
        name=f"dane-{name}",
        area="dane",
        sentence=sentence,
        changes=changes,
        apply=apply,
        variant=variant,
        result_type=result_type,
        hosts=hosts,
        delivery=delivery,
        expects=(expects,),
        note=note,
    )


_TLSA, _DNSSEC = ResultType.TLSA_INVALID, ResultType.DNSSEC_INVALID

DANE_FAULTS = (
    _dane(
        "mismatch",
        "The keys of the MX hosts were changed and the TLSA records were not.",
        "TLSA of mx1 and mx2: another key",
        lambda world: _publish_other_key(world, *EVERY_MX),
        "tlsa-mismatch",
        _TLSA,
        EVERY_MX,
        "deferred",
        note="MTA-STS validates, and does not override the failing DANE check (RFC 8461 §2).",
    ),
    _dane(
        "backup-mismatch",
        "Only the TLSA record of the backup MX does not match.",
        "TLSA of mx2: another key",
        lambda world: _publish_other_key(world, "mx2"),
        "tlsa-mismatch",
        _TLSA,
        ("mx2",),
        "delivered",
    ),
    _dane(
        "signature-expired",
        "The signatures of the TLSA records are out of date.",
        "RRSIG of the TLSA RRsets: expired",
        lambda world: _expire(world, *EVERY_MX),
        "tlsa-lookup-failed",
        _DNSSEC,
        EVERY_MX,
        "deferred",
        note="A validating resolver answers SERVFAIL (RFC 8914 code 7), and the records without AD where CD is set. "
        "The lab models that verdict; the RRSIG it shows is truly out of date.",
    ),
    _dane(
        "unsigned",
        "There are TLSA records in a zone that is not signed.",
        "TLSA of mx1 and mx2, no DNSSEC",
        lambda world: _publish_other_key(world, *EVERY_MX, own_key=True),
        "tlsa-not-secure",
        None,
        EVERY_MX,
        "delivered",
        variant="enforce",
        note="Senders ignore them (RFC 7672 §2.2).",
    ),
    _dane(
        "unusable",
        "The TLSA records have certificate usage 1, which is not for SMTP.",
        "TLSA of mx1 and mx2: usage 1",
        lambda world: _publish_other_key(world, *EVERY_MX, usage=1, own_key=True),
        "tlsa-unusable",
        None,
        EVERY_MX,
        "delivered",
        note="With no usable record a sender requires TLS without authentication (RFC 7672 §2.2, §3.1.3).",
    ),
)


def _reporting(name: str, sentence: str, expects: str | tuple[str, ...], *texts: str) -> Fault:
    def apply(world: World) -> None:
        if texts:
            world.zone.set("_smtp._tls", "TXT", *(f'"{text.format(domain=world.domain)}"' for text in texts))
        else:
            world.zone.remove("_smtp._tls")

    return Fault(
        name=f"tlsrpt-{name}",
        area="tls reporting",
        sentence=sentence,
        changes="TXT _smtp._tls: " + (" and ".join(texts) or "none"),
        apply=apply,
        delivery="delivered",
        expects=(expects,) if isinstance(expects, str) else expects,
    )


TLSRPT_FAULTS = (
    _reporting("missing", "There is no record for TLS reports.", "tlsrpt-record-missing"),
    _reporting(
        "version-wrong",
        "The version is written v=TLSRPT1.",
        ("tlsrpt-record-missing", "tlsrpt-record-version-typo"),
        "v=TLSRPT1; rua=mailto:tls@{domain}",
    ),
    _reporting("rua-missing", "The record has no rua.", "rua-missing", "v=TLSRPTv1;"),
    _reporting(
        "rua-scheme", "The rua is an http URL.", "rua-scheme-unknown", "v=TLSRPTv1; rua=http://reports.{domain}/tls"
    ),
    _reporting(
        "rua-bare", "The rua is a mail address without mailto.", "rua-scheme-missing", "v=TLSRPTv1; rua=tls@{domain}"
    ),
    _reporting(
        "two",
        "There are two records for TLS reports.",
        "tlsrpt-record-multiple",
        "v=TLSRPTv1; rua=mailto:tls@{domain}",
        "v=TLSRPTv1; rua=mailto:reports@{domain}",
    ),
)
