"""What a sender is: the eight invented reporters, and as many more of their kinds as a benchmark wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .world import DAY

__all__ = ["Sender", "more_senders", "senders"]

_HOUR = 3600
_NORD, _SUED = "nordwind.example", "suedwind.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A reporter and how it behaves.

    Attributes
    ----------
    slug, name, domain : str
        Short name, organisation name, and the `.example` domain of its contact and submitter.
    shape : str
        The dialect of its reports: a key of `shapes.SHAPES`.
    volume : dict
        Mean sessions on a working day, by policy domain; no traffic with those left out.
    weekend : float
        Volume of a Saturday or Sunday in proportion.
    look_every : int or None
        Seconds between two looks at the `_mta-sts` record; None: only when `renew_at` comes.
    renew_at : float
        After which share of max_age the policy is fetched again though the `id` is the same.
    retry_fetch : int
        Seconds until it tries again to get a policy after a failure.
    queue_life : int
        Seconds until a held message is given up; before that it looks for a new policy (RFC 8461 §5.1).
    retries : float
        Attempts per day for each message held.
    machines : int
        How many of its machines fetch a policy for themselves.
    dane : str
        ``no``, ``only`` (where there is TLSA, MTA-STS is not looked at) or ``both``.
    addresses : tuple of str
        Its `sending-mta-ip` values.
    active : tuple of (int, int)
        Days, counted from the first of the sample, on which its reports come: from, up to but not including.
    weekdays_only : bool
        Whether it sends no report of a Saturday or Sunday.
    silent : float
        Share of days whose report never comes.
    delay : int
        Hours from the end of the day until its report arrives.
    by_mail : bool
        Whether it mails its reports; it posts them by HTTPS otherwise.
    """

    slug: str
    name: str
    domain: str
    shape: str
    volume: dict[str, float]
    weekend: float = 0.5
    look_every: int | None = DAY
    renew_at: float = 0.5
    retry_fetch: int = 4 * _HOUR
    queue_life: int = 4 * DAY
    retries: float = 4.0
    machines: int = 1
    dane: str = "no"
    addresses: tuple[str, ...] = ("192.0.2.1",)
    active: tuple[tuple[int, int], ...] = ((0, 1_000_000),)
    weekdays_only: bool = False
    silent: float = 0.02
    delay: int = 6
    by_mail: bool = True


def senders() -> tuple[Sender, ...]:
    """Return the eight reporters of the sample.

    Between them they have the caching habits that matter for how fast a change of policy is seen: two look at the
    record within hours, three daily, one at half of max_age, and one only when its copy has run out.

    Examples
    --------
    >>> [sender.slug for sender in senders()][:3]
    ['grosskontor', 'meridian', 'sosna']
    """
    return (
        Sender(
            slug="grosskontor",
            name="Grosskontor Post",
            domain="grosskontor.example",
            shape="grosskontor",
            volume={_NORD: 1800, _SUED: 480},
            weekend=0.55,
            machines=24,
            addresses=("198.51.100.11", "198.51.100.12", "198.51.100.13", "2001:db8:a::11", "2001:db8:a::12"),
            silent=0.015,
            delay=9,
        ),
        Sender(
            slug="meridian",
            name="Meridian Mail Cloud",
            domain="meridian.example",
            shape="meridian",
            volume={_NORD: 1050, _SUED: 330},
            weekend=0.3,
            look_every=12 * _HOUR,
            machines=16,
            dane="both",
            addresses=("198.51.100.40", "198.51.100.41", "198.51.100.42", "198.51.100.43"),
            active=((6, 1000),),
            silent=0.03,
            delay=33,
        ),
        Sender(
            slug="sosna",
            name="Sosna Mail",
            domain="sosna.example",
            shape="sosna",
            volume={_NORD: 260, _SUED: 60},
            weekend=0.8,
            look_every=None,
            renew_at=0.5,
            machines=6,
            addresses=("203.0.113.5", "203.0.113.6"),
            active=((0, 14), (25, 1000)),
            silent=0.12,
            delay=4,
        ),
        Sender(
            slug="freistil",
            name="Freistil Mailserver Genossenschaft",
            domain="freistil.example",
            shape="freistil",
            volume={_NORD: 110, _SUED: 55},
            weekend=0.25,
            renew_at=0.9,
            machines=2,
            dane="only",
            addresses=("198.51.100.90", "2001:db8:f::90"),
            weekdays_only=True,
            silent=0.05,
            delay=2,
        ),
        Sender(
            slug="kranich",
            name="Kranich Betrieb",
            domain="kranich.example",
            shape="kranich",
            volume={_NORD: 9},
            weekend=0.6,
            look_every=_HOUR,
            retry_fetch=2 * _HOUR,
            addresses=("203.0.113.61",),
            active=((0, 30), (44, 1000)),
            silent=0.12,
            delay=1,
            by_mail=False,
        ),
        Sender(
            slug="bluefinch",
            name="Bluefinch Webmail, Inc.",
            domain="bluefinch.example",
            shape="bluefinch",
            volume={_NORD: 390},
            weekend=0.9,
            machines=8,
            addresses=("203.0.113.130", "203.0.113.131", "203.0.113.132"),
            active=((38, 1000),),
            silent=0.02,
            delay=7,
            by_mail=False,
        ),
        Sender(
            slug="talweg",
            name="Talweg Secure Gateway",
            domain="talweg.example",
            shape="talweg",
            volume={_NORD: 210, _SUED: 80},
            weekend=0.1,
            look_every=None,
            renew_at=1.0,
            queue_life=5 * DAY,
            retries=8.0,
            machines=3,
            addresses=("203.0.113.77", "203.0.113.78"),
            weekdays_only=True,
            silent=0.04,
            delay=3,
            by_mail=False,
        ),
        Sender(
            slug="auenland",
            name="Hochschule Auenland Rechenzentrum",
            domain="hs-auenland.example",
            shape="auenland",
            volume={_NORD: 28},
            weekend=0.02,
            renew_at=0.9,
            addresses=("198.51.100.200",),
            active=((5, 106),),
            weekdays_only=True,
            silent=0.08,
            delay=5,
        ),
    )


def more_senders() -> Iterator[Sender]:
    """Yield senders without end: the eight, then numbered ones of the same kinds that report every day to both domains.

    Examples
    --------
    >>> from itertools import islice
    >>> [sender.slug for sender in islice(more_senders(), 9)][-1]
    'grosskontor-2'
    """
    eight, number = senders(), 1
    while True:
        for sender in eight:
            tail = "" if number == 1 else f"-{number}"
            yield replace(
                sender,
                slug=sender.slug + tail,
                name=sender.name + tail.replace("-", " "),
                domain=sender.domain if number == 1 else f"r{number}.{sender.domain}",
                volume={_SUED: sender.volume[_NORD] / 3, **sender.volume},
                active=((0, 1 << 30),),
                weekdays_only=False,
                weekend=max(sender.weekend, 0.3),
                silent=0.0,
            )
        number += 1
