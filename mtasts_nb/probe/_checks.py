"""The evidence as one table, a row per attempt and check; and the shell commands to check it by hand.

The commands ask what a sender asks: GET and not HEAD (`curl -I` sends HEAD), SNI, and the name check that
`openssl s_client` makes only with `-verify_hostname`. Without a SAN, OpenSSL and curl fall back to the common name, which
senders do not (RFC 8461 §4.2, RFC 9525 §2): the names are printed too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..knowledge import command
from ..markup import one_line
from ..render import Rendered, frame
from ..vocabulary import Status
from ._attempts import DnsAttempt, HttpAttempt, SmtpAttempt, TlsSession
from ._describe import presented, problems
from ._evidence import Evidence, is_host_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Command", "Commands", "checks_frame", "commands_for"]

COLUMNS = ("step", "subject", "host", "address", "status", "reason", "detail", "seconds")

_SMTP_STAGES = ("connect", "greeting", "ehlo", "starttls", "handshake", "ehlo-after-tls")
_HTTP_STAGES = ("connect", "handshake", "response")

Row = dict[str, object]


def checks_frame(evidence: Evidence) -> pd.DataFrame:
    """Return a DataFrame with the columns of `COLUMNS`: record, policy host, MX hosts, reporting, name servers."""
    texts = {column: "string" for column in COLUMNS if column != "seconds"}
    return frame(list(_rows(evidence)), COLUMNS).astype({**texts, "seconds": "float64"})


def _row(step: str, subject: str, host: str, address: str, status: Status, reason: str = "", detail: str = "",
         seconds: float | None = None) -> Row:  # fmt: skip
    return {"step": step, "subject": one_line(subject, 253), "host": one_line(host, 253), "address": one_line(address, 80),
            "status": status.value, "reason": reason, "detail": one_line(detail, 500), "seconds": seconds}  # fmt: skip


def _rows(evidence: Evidence) -> Iterator[Row]:
    yield _dns(evidence.sts, "sts record")
    yield _dns(evidence.policy_host.a, "policy host address")
    yield _dns(evidence.policy_host.aaaa, "policy host address")
    for http in evidence.policy_host.attempts:
        yield from _https(http)
    yield _dns(evidence.mx, "mx records")
    for mx in evidence.mx_hosts:
        if mx.problem:
            yield _row("mx", mx.host, mx.host, "", Status.NOT_OBSERVED, mx.problem, "not probed")
        for lookup in mx.lookups:
            yield _dns(lookup, "mx address", host=mx.host)
        if mx.tlsa is not None:
            yield _dns(mx.tlsa, "tlsa", host=mx.host)
        for smtp in mx.attempts:
            yield from _smtp(smtp)
    if evidence.reference is not None:
        yield from _smtp(evidence.reference)
    if evidence.signed_name is not None:
        yield _dns(evidence.signed_name, "known signed name")
    yield _dns(evidence.tlsrpt, "tlsrpt record")
    for attempt in evidence.authoritative:
        yield _dns(attempt, "authoritative server", host=attempt.query.server)


def _dns(attempt: DnsAttempt, step: str, host: str = "") -> Row:
    query = attempt.query
    return _row(step, f"{query.type} {query.name}", host, query.address, attempt.status, attempt.reason,
                attempt.detail, attempt.seconds)  # fmt: skip


def _https(attempt: HttpAttempt) -> Iterator[Row]:
    request = attempt.request
    for stage, status, reason, detail, seconds in _stages(attempt, _HTTP_STAGES):
        if stage == "response" and not reason:
            detail = attempt.detail
        yield _row(f"https {stage}", request.url, request.host, request.address, status, reason, detail, seconds)
        if stage == "handshake":
            yield _certificate(attempt.tls, "policy certificate", request.host, request.address)


def _smtp(attempt: SmtpAttempt) -> Iterator[Row]:
    mx, address = attempt.request.mx, attempt.request.address
    replies = {"greeting": attempt.greeting, "ehlo": attempt.ehlo, "starttls": attempt.starttls,
               "ehlo-after-tls": attempt.ehlo_after_tls}  # fmt: skip
    for stage, status, reason, detail, seconds in _stages(attempt, _SMTP_STAGES):
        reply = replies.get(stage)
        yield _row(f"smtp {stage}", mx, mx, address, status, reason, detail or str(reply or ""), seconds)
        if stage == "handshake":
            yield _certificate(attempt.tls, "mx certificate", mx, address)
            for match in attempt.tlsa:
                matched, reason = _TLSA[match.matches]
                yield _row("tlsa match", match.record, mx, address, matched, reason, match.detail)


_TLSA = {
    True: (Status.COMPLETED, ""),
    False: (Status.FAILED, "mismatch"),
    None: (Status.NOT_OBSERVED, "unusable"),
}


def _stages(
    attempt: HttpAttempt | SmtpAttempt, stages: tuple[str, ...]
) -> Iterator[tuple[str, Status, str, str, float | None]]:
    """Yield each stage: status, reason, detail, and the seconds at the last one; those after a failure not observed."""
    last = attempt.stage if attempt.stage in stages else stages[-1]
    ended = False
    for stage in stages:
        seconds = attempt.seconds if stage == last else None
        if ended:
            yield stage, Status.NOT_OBSERVED, "not-reached", "", seconds
            continue
        ended = stage == attempt.stage
        status, reason, detail = (
            (attempt.status, attempt.reason, attempt.detail) if ended else (Status.COMPLETED, "", "")
        )
        if stage == "handshake" and attempt.tls is not None:
            detail = f"{attempt.tls.version}, {attempt.tls.cipher}"
        yield stage, status, reason, detail, seconds


def _certificate(session: TlsSession | None, step: str, host: str, address: str) -> Row:
    if session is None or session.validation is None:
        return _row(step, host, host, address, Status.NOT_OBSERVED, "not-reached")
    valid = session.validation.valid
    status, reason = (Status.COMPLETED, "") if valid else (Status.FAILED, "certificate-invalid")
    detail = "; ".join((*problems(session), presented(session)))
    return _row(step, session.chain[0].subject, host, address, status, reason, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing to check by hand.

    Attributes
    ----------
    step : str
        What it belongs to: ``record``, ``policy``, ``certificate``, ``mx`` or ``reporting``.
    title : str
        What is checked.
    line : str
        The command, for a POSIX shell with dig, curl and OpenSSL 1.1.1 or newer; if it takes two, one per line.
    expect : str
        What it prints if everything works.
    observed : str
        What the probe observed.
    """

    step: str
    title: str
    line: str
    expect: str
    observed: str


class Commands(Rendered, tuple[Command, ...]):
    """Commands in order; in a notebook each with what the probe observed."""

    __slots__ = ()

    def of(self, step: str) -> Commands:
        """Return those of one step."""
        return Commands(command for command in self if command.step == step)


def commands_for(evidence: Evidence) -> Commands:
    """Return the commands to check a probe by hand, in the order of the steps."""
    return Commands(_commands(evidence))


def _commands(evidence: Evidence) -> Iterator[Command]:
    attempts = evidence.policy_host.attempts
    response = next((attempt.response for attempt in attempts if attempt.response), None)
    tls = next((attempt.tls for attempt in attempts if attempt.tls), None)
    ending = f"{attempts[0].stage}: {attempts[0].detail}" if attempts else "no address to connect to"
    body = response.body.decode("utf-8", "replace").replace("\r\n", " / ").strip() if response else ending
    content_type = response.header("content-type") or "(none)" if response else ""

    def of(step: str, title: str, observed: str, *names: str, mx: str | None = None) -> Command:
        """Return the commands of these names as one."""
        known = [command(name, evidence.domain, mx) for name in names]
        line, expect = "\n".join(each.shell for each in known), " ".join(each.shows for each in known)
        return Command(step=step, title=title, line=line, expect=expect, observed=observed)

    yield of("record", "The MTA-STS record", _answer(evidence.sts), "dig-record")
    yield of("reporting", "The TLS reporting record", _answer(evidence.tlsrpt), "dig-reporting")
    yield of("policy", "The policy file", body, "curl-policy")
    yield of(
        "policy",
        "The headers of that response (by GET: curl -I would send HEAD, which senders do not)",
        f"status {response.status_code}, Content-Type: {content_type}" if response else ending,
        "curl-policy-headers",
    )
    yield of("mx", "The MX hosts", _answer(evidence.mx), "dig-mx")
    yield of(
        "certificate",
        "The certificate of the policy host (without -verify_hostname, code 0 says nothing about the name)",
        _certificate_text(tls) if tls else ending,
        "openssl-policy-host",
        "openssl-policy-host-names",
    )
    for mx in evidence.mx_hosts:
        if is_host_name(mx.host):
            attempt = next((attempt for attempt in mx.attempts if attempt.tls), None)
            last = mx.attempts[0].detail if mx.attempts else "no address to connect to"
            observed = f"{attempt.detail}; {_certificate_text(attempt.tls)}" if attempt and attempt.tls else last
            title = f"STARTTLS and the certificate of {mx.host}"
            yield of("mx", title, observed, "openssl-mx", "openssl-mx-names", mx=mx.host)


def _answer(attempt: DnsAttempt) -> str:
    return " · ".join(attempt.texts) or attempt.detail


def _certificate_text(session: TlsSession) -> str:
    names = f"DNS {', '.join(session.chain[0].dns_names[:8])}" if session.chain else ""
    return "; ".join(part for part in (*problems(session), presented(session), names) if part)
