"""What happens to a message, from the evidence of a probe, host by host in the order of a sender (RFC 5321 §5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..markup import one_line
from ..policy import Policy, parse_policy
from ..probe import Evidence, MxHost
from ..vocabulary import Mode, PolicyType, Status
from ._contact import Contact, contacts
from ._discovery import AppliedPolicy, discover
from ._outcomes import Delivery, Outcomes, ProfileDifference, Row, Unpublished
from ._profiles import STRICT, Profile, Rule, profiles
from ._session import Address, SenderState, apply_policies, dane_for

__all__ = ["simulate"]


def simulate(
    probe: Evidence,
    mode: Mode | str | None = None,
    cached_policy: Policy | str | bytes | None = None,
    *,
    cached_id: str | None = None,
) -> Outcomes:
    """Return what a conformant sender would do with a message to this domain, and what it would report.

    No network is used: the evidence of the probe is evaluated by RFC 8461 §§3–5, and by RFC 7672 if there are TLSA
    records. What was not observed gives the outcome ``unknown``.

    Parameters
    ----------
    probe : Evidence
        What was observed: a `Probe`, or its evidence alone.
    mode : Mode or str, optional
        What if the policy that the sender applies were in this mode: ``enforce``, ``testing`` or ``none``. Without a
        policy there is nothing to change; one that names no mx, as allowed in mode none, is taken to name the domain's
        own.
    cached_policy : Policy, str or bytes, optional
        What if the sender still had this policy in its cache, not expired: a `Policy`, or the text of a policy file.
    cached_id : str, optional
        The id under which it is cached. With it the sender checks the record, as many do at each attempt, and fetches the
        policy again if the id differs, but not if it is the same, whatever the file says now. Without it the sender uses
        its cache (RFC 8461 §5.1 leaves it that choice).

    Returns
    -------
    Outcomes
        Rows per MX host and address, what happens to the message, and the known senders that would act differently.

    Raises
    ------
    ValueError
        `mode` is none of the three, or `cached_id` comes without `cached_policy`.
    PolicyError
        `cached_policy` is a text that is not a valid policy.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab("mx-certificate-expired") as lab:
    ...     evidence = probe("nordwind.example", lab.settings)
    >>> simulate(evidence)
    <Outcomes for nordwind.example: deferred, certificate-expired>
    >>> simulate(evidence, mode="testing").delivery.value
    'without_sts'
    """
    assumed = _mode(mode)
    cached = parse_policy(cached_policy) if isinstance(cached_policy, str | bytes) else cached_policy
    if cached_id is not None and cached is None:
        raise ValueError("cached_id is the id under which cached_policy is cached: give cached_policy too, or neither.")
    case = _Case(probe, assumed, cached, cached_id)
    strict = case.run(STRICT)
    others = (_difference(case, strict, profile) for profile in profiles().values())
    differences = tuple(other for other in others if other is not None)
    return replace(strict, differences=differences, unpublished=tuple(_unpublished(case, strict)))


def _mode(mode: Mode | str | None) -> Mode | None:
    try:
        return None if mode is None else Mode(mode)
    except ValueError:
        raise ValueError(
            f"mode is {one_line(repr(mode), 60)}; expected 'enforce', 'testing' or 'none' (RFC 8461 §5)."
        ) from None


class _Case:
    """The evidence and the assumptions, evaluated for one sender after another."""

    def __init__(self, evidence: Evidence, mode: Mode | None, cached: Policy | None, cached_id: str | None) -> None:
        self._evidence = evidence
        self._mode = mode
        self._cached = cached
        self._cached_id = cached_id
        self._contacts = [(mx, contacts(mx)) for mx in evidence.mx_hosts]
        self._results: dict[frozenset[tuple[str, str]], Outcomes] = {}

    def run(self, profile: Profile) -> Outcomes:
        """Return what a sender of this profile does; senders with the same rules do the same."""
        rules = frozenset((rule.topic, rule.behaviour) for rule in profile.rules)
        if rules not in self._results:
            self._results[rules] = self._run(profile)
        return self._results[rules]

    def _run(self, profile: Profile) -> Outcomes:
        evidence = self._evidence
        applied = discover(evidence, profile, self._cached, self._cached_id)
        if applied.policy is not None and self._mode is not None:
            # A file in mode none need not name an mx (RFC 8461 §3.2); in another mode it must.
            mx = applied.policy.mx or tuple(host.host for host in evidence.mx_hosts if not host.problem)
            applied = replace(applied, policy=replace(applied.policy, mode=self._mode, mx=mx))
        hosts = [self._host(mx, addresses, profile, applied) for mx, addresses in self._contacts]
        if hosts:
            delivery, why = _try_hosts(hosts)
            rows = tuple(row for host in hosts for address in host.addresses for row in address.rows)
        else:
            delivery, why = _without_hosts(evidence)
            rows = (Row(policy_type=PolicyType.NO_POLICY_FOUND, mx=evidence.domain, delivery=delivery, why=why),)
        return Outcomes(
            domain=evidence.domain,
            at=evidence.started,
            rows=(*applied.rows, *rows),
            delivery=delivery,
            delivery_why=why,
            policy=applied.policy,
            policy_source=applied.source,
            policy_why=applied.why,
            what_if=self._assumptions(),
        )

    def _host(self, mx: MxHost, addresses: tuple[Contact, ...], profile: Profile, applied: AppliedPolicy) -> _Host:
        dane = dane_for(self._evidence, mx, profile)
        state = SenderState(profile=profile, policy=applied.policy, source=applied.source, why=applied.why, dane=dane)
        return _Host(mx, tuple(apply_policies(mx.host, contact, state) for contact in addresses))

    def _assumptions(self) -> str:
        parts = []
        if self._cached is not None:
            name = f" under the id {one_line(self._cached_id, 40)}" if self._cached_id is not None else ""
            parts.append(f"the sender has a cached policy in mode {self._cached.mode.value}{name}")
        if self._mode is not None:
            parts.append(f"its policy is in mode {self._mode.value}")
        return " and ".join(parts)


# -- what happens to the message after every host


@dataclass(frozen=True, slots=True)
class _Host:
    """An MX host, and what happens to the message at each of its addresses."""

    mx: MxHost
    addresses: tuple[Address, ...]

    @property
    def delivery(self) -> Delivery:
        """What happens to the message at this host: each address is tried until one accepts it.

        The sender chooses the order of addresses: if one accepts the message unprotected, it is not protected.
        """
        deliveries = {address.delivery for address in self.addresses}
        order = (Delivery.WITHOUT_STS, Delivery.DELIVERED, Delivery.UNKNOWN, Delivery.DEFERRED, Delivery.BOUNCED)
        return next((delivery for delivery in order if delivery in deliveries), Delivery.UNKNOWN)


def _without_hosts(evidence: Evidence) -> tuple[Delivery, str]:
    attempt = evidence.mx
    detail = one_line(attempt.detail, 160)
    if attempt.status is Status.NOT_OBSERVED:
        return Delivery.UNKNOWN, f"The MX records were not looked up: {detail}."
    if attempt.status is Status.FAILED:
        why = f"The lookup of the MX records failed ({detail}): mail is queued at the sender (RFC 5321 §5.1)."
        return Delivery.DEFERRED, why
    why = f"{evidence.domain} does not exist or accepts no mail ({detail}): mail bounces (RFC 5321 §5.1)."
    return Delivery.BOUNCED, why


def _try_hosts(hosts: list[_Host]) -> tuple[Delivery, str]:
    if len(hosts) == 1 and hosts[0].mx.problem == "null":
        return Delivery.BOUNCED, "The null MX means that the domain accepts no mail: it bounces (RFC 7505 §3)."
    failed: list[str] = []
    unknown: list[str] = []
    for host in hosts:
        delivery, name = host.delivery, one_line(host.mx.host, 120)
        if delivery.accepted:
            protection = "" if delivery is Delivery.DELIVERED else ", without the protection of MTA-STS"
            return delivery, f"{name} accepts the message{protection}.{_before(failed, unknown)}"
        (unknown if delivery is Delivery.UNKNOWN else failed).append(name)
    if unknown:
        return Delivery.UNKNOWN, f"What happens at {', '.join(unknown)} is not known.{_before(failed, [])}"
    if all(host.delivery is Delivery.BOUNCED for host in hosts):
        return Delivery.BOUNCED, f"No host to deliver to: {', '.join(failed)}. The message bounces (RFC 5321 §5.1)."
    why = f"No MX host is left ({', '.join(failed)}): the message is queued and retried (RFC 5321 §4.5.4.1)."
    return Delivery.DEFERRED, why


def _before(failed: list[str], unknown: list[str]) -> str:
    text = f" Before it, {', '.join(failed)} could not be used." if failed else ""
    return text + (f" Whether {', '.join(unknown)} would have accepted it is not known." if unknown else "")


# -- known senders that act differently


def _difference(case: _Case, strict: Outcomes, profile: Profile) -> ProfileDifference | None:
    """Return a profile that acts differently; None if it does the same."""
    other = case.run(profile)
    if _visible(other) == _visible(strict):
        return None
    rules = _deciding(case, strict, other, profile)
    if _unnoticed(strict, other, rules):
        return None
    return ProfileDifference(
        profile=profile.name,
        title=profile.title,
        outcomes=other,
        why=" ".join(rule.text for rule in rules),
        sources=tuple(dict.fromkeys(rule.source for rule in rules)),
    )


def _unpublished(case: _Case, strict: Outcomes) -> Iterator[Unpublished]:
    """Yield the senders that do not publish what they do about a topic that decides here.

    It decides if a behaviour of a known sender, alone, makes a difference.
    """
    rules = {(rule.topic, rule.behaviour): rule for profile in profiles().values() for rule in profile.rules}
    silent = {topic for profile in profiles().values() for topic in profile.unknown}
    deciding = dict.fromkeys(
        rule.topic for rule in rules.values() if rule.topic in silent and _decides(case, strict, rule)
    )
    for profile in profiles().values():
        if topics := tuple(topic for topic in deciding if topic in profile.unknown):
            yield Unpublished(profile=profile.name, title=profile.title, topics=topics)


def _decides(case: _Case, strict: Outcomes, rule: Rule) -> bool:
    other = case.run(replace(STRICT, rules=(rule,)))
    return _visible(other) != _visible(strict) and not _unnoticed(strict, other, (rule,))


def _unnoticed(strict: Outcomes, other: Outcomes, rules: tuple[Rule, ...]) -> bool:
    """Return whether nobody would notice the difference: both deliver, and neither has a failure to report."""
    accepted = strict.delivery.accepted and other.delivery.accepted and not (strict.failures or other.failures)
    return accepted and all(rule.topic in ("sts", "testing") for rule in rules)


def _deciding(case: _Case, strict: Outcomes, other: Outcomes, profile: Profile) -> tuple[Rule, ...]:
    """Return the rules that make the difference: each alone, or, if it takes several, those that it needs."""

    def result(rules: tuple[Rule, ...]) -> object:
        return _visible(case.run(replace(profile, rules=rules)))

    alone = tuple(rule for rule in profile.rules if result((rule,)) != _visible(strict))
    if alone:
        return alone
    needed = tuple(
        rule
        for rule in profile.rules
        if result(tuple(kept for kept in profile.rules if kept is not rule)) != _visible(other)
    )
    return needed or profile.rules


def _visible(outcomes: Outcomes) -> object:
    """Return what is visible from outside: what happens to the message, and what is reported of which host."""
    reported = frozenset((row.mx, row.address, row.result_type) for row in outcomes.failures)
    return outcomes.delivery, reported
