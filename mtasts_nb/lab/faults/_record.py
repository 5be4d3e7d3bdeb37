"""Faults of the records: `_mta-sts` (RFC 8461 §3.1), its lookup, and `_smtp._tls` (RFC 8460 §3)."""

from __future__ import annotations

from typing import Any, Literal

from ...vocabulary import Area
from .._world import ADDRESSES, World
from ._fault import Apply, Fault

__all__ = ["RECORD_FAULTS", "TLSRPT_FAULTS"]

_NAME = "_mta-sts"


def _record(name: str, sentence: str, changes: str, apply: Apply, *expects: str, **more: Any) -> Fault:
    return Fault(name=name, area=Area.RECORD, sentence=sentence, changes=changes, apply=apply, expects=expects, **more)


def _text(name: str, sentence: str, text: str | tuple[str, ...], *expects: str, note: str = "") -> Fault:
    """Return the fault of a record with this text, or of several."""
    texts = (text,) if isinstance(text, str) else text

    def apply(world: World) -> None:
        world.zone.set(_NAME, "TXT", *(f'"{each}"' for each in texts))

    changes = f"TXT {_NAME}: " + " and ".join(texts)
    return _record(f"record-{name}", sentence, changes, apply, *expects, note=note)


def _lookup(name: str, sentence: str, behaviour: Literal["servfail", "refused", "drop"]) -> Fault:
    """Return the fault of a lookup that fails."""
    return _record(
        f"record-{name}",
        sentence,
        f"the resolver's answer to TXT {_NAME}",
        lambda world: world.override(_NAME, "TXT", behaviour),
        "sts-record-lookup-failed",
    )


def _at_apex(world: World) -> None:
    record = world.zone.get(_NAME, "TXT")
    assert record is not None
    world.zone.remove(_NAME)
    world.zone.set("@", "TXT", '"v=spf1 mx -all"', record[0].to_text())


def _loop(world: World) -> None:
    world.zone.set(_NAME, "CNAME", "_mta-sts-2")
    world.zone.set("_mta-sts-2", "CNAME", _NAME)


RECORD_FAULTS = (
    _record(
        "record-missing", "There is no `_mta-sts` record.", f"TXT {_NAME}: none",
        lambda world: world.zone.remove(_NAME), "sts-record-missing",
        note="Senders report such sessions under no-policy-found (RFC 8460 §4.4), as successes.",
    ),
    _record(
        "record-at-apex", "The record is published at the domain itself, beside SPF, instead of at `_mta-sts`.",
        f"TXT {_NAME}: none; TXT @: the record", _at_apex, "sts-record-missing",
    ),
    _text(
        "version-typo", "The version is written v=STS1.", "v=STS1; id=20260208120000;", "sts-record-missing",
        "sts-record-version-typo",
    ),
    _text(
        "version-case", "The version is written in lower case.", "v=stsv1; id=20260208120000;", "sts-record-missing",
        "sts-record-version-case",
    ),
    _text(
        "version-spaced", "There is white space before the first semicolon.", "v=STSv1 ; id=20260208120000;",
        "sts-record-missing", "sts-record-version-space",
        note="The ABNF of §3.1 allows it; the rule by which senders discard records does not.",
    ),
    _text("id-missing", "The record has no id.", "v=STSv1;", "id-missing"),
    _text("id-illegal", "The id contains hyphens.", "v=STSv1; id=2026-02-08;", "id-character"),
    _text("id-empty", "The id is empty.", "v=STSv1; id=;", "id-empty"),
    _text("id-long", "The id is longer than 32 characters.", f"v=STSv1; id={'2026' * 9};", "id-long"),
    _text(
        "quoted", "Quotation marks were typed into the record.", '\\"v=STSv1; id=20260208120000;\\"',
        "sts-record-missing", "sts-record-quoted",
    ),
    _text(
        "comma", "There is a comma instead of a semicolon.", "v=STSv1, id=20260208120000", "sts-record-missing",
        "sts-record-version-delimiter",
    ),
    _text(
        "two", "There are two records, the previous one and the new one.",
        ("v=STSv1; id=20260101000000;", "v=STSv1; id=20260208120000;"), "sts-record-multiple",
    ),
    _record(
        "record-cname-dangling", "The record is a CNAME to a name that does not exist.",
        f"CNAME {_NAME}: _mta-sts.gone.hosting.example",
        lambda world: world.zone.set(_NAME, "CNAME", "_mta-sts.gone.hosting.example."), "sts-record-missing",
    ),
    _record(
        "record-cname-loop", "The record is a CNAME that leads back to itself.",
        f"CNAME {_NAME}: _mta-sts-2; CNAME _mta-sts-2: {_NAME}", _loop, "cname-chain-broken",
        note="Resolvers answer SERVFAIL; the authoritative servers show the two aliases.",
    ),
    _lookup("servfail", "The resolver answers SERVFAIL for the record.", "servfail"),
    _lookup("refused", "The resolver refuses the query for the record.", "refused"),
    _lookup("timeout", "The resolver never answers the query for the record.", "drop"),
    _record(
        "record-old-cached", "The id has changed; the resolver still answers with the previous record from its cache.",
        f"the resolver's answer to TXT {_NAME}: the previous id, with 240 s left",
        lambda world: world.cached_answer(_NAME, "TXT", '"v=STSv1; id=20260101000000;"', ttl=240), "not-propagated-yet",
        delivery="delivered",
    ),
    _record(
        "record-missing-on-one-nameserver", "One of the two authoritative servers does not have the record.",
        f"TXT {_NAME} at ns2: none", lambda world: world.differing_zone(*ADDRESSES["ns2"]).remove(_NAME),
        "nameservers-disagree", delivery="delivered",
    ),
    _record(
        "nameserver-silent", "One of the two authoritative servers never answers.", "ns2 answers nothing",
        lambda world: world.silent_nameservers.update(ADDRESSES["ns2"]), "nameserver-not-answering",
        delivery="delivered",
    ),
    _record(
        "zone-signatures-expired", "Every DNSSEC signature of the zone has expired.",
        "RRSIGs of the whole zone: expired", lambda world: world.zone.expire_all(), "dnssec-bogus", variant="signed",
        delivery="deferred",
        note="A validating resolver answers SERVFAIL to every query (with CD set, the records without AD), so a "
        "sender defers mail because the MX lookup fails; nor can it look up where to send reports. The lab models "
        "that verdict; it has no chain of trust to a root key.",
    ),
)  # fmt: skip


def _reporting(name: str, sentence: str, expects: str | tuple[str, ...], *texts: str) -> Fault:
    def apply(world: World) -> None:
        if texts:
            world.zone.set("_smtp._tls", "TXT", *(f'"{text.format(domain=world.domain)}"' for text in texts))
        else:
            world.zone.remove("_smtp._tls")

    return Fault(
        name=f"tlsrpt-{name}",
        area=Area.REPORTING,
        sentence=sentence,
        changes="TXT _smtp._tls: " + (" and ".join(texts) or "none"),
        apply=apply,
        delivery="delivered",
        expects=(expects,) if isinstance(expects, str) else expects,
    )


TLSRPT_FAULTS = (
    _reporting("missing", "There is no record for TLS reports.", "tlsrpt-record-missing"),
    _reporting(
        "version-wrong", "The version is written v=TLSRPT1.", ("tlsrpt-record-missing", "tlsrpt-record-version-typo"),
        "v=TLSRPT1; rua=mailto:tls@{domain}",
    ),
    _reporting("rua-missing", "The record has no rua.", "rua-missing", "v=TLSRPTv1;"),
    _reporting(
        "rua-scheme", "The rua is an http URL.", "rua-scheme-unknown", "v=TLSRPTv1; rua=http://reports.{domain}/tls",
    ),
    _reporting(
        "rua-bare", "The rua is a mail address without mailto.", "rua-scheme-missing", "v=TLSRPTv1; rua=tls@{domain}",
    ),
    _reporting(
        "two", "There are two records for TLS reports.", "tlsrpt-record-multiple",
        "v=TLSRPTv1; rua=mailto:tls@{domain}", "v=TLSRPTv1; rua=mailto:reports@{domain}",
    ),
)  # fmt: skip
