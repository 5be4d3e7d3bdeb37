"""A fleet of domains for some months, and the check run every morning: what is told when, held against the truth.

`python -m tests.check.simulation [--domains 60] [--days 90] [--seed 1]` prints the figures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from mtasts_nb.check import Change, Kind, News, State, decide, observe
from mtasts_nb.reports import Archive, load
from tests.fleet.scenarios import scenario
from tests.fleet.world import FIRST_DAY

#: The first runs only learn what is normal: a check is told the history of the reports that are there.
HISTORY = 14
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Event:
    """One thing that was made to happen: when a report first shows it, and what news must name."""

    kind: Kind
    first: date
    last: date
    domain: str
    codes: frozenset[str]
    hosts: frozenset[str]
    reporter: str = ""


@dataclass(frozen=True)
class Fleet:
    """Reports about many domains, and the events in them."""

    archive: Archive
    events: tuple[Event, ...]
    first: date
    days: int


@dataclass
class Outcome:
    """What came of the runs."""

    delays: dict[Event, int] = field(default_factory=dict)
    repeated: list[tuple[date, News]] = field(default_factory=list)
    missed: list[Event] = field(default_factory=list)
    false: list[tuple[date, News]] = field(default_factory=list)
    over: int = 0
    seconds: float = 0.0


def fleet(domains: int, days: int, seed: int, first_pair: int = 0) -> Fleet:
    """Return a fleet of scenarios of two domains each, from `first_pair` on, with other names; one reporter and one domain go silent."""
    bodies: list[bytes] = []
    events: list[Event] = []
    first = _EPOCH + timedelta(days=FIRST_DAY)
    silent_from, gone_from = first + timedelta(days=days * 2 // 3), first + timedelta(days=days // 2)
    silent_reporter, gone = "Kranich Betrieb", "suedwind-01.example"
    for number in range(first_pair, first_pair + domains // 2):
        made = scenario(seed * 1000 + number, days=days)

        def renamed(text: str, number: int = number) -> str:
            return text.replace("wind.example", f"wind-{number:02}.example")

        for report in made.reports:
            day = _EPOCH + timedelta(days=report.sender_day.day)
            lost = report.sender_day.sender.name == silent_reporter and day >= silent_from
            lost = lost or (renamed(report.sender_day.domain) == gone and day >= gone_from)
            if not lost:
                bodies.append(renamed(report.body.decode()).encode())
        by_story: dict[str, list[dict[str, str | int]]] = {}
        for row in made.truth:
            by_story.setdefault(str(row["incident"]), []).append(row)
        for rows in by_story.values():
            begun = min(date.fromisoformat(str(row["start"])) for row in rows)
            ends = [str(row["end"]) for row in rows]
            events.append(
                Event(
                    Kind.INCIDENT,
                    begun,
                    max(map(date.fromisoformat, filter(None, ends))) if all(ends) else first + timedelta(days=days),
                    renamed(str(rows[0]["policy_domain"])),
                    frozenset(str(row["result_type"]) for row in rows),
                    frozenset(renamed(str(row["receiving_mx_hostname"])) for row in rows) - {""},
                )
            )
    events = [event for event in events if event.domain != gone or event.first < gone_from]
    # Silence cannot be known before it is longer than any pause so far.
    events.append(
        Event(
            Kind.SILENT_REPORTER,
            silent_from,
            first + timedelta(days=days),
            "",
            frozenset(),
            frozenset(),
            silent_reporter,
        )
    )
    if first_pair <= 1 < first_pair + domains // 2:
        events.append(Event(Kind.NO_REPORTS, gone_from, first + timedelta(days=days), gone, frozenset(), frozenset()))
    return Fleet(load(b"\n".join(bodies), progress=False), tuple(events), first, days)


def mornings(of: Fleet, begin: int = HISTORY, end: int | None = None) -> Iterator[tuple[date, tuple[News, ...]]]:
    """Yield the news of each morning from one day of the fleet to another; a run has the reports about all days before."""
    state = State()
    for number in range(begin, (of.days if end is None else end) + 1):
        morning = of.first + timedelta(days=number)
        now = datetime(morning.year, morning.month, morning.day, 6, tzinfo=UTC)
        seen = of.archive.between(of.first, morning - timedelta(days=1))
        news, state = decide(state, observe(seen, now=now), now)
        yield morning, news


def run(of: Fleet) -> Outcome:
    """Run the check every morning, and hold the news against the events."""
    outcome = Outcome()
    started = time.perf_counter()
    began = of.first + timedelta(days=HISTORY)
    told: dict[Event, int] = {}
    for morning, news in mornings(of):
        for each in news:
            if each.kind is Kind.POLICY or each.change is Change.WORSE:
                continue
            if each.change is Change.OVER:
                outcome.over += 1
                continue
            events = _about(each, of)
            if not events:
                outcome.false.append((morning, each))
            for event in events:
                told[event] = told.get(event, 0) + 1
                # Its first report came the morning after its day.
                outcome.delays.setdefault(event, (morning - event.first).days - 1)
            if events and all(told[event] > 1 for event in events):
                outcome.repeated.append((morning, each))
    # One that was over before the first run is no news.
    outcome.missed = [event for event in of.events if event not in told and event.last >= began]
    outcome.seconds = time.perf_counter() - started
    return outcome


def _about(news: News, of: Fleet) -> list[Event]:
    """Return the events that the news names; by its place alone only if no result type of it fits."""
    events = [event for event in of.events if is_about(news, event)]
    problem = news.problem
    named = [event for event in events if problem is not None and event.codes & set(problem.codes)]
    return named or events


def is_about(news: News, event: Event) -> bool:
    """Return whether the news may be about the event."""
    problem = news.problem
    if problem is None or problem.kind is not event.kind:
        return False
    if event.kind is Kind.SILENT_REPORTER:
        return event.reporter in problem.reporters
    if event.domain not in problem.domains:
        return False
    if event.kind is not Kind.INCIDENT:
        return True
    around = event.first - timedelta(days=2) <= problem.last and problem.first <= event.last + timedelta(days=2)
    # A result type may be reported as another one of the same place, or in a summary alone.
    same = bool(event.codes & set(problem.codes)) or bool(event.hosts & set(problem.hosts))
    return around and (same or "unattributed" in problem.codes)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--domains", type=int, default=60)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print what was missed, repeated or false")
    arguments = parser.parse_args()
    made = fleet(arguments.domains, arguments.days, arguments.seed)
    outcome = run(made)
    runs = made.days - HISTORY + 1
    incidents = {event: delay for event, delay in outcome.delays.items() if event.kind is Kind.INCIDENT}
    late = sorted(delay for event, delay in incidents.items() if event.first >= made.first + timedelta(days=HISTORY))
    by_delay = {delay: late.count(delay) for delay in sorted(set(late))}
    print(
        f"{arguments.domains} domains, {arguments.days} days, {len(made.archive.reports)} reports, {runs} runs in {outcome.seconds:.0f} s"
    )
    print(
        f"{len(made.events)} events, {len(outcome.delays)} told, {len(outcome.missed)} missed, {len(outcome.repeated)} told again"
    )
    print(f"incidents that begin after the history, told so many days after their first report came: {by_delay}")
    print(
        f"{len(outcome.false)} false warnings, {30 * len(outcome.false) / runs:.2f} a month; {outcome.over} ends told"
    )
    if arguments.list:
        for event in outcome.missed:
            print("missed", event)
        for event, delay in outcome.delays.items():
            if delay > 1:
                print("late", delay, event)
        for morning, news in outcome.repeated:
            print("again", morning, news.problem)
        for morning, news in outcome.false:
            print("false", morning, news.problem)


if __name__ == "__main__":
    main()
