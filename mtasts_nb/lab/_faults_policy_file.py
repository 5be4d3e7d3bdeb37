"""Faults in the text of the policy file (RFC 8461 §3.2)."""

from __future__ import annotations

from collections.abc import Callable

from ..vocabulary import ResultType
from ._fault import POLICY_HOST, Delivery, Fault
from ._healthy import policy_text
from ._world import World

__all__ = ["POLICY_FILE_FAULTS"]

# What postfix-mta-sts-resolver does otherwise.
_PATTERNS_UNCHECKED = (
    "Takes the policy: it does not check the syntax of the patterns, and one that is no host name matches no host."
)
_LINES_SKIPPED = "Takes the policy: it passes over lines that it cannot read."

_Edit = Callable[[bytes, str], bytes]


def _edited(
    name: str,
    sentence: str,
    edit: _Edit,
    *expects: str,
    result_type: ResultType | None = ResultType.STS_POLICY_INVALID,
    delivery: Delivery = "without_sts",
    hosts: tuple[str, ...] = POLICY_HOST,
    note: str = "",
    second_sender: str = "",
) -> Fault:
    """Return the fault of a policy file that is edited like this; `edit` takes the file and the domain."""

    def apply(world: World) -> None:
        world.respond(body=edit(next(world.sites()).response.body, world.domain))

    example = policy_text(("mx1.nordwind.example", "mx2.nordwind.example"))
    before, after = example.splitlines(), edit(example, "nordwind.example").splitlines()
    lines = [line.decode("utf-8", "backslashreplace") for line in after if line not in before]
    gone = [line.decode() for line in before if line not in after]
    changes = "; ".join([*(f"+ {line}" for line in lines[:3]), *(f"- {line}" for line in gone[:3])])
    return Fault(
        name=f"policy-file-{name}",
        area="policy file",
        sentence=sentence,
        changes=changes,
        apply=apply,
        result_type=result_type,
        hosts=hosts,
        delivery=delivery,
        expects=expects,
        note=note,
        second_sender=second_sender,
    )


def _replaced(old: bytes, new: bytes) -> _Edit:
    return lambda text, _domain: text.replace(old, new)


def _first_mx(pattern: str) -> _Edit:
    """Put a pattern in place of the first MX host; `{domain}` stands for the domain."""
    return lambda text, domain: text.replace(f"mx1.{domain}".encode(), pattern.format(domain=domain).encode())


def _without(key: bytes) -> _Edit:
    return lambda text, _domain: b"".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(key + b":")
    )


POLICY_FILE_FAULTS = (
    _edited("version-missing", "The policy has no version.", _without(b"version"), "policy-version-missing"),
    _edited("version-unknown", "The version is STSv2.", _replaced(b"STSv1", b"STSv2"), "policy-version-unknown"),
    _edited("version-typo", "The version is written STS1.", _replaced(b"STSv1", b"STS1"), "policy-version-unknown"),
    _edited("mode-missing", "The policy has no mode.", _without(b"mode"), "policy-mode-missing"),
    _edited(
        "mode-unknown", "The mode is misspelt.", _replaced(b"mode: enforce", b"mode: enforced"), "policy-mode-unknown"
    ),
    _edited("max-age-missing", "The policy has no max_age.", _without(b"max_age"), "policy-max-age-missing"),
    _edited(
        "max-age-hyphen",
        "max_age is written with a hyphen.",
        _replaced(b"max_age", b"max-age"),
        "policy-max-age-missing",
    ),
    _edited(
        "max-age-too-large",
        "max_age is over a year.",
        _replaced(b"604800", b"63115200"),
        "policy-max-age-range",
    ),
    _edited("max-age-unit", "max_age is written as 7d.", _replaced(b"604800", b"7d"), "policy-max-age-unit"),
    _edited("max-age-negative", "max_age is negative.", _replaced(b"604800", b"-1"), "policy-max-age-negative"),
    _edited(
        "max-age-short",
        "max_age is one hour.",
        _replaced(b"604800", b"3600"),
        "policy-max-age-short",
        result_type=None,
        delivery="delivered",
    ),
    _edited("mx-missing", "The policy names no mx.", _without(b"mx"), "policy-mx-missing"),
    _edited(
        "mx-list",
        "One mx line lists two hosts.",
        _first_mx("mx1.{domain}, mx2.{domain}"),
        "pattern-list",
        second_sender=_PATTERNS_UNCHECKED,
    ),
    _edited(
        "mx-url", "An mx is a URL.", _first_mx("smtp://mx1.{domain}/"), "pattern-url", second_sender=_PATTERNS_UNCHECKED
    ),
    _edited(
        "mx-port", "An mx has a port.", _first_mx("mx1.{domain}:25"), "pattern-port", second_sender=_PATTERNS_UNCHECKED
    ),
    _edited(
        "mx-bare-wildcard",
        "An mx is `*` alone.",
        _first_mx("*"),
        "pattern-bare-wildcard",
        second_sender=_PATTERNS_UNCHECKED,
    ),
    _edited(
        "mx-wildcard-middle",
        "A wildcard stands in the middle.",
        _first_mx("mx1.*.example"),
        "pattern-wildcard-middle",
        second_sender=_PATTERNS_UNCHECKED,
    ),
    _edited(
        "mx-ip-address",
        "An mx is an IP address, so that the first MX host is not covered.",
        _first_mx("192.0.2.25"),
        "pattern-ip-address",
        "mx-not-covered",
        result_type=ResultType.VALIDATION_FAILURE,
        hosts=("mx1",),
        delivery="delivered",
        note="The ABNF of §3.2 takes it for a host name, so that senders accept the policy; it matches no host.",
    ),
    _edited(
        "mx-u-label",
        "An mx is not in ASCII.",
        _first_mx("postfächer.{domain}"),
        "pattern-u-label",
        second_sender=_PATTERNS_UNCHECKED,
    ),
    _edited(
        "mx-trailing-dot",
        "An mx ends in a dot.",
        _first_mx("mx1.{domain}."),
        "pattern-trailing-dot",
        second_sender=_PATTERNS_UNCHECKED,
    ),
    _edited(
        "byte-order-mark",
        "The file begins with a byte order mark.",
        lambda text, _: b"\xef\xbb\xbf" + text,
        "policy-bom",
    ),
    _edited("utf-16", "The file is UTF-16.", lambda text, _: text.decode().encode("utf-16"), "policy-utf16"),
    _edited(
        "not-utf-8",
        "The file has a byte that is not UTF-8.",
        lambda text, _: text + b"note: gr\xfc\xdfe\r\n",
        "policy-not-utf8",
        "policy-value-malformed",
    ),
    _edited(
        "comment",
        "The file begins with a comment.",
        lambda text, _: b"# MTA-STS policy\r\n" + text,
        "policy-comment",
        second_sender=_LINES_SKIPPED,
    ),
    _edited("equals-sign", "The fields are written with an equals sign.", _replaced(b": ", b"="), "policy-no-colon"),
    _edited(
        "is-record",
        "The file holds the text of the TXT record.",
        lambda _text, _domain: b"v=STSv1; id=20260208120000;\n",
        "policy-is-record",
    ),
    _edited(
        "json", "The file is JSON.", lambda _text, _domain: b'{"version": "STSv1", "mode": "enforce"}\n', "policy-json"
    ),
)
