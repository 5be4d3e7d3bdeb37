"""The evidence of a probe as one table: a row per attempt and check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..markup import one_line, when
from ..vocabulary import Status
from ._evidence import DnsAttempt, HttpAttempt, SmtpAttempt, TlsSession

if TYPE_CHECKING:
    import pandas as pd

    from ._probe import Probe

__all__ = ["COLUMNS", "check_rows", "checks_frame"]

COLUMNS = ("step", "subject", "host", "address", "status", "reason", "detail", "seconds")

_SMTP_STAGES = ("connect", "greeting", "ehlo", "starttls", "handshake", "ehlo-after-tls")
_HTTP_STAGES = ("connect", "handshake", "response")

Row = dict[str, object]


def _row(step: str, subject: str, host: str, address: str, status: Status, reason: str = "", detail: str = "",
         seconds: float | None = None) -> Row:  # fmt: skip
    return {"step": step, "subject": one_line(subject, 253), "host": one_line(host, 253), "address": one_line(address, 80),
            "status": status.value, "reason": reason, "detail": one_line(detail, 500), "seconds": seconds}  # fmt: skip


def check_rows(probe: Probe) -> Iterator[Row]:
    """Yield the rows: record, policy host, MX hosts, reporting, authoritative servers."""
    yield from _dns(probe.sts, "sts record")
    yield from _dns(probe.policy_host.a, "policy host address")
    yield from _dns(probe.policy_host.aaaa, "policy host address")
    for http in probe.policy_host.attempts:
        yield from _https(http)
    yield from _dns(probe.mx, "mx records")
    for mx in probe.mx_hosts:
        if mx.problem:
            yield _row("mx", mx.host, mx.host, "", Status.NOT_OBSERVED, mx.problem, "not visited")
        for lookup, step in ((mx.a, "mx address"), (mx.aaaa, "mx address"), (mx.tlsa, "tlsa")):
            if lookup is not None:
                yield from _dns(lookup, step, host=mx.host)
        for smtp in mx.attempts:
            yield from _smtp(smtp)
    yield from _dns(probe.tlsrpt, "tlsrpt record")
    for attempt in probe.authoritative:
        yield from _dns(attempt, "authoritative server", host=attempt.query.server)


def _dns(attempt: DnsAttempt, step: str, host: str = "") -> Iterator[Row]:
    query = attempt.query
    yield _row(step, f"{query.type} {query.name}", host, query.address, attempt.status, attempt.reason,
               attempt.detail, attempt.seconds)  # fmt: skip


def _https(attempt: HttpAttempt) -> Iterator[Row]:
    request = attempt.request
    for stage, status, reason, detail in _stages(attempt, _HTTP_STAGES):
        if stage == "handshake" and attempt.tls is not None:
            detail = f"{attempt.tls.version}, {attempt.tls.cipher}"
        seconds = attempt.seconds if stage == (attempt.stage if attempt.stage in _HTTP_STAGES else "response") else None
        yield _row(f"https {stage}", request.url, request.host, request.address, status, reason, detail, seconds)
        if stage == "handshake":
            yield from _certificate(attempt.tls, "policy certificate", request.host, request.address)


def _smtp(attempt: SmtpAttempt) -> Iterator[Row]:
    request = attempt.request
    replies = {"greeting": attempt.greeting, "ehlo": attempt.ehlo, "starttls": attempt.starttls,
               "ehlo-after-tls": attempt.ehlo_after_tls}  # fmt: skip
    last = attempt.stage if attempt.stage in _SMTP_STAGES else "ehlo-after-tls"
    for stage, status, reason, detail in _stages(attempt, _SMTP_STAGES):
        reply = replies.get(stage)
        if not detail and reply is not None:
            detail = str(reply)
        if stage == "handshake" and attempt.tls is not None:
            detail = f"{attempt.tls.version}, {attempt.tls.cipher}"
        seconds = attempt.seconds if stage == last else None
        yield _row(f"smtp {stage}", request.mx, request.mx, request.address, status, reason, detail, seconds)
        if stage == "handshake":
            yield from _certificate(attempt.tls, "mx certificate", request.mx, request.address)
            for match in attempt.tlsa:
                good = Status.NOT_OBSERVED if match.matches is None else Status.COMPLETED
                status = Status.FAILED if match.matches is False else good
                reason = "" if match.matches else "unusable" if match.matches is None else "mismatch"
                yield _row("tlsa match", match.record, request.mx, request.address, status, reason, match.detail)


def _stages(attempt: HttpAttempt | SmtpAttempt, stages: tuple[str, ...]) -> Iterator[tuple[str, Status, str, str]]:
    """Yield each stage with how it ended; those after the one that broke were not observed."""
    broken = False
    for stage in stages:
        if broken:
            yield stage, Status.NOT_OBSERVED, "not-reached", ""
        elif attempt.stage == stage:
            broken = True
            yield stage, attempt.status, attempt.reason, attempt.detail
        else:
            done = attempt.detail if stage == "response" else ""
            yield stage, Status.COMPLETED, "", done


def _certificate(session: TlsSession | None, step: str, host: str, address: str) -> Iterator[Row]:
    if session is None or session.validation is None:
        yield _row(step, host, host, address, Status.NOT_OBSERVED, "not-reached")
        return
    validation, leaf = session.validation, session.chain[0]
    problems = [] if validation.verdict.trusted else [f"OpenSSL {validation.verdict.code}: {validation.verdict.text}"]
    if not validation.name_matches:
        problems.append(f"name: {validation.name_detail}")
    detail = f"{leaf.key}, {leaf.signature}, until {when(leaf.not_after)}, {len(session.chain)} sent"
    status = Status.COMPLETED if validation.valid else Status.FAILED
    reason = "" if validation.valid else "certificate-invalid"
    yield _row(step, leaf.subject, host, address, status, reason, "; ".join([*problems, detail]))


def checks_frame(probe: Probe) -> pd.DataFrame:
    """Return the rows as a DataFrame."""
    import pandas as pd

    frame = pd.DataFrame(list(check_rows(probe)), columns=list(COLUMNS))
    texts = {column: "string" for column in COLUMNS if column != "seconds"}
    return frame.astype({**texts, "seconds": "float64"})
