"""Senders as events in time: each message, each retry, each check of the record, from the text of RFC 8461 alone.

Written without the fleet (tests/fleet), on which the kit's model was tuned, and with other ranges. A sender

- asks for the record through a resolver that keeps the answer for its TTL, and may have kept it before (§3.1);
- fetches the file when it finds another id, or when it has no policy that is not expired (§3.3, §5.1);
- checks at each attempt, by a clock, at half of max_age, or only when its policy has expired (§3.3 leaves it open);
- in enforce delivers to no host that fails, queues and tries again (§5), by the schedule of a known mail server;
- checks once more before a message bounces (§5.1).
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

HOUR, DAY = 3600, 86_400


class Version(NamedTuple):
    """A policy as it was published once; the number distinguishes it from the same text published again."""

    number: int
    mode: str
    max_age: int
    mx: tuple[str, ...]

    @property
    def text(self) -> str:
        """The policy file."""
        return "\n".join(self.lines) + "\n"

    @property
    def lines(self) -> list[str]:
        """The policy-string of a report."""
        return [
            "version: STSv1",
            f"mode: {self.mode}",
            *(f"mx: {name}" for name in self.mx),
            f"max_age: {self.max_age}",
        ]


class Steps:
    """A value that changes at known times: what is published, minute by minute."""

    def __init__(self, changes: Sequence[tuple[float, Any]]) -> None:
        self.times = [at for at, _ in changes]
        self.values = [value for _, value in changes]

    def __call__(self, at: float) -> Any:
        """Return the value at a time; None before the first."""
        place = bisect_right(self.times, at)
        return self.values[place - 1] if place else None


@dataclass
class Domain:
    """What a domain publishes over time: file and record (None: deleted), MX hosts, and which hosts fail.

    `refuses` says whether a host cannot be validated at a time, `gone` whether nothing answers there any more.
    """

    file: Steps
    record: Steps
    mx: Steps
    ttl: int
    mx_ttl: int
    refuses: Callable[[str, float], bool]
    gone: Callable[[str, float], bool] = lambda _host, _at: False


class _Resolver:
    """A cache in front of one name; others use it too, so that an answer may be old when it is first asked for."""

    def __init__(self, published: Steps, ttl: int, chance: Random) -> None:
        self._published, self._ttl, self._chance = published, ttl, chance
        self._until, self._value = -1.0, None

    def __call__(self, at: float) -> Any:
        if at >= self._until:
            asked = at - self._chance.random() * self._ttl
            asked = max(asked, self._until)
            self._value, self._until = self._published(asked), asked + self._ttl
        return self._value


def postfix(tries: int, age: float) -> float:
    """Doubled from 5 minutes, at most 4000 seconds."""
    return min(4000.0, 300.0 * 2**tries)


def exim(tries: int, age: float) -> float:
    """15 minutes for 2 hours, then 1 hour and half as long again for 16 hours, then 6 hours."""
    return 900.0 if age < 2 * HOUR else HOUR * 1.5 ** max(0, tries - 8) if age < 16 * HOUR else 6.0 * HOUR


def exchange(tries: int, age: float) -> float:
    """Half an hour, then every hour."""
    return 1800.0 if not tries else float(HOUR)


def steady(tries: int, age: float) -> float:
    """Every 30 minutes (RFC 5321 §4.5.4.1)."""
    return 1800.0


def qmail(tries: int, age: float) -> float:
    """A quadratic schedule."""
    return 400.0 * (2 * tries + 1)


RETRIES = (postfix, exim, exchange, steady, qmail)
WAYS = ("attempt", "clock", "half", "expiry")


class Session(NamedTuple):
    """One connection: when, under which policy (None: none found), and whether it failed validation."""

    at: float
    version: Version | None
    failed: bool


@dataclass
class Life:
    """What one sender did: its sessions, when it first held each version, and its mail that waited."""

    sessions: list[Session] = field(default_factory=list)
    applied: dict[int, float] = field(default_factory=dict)
    deferred: list[float] = field(default_factory=list)
    waiting: list[tuple[float, float]] = field(default_factory=list)
    bounced: list[float] = field(default_factory=list)
    held: list[tuple[float, float]] = field(default_factory=list)

    def queued(self, at: float) -> bool:
        """Whether a message was waiting at a time."""
        return any(begins <= at < ends for begins, ends in self.waiting)


@dataclass
class Sender:
    """One sender and its habits."""

    name: str
    chance: Random
    way: str
    period: float
    retry: Callable[[int, float], float]
    queue_life: float
    rate: float

    def live(self, domain: Domain, start: float, stop: float) -> Life:
        """Return what it did between two times, in seconds."""
        return _Run(self, domain, start, stop).life


class _Run:
    def __init__(self, sender: Sender, domain: Domain, start: float, stop: float) -> None:
        self.sender, self.domain, self.life = sender, domain, Life()
        self.record = _Resolver(domain.record, domain.ttl, sender.chance)
        self.mx = _Resolver(domain.mx, domain.mx_ttl, sender.chance)
        self.version: Version | None = None
        self.id: Any = None
        self.until = -1.0
        self.next_check = start + sender.chance.random() * sender.period
        events: list[tuple[float, int, float, int]] = []
        at, serial = start, 0
        while (at := at + sender.chance.expovariate(sender.rate / DAY)) < stop:
            events.append((at, serial, at, 0))
            serial += 1
        heapq.heapify(events)
        while events:
            at, number, created, tries = heapq.heappop(events)
            if at >= stop:
                self.life.waiting.append((created, stop))
                continue
            wait = self._attempt(at, created, tries)
            if wait is not None:
                heapq.heappush(events, (at + wait, number, created, tries + 1))

    def _attempt(self, at: float, created: float, tries: int) -> float | None:
        """Return how long to wait for the next attempt; None where the message is delivered or bounced."""
        self._checks(at)
        if self._delivers(at):
            if tries:
                self.life.waiting.append((created, at))
            return None
        self.life.deferred.append(at)
        if at - created < self.sender.queue_life:
            return self.sender.retry(tries, at - created) * (0.9 + 0.2 * self.sender.chance.random())
        # §5.1: permanently failed only after a check for a new policy.
        self._check(at)
        self.life.waiting.append((created, at))
        if not self._delivers(at):
            self.life.bounced.append(at)
        return None

    def _delivers(self, at: float) -> bool:
        version = self.version if at < self.until else None
        for host in self.mx(at) or ():
            if self.domain.gone(host, at):
                continue
            covered = version is None or version.mode == "none" or host in version.mx
            failed = version is not None and version.mode != "none" and (not covered or self.domain.refuses(host, at))
            self.life.sessions.append(Session(at, version, failed))
            if not failed or (version is not None and version.mode == "testing"):
                return True
        return False

    def _checks(self, at: float) -> None:
        """Do what was due since the last attempt, in order."""
        sender = self.sender
        if sender.way == "clock":
            while self.next_check <= at:
                if self.next_check < self.until:
                    self._check(self.next_check)
                self.next_check += sender.period
        elif sender.way == "half" and self.version is not None:
            while (due := self.until - self.version.max_age / 2) <= at and due < self.until:
                self._check(due, renew=True)
                if self.until - self.version.max_age / 2 <= due:
                    break
        if at >= self.until or sender.way == "attempt":
            self._check(at)

    def _check(self, at: float, *, renew: bool = False) -> None:
        """Ask for the record; fetch the file for another id, or where the policy has expired or is to be renewed."""
        found = self.record(at)
        if found is None or (found == self.id and at < self.until and not renew):
            return
        version = self.domain.file(at)
        if version is None:
            return
        self.version, self.id, self.until = version, found, at + version.max_age
        self.life.applied.setdefault(version.number, at)
        self.life.held.append((at, self.until))


def some_sender(chance: Random, number: int, ways: Sequence[float]) -> Sender:
    """Return a sender with habits drawn from wide ranges; `ways` weighs the ways of checking."""
    return Sender(
        name=f"Sender {number}",
        chance=chance,
        way=chance.choices(WAYS, ways)[0],
        period=chance.uniform(18, 30) * HOUR,
        retry=chance.choice(RETRIES),
        queue_life=chance.choice((1.0, 2.0, 4.0, 5.0)) * DAY,
        rate=2.0 ** chance.uniform(1, 5),
    )
