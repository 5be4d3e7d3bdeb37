"""Faults in the text of the policy file (RFC 8461 §3.2)."""

from __future__ import annotations

from collections.abc import Callable

from ...vocabulary import Area, ResultType
from .._world import World, policy_text
from ._fault import POLICY_HOST, Delivery, Fault

__all__ = ["POLICY_FILE_FAULTS"]

#: Takes a policy file and the domain, and returns the file with the fault.
_Edit = Callable[[bytes, str], bytes]


def _file(
    name: str,
    sentence: str,
    edit: _Edit,
    *expects: str,
    result_type: ResultType | None = ResultType.STS_POLICY_INVALID,
    delivery: Delivery = "without_sts",
    hosts: tuple[str, ...] = POLICY_HOST,
    note: str = "",
) -> Fault:
    def apply(world: World) -> None:
        world.respond(body=edit(next(world.sites()).response.body, world.domain))

    return Fault(
        name=f"policy-file-{name}",
        area=Area.POLICY_FILE,
        sentence=sentence,
        changes=_changes(edit),
        apply=apply,
        result_type=result_type,
        hosts=hosts,
        delivery=delivery,
        expects=expects,
        note=note,
    )


def _changes(edit: _Edit) -> str:
    """Return the first lines that an edit adds to the healthy policy and removes from it."""
    healthy = policy_text(("mx1.nordwind.example", "mx2.nordwind.example"))
    before, after = healthy.splitlines(), edit(healthy, "nordwind.example").splitlines()
    added = [f"+ {line.decode('utf-8', 'backslashreplace')}" for line in after if line not in before]
    removed = [f"- {line.decode()}" for line in before if line not in after]
    return "; ".join([*added[:3], *removed[:3]])


def _replaced(old: bytes, new: bytes) -> _Edit:
    return lambda text, _domain: text.replace(old, new)


def _first_mx(pattern: str) -> _Edit:
    """Replace the name of the first MX host by a pattern; `{domain}` is the domain."""
    return lambda text, domain: text.replace(f"mx1.{domain}".encode(), pattern.format(domain=domain).encode())


def _without(key: bytes) -> _Edit:
    def edit(text: bytes, _domain: str) -> bytes:
        return b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(key + b":"))

    return edit


POLICY_FILE_FAULTS = (
    _file("version-missing", "The policy has no version.", _without(b"version"), "policy-version-missing"),
    _file("version-unknown", "The version is STSv2.", _replaced(b"STSv1", b"STSv2"), "policy-version-unknown"),
    _file("version-typo", "The version is written STS1.", _replaced(b"STSv1", b"STS1"), "policy-version-unknown"),
    _file("mode-missing", "The policy has no mode.", _without(b"mode"), "policy-mode-missing"),
    _file(
        "mode-unknown", "The mode is misspelt.", _replaced(b"mode: enforce", b"mode: enforced"), "policy-mode-unknown",
    ),
    _file("max-age-missing", "The policy has no max_age.", _without(b"max_age"), "policy-max-age-missing"),
    _file(
        "max-age-hyphen", "max_age is written with a hyphen.", _replaced(b"max_age", b"max-age"),
        "policy-max-age-missing",
    ),
    _file(
        "max-age-too-large", "max_age is longer than a year.", _replaced(b"604800", b"63115200"),
        "policy-max-age-range",
    ),
    _file("max-age-unit", "max_age is written as 7d.", _replaced(b"604800", b"7d"), "policy-max-age-unit"),
    _file("max-age-negative", "max_age is negative.", _replaced(b"604800", b"-1"), "policy-max-age-negative"),
    _file(
        "max-age-short", "max_age is one hour.", _replaced(b"604800", b"3600"), "policy-max-age-short",
        result_type=None, delivery="delivered",
    ),
    _file("mx-missing", "The policy names no mx.", _without(b"mx"), "policy-mx-missing"),
    _file("mx-list", "One mx line lists two hosts.", _first_mx("mx1.{domain}, mx2.{domain}"), "pattern-list"),
    _file("mx-url", "An mx is a URL.", _first_mx("smtp://mx1.{domain}/"), "pattern-url"),
    _file("mx-port", "An mx has a port.", _first_mx("mx1.{domain}:25"), "pattern-port"),
    _file("mx-bare-wildcard", "An mx is `*` alone.", _first_mx("*"), "pattern-bare-wildcard"),
    _file(
        "mx-wildcard-middle", "The wildcard is not the leftmost label.", _first_mx("mx1.*.example"),
        "pattern-wildcard-middle",
    ),
    _file(
        "mx-ip-address", "An mx is an IP address, so that the first MX host is not covered.", _first_mx("192.0.2.25"),
        "pattern-ip-address", "mx-not-covered", result_type=ResultType.VALIDATION_FAILURE, hosts=("mx1",),
        delivery="delivered",
        note="The ABNF of §3.2 allows it as a host name, so senders accept the policy; it matches no host.",
    ),
    _file("mx-u-label", "An mx is not in ASCII.", _first_mx("postfächer.{domain}"), "pattern-u-label"),
    _file("mx-trailing-dot", "An mx ends in a dot.", _first_mx("mx1.{domain}."), "pattern-trailing-dot"),
    _file(
        "byte-order-mark", "The file begins with a byte order mark.", lambda text, _: b"\xef\xbb\xbf" + text,
        "policy-bom",
    ),
    _file("utf-16", "The file is UTF-16.", lambda text, _: text.decode().encode("utf-16"), "policy-utf16"),
    _file(
        "not-utf-8", "The file has a byte that is not UTF-8.", lambda text, _: text + b"note: gr\xfc\xdfe\r\n",
        "policy-not-utf8", "policy-value-malformed",
    ),
    _file(
        "comment", "The file begins with a comment.", lambda text, _: b"# MTA-STS policy\r\n" + text, "policy-comment",
    ),
    _file("equals-sign", "The fields are written with an equals sign.", _replaced(b": ", b"="), "policy-no-colon"),
    _file(
        "is-record", "The file holds the text of the TXT record.",
        lambda _text, _domain: b"v=STSv1; id=20260208120000;\n", "policy-is-record",
    ),
    _file(
        "json", "The file is JSON.", lambda _text, _domain: b'{"version": "STSv1", "mode": "enforce"}\n', "policy-json",
    ),
)  # fmt: skip
