"""The ways in which a domain of the lab can be healthy."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ._authority import Credential
from ._fault import Variant
from ._healthy import HOSTING, RECORD, policy_text
from ._world import ADDRESSES, MailServer, World

__all__ = ["VARIANTS", "publish_tlsa", "set_policy"]


def set_policy(world: World, *mx: str, mode: str = "enforce", max_age: int = 604800) -> None:
    """Let the policy host serve a policy with these patterns, or with the two MX hosts."""
    patterns = mx or (f"mx1.{world.domain}", f"mx2.{world.domain}")
    world.respond(body=policy_text(patterns, mode, max_age))


def publish_tlsa(world: World, label: str, credential: Credential, usage: int = 3) -> None:
    """Publish the digest of a key for an MX host (RFC 7672 §3.1: usage 3, selector 1, matching type 1)."""
    key = credential.leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    world.zone.set(f"_25._tcp.{label}", "TLSA", f"{usage} 1 1 {hashlib.sha256(key).hexdigest()}")


def _one_family(family: str) -> Variant:
    gone = "AAAA" if family == "IPv4" else "A"

    def apply(world: World) -> None:
        for label in ("mx1", "mx2", "mta-sts"):
            world.zone.remove(label, gone)
            address = ADDRESSES[label][family == "IPv4"]
            world.web.pop(address, None)
            world.mail.pop(address, None)

    return Variant(name=f"{family.lower()}-only", sentence=f"Every host has {family} addresses only.", apply=apply)


def _delegated(world: World) -> None:
    hosting = next(zone for zone in world.zones if zone.origin.to_text() == f"{HOSTING}.")
    record = f"_mta-sts.{world.domain}.{HOSTING}."
    hosting.set(record, "TXT", f'"{RECORD}"')
    world.zone.set("_mta-sts", "CNAME", record)
    world.zone.remove("mta-sts")
    world.zone.set("mta-sts", "CNAME", f"mta-sts.{HOSTING}.")


def _signed(world: World) -> None:
    for zone in world.zones:
        zone.signed = True


def _dane(world: World) -> None:
    _signed(world)
    for label in ("mx1", "mx2"):
        publish_tlsa(world, label, next(world.mails(label)).credential)


def _apex(world: World) -> None:
    zone = world.zone
    ipv4, ipv6 = ADDRESSES["apex"]
    zone.set("@", "MX", f"10 {world.domain}.")
    zone.set("@", "A", ipv4)
    zone.set("@", "AAAA", ipv6)
    credential = world.authority.issue(world.domain)
    world.mail = {address: MailServer(world.domain, credential) for address in (ipv4, ipv6)}
    set_policy(world, world.domain)


def _three_mx(world: World) -> None:
    names = [f"mx{number}.{world.domain}" for number in (1, 2, 3)]
    world.zone.set("@", "MX", *(f"{number}0 {name}." for number, name in enumerate(names, 1)))
    for rdtype, address in zip(("A", "AAAA"), ADDRESSES["mx3"], strict=True):
        world.zone.set("mx3", rdtype, address)
    credential = world.authority.issue(names[2])
    world.mail |= {address: MailServer(names[2], credential) for address in ADDRESSES["mx3"]}
    set_policy(world, *names)


def _wildcard_certificate(world: World) -> None:
    credential = world.authority.issue(f"*.{world.domain}", world.domain)
    for server in world.mails():
        server.credential = credential
    for site in world.sites():
        site.credential = credential


def _beside_spf(world: World) -> None:
    version, _, rest = RECORD.partition(" ")
    world.zone.set("_mta-sts", "TXT", f'"{version} " "{rest[:8]}" "{rest[8:]}"', '"v=spf1 -all"')


def _large_answer(world: World) -> None:
    noise = [f'"unrelated={number:02d}{"x" * 200}"' for number in range(12)]
    world.zone.set("_mta-sts", "TXT", f'"{RECORD}"', *noise)


_ALL = (
    Variant(name="enforce", sentence="Two MX hosts, a policy in mode enforce, TLS reporting.", apply=lambda _: None),
    Variant(
        name="testing", sentence="The policy is in mode testing.", apply=lambda world: set_policy(world, mode="testing")
    ),
    Variant(
        name="mode-none",
        sentence="The policy is in mode none, without mx, as a domain on its way out of MTA-STS has it.",
        apply=lambda world: world.respond(body=b"version: STSv1\nmode: none\nmax_age: 604800\n"),
    ),
    Variant(
        name="wildcard-policy",
        sentence="The policy names the MX hosts by one wildcard.",
        apply=lambda world: set_policy(world, f"*.{world.domain}"),
    ),
    Variant(
        name="delegated",
        sentence="Record and policy host are CNAMEs to a hosting provider.",
        apply=_delegated,
    ),
    Variant(
        name="chunked-record",
        sentence="The record comes in three strings, with an SPF record beside it.",
        apply=_beside_spf,
    ),
    Variant(
        name="large-answer",
        sentence="The answer for the record is too large for UDP and is fetched by TCP.",
        apply=_large_answer,
    ),
    _one_family("IPv4"),
    _one_family("IPv6"),
    Variant(name="signed", sentence="The zones are signed (DNSSEC), without TLSA records.", apply=_signed),
    Variant(name="dane", sentence="The zones are signed and TLSA records match both MX hosts.", apply=_dane),
    Variant(name="apex-as-mx", sentence="The domain's own name is its MX host.", apply=_apex),
    Variant(name="three-mx", sentence="Three MX hosts, each with two addresses.", apply=_three_mx),
    Variant(
        name="wildcard-certificate",
        sentence="Policy host and MX hosts share one wildcard certificate.",
        apply=_wildcard_certificate,
    ),
    Variant(
        name="line-feeds",
        sentence="The policy has LF line ends and its fields in another order.",
        apply=lambda world: world.respond(
            body=f"mode: enforce\nmax_age: 604800\nmx: mx1.{world.domain}\n"
            f"mx: mx2.{world.domain}\nversion: STSv1\n".encode()
        ),
    ),
)
#: The healthy variants by name; `enforce` is the default.
VARIANTS: dict[str, Variant] = {variant.name: variant for variant in _ALL}
