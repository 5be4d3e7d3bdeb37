"""What is published now, and how long senders may use it: the start of every plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from ..analysis import PolicyHistory, listed, policy_history
from ..errors import PolicyError, RecordError
from ..knowledge import hosted_note
from ..markup import one_line, plural, span, when
from ..moments import is_day, utc_moment
from ..policy import (
    Policy,
    StsRecord,
    domain_name,
    draft_record,
    find_sts_record,
    mx_matches,
    parse_policy,
    parse_sts_record,
    validate,
)
from ..probe import Probe
from ..reports import Source
from ..vocabulary import Findings, Mode
from ._measured import served_before

__all__ = [
    "PLACEHOLDER",
    "Present",
    "Served",
    "check_texts",
    "enforcing",
    "history_of",
    "moment",
    "next_record",
    "present",
    "seconds",
    "start_of",
    "with_mode",
]

#: Where no policy domain was given.
PLACEHOLDER: Final = "your.example"
#: RFC 2181 §8.
_LARGEST_TTL: Final = 2**31 - 1
#: RFC 8461 §3.2.
_LARGEST_AGE: Final = 31_557_600
_MOST_EARLIER: Final = 1000

Seconds = int | float | timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A policy that was served, and until when a sender may cache it (RFC 8461 §8.3).

    Attributes
    ----------
    max_age : int
        In seconds.
    until : datetime
        When it was last served, UTC.
    name : str
        Which policy it is, for a person.
    mode : Mode or None
        None: not known.
    mx : tuple of str
        Its patterns; empty: not known, or none.
    """

    max_age: int
    until: datetime
    name: str
    mode: Mode | None = None
    mx: tuple[str, ...] = ()

    @property
    def may_defer(self) -> bool:
        """Whether a sender that has it cached may defer mail: in enforce, or where its mode is not known."""
        return self.mode in (Mode.ENFORCE, None)

    def matches(self, host: str) -> bool:
        """Whether it is known to cover an MX host (RFC 8461 §4.1)."""
        return any(mx_matches(pattern, host) for pattern in self.mx)

    @property
    def expires(self) -> datetime:
        """When the last cached copy expires, UTC."""
        return self.until + timedelta(seconds=self.max_age)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is published now.

    Attributes
    ----------
    domain : str
        As an A-label, or `PLACEHOLDER`.
    policy : Policy
        The policy served.
    record : StsRecord or None
        The `_mta-sts` record; None where there is none that counts.
    ttl : int
        How long resolvers keep that record, in seconds.
    made : datetime
        Now, UTC.
    served : tuple of Served
        Every policy that a sender may still have cached, the one that lasts longest first.
    notes : tuple of str
        What is wrong with it, and what is different where a service hosts the policy.
    hosted_by : str
        The service that hosts the policy, as a probe shows; empty: none is known.
    """

    domain: str
    policy: Policy
    record: StsRecord | None
    ttl: int
    made: datetime
    served: tuple[Served, ...]
    notes: tuple[str, ...]
    hosted_by: str = ""

    @property
    def url(self) -> str:
        """Where the policy file belongs (RFC 8461 §3.3)."""
        return f"https://mta-sts.{self.domain}/.well-known/mta-sts.txt"

    @property
    def file_place(self) -> str:
        """Where the policy file is changed: at its address, or at the service that hosts it."""
        return f"{self.url}, at your provider, {self.hosted_by}" if self.hosted_by else self.url

    @property
    def record_name(self) -> str:
        """Where the record belongs (RFC 8461 §3.1)."""
        return f"_mta-sts.{self.domain}"

    @property
    def deferring(self) -> tuple[Served, ...]:
        """The policies that may defer mail where a sender still has them cached."""
        return tuple(policy for policy in self.served if policy.may_defer and policy.expires > self.made)

    @property
    def longest(self) -> int:
        """How long the last of these, else the one served now, may still be cached, in seconds."""
        last = (self.deferring or self.served)[0]
        return max(0, round((last.expires - self.made).total_seconds()))

    @property
    def fetch_command(self) -> str:
        """How to see the policy file as a sender does: by GET."""
        return f"curl -sS --max-time 60 {self.url}"

    @property
    def record_command(self) -> str:
        """How to see the record."""
        return f"dig +short TXT {self.record_name}"

    def lasts(self, policy: Served | None = None) -> str:
        """Return which policy lasts longest and until when, as text; by default of those that may defer mail."""
        last = policy or (self.deferring or self.served)[0]
        return f"{last.name}, max_age {last.max_age} ({span(last.max_age)}); its last cached copy expires on {when(last.expires)}"


def seconds(value: Seconds, name: str, largest: int = _LARGEST_TTL) -> int:
    """Return a length of time in whole seconds.

    Raises
    ------
    ValueError
        It is below zero, no number, or longer than it can be.
    """
    length = value.total_seconds() if isinstance(value, timedelta) else value
    try:
        whole = round(length)
    except (TypeError, ValueError, OverflowError):
        whole = -1
    if not 0 <= whole <= largest or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}: expected seconds, 0 to {largest}, or a timedelta")
    return whole


def present(
    policy: str | bytes | Policy,
    record: str | bytes | StsRecord | Iterable[str | bytes] | None,
    ttl: Seconds,
    *,
    now: datetime,
    domain: str | None = None,
    previous_max_age: Seconds | None = None,
    earlier: Iterable[tuple[date | datetime | str, Seconds]] = (),
    history: PolicyHistory | None = None,
    probe: Probe | None = None,
) -> Present:
    """Return what is published, read; `now` without a time zone is taken as UTC.

    Raises
    ------
    PolicyError
        Nothing can be read from the policy.
    ValueError
        A length of time or a date is none, the domain is none, or the probe is of another domain.
    """
    made = moment(now)
    notes: list[str] = []
    served_now = _policy(policy, notes)
    record_now = _record(record, notes)
    name = PLACEHOLDER
    if domain is not None:
        name = domain_name(domain) or ""
        if not name:
            raise ValueError(f"domain is {domain!r}: expected a domain name, as in a mail address after the @")
    if probe is not None and name not in (probe.domain, PLACEHOLDER):
        raise ValueError(f"the probe is of {one_line(probe.domain, 253)}: expected one of {name}")
    name = name if probe is None else probe.domain
    hosted_by, note = _hosting(probe)
    notes += [note] if note else []
    served = [
        Served(
            max_age=served_now.max_age, until=made, name="the policy served now", mode=served_now.mode, mx=served_now.mx
        )
    ]
    if previous_max_age is not None:
        length = seconds(previous_max_age, "previous_max_age", _LARGEST_AGE)
        served.append(Served(max_age=length, until=made, name="an earlier policy, assumed to be served until now"))
    for number, (until, max_age) in enumerate(earlier):
        if number >= _MOST_EARLIER:
            raise ValueError(f"earlier has more than {_MOST_EARLIER} policies: expected those that were served")
        length = seconds(max_age, "a max_age in earlier", _LARGEST_AGE)
        last = min(moment(until), made)
        served.append(Served(max_age=length, until=last, name=f"an earlier policy, last served on {when(last)}"))
    for until, length, mode, mx in served_before(history, served_now, made)[-_MOST_EARLIER:] if history else []:
        last = min(until, made)
        name_of = f"an earlier policy, served until {when(last)} at the latest according to reports"
        served.append(Served(max_age=min(length, _LARGEST_AGE), until=last, name=name_of, mode=mode, mx=mx))
    served.sort(key=lambda policy: policy.expires, reverse=True)
    return Present(
        domain=name, policy=served_now, record=record_now, ttl=seconds(ttl, "ttl"), made=made, served=tuple(served),
        notes=tuple(notes), hosted_by=hosted_by,
    )  # fmt: skip


def _hosting(probe: Probe | None) -> tuple[str, str]:
    """Return the service that hosts the policy (RFC 8461 §8.2), and what its customers have to know; empty without one."""
    if probe is None:
        return "", ""
    for known in probe.providers:
        if known.role == "policy host" and (note := hosted_note(known.name)):
            return known.name, f"At your provider, {known.name}: {note.replace('{domain}', probe.domain)}"
    return "", ""


def history_of(source: Source | None, domain: str | None) -> PolicyHistory | None:
    """Return what the reports show of the policies of a domain; None without a source.

    Raises
    ------
    ValueError
        The reports are about several domains, and none was named.
    """
    if source is None:
        return None
    name = domain_name(domain) if domain is not None else None
    history = policy_history(source, name)
    about = history.reporters["policy_domain"].dropna().unique()
    if name is None and len(about) > 1:
        some = ", ".join(one_line(text, 60) for text in sorted(map(str, about))[:3])
        raise ValueError(f"source has reports about {len(about)} policy domains ({some}, …): name one as domain")
    return history


def enforcing(history: PolicyHistory | None, at: datetime) -> str:
    """Return the reporters that may still have a policy in enforce cached, as text; empty where none is known."""
    names = [] if history is None else list(history.enforcing(at)["organization_name"])
    return listed([one_line(name, 60) or "one that gives no name" for name in names]) if names else ""


def moment(value: date | datetime | str) -> datetime:
    """Return a moment in UTC, to the second; a day is its end: what was served on it was served until then.

    Examples
    --------
    >>> moment("2026-02-08").isoformat()
    '2026-02-09T00:00:00+00:00'
    """
    return start_of(value) + timedelta(days=is_day(value))


def start_of(value: date | datetime | str) -> datetime:
    """Return a moment; a day alone is its beginning."""
    return utc_moment(value).replace(microsecond=0)


def _policy(policy: str | bytes | Policy, notes: list[str]) -> Policy:
    if isinstance(policy, Policy):
        return policy
    try:
        return parse_policy(policy)
    except PolicyError as error:
        findings = validate(policy=policy)
        corrected = findings.corrected.get("policy")
        if corrected is None:
            raise
        notes.append(
            f"The policy has {plural(len(findings.errors), 'error')}. The first: {error} Senders reject such a file and keep "
            "using the policy they have cached. The plan uses what can be read. Give the max_age of the cached policy as "
            "previous_max_age."
        )
        return parse_policy(corrected)


def _record(record: str | bytes | StsRecord | Iterable[str | bytes] | None, notes: list[str]) -> StsRecord | None:
    if record is None or isinstance(record, StsRecord):
        return record
    try:
        if isinstance(record, str | bytes):
            return parse_sts_record(record)
        return find_sts_record(record)
    except RecordError as error:
        notes.append(
            f"Senders ignore the record: {error} Until it is fixed, a sender learns of a new policy only when its cached one "
            "expires."
        )
        return None


def next_record(record: StsRecord | None, now: datetime, taken: Sequence[str] = ()) -> str:
    """Return a record with an id not used before: the time, a second later where that one is taken.

    Fields that RFC 8461 does not know are kept.
    """
    used = {*taken, record.id if record else ""}
    while True:
        text = draft_record(now)
        fresh = parse_sts_record(text)
        if fresh.id not in used:
            break
        now += timedelta(seconds=1)
    return StsRecord(id=fresh.id, extensions=record.extensions).to_text() if record and record.extensions else text


def check_texts(*texts: tuple[str | None, str | None]) -> Findings:
    """Return what `validate` says of pairs of policy and record; raise on an error in what is to be pasted."""
    findings = Findings()
    for policy, record in texts:
        findings += validate(record=record, policy=policy)
    if findings.errors:
        raise PolicyError(
            f"The text that would be proposed is not valid: {findings.errors[0].message} Give a valid policy.",
            reason="plan-text-invalid", rfc=findings.errors[0].rfc,
        )  # fmt: skip
    return findings


def with_mode(policy: Policy, mode: Mode, max_age: int) -> str:
    """Return the file of a policy with another mode and max_age; hosts and unknown fields stay."""
    mx = () if mode is Mode.NONE else policy.mx
    return Policy(mode=mode, max_age=max_age, mx=mx, extensions=policy.extensions).to_text()
