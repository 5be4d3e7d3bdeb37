"""A verdict on each policy domain, by reports alone: `reported_verdicts` puts the concerns of all groups together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from ..knowledge import causes
from ..vocabulary import Concern, Effect, PolicyType, Severity, State, Verdict, ranked, verdict_on
from ._candidates import candidates, explanations, unexplained
from ._cells import Cells, cells
from ._failure_tables import KIND
from ._reported import Reported, reported

if TYPE_CHECKING:
    from ..reports import Source

__all__ = [
    "NOBODYS_POLICY",
    "NO_POLICY",
    "domains_reported",
    "no_policy",
    "reported_verdicts",
    "verdicts_by_type",
    "without_policy",
]

#: The cause of senders that find no policy, although others do.
NO_POLICY: Final = "sender-no-policy"
#: The cause where no sender finds one.
NOBODYS_POLICY: Final = "policy-not-found"
#: A domain with reports within so many days of the last report of all is known; of others, nothing recent is.
_RECENT_DAYS: Final = 7


def without_policy(source: Source | Cells) -> Mapping[str, tuple[Concern, tuple[str, ...]]]:
    """Return the policy domains whose policy senders do not find, each with a concern and these senders.

    Only the latest report of a sender counts, if it is about one of the last days: one that has found the policy since is
    not concerned. Where some find none and others do, that is the senders'; where all find none, mail is not protected.
    """
    split = cells(source)
    kinds = [PolicyType.STS, PolicyType.TLSA, PolicyType.NO_POLICY_FOUND]
    rows = split.sessions[split.sessions["policy_type"].isin(kinds)]
    if not (rows["policy_type"] == PolicyType.NO_POLICY_FOUND).any():
        return {}
    last = rows.pivot_table(
        index=["policy_domain", "organization_name"], columns="policy_type", values="day", aggfunc="max"
    )
    last = last.reindex(columns=kinds).astype(rows["day"].dtype)
    since = split.sessions["day"].max() - pd.Timedelta(days=_RECENT_DAYS)
    none, sts = last[PolicyType.NO_POLICY_FOUND], last[PolicyType.STS]
    blind = (none > since) & ~(sts >= none)
    applied = ((sts > since) & ~blind) | (last[PolicyType.TLSA] > since)
    reporters: dict[str, list[str]] = {}
    for domain, reporter in last.index[blind]:
        reporters.setdefault(domain, []).append(reporter)
    ever, now = (set(last.index[chosen].get_level_values(0)) for chosen in (sts.notna(), applied))
    return {
        # What senders without DANE find is nothing where there was never a policy for them.
        domain: (no_policy(domain, by_all=domain not in now), tuple(names))
        for domain, names in reporters.items()
        if domain in ever or domain not in now
    }


def no_policy(domain: str, *, by_all: bool) -> Concern:
    """Return the concern that some senders, or all of them, find no policy."""
    text = causes()[NOBODYS_POLICY if by_all else NO_POLICY]
    return Concern(
        code=text.code,
        title=text.title,
        kind=text.kind,
        effect=Effect.DISABLES_PROTECTION,
        severity=Severity.WARNING,
        state=State.REPORTED if by_all else State.THESE_SENDERS,
        policy_domain=domain,
    )


def domains_reported(source: Source | Cells) -> Mapping[str, bool]:
    """Return the policy domains of a source, each with whether a report about its last days came."""
    return {domain: known for (domain,), known in _known(cells(source), KIND[:1]).items()}


def _known(split: Cells, keys: list[str]) -> Mapping[tuple[str, ...], bool]:
    last = split.sessions.groupby(keys, as_index=False)["day"].max()
    newest = last["day"].max()
    return {tuple(map(str, names)): (newest - day).days < _RECENT_DAYS for *names, day in last.itertuples(index=False)}


def reported_verdicts(source: Source, groups: Sequence[Reported] | None = None) -> Mapping[str, Verdict]:
    """Return a verdict on each policy domain, by reports alone; the one that `diagnose` gives without a probe.

    Parameters
    ----------
    source : Source
    groups : sequence of Reported, optional
        What `reported` gives, where it is at hand.
    """
    verdicts = _verdicts(source, KIND[:1], groups)
    return {domain: verdict for (domain,), verdict in verdicts.items()}


def verdicts_by_type(source: Source, groups: Sequence[Reported] | None = None) -> Mapping[tuple[str, str], Verdict]:
    """Return a verdict on each policy domain and policy type; the worst of a domain's is that on the domain."""
    return {(domain, kind): verdict for (domain, kind), verdict in _verdicts(source, KIND[:2], groups).items()}


def _verdicts(source: Source, keys: list[str], groups: Sequence[Reported] | None) -> Mapping[tuple[str, ...], Verdict]:
    split = cells(source)
    explained: dict[tuple[str, ...], list[tuple[int, Concern]]] = {}
    rest: dict[tuple[str, ...], list[Concern]] = {}
    for group in reported(source) if groups is None else groups:
        likely, key = candidates(group), tuple(getattr(group, name) for name in keys)
        named = explanations(group, group.state, likely, probed=False)
        explained.setdefault(key, []).extend((each.position, each.concern) for each in named)
        rest.setdefault(key, []).extend(unexplained(group, group.state, likely))
    for domain, (concern, _) in without_policy(split).items():
        explained.setdefault((domain, PolicyType.NO_POLICY_FOUND.value)[: len(keys)], []).append((0, concern))
    # That no sender is without a policy any more is no gap in the reports.
    recent = domains_reported(split)
    return {
        key: verdict_on(
            [*ranked(explained.get(key, ())), *rest.get(key, ())],
            domain=key[0],
            known=known or (key[-1] == PolicyType.NO_POLICY_FOUND and recent[key[0]]),
            reported=True,
            failures=key in rest,
        )
        for key, known in _known(split, keys).items()
    }
