"""Report objects (RFC 8460 §4.4) in the dialect of each reporter, quirks included.

The shapes follow what public samples and issue threads of report parsers show of big reporters; the names do not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from .chance import Chance
from .senders import Failure, PolicyRow, SenderDay
from .world import DAY, at

__all__ = ["REASONS", "RECEIVING_ADDRESSES", "SHAPES", "json_report"]

Json = dict[str, Any]

#: The addresses of the MX hosts.
RECEIVING_ADDRESSES = {
    "mx1.nordwind.example": ("192.0.2.10", "2001:db8:10::25"),
    "mx2.nordwind.example": ("192.0.2.20", "2001:db8:20::25"),
    "mx1.suedwind.example": ("192.0.2.40", "2001:db8:40::25"),
}

#: `failure-reason-code` by dialect and cause: free text, so every implementation words it differently.
REASONS: dict[str, dict[str, str]] = {
    "capitals": {
        "mx-mismatch": "MX_HOSTS_MISMATCH",
        "expired": "CERTIFICATE_EXPIRED",
        "incomplete-chain": "CERTIFICATE_CHAIN_INCOMPLETE",
        "policy-404": "bad https response code: 404",
        "webpki-expired": "SSL_ERROR_EXPIRED_CERT_ALERT",
        "wrong-name": "CERTIFICATE_HOST_MISMATCH",
        "tls-version": "TLS_VERSION_UNSUPPORTED",
        "policy-syntax": "INVALID_POLICY",
        "handshake": "TLS_HANDSHAKE_TIMEOUT",
        "unmapped": "UNKNOWN",
    },
    "openssl": {
        "mx-mismatch": "mx-mismatch",
        "expired": "certificate has expired",
        "incomplete-chain": "unable to get local issuer certificate",
        "policy-404": "HTTP status 404",
        "webpki-expired": "certificate verify failed: certificate has expired (_ssl.c:1006)",
        "tlsa-mismatch": "no matching DANE TLSA records",
        "wrong-name": "hostname mismatch",
        "tls-version": "SSL_connect error: unsupported protocol",
        "policy-syntax": "policy line 2: no such mode",
        "dnssec-bogus": "validation failed: signature expired",
        "dane-unvalidated": "TLSA lookup: no validated records",
        "handshake": "SSL_connect error: Connection reset by peer",
        "starttls-refused": "454 4.7.0 TLS not available due to local problem",
    },
    "kebab": {
        "mx-mismatch": "mtasts-policy-mx-mismatch",
        "expired": "certificate-expired",
        "incomplete-chain": "certificate-unknown-authority",
        "policy-404": "http-404-not-found",
        "webpki-expired": "policy-host-certificate-expired",
        "tlsa-mismatch": "dane-no-match",
        "wrong-name": "certificate-name-mismatch",
        "tls-version": "tls-protocol-version-not-supported",
        "policy-syntax": "policy-parse-error",
        "handshake": "tls-remote-alert-80-internal-error",
    },
    "silent": {},
}

_EHLO = "{host} Hello [203.0.113.77]\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-XXXXXXXA\r\n250 HELP"


def _instant(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _time(seconds: int, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return _instant(seconds).strftime(form)


def _detail(failure: Failure, count: int, dialect: str, chance: Chance) -> Json:
    """Return one `failure-details` entry with every field that the case has."""
    detail: Json = {"result-type": failure.result_type, "sending-mta-ip": failure.sending_ip}
    if failure.host:
        detail["receiving-mx-hostname"] = failure.host
        detail["receiving-mx-helo"] = failure.host
        # A sender that finds the MX outside the policy does not connect to it.
        if failure.cause != "mx-mismatch":
            v4, v6 = RECEIVING_ADDRESSES[failure.host]
            detail["receiving-ip"] = v6 if ":" in failure.sending_ip else v4
    detail["failed-session-count"] = count
    if reason := REASONS[dialect].get(failure.cause):
        detail["failure-reason-code"] = reason
    if failure.cause == "unmapped" and dialect == "openssl":
        del detail["result-type"]
        detail["additional-information"] = f"queue {chance.token(10, '0123456789ABCDEF')}: unclassified TLS error 71"
    return detail


def _keep(detail: Json, *names: str) -> Json:
    return {name: detail[name] for name in names if name in detail}


def _rows(sender_day: SenderDay) -> list[PolicyRow]:
    return [row for row in sender_day.rows.values() if row.successes or row.failures]


def _plain(
    sender_day: SenderDay, chance: Chance, *, dialect: str, report_id: str, contact: str, order: tuple[str, ...] = ()
) -> Json:
    """Return the report as RFC 8460 §4.4 would have it; the shapes start from here."""
    policies: list[Json] = []
    for row in _rows(sender_day):
        policy: Json = {"policy-type": row.policy_type}
        if row.policy_type == "tlsa":
            policy["policy-string"] = list(row.tlsa)
        elif row.policy:
            policy["policy-string"] = row.policy.lines()
        policy["policy-domain"] = sender_day.domain
        if row.mx:
            policy["mx-host"] = list(row.mx)
        entry: Json = {
            "policy": policy,
            "summary": {
                "total-successful-session-count": row.successes,
                "total-failure-session-count": row.failed,
            },
        }
        details = [_detail(failure, count, dialect, chance) for failure, count in row.failures.items()]
        entry["failure-details"] = [_keep(detail, *order) if order else detail for detail in details]
        policies.append(entry)
    return {
        "organization-name": sender_day.sender.name,
        "date-range": {
            "start-datetime": _time(sender_day.day * DAY),
            "end-datetime": _time(sender_day.day * DAY + DAY - 1),
        },
        "contact-info": contact,
        "report-id": report_id,
        "policies": policies,
    }


def _grosskontor(sender_day: SenderDay, chance: Chance) -> Json:
    """Date and domain as report id; no failure-details where nothing failed; reason codes in capitals."""
    report = _plain(
        sender_day,
        chance,
        dialect="capitals",
        report_id=f"{_time(sender_day.day * DAY)}_{sender_day.domain}",
        contact=f"smtp-tls-reporting@{sender_day.sender.domain}",
        order=(
            "result-type", "sending-mta-ip", "receiving-ip", "receiving-mx-hostname",
            "failed-session-count", "failure-reason-code",
        ),
    )  # fmt: skip
    for entry in report["policies"]:
        if not entry["failure-details"]:
            del entry["failure-details"]
    return report


def _meridian(sender_day: SenderDay, chance: Chance) -> Json:
    """TLSA array inside one string, no mx-host, no place in policy fetch errors, dates without zone until September."""
    number = 133_000_000_000_000_000 + sender_day.day * 864_000_000_000 + chance.below(10**10)
    report = _plain(
        sender_day,
        chance,
        dialect="silent",
        report_id=f"{number}+{sender_day.domain}",
        contact=f"tlsrpt-noreply@{sender_day.sender.domain}",
        order=("result-type", "sending-mta-ip", "receiving-mx-hostname", "receiving-ip", "failed-session-count"),
    )
    for entry in report["policies"]:
        policy = entry["policy"]
        policy.pop("mx-host", None)
        if policy["policy-type"] == "tlsa":
            policy["policy-string"] = ["[" + ",".join(f'"{record}"' for record in policy["policy-string"]) + "]"]
        for detail in entry["failure-details"]:
            if detail["result-type"].startswith("sts-"):
                detail.pop("sending-mta-ip", None)
    if sender_day.day * DAY < at("2026-09-01"):
        span = report["date-range"]
        report["date-range"] = {name: value.removesuffix("Z") for name, value in span.items()}
    return report


def _sosna(sender_day: SenderDay, chance: Chance) -> Json:
    """No policy-string, no mx-host, no sending address; the end is the next midnight; details count less than totals."""
    report = _plain(
        sender_day,
        chance,
        dialect="silent",
        report_id=f"{sender_day.day * DAY}.{chance.token(12)}@{sender_day.sender.domain}",
        contact=f"abuse_tls@{sender_day.sender.domain}",
        order=("result-type", "receiving-mx-hostname", "failed-session-count"),
    )
    report["date-range"]["end-datetime"] = _time(sender_day.day * DAY + DAY)
    for entry in report["policies"]:
        entry["policy"].pop("policy-string", None)
        entry["policy"].pop("mx-host", None)
        merged: dict[tuple[str, str], int] = {}
        for detail in entry["failure-details"]:
            key = (detail["result-type"], detail.get("receiving-mx-hostname", ""))
            merged[key] = merged.get(key, 0) + detail["failed-session-count"]
        entry["failure-details"] = [
            {"result-type": kind, **({"receiving-mx-hostname": host} if host else {}), "failed-session-count": count}
            for (kind, host), count in merged.items()
        ]
        if entry["failure-details"] and (last := entry["failure-details"][-1])["failed-session-count"] > 1:
            last["failed-session-count"] -= 1
    return report


def _freistil(sender_day: SenderDay, chance: Chance) -> Json:
    """Date and domain as report id; no policy-domain without a policy; no result-type for errors it cannot map."""
    report = _plain(
        sender_day,
        chance,
        dialect="openssl",
        report_id=f"{_time(sender_day.day * DAY, '%Y-%m-%d')}_{sender_day.domain}",
        contact=f"smtp-tls-reporting@{sender_day.sender.domain}",
    )
    for entry in report["policies"]:
        if entry["policy"]["policy-type"] == "no-policy-found":
            del entry["policy"]["policy-domain"]
    return report


def _kranich(sender_day: SenderDay, chance: Chance) -> Json:
    """Complete and by the book."""
    return _plain(
        sender_day,
        chance,
        dialect="kebab",
        report_id=f"{_time(sender_day.day * DAY, '%Y%m%d')}.{sender_day.domain}@{sender_day.sender.domain}",
        contact=f"postmaster@{sender_day.sender.domain}",
    )


def _bluefinch(sender_day: SenderDay, chance: Chance) -> Json:
    """Write like the example of RFC 8460 appendix B: mx-host a text, not a list; the policy as one text with line breaks."""
    report = _plain(
        sender_day,
        chance,
        dialect="kebab",
        report_id=f"{chance.token(8)}-{chance.token(4)}-4{chance.token(3)}-a{chance.token(3)}-{chance.token(12)}",
        contact=f"sts-reporting@{sender_day.sender.domain}",
    )
    for entry in report["policies"]:
        policy = entry["policy"]
        if "policy-string" in policy:
            policy["policy-string"] = "\r\n".join(policy["policy-string"]) + "\r\n"
        if "mx-host" in policy:
            policy["mx-host"] = policy["mx-host"][0]
    return report


def _talweg(sender_day: SenderDay, chance: Chance) -> Json:
    """mx-host-pattern with the key inside, null contact and details, the whole EHLO reply, at times details above totals."""
    report = _plain(
        sender_day, chance, dialect="openssl", report_id=f"tlg-{sender_day.day}-{chance.token(16)}", contact=""
    )
    report["contact-info"] = None
    for entry in report["policies"]:
        policy = entry["policy"]
        if "mx-host" in policy:
            policy["mx-host-pattern"] = [f"mx: {pattern}" for pattern in policy.pop("mx-host")]
        for detail in entry["failure-details"]:
            if detail.get("result-type") == "starttls-not-supported":
                detail["receiving-mx-helo"] = _EHLO.format(host=detail["receiving-mx-hostname"])
        summary = entry["summary"]
        if summary["total-failure-session-count"] > 20 and chance.share() < 0.15:
            summary["total-failure-session-count"] -= 2
        if not entry["failure-details"]:
            entry["failure-details"] = None
    return report


def _auenland(sender_day: SenderDay, chance: Chance) -> Json:
    """Write like a home-grown script: counts as text, one object instead of a list, policy type in capitals, times with offset."""
    report = _plain(
        sender_day,
        chance,
        dialect="kebab",
        report_id=f"{sender_day.domain}/{_time(sender_day.day * DAY, '%j')}",
        contact="",
    )
    del report["contact-info"]
    report["date-range"] = {
        "start-datetime": _time(sender_day.day * DAY + 2 * 3600, "%Y-%m-%dT%H:%M:%S+02:00"),
        "end-datetime": _time(sender_day.day * DAY + DAY - 1 + 2 * 3600, "%Y-%m-%dT%H:%M:%S+02:00"),
    }
    for entry in report["policies"]:
        entry["policy"]["policy-type"] = entry["policy"]["policy-type"].upper()
        entry["summary"] = {name: str(value) for name, value in entry["summary"].items()}
        for detail in entry["failure-details"]:
            detail["failed-session-count"] = str(detail["failed-session-count"])
        if len(entry["failure-details"]) < 2:
            entry["failure-details"] = entry["failure-details"][0] if entry["failure-details"] else {}
    return report


#: Every dialect by name.
SHAPES: dict[str, Callable[[SenderDay, Chance], Json]] = {
    "auenland": _auenland,
    "bluefinch": _bluefinch,
    "freistil": _freistil,
    "grosskontor": _grosskontor,
    "kranich": _kranich,
    "meridian": _meridian,
    "sosna": _sosna,
    "talweg": _talweg,
}


def json_report(sender_day: SenderDay, chance: Chance) -> Json | None:
    """Return the report of a day in the sender's shape, or None where it had no session to report."""
    return SHAPES[sender_day.sender.shape](sender_day, chance) if _rows(sender_day) else None
