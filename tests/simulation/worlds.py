"""A domain's year in events, what its senders did, and the reports that some of them wrote about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import mtasts_nb as sts
from mtasts_nb.reports import Archive

from .senders import DAY, HOUR, Domain, Life, Sender, Steps, Version, some_sender

DOMAIN = "nordwind.example"
EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
MX = (f"mx1.{DOMAIN}", f"mx2.{DOMAIN}")
AGES = (DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY)


def time(at: float) -> datetime:
    """Return a second of the simulation as a time."""
    return EPOCH + timedelta(seconds=round(at))


def published(versions: Iterable[tuple[float, Version]], chance: Random) -> tuple[Steps, Steps]:
    """Return file and record: the file first, the id a few minutes later (RFC 8461 §8.1)."""
    (_, oldest), *later = versions
    rows = [(-1e9, oldest), *later]
    delay = [0.0, *(chance.uniform(1, 10) * 60 for _ in rows[1:])]
    return Steps(rows), Steps([(at + late, version.number) for (at, version), late in zip(rows, delay, strict=True)])


@dataclass
class Reporter:
    """How a sender reports: its zone in hours, whether it names the policy, and how many reports are lost."""

    zone: int
    names_policy: bool
    lost: float
    late: float


def some_reporter(chance: Random) -> Reporter:
    """Return a reporter; one in eight names no policy, one in four counts days by its own zone."""
    return Reporter(
        zone=chance.choice((0, 0, 0, chance.choice((-8, -5, 1, 9)))),
        names_policy=chance.random() > 0.125,
        lost=chance.choice((0.0, 0.0, 0.05, 0.2)),
        late=chance.choice((0.25, 1.0, 2.0)) * DAY,
    )


def reports(
    lives: Sequence[tuple[Sender, Reporter, Life]], chance: Random, until: float
) -> tuple[Archive, list[tuple[int, int, int]]]:
    """Return the reports that arrived by a time, and which version each shows on the UTC day on which it begins."""
    blobs, shows = [], []
    for number, (sender, habits, life) in enumerate(lives):
        shift = habits.zone * HOUR
        days: dict[int, Counter[tuple[Version | None, bool]]] = {}
        for session in life.sessions:
            days.setdefault(int((session.at + shift) // DAY), Counter())[session.version, session.failed] += 1
        for day, counts in days.items():
            begins = day * DAY - shift
            if begins + DAY + habits.late * chance.random() > until or chance.random() < habits.lost:
                continue
            blobs.append(_report(sender.name, begins, counts, names_policy=habits.names_policy))
            if habits.names_policy:
                shows += [(int(begins // DAY), number, version.number) for version, _ in counts if version is not None]
    archive = sts.load(json.dumps(blobs).encode(), progress=False, workers=1) if blobs else Archive()
    return archive, sorted(set(shows))


def _report(name: str, begins: float, counts: Counter[tuple[Version | None, bool]], *, names_policy: bool) -> object:
    rows: dict[tuple[str, ...], list[int]] = {}
    for (version, failed), count in counts.items():
        row = rows.setdefault(tuple(version.lines) if version is not None else (), [0, 0])
        row[failed] += count
    policies = []
    for lines, (good, bad) in rows.items():
        policy: dict[str, object] = {"policy-type": "sts" if lines else "no-policy-found", "policy-domain": DOMAIN}
        if lines and names_policy:
            policy["policy-string"] = list(lines)
        summary = {"total-successful-session-count": good, "total-failure-session-count": bad}
        entry: dict[str, object] = {"policy": policy, "summary": summary}
        if bad:
            entry["failure-details"] = [
                {"result-type": "certificate-expired", "receiving-mx-hostname": MX[0], "failed-session-count": bad}
            ]
        policies.append(entry)
    span = {"start-datetime": time(begins).isoformat(), "end-datetime": time(begins + DAY - 1).isoformat()}
    return {"organization-name": name, "report-id": f"{begins:.0f}", "date-range": span, "policies": policies}


def population(chance: Random, count: int) -> list[Sender]:
    """Return senders of one world: how they divide into the ways of checking is drawn too."""
    ways = [chance.gammavariate(1.0, 1.0) for _ in range(4)]
    return [some_sender(Random(chance.random()), number, ways) for number in range(count)]


def changes(
    chance: Random, *, count: int, first: float, gaps: tuple[float, float], returns: bool = True
) -> list[tuple[float, Version]]:
    """Return versions that follow one another; each differs from the one before, or from all, in mode, max_age or hosts."""
    rows = [(first, Version(0, chance.choice(("testing", "enforce")), chance.choice(AGES), MX[:1]))]
    for number in range(1, count + 1):
        at = rows[-1][0] + chance.uniform(*gaps)
        before = {version[1:] for _, version in (rows[-1:] if returns else rows)}
        while True:
            mode = chance.choice(("testing", "enforce"))
            now = Version(number, mode, chance.choice(AGES), chance.choice((MX[:1], MX)))
            if now[1:] not in before:
                break
        rows.append((at, now))
    return rows


def quiet(domain_file: Steps, record: Steps, chance: Random) -> Domain:
    """Return a domain where nothing fails."""
    ttl = chance.choice((300, 3600, 14_400, DAY))
    return Domain(domain_file, record, Steps([(-1e9, MX[:1])]), ttl, 3600, lambda _host, _at: False)
