"""How much a fault of an MX host matters: severity, and what it does to mail.

The rules (RFC 8461 §5, §8.4; RFC 5321 §5.1; RFC 7672 §2.2), those of a sender without a cached policy that validates DANE:

- A sender tries the next address and the next MX host. Mail is deferred only if *every* host that could be checked
  fails. Which faults count depends on the senders that they block: every sender, those that validate DANE, or those that
  apply a policy in mode enforce. If some hosts could not be checked, the finding says so.
- A host that fails at every address while another accepts mail is a warning, and cosmetic: for mail nothing changes now.
  Redundancy is lost, and the finding says so: such a fault is noticed only on the day the host is needed. The same holds
  for a fault at some addresses of a host while another address works.
- If no policy in mode enforce is visible, a fault at TLS defers nothing but at senders with a cached one. In mode testing
  it is an error if every host fails, as it will defer mail in enforce. In mode none nothing is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...knowledge import finding_texts
from ...markup import one_line
from ...vocabulary import Effect, Mode, Severity, Status
from .._evidence import Evidence, MxHost
from ._faults import Blocks, Fault, milder

__all__ = ["Host", "Weight", "Weights"]

_CACHED = "Only senders with a cached policy in mode enforce defer mail."


@dataclass
class Host:
    """An MX host with its faults, and the addresses that were observed."""

    mx: MxHost
    faults: list[Fault] = field(default_factory=list)
    observed: set[str] = field(default_factory=set)

    def fails(self, blocks: frozenset[Blocks]) -> bool | None:
        """Return whether a sender that such faults block fails at every address; None if none was observed."""
        broken = {fault.address for fault in self.faults if fault.blocks in blocks}
        if "" in broken:
            return True
        return self.observed <= broken if self.observed else None


class Weight(NamedTuple):
    """Severity, effect on mail, and a sentence on it."""

    severity: Severity
    effect: Effect
    note: str = ""


class Weights:
    """The domain as a whole: each fault is weighed against the other MX hosts and the policy that senders see."""

    def __init__(self, evidence: Evidence, hosts: Sequence[Host]) -> None:
        self._evidence = evidence
        self._enforced = evidence.mode is Mode.ENFORCE
        self._blocks = frozenset({Blocks.EVERY, Blocks.DANE} | ({Blocks.POLICY} if self._enforced else set()))
        results = {host.mx.host: self._fails(host, self._blocks) for host in hosts}
        if_enforced = [self._fails(host, frozenset(Blocks) - {Blocks.NONE}) for host in hosts]
        #: Whether no observed host is left to senders, now and in mode enforce.
        self.fails = _all(results.values())
        self._would_fail = _all(if_enforced)
        self._good = [host for host, fails in results.items() if fails is False]
        limit = [mx.host for mx in evidence.mx_hosts if mx.problem == "limit"]
        self._unobserved = [host for host, fails in results.items() if fails is None] + limit

    def _fails(self, host: Host, blocks: frozenset[Blocks]) -> bool | None:
        policy = self._evidence.policy or self._evidence.served_policy
        if Blocks.POLICY in blocks and policy is not None and policy.mx and not policy.matches(host.mx.host):
            return True
        return host.fails(blocks)

    def of(self, host: Host, faults: Sequence[Fault]) -> Weight:
        """Return the weight of faults of one code at a host."""
        text = finding_texts()[faults[0].code]
        blocks = {fault.blocks for fault in faults}
        if blocks == {Blocks.NONE}:
            effect = Effect.COSMETIC if text.effect is Effect.DEFERS_MAIL else text.effect  # not yet
            return Weight(text.severity, effect)
        if not blocks & self._blocks:
            return self.unenforced(text.severity, everywhere=host.fails(frozenset({*Blocks} - {Blocks.NONE})) is True)
        if self._fails(host, self._blocks) is not True:
            return Weight(milder(text.severity), Effect.COSMETIC, "Senders try its other addresses.")
        if not self.fails:
            return Weight(milder(text.severity), Effect.COSMETIC, self.redundancy_lost)
        note = "No MX host is left that senders can use: mail is queued at the sender."
        if not self._enforced and Blocks.EVERY not in blocks:
            note = "No MX host is left to senders that validate DANE: they queue mail. Others deliver."
        if self._unobserved:
            note = f"Every MX host that could be checked fails; {_named(self._unobserved)} could not be checked."
        return Weight(text.severity, Effect.DEFERS_MAIL, note)

    def unenforced(self, severity: Severity, *, everywhere: bool) -> Weight:
        """Return the weight of a fault that blocks only senders with a policy in mode enforce, and they see none."""
        evidence, served = self._evidence, self._evidence.served_policy
        if evidence.mode is Mode.NONE:
            return Weight(
                Severity.ADVICE, Effect.COSMETIC, f"In mode none senders check nothing and deliver. {_CACHED}"
            )
        announced = served.mode is not Mode.NONE if served is not None else evidence.record is not None
        kept = severity if announced and everywhere and self._would_fail else milder(severity)
        if evidence.mode is Mode.TESTING:
            note = "Mail is delivered anyway, without the protection of MTA-STS."
        elif _policy_unknown(evidence):
            note = "Whether senders see a policy was not observed; those that apply one in mode enforce defer mail."
        else:
            note = f"Senders see no valid policy, and deliver without the protection of MTA-STS. {_CACHED}"
        return Weight(kept, Effect.DISABLES_PROTECTION, note)

    @property
    def redundancy_lost(self) -> str:
        """The sentence that a host fails while others accept mail."""
        where = _named(self._good) if self._good else "the other MX hosts"
        return f"Redundancy is lost: senders use {where}, and no mail is deferred as long as that works."


def _policy_unknown(evidence: Evidence) -> bool:
    host = evidence.policy_host
    attempts = host.attempts
    hidden = any(not attempt.observed and not attempt.private for attempt in attempts) or host.addresses_unknown
    return evidence.sts.status is Status.NOT_OBSERVED or (evidence.policy is None and hidden)


def _all(results: Iterable[bool | None]) -> bool:
    """Return whether there are observed hosts, and all of them fail."""
    known = [result for result in results if result is not None]
    return bool(known) and all(known)


def _named(hosts: list[str]) -> str:
    names = ", ".join(one_line(name, 80) for name in hosts[:3])
    return f"{names} and {len(hosts) - 3} more" if len(hosts) > 3 else names
