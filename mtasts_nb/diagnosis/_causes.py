"""The causes, put together from signs of a probe and groups of reported failures, and ranked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ..knowledge import CauseText, cause_texts, providers
from ..markup import one_line, plural
from ..vocabulary import Effect, Mode, PolicyType, Severity
from ._candidates import HIGH, LOW, MEDIUM, Candidate
from ._diagnose import SEEN_NOW, Cause, Evidence
from ._groups import (
    CHANCE,
    FIXED,
    NOT_REPRODUCIBLE,
    OLD_POLICY,
    REPRODUCED,
    THESE_SENDERS,
    Group,
)

if TYPE_CHECKING:
    from ..probe import Probe
    from ..sender import Outcomes
    from ._symptoms import Sign

__all__ = ["causes_of"]

#: Pieces of evidence shown of each source.
_MOST: Final = 4
_CONFIDENCE: Final = {HIGH: 0, MEDIUM: 1, LOW: 2}
_KIND: Final = {"fault": 0, "latent": 1, "sender": 2, "vantage": 3, "outcome": 4}


@dataclass(slots=True)
class _Draft:
    """A cause while it is put together."""

    text: CauseText
    domain: str
    confidence: str
    state: str
    effect: Effect
    severity: Severity
    place: int = 0
    mode: str = "enforce"
    failed: int = 0
    mx: dict[str, None] = field(default_factory=dict)
    support: dict[Evidence, None] = field(default_factory=dict)
    against: dict[Evidence, None] = field(default_factory=dict)
    fixes: dict[str, None] = field(default_factory=dict)

    def better_of(self, other: _Draft) -> None:
        """Take over what the other knows better, and all its evidence."""
        if other.state == SEEN_NOW or (self.state == FIXED and other.state != FIXED):
            self.state = other.state
        self.confidence = min(self.confidence, other.confidence, key=_CONFIDENCE.__getitem__)
        self.effect = min(self.effect, other.effect, key=lambda effect: effect.rank)
        self.severity = min(self.severity, other.severity, key=lambda severity: severity.rank)
        self.place = min(self.place, other.place)
        self.failed += other.failed
        for mine, theirs in ((self.support, other.support), (self.against, other.against)):
            mine.update(theirs)
        self.mx.update(other.mx)
        self.fixes.update(other.fixes)


def causes_of(
    probe: Probe | None, signs: Iterable[Sign], groups: Iterable[Group], outcomes: Outcomes | None
) -> tuple[Cause, ...]:
    """Return the causes, the most pressing first.

    Present before past; then by what they do to mail, how wrong it is, the place among the causes of a group of failures,
    what is at fault before what will be and what is not at the domain, and the failed sessions.
    """
    drafts: dict[tuple[str, str], _Draft] = {}
    made = [] if probe is None else list(_from_signs(probe, signs, outcomes))
    groups = tuple(groups)
    for group in groups:
        made += _from_group(group, probe)
    for draft in made:
        key = (draft.text.code, draft.domain)
        if key in drafts:
            drafts[key].better_of(draft)
        else:
            drafts[key] = draft
    for draft in drafts.values():
        _unreported(draft, groups)
    order = {code: place for place, code in enumerate(cause_texts())}
    ranked = sorted(drafts.values(), key=lambda draft: _rank(draft, order))
    return tuple(_finished(draft, probe) for draft in ranked)


def _rank(draft: _Draft, order: Mapping[str, int]) -> tuple[int, ...]:
    return (
        int(draft.state == FIXED),
        draft.effect.rank,
        draft.severity.rank,
        draft.place,
        _KIND[draft.text.kind],
        -draft.failed,
        order[draft.text.code],
    )


def _from_signs(probe: Probe, signs: Iterable[Sign], outcomes: Outcomes | None) -> Iterator[_Draft]:
    mode = probe.mode.value if probe.mode is not None else "enforce"
    for sign in signs:
        text = cause_texts()[sign.cause]
        draft = _Draft(
            text=text,
            domain=probe.domain,
            confidence=HIGH,
            state=SEEN_NOW,
            effect=sign.effect,
            severity=sign.severity,
            mode=mode,
        )
        draft.support[Evidence(source="probe", text=sign.text)] = None
        if sign.mx:
            draft.mx[sign.mx] = None
        if sign.fix:
            draft.fixes[sign.fix] = None
        for row in () if outcomes is None else outcomes.failures:
            same = row.mx == sign.mx if sign.mx else not row.mx
            if same and row.result_type is not None and row.result_type.value in text.result_types:
                where = f" at {one_line(row.mx, 120)}" if row.mx else ""
                told = f"A conformant sender reports {row.result_type.value}{where}: {one_line(row.why, 300)}"
                draft.support[Evidence(source="sender", text=told)] = None
        yield draft


def _from_group(group: Group, probe: Probe | None) -> Iterator[_Draft]:
    if group.state == CHANCE:
        return
    seen = group.reported
    if group.state in (THESE_SENDERS, OLD_POLICY) and (probe is not None or not group.causes):
        code = "sender-path" if group.state == THESE_SENDERS else "sender-old-policy"
        yield _drafted(group, Candidate(code=code, confidence=MEDIUM, support=(), against=()), 0)
        if group.state == OLD_POLICY:
            return
    elif group.state == THESE_SENDERS:
        yield _drafted(group, Candidate(code="sender-path", confidence=MEDIUM, support=(), against=()), 2)
    if group.state == NOT_REPRODUCIBLE:
        yield _drafted(group, Candidate(code="not-reproducible", confidence=MEDIUM, support=(), against=()), 1)
    wanted = 1 if group.state == FIXED or (group.causes and group.causes[0].confidence == HIGH) else 2
    if group.state == REPRODUCED and group.causes and not group.causes[0].support and len(group.causes) > 1:
        wanted = len(group.causes)
    for place, candidate in enumerate(group.causes[:wanted]):
        draft = _drafted(group, candidate, place)
        if (
            group.state in (NOT_REPRODUCIBLE, THESE_SENDERS, FIXED)
            and probe is not None
            and draft.text.kind != "sender"
        ):
            draft.confidence = LOW if group.state != FIXED else draft.confidence
            draft.place += 1
            draft.against[Evidence(source="probe", text="A probe does not show it now.", supports=False)] = None
        yield replace(draft, failed=seen.failed if place == 0 or group.state == REPRODUCED else 0)


def _drafted(group: Group, candidate: Candidate, place: int) -> _Draft:
    seen = group.reported
    effect = _effect(group)
    draft = _Draft(
        text=cause_texts()[candidate.code],
        domain=seen.policy_domain,
        confidence=candidate.confidence,
        state=group.state,
        effect=effect,
        severity=Severity.WARNING if effect is Effect.COSMETIC else Severity.ERROR,
        place=place,
        mode=seen.modes[0] if seen.modes else "enforce",
        failed=seen.failed,
    )
    told = f"{seen.result_type}: {group.why}"
    draft.support[Evidence(source="reports", text=told)] = None
    for text in candidate.support:
        draft.support[Evidence(source="reports", text=text)] = None
    for text in candidate.against:
        draft.against[Evidence(source="reports", text=text, supports=False)] = None
    if candidate.confidence != HIGH and group.question:
        draft.against[
            Evidence(
                source="reports",
                text=f"The reports alone cannot tell. It would settle it: {group.question}",
                supports=False,
            )
        ] = None
    if seen.mx:
        draft.mx[seen.mx] = None
    return draft


def _effect(group: Group) -> Effect:
    """Return what a group of reported failures does to mail, as far as reports tell (RFC 8461 §5)."""
    seen = group.reported
    if seen.result_type.startswith("sts-"):
        return Effect.DISABLES_PROTECTION
    binding = Mode.ENFORCE in seen.modes or seen.policy_type == PolicyType.TLSA
    if binding and seen.held:
        return Effect.DEFERS_MAIL
    return Effect.COSMETIC if binding else Effect.DISABLES_PROTECTION


def _unreported(draft: _Draft, groups: tuple[Group, ...]) -> None:
    """Say of a cause that a probe shows that reports do not tell of it, where they could."""
    if draft.state != SEEN_NOW or draft.failed or not draft.text.result_types or not groups:
        return
    last = max(group.reported.last_report for group in groups)
    text = f"The reports up to {last.isoformat()} do not tell of it; a report comes a day or more later."
    draft.against[Evidence(source="reports", text=text, supports=False)] = None


def _finished(draft: _Draft, probe: Probe | None) -> Cause:
    text, domain = draft.text, draft.domain
    mx = tuple(draft.mx)
    support = list(draft.support)
    shown = [one for source in ("probe", "sender", "reports") for one in _first(support, source)]
    return Cause(
        code=text.code,
        title=text.title,
        confidence=draft.confidence,
        evidence=(*shown, *draft.against),
        fix="\n".join(dict.fromkeys((text.fix(domain), *tuple(draft.fixes)[:_MOST]))),
        commands=text.commands(domain or None, mx[0] if mx else _some_mx(probe)),
        verify=text.verify(domain),
        rfc=text.rfc,
        provider=_provider(text, probe, domain, mx),
        meaning=text.meaning(domain),
        mail=text.effect[draft.mode],
        effect=draft.effect,
        severity=draft.severity,
        state=draft.state,
        kind=text.kind,
        area=text.area,
        policy_domain=domain,
        mx=mx,
        failed=draft.failed,
    )


def _first(support: list[Evidence], source: str) -> list[Evidence]:
    mine = [one for one in support if one.source == source]
    if len(mine) <= _MOST:
        return mine
    more = Evidence(source=source, text=f"And {plural(len(mine) - _MOST, 'more piece')} of the same kind.")
    return [*mine[:_MOST], more]


def _some_mx(probe: Probe | None) -> str | None:
    return next((mx.host for mx in probe.mx_hosts if not mx.problem), None) if probe is not None else None


def _provider(text: CauseText, probe: Probe | None, domain: str, mx: tuple[str, ...]) -> str:
    """Return what is different at the provider that runs the host concerned."""
    at_mx = text.area in ("mx", "mx-certificate", "dane")
    if probe is not None:
        role = "mx" if at_mx else "policy host"
        names = [known.name for known in probe.providers if known.role == role]
    else:  # reports name the MX hosts, and of the policy host nothing
        names = [
            known.name
            for known in (providers() if at_mx else ())
            if any(host == end or host.endswith(f".{end}") for host in mx for end in known.mx)
        ]
    told = [f"{name}: {advice}" for name in names if (advice := text.at_provider(name, domain))]
    return "\n".join(dict.fromkeys(told))
