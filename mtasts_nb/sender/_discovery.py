"""Which MTA-STS policy a sender comes to: record, policy file, cache (RFC 8461 §3, §5.1)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import PolicyError, RecordError
from ..markup import one_line
from ..policy import Policy
from ..probe import DnsAttempt, HttpAttempt, Probe
from ..vocabulary import PolicyType, ResultType, Status
from ._certificates import objection
from ._outcomes import Delivery, Row
from ._profiles import Profile
from ._reading import read_policy, record_id

__all__ = ["Found", "discover"]

_OLD_TLS = ("SSLv3", "TLSv1", "TLSv1.1")
_SECTION = "RFC 8461 §3.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The policy that a sender applies, where it has it from, why, and what it reports of the policy host."""

    policy: Policy | None
    source: str
    why: str
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetch:
    """What a GET from one address comes to. A sender goes on to the next address only where none was `connected`."""

    address: str
    observed: bool = True
    connected: bool = True
    policy: Policy | None = None
    result_type: ResultType | None = None
    code: str = ""
    why: str = ""


def discover(probe: Probe, profile: Profile, cached: Policy | None, cached_id: str | None) -> Found:
    """Return the policy that a sender of this profile comes to.

    Parameters
    ----------
    cached : Policy or None
        What it holds in its cache, in date.
    cached_id : str or None
        The id under which it holds it; None where it does not look for a newer one at this attempt.
    """
    if profile.does("sts") == "none":
        return Found(policy=None, source="none", why="The sender does not know MTA-STS.")
    if cached is not None and cached.max_age == 0:
        cached = None  # out of date as soon as it was fetched (§3.2)
    live_id, trouble = _record(probe, profile)
    if live_id is None:
        return _without_record(probe.sts, trouble, cached, cached_id)
    if cached is None:
        return _fetched(probe, profile)
    if cached_id == live_id:
        why = f"The record still says id {one_line(live_id, 40)}: a sender with a cached policy fetches nothing anew (RFC 8461 §3.1)."
        return Found(policy=cached, source="cached", why=why)
    found = _fetched(probe, profile)
    if cached_id is not None and found.source != "none":
        return found
    failed = tuple(row for row in found.rows if row.result_type is not None)
    if cached_id is not None or (failed and found.source == "none"):
        why = f"{found.why} The cached policy, in date, goes on (RFC 8461 §3.3)."
    else:
        why = "The cached policy is in date; whether to look for a newer one at each attempt is left to the sender (RFC 8461 §5.1)."
    return Found(policy=cached, source="cached", why=why, rows=tuple(_kept(row) for row in failed))


def _kept(row: Row) -> Row:
    return Row(
        policy_type=row.policy_type, delivery=Delivery.DELIVERED, result_type=row.result_type,
        failure_reason_code=row.failure_reason_code, why=f"{row.why} The cached policy goes on.",
    )  # fmt: skip


def _record(probe: Probe, profile: Profile) -> tuple[str | None, str]:
    """Return the id of the record, or None and what is wrong."""
    attempt = probe.sts
    if attempt.status is not Status.COMPLETED:
        return None, one_line(attempt.detail, 200)
    try:
        return record_id(attempt.texts, profile), ""
    except RecordError as error:
        words = {
            "missing": "there is no TXT record that begins `v=STSv1;`",
            "multiple": "more than one TXT record begins `v=STSv1;`",
        }
        return None, words.get(error.reason, f"the record cannot be used: {one_line(error, 200)}")


def _without_record(attempt: DnsAttempt, trouble: str, cached: Policy | None, cached_id: str | None) -> Found:
    name = attempt.query.name
    if attempt.status is Status.NOT_OBSERVED and (cached is None or cached_id is not None):
        return Found(policy=None, source="unknown", why=f"TXT {name} was not observed: {trouble}.")
    if cached is not None:
        why = f"No record is found at {name} ({trouble}): the cached policy, in date, goes on (RFC 8461 §3.1, §5.1)."
        return Found(policy=cached, source="cached", why=why)
    if attempt.status is Status.FAILED:
        why = f"TXT {name} cannot be looked up ({trouble}): as if the domain had no MTA-STS (RFC 8461 §3.1)."
    else:
        why = f"At {name} {trouble}: the domain has no MTA-STS (RFC 8461 §3.1)."
    return Found(policy=None, source="none", why=why)


def _fetched(probe: Probe, profile: Profile) -> Found:
    fetches = _fetches(probe, profile)
    chosen = _chosen(fetches)
    if chosen is None:
        unseen = ", ".join(fetch.address for fetch in fetches if not fetch.observed) or probe.policy_host.host
        return Found(
            policy=None, source="unknown", why=f"The policy host was not observed: {unseen}.",
            rows=(Row(policy_type=PolicyType.STS, delivery=Delivery.UNKNOWN, why=f"{unseen}: not observed."),),
        )  # fmt: skip
    others = [fetch for fetch in fetches if fetch is not chosen and fetch.observed and fetch.connected]
    differing = [fetch for fetch in others if (fetch.policy, fetch.result_type) != (chosen.policy, chosen.result_type)]
    note = "".join(f" A sender that uses {fetch.address} instead: {fetch.why}" for fetch in differing[:2])
    rows = [_row(chosen, note)]
    rows += [_row(fetch, "") for fetch in differing if fetch.result_type is not None]
    source = "none" if chosen.policy is None else "live"
    return Found(policy=chosen.policy, source=source, why=f"{chosen.why}{note}", rows=tuple(rows))


def _row(fetch: _Fetch, note: str) -> Row:
    where = f"{fetch.address}: " if fetch.address else ""
    return Row(
        policy_type=PolicyType.STS,
        delivery=Delivery.WITHOUT_STS if fetch.policy is None else Delivery.DELIVERED,
        result_type=fetch.result_type,
        failure_reason_code=fetch.code,
        why=f"{where}{fetch.why}{note}",
    )


def _chosen(fetches: list[_Fetch]) -> _Fetch | None:
    """Return what a sender meets; None where that was not observed.

    It tries the next address where it cannot connect. An address that could not be looked at from here is passed over
    where another one answers: senders are free in which they take.
    """
    connected = next((fetch for fetch in fetches if fetch.observed and fetch.connected), None)
    if connected is not None:
        return connected
    return None if not all(fetch.observed for fetch in fetches) else fetches[0]


def _fetches(probe: Probe, profile: Profile) -> list[_Fetch]:
    place = probe.policy_host
    # Default address selection prefers IPv6 (RFC 6724 §2.1).
    attempts = {attempt.request.address: attempt for attempt in place.attempts}
    addresses = list(dict.fromkeys((*place.aaaa.texts, *place.a.texts)))
    if addresses:
        return [
            _fetch(attempts[address], profile) if address in attempts else _Fetch(address=address, observed=False)
            for address in addresses
        ]
    if Status.NOT_OBSERVED in (place.a.status, place.aaaa.status):
        return [_Fetch(address="", observed=False)]
    failed = [attempt for attempt in (place.a, place.aaaa) if attempt.status is Status.FAILED]
    code = f"dns-{failed[0].reason}" if failed else "dns-no-address"
    detail = one_line(failed[0].detail, 200) if failed else "it has no address"
    return [_failed("", code, f"{place.host} cannot be found: {detail}", connected=False)]


def _failed(
    address: str,
    code: str,
    why: str,
    result_type: ResultType = ResultType.STS_POLICY_FETCH_ERROR,
    *,
    section: str = _SECTION,
    connected: bool = True,
) -> _Fetch:
    words = f"No policy is had: {why} ({section})."
    return _Fetch(address=address, connected=connected, result_type=result_type, code=code, why=words)


def _fetch(attempt: HttpAttempt, profile: Profile) -> _Fetch:
    address, detail = attempt.request.address, one_line(attempt.detail, 200)
    if attempt.reason == "private-address":
        return _failed(address, "private-address", f"the address {address} is private", connected=False)
    if attempt.status is Status.NOT_OBSERVED:
        return _Fetch(address=address, observed=False, why=detail)
    if attempt.stage == "connect":
        return _failed(address, f"connect-{attempt.reason}", f"connecting to {address}: {detail}", connected=False)
    if attempt.tls is None:
        older = attempt.older_tls
        if older is not None and older.version in _OLD_TLS:
            why = f"the policy host speaks {older.version} at most, 1.2 is the least"
            return _failed(address, "tls-version", why)
        return _failed(address, "tls-handshake", f"the TLS handshake fails: {detail}")
    refused = objection(attempt.tls, web=True, common_name=profile.does("common-name") == "accepted")
    if refused is not None:
        return _failed(address, refused.code, f"on the policy host {refused.why}", ResultType.STS_WEBPKI_INVALID)
    return _response(attempt, profile, address, detail)


def _response(attempt: HttpAttempt, profile: Profile, address: str, detail: str) -> _Fetch:
    response = attempt.response
    if response is None:
        return _failed(address, f"http-{attempt.reason}", f"no HTTP response comes: {detail}")
    if response.status_code != 200:
        redirect = ", a redirect, which is not followed" if 300 <= response.status_code < 400 else ""
        return _failed(address, f"http-{response.status_code}", f"the status is {response.status_code}{redirect}")
    kind = response.header("content-type")
    if profile.does("content-type") != "any" and kind.partition(";")[0].strip().lower() != "text/plain":
        why = f"the Content-Type is {one_line(kind, 80) or 'missing'}, not text/plain, which strict senders refuse"
        return _failed(address, "content-type", why, section="RFC 8461 §3.2")
    if attempt.stage != "done":
        return _failed(address, f"http-{attempt.reason}", f"the response does not come to its end: {detail}")
    if response.truncated:
        return _failed(address, "too-large", "the file is larger than 64 KiB, where senders stop")
    try:
        policy = read_policy(response.body, profile)
    except PolicyError as error:
        why = f"the file is no valid policy: {one_line(error, 240)}"
        invalid = ResultType.STS_POLICY_INVALID
        return _failed(address, error.reason, why, invalid, section="RFC 8461 §3.2")
    why = f"The policy is had from {attempt.request.host}, published in mode {policy.mode.value}."
    return _Fetch(address=address, policy=policy, why=why)
