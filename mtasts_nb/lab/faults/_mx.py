"""Faults of the MX: its records, its port, its SMTP, its TLS (RFC 8461 §4), its TLSA records (RFC 7672)."""

from __future__ import annotations

from typing import Any

from ...vocabulary import Area, ResultType
from .._ports import Reach
from .._smtp import Behaviour
from .._world import ADDRESSES, World
from ._fault import EVERY_MX, Apply, Fault

__all__ = ["DANE_FAULTS", "MX_FAULTS"]

_NOT_SUPPORTED, _FAILURE = ResultType.STARTTLS_NOT_SUPPORTED, ResultType.VALIDATION_FAILURE
_TLSA, _DNSSEC = ResultType.TLSA_INVALID, ResultType.DNSSEC_INVALID
_MX1_IPV6 = ADDRESSES["mx1"][1]
_DELIVERED: dict[str, Any] = {"delivery": "delivered"}
_BACKUP: dict[str, Any] = {"hosts": ("mx2",), **_DELIVERED}
_NO_HOST: dict[str, Any] = {"hosts": ()}


def _fault(name: str, sentence: str, changes: str, apply: Apply, *expects: str, **more: Any) -> Fault:
    """Return a fault of both MX hosts that defers mail, unless `more` has something else."""
    values: dict[str, Any] = {"area": Area.MX, "hosts": EVERY_MX, "delivery": "deferred", **more}
    return Fault(name=name, sentence=sentence, changes=changes, apply=apply, expects=expects, **values)


def _dane(name: str, sentence: str, changes: str, apply: Apply, *expects: str, **more: Any) -> Fault:
    values = {"area": Area.DANE, "variant": "dane", **more}
    return _fault(f"dane-{name}", sentence, changes, apply, *expects, **values)


def _records(*records: str) -> Apply:
    """Replace the MX records."""

    def apply(world: World) -> None:
        if records:
            world.zone.set("@", "MX", *(record.format(domain=world.domain) for record in records))
        else:
            world.zone.remove("@", "MX")

    return apply


def _policy(*patterns: str) -> Apply:
    """Replace the mx patterns of the policy."""
    return lambda world: world.set_policy(*(pattern.format(domain=world.domain) for pattern in patterns))


def _behaves(behaviour: Behaviour, *labels: str) -> Apply:
    def apply(world: World) -> None:
        for server in world.mail_servers(*labels):
            server.behaviour = behaviour

    return apply


def _reach(reach: Reach, *labels: str, addresses: tuple[str, ...] = ()) -> Apply:
    def apply(world: World) -> None:
        for server in world.mail_servers(*labels, addresses=addresses):
            server.reach = reach

    return apply


def _no_address(*labels: str) -> Apply:
    def apply(world: World) -> None:
        for label in labels:
            world.zone.remove(label)

    return apply


def _implicit(world: World) -> None:
    """Remove the MX records and let the domain itself be its host (RFC 5321 §5.1)."""
    world.zone.remove("@", "MX")
    world.mail.clear()
    world.add_mail_host("@", world.domain, "apex")


def _implicit_covered(world: World) -> None:
    _implicit(world)
    first, second = (f"mx: {host}.{world.domain}\r\n".encode() for host in ("mx1", "mx2"))
    world.edit_policy(lambda text: text.replace(first, f"mx: {world.domain}\r\n".encode()).replace(second, b""))


def _alias(world: World) -> None:
    world.zone.set("@", "MX", f"10 mail.{world.domain}.", f"20 mx2.{world.domain}.")
    world.zone.set("mail", "CNAME", f"mx1.{world.domain}.")
    credential = world.authority.issue(f"mail.{world.domain}", f"mx1.{world.domain}")
    for server in world.mail_servers("mx1"):
        server.credential = credential
    world.edit_policy(lambda text: text.replace(b"mx1.", b"mail."))


def _old_tls(world: World) -> None:
    for server in world.mail_servers():
        server.tls = "1.0"


def _any_tls(world: World) -> None:
    for server in world.mail_servers():
        server.tls = "any"


def _no_next_key(world: World) -> None:
    for label in EVERY_MX:
        world.publish_tlsa(label, next(world.mail_servers(label)).credential)


def _tlsa(*labels: str, usage: int = 3, own_key: bool = False) -> Apply:
    """Publish TLSA records of the hosts' own keys, or of others."""

    def apply(world: World) -> None:
        for label in labels:
            own = next(world.mail_servers(label)).credential
            world.publish_tlsa(label, own if own_key else world.authority.issue(f"{label}.{world.domain}"), usage)

    return apply


def _expired_tlsa(world: World) -> None:
    for label in EVERY_MX:
        world.zone.expire(f"_25._tcp.{label}", "TLSA")


def _not_validating(world: World) -> None:
    world.validating = False


def _mismatch_not_validated(world: World) -> None:
    _tlsa(*EVERY_MX)(world)
    _not_validating(world)


_RECORD_FAULTS = (
    _fault(
        "mx-none", "The domain has neither MX records nor an address.", "MX @: none", _records(), "mx-missing",
        **_NO_HOST, delivery="bounced",
    ),
    _fault(
        "mx-implicit", "There is no MX record; the domain itself accepts mail, and policy and certificate cover it.",
        "MX @: none; A and AAAA @; the policy covers the domain", _implicit_covered, "mx-implicit", **_NO_HOST,
        **_DELIVERED,
        note="RFC 5321 §5.1 allows it.",
    ),
    _fault(
        "mx-implicit-not-in-policy",
        "There is no MX record; the domain itself accepts mail, and the policy does not cover it.",
        "MX @: none; A and AAAA @", _implicit, "mx-implicit", "mx-not-covered", result_type=_FAILURE,
        hosts=("nordwind",),
    ),
    _fault(
        "mx-null", "A null MX declares that the domain accepts no mail (RFC 7505).", "MX @: 0 .", _records("0 ."),
        "mx-null", **_NO_HOST, delivery="bounced",
    ),
    _fault(
        "mx-null-mixed", "There is a null MX beside real ones.", "MX @: 0 . and 10 mx1 and 20 mx2",
        _records("0 .", "10 mx1.{domain}.", "20 mx2.{domain}."), "mx-null-mixed", **_DELIVERED,
        note="RFC 7505 §3 forbids it; most senders skip the null MX, some bounce.",
    ),
    _fault(
        "mx-ip-literal", "The MX record names an IP address.", "MX @: 10 192.0.2.25.", _records("10 192.0.2.25."),
        "mx-ip-literal", **_NO_HOST, delivery="bounced",
        note="As a host name 192.0.2.25 has no address; senders have no host to deliver to, and bounce the message "
        "(RFC 5321 §5.1: an error, not a reason to retry).",
    ),
    _fault(
        "mx-cname", "The first MX is an alias of the real host.",
        "MX @: 10 mail; CNAME mail: mx1; policy and certificate cover mail", _alias, "mx-cname", hosts=("mail",),
        **_DELIVERED,
        note="RFC 5321 §5.1 and RFC 2181 §10.3 forbid it; nearly every sender follows the alias.",
    ),
    _fault(
        "mx-no-address", "No MX host has an address.", "A and AAAA of mx1 and mx2: none", _no_address("mx1", "mx2"),
        "mx-no-address", delivery="bounced",
        note="RFC 5321 §5.1: with no usable MX record that is an error, not a reason to retry; Postfix bounces the "
        "message unless smtp_defer_if_no_mx_address_found is set.",
    ),
    _fault(
        "mx-servfail", "The resolver answers SERVFAIL for the MX records.", "the resolver's answer to MX @",
        lambda world: world.override("@", "MX", "servfail"), "mx-lookup-failed", **_NO_HOST,
    ),
    _fault(
        "mx-not-in-policy", "The MX hosts have moved and the policy still has the previous ones.", "mx: old1 and old2",
        _policy("old1.{domain}", "old2.{domain}"), "mx-not-covered", result_type=_FAILURE,
        note="It has no result type of its own; reason codes differ by sender.",
    ),
    _fault(
        "mx-wildcard-too-short", "The policy has the parent domain of the MX hosts without a wildcard.",
        "mx: the domain itself", _policy("{domain}"), "mx-not-covered", result_type=_FAILURE,
        note="The usual mistake with hosted mail: the provider's domain without `*.` in front.",
    ),
    _fault(
        "mx-wildcard-too-deep", "The policy's wildcard is one level below the MX hosts.", "mx: *.mail",
        _policy("*.mail.{domain}"), "mx-not-covered", result_type=_FAILURE,
    ),
)  # fmt: skip

_SERVER_FAULTS = (
    _fault("mx-refused", "Port 25 refuses connections.", "port 25", _reach("refused"), "mx-refused"),
    _fault(
        "mx-timeout", "Connections to the first MX time out.", "port 25 of mx1: dropped", _reach("dropped", "mx1"),
        "mx-timeout", hosts=("mx1",), **_DELIVERED,
    ),
    _fault(
        "port-25-closed", "Connections to every MX time out, as in a network that closes outbound port 25.",
        "port 25 everywhere: dropped", _reach("dropped"), "port-25-no-answer", delivery="unknown",
        note="From one network this cannot be distinguished from MX hosts that are all down.",
    ),
    _fault("mx-silent", "The MX never greets.", "no greeting", _behaves("silent"), "mx-timeout"),
    _fault(
        "mx-closes-before-greeting", "The MX closes the connection at once.", "closed before the greeting",
        _behaves("closes-before-greeting"), "mx-closed",
    ),
    _fault(
        "mx-greeting-554", "The MX greets with 554.", "greeting", _behaves("greeting-554"), "mx-greeting-rejected",
        note="RFC 5321 §3.1; a sender tries the next host, and bounces or defers after the last one.",
    ),
    _fault("mx-greeting-421", "The MX greets with 421.", "greeting", _behaves("greeting-421"), "mx-greeting-deferred"),
    _fault(
        "mx-greeting-endless", "The MX's greeting never ends.", "greeting of endless lines",
        _behaves("endless-greeting"), "mx-smtp-invalid",
    ),
    _fault(
        "mx-ehlo-refused", "The MX accepts HELO only.", "EHLO: 502", _behaves("ehlo-refused"), "mx-ehlo-rejected",
        result_type=_NOT_SUPPORTED,
    ),
    _fault(
        "mx-drops-after-ehlo", "The MX closes the connection on EHLO.", "closed on EHLO", _behaves("drops-after-ehlo"),
        "mx-closed",
    ),
    _fault(
        "mx-no-starttls", "The MX does not offer STARTTLS.", "EHLO without STARTTLS", _behaves("no-starttls"),
        "mx-starttls-missing", result_type=_NOT_SUPPORTED,
    ),
    _fault(
        "mx-starttls-454", "The MX offers STARTTLS and answers it with 454.", "STARTTLS: 454", _behaves("starttls-454"),
        "mx-starttls-refused", result_type=_NOT_SUPPORTED,
    ),
    _fault(
        "mx-starttls-stripped", "A middlebox overwrites STARTTLS in the answer to EHLO.", "EHLO: 250 XXXXXXXA",
        _behaves("starttls-stripped"), "mx-starttls-stripped", result_type=_NOT_SUPPORTED,
    ),
    _fault(
        "mx-starttls-silent", "The MX never answers STARTTLS.", "STARTTLS: nothing", _behaves("starttls-silent"),
        "mx-timeout", result_type=_FAILURE,
    ),
    _fault(
        "mx-closes-in-handshake", "The MX closes the connection in the TLS handshake.",
        "closed after the client's hello", _behaves("closes-in-handshake"), "mx-tls-failed", result_type=_FAILURE,
    ),
    _fault(
        "mx-garbage-in-handshake", "The MX answers the client's hello in plain text.",
        "text in place of a server's hello", _behaves("garbage-in-handshake"), "mx-tls-failed", result_type=_FAILURE,
    ),
    _fault(
        "mx-tls-1.0-only", "The MX speaks TLS 1.0 only.", "TLS 1.0 to 1.0", _old_tls, "mx-tls-version",
        result_type=_FAILURE,
    ),
    _fault(
        "mx-tls-1.0-too", "The MX still speaks TLS 1.0 and 1.1, beside newer versions.", "TLS 1.0 to 1.3", _any_tls,
        "mx-tls-old-offered", **_DELIVERED,
    ),
    _fault(
        "backup-not-in-policy", "The policy does not cover the backup MX.", "mx: mx1", _policy("mx1.{domain}"),
        "mx-not-covered", result_type=_FAILURE, **_BACKUP,
        note="Hidden by a working primary until the primary is down (RFC 8461 §8.4).",
    ),
    _fault(
        "backup-no-starttls", "Only the backup MX does not offer STARTTLS.", "EHLO of mx2 without STARTTLS",
        _behaves("no-starttls", "mx2"), "mx-starttls-missing", result_type=_NOT_SUPPORTED, **_BACKUP,
    ),
    _fault(
        "backup-no-address", "Only the backup MX has no address.", "A and AAAA mx2: none", _no_address("mx2"),
        "mx-no-address", **_BACKUP,
    ),
    _fault(
        "address-refused", "The first MX refuses connections at its IPv6 address.",
        "port 25 of the IPv6 address of mx1", _reach("refused", addresses=(_MX1_IPV6,)), "mx-refused", hosts=("mx1",),
        addresses=(_MX1_IPV6,), **_DELIVERED,
    ),
)  # fmt: skip

MX_FAULTS = (*_RECORD_FAULTS, *_SERVER_FAULTS)

DANE_FAULTS = (
    _dane(
        "mismatch", "The keys of the MX hosts have changed and the TLSA records have not.",
        "TLSA of mx1 and mx2: another key", _tlsa(*EVERY_MX), "tlsa-mismatch", result_type=_TLSA,
        note="MTA-STS validation passes; it does not override the failing DANE check (RFC 8461 §2).",
    ),
    _dane(
        "backup-mismatch", "Only the TLSA record of the backup MX does not match.", "TLSA of mx2: another key",
        _tlsa("mx2"), "tlsa-mismatch", result_type=_TLSA, **_BACKUP,
    ),
    _dane(
        "signature-expired", "The signatures of the TLSA records have expired.", "RRSIG of the TLSA RRsets: expired",
        _expired_tlsa, "tlsa-lookup-failed", result_type=_DNSSEC,
        note="A validating resolver answers SERVFAIL (RFC 8914 code 7), and with CD set the records without AD. "
        "The lab models that verdict; its RRSIG really has expired.",
    ),
    _dane(
        "unsigned", "There are TLSA records in a zone that is not signed.", "TLSA of mx1 and mx2, no DNSSEC",
        _tlsa(*EVERY_MX, own_key=True), "tlsa-not-secure", variant="enforce",
        note="Senders ignore them (RFC 7672 §2.2).",
        **_DELIVERED,
    ),
    _dane(
        "no-next-key", "The TLSA records match, and there is none for a next key.", "TLSA of mx1 and mx2: its key alone",
        _no_next_key, "tlsa-no-next-key", **_DELIVERED,
    ),
    _dane(
        "not-validated", "The probe's resolver does not validate; signatures and TLSA records are right.",
        "the resolver: no AD, no SERVFAIL for wrong signatures", _not_validating, "resolver-not-validating",
        **_NO_HOST, **_DELIVERED,
        note="Whether the TLSA records count is not observed; as they match, mail is delivered either way.",
    ),
    _dane(
        "mismatch-not-validated",
        "The keys of the MX hosts have changed, the TLSA records have not, and the probe's resolver does not validate.",
        "TLSA of mx1 and mx2: another key; the resolver: no AD", _mismatch_not_validated, "resolver-not-validating",
        **_NO_HOST, delivery="unknown",
        note="Senders that validate DANE defer, others deliver; which answer is secure is not observed.",
    ),
    _dane(
        "unusable", "The TLSA records have certificate usage 1, which is not for SMTP.", "TLSA of mx1 and mx2: usage 1",
        _tlsa(*EVERY_MX, usage=1, own_key=True), "tlsa-unusable",
        note="With no usable record a sender requires TLS without authentication (RFC 7672 §2.2, §3.1.3).",
        **_DELIVERED,
    ),
)  # fmt: skip
