"""Faults of the policy host: its address, port, TLS and HTTP answer (RFC 8461 §3.3), and the policy file (§3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...vocabulary import Area, ResultType
from .._ports import Reach
from .._world import ADDRESSES, World, policy_text
from ._fault import POLICY_HOST, Apply, Delivery, Fault

__all__ = ["POLICY_FILE_FAULTS", "POLICY_HOST_FAULTS"]

_FETCH, _INVALID = ResultType.STS_POLICY_FETCH_ERROR, ResultType.STS_POLICY_INVALID
_IPV6 = ADDRESSES["mta-sts"][1]
_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_HTML = ("Content-Type", "text/html; charset=utf-8")
_LENIENT = "Only a SHOULD: strict senders reject it (postfix-mta-sts-resolver, KumoMTA), lenient ones accept it (mox)."


def _fault(
    name: str,
    sentence: str,
    changes: str,
    apply: Apply,
    *expects: str,
    result_type: ResultType | None = _FETCH,
    **more: Any,
) -> Fault:
    return Fault(
        name=f"policy-{name}",
        area=Area.POLICY_HOST,
        sentence=sentence,
        changes=changes,
        apply=apply,
        result_type=result_type,
        hosts=POLICY_HOST,
        expects=expects,
        **more,
    )


def _page(title: str) -> bytes:
    head = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>"
    return f"{head}<body><h1>{title}</h1></body></html>\n".encode()


def _respond(*addresses: str, **changes: object) -> Apply:
    return lambda world: world.respond(*addresses, **changes)


def _reach(reach: Reach, *addresses: str) -> Apply:
    def apply(world: World) -> None:
        for server in world.web_servers(*addresses):
            server.reach = reach

    return apply


def _status(status: int, sentence: str, code: str, *headers: tuple[str, str]) -> Fault:
    apply = _respond(status=status, headers=(_HTML, *headers), body=_page(str(status)))
    return _fault(f"http-{status}", sentence, f"status {status}", apply, code)


def _redirect(status: int) -> Fault:
    def apply(world: World) -> None:
        location = ("Location", f"https://www.{world.domain}/.well-known/mta-sts.txt")
        world.respond(status=status, headers=(_TEXT, location), body=b"Moved.\n")

    return _fault(
        f"http-{status}",
        "The policy URL redirects to the domain's web site.",
        f"status {status}, Location",
        apply,
        "policy-http-redirect",
        note="A sender must not follow it; a redirect on port 80 would be harmless, as no sender connects there.",
    )


def _old_tls(world: World) -> None:
    for server in world.web_servers():
        server.tls = "1.1"


def _any_tls(world: World) -> None:
    for server in world.web_servers():
        server.tls = "any"


def _close(world: World) -> None:
    for server in world.web_servers():
        server.handshake = "close"


def _private(world: World) -> None:
    world.zone.set("mta-sts", "A", "10.0.0.80")
    world.zone.remove("mta-sts", "AAAA")


def _servfail(world: World) -> None:
    for rdtype in ("A", "AAAA"):
        world.override("mta-sts", rdtype, "servfail")


def _large(world: World) -> None:
    mx = "".join(f"mx: mx{number}.{world.domain}\n" for number in range(1, 4001))
    world.respond(body=f"version: STSv1\nmode: enforce\nmax_age: 604800\n{mx}".encode())


def _mode_testing(*addresses: str) -> Apply:
    def apply(world: World) -> None:
        healthy = next(world.sites(*addresses)).response.body
        world.respond(*addresses, body=healthy.replace(b"mode: enforce", b"mode: testing"))

    return apply


POLICY_HOST_FAULTS = (
    _fault(
        "host-no-address", "The policy host has no address.", "A and AAAA mta-sts: none",
        lambda world: world.zone.remove("mta-sts"), "policy-host-no-address",
    ),
    _fault(
        "host-cname-dangling", "The policy host is a CNAME to a host that no longer exists.",
        "CNAME mta-sts: gone.hosting.example",
        lambda world: world.zone.set("mta-sts", "CNAME", "gone.hosting.example."), "policy-host-no-address",
    ),
    _fault(
        "host-servfail", "The resolver answers SERVFAIL for the address of the policy host.",
        "the resolver's answer to A and AAAA mta-sts", _servfail, "policy-host-lookup-failed",
    ),
    _fault(
        "host-private-address", "The policy host has a private address only.", "A mta-sts: 10.0.0.80", _private,
        "policy-host-address-private",
    ),
    _fault("host-refused", "Port 443 refuses connections.", "port 443", _reach("refused"), "policy-host-refused"),
    _fault(
        "host-timeout", "Connections to port 443 time out.", "port 443: dropped", _reach("dropped"),
        "policy-host-timeout",
    ),
    _fault(
        "host-silent", "The policy host accepts the request and never answers.", "no HTTP answer",
        _respond(behaviour="silent"), "policy-host-timeout",
    ),
    _fault(
        "host-slow", "The policy arrives at one byte a second, longer than a sender waits.", "a byte a second",
        _respond(behaviour="drip"), "policy-host-timeout",
    ),
    _fault(
        "host-closes-in-handshake", "The policy host closes the connection in the TLS handshake.",
        "closed after the client's hello", _close, "policy-host-tls-failed",
    ),
    _fault(
        "host-tls-1.1-only", "The policy host speaks TLS 1.1 only.", "TLS 1.1 to 1.1", _old_tls,
        "policy-host-tls-version",
        note="sts-webpki-invalid is about the certificate; without a common version a sender never gets it.",
    ),
    _fault(
        "host-tls-1.0-too", "The policy host still speaks TLS 1.0 and 1.1, beside newer versions.", "TLS 1.0 to 1.3",
        _any_tls, "policy-host-tls-old-offered", result_type=None, delivery="delivered",
    ),
    _redirect(301),
    _redirect(302),
    _status(403, "The policy URL is forbidden.", "policy-http-forbidden"),
    _status(404, "There is no file at the policy URL.", "policy-http-not-found"),
    _status(500, "The web server has an internal error.", "policy-http-server-error"),
    _status(503, "The service is unavailable.", "policy-http-server-error", ("Retry-After", "3600")),
    _fault(
        "http-204", "The policy URL answers with success, but not with 200.", "status 204",
        _respond(status=204, body=b""), "policy-http-status",
    ),
    _fault(
        "http-cut", "The connection ends in the middle of the policy.", "Content-Length twice the body",
        _respond(behaviour="cut"), "policy-host-closed",
    ),
    _fault(
        "content-type-html", "The policy is correct, but is served as text/html.", "Content-Type: text/html",
        _respond(headers=(_HTML,)), "policy-content-type",
        note=_LENIENT,
    ),
    _fault(
        "content-type-missing", "The policy is correct, but has no Content-Type.", "Content-Type: none",
        _respond(headers=()), "policy-content-type",
        note=_LENIENT,
    ),
    _fault(
        "html-as-text",
        "The URL returns a page of the web site instead of the policy, with status 200 and as text/plain.",
        "body: HTML", _respond(body=_page("Welcome")), "policy-html", result_type=_INVALID,
    ),
    _fault(
        "html-page",
        "The URL returns a page of the web site instead of the policy, with status 200, as for an unknown path.",
        "body: HTML; Content-Type: text/html", _respond(headers=(_HTML,), body=_page("Welcome")), "policy-content-type",
        "policy-html",
        note="Strict senders stop at the Content-Type (sts-policy-fetch-error), lenient senders at the first line "
        "(sts-policy-invalid).",
    ),
    _fault("too-large", "The policy file is larger than 64 KiB.", "body: 4,000 patterns", _large, "policy-too-large"),
    _fault(
        "endless", "The response never ends.", "body: repeated without an end", _respond(behaviour="endless"),
        "policy-too-large",
    ),
    _fault(
        "empty", "The policy file is empty.", "body: none", _respond(body=b""), "policy-empty", result_type=_INVALID,
    ),
    _fault(
        "good-on-one-address", "The policy is good at the IPv4 address; at the IPv6 address there is no file.",
        "status 404 at the IPv6 address", _respond(_IPV6, status=404, headers=(_HTML,), body=_page("404")),
        "policy-http-not-found", addresses=(_IPV6,),
        note="A sender that has the policy cached or uses the other address notices nothing.",
    ),
    _fault(
        "one-address-refused", "The policy host refuses connections at its IPv6 address.",
        "port 443 of the IPv6 address", _reach("refused", _IPV6), "policy-host-refused", result_type=None,
        addresses=(_IPV6,), delivery="delivered",
        note="Senders try the next address if one is unreachable.",
    ),
    _fault(
        "differs-by-address", "The two addresses serve different policies: a deployment reached only one.",
        "body at the IPv6 address: mode testing", _mode_testing(_IPV6), "policy-address-differs", result_type=None,
        addresses=(_IPV6,), delivery="delivered",
    ),
    _fault(
        "changed-same-id", "The policy changes and the id does not: senders with a cached policy do not notice.",
        "after Lab.advance(): mode testing under the same id", lambda _world: None, "policy-changed-same-id",
        later=_mode_testing(), result_type=None, delivery="delivered",
        note="One check shows nothing; comparing two does.",
    ),
)  # fmt: skip


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
        world.edit_policy(lambda text: edit(text, world.domain))

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
