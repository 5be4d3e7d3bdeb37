"""Faults of the MX: its records, its port, its SMTP, its TLS (RFC 8461 §4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..vocabulary import ResultType
from ._fault import EVERY_MX, Fault
from ._variants import set_policy
from ._world import ADDRESSES, MailServer, World

__all__ = ["MX_FAULTS"]

_NOT_SUPPORTED = ResultType.STARTTLS_NOT_SUPPORTED
_FAILURE = ResultType.VALIDATION_FAILURE
_MX1_IPV6 = ADDRESSES["mx1"][1]


def _fault(
    name: str,
    sentence: str,
    changes: str,
    apply: Callable[[World], None],
    *expects: str,
    **more: Any,
) -> Fault:
    return Fault(
        name=name,
        area="mx",
        sentence=sentence,
        changes=changes,
        apply=apply,
        expects=expects,
        **{"hosts": EVERY_MX, "delivery": "deferred", **more},
    )


def _records(*records: str) -> Callable[[World], None]:
    """Put MX records in place of those that are there."""

    def apply(world: World) -> None:
        if records:
            world.zone.set("@", "MX", *(record.format(domain=world.domain) for record in records))
        else:
            world.zone.remove("@", "MX")

    return apply


def _manner(manner: str, *labels: str) -> Callable[[World], None]:
    def apply(world: World) -> None:
        for server in world.mails(*labels):
            server.manner = manner  # type: ignore[assignment]

    return apply


def _reach(manner: str, *labels: str, addresses: tuple[str, ...] = ()) -> Callable[[World], None]:
    def apply(world: World) -> None:
        for address, server in world.mail.items():
            if server in list(world.mails(*labels)) and (not addresses or address in addresses):
                server.reach = manner  # type: ignore[assignment]

    return apply


def _implicit(world: World, *, covered: bool) -> None:
    """Take the MX records away and let the domain itself be its host (RFC 5321 §5.1)."""
    zone = world.zone
    zone.remove("@", "MX")
    for rdtype, address in zip(("A", "AAAA"), ADDRESSES["apex"], strict=True):
        zone.set("@", rdtype, address)
    credential = world.authority.issue(world.domain)
    world.mail = {address: MailServer(world.domain, credential) for address in ADDRESSES["apex"]}
    if covered:
        set_policy(world, world.domain)


def _alias(world: World) -> None:
    world.zone.set("@", "MX", f"10 mail.{world.domain}.", f"20 mx2.{world.domain}.")
    world.zone.set("mail", "CNAME", f"mx1.{world.domain}.")
    credential = world.authority.issue(f"mail.{world.domain}", f"mx1.{world.domain}")
    for server in world.mails("mx1"):
        server.credential = credential
    set_policy(world, f"mail.{world.domain}", f"mx2.{world.domain}")


def _no_address(*labels: str) -> Callable[[World], None]:
    def apply(world: World) -> None:
        for label in labels:
            world.zone.remove(label)

    return apply


def _old_tls(world: World) -> None:
    for server in world.mails():
        server.tls = "1.0"


_RECORD_FAULTS = (
    _fault(
        "mx-none",
        "The domain has neither MX records nor an address.",
        "MX @: none",
        _records(),
        "mx-missing",
        hosts=(),
        delivery="bounced",
    ),
    _fault(
        "mx-implicit",
        "There is no MX record; the domain itself takes the mail, and policy and certificate cover it.",
        "MX @: none; A and AAAA @; the policy names the domain",
        lambda world: _implicit(world, covered=True),
        "mx-implicit",
        hosts=(),
        delivery="delivered",
        note="RFC 5321 §5.1 allows it.",
    ),
    _fault(
        "mx-implicit-not-in-policy",
        "There is no MX record; the domain itself takes the mail, and the policy does not name it.",
        "MX @: none; A and AAAA @",
        lambda world: _implicit(world, covered=False),
        "mx-implicit",
        "mx-not-covered",
        result_type=_FAILURE,
        hosts=("nordwind",),
    ),
    _fault(
        "mx-null",
        "A null MX says that the domain takes no mail (RFC 7505).",
        "MX @: 0 .",
        _records("0 ."),
        "mx-null",
        hosts=(),
        delivery="bounced",
    ),
    _fault(
        "mx-null-mixed",
        "A null MX stands beside real ones.",
        "MX @: 0 . and 10 mx1 and 20 mx2",
        _records("0 .", "10 mx1.{domain}.", "20 mx2.{domain}."),
        "mx-null-mixed",
        delivery="delivered",
        note="RFC 7505 §3 forbids it; most senders pass over the null MX, some bounce.",
    ),
    _fault(
        "mx-ip-literal",
        "The MX record names an IP address.",
        "MX @: 10 192.0.2.25.",
        _records("10 192.0.2.25."),
        "mx-ip-literal",
        hosts=(),
        delivery="bounced",
        note="As a host name 192.0.2.25 has no address; senders find no host to deliver to, and return the message "
        "(RFC 5321 §5.1: an error, not a reason to wait).",
    ),
    _fault(
        "mx-cname",
        "The first MX is an alias of the real host.",
        "MX @: 10 mail; CNAME mail: mx1; policy and certificate name mail",
        _alias,
        "mx-cname",
        hosts=("mail",),
        delivery="delivered",
        note="RFC 5321 §5.1 and RFC 2181 §10.3 forbid it; nearly every sender follows the alias.",
    ),
    _fault(
        "mx-no-address",
        "No MX host has an address.",
        "A and AAAA of mx1 and mx2: none",
        _no_address("mx1", "mx2"),
        "mx-no-address",
        delivery="bounced",
        note="RFC 5321 §5.1: where no MX record is usable that is an error, not a reason to wait; Postfix returns the "
        "message unless smtp_defer_if_no_mx_address_found is set.",
    ),
    _fault(
        "mx-servfail",
        "The resolver answers SERVFAIL for the MX records.",
        "the resolver's answer to MX @",
        lambda world: world.override("@", "MX", "servfail"),
        "mx-lookup-failed",
        hosts=(),
    ),
    _fault(
        "mx-not-in-policy",
        "The MX hosts were moved and the policy still names the old ones.",
        "mx: old1 and old2",
        lambda world: set_policy(world, f"old1.{world.domain}", f"old2.{world.domain}"),
        "mx-not-covered",
        result_type=_FAILURE,
        note="There is no result type of its own; reason codes differ by sender.",
    ),
    _fault(
        "mx-wildcard-too-short",
        "The policy names the parent of the MX hosts without a wildcard.",
        "mx: the domain itself",
        lambda world: set_policy(world, world.domain),
        "mx-not-covered",
        result_type=_FAILURE,
        note="The usual slip with hosted mail: the provider's domain instead of `*.` and the domain.",
    ),
    _fault(
        "mx-wildcard-too-deep",
        "The policy's wildcard stands one level below the MX hosts.",
        "mx: *.mail",
        lambda world: set_policy(world, f"*.mail.{world.domain}"),
        "mx-not-covered",
        result_type=_FAILURE,
    ),
)

_SERVER_FAULTS = (
    _fault("mx-refused", "Port 25 refuses connections.", "port 25", _reach("refused"), "mx-refused"),
    _fault(
        "mx-timeout",
        "Connections to the first MX time out.",
        "port 25 of mx1: dropped",
        _reach("dropped", "mx1"),
        "mx-timeout",
        hosts=("mx1",),
        delivery="delivered",
    ),
    _fault(
        "port-25-closed",
        "Connections to every MX time out, as in a network that closes outbound port 25.",
        "port 25 everywhere: dropped",
        _reach("dropped"),
        "outbound-port-25-closed",
        delivery="unknown",
        note="From one place nobody can tell this from MX hosts that are all down.",
    ),
    _fault("mx-silent", "The MX never greets.", "no greeting", _manner("silent"), "mx-timeout"),
    _fault(
        "mx-closes-before-greeting",
        "The MX closes the connection at once.",
        "closed before the greeting",
        _manner("closes-before-greeting"),
        "mx-closed",
    ),
    _fault(
        "mx-greeting-554",
        "The MX greets with 554.",
        "greeting",
        _manner("greeting-554"),
        "mx-greeting-rejected",
        note="RFC 5321 §3.1; a sender tries the next host, and bounces or waits after the last one.",
    ),
    _fault("mx-greeting-421", "The MX greets with 421.", "greeting", _manner("greeting-421"), "mx-greeting-deferred"),
    _fault(
        "mx-greeting-endless",
        "The MX's greeting never ends.",
        "greeting of endless lines",
        _manner("endless-greeting"),
        "mx-smtp-invalid",
    ),
    _fault(
        "mx-ehlo-refused",
        "The MX knows HELO only.",
        "EHLO: 502",
        _manner("ehlo-refused"),
        "mx-ehlo-rejected",
        result_type=_NOT_SUPPORTED,
    ),
    _fault(
        "mx-drops-after-ehlo",
        "The MX closes the connection on EHLO.",
        "closed on EHLO",
        _manner("drops-after-ehlo"),
        "mx-closed",
    ),
    _fault(
        "mx-no-starttls",
        "The MX does not offer STARTTLS.",
        "EHLO without STARTTLS",
        _manner("no-starttls"),
        "mx-starttls-missing",
        result_type=_NOT_SUPPORTED,
    ),
    _fault(
        "mx-starttls-454",
        "The MX offers STARTTLS and answers it with 454.",
        "STARTTLS: 454",
        _manner("starttls-454"),
        "mx-starttls-refused",
        result_type=_NOT_SUPPORTED,
    ),
    _fault(
        "mx-starttls-stripped",
        "A middlebox overwrites STARTTLS in the answer to EHLO.",
        "EHLO: 250 XXXXXXXA",
        _manner("starttls-stripped"),
        "mx-starttls-stripped",
        result_type=_NOT_SUPPORTED,
    ),
    _fault(
        "mx-starttls-silent",
        "The MX never answers STARTTLS.",
        "STARTTLS: nothing",
        _manner("starttls-silent"),
        "mx-timeout",
        result_type=_FAILURE,
    ),
    _fault(
        "mx-closes-in-handshake",
        "The MX closes the connection in the TLS handshake.",
        "closed after the client's hello",
        _manner("closes-in-handshake"),
        "mx-tls-failed",
        result_type=_FAILURE,
    ),
    _fault(
        "mx-garbage-in-handshake",
        "The MX answers the client's hello in plain text.",
        "text in place of a server's hello",
        _manner("garbage-in-handshake"),
        "mx-tls-failed",
        result_type=_FAILURE,
    ),
    _fault(
        "mx-tls-1.0-only",
        "The MX speaks TLS 1.0 only.",
        "TLS 1.0 to 1.0",
        _old_tls,
        "mx-tls-version",
        result_type=_FAILURE,
    ),
    _fault(
        "backup-not-in-policy",
        "The policy does not name the backup MX.",
        "mx: mx1",
        lambda world: set_policy(world, f"mx1.{world.domain}"),
        "mx-not-covered",
        result_type=_FAILURE,
        hosts=("mx2",),
        delivery="delivered",
        note="Hidden behind a good primary until the primary is down (RFC 8461 §8.4).",
    ),
    _fault(
        "backup-no-starttls",
        "Only the backup MX does not offer STARTTLS.",
        "EHLO of mx2 without STARTTLS",
        _manner("no-starttls", "mx2"),
        "mx-starttls-missing",
        result_type=_NOT_SUPPORTED,
        hosts=("mx2",),
        delivery="delivered",
    ),
    _fault(
        "backup-no-address",
        "Only the backup MX has no address.",
        "A and AAAA mx2: none",
        _no_address("mx2"),
        "mx-no-address",
        hosts=("mx2",),
        delivery="delivered",
    ),
    _fault(
        "address-refused",
        "The first MX refuses connections at its IPv6 address.",
        "port 25 of the IPv6 address of mx1",
        _reach("refused", addresses=(_MX1_IPV6,)),
        "mx-refused",
        hosts=("mx1",),
        addresses=(_MX1_IPV6,),
        delivery="delivered",
    ),
)

MX_FAULTS = (*_RECORD_FAULTS, *_SERVER_FAULTS)
