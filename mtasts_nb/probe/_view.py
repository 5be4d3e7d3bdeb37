"""How a probe, a run of probes, a comparison and commands are shown: the three fundamentals first, then MX by MX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..knowledge import finding_texts
from ..markup import one_line, plural, span, when
from ..render import (
    Badge,
    Block,
    Code,
    Document,
    Items,
    Paragraph,
    Preformatted,
    Quiet,
    Section,
    Steps,
    Strong,
    Table,
    Tone,
    document,
)
from ..vocabulary import Severity, Status
from ._attempts import DnsAttempt, SmtpAttempt, TlsSession
from ._checks import Commands
from ._compare import Comparison
from ._dane import DaneState, dane_state
from ._describe import presented, problems
from ._evidence import Evidence, MxHost
from ._many import Probes
from ._probe import Probe
from .findings import faults_at

__all__: list[str] = []

_TONES = {Tone.GOOD: "good", Tone.PARTLY: "partly", Tone.BAD: "fault", Tone.UNKNOWN: "not observed"}
_PROBLEMS = {
    "null": "null MX: no mail accepted",
    "ip-literal": "an address, not a name",
    "invalid-name": "not a host name",
    "limit": "not probed",
}


@document.register
def _(probe: Probe) -> Document:
    mode = f"mode {probe.mode.value}" if probe.mode else "no MTA-STS policy that senders can use"
    lead = Paragraph(Strong(probe.domain), f": {mode}. {probe.findings.summary()}", lead=True)
    fundamentals = Steps([(_badge(tone), (Paragraph(title, strong=True), Paragraph(one_line(text, 700))))
                          for tone, title, text in _fundamentals(probe)])  # fmt: skip
    hosts = Steps([(None, _host(probe, mx)) for mx in probe.mx_hosts])
    body: list[Block] = [
        lead,
        *document(probe.verdict).body,
        Section("The three fundamentals, and reporting", (fundamentals,)),
    ]
    body.append(Section("MX hosts, by preference", (hosts if probe.mx_hosts else Paragraph(probe.mx.detail),)))
    if probe.providers:
        providers = "; ".join(f"{known.name} ({known.role}, by {known.evidence})" for known in probe.providers)
        body.append(Paragraph(f"Providers: {one_line(providers, 600)}"))
    if probe.findings:
        body.append(Section("Findings", document(probe.findings).body))
    body.append(Paragraph(Quiet(_vantage(probe))))
    return Document(body)


@document.register
def _(probes: Probes) -> Document:
    def worst_first(probe: Probe) -> tuple[int, int]:
        return -len(probe.findings.of(Severity.ERROR)), -len(probe.findings.of(Severity.WARNING))

    rows = [probes.row(probe) for probe in sorted(probes, key=worst_first)]
    columns = {"domain": "Domain", "mode": "Mode", "errors": "Errors", "warnings": "Warnings", "codes": "Findings",
               "mx_hosts": "MX hosts", "providers": "Providers"}  # fmt: skip
    caption = f"{plural(len(probes), 'domain')}, the worst first."
    body: list[Block] = [Table(columns, rows, caption=caption, numeric=("errors", "warnings"))]
    if probes.rejects:
        rejects = [(Code(one_line(text, 100)), f": {reason}") for text, reason in probes.rejects]
        body.append(Section("Not probed", (Items(rejects),)))
    return Document(body)


@document.register
def _(comparison: Comparison) -> Document:
    before, after = comparison.before.started, comparison.after.started
    lead = (
        f"{comparison.domain}, {when(before)} and {when(after)} ({span(after - before)} apart): "
        f"{plural(len(comparison.changes), 'change')}, {len(comparison.fixed)} fixed, {len(comparison.new)} new."
    )
    body: list[Block] = [Paragraph(lead, lead=True)]
    if comparison.changes:
        columns = {"what": "What", "kind": "Change", "before": "Before", "after": "After"}
        rows = [{name: str(getattr(change, name)) for name in columns} for change in comparison.changes]
        body.append(Table(columns, rows, caption="What changed."))
    titled = (("Fixed", comparison.fixed), ("New", comparison.new), ("From the comparison", comparison.findings))
    body += [Section(title, document(findings).body) for title, findings in titled if findings]
    return Document(body)


@document.register
def _(commands: Commands) -> Document:
    steps: list[tuple[Badge | None, tuple[Block, ...]]] = []
    for command in commands:
        expect = Paragraph("Works if it prints: ", one_line(command.expect, 300))
        observed = Paragraph("The probe observed: ", Code(one_line(command.observed, 400)))
        title = Paragraph(command.title, strong=True)
        steps.append((None, (title, Preformatted(command.line), expect, observed)))
    return Document((Steps(steps),))


def _badge(tone: Tone) -> Badge:
    return Badge(tone, _TONES[tone])


def _tone(verdicts: Iterable[bool | None]) -> Tone:
    known = [verdict for verdict in verdicts if verdict is not None]
    if not known:
        return Tone.UNKNOWN
    return Tone.GOOD if all(known) else Tone.PARTLY if any(known) else Tone.BAD


def _fundamentals(evidence: Evidence) -> Iterator[tuple[Tone, str, str]]:
    yield _record_tone(evidence.sts, evidence.record), "Record _mta-sts", _dns_text(evidence.sts)
    yield _policy_tone(evidence), "Policy file", _policy_text(evidence)
    sessions = [attempt.session for attempt in evidence.policy_host.attempts]
    texts = dict.fromkeys(_session_text(session) for session in sessions if session is not None)
    valid = (session.validation.valid if session and session.validation else None for session in sessions)
    yield _tone(valid), "Certificate of the policy host", "; ".join(texts) or "none observed"
    yield _record_tone(evidence.tlsrpt, evidence.tlsrpt_record), "Reporting _smtp._tls", _dns_text(evidence.tlsrpt)


def _record_tone(attempt: DnsAttempt, record: object) -> Tone:
    return _tone([None if attempt.status is Status.NOT_OBSERVED else record is not None])


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


def _policy_tone(evidence: Evidence) -> Tone:
    attempts = evidence.policy_host.attempts
    if not attempts:
        return Tone.UNKNOWN if evidence.policy_host.addresses_unknown else Tone.BAD
    served = (
        attempt.stage == "done" and attempt.served is not None if attempt.observed else None for attempt in attempts
    )
    tone = _tone(served)
    return Tone.BAD if evidence.served_policy is None and tone is not Tone.UNKNOWN else tone


def _policy_text(evidence: Evidence) -> str:
    texts: dict[str, list[str]] = {}
    for attempt in evidence.policy_host.attempts:
        response = attempt.response
        text = f"status {response.status_code}" if response and attempt.stage == "done" else attempt.ending
        texts.setdefault(text, []).append(attempt.request.address)
    fetches = "; ".join(f"{text} from {', '.join(addresses)}" for text, addresses in texts.items())
    policy = evidence.served_policy
    if policy is None:
        return fetches or "no address to fetch it from"
    patterns = ", ".join(policy.mx) or "no mx"
    return f"mode {policy.mode}, max_age {span(policy.max_age)}, mx {patterns}; {fetches}"


def _session_text(session: TlsSession) -> str:
    left = session.validation.days_left if session.validation else None
    parts = [*problems(session), presented(session)]
    if left is not None:
        parts.append(f"{plural(int(left), 'day')} left" if left >= 0 else f"expired {plural(int(-left), 'day')} ago")
    return ", ".join(parts)


def _host(evidence: Evidence, mx: MxHost) -> tuple[Block, ...]:
    """Return a host with what was observed at its addresses; those with the same result together."""
    policy = evidence.served_policy
    covered = policy.matches(mx.host) if policy is not None and policy.mx else None
    notes = ["no MX record" if mx.implicit else f"preference {mx.preference}"]
    if covered is not None:
        notes.append("matched by the policy" if covered else "NOT matched by the policy")
    head = Paragraph(Strong(one_line(mx.host, 253)), Quiet(f", {', '.join(notes)}"))
    if not mx.attempts:
        unknown = mx.problem == "limit" or any(attempt.status is Status.NOT_OBSERVED for attempt in mx.lookups)
        badge = _badge(Tone.UNKNOWN if unknown else Tone.BAD)
        return head, Paragraph(badge, f" {_PROBLEMS.get(mx.problem, 'no address')}")
    faults, texts = faults_at(evidence, mx), finding_texts()
    together: dict[tuple[Tone, str], list[str]] = {}
    for attempt in mx.attempts:
        errors = [f for f in faults.get(attempt.request.address, ()) if texts[f.code].severity is Severity.ERROR]
        works = not errors and covered is not False if attempt.observed else None
        together.setdefault((_tone([works]), _smtp_text(evidence, mx, attempt)), []).append(attempt.request.address)
    return head, *(
        Paragraph(_badge(tone), f" at {', '.join(addresses)}: {one_line(text, 700)}")
        for (tone, text), addresses in together.items()
    )


def _smtp_text(evidence: Evidence, mx: MxHost, attempt: SmtpAttempt) -> str:
    parts = [attempt.ending]
    if attempt.starttls is not None and attempt.stage != "starttls":
        parts = ["STARTTLS offered" if attempt.starttls_offered else "STARTTLS hidden"]
        parts += [attempt.detail] if attempt.session is None and attempt.stage == "handshake" else []
    if attempt.session:
        parts += [attempt.session.version, _session_text(attempt.session)]
    usable = [match.matches for match in attempt.tlsa if match.matches is not None]
    if usable:
        state = dane_state(evidence, mx)
        secure = {DaneState.INSECURE: ", not secure", DaneState.UNVALIDATED: ", DNSSEC not observed"}.get(state, "")
        parts.append(f"TLSA {'matches' if any(usable) else 'no match'}{secure}")
    return "; ".join(part for part in parts if part)


def _vantage(evidence: Evidence) -> str:
    vantage = evidence.vantage
    lab = ", addresses routed elsewhere" if vantage.routed else ""
    return one_line(
        f"Probed {when(evidence.started)} in {evidence.seconds:.1f} s, resolver {', '.join(vantage.nameservers) or 'none'}, "
        f"roots {vantage.trust_store}{lab}; {vantage.versions[0] if vantage.versions else 'version unknown'}.",
        600,
    )
