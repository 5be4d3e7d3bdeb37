"""The commands with which to check a probe by hand, beside what the probe saw.

They ask what a sender asks: GET and not HEAD (`curl -I` sends HEAD), SNI, and the name check that `openssl s_client`
leaves out unless told (`-verify_hostname`). Where a certificate has no SAN, OpenSSL and curl fall back to its common
name, which senders do not (RFC 8461 §4.2, RFC 9525 §2): the names are printed too.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..markup import html_text, one_line, terminal_text, when
from ._domain import is_host_name
from ._evidence import DnsAttempt, TlsSession

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["Command", "Commands", "commands_for"]


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
        The command, for a POSIX shell with dig, curl and OpenSSL 1.1.1 or newer; where it takes two, one a line.
    expect : str
        What it prints where all is well.
    seen : str
        What the probe saw.
    """

    step: str
    title: str
    line: str
    expect: str
    seen: str


class Commands(tuple[Command, ...]):
    """Commands in order; in a notebook each beside what the probe saw."""

    __slots__ = ()

    def of(self, step: str) -> Commands:
        """Return those of one step."""
        return Commands(one for one in self if one.step == step)

    def __str__(self) -> str:
        lines: list[str] = []
        for number, one in enumerate(self, start=1):
            shell = [f"   $ {line}" for line in one.line.splitlines()]
            lines += [f"{number}. {one.title}", *shell, f"   expect  {terminal_text(one.expect, 300)}"]
            lines += [f"   seen    {terminal_text(one.seen, 400)}", ""]
        return "\n".join(lines).rstrip()

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><p><strong>{html_text(one.title)}</strong></p><pre><code>{html_text(one.line)}</code></pre>"
            f"<p>All is well if it prints: {html_text(one.expect, 300)}<br>"
            f"The probe saw: <code>{html_text(one_line(one.seen, 400))}</code></p></li>"
            for one in self
        )
        return f"<ol>{items}</ol>"


def commands_for(probe: Probe) -> Commands:
    """Return the seven commands of a check by hand, in the order of the steps."""
    return Commands(_commands(probe))


def _commands(probe: Probe) -> Iterator[Command]:
    domain, host = shlex.quote(probe.domain), shlex.quote(probe.policy_host.host)
    url = f"https://{host}/.well-known/mta-sts.txt"
    response = next((a.response for a in probe.policy_host.attempts if a.response), None)
    yield Command(
        step="record",
        title="The MTA-STS record",
        line=f"dig +short TXT _mta-sts.{domain}",
        expect='one text, "v=STSv1; id=…;" (others beside it do no harm)',
        seen=_answer(probe.sts),
    )
    yield Command(
        step="reporting",
        title="The TLS reporting record",
        line=f"dig +short TXT _smtp._tls.{domain}",
        expect='one text, "v=TLSRPTv1; rua=mailto:…"',
        seen=_answer(probe.tlsrpt),
    )
    yield Command(
        step="policy",
        title="The policy file",
        line=f"curl -sS --max-time 60 {url}",
        expect="version: STSv1, mode, max_age and the mx lines, and nothing else",
        seen=response.body.decode("utf-8", "replace").replace("\r\n", " / ").strip() if response else _ending(probe),
    )
    yield Command(
        step="policy",
        title="The headers of that response (by GET: curl -I would send HEAD, which senders do not)",
        line=f"curl -sS --max-time 60 -o /dev/null -D - {url}",
        expect="status 200 at once, Content-Type: text/plain",
        seen=(
            f"status {response.status_code}, Content-Type: {response.header('content-type') or '(none)'}"
            if response
            else _ending(probe)
        ),
    )
    yield Command(
        step="mx",
        title="The MX hosts",
        line=f"dig +short MX {domain}",
        expect="hosts that the mx lines of the policy permit",
        seen=_answer(probe.mx),
    )
    tls = next((a.tls for a in probe.policy_host.attempts if a.tls), None)
    yield Command(
        step="certificate",
        title="The certificate of the policy host (without -verify_hostname code 0 says nothing about the name)",
        line=_openssl(f"-connect {host}:443", host),
        expect=_expect(host),
        seen=_certificate(tls) if tls else _ending(probe),
    )
    for mx in probe.mx_hosts:
        if is_host_name(mx.host):
            attempt = next((a for a in mx.attempts if a.tls), None)
            last = mx.attempts[0].detail if mx.attempts else "no address to connect to"
            yield Command(
                step="mx",
                title=f"STARTTLS and the certificate of {mx.host}",
                line=_openssl(f"-starttls smtp -connect {shlex.quote(mx.host)}:25", mx.host),
                expect=_expect(mx.host),
                seen=f"{attempt.detail}; {_certificate(attempt.tls)}" if attempt and attempt.tls else last,
            )


def _openssl(how: str, host: str) -> str:
    name = shlex.quote(host)
    return (
        f"openssl s_client {how} -servername {name} -verify_hostname {name} </dev/null 2>/dev/null "
        "| grep -E 'NotAfter|Verif'\n"
        f"openssl s_client {how} -servername {name} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName"
    )


def _expect(host: str) -> str:
    return (
        f"Verify return code: 0 (ok), and then DNS:{host} or a wildcard for it. Both: where there is no DNS name OpenSSL "
        "falls back to the common name, and senders do not"
    )


def _answer(attempt: DnsAttempt) -> str:
    return " · ".join(attempt.texts) or attempt.detail


def _ending(probe: Probe) -> str:
    attempts = probe.policy_host.attempts
    return f"{attempts[0].stage}: {attempts[0].detail}" if attempts else "no address to connect to"


def _certificate(session: TlsSession) -> str:
    if session.validation is None or not session.chain:
        return "no certificate"
    validation = session.validation
    names = ", ".join(session.chain[0].dns_names[:8])
    name = f", DNS {names}" if validation.name_matches else f", {validation.name_detail}"
    return (
        f"{len(session.chain)} certificates sent, until {when(session.chain[0].not_after)}, "
        f"verify code {validation.verdict.code} ({validation.verdict.text}){name}"
    )
