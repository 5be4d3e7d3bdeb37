"""Reported failures held against what a probe sees now: reproduced, fixed, at the sender's side, or not to be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..analysis import listed
from ..errors import PolicyError
from ..knowledge import cause_texts
from ..markup import one_line, plural, when
from ..policy import Policy, parse_policy
from ..sender import simulate
from ..vocabulary import Mode, PolicyType, ResultType
from ._candidates import Candidate, candidates
from ._reported import Reported
from .flowchart import flowchart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..probe import Probe
    from ..sender import Row
    from ._symptoms import Sign

__all__ = ["STATES", "Group", "Seen", "join"]

REPRODUCED: Final = "reproduced now"
FIXED: Final = "fixed since"
NOT_REPRODUCIBLE: Final = "not reproducible from here"
THESE_SENDERS: Final = "only these senders"
OLD_POLICY: Final = "sender holds an old policy"
NOT_OBSERVED: Final = "not observed now"
REPORTED: Final = "still reported"
CHANCE: Final = "as by chance"

#: What can be said of a group of reported failures, and by what rule.
STATES: Final = {
    REPRODUCED: "A probe shows now what the reports tell.",
    OLD_POLICY: "All is well under the policy that is published now; the reports name another one.",
    FIXED: "A probe does not show it, or the later reports of those who saw it do not.",
    THESE_SENDERS: "Few of the reporters that could have seen it did: it is likely theirs, or on the path to them.",
    NOT_REPRODUCIBLE: "It is still reported by several, and a probe from here does not show it.",
    NOT_OBSERVED: "It is still reported, and the probe could not look at that.",
    REPORTED: "It is still reported; there is no probe to hold it against.",
    CHANCE: "No more than a normal day has: time-outs, a sender's bad day.",
}
#: What only a certificate that was presented can show.
_NEEDS_TLS: Final = frozenset(
    {
        ResultType.CERTIFICATE_EXPIRED,
        ResultType.CERTIFICATE_HOST_MISMATCH,
        ResultType.CERTIFICATE_NOT_TRUSTED,
        ResultType.TLSA_INVALID,
    }
)
#: A smaller part of failed sessions comes and goes; that one look does not show it proves little.
_ALWAYS: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of reported failures: policy domain × policy type × result type × MX, in one span of days.

    Attributes
    ----------
    reported : Reported
        Counts, days, and who saw it.
    state : str
        One of `STATES`.
    why : str
        By what evidence, in a sentence.
    causes : tuple of Candidate
        What it may come of, the likeliest first; where a probe shows the cause, that alone.
    question : str
        What would tell the first two causes apart, where the evidence does not.
    """

    reported: Reported
    state: str
    why: str
    causes: tuple[Candidate, ...]
    question: str = ""

    @property
    def over(self) -> bool:
        """Whether it needs no more attention."""
        return self.state in (FIXED, CHANCE)


class Seen:
    """What a probe says about failures that were reported."""

    def __init__(self, probe: Probe, signs: Iterable[Sign], observed: Mapping[str, str]) -> None:
        self.probe = probe
        self.signs = tuple(signs)
        self.observed = observed
        self.hosts = {mx.host.lower() for mx in probe.mx_hosts}
        self._rows: dict[str, tuple[Row, ...]] = {}

    def rows(self, policy: str) -> tuple[Row, ...]:
        """Return what a sender would report now; one that holds a policy of this text, where it is one."""
        if policy not in self._rows:
            held = _parsed(policy)
            outcomes = simulate(self.probe, cached_policy=held) if held else simulate(self.probe)
            self._rows[policy] = outcomes.failures
        return self._rows[policy]

    def reports_it(self, group: Reported) -> bool:
        """Return whether a sender would report the same now, under the policy published now."""
        return _among(self.rows(""), group)

    def shows(self, group: Reported) -> bool:
        """Return whether it is there now: a sender would report it, or a fault is seen that is reported so by some."""
        return self.reports_it(group) or bool(_proven(group, self))

    def shows_under_its_policy(self, group: Reported) -> bool:
        """Return whether a sender that holds the policy of the reports would report the same now."""
        return bool(group.policies) and _among(self.rows(group.policies[0][0]), group)

    def hidden(self, group: Reported) -> str:
        """Return why the probe could not have seen it; empty where it could."""
        kind = group.result_type
        if kind.startswith("sts-"):
            return self._hidden_at_host(kind)
        if group.policy_type == PolicyType.TLSA and "tlsa" not in self.observed:
            return "the TLSA records were not observed"
        if "smtp" not in self.observed:
            return "the MX hosts could not be spoken to"
        if group.mx in self.hosts and kind in _NEEDS_TLS:
            attempts = [attempt for mx in self.probe.mx_hosts if mx.host.lower() == group.mx for attempt in mx.attempts]
            if not any(attempt.tls or attempt.older_tls for attempt in attempts):
                last = next((f"{attempt.stage}: {one_line(attempt.detail, 120)}" for attempt in attempts), "no address")
                return f"no TLS came about, and so no certificate was seen ({last})"
        return ""

    def _hidden_at_host(self, kind: str) -> str:
        if "policy-host" not in self.observed:
            return "the policy host was not observed"
        if kind == ResultType.STS_WEBPKI_INVALID:
            attempts = self.probe.policy_host.attempts
            return "" if any(attempt.tls for attempt in attempts) else "no TLS came about with the policy host"
        if kind == ResultType.STS_POLICY_INVALID and "policy-file" not in self.observed:
            return "no file came from the policy host"
        return ""


def _parsed(text: str) -> Policy | None:
    try:
        return parse_policy(text) if text else None
    except PolicyError:
        return None


def _among(rows: Iterable[Row], group: Reported) -> bool:
    return any(
        row.result_type is not None
        and row.result_type.value == group.result_type
        and (not group.mx or not row.mx or row.mx.lower() == group.mx)
        for row in rows
    )


def join(group: Reported, seen: Seen | None) -> Group:
    """Return a group with its state and causes; `seen` is None where no probe of that domain is at hand."""
    found = candidates(group)
    if not group.stands_out and (seen is None or not seen.shows(group)):
        why = f"{_told(group)}: {STATES[CHANCE].lower()}"
        return Group(reported=group, state=CHANCE, why=why, causes=found)
    state, why = _alone(group) if seen is None else _beside(group, seen)
    if seen is not None and state == REPRODUCED:
        proven = _proven(group, seen)
        found = proven or found
    return Group(reported=group, state=state, why=why, causes=found, question=_question(found))


def _told(group: Reported) -> str:
    place = f" at {one_line(group.mx, 120)}" if group.mx else ""
    return f"{plural(group.failed, 'failed session')}{place}, reported by {listed([one_line(n, 60) for n in group.reporters])}, last on {when(group.last)}"


def _alone(group: Reported) -> tuple[str, str]:
    if not group.ongoing:
        return (
            FIXED,
            f"Last seen on {when(group.last)}; those who saw it have reported since, up to {when(group.last_report)}.",
        )
    if group.few:
        return THESE_SENDERS, _only_these(group)
    return REPORTED, f"{_told(group)}."


def _only_these(group: Reported) -> str:
    return (
        f"Seen by {listed([one_line(name, 60) for name in group.reporters])}, and not by "
        f"{listed([one_line(name, 60) for name in group.spared])}, who had sessions enough to see it."
    )


def _beside(group: Reported, seen: Seen) -> tuple[str, str]:
    if seen.reports_it(group):
        return REPRODUCED, f"A sender would report {group.result_type} now too. {_told(group)}."
    if proven := _proven(group, seen):
        title = cause_texts()[proven[0].code].title
        return REPRODUCED, f"A probe shows now what it may come of: {title[0].lower()}{title[1:]}. {_told(group)}."
    if hidden := seen.hidden(group):
        return (
            (NOT_OBSERVED, f"{_told(group)}; the probe could not look: {hidden}.") if group.ongoing else _alone(group)
        )
    if not group.ongoing:
        state, why = _alone(group)
        return state, f"{why} A probe does not show it."
    old = _old_policy(group, seen)
    if old:
        return OLD_POLICY, old
    if group.few:
        return THESE_SENDERS, f"{_only_these(group)} A probe from here does not show it."
    if group.mx and group.mx not in seen.hosts:
        return FIXED, f"{one_line(group.mx, 120)} is no MX of the domain any more. Last seen on {when(group.last)}."
    if seen.probe.started.date() > group.last and group.share >= _ALWAYS:
        why = f"Last seen on {when(group.last)}; a probe of {when(seen.probe.started)} does not show it. No report about a later day is at hand: watch those of the next days."
        return FIXED, why
    return NOT_REPRODUCIBLE, f"{_told(group)}; a probe from here does not show it."


def _old_policy(group: Reported, seen: Seen) -> str:
    """Return how the policy in the reports differs from the live one, where that explains the failures; else empty."""
    live = seen.probe.policy
    if (
        live is None
        or group.policy_type != PolicyType.STS
        or not group.policies
        or group.result_type.startswith("sts-")
    ):
        return ""
    held = _parsed(group.policies[0][0])
    if held is None or (held.mode, held.max_age, frozenset(held.mx)) == (live.mode, live.max_age, frozenset(live.mx)):
        return ""
    told = f"The reports name a policy in mode {held.mode.value} for {', '.join(held.mx) or 'no host'}; published is mode {live.mode.value} for {', '.join(live.mx) or 'no host'}."
    if seen.shows_under_its_policy(group):
        return f"{told} Under the old one a sender would fail now, under the present one it would not."
    uncovered = bool(group.mx) and not held.matches(group.mx) and held.mode is not Mode.NONE
    return f"{told} The old one does not permit {one_line(group.mx, 120)}." if uncovered else ""


def _proven(group: Reported, seen: Seen) -> tuple[Candidate, ...]:
    """Return the causes that the probe shows for what was reported."""
    codes = dict.fromkeys(
        sign.cause
        for sign in seen.signs
        if (not group.mx or sign.mx.lower() == group.mx)
        and cause_texts()[sign.cause].kind == "fault"
        and (
            group.result_type in cause_texts()[sign.cause].result_types
            or cause_texts()[sign.cause].area == _AREA.get(group.result_type, "")
        )
    )
    return tuple(Candidate(code=code, confidence="high", support=(), against=()) for code in codes)


_AREA: Final = {"sts-webpki-invalid": "policy-certificate", "sts-policy-invalid": "policy-file"}


def _question(found: tuple[Candidate, ...]) -> str:
    """Return what would tell the first two apart, where the evidence does not."""
    if len(found) < 2 or found[0].confidence == "high":
        return ""
    node = flowchart().question_between(found[0].code, found[1].code)
    return node.question if node is not None else ""
