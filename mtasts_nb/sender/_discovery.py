"""Which MTA-STS policy a sender applies: record, policy file, cache (RFC 8461 §3, §5.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import PolicyError, RecordError
from ..markup import one_line
from ..policy import Policy
from ..probe import DnsAttempt, Evidence, HttpAttempt
from ..vocabulary import PolicyType, ResultType, Status
from ._contact import certificate_objection
from ._outcomes import Delivery, Row
from ._profiles import Profile
from ._reading import read_policy, record_id

__all__ = ["AppliedPolicy", "discover"]

_RECORD_ERRORS = {
    "missing": "there is no TXT record that begins `v=STSv1;`",
    "multiple": "more than one TXT record begins `v=STSv1;`",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedPolicy:
    """The policy that a sender applies, its source, why, and what it reports of the policy host."""

    policy: Policy | None
    source: str
    why: str
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetch:
    """The result of a GET from one address. A sender tries the next address only if none was `connected`."""

    address: str
    observed: bool = True
    connected: bool = True
    policy: Policy | None = None
    result_type: ResultType | None = None
    code: str = ""
    why: str = ""


def discover(evidence: Evidence, profile: Profile, cached: Policy | None, cached_id: str | None) -> AppliedPolicy:
    """Return the policy that a sender of this profile applies.

    Parameters
    ----------
    cached : Policy or None
        The policy in its cache, not expired.
    cached_id : str or None
        The id under which it is cached; None if the sender does not look for a newer one at this attempt.
    """
    if profile.does("sts") == "none":
        return AppliedPolicy(policy=None, source="none", why="The sender does not support MTA-STS.")
    if cached is not None and cached.max_age == 0:
        cached = None  # expired as soon as it was fetched (§3.2)
    live_id, trouble = _record(evidence, profile)
    if live_id is None:
        return _without_record(evidence.sts, trouble, cached, cached_id)
    if cached is None:
        return _fetched(evidence, profile)
    if cached_id == live_id:
        why = f"The record still has id {one_line(live_id, 40)}: a sender with a cached policy does not fetch it again (RFC 8461 §3.1)."
        return AppliedPolicy(policy=cached, source="cached", why=why)
    fetched = _fetched(evidence, profile)
    if cached_id is not None and fetched.source != "none":
        return fetched
    failed = [row for row in fetched.rows if row.result_type is not None]
    why = "The cached policy has not expired; whether to look for a newer one at each attempt is left to the sender (RFC 8461 §5.1)."
    if cached_id is not None or (failed and fetched.source == "none"):
        why = f"{fetched.why} The cached policy, not expired, remains in use (RFC 8461 §3.3)."
    rows = (
        replace(row, delivery=Delivery.DELIVERED, why=f"{row.why} The cached policy remains in use.") for row in failed
    )
    return AppliedPolicy(policy=cached, source="cached", why=why, rows=tuple(rows))


def _record(evidence: Evidence, profile: Profile) -> tuple[str | None, str]:
    """Return the id of the record, or None and what is wrong."""
    attempt = evidence.sts
    if attempt.status is not Status.COMPLETED:
        return None, one_line(attempt.detail, 200)
    try:
        return record_id(attempt.texts, profile), ""
    except RecordError as error:
        return None, _RECORD_ERRORS.get(error.reason, f"the record cannot be used: {one_line(error, 200)}")


def _without_record(attempt: DnsAttempt, trouble: str, cached: Policy | None, cached_id: str | None) -> AppliedPolicy:
    name = attempt.query.name
    if attempt.status is Status.NOT_OBSERVED and (cached is None or cached_id is not None):
        return AppliedPolicy(policy=None, source="unknown", why=f"TXT {name} was not observed: {trouble}.")
    if cached is not None:
        why = f"No record at {name} ({trouble}): the cached policy, not expired, remains in use (RFC 8461 §3.1, §5.1)."
        return AppliedPolicy(policy=cached, source="cached", why=why)
    why = f"At {name} {trouble}: the domain has no MTA-STS (RFC 8461 §3.1)."
    if attempt.status is Status.FAILED:
        why = f"The lookup of TXT {name} failed ({trouble}): as if the domain had no MTA-STS (RFC 8461 §3.1)."
    return AppliedPolicy(policy=None, source="none", why=why)


def _fetched(evidence: Evidence, profile: Profile) -> AppliedPolicy:
    fetches = _fetches(evidence, profile)
    chosen = _chosen(fetches)
    if chosen is None:
        missing = ", ".join(fetch.address for fetch in fetches if not fetch.observed) or evidence.policy_host.host
        row = Row(policy_type=PolicyType.STS, delivery=Delivery.UNKNOWN, why=f"{missing}: not observed.")
        why = f"The policy host was not observed: {missing}."
        return AppliedPolicy(policy=None, source="unknown", why=why, rows=(row,))
    others = [fetch for fetch in fetches if fetch is not chosen and fetch.observed and fetch.connected]
    differing = [fetch for fetch in others if (fetch.policy, fetch.result_type) != (chosen.policy, chosen.result_type)]
    note = "".join(f" With a sender that uses {fetch.address} instead: {fetch.why}" for fetch in differing[:2])
    rows = [_row(chosen, note)]
    rows += [_row(fetch, "") for fetch in differing if fetch.result_type is not None]
    source = "none" if chosen.policy is None else "live"
    return AppliedPolicy(policy=chosen.policy, source=source, why=f"{chosen.why}{note}", rows=tuple(rows))


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
    """Return the fetch that decides; None if it was not observed.

    A sender tries the next address if it cannot connect. An address that could not be checked from here is skipped if
    another one answers: senders are free in which they use.
    """
    connected = next((fetch for fetch in fetches if fetch.observed and fetch.connected), None)
    if connected is not None:
        return connected
    return fetches[0] if all(fetch.observed for fetch in fetches) else None


def _fetches(evidence: Evidence, profile: Profile) -> list[_Fetch]:
    policy_host = evidence.policy_host
    # Default address selection prefers IPv6 (RFC 6724 §2.1).
    attempts = {attempt.request.address: attempt for attempt in policy_host.attempts}
    addresses = list(dict.fromkeys((*policy_host.aaaa.texts, *policy_host.a.texts)))
    if addresses:
        return [
            _fetch(attempts[address], profile) if address in attempts else _Fetch(address=address, observed=False)
            for address in addresses
        ]
    if policy_host.addresses_unknown:
        return [_Fetch(address="", observed=False)]
    failed = [lookup for lookup in (policy_host.a, policy_host.aaaa) if lookup.status is Status.FAILED]
    code = f"dns-{failed[0].reason}" if failed else "dns-no-address"
    detail = one_line(failed[0].detail, 200) if failed else "it has no address"
    return [_failed("", code, f"{policy_host.host} cannot be resolved: {detail}", connected=False)]


def _failed(
    address: str,
    code: str,
    why: str,
    result_type: ResultType = ResultType.STS_POLICY_FETCH_ERROR,
    *,
    section: str = "RFC 8461 §3.3",
    connected: bool = True,
) -> _Fetch:
    text = f"Policy fetch failed: {why} ({section})."
    return _Fetch(address=address, connected=connected, result_type=result_type, code=code, why=text)


def _fetch(attempt: HttpAttempt, profile: Profile) -> _Fetch:
    address, detail, response = attempt.request.address, one_line(attempt.detail, 200), attempt.response
    if attempt.private:
        return _failed(address, "private-address", f"the address {address} is private", connected=False)
    if not attempt.observed:
        return _Fetch(address=address, observed=False, why=detail)
    if attempt.stage == "connect":
        return _failed(address, f"connect-{attempt.reason}", f"connecting to {address}: {detail}", connected=False)
    if attempt.tls is None:
        if attempt.older_tls is not None and attempt.needs_old_tls:
            why = f"the policy host supports at most {attempt.older_tls.version}, senders need 1.2 or newer"
            return _failed(address, "tls-version", why)
        return _failed(address, "tls-handshake", f"the TLS handshake fails: {detail}")
    invalid = certificate_objection(attempt.tls, web=True, common_name=profile.does("common-name") == "accepted")
    if invalid is not None:
        return _failed(address, invalid.code, f"on the policy host {invalid.why}", ResultType.STS_WEBPKI_INVALID)
    if response is None:
        return _failed(address, f"http-{attempt.reason}", f"no HTTP response: {detail}")
    if response.status_code != 200:
        redirect = ", a redirect, which is not followed" if 300 <= response.status_code < 400 else ""
        return _failed(address, f"http-{response.status_code}", f"the status is {response.status_code}{redirect}")
    if profile.does("content-type") != "any" and not response.is_plain_text:
        kind = one_line(response.header("content-type"), 80) or "missing"
        why = f"the Content-Type is {kind}, not text/plain, and strict senders reject it"
        return _failed(address, "content-type", why, section="RFC 8461 §3.2")
    if attempt.stage != "done":
        return _failed(address, f"http-{attempt.reason}", f"the response is not complete: {detail}")
    if response.truncated:
        return _failed(address, "too-large", "the file is larger than 64 KiB, where senders stop")
    try:
        policy = read_policy(response.body, profile)
    except PolicyError as error:
        why = f"the file is not a valid policy: {one_line(error, 240)}"
        return _failed(address, error.reason, why, ResultType.STS_POLICY_INVALID, section="RFC 8461 §3.2")
    why = f"Policy fetched from {attempt.request.host}, mode {policy.mode.value}."
    return _Fetch(address=address, policy=policy, why=why)
