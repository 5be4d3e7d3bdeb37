"""What two policy domains publish and serve, instant by instant: the cause of everything the fleet reports.

A `Timeline` is a list of states of one domain: its `_mta-sts` record, what its policy host serves, its MX, what is
wrong with them, its TLSA records. Nothing here knows a sender; `senders` draws the consequences.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "DAY",
    "FIRST_DAY",
    "INCIDENTS",
    "SAMPLE_DAYS",
    "DomainState",
    "Fault",
    "StsPolicy",
    "Timeline",
    "at",
    "world",
]

DAY = 86_400


def at(text: str) -> int:
    """Return the epoch second of an ISO 8601 time, taken as UTC.

    Examples
    --------
    >>> at("1970-01-02")
    86400
    """
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


#: The first day of the sample, as days since 1970-01-01, and how many days it has: up to 2026-10-31.
FIRST_DAY = at("2026-07-04") // DAY
SAMPLE_DAYS = 120


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy as served: mode, max_age in seconds, MX patterns (RFC 8461 §3.2).

    Examples
    --------
    >>> StsPolicy("testing", 86400, ("mx1.nordwind.example",)).lines()
    ['version: STSv1', 'mode: testing', 'mx: mx1.nordwind.example', 'max_age: 86400']
    """

    mode: str
    max_age: int
    mx: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the lines of the policy file."""
        return [
            "version: STSv1",
            f"mode: {self.mode}",
            *(f"mx: {pattern}" for pattern in self.mx),
            f"max_age: {self.max_age}",
        ]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong, and whom it meets.

    Attributes
    ----------
    incident : str
        The key in `INCIDENTS`.
    result_type : str
        What a sender reports (RFC 8460 §4.3).
    cause : str
        What each sender words in its own dialect of `failure-reason-code`.
    host : str
        The MX at fault; empty for the policy host.
    share : float
        Which share of the sessions, or policy fetches, meets it: less than 1 where only some front ends have it.
    only : str
        The one sender that meets it; empty for all.
    spares : frozenset of str
        Senders that do not notice it.
    """

    incident: str
    result_type: str
    cause: str
    host: str = ""
    share: float = 1.0
    only: str = ""
    spares: frozenset[str] = frozenset()

    def meets(self, sender: str) -> bool:
        """Return whether the sender meets the fault."""
        return self.only in ("", sender) and sender not in self.spares


@dataclass(frozen=True, slots=True)
class DomainState:
    """One domain between two changes.

    Attributes
    ----------
    reported : bool
        Whether there is a `_smtp._tls` record: no reports without one.
    record_id : str or None
        The `id` of the `_mta-sts` record, None without a record.
    policy : StsPolicy or None
        What the policy host serves when it is well.
    fetch_fault : Fault or None
        What is wrong with the policy host.
    mx : tuple of (str, float)
        MX hosts and the share of first attempts that each gets.
    mx_faults, dane_faults : tuple of Fault
        What is wrong for senders that validate by MTA-STS, and by DANE.
    moved : str
        The incident to which an MX outside the policy belongs.
    tlsa : tuple of str
        TLSA records of the MX; empty where there are none or the zone is unsigned.
    """

    reported: bool = True
    record_id: str | None = None
    policy: StsPolicy | None = None
    fetch_fault: Fault | None = None
    mx: tuple[tuple[str, float], ...] = ()
    mx_faults: tuple[Fault, ...] = ()
    dane_faults: tuple[Fault, ...] = ()
    moved: str = ""
    tlsa: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """The states of one policy domain, each from its instant on."""

    domain: str
    instants: tuple[int, ...]
    states: tuple[DomainState, ...] = field(repr=False)

    @classmethod
    def of(cls, domain: str, start: DomainState, changes: Mapping[str, Mapping[str, Any]]) -> Timeline:
        """Return the timeline that begins with a state and changes some of its fields at each instant."""
        instants, states = [0], [start]
        for text, fields in changes.items():
            instants.append(at(text))
            states.append(replace(states[-1], **fields))
        if instants != sorted(instants):
            raise ValueError(f"the changes of {domain} are not in the order of time")
        return cls(domain, tuple(instants), tuple(states))

    def index(self, instant: int) -> int:
        """Return which state holds at an instant (epoch seconds)."""
        return bisect_right(self.instants, instant) - 1


NORD, SUED = "nordwind.example", "suedwind.example"
_MX1, _MX2, _SUED_MX = f"mx1.{NORD}", f"mx2.{NORD}", f"mx1.{SUED}"
_MX_OF_NORD = (_MX1, _MX2)
_USUAL = ((_MX1, 0.955), (_MX2, 0.045))

#: Each incident and its story; what it did is counted from the reports that were written.
INCIDENTS: dict[str, str] = {
    "starttls-stripped": (
        "A new firewall between Talweg Secure Gateway and mx1 strips STARTTLS from the EHLO reply, for that sender "
        "alone. nordwind.example is in testing, so its mail goes through in clear. Talweg turns the inspection off on "
        "2026-07-29; one of its sites follows two days later."
    ),
    "policy-host-certificate": (
        "The certificate of mta-sts.nordwind.example expires on Monday 2026-08-24 at 07:00. Senders find it as their "
        "refresh falls due and go on with the policy in their cache (enforce, max_age 604800); no mail is held. "
        "Renewed on 2026-08-28 at 13:30; one of three web servers is restarted only the day after."
    ),
    "mx-certificate-expired": (
        "The certificate of mx1.suedwind.example, the only MX, expires on Saturday 2026-08-29 at 06:00. Enforce: "
        "senders queue and retry until it is renewed on Monday at 11:20; one of five front ends keeps the old one "
        "until 2026-09-02."
    ),
    "mx-migration": (
        "While its server is replaced, the mail of suedwind.example moves to mx1.nordwind.example on 2026-09-08; the "
        "policy names only mx1.suedwind.example and is in enforce. Rolled back to testing on 2026-09-09 at 10:55; "
        "senders that cached the old policy go on applying it for up to four days. The right MX is in the policy from "
        "2026-09-14 at 13:05."
    ),
    "backup-chain": (
        "mx2.nordwind.example, the backup, presents its renewed certificate without the intermediate from 2026-10-05. "
        "Senders that know the intermediate notice nothing; the others turn to mx1, so no mail is held. Load on mx1 "
        "from 12 to 16 October sends more to the backup. Mended on 2026-10-19, by the last process on the 20th."
    ),
    "policy-404": (
        "A deployment of the web site on 2026-10-06 drops /.well-known/mta-sts.txt of suedwind.example: 404 until "
        "2026-10-09 at 10:15, and from one of four web servers until the next morning. Testing with max_age 86400, so the cached policies run out after a day and senders deliver as if "
        "there were no policy."
    ),
    "tlsa-not-rolled": (
        "mx1.suedwind.example gets a new certificate with a new key on 2026-10-21 at 22:00; the TLSA record still has "
        "the old key. Senders that validate DANE defer, by half at first, and altogether when the second front end "
        "follows on the 23rd. Still so on the last day."
    ),
}

_STRIPPED = Fault("starttls-stripped", "starttls-not-supported", "starttls-missing", _MX1, 0.35, only="talweg")
_HOST_EXPIRED = Fault("policy-host-certificate", "sts-webpki-invalid", "webpki-expired")
_MX_EXPIRED = Fault("mx-certificate-expired", "certificate-expired", "expired", _SUED_MX)
_CHAIN = Fault(
    "backup-chain", "certificate-not-trusted", "incomplete-chain", _MX2, spares=frozenset({"meridian", "bluefinch"})
)
_GONE = Fault("policy-404", "sts-policy-fetch-error", "policy-404")
_OLD_TLSA = Fault("tlsa-not-rolled", "tlsa-invalid", "tlsa-mismatch", _SUED_MX, 0.5)


def _policy(record_id: str, mode: str, max_age: int, *mx: str) -> dict[str, Any]:
    return {"policy": StsPolicy(mode, max_age, mx), "record_id": record_id}


def _nordwind() -> Timeline:
    start = DomainState(mx=_USUAL, **_policy("20260620090000Z", "testing", DAY, *_MX_OF_NORD))
    return Timeline.of(
        NORD,
        start,
        {
            "2026-07-18T09:10": _policy("20260718091000Z", "testing", 7 * DAY, *_MX_OF_NORD),
            "2026-07-21T14:00": {"mx_faults": (_STRIPPED,)},
            "2026-07-23T09:00": {"mx_faults": (replace(_STRIPPED, share=0.92),)},
            "2026-07-29T15:00": {"mx_faults": (replace(_STRIPPED, share=0.18),)},
            "2026-07-31T10:00": {"mx_faults": ()},
            # Two clean weeks later.
            "2026-08-14T10:00": _policy("20260814100000Z", "enforce", 7 * DAY, *_MX_OF_NORD),
            "2026-08-24T07:00": {"fetch_fault": _HOST_EXPIRED},
            "2026-08-28T13:30": {"fetch_fault": replace(_HOST_EXPIRED, share=0.3)},
            "2026-08-29T18:00": {"fetch_fault": None},
            # A clean month later: the fault above was not at an MX.
            "2026-09-14T09:00": _policy("20260914090000Z", "enforce", 30 * DAY, *_MX_OF_NORD),
            "2026-10-05T10:00": {"mx_faults": (_CHAIN,)},
            "2026-10-12T08:00": {"mx": ((_MX1, 0.86), (_MX2, 0.14))},
            "2026-10-16T19:00": {"mx": _USUAL},
            "2026-10-19T15:00": {"mx_faults": (replace(_CHAIN, share=0.3),)},
            "2026-10-20T18:00": {"mx_faults": ()},
        },
    )


def _suedwind() -> Timeline:
    old, both = (_SUED_MX,), (_SUED_MX, _MX1)
    here: tuple[tuple[str, float], ...] = ((_SUED_MX, 1.0),)
    return Timeline.of(
        SUED,
        DomainState(reported=False, mx=here),
        {
            "2026-07-13T12:00": {"reported": True},
            "2026-07-22T10:00": _policy("20260722100000Z", "testing", DAY, *old),
            "2026-08-05T10:00": _policy("20260805100000Z", "testing", 7 * DAY, *old),
            "2026-08-19T09:30": _policy("20260819093000Z", "enforce", 7 * DAY, *old),
            "2026-08-29T06:00": {"mx_faults": (_MX_EXPIRED,)},
            "2026-08-31T11:20": {"mx_faults": (replace(_MX_EXPIRED, share=0.2),)},
            "2026-09-02T09:00": {"mx_faults": ()},
            # Resolvers learn of the new MX as the TTL of the old one runs out.
            "2026-09-08T09:00": {"mx": ((_MX1, 0.45), (_SUED_MX, 0.55)), "moved": "mx-migration"},
            "2026-09-08T15:00": {"mx": ((_MX1, 1.0),)},
            # The file first, then the id (RFC 8461 §8.1).
            "2026-09-09T10:40": {"policy": StsPolicy("testing", DAY, old)},
            "2026-09-09T10:55": {"record_id": "20260909105500Z"},
            "2026-09-14T13:00": {"policy": StsPolicy("testing", DAY, both)},
            "2026-09-14T13:05": {"record_id": "20260914130500Z"},
            "2026-09-24T08:00": {"mx": here, "tlsa": (f"3 1 1 {'5a1c9e07' * 8}",), "moved": ""},
            "2026-10-06T15:30": {"fetch_fault": _GONE},
            "2026-10-09T10:15": {"fetch_fault": replace(_GONE, share=0.25)},
            "2026-10-10T07:00": {"fetch_fault": None},
            "2026-10-16T09:00": _policy("20261016090000Z", "enforce", 7 * DAY, *old),
            "2026-10-21T22:00": {"dane_faults": (_OLD_TLSA,)},
            "2026-10-23T08:00": {"dane_faults": (replace(_OLD_TLSA, share=1.0),)},
        },
    )


def world() -> dict[str, Timeline]:
    """Return the timeline of each policy domain.

    Examples
    --------
    >>> sorted(world())
    ['nordwind.example', 'suedwind.example']
    """
    return {NORD: _nordwind(), SUED: _suedwind()}
