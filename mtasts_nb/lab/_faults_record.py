"""Faults of the `_mta-sts` record (RFC 8461 §3.1): its text, and what the DNS makes of it."""

from __future__ import annotations

from ._fault import Fault
from ._world import ADDRESSES, World

__all__ = ["RECORD_FAULTS"]

_NAME = "_mta-sts"
# What postfix-mta-sts-resolver does otherwise.
_ID_UNCHECKED = "Takes the policy: it looks whether there is an id, and not at its characters (RFC 8461 §3.1)."
_LOOKUP_FAILED = (
    "Calls the failed look-up a fetch error, so that a cached policy stays in use; without one mail goes without STS "
    "all the same."
)


def _says(
    name: str, sentence: str, *texts: str, expects: tuple[str, ...], note: str = "", second_sender: str = ""
) -> Fault:
    """Return the fault of a record that says this."""
    return Fault(
        name=f"record-{name}",
        area="record",
        sentence=sentence,
        changes=f"TXT {_NAME}: " + " and ".join(texts),
        apply=lambda world: world.zone.set(_NAME, "TXT", *(f'"{text}"' for text in texts)),
        expects=expects,
        note=note,
        second_sender=second_sender,
    )


def _at_apex(world: World) -> None:
    record = world.zone.get(_NAME, "TXT")
    assert record is not None
    world.zone.remove(_NAME)
    world.zone.set("@", "TXT", '"v=spf1 mx -all"', record[0].to_text())


def _cached(world: World) -> None:
    world.old_answer(_NAME, "TXT", '"v=STSv1; id=20260101000000;"', ttl=240)


def _missing_on_one(world: World) -> None:
    zone = world.zone.copy()
    zone.remove(_NAME)
    for address in ADDRESSES["ns2"]:
        world.nameservers[address] = zone


def _loop(world: World) -> None:
    world.zone.set(_NAME, "CNAME", "_mta-sts-2")
    world.zone.set("_mta-sts-2", "CNAME", _NAME)


def _fails(manner: str, sentence: str, note: str = "") -> Fault:
    return Fault(
        name=f"record-{manner}",
        area="record",
        sentence=sentence,
        changes=f"the resolver's answer to TXT {_NAME}",
        apply=lambda world: world.override(_NAME, "TXT", "drop" if manner == "timeout" else manner),  # type: ignore[arg-type]
        expects=("sts-record-lookup-failed",),
        note=note,
        second_sender=_LOOKUP_FAILED,
    )


RECORD_FAULTS = (
    Fault(
        name="record-missing",
        area="record",
        sentence="There is no `_mta-sts` record.",
        changes=f"TXT {_NAME}: none",
        apply=lambda world: world.zone.remove(_NAME),
        expects=("sts-record-missing",),
        note="Senders report such sessions under no-policy-found (RFC 8460 §4.4), as successes.",
    ),
    Fault(
        name="record-at-apex",
        area="record",
        sentence="The record stands at the domain itself, beside SPF, and not at `_mta-sts`.",
        changes=f"TXT {_NAME}: none; TXT @: the record",
        apply=_at_apex,
        expects=("sts-record-missing",),
    ),
    _says(
        "version-typo",
        "The version is written v=STS1.",
        "v=STS1; id=20260208120000;",
        expects=("sts-record-missing", "sts-record-version-typo"),
    ),
    _says(
        "version-case",
        "The version is written in small letters.",
        "v=stsv1; id=20260208120000;",
        expects=("sts-record-missing", "sts-record-version-case"),
    ),
    _says(
        "version-spaced",
        "White space stands before the first semicolon.",
        "v=STSv1 ; id=20260208120000;",
        expects=("sts-record-missing", "sts-record-version-space"),
        note="The ABNF of §3.1 allows it; the rule by which records are discarded does not.",
        second_sender="Takes the policy: it keeps every record that begins v=STSv1, the semicolon or not.",
    ),
    _says("id-missing", "The record has no id.", "v=STSv1;", expects=("id-missing",)),
    _says(
        "id-illegal",
        "The id has hyphens in it.",
        "v=STSv1; id=2026-02-08;",
        expects=("id-character",),
        second_sender=_ID_UNCHECKED,
    ),
    _says("id-empty", "The id is empty.", "v=STSv1; id=;", expects=("id-empty",), second_sender=_ID_UNCHECKED),
    _says(
        "id-long",
        "The id is longer than 32 characters.",
        f"v=STSv1; id={'2026' * 9};",
        expects=("id-long",),
        second_sender=_ID_UNCHECKED,
    ),
    _says(
        "quoted",
        "Quotation marks were typed into the record.",
        '\\"v=STSv1; id=20260208120000;\\"',
        expects=("sts-record-missing", "sts-record-quoted"),
    ),
    _says(
        "comma",
        "A comma stands where a semicolon has to.",
        "v=STSv1, id=20260208120000",
        expects=("sts-record-missing", "sts-record-version-delimiter"),
    ),
    _says(
        "two",
        "There are two records, the old one and the new one.",
        "v=STSv1; id=20260101000000;",
        "v=STSv1; id=20260208120000;",
        expects=("sts-record-multiple",),
    ),
    Fault(
        name="record-cname-dangling",
        area="record",
        sentence="The record is a CNAME to a name that does not exist.",
        changes=f"CNAME {_NAME}: _mta-sts.gone.hosting.example",
        apply=lambda world: world.zone.set(_NAME, "CNAME", "_mta-sts.gone.hosting.example."),
        expects=("sts-record-missing",),
    ),
    Fault(
        name="record-cname-loop",
        area="record",
        sentence="The record is a CNAME that leads back to itself.",
        changes=f"CNAME {_NAME}: _mta-sts-2; CNAME _mta-sts-2: {_NAME}",
        apply=_loop,
        expects=("cname-chain-broken",),
        note="Resolvers answer SERVFAIL; the two aliases are seen at the authoritative servers.",
        second_sender=_LOOKUP_FAILED,
    ),
    _fails("servfail", "The resolver answers SERVFAIL for the record."),
    _fails("refused", "The resolver refuses the question for the record."),
    _fails("timeout", "The resolver never answers the question for the record."),
    Fault(
        name="record-old-cached",
        area="record",
        sentence="The id has been changed; the resolver still gives the old record from its cache.",
        changes=f"the resolver's answer to TXT {_NAME}: the id before, with 240 s to go",
        apply=_cached,
        delivery="delivered",
        expects=("not-propagated-yet",),
    ),
    Fault(
        name="record-missing-on-one-nameserver",
        area="record",
        sentence="One of the two authoritative servers does not have the record.",
        changes=f"TXT {_NAME} at ns2: none",
        apply=_missing_on_one,
        delivery="delivered",
        expects=("nameservers-disagree",),
    ),
    Fault(
        name="nameserver-silent",
        area="record",
        sentence="One of the two authoritative servers does not answer at all.",
        changes="ns2 answers nothing",
        apply=lambda world: world.silent_nameservers.update(ADDRESSES["ns2"]),
        delivery="delivered",
        expects=("nameserver-not-answering",),
    ),
    Fault(
        name="zone-signatures-expired",
        area="record",
        sentence="Every DNSSEC signature of the zone is out of date.",
        changes="RRSIGs of the whole zone: expired",
        apply=lambda world: world.zone.expire_all(),
        variant="signed",
        delivery="deferred",
        expects=("dnssec-bogus",),
        note="A validating resolver answers SERVFAIL to everything (with CD set, the records without AD): the sender "
        "finds no MX and waits. It cannot find the address for reports either. The lab models that verdict; there "
        "is no chain of trust to a root key in it.",
        second_sender=_LOOKUP_FAILED,
    ),
)
