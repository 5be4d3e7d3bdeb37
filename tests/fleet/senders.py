"""One sender and one policy domain, day by day: its policy cache, its sessions, what fails and what waits in the queue.

Each sender holds a policy until it looks again and finds another `id` (RFC 8461 §3.3, §5.1), at the latest until
max_age runs out. What it reports is what it held, not what the domain had published by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from .chance import Chance
from .roster import Sender
from .world import DAY, DomainState, Fault, StsPolicy, Timeline

__all__ = ["Correspondence", "Failure", "PolicyRow", "SenderDay", "is_weekend"]

_HOUR = 3600
# Which share of a day's sessions falls into its first 6, 7th to 18th, and last 6 hours.
_RHYTHM = ((0, 0.0), (6 * _HOUR, 0.12), (18 * _HOUR, 0.78), (DAY, 1.0))
_NOISE = ("handshake", "handshake", "handshake", "starttls-refused", "unmapped")
_NOISE_TYPE = {
    "handshake": "validation-failure",
    "starttls-refused": "starttls-not-supported",
    "unmapped": "validation-failure",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Failed sessions of one kind; `incident` is empty for background noise, `host` for the policy host."""

    result_type: str
    cause: str
    host: str
    sending_ip: str
    incident: str


@dataclass(slots=True)
class PolicyRow:
    """What one report says about one policy: `policy` for sts, `tlsa` for tlsa, neither where none was held."""

    policy_type: str
    policy: StsPolicy | None = None
    tlsa: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    successes: int = 0
    failures: dict[Failure, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Failed sessions over all kinds."""
        return sum(self.failures.values())


@dataclass(slots=True)
class SenderDay:
    """What one sender saw of one domain on one day (days since 1970-01-01, UTC); `held` counts sessions by incident."""

    sender: Sender
    domain: str
    day: int
    rows: dict[tuple[object, ...], PolicyRow] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    def row(self, policy_type: str, policy: StsPolicy | None, state: DomainState) -> PolicyRow:
        """Return the row of a policy, made when it is first asked for."""
        tlsa = state.tlsa if policy_type == "tlsa" else ()
        key = (policy_type, policy, tlsa)
        if (found := self.rows.get(key)) is None:
            mx = tuple(host for host, _ in state.mx) if policy_type == "tlsa" else policy.mx if policy else ()
            found = self.rows[key] = PolicyRow(policy_type, policy, tlsa, mx)
        return found


@dataclass(frozen=True, slots=True)
class _Cached:
    """A policy in a sender's cache, with the record's id that it was fetched under."""

    policy: StsPolicy
    record_id: str
    fetched: int

    @property
    def expires(self) -> int:
        # max_age 0 is allowed (RFC 8461 §3.2); a sender still has to get one session through with it.
        return self.fetched + max(60, self.policy.max_age)


class _Queue:
    """Messages held back, the oldest first."""

    __slots__ = ("_batches", "total")

    def __init__(self) -> None:
        self._batches: list[tuple[int, int]] = []
        self.total = 0

    @property
    def oldest(self) -> int:
        """When the oldest batch came in; far in the future where there is none."""
        return self._batches[0][0] if self._batches else 1 << 40

    def add(self, instant: int, count: int) -> None:
        if count > 0:
            self._batches.append((instant, count))
            self.total += count

    def remove(self, count: int) -> None:
        """Take out the oldest messages, delivered or given up."""
        while count > 0 and self._batches:
            instant, size = self._batches.pop(0)
            if size > count:
                self._batches.insert(0, (instant, size - count))
                size = count
            count -= size
            self.total -= size

    def give_up(self, before: int) -> None:
        """Take out what came in at or before an instant."""
        self.remove(sum(size for instant, size in self._batches if instant <= before))


class Correspondence:
    """A sender and a policy domain over time.

    Parameters
    ----------
    sender : Sender
    timeline : Timeline
    seed : int
        The same seed gives the same days.
    """

    def __init__(self, sender: Sender, timeline: Timeline, seed: int) -> None:
        self.sender = sender
        self.timeline = timeline
        self._chance = Chance(seed, sender.slug, timeline.domain)
        self._cached: _Cached | None = None
        self._queue = _Queue()
        self._next_look = 0

    def days(self, first: int, count: int) -> Iterator[SenderDay]:
        """Yield each day, from `first` (days since 1970-01-01), whether or not a report of it will come.

        Sessions of a day whose report is lost still take place: caches and queues go on.
        """
        chance = self._chance
        # A sender does not learn of every domain at midnight of the first day.
        self._next_look = first * DAY - chance.below(self.sender.look_every or DAY)
        for day in range(first, first + count):
            sender_day = SenderDay(self.sender, self.timeline.domain, day)
            self._live(sender_day, self._volume(day), self._noise_rate())
            yield sender_day

    def _volume(self, day: int) -> int:
        mean = self.sender.volume[self.timeline.domain]
        if is_weekend(day):
            mean *= self.sender.weekend
        chance = self._chance
        # Mail comes in campaigns: some days bring twice the usual.
        burst = 1.9 if chance.share() < 0.03 else 1.0
        return chance.count(mean * burst * (1 + 0.22 * chance.bell()), 1.5)

    def _noise_rate(self) -> float:
        # Most days next to nothing, some several times the mean, and now and then a bad day at the sender's end.
        skew = self._chance.share()
        bad_day = 0.006 if self._chance.share() < 0.02 else 0.0
        return 0.006 * skew * skew * skew + bad_day

    def _live(self, sender_day: SenderDay, volume: int, noise: float) -> None:
        instant, end, spent = sender_day.day * DAY, (sender_day.day + 1) * DAY, 0
        while instant < end:
            index = self.timeline.index(instant)
            state = self.timeline.states[index]
            self._lapse(instant)
            if self._queue.oldest + self.sender.queue_life <= instant:
                self._look(instant, state, sender_day, urgent=True)
                self._queue.give_up(instant - self.sender.queue_life)
            while self._next_look <= instant:
                self._look(self._next_look, state, sender_day)
            stop = min(end, self._queue.oldest + self.sender.queue_life)
            if index + 1 < len(self.timeline.instants):
                stop = min(stop, self.timeline.instants[index + 1])
            if self._cached:
                stop = min(stop, self._cached.expires)
            before = self._cached
            while self._next_look < stop:
                moment = self._next_look
                if self._look(moment, state, sender_day):
                    stop = moment
                    break
            due = volume if stop == end else int(volume * _elapsed(stop - sender_day.day * DAY))
            self._sessions(
                sender_day, state, before.policy if before else None, due - spent, instant, stop - instant, noise
            )
            instant, spent = stop, due

    def _lapse(self, instant: int) -> None:
        """Drop a policy whose max_age is over; the next session asks for a new one."""
        if self._cached and self._cached.expires <= instant:
            self._cached = None
            self._next_look = instant

    def _look(self, instant: int, state: DomainState, sender_day: SenderDay, *, urgent: bool = False) -> bool:
        """Look at the record and fetch what is new; return whether another policy is held now."""
        sender, held = self.sender, self._cached
        if urgent:
            wait = self._next_look - instant if self._next_look > instant else _HOUR
        else:
            wait = sender.look_every or _HOUR
        self._next_look = instant + wait
        if state.record_id is None or state.policy is None or (state.tlsa and sender.dane == "only"):
            return False
        if held and held.record_id == state.record_id:
            due = held.fetched + int(held.policy.max_age * sender.renew_at)
            if instant < due:
                if sender.look_every is None:
                    self._next_look = due
                return False
        fault = state.fetch_fault
        if fault and self._chance.share() < fault.share:
            row = sender_day.row("sts", held.policy if held else None, state)
            for _ in range(min(3, sender.machines)):
                count = max(1, self._chance.count(sender.machines / min(3, sender.machines), 1.0))
                self._fail(row, fault, "", count)
            self._next_look = instant + sender.retry_fetch
            return False
        self._cached = new = _Cached(state.policy, state.record_id, instant)
        # Whoever looks seldom still renews a short-lived policy before it runs out.
        renew = max(60, int(new.policy.max_age * sender.renew_at))
        self._next_look = instant + min(sender.look_every or renew, renew)
        return held is None or held.policy != new.policy

    def _fail(self, row: PolicyRow, fault: Fault, host: str, count: int) -> None:
        addresses = self.sender.addresses
        first = self._chance.below(len(addresses))
        ways = 1 if count < 6 else min(3, len(addresses))
        for way in range(ways):
            part = count // ways + (way < count % ways)
            kind = Failure(
                fault.result_type, fault.cause, host, addresses[(first + way) % len(addresses)], fault.incident
            )
            row.failures[kind] = row.failures.get(kind, 0) + part

    def _sessions(
        self,
        sender_day: SenderDay,
        state: DomainState,
        policy: StsPolicy | None,
        fresh: int,
        start: int,
        length: int,
        noise: float,
    ) -> None:
        """Count the sessions of a stretch of time in which neither the world nor the policy held changes."""
        chance, queue, sender = self._chance, self._queue, self.sender
        again = (
            min(int(queue.total * sender.retries * length / DAY + chance.share()), 3 * fresh + 20) if queue.total else 0
        )
        total = fresh + again
        if total <= 0:
            return
        dane = bool(state.tlsa) and sender.dane != "no"
        if dane:
            faults = [f for f in state.dane_faults if f.meets(sender.slug)]
            blocked = self._attempt(sender_day.row("tlsa", None, state), state, total, faults, noise)
            self._hold(sender_day, blocked, again, total, start)
            if sender.dane == "only":
                return
        if dane and policy is None:
            return  # no-policy-found means neither of the two (RFC 8460 §4.4)
        row = sender_day.row("sts" if policy else "no-policy-found", policy, state)
        if policy is None or policy.mode == "none":
            row.successes += total
            return
        faults = [f for f in state.mx_faults if f.meets(sender.slug)]
        faults += [
            Fault(state.moved, "validation-failure", "mx-mismatch", host)
            for host, _ in state.mx
            if state.moved and not _covered(host, policy.mx)
        ]
        blocked = self._attempt(row, state, total, faults, noise, go_on=policy.mode == "enforce")
        if not dane:
            self._hold(sender_day, blocked, again, total, start)

    def _attempt(
        self, row: PolicyRow, state: DomainState, total: int, faults: list[Fault], noise: float, *, go_on: bool = True
    ) -> dict[str, int]:
        """Share sessions out over the MX; return, by incident, how many found no MX that would do."""
        chance, left, done = self._chance, total, 0
        blocked: dict[str, int] = {}
        hosts = state.mx
        for place, (host, _) in enumerate(hosts):
            rest = sum(share for _, share in hosts[place:])
            here = left if place == len(hosts) - 1 else chance.portion(left, hosts[place][1] / rest)
            left -= here
            for fault in faults:
                if fault.host != host or not here:
                    continue
                hit = chance.portion(here, fault.share)
                if not hit:
                    continue
                self._fail(row, fault, host, hit)
                here -= hit
                if go_on and not state.moved and len({f.host for f in faults}) < len(hosts):
                    done += hit  # the same mail, in a session with another MX
                elif go_on:
                    blocked[fault.incident] = blocked.get(fault.incident, 0) + hit
            if here and (odd := chance.count(here * noise, 1.0)):
                cause = chance.pick(_NOISE)
                odd = min(odd, here)
                here -= odd
                self._fail(row, Fault("", _NOISE_TYPE[cause], cause), host, odd)
            done += here
        row.successes += done
        return blocked

    def _hold(self, sender_day: SenderDay, blocked: dict[str, int], again: int, total: int, start: int) -> None:
        """Put into the queue what no MX took, and take out what a retry delivered."""
        stuck = sum(blocked.values())
        for incident, count in blocked.items():
            sender_day.held[incident] = sender_day.held.get(incident, 0) + count
        retried = again * stuck // total  # those were in the queue before
        self._queue.remove(again - retried)
        self._queue.add(start, stuck - retried)


def is_weekend(day: int) -> bool:
    """Return whether a day (since 1970-01-01, a Thursday) is a Saturday or Sunday."""
    return (day + 3) % 7 >= 5


def _elapsed(seconds: int) -> float:
    """Return which share of a day's sessions has come by a second of the day."""
    for (start, done), (stop, after) in pairwise(_RHYTHM):
        if seconds <= stop:
            return done + (after - done) * (seconds - start) / (stop - start)
    return 1.0


def _covered(host: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a policy names an MX (RFC 8461 §4.1)."""
    return any(host == p or (p.startswith("*.") and host.partition(".")[2] == p[2:]) for p in patterns)
