"""Random worlds for the fleet, with known truth: none to four incidents of any kind, drawn from a seed.

The senders, their caches, queues and dialects are those of the sample; what the two domains publish, who reports, how
much mail there is, what breaks, for whom and how fast it is mended is drawn. The truth is counted from the reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from mtasts_nb.errors import LabError

from .archives import written_reports
from .chance import Chance
from .pack import WrittenReport, gzipped
from .roster import Sender, senders
from .truth import truth_csv, truth_rows
from .world import DAY, FIRST_DAY, DomainState, Fault, StsPolicy, Timeline

__all__ = ["KINDS", "SMALLEST", "Kind", "Scenario", "scenario", "write_scenario"]

_HOUR = 3600
_NORD, _SUED = "nordwind.example", "suedwind.example"
_MX = {_NORD: (f"mx1.{_NORD}", f"mx2.{_NORD}"), _SUED: (f"mx1.{_SUED}",)}
_TLSA = f"3 1 1 {'5a1c9e07' * 8}"

#: An incident is drawn again until its reports show so many failed sessions a day, on so many days. Smaller ones
#: happen; nobody could tell them from the time-outs of a normal day.
SMALLEST = (5, 2)
#: Days between two incidents at one place: closer, and they would be one.
_APART = 12


@dataclass(frozen=True, slots=True)
class Kind:
    """What can break.

    Attributes
    ----------
    name : str
        Short name.
    place : str
        ``mx``, ``dane``, ``policy-host`` or ``moved`` (the MX moves to a host that the policy does not name).
    result_type : str
        What a sender reports (RFC 8460 §4.3).
    cause : str
        What a sender words as `failure-reason-code`.
    """

    name: str
    place: str
    result_type: str
    cause: str


#: Every result type of RFC 8460 §4.3 at least once.
KINDS = (
    Kind("mx-expired", "mx", "certificate-expired", "expired"),
    Kind("mx-wrong-name", "mx", "certificate-host-mismatch", "wrong-name"),
    Kind("mx-chain", "mx", "certificate-not-trusted", "incomplete-chain"),
    Kind("mx-no-starttls", "mx", "starttls-not-supported", "starttls-missing"),
    Kind("mx-old-tls", "mx", "validation-failure", "tls-version"),
    Kind("mx-moved", "moved", "validation-failure", "mx-mismatch"),
    Kind("tlsa-old-key", "dane", "tlsa-invalid", "tlsa-mismatch"),
    Kind("dnssec-expired", "dane", "dnssec-invalid", "dnssec-bogus"),
    Kind("dane-unvalidated", "dane", "dane-required", "dane-unvalidated"),
    Kind("policy-gone", "policy-host", "sts-policy-fetch-error", "policy-404"),
    Kind("policy-broken", "policy-host", "sts-policy-invalid", "policy-syntax"),
    Kind("policy-host-expired", "policy-host", "sts-webpki-invalid", "webpki-expired"),
)


@dataclass(frozen=True, slots=True)
class _Stage:
    """A fault from one instant to another (epoch seconds)."""

    start: int
    end: int
    fault: Fault


@dataclass(slots=True)
class _Plan:
    """What one domain goes through."""

    mx: tuple[tuple[str, float], ...]
    tlsa: tuple[str, ...]
    # From an instant on: mode and max_age, and the hosts that the policy names.
    modes: dict[int, tuple[str, int]]
    hosts: dict[int, tuple[str, ...]]
    stages: dict[str, list[_Stage]] = field(default_factory=lambda: {"mx": [], "dane": [], "policy-host": []})
    moves: list[tuple[int, int, str, str]] = field(default_factory=list)
    # Place → the days on which it is taken.
    taken: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """An archive as its senders wrote it, and what is true about it.

    Attributes
    ----------
    seed, days : int
        The same ones give the same scenario.
    timelines : dict of str to Timeline
        What each policy domain publishes and serves, and what is wrong with it.
    roster : tuple of Sender
        Who reports.
    stories : dict of str to str
        Each incident in words.
    reports : tuple of WrittenReport
        Every report, sender by sender.
    """

    seed: int
    days: int
    timelines: dict[str, Timeline] = field(repr=False)
    roster: tuple[Sender, ...] = field(repr=False)
    stories: dict[str, str]
    reports: tuple[WrittenReport, ...] = field(repr=False)

    @cached_property
    def truth(self) -> tuple[dict[str, str | int], ...]:
        """What happened, one row per incident and group; columns and their meaning as in the sample's truth.csv."""
        last = FIRST_DAY + self.days - 1
        return tuple(truth_rows(self.reports, self.timelines, last, self.stories))

    def ndjson(self) -> bytes:
        """Return all reports, one JSON object a line."""
        return b"\n".join(report.body for report in self.reports)


def scenario(seed: int, incidents: int | None = None, days: int = 120) -> Scenario:
    """Return an archive of a random world.

    Parameters
    ----------
    seed : int
        The same seed, number and days give the same reports and the same truth, on every machine.
    incidents : int, optional
        How many; None draws 1 to 4. 0 is a quiet archive: time-outs as on any day, and policy changes.
    days : int
        UTC days from 2026-07-04; at least 40.

    Raises
    ------
    LabError
        There is no room for so many incidents in so few days.

    Examples
    --------
    >>> found = scenario(3, incidents=1, days=60)
    >>> len(found.stories), found.truth[0]["result_type"] == "", scenario(3, incidents=0, days=40).truth
    (1, False, ())
    """
    if days < 40:
        raise LabError(f"a scenario of {days} days has no room for a history: name at least 40")
    wanted = 1 + Chance(seed, "how many").below(4) if incidents is None else incidents
    for attempt in range(40):
        drawn = _draw(seed, wanted, days, attempt)
        if drawn and _large_enough(drawn):
            return drawn
    raise LabError(f"no room for {wanted} incidents in {days} days with seed {seed}: name fewer, or more days")


def write_scenario(folder: str | Path, seed: int, incidents: int | None = None, days: int = 120) -> Scenario:
    """Write a scenario as one .json.gz per report, with truth.csv beside them, and return it.

    Parameters
    ----------
    folder : str or Path
        Where to write; made where it is missing, and must be empty.
    seed, incidents, days
        As in `scenario`.

    Raises
    ------
    LabError
        The folder is not empty, or as in `scenario`.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise LabError(f"{target} is not empty. Name a new folder.")
    made = scenario(seed, incidents, days)
    for report in made.reports:
        (target / f"{report.name}.json.gz").write_bytes(gzipped(report.body))
    truth = truth_csv(made.reports, made.timelines, FIRST_DAY + days - 1, made.stories)
    (target / "truth.csv").write_text(truth, encoding="utf-8")
    return made


def _draw(seed: int, wanted: int, days: int, attempt: int) -> Scenario | None:
    chance = Chance(seed, "scenario", attempt)
    roster = _roster(chance, days)
    plans = {domain: _plan(chance, domain, days) for domain in (_NORD, _SUED)}
    stories: dict[str, str] = {}
    for _ in range(wanted):
        if not any(_break(chance, plans, roster, days, stories) for _ in range(12)):
            return None
    timelines = {domain: _timeline(domain, plan) for domain, plan in plans.items()}
    reports = tuple(written_reports(timelines, roster, seed=seed * 64 + attempt, days=days))
    return Scenario(seed, days, timelines, roster, stories, reports)


def _large_enough(drawn: Scenario) -> bool:
    """Return whether the reports show every incident on enough days, with enough failed sessions on each."""
    shown: dict[tuple[str, int], int] = {}
    for report in drawn.reports:
        for row in report.sender_day.rows.values():
            for failure, count in row.failures.items():
                if failure.incident:
                    at = (failure.incident, report.sender_day.day)
                    shown[at] = shown.get(at, 0) + count
    few, often = SMALLEST
    return all(sum(name == story and n >= few for (name, _), n in shown.items()) >= often for story in drawn.stories)


def _between(chance: Chance, low: float, high: float) -> float:
    return low + (high - low) * chance.share()


def _roster(chance: Chance, days: int) -> tuple[Sender, ...]:
    """Return five to eight of the eight senders, each with another volume, reliability and time of activity."""
    roster = list(senders())
    for _ in range(chance.below(4)):
        roster.pop(chance.below(len(roster)))
    drawn = []
    for sender in roster:
        # From a sixth to nearly three times of what the sample has.
        scale = 0.16 * (1 + chance.share() * 3) * (1 + chance.share() * 3)
        volume = {_SUED: sender.volume[_NORD] / 3, **sender.volume} if chance.share() < 0.5 else dict(sender.volume)
        start, stop = 0, days
        if chance.share() < 0.25:
            start = chance.below(days // 2)
        elif chance.share() < 0.15:
            stop = days - chance.below(days // 3)
        drawn.append(
            replace(
                sender,
                volume={domain: mean * scale for domain, mean in volume.items()},
                active=((start, stop),),
                silent=_between(chance, 0.0, 0.15),
            )
        )
    return tuple(drawn)


def _plan(chance: Chance, domain: str, days: int) -> _Plan:
    hosts = _MX[domain]
    first = _between(chance, 0.6, 0.97)
    mx = ((hosts[0], first), (hosts[1], 1 - first)) if len(hosts) > 1 else ((hosts[0], 1.0),)
    modes = {0: (chance.pick(("testing", "enforce")), chance.pick((1, 7, 7, 30)) * DAY)}
    for _ in range(chance.below(3)):
        modes[_instant(chance.below(days), chance)] = (
            chance.pick(("testing", "enforce")),
            chance.pick((1, 7, 30)) * DAY,
        )
    tlsa = (_TLSA,) if chance.share() < 0.4 else ()
    return _Plan(mx, tlsa, modes, {0: hosts})


def _instant(day: int, chance: Chance) -> int:
    """Return a minute of a day; things break at any hour, and are mended in working hours as a rule."""
    return (FIRST_DAY + day) * DAY + chance.below(24 * 60) * 60


def _break(
    chance: Chance, plans: dict[str, _Plan], roster: Sequence[Sender], days: int, stories: dict[str, str]
) -> bool:
    """Add one incident to a plan; return False where the place or the time drawn is taken."""
    kind, domain = chance.pick(KINDS), chance.pick((_NORD, _SUED))
    plan = plans[domain]
    if kind.place == "dane" and not plan.tlsa:
        plan.tlsa = (_TLSA,)
    length = 2 + int(13 * chance.share() * chance.share())
    if chance.share() < 0.06:
        length = days // 3
    draw = chance.share()
    # One in ten begins within the first three days, one in seven is still open on the last.
    start_day = chance.below(3) if draw < 0.1 else days - length if draw > 0.86 else chance.below(days - length)
    open_end = draw > 0.86
    host = "" if kind.place == "policy-host" else chance.pick(plan.mx)[0]
    places = [f"{kind.place} {host}".strip()] if kind.place != "moved" else _everywhere(plan)
    end_day = start_day + length + (12 if kind.place == "moved" else 2)
    if any(_is_taken(plan, place, start_day, end_day) for place in places):
        return False
    for place in places:
        plan.taken.setdefault(place, []).append((start_day, end_day))
    name = f"{kind.name}-{len(stories) + 1}"
    start = _instant(start_day, chance)
    end = (FIRST_DAY + days) * DAY if open_end else start + length * DAY + chance.below(2 * DAY) - DAY
    if kind.place == "moved":
        _move(plan, name, domain, start, end, open_end=open_end)
        whom = "every sender"
    else:
        fault, whom = _whom(chance, Fault(name, kind.result_type, kind.cause, host), roster, domain)
        plan.stages[kind.place] += _course(chance, fault, start, end, open_end=open_end)
    place = f" at {host}" if host else ""
    stories[name] = f"{kind.result_type} for {domain}{place}, met by {whom}" + (
        ", open on the last day" if open_end else ""
    )
    return True


def _everywhere(plan: _Plan) -> list[str]:
    return [f"{place} {host}" for host, _ in plan.mx for place in ("mx", "dane", "moved")]


def _is_taken(plan: _Plan, place: str, start: int, end: int) -> bool:
    return any(
        start < other_end + _APART and other_start < end + _APART
        for other_start, other_end in plan.taken.get(place, ())
    )


def _whom(chance: Chance, fault: Fault, roster: Sequence[Sender], domain: str) -> tuple[Fault, str]:
    """Return the fault as it meets all senders, one, or all but a few."""
    there = [sender for sender in roster if domain in sender.volume]
    draw = chance.share()
    if draw < 0.2:
        one = chance.pick(there)
        return replace(fault, only=one.slug), f"{one.name} alone"
    if draw < 0.35 and len(there) > 2:
        spared = {chance.pick(there).slug for _ in range(2)}
        return replace(fault, spares=frozenset(spared)), "some senders"
    return fault, "every sender"


def _course(chance: Chance, fault: Fault, start: int, end: int, *, open_end: bool) -> list[_Stage]:
    """Return how a fault grows and how it goes: at once, front end by front end, for a part only, with a tail."""
    draw, grown = chance.share(), start
    stages = []
    if draw < 0.35:
        share = _between(chance, 0.2, 0.7)
        grown = start + min((end - start) // 2, 6 * _HOUR + chance.below(40 * _HOUR))
        stages.append(_Stage(start, grown, replace(fault, share=share)))
    full = _between(chance, 0.15, 0.5) if draw > 0.85 else 1.0
    stages.append(_Stage(grown, end, replace(fault, share=full)))
    if not open_end and chance.share() < 0.4:
        tail = end + 4 * _HOUR + chance.below(36 * _HOUR)
        stages.append(_Stage(end, tail, replace(fault, share=full * _between(chance, 0.1, 0.35))))
    return stages


def _move(plan: _Plan, name: str, domain: str, start: int, end: int, *, open_end: bool) -> None:
    """Move the MX to the other domain's host; mended by a policy that names both, and senders learn of it in time."""
    old = tuple(host for host, _ in plan.mx)
    new = _MX[_SUED if domain == _NORD else _NORD][0]
    back = end if open_end else end + 8 * DAY
    plan.moves.append((start, back, new, name))
    if not open_end:
        plan.hosts[end] = (*old, new)


def _timeline(domain: str, plan: _Plan) -> Timeline:
    """Return the plan as a timeline, with a state for each instant at which anything changes."""
    stages = [stage for found in plan.stages.values() for stage in found]
    cuts = {0, *plan.modes, *plan.hosts}
    cuts |= {edge for stage in stages for edge in (stage.start, stage.end)}
    cuts |= {edge for start, back, _, _ in plan.moves for edge in (start, back)}
    instants = tuple(sorted(cuts))
    return Timeline(domain, instants, tuple(_state(plan, instant) for instant in instants))


def _state(plan: _Plan, instant: int) -> DomainState:
    def now(place: str) -> tuple[Fault, ...]:
        return tuple(stage.fault for stage in plan.stages[place] if stage.start <= instant < stage.end)

    def latest(changes: Iterable[int]) -> int:
        return max(change for change in changes if change <= instant)

    published = max(latest(plan.modes), latest(plan.hosts))
    mode, max_age = plan.modes[latest(plan.modes)]
    moved = next(((new, name) for start, back, new, name in plan.moves if start <= instant < back), None)
    return DomainState(
        record_id=f"2026{published:012}",
        policy=StsPolicy(mode, max_age, plan.hosts[latest(plan.hosts)]),
        fetch_fault=next(iter(now("policy-host")), None),
        mx=((moved[0], 1.0),) if moved else plan.mx,
        mx_faults=now("mx"),
        dane_faults=now("dane"),
        moved=moved[1] if moved else "",
        tlsa=() if moved else plan.tlsa,
    )
