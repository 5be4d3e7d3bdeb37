"""Faults of the policy host: its address, its port, its TLS, its HTTP answer, its certificate (RFC 8461 §3.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..vocabulary import ResultType
from ._fault import POLICY_HOST, Fault
from ._world import ADDRESSES, World

__all__ = ["CERTIFICATE_FAULTS", "POLICY_HOST_FAULTS", "certificate_options"]

_FETCH = ResultType.STS_POLICY_FETCH_ERROR
_IPV4, _IPV6 = ADDRESSES["mta-sts"]
_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_HTML = ("Content-Type", "text/html; charset=utf-8")
_PAGE = b"<!DOCTYPE html>\n<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n"


def _fault(
    name: str,
    sentence: str,
    changes: str,
    apply: Callable[[World], None],
    *expects: str,
    result_type: ResultType | None = _FETCH,
    **more: Any,
) -> Fault:
    return Fault(
        name=f"policy-{name}",
        area="policy host",
        sentence=sentence,
        changes=changes,
        apply=apply,
        result_type=result_type,
        hosts=POLICY_HOST,
        expects=expects,
        **more,
    )


def _reach(manner: str) -> Callable[[World], None]:
    def apply(world: World) -> None:
        for server in world.webs():
            server.reach = manner  # type: ignore[assignment]

    return apply


def _status(status: int, sentence: str, code: str, *headers: tuple[str, str]) -> Fault:
    page = _PAGE % (b"%d" % status, b"%d" % status)

    def apply(world: World) -> None:
        world.respond(status=status, headers=(_HTML, *headers), body=page)

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
        note="A sender must not follow it; a redirect on port 80 would be harmless, for no sender asks there.",
    )


def _respond(**changes: object) -> Callable[[World], None]:
    return lambda world: world.respond(**changes)


def _tls(version: str) -> Callable[[World], None]:
    def apply(world: World) -> None:
        for server in world.webs():
            server.tls = version  # type: ignore[assignment]

    return apply


def _close(world: World) -> None:
    for server in world.webs():
        server.handshake = "close"


def _one_refuses(world: World) -> None:
    for server in world.webs(_IPV6):
        server.reach = "refused"


def _dangling(world: World) -> None:
    world.zone.remove("mta-sts")
    world.zone.set("mta-sts", "CNAME", "gone.hosting.example.")


def _private(world: World) -> None:
    world.zone.set("mta-sts", "A", "10.0.0.80")
    world.zone.remove("mta-sts", "AAAA")


def _servfail(world: World) -> None:
    for rdtype in ("A", "AAAA"):
        world.override("mta-sts", rdtype, "servfail")


_LENIENT = "Only a SHOULD: strict senders refuse it (postfix-mta-sts-resolver, KumoMTA), lenient ones take it (mox)."

POLICY_HOST_FAULTS = (
    _fault(
        "host-no-address",
        "The policy host has no address.",
        "A and AAAA mta-sts: none",
        lambda world: world.zone.remove("mta-sts"),
        "policy-host-no-address",
    ),
    _fault(
        "host-cname-dangling",
        "The policy host is a CNAME to a host that was given up.",
        "CNAME mta-sts: gone.hosting.example",
        _dangling,
        "policy-host-no-address",
    ),
    _fault(
        "host-servfail",
        "The resolver answers SERVFAIL for the address of the policy host.",
        "the resolver's answer to A and AAAA mta-sts",
        _servfail,
        "policy-host-lookup-failed",
    ),
    _fault(
        "host-private-address",
        "The policy host has a private address only.",
        "A mta-sts: 10.0.0.80",
        _private,
        "policy-host-address-private",
    ),
    _fault("host-refused", "Port 443 refuses connections.", "port 443", _reach("refused"), "policy-host-refused"),
    _fault(
        "host-timeout",
        "Connections to port 443 time out.",
        "port 443: dropped",
        _reach("dropped"),
        "policy-host-timeout",
    ),
    _fault(
        "host-silent",
        "The policy host takes the request and never answers.",
        "no HTTP answer",
        _respond(manner="silent"),
        "policy-host-timeout",
    ),
    _fault(
        "host-slow",
        "The policy arrives at one byte a second, longer than a sender waits.",
        "a byte a second",
        _respond(manner="drip"),
        "policy-host-timeout",
    ),
    _fault(
        "host-closes-in-handshake",
        "The policy host closes the connection in the TLS handshake.",
        "closed after the client's hello",
        _close,
        "policy-host-tls-failed",
    ),
    _fault(
        "host-tls-1.1-only",
        "The policy host speaks TLS 1.1 only.",
        "TLS 1.1 to 1.1",
        _tls("1.1"),
        "policy-host-tls-version",
        note="sts-webpki-invalid is about the certificate; without a common version none is ever seen.",
    ),
    _redirect(301),
    _redirect(302),
    _status(403, "The policy URL is forbidden.", "policy-http-forbidden"),
    _status(404, "There is no file at the policy URL.", "policy-http-not-found"),
    _status(500, "The web server fails.", "policy-http-server-error"),
    _status(503, "The hosting is paused.", "policy-http-server-error", ("Retry-After", "3600")),
    _fault(
        "http-204",
        "The policy URL answers with success, but not with 200.",
        "status 204",
        _respond(status=204, body=b""),
        "policy-http-status",
    ),
    _fault(
        "http-cut",
        "The connection ends in the middle of the policy.",
        "Content-Length twice the body",
        _respond(manner="cut"),
        "policy-host-closed",
    ),
    _fault(
        "content-type-html",
        "The policy is right, but is served as text/html.",
        "Content-Type: text/html",
        _respond(headers=(_HTML,)),
        "policy-content-type",
        note=_LENIENT,
    ),
    _fault(
        "content-type-missing",
        "The policy is right, but has no Content-Type.",
        "Content-Type: none",
        _respond(headers=()),
        "policy-content-type",
        note=_LENIENT,
    ),
    _fault(
        "html-as-text",
        "A page of the web site comes instead of the policy, with status 200 and as text/plain.",
        "body: HTML",
        _respond(body=_PAGE % (b"Welcome", b"Welcome")),
        "policy-html",
        result_type=ResultType.STS_POLICY_INVALID,
    ),
    _fault(
        "html-page",
        "A page of the web site comes instead of the policy, with status 200, as hosts do for unknown paths.",
        "body: HTML; Content-Type: text/html",
        _respond(headers=(_HTML,), body=_PAGE % (b"Welcome", b"Welcome")),
        "policy-content-type",
        "policy-html",
        note="Strict senders stop at the Content-Type (sts-policy-fetch-error), lenient ones at the first line "
        "(sts-policy-invalid).",
    ),
    _fault(
        "too-large",
        "The policy file is larger than 64 KiB.",
        "body: 4,000 patterns",
        lambda world: world.respond(
            body=b"version: STSv1\nmode: enforce\nmax_age: 604800\n"
            + b"".join(f"mx: mx{number}.{world.domain}\n".encode() for number in range(1, 4001))
        ),
        "policy-too-large",
    ),
    _fault(
        "endless",
        "The answer never ends.",
        "body: repeated without an end",
        _respond(manner="endless"),
        "policy-too-large",
    ),
    _fault(
        "empty",
        "The policy file is empty.",
        "body: none",
        _respond(body=b""),
        "policy-empty",
        result_type=ResultType.STS_POLICY_INVALID,
    ),
    _fault(
        "good-on-one-address",
        "The policy is good at the IPv4 address; at the IPv6 address there is no file.",
        "status 404 at the IPv6 address",
        lambda world: world.respond(_IPV6, status=404, headers=(_HTML,), body=_PAGE % (b"404", b"404")),
        "policy-http-not-found",
        addresses=(_IPV6,),
        note="A sender that has the policy cached or takes the other address notices nothing.",
        second_sender="Takes the policy: it uses the address that is connected first, here the good one.",
    ),
    _fault(
        "one-address-refused",
        "The policy host refuses connections at its IPv6 address.",
        "port 443 of the IPv6 address",
        _one_refuses,
        "policy-host-refused",
        result_type=None,
        addresses=(_IPV6,),
        delivery="delivered",
        note="Senders try the next address where one cannot be reached.",
    ),
    _fault(
        "differs-by-address",
        "The two addresses serve different policies: a deployment reached only one.",
        "body at the IPv6 address: mode testing",
        lambda world: world.respond(
            _IPV6, body=next(world.sites(_IPV6)).response.body.replace(b"mode: enforce", b"mode: testing")
        ),
        "policy-address-differs",
        result_type=None,
        addresses=(_IPV6,),
        delivery="delivered",
    ),
    _fault(
        "changed-same-id",
        "The policy changes and the id stays: senders with a cached policy do not notice.",
        "after Lab.advance(): mode testing under the same id",
        lambda _world: None,
        "policy-changed-same-id",
        later=lambda world: world.respond(
            body=next(world.sites()).response.body.replace(b"mode: enforce", b"mode: testing")
        ),
        result_type=None,
        delivery="delivered",
        note="One look shows nothing; two looks compared do.",
    ),
)


def certificate_options(world: World, kind: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return names (empty: the host's own) and options for `Authority.issue`, for one way to be wrong."""
    moment = world.moment
    kinds: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
        "expired": ((), {"not_before": moment - timedelta(days=93), "not_after": moment - timedelta(days=3)}),
        "not-yet-valid": ((), {"not_before": moment + timedelta(days=7), "not_after": moment + timedelta(days=97)}),
        "expires-soon": ((), {"not_before": moment - timedelta(days=88), "not_after": moment + timedelta(days=2)}),
        "self-signed": ((), {"issuer": "self"}),
        "unknown-ca": ((), {"issuer": "stranger"}),
        "wrong-name": ((f"www.{world.domain}",), {}),
        "common-name-only": ((), {"subject_alternative_name": False}),
        "intermediate-missing": ((), {"send_intermediate": False}),
        "weak-key": ((), {"rsa_bits": 1024}),
    }
    return kinds[kind]


def _certificate(kind: str, sentence: str, code: str, **more: Any) -> Fault:
    def apply(world: World) -> None:
        names, options = certificate_options(world, kind)
        credential = world.authority.issue(*(names or (world.policy_host,)), **options)
        for site in world.sites():
            site.credential = credential

    return Fault(
        name=f"policy-certificate-{kind}",
        area="policy certificate",
        sentence=sentence,
        changes="the certificate of mta-sts",
        apply=apply,
        hosts=POLICY_HOST,
        expects=(f"policy-certificate-{code}",),
        **{"result_type": ResultType.STS_WEBPKI_INVALID, **more},
    )


CERTIFICATE_FAULTS = (
    _certificate("expired", "The policy host's certificate has expired.", "expired"),
    _certificate("not-yet-valid", "The policy host's certificate is not valid yet.", "not-yet-valid"),
    _certificate(
        "expires-soon",
        "The policy host's certificate expires in two days.",
        "expires-soon",
        result_type=None,
        delivery="delivered",
    ),
    _certificate("self-signed", "The policy host's certificate is self-signed.", "self-signed"),
    _certificate("unknown-ca", "The policy host's certificate comes from a CA that nobody trusts.", "untrusted"),
    _certificate("wrong-name", "The policy host's certificate names another host.", "name-mismatch"),
    _certificate(
        "common-name-only",
        "The policy host's certificate has its name in the common name only, and no SAN.",
        "common-name-only",
        note="Many guides say 'in the CN or SAN'; RFC 8461 §3.3 asks for a SAN DNS-ID.",
        second_sender="Takes the policy: Python's ssl module falls back to the common name where there is no SAN.",
    ),
    _certificate(
        "intermediate-missing",
        "The policy host does not send the intermediate certificate.",
        "chain-incomplete",
        note="The certificate says where the issuer can be had (caIssuers); the lab serves it there.",
    ),
    _certificate(
        "weak-key",
        "The policy host's certificate has an RSA key of 1024 bits.",
        "weak",
        note="OpenSSL refuses it at security level 2 and takes it at level 1.",
    ),
)
