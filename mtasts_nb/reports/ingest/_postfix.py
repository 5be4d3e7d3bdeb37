"""The ``TLSRPT:`` lines that Postfix 3.10 logs, one for each TLS handshake with a domain that asks for reports.

They show what this mail server saw of other domains: receiving domain, MX host and address, success, or failure type
and reason. They do not name the policy, so that its type is unknown. Of each day and logging host they make one report.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from ...settings import Limits
from ._budget import over
from ._exports import Rebuilt
from ._model import Deviation, Unreadable

__all__ = ["LOG_LINE", "LOG_MARK", "log_reports"]

LOG_MARK: Final = b": TLSRPT: status="
#: Such a line with any time stamp, at the beginning of a log.
LOG_LINE: Final = re.compile(rb"^[^\r\n]{1,300}\[\d{1,10}\]: TLSRPT: status=(?:success|failure), ", re.MULTILINE)
_LINE: Final = re.compile(
    rb"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d))\s+(?P<host>[^\s]{1,255})\s+[^\s\[]{1,100}"
    rb"\[\d{1,10}\]: TLSRPT: status=(?P<status>success|failure), domain=(?P<domain>[^\s,]{1,255}), "
    rb"receiving_mx=(?P<mx>[^\s,\[]{0,255})\[(?P<address>[^\s\]]{0,64})\]"
    rb"(?:, failure_type=(?P<type>[^\s,]{1,60})(?:, failure_reason=(?P<reason>[^\r\n]{0,1000}+))?)?\s*"
)
_REMARK: Final = Deviation(
    "",
    None,
    "from the TLSRPT lines of a Postfix log: what that server saw of other domains; they do not name the policy",
)
#: What Postfix writes where nothing was connected to.
_NULL: Final = "(null)"
#: A report as JSON has a limit of values.
_VALUES_PER_EVENT: Final = 5


class _Event(NamedTuple):
    """What a line has beside its time, host and domain; the type is empty for a success."""

    type: str
    mx: str
    address: str
    reason: str


class _Day:
    def __init__(self, moment: datetime) -> None:
        self.first = self.last = moment
        self.domains: dict[str, Counter[_Event]] = {}


def log_reports(data: bytes, limits: Limits, tick: Callable[[], None]) -> Iterator[Rebuilt]:
    """Yield a report for each UTC day and logging host.

    Raises
    ------
    Unreadable
        No such line has a time stamp with year and time zone.

    Examples
    --------
    >>> line = b"2026-02-08T01:00:00Z mx postfix/smtp[7]: TLSRPT: status=success, domain=d.example, receiving_mx=a.example[192.0.2.1]"
    >>> [report.name for report in log_reports(line, Limits(), lambda: None)]
    ['2026-02-08 mx']
    """
    days: dict[tuple[str, str], _Day] = {}
    skipped = distinct = 0
    for line in data.splitlines():
        if LOG_MARK not in line:
            continue
        tick()
        match = _LINE.fullmatch(line)
        moment = _moment(match["time"].decode()) if match else None
        if match is None or moment is None:
            skipped += 1
            continue
        text = {name: (value or b"").decode("utf-8", "replace") for name, value in match.groupdict().items()}
        day = days.setdefault((f"{moment:%Y-%m-%d}", text["host"]), _Day(moment))
        day.first, day.last = min(day.first, moment), max(day.last, moment)
        failed = text["status"] == "failure"
        event = _Event(
            (text["type"].lower().replace("_", "-") or "unknown") if failed else "",
            "" if text["mx"] == _NULL or not failed else text["mx"],
            "" if text["address"] == _NULL or not failed else text["address"],
            text["reason"].strip(),
        )
        events = day.domains.setdefault(text["domain"].lower(), Counter())
        distinct += event not in events
        if distinct > limits.json_values // _VALUES_PER_EVENT:
            raise over(limits, "json_values", f"more than {distinct - 1} different TLSRPT lines in one log")
        events[event] += 1
    if not days:
        raise Unreadable(
            "unpack",
            "no-year",
            "a Postfix log with TLSRPT lines, but without a year and time zone in their time stamps; "
            "export it with: journalctl -u postfix -o short-iso",
        )
    remarks = [_REMARK]
    if skipped:
        remarks.append(Deviation("", str(skipped), "TLSRPT lines in another form, not counted"))
    for (date, host), day in sorted(days.items()):
        yield Rebuilt(f"{date} {host}", json.dumps(_report(date, host, day)).encode(), tuple(remarks))
        remarks = [_REMARK]


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace(",", ".")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _report(date: str, host: str, day: _Day) -> dict[str, object]:
    policies = []
    for domain, events in sorted(day.domains.items()):
        failed = sorted((event, count) for event, count in events.items() if event.type)
        details = [
            {"result-type": event.type, "failed-session-count": count}
            | {
                key: value
                for key, value in (
                    ("receiving-mx-hostname", event.mx),
                    ("receiving-ip", event.address),
                    ("failure-reason-code", event.reason),
                )
                if value
            }
            for event, count in failed
        ]
        bad = sum(count for _, count in failed)
        policies.append(
            {
                "policy": {"policy-type": "unknown", "policy-domain": domain},
                "summary": {
                    "total-successful-session-count": events.total() - bad,
                    "total-failure-session-count": bad,
                },
                "failure-details": details,
            }
        )
    return {
        "organization-name": host,
        "contact-info": "",
        "report-id": f"postfix-log-{date}",
        # The period of these lines: two logs of one day, rotated at noon, are two reports.
        "date-range": {
            "start-datetime": f"{day.first:%Y-%m-%dT%H:%M:%SZ}",
            "end-datetime": f"{day.last:%Y-%m-%dT%H:%M:%SZ}",
        },
        "policies": policies,
    }
