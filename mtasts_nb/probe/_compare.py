"""What changed between two probes of a domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..knowledge import finding
from ..markup import html_table, html_text, one_line, plural, span, terminal_text, when
from ..vocabulary import Finding, Findings, Status
from ._evidence import DnsAttempt, TlsSession
from ._judge_policy_host import policy_bodies
from ._looked_again import looked_again

if TYPE_CHECKING:
    import pandas as pd

    from ._probe import Probe

__all__ = ["Change", "Comparison", "compare_probes"]

_UNSEEN = "(not observed)"
_NONE = "(none)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was. `kind` is ``changed``, ``appeared``, ``gone`` or ``not comparable``."""

    what: str
    kind: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What changed between two probes of one domain.

    Attributes
    ----------
    changes : tuple of Change
        In the order in which a sender meets them. What one of the two did not observe is ``not comparable``.
    findings : Findings
        What only the comparison shows, for example a policy that changed under the same id.
    fixed, new : Findings
        Findings of the first probe that the second does not have, and the other way round. What the second did not
        get to is not called fixed: a certificate, where the connection was refused before it.
    """

    domain: str
    before: Probe
    after: Probe
    changes: tuple[Change, ...]
    findings: Findings
    fixed: Findings
    new: Findings

    def to_frame(self) -> pd.DataFrame:
        """Return one row per change: what, kind, before, after."""
        import pandas as pd

        rows = [{name: one_line(getattr(c, name), 1000) for name in Change.__dataclass_fields__} for c in self.changes]
        return pd.DataFrame(rows, columns=list(Change.__dataclass_fields__), dtype="string")

    def _headline(self) -> str:
        apart = span(self.after.started - self.before.started)
        return (
            f"{terminal_text(self.domain)}, {when(self.before.started)} and {when(self.after.started)} ({apart} apart): "
            f"{plural(len(self.changes), 'change')}, {len(self.fixed)} fixed, {len(self.new)} new."
        )

    def __str__(self) -> str:
        lines = [self._headline()]
        for change in self.changes:
            lines += ["", f"{terminal_text(change.what, 300)}: {change.kind}"]
            lines += [f"  before  {terminal_text(change.before, 400)}", f"  after   {terminal_text(change.after, 400)}"]
        for title, found in (("Fixed", self.fixed), ("New", self.new), ("Seen by comparison", self.findings)):
            lines += ["", f"{title}: {', '.join(found.codes)}"] if found else []
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Comparison of {self._headline()}>"

    def _repr_html_(self) -> str:
        rows = [{"what": c.what, "kind": c.kind, "before": c.before, "after": c.after} for c in self.changes]
        headings = {"what": "What", "kind": "", "before": "Before", "after": "After"}
        parts = [f"<p>{html_text(self._headline())}</p>"]
        parts += [html_table(rows, headings, caption="What changed.", width=600)] if rows else []
        for title, found in (("Fixed", self.fixed), ("New", self.new), ("Seen by comparison", self.findings)):
            parts += [f"<h4>{title}</h4>{found._repr_html_()}"] if found else []
        return "".join(parts)


def compare_probes(before: Probe, after: Probe) -> Comparison:
    """Return what changed between two probes of the same domain.

    Raises
    ------
    ValueError
        The probes are of different domains.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab() as lab:
    ...     seen = probe("nordwind.example", lab.settings)
    >>> compare_probes(seen, seen).changes
    ()
    """
    if before.domain != after.domain:
        raise ValueError(f"The probes are of two domains, {before.domain} and {after.domain}: compare two of one.")
    facts_before, facts_after = dict(_facts(before)), dict(_facts(after))
    changes = [
        change
        for what in dict.fromkeys((*facts_before, *facts_after))
        if (change := _change(what, _fact(facts_before, what, before), _fact(facts_after, what, after))) is not None
    ]
    seen_before, seen_after = _keys(before.findings), _keys(after.findings)
    return Comparison(
        domain=before.domain,
        before=before,
        after=after,
        changes=tuple(changes),
        findings=Findings(_shown_by_comparison(before, after)),
        fixed=Findings(one for key, one in seen_before.items() if key not in seen_after and looked_again(one, after)),
        new=Findings(one for key, one in seen_after.items() if key not in seen_before),
    )


def _keys(findings: Findings) -> dict[tuple[str, str], Finding]:
    return {(one.code, one.subject): one for one in findings}


def _fact(facts: dict[str, str], what: str, probe: Probe) -> str | None:
    """Return a fact; where it is missing because its place was not looked up, that it was not observed."""
    fact = facts.get(what)
    if fact is not None:
        return fact
    lookups: list[DnsAttempt | None] = [probe.mx]
    if what.startswith(("policy host ", "policy file")):
        lookups = [probe.policy_host.a, probe.policy_host.aaaa]
    elif mx := next((mx for mx in probe.mx_hosts if what.startswith((f"{mx.host} ", f"{mx.host}:"))), None):
        lookups += [mx.tlsa] if what.endswith(": TLSA") else [mx.a, mx.aaaa]
    known = all(lookup is not None and lookup.status is Status.COMPLETED for lookup in lookups)
    return None if known else _UNSEEN


def _change(what: str, before: str | None, after: str | None) -> Change | None:
    if before == after:
        return None
    kind = "changed"
    if before is None or before == _NONE:
        kind = "appeared"
    elif after is None or after == _NONE:
        kind = "gone"
    if _UNSEEN in (before, after):
        kind = "not comparable"
    return Change(what=what, kind=kind, before=before or _NONE, after=after or _NONE)


def _facts(probe: Probe) -> Iterator[tuple[str, str]]:
    """Yield what a sender would see, as text, by name."""
    yield "_mta-sts record", _records(probe.sts.status, probe.sts.texts, probe.sts.detail)
    for lookup in (probe.policy_host.a, probe.policy_host.aaaa):
        yield f"policy host addresses, {lookup.query.type}", _records(lookup.status, lookup.texts, lookup.detail)
    for http in probe.policy_host.attempts:
        where = f"policy host {http.request.address}"
        yield (
            f"{where}: fetch",
            _UNSEEN
            if http.status is Status.NOT_OBSERVED
            else (f"status {http.response.status_code}" if http.response else f"{http.stage}: {http.reason}"),
        )
        yield f"{where}: certificate", _session(http.tls, observed=http.status is not Status.NOT_OBSERVED)
    bodies = sorted(body.decode("utf-8", "backslashreplace") for body in policy_bodies(probe))
    if bodies or any(attempt.status is not Status.NOT_OBSERVED for attempt in probe.policy_host.attempts):
        yield "policy file", "\n---\n".join(bodies) or _NONE
    yield "MX records", _records(probe.mx.status, probe.mx.texts, probe.mx.detail)
    for mx in probe.mx_hosts:
        for smtp in mx.attempts:
            where = f"{mx.host} {smtp.request.address}"
            observed = smtp.status is not Status.NOT_OBSERVED
            yield (
                f"{where}: conversation",
                (_UNSEEN if not observed else "complete" if smtp.stage == "done" else f"{smtp.stage}: {smtp.reason}"),
            )
            yield f"{where}: TLS", smtp.tls.version if smtp.tls else _NONE if observed else _UNSEEN
            yield f"{where}: certificate", _session(smtp.tls, observed=observed)
        if mx.tlsa is not None:
            yield f"{mx.host}: TLSA", _records(mx.tlsa.status, mx.tlsa.texts, mx.tlsa.detail)
    yield "_smtp._tls record", _records(probe.tlsrpt.status, probe.tlsrpt.texts, probe.tlsrpt.detail)


def _records(status: Status, texts: tuple[str, ...], detail: str) -> str:
    if status is Status.NOT_OBSERVED:
        return _UNSEEN
    return f"failed: {detail}" if status is Status.FAILED else "\n".join(texts) or _NONE


def _session(session: TlsSession | None, *, observed: bool) -> str:
    if session is None or not session.chain:
        return _NONE if observed else _UNSEEN
    leaf = session.chain[0]
    return f"{leaf.subject}, until {when(leaf.not_after)}, sha256 {leaf.sha256[:16]}, {len(session.chain)} sent"


def _shown_by_comparison(before: Probe, after: Probe) -> Iterator[Finding]:
    old, new = set(policy_bodies(before)), set(policy_bodies(after))
    ids = [probe.record.id if probe.record else None for probe in (before, after)]
    if old and new and old != new and ids[0] is not None and ids[0] == ids[1]:
        yield finding(
            "policy-changed-same-id",
            subject=after.policy_host.host,
            evidence=f"record, then and now: {' · '.join(after.sts.texts)}",
            domain=after.domain,
            id=after.started.strftime("%Y%m%d%H%M%S"),
        )
