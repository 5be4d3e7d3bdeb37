"""A message taken through the evidence of a probe, host by host, as a sender would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..markup import one_line
from ..policy import Policy, parse_policy
from ..probe import MxHost, Probe
from ..vocabulary import Mode, Status
from ._contact import Contact, meet, unseen
from ._dane import dane_for
from ._discovery import Found, discover
from ._fate import Host, fate
from ._outcomes import Outcomes
from ._profiles import STRICT, Otherwise, Profile, Rule, profiles
from ._session import Stance, meet_policies

__all__ = ["simulate"]


def simulate(
    probe: Probe,
    mode: Mode | str | None = None,
    cached_policy: Policy | str | bytes | None = None,
    *,
    cached_id: str | None = None,
) -> Outcomes:
    """Return what a conformant sender would do with a message to this domain, and what it would report.

    Nothing is asked of the network: the evidence of the probe is taken through RFC 8461 §§3–5, and RFC 7672 where there
    are TLSA records. What was not observed gives the outcome ``unknown``.

    Parameters
    ----------
    probe : Probe
        What was seen.
    mode : Mode or str, optional
        What if the policy that the sender comes to were in this mode: ``enforce``, ``testing`` or ``none``. Without a
        policy there is nothing to change; one that names no mx, as in mode none it may, is taken to name the domain's own.
    cached_policy : Policy, str or bytes, optional
        What if the sender still held this policy in its cache, in date: a `Policy`, or the text of a policy file.
    cached_id : str, optional
        The id under which it holds it. With it the sender looks at the record, as many do at each attempt, and fetches
        the policy anew where the id differs, but not where it is the same, whatever the file says by now. Without it the
        sender goes by its cache (RFC 8461 §5.1 leaves it that choice).

    Returns
    -------
    Outcomes
        Rows per MX host and address, the message's fate, and the known senders that would act otherwise.

    Raises
    ------
    ValueError
        `mode` is none of the three, or `cached_id` comes without `cached_policy`.
    PolicyError
        `cached_policy` is a text that is no valid policy.

    Examples
    --------
    >>> from mtasts_nb.lab import Lab
    >>> from mtasts_nb.probe import probe
    >>> with Lab("mx-certificate-expired") as lab:
    ...     seen = probe("nordwind.example", lab.settings)
    >>> simulate(seen)
    <Outcomes for nordwind.example: deferred, certificate-expired>
    >>> simulate(seen, mode="testing").delivery.value
    'without_sts'
    """
    assumed = _mode(mode)
    cached = parse_policy(cached_policy) if isinstance(cached_policy, str | bytes) else cached_policy
    if cached_id is not None and cached is None:
        raise ValueError("cached_id says under which id cached_policy is held: give cached_policy too, or neither.")
    case = _Case(probe, assumed, cached, cached_id)
    strict = case.run(STRICT)
    others = (_compared(case, strict, profile) for profile in profiles().values())
    return replace(strict, otherwise=tuple(other for other in others if other is not None))


def _mode(mode: Mode | str | None) -> Mode | None:
    try:
        return None if mode is None else Mode(mode)
    except ValueError:
        raise ValueError(
            f"mode is {one_line(repr(mode), 60)}; expected 'enforce', 'testing' or 'none' (RFC 8461 §5)."
        ) from None


class _Case:
    """A probe and the assumptions, to be gone through by one sender after another."""

    def __init__(self, probe: Probe, mode: Mode | None, cached: Policy | None, cached_id: str | None) -> None:
        self._probe = probe
        self._mode = mode
        self._cached = cached
        self._cached_id = cached_id
        self._contacts = [_contacts(mx) for mx in probe.mx_hosts]

    def run(self, profile: Profile) -> Outcomes:
        """Return what a sender of this profile does."""
        probe = self._probe
        found = discover(probe, profile, self._cached, self._cached_id)
        if found.policy is not None and self._mode is not None:
            # A file in mode none need not name an mx (RFC 8461 §3.2); in another mode it would have to.
            mx = found.policy.mx or tuple(host.host for host in probe.mx_hosts if not host.problem)
            found = replace(found, policy=replace(found.policy, mode=self._mode, mx=mx))
        hosts = [
            _host(probe, mx, seen, profile, found) for mx, seen in zip(probe.mx_hosts, self._contacts, strict=True)
        ]
        delivery, why, rows = fate(probe, hosts)
        return Outcomes(
            domain=probe.domain,
            at=probe.started,
            rows=(*found.rows, *rows, *(row for host in hosts for row in host.rows)),
            delivery=delivery,
            delivery_why=why,
            policy=found.policy,
            policy_source=found.source,
            policy_why=found.why,
            what_if=self._assumptions(),
        )

    def _assumptions(self) -> str:
        parts = []
        if self._cached is not None:
            held = f" under the id {one_line(self._cached_id, 40)}" if self._cached_id is not None else ""
            parts.append(f"the sender still holds a policy in mode {self._cached.mode.value}{held}")
        if self._mode is not None:
            parts.append(f"its policy is in mode {self._mode.value}")
        return " and ".join(parts)


def _contacts(mx: MxHost) -> tuple[Contact, ...]:
    """Return what a sender meets at each address of a host; one contact without an address where there is none."""

    def without(why: str, *, permanent: bool) -> tuple[Contact, ...]:
        return (Contact(address="", reachable=False, permanent=permanent, why=why),)

    if mx.problem == "limit":
        return (unseen("", "more MX hosts than are visited"),)
    if mx.problem == "null":
        return without("a null MX, no host", permanent=True)
    if mx.problem:
        what = "an IP address, which is no host name" if mx.problem == "ip-literal" else "no valid host name"
        return without(f"the MX record names {what} (RFC 5321 §5.1)", permanent=True)
    lookups = [attempt for attempt in (mx.a, mx.aaaa) if attempt is not None]
    addresses = list(dict.fromkeys(text for attempt in lookups for text in attempt.texts))
    if not addresses:
        statuses = {attempt.status for attempt in lookups}
        if Status.NOT_OBSERVED in statuses or not lookups:
            return (unseen("", "its addresses were not looked up"),)
        if Status.FAILED in statuses:
            failed = next(attempt for attempt in lookups if attempt.status is Status.FAILED)
            return without(f"its addresses cannot be looked up: {one_line(failed.detail, 160)}", permanent=False)
        return without("it has no address", permanent=True)
    attempts = {attempt.request.address: attempt for attempt in mx.attempts}
    return tuple(
        meet(attempts[address]) if address in attempts else unseen(address, "not visited") for address in addresses
    )


def _host(probe: Probe, mx: MxHost, contacts: Iterable[Contact], profile: Profile, found: Found) -> Host:
    dane = dane_for(probe, mx, profile)
    stance = Stance(profile=profile, policy=found.policy, source=found.source, why=found.why, dane=dane)
    return Host(mx=mx, addresses=tuple(meet_policies(mx.host, contact, stance) for contact in contacts))


def _compared(case: _Case, strict: Outcomes, profile: Profile) -> Otherwise | None:
    """Return the profile as one that acts otherwise; None where it does the same."""
    other = case.run(profile)
    if _acts(other) == _acts(strict):
        return None
    rules = _deciding(case, strict, other, profile)
    if _nothing_noticed(strict, other) and all(rule.topic in ("sts", "testing") for rule in rules):
        return None
    return Otherwise(
        profile=profile.name,
        title=profile.title,
        delivery=other.delivery,
        outcomes=other,
        why=" ".join(rule.says for rule in rules),
        sources=tuple(dict.fromkeys(rule.source for rule in rules)),
    )


def _deciding(case: _Case, strict: Outcomes, other: Outcomes, profile: Profile) -> tuple[Rule, ...]:
    """Return the rules that make the difference: alone, or, where it takes several, those it does not go without."""
    alone = tuple(rule for rule in profile.rules if _acts(case.run(replace(profile, rules=(rule,)))) != _acts(strict))
    if alone:
        return alone
    needed = tuple(
        rule
        for rule in profile.rules
        if _acts(case.run(replace(profile, rules=tuple(r for r in profile.rules if r is not rule)))) != _acts(other)
    )
    return needed or profile.rules


def _nothing_noticed(strict: Outcomes, other: Outcomes) -> bool:
    """Return whether the message is taken either way and nothing is reported, protected or not."""
    return strict.delivery.accepted and other.delivery.accepted and not (strict.failures or other.failures)


def _acts(outcomes: Outcomes) -> object:
    """Return what one can see from outside: the message's fate, and what is reported of which host."""
    reported = frozenset((row.mx, row.address, row.result_type) for row in outcomes.failures)
    return outcomes.delivery, reported
