"""The causes, put together from symptoms of a probe and groups of reported failures, and ranked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from ..analysis import NO_NAME, NO_POLICY, explanations, listed
from ..knowledge import CauseText, causes, providers
from ..markup import one_line, plural
from ..vocabulary import (
    Area,
    CauseKind,
    Concern,
    Confidence,
    Effect,
    Finding,
    MailEffect,
    Mode,
    State,
    mail_clause,
    ranked,
)
from ._values import Cause, Evidence

if TYPE_CHECKING:
    from ..probe import Probe, Symptom
    from ..sender import Outcomes
    from ._values import Group

__all__ = ["causes_of"]

#: Pieces of evidence given of each source, and texts to publish.
_MOST: Final = 4
_AT_MX: Final = frozenset({Area.MX, Area.MX_CERTIFICATE, Area.DANE})


@dataclass(frozen=True, kw_only=True)
class _Indication:
    """One way in which a cause is known."""

    concern: Concern
    evidence: tuple[Evidence, ...]
    mode: Mode = Mode.ENFORCE
    mail: MailEffect = MailEffect.NOT_KNOWN
    position: int = 0
    finding: Finding | None = None


def causes_of(
    probe: Probe | None,
    symptoms: Iterable[Symptom],
    groups: Iterable[Group],
    blind: Iterable[tuple[Concern, tuple[str, ...]]],
    outcomes: Outcomes | None,
) -> tuple[Cause, ...]:
    """Return the causes, the most pressing first, by the order of `ranked`; `blind` is what `without_policy` gives."""
    groups = tuple(groups)
    indications = [] if probe is None else [_from_symptom(probe, each, outcomes) for each in symptoms]
    indications += [indication for group in groups for indication in _from_group(group, probe)]
    indications += [_from_senders(concern, reporters) for concern, reporters in blind]
    of_cause: dict[tuple[str, str], list[_Indication]] = {}
    for indication in indications:
        of_cause.setdefault((indication.concern.code, indication.concern.policy_domain), []).append(indication)
    concerns = ranked((indication.position, indication.concern) for indication in indications)
    return tuple(_cause(each, of_cause[each.code, each.policy_domain], probe, groups) for each in concerns)


def _from_symptom(probe: Probe, symptom: Symptom, outcomes: Outcomes | None) -> _Indication:
    concern, text = symptom.concern, causes().get(symptom.concern.code)
    evidence = [Evidence(source="probe", text=symptom.text)]
    result_types = {} if text is None else text.result_types
    for row in () if outcomes is None else outcomes.failures:
        same = row.mx in concern.mx if concern.mx else not row.mx
        if same and row.result_type is not None and row.result_type in result_types:
            where = f" at {one_line(row.mx, 120)}" if row.mx else ""
            why = f"A conformant sender reports {row.result_type.value}{where}: {one_line(row.why, 300)}"
            evidence.append(Evidence(source="sender", text=why))
    mode = probe.mode or Mode.ENFORCE
    if outcomes is not None and outcomes.policy_source == "none" and text is not None and text.area in _AT_MX:
        mode = Mode.NONE  # senders see no policy: they check nothing at the MX hosts
    return _Indication(concern=concern, evidence=tuple(evidence), mode=mode, finding=symptom.finding)


def _from_group(group: Group, probe: Probe | None) -> Iterator[_Indication]:
    reported = group.reported
    mode = Mode(reported.modes[0]) if reported.modes else Mode.ENFORCE
    for explanation in explanations(reported, group.state, group.causes, probed=probe is not None):
        candidate = explanation.candidate
        evidence = [Evidence(source="reports", text=f"{one_line(reported.result_type, 60)}: {group.why}")]
        evidence += [Evidence(source="reports", text=text) for text in candidate.support]
        evidence += [Evidence(source="reports", text=text, supports=False) for text in candidate.against]
        if candidate.confidence is not Confidence.HIGH and group.question:
            text = f"The reports alone cannot show which cause it is. To confirm, check: {group.question}"
            evidence.append(Evidence(source="reports", text=text, supports=False))
        if explanation.doubted:
            evidence.append(Evidence(source="probe", text="A probe does not show it now.", supports=False))
        yield _Indication(
            concern=explanation.concern, evidence=tuple(evidence), mode=mode, mail=reported.mail,
            position=explanation.position,
        )  # fmt: skip


def _from_senders(concern: Concern, reporters: tuple[str, ...]) -> _Indication:
    names = [one_line(name, 60) or NO_NAME for name in reporters[:_MOST]]
    if more := len(reporters) - len(names):
        names.append(plural(more, "other reporter"))
    text = f"The latest reports of {listed(names)} are of sessions without a policy."
    return _Indication(concern=concern, evidence=(Evidence(source="reports", text=text),))


def _cause(concern: Concern, indications: list[_Indication], probe: Probe | None, groups: tuple[Group, ...]) -> Cause:
    text, finding = causes().get(concern.code), indications[0].finding
    evidence = tuple(dict.fromkeys(each for indication in indications for each in indication.evidence))
    support = [each for source in ("probe", "sender", "reports") for each in _first(evidence, source)]
    against = [each for each in evidence if not each.supports]
    base = {field.name: getattr(concern, field.name) for field in fields(Concern)}
    if text is None:
        assert finding is not None, "only a finding may stand for itself"
        return Cause(
            **base,
            evidence=(*support, *against),
            meaning=finding.message,
            mail="",
            fix=finding.fix,
            rfc=finding.rfc,
        )
    domain, mx = concern.policy_domain, concern.mx
    if concern.state is State.SEEN_NOW and not concern.failed and text.result_types and groups:
        last = max(group.reported.last_report for group in groups).isoformat()
        missing = f"The reports up to {last} do not show it; a report arrives a day or more later."
        against.append(Evidence(source="reports", text=missing, supports=False))
    fixes = dict.fromkeys(each.finding.fix for each in indications if each.finding is not None and each.finding.fix)
    return Cause(
        **base,
        evidence=(*support, *against),
        meaning=text.meaning(domain),
        mail=_mail(concern, text, indications),
        fix="\n".join(dict.fromkeys((text.fix(domain), *list(fixes)[:_MOST]))),
        prevent=text.prevent(domain),
        commands=text.commands(domain or None, mx[0] if mx else _first_mx(probe)),
        verify=text.verify(domain),
        rfc=text.rfc,
        provider=_provider(text, probe, domain, mx),
        area=text.area,
    )


def _first(evidence: tuple[Evidence, ...], source: str) -> list[Evidence]:
    support = [each for each in evidence if each.supports and each.source == source]
    if len(support) <= _MOST:
        return support
    more = Evidence(source=source, text=f"And {plural(len(support) - _MOST, 'more observation')} of the same kind.")
    return [*support[:_MOST], more]


def _first_mx(probe: Probe | None) -> str | None:
    return next((mx.host for mx in probe.mx_hosts if not mx.problem), None) if probe is not None else None


def _provider(text: CauseText, probe: Probe | None, domain: str, mx: tuple[str, ...]) -> str:
    """Return what is different at the provider that runs the host concerned."""
    at_mx = text.area in _AT_MX
    if probe is not None:
        names = [known.name for known in probe.providers if known.role == ("mx" if at_mx else "policy host")]
    else:  # reports name the MX hosts only
        names = [
            known.name
            for known in (providers() if at_mx else ())
            if any(host == end or host.endswith(f".{end}") for host in mx for end in known.mx)
        ]
    notes = [f"{name}: {note}" for name in names if (note := text.at_provider(name, domain))]
    return "\n".join(dict.fromkeys(notes))


def _mail(concern: Concern, text: CauseText, indications: list[_Indication]) -> str:
    """Return what it does to mail, or did, in words; under which condition, where the reports name no policy."""
    mode = indications[0].mode
    if not concern.present:
        worst = min((each.mail for each in indications), key=lambda mail: mail.rank)
        clause = mail_clause(worst, over=True)
        return f"{clause[0].upper()}{clause[1:]}."
    if concern.effect is None:
        return f"The reports do not name the policy, so its mode is not known. In enforce: {text.effect[Mode.ENFORCE]}"
    if concern.kind is CauseKind.SENDER and concern.effect is Effect.DISABLES_PROTECTION:
        return causes()[NO_POLICY].effect[mode]  # these senders do not get the policy: that defers nothing
    return text.effect[mode]
