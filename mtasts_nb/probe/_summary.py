"""What a probe shows first: the three fundamentals, then the MX hosts, as plain rows for terminal and HTML alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from ..knowledge import finding_texts
from ..markup import plural, span, when
from ..vocabulary import Severity, Status
from ._evidence import DnsAttempt, HttpAttempt, MxHost, SmtpAttempt, TlsSession
from ._judge_mx import faults_at

if TYPE_CHECKING:
    from ._probe import Probe

__all__ = ["Light", "MxRow", "Row", "fundamentals", "mx_rows", "vantage_line"]


class Light(StrEnum):
    """How a row stands; always shown as a word beside any colour."""

    GOOD = "good"
    PARTLY = "partly"
    FAULT = "fault"
    UNKNOWN = "not observed"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: how it stands, what it is about, what was seen."""

    light: Light
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class MxRow:
    """One MX host, and the addresses of it at which the same was seen."""

    light: Light
    host: str
    preference: str
    address: str
    permitted: str
    starttls: str
    tls: str
    certificate: str
    dane: str

    @property
    def seen(self) -> str:
        """What was seen there, as one text."""
        starttls = f"STARTTLS {self.starttls}" if self.starttls in ("offered", "hidden") else self.starttls
        parts = (starttls, self.tls, self.certificate, "" if self.dane == "–" else f"TLSA {self.dane}")
        return "; ".join(part for part in parts if part and part != "–")


def _light(verdicts: Iterable[bool | None]) -> Light:
    known = [verdict for verdict in verdicts if verdict is not None]
    if not known:
        return Light.UNKNOWN
    return Light.GOOD if all(known) else Light.PARTLY if any(known) else Light.FAULT


def fundamentals(probe: Probe) -> list[Row]:
    """Return the three fundamentals in order, then reporting."""
    return [
        Row(_record_light(probe.sts, probe.record), "Record _mta-sts", _dns_text(probe.sts)),
        Row(_policy_light(probe), "Policy file", _policy_text(probe)),
        Row(_light(_certificate_verdicts(probe)), "Certificate of the policy host", _certificate_text(probe)),
        Row(
            _record_light(probe.tlsrpt, probe.tlsrpt_record),
            "Reporting _smtp._tls",
            _dns_text(probe.tlsrpt),
        ),
    ]


def _record_light(attempt: DnsAttempt, record: object) -> Light:
    return _light([None if attempt.status is Status.NOT_OBSERVED else record is not None])


def _dns_text(attempt: DnsAttempt) -> str:
    if attempt.answer is None or not attempt.texts:
        return attempt.detail
    parts = [" · ".join(attempt.texts)]
    if attempt.answer.cname_chain:
        parts.append(f"by CNAME {' → '.join(attempt.answer.cname_chain)}")
    if attempt.answer.ttl is not None:
        parts.append(f"TTL {span(attempt.answer.ttl)}")
    if attempt.secure:
        parts.append("DNSSEC validated")
    return ", ".join(parts)


def _policy_light(probe: Probe) -> Light:
    attempts = probe.policy_host.attempts
    if not attempts:
        unknown = Status.NOT_OBSERVED in (probe.policy_host.a.status, probe.policy_host.aaaa.status)
        return Light.UNKNOWN if unknown else Light.FAULT
    light = _light(_policy_verdict(attempt) for attempt in attempts)
    return Light.FAULT if probe.served_policy is None and light is not Light.UNKNOWN else light


def _policy_verdict(attempt: HttpAttempt) -> bool | None:
    if attempt.status is Status.NOT_OBSERVED:
        return None
    response = attempt.response
    return attempt.stage == "done" and response is not None and response.status_code == 200 and not response.truncated


def _policy_text(probe: Probe) -> str:
    seen: dict[str, list[str]] = {}
    for attempt in probe.policy_host.attempts:
        response = attempt.response
        said = f"status {response.status_code}" if response and attempt.stage == "done" else _ending(attempt)
        seen.setdefault(said, []).append(attempt.request.address)
    fetched = "; ".join(f"{text} from {', '.join(addresses)}" for text, addresses in seen.items())
    policy = probe.served_policy
    if policy is None:
        return fetched or "no address to fetch it from"
    patterns = ", ".join(policy.mx) or "no mx"
    return f"mode {policy.mode}, max_age {span(policy.max_age)}, mx {patterns}; {fetched}"


def _ending(attempt: HttpAttempt | SmtpAttempt) -> str:
    return attempt.detail if attempt.status is Status.NOT_OBSERVED else f"{attempt.stage}: {attempt.detail}"


def _certificate_verdicts(probe: Probe) -> Iterator[bool | None]:
    for attempt in probe.policy_host.attempts:
        session = attempt.tls or attempt.older_tls
        validation = session.validation if session else None
        yield validation.valid if validation else None


def _certificate_text(probe: Probe) -> str:
    texts = dict.fromkeys(
        _session_text(session) for a in probe.policy_host.attempts if (session := a.tls or a.older_tls) is not None
    )
    return "; ".join(texts) or "none seen"


def _session_text(session: TlsSession) -> str:
    validation = session.validation
    if validation is None or not session.chain:
        return "no certificate"
    problems = [] if validation.verdict.trusted else [f"{validation.verdict.text} (OpenSSL {validation.verdict.code})"]
    if not validation.name_matches:
        problems.append(validation.name_detail)
    leaf, left = session.chain[0], validation.days_left
    if left is not None:
        word = f"{plural(int(left), 'day')} left" if left >= 0 else f"expired {plural(int(-left), 'day')} ago"
        problems.append(f"until {when(leaf.not_after)[:10]} ({word})")
    problems.append(leaf.key)
    return ", ".join(part for part in problems if part)


def mx_rows(probe: Probe) -> list[MxRow]:
    """Return the MX hosts by preference, the addresses that show the same in one row."""
    together: dict[MxRow, list[str]] = {}
    for row in _each_address(probe):
        together.setdefault(replace(row, address=""), []).append(row.address)
    return [replace(row, address=", ".join(addresses)) for row, addresses in together.items()]


def _each_address(probe: Probe) -> Iterator[MxRow]:
    policy = probe.served_policy
    for mx in probe.mx_hosts:
        permitted = "–" if policy is None or not policy.mx else "yes" if policy.matches(mx.host) else "no"
        faults = faults_at(mx)
        if not mx.attempts:
            light = Light.UNKNOWN if mx.problem == "limit" or _unasked(mx) else Light.FAULT
            said = _host_problem(mx)
            yield MxRow(light, mx.host, _preference(mx), "–", permitted, said, "–", "–", "–")
        for attempt in mx.attempts:
            bad = [
                f for f in faults.get(attempt.request.address, []) if finding_texts()[f.code].severity is Severity.ERROR
            ]
            observed = attempt.status is not Status.NOT_OBSERVED
            light = Light.UNKNOWN if not observed else Light.FAULT if bad or permitted == "no" else Light.GOOD
            yield _mx_row(light, mx, attempt, permitted)


def _preference(mx: MxHost) -> str:
    return "no MX record" if mx.implicit else str(mx.preference)


def _unasked(mx: MxHost) -> bool:
    return any(attempt is not None and attempt.status is Status.NOT_OBSERVED for attempt in (mx.a, mx.aaaa))


def _host_problem(mx: MxHost) -> str:
    words = {"null": "null MX: no mail accepted", "ip-literal": "an address, not a name",
             "invalid-name": "not a host name", "limit": "not visited"}  # fmt: skip
    return words.get(mx.problem, "no address")


def _mx_row(light: Light, mx: MxHost, attempt: SmtpAttempt, permitted: str) -> MxRow:
    session = attempt.tls or attempt.older_tls
    usable = [match.matches for match in attempt.tlsa if match.matches is not None]
    secure = mx.tlsa is not None and mx.tlsa.secure
    dane = "–" if not usable else ("matches" if any(usable) else "no match") + ("" if secure else ", not secure")
    if attempt.starttls is not None and attempt.stage != "starttls":
        starttls = "offered" if attempt.starttls_offered else "hidden"
    else:
        starttls = _ending(attempt)
    return MxRow(
        light=light,
        host=mx.host,
        preference=_preference(mx),
        address=attempt.request.address,
        permitted=permitted,
        starttls=starttls,
        tls=session.version if session else attempt.detail if attempt.stage == "handshake" else "–",
        certificate=_session_text(session) if session else "–",
        dane=dane,
    )


def vantage_line(probe: Probe) -> str:
    """Return when, from where and with what the domain was looked at."""
    vantage = probe.vantage
    servers = ", ".join(vantage.nameservers) or "none"
    lab = ", addresses led elsewhere by routes" if vantage.routed else ""
    return (
        f"Looked at {when(probe.started)} in {probe.seconds:.1f} s, resolver {servers}, "
        f"roots {vantage.trust_store}{lab}; {vantage.versions[0] if vantage.versions else 'version unknown'}."
    )
