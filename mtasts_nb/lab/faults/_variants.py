"""The healthy set-ups of the lab's domain."""

from __future__ import annotations

from .._world import ADDRESSES, HOSTING, RECORD, World
from ._fault import Apply, Variant

__all__ = ["VARIANTS"]


def _one_family(family: str) -> Apply:
    def apply(world: World) -> None:
        for label in ("mx1", "mx2", "mta-sts"):
            world.zone.remove(label, "AAAA" if family == "IPv4" else "A")
            unused = ADDRESSES[label][family == "IPv4"]
            world.web.pop(unused, None)
            world.mail.pop(unused, None)

    return apply


def _delegated(world: World) -> None:
    hosting = next(zone for zone in world.zones if zone.origin.to_text() == f"{HOSTING}.")
    record = f"_mta-sts.{world.domain}.{HOSTING}."
    hosting.set(record, "TXT", f'"{RECORD}"')
    world.zone.set("_mta-sts", "CNAME", record)
    world.zone.set("mta-sts", "CNAME", f"mta-sts.{HOSTING}.")


def _signed(world: World) -> None:
    for zone in world.zones:
        zone.signed = True


def _dane(world: World) -> None:
    _signed(world)
    for label in ("mx1", "mx2"):
        next_key = world.authority.issue(f"{label}.{world.domain}")
        world.publish_tlsa(label, next(world.mail_servers(label)).credential, following=next_key)


def _apex(world: World) -> None:
    world.zone.set("@", "MX", f"10 {world.domain}.")
    world.mail.clear()
    world.add_mail_host("@", world.domain, "apex")
    world.set_policy(world.domain)


def _three_mx(world: World) -> None:
    names = [f"mx{number}.{world.domain}" for number in (1, 2, 3)]
    world.zone.set("@", "MX", *(f"{number}0 {name}." for number, name in enumerate(names, 1)))
    world.add_mail_host("mx3", names[2], "mx3")
    world.set_policy(*names)


def _wildcard_certificate(world: World) -> None:
    credential = world.authority.issue(f"*.{world.domain}", world.domain)
    for server in world.mail_servers():
        server.credential = credential
    for site in world.sites():
        site.credential = credential


def _chunked_record(world: World) -> None:
    version, _, rest = RECORD.partition(" ")
    world.zone.set("_mta-sts", "TXT", f'"{version} " "{rest[:8]}" "{rest[8:]}"', '"v=spf1 -all"')


def _large_answer(world: World) -> None:
    unrelated = [f'"unrelated={number:02d}{"x" * 200}"' for number in range(12)]
    world.zone.set("_mta-sts", "TXT", f'"{RECORD}"', *unrelated)


def _line_feeds(world: World) -> None:
    mx = f"mx: mx1.{world.domain}\nmx: mx2.{world.domain}\n"
    world.respond(body=f"mode: enforce\nmax_age: 604800\n{mx}version: STSv1\n".encode())


def _mode_none(world: World) -> None:
    world.respond(body=b"version: STSv1\nmode: none\nmax_age: 604800\n")


_ROWS: tuple[tuple[str, str, Apply], ...] = (
    ("enforce", "Two MX hosts, a policy in mode enforce, TLS reporting.", lambda _: None),
    ("testing", "The policy is in mode testing.", lambda world: world.set_policy(mode="testing")),
    ("mode-none", "The policy is in mode none, without mx, as when a domain removes MTA-STS.", _mode_none),
    (
        "wildcard-policy",
        "The policy covers the MX hosts by one wildcard.",
        lambda world: world.set_policy(f"*.{world.domain}"),
    ),
    ("delegated", "Record and policy host are CNAMEs to a hosting provider.", _delegated),
    ("chunked-record", "The record comes in three strings, beside an SPF record.", _chunked_record),
    ("large-answer", "The answer for the record is too large for UDP and is fetched by TCP.", _large_answer),
    ("ipv4-only", "Every host has IPv4 addresses only.", _one_family("IPv4")),
    ("ipv6-only", "Every host has IPv6 addresses only.", _one_family("IPv6")),
    ("signed", "The zones are signed (DNSSEC), without TLSA records.", _signed),
    ("dane", "The zones are signed and TLSA records match both MX hosts, with one for a next key.", _dane),
    ("apex-as-mx", "The domain's own name is its MX host.", _apex),
    ("three-mx", "Three MX hosts, each with two addresses.", _three_mx),
    ("wildcard-certificate", "Policy host and MX hosts share one wildcard certificate.", _wildcard_certificate),
    ("line-feeds", "The policy has LF line ends and its fields in another order.", _line_feeds),
)
#: The healthy variants by name; `enforce` is the default.
VARIANTS: dict[str, Variant] = {
    name: Variant(name=name, sentence=sentence, apply=apply) for name, sentence, apply in _ROWS
}
