"""Archives as small as a case needs, and the situations that every figure must bear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import pandas as pd
import pytest

from mtasts_nb.reports import Archive, schema
from mtasts_nb.vocabulary import UNATTRIBUTED, UNKNOWN, ResultType

Failure = tuple[str | None, str | None, int]  # result type, MX, failed sessions
FIRST = date(2026, 3, 1)


@dataclass(frozen=True)
class Session:
    """One policy of one report."""

    day: int = 0
    failures: tuple[Failure, ...] = ()
    good: int = 90
    reporter: str = "Example Post"
    domain: str = "nordwind.example"
    policy_type: str = "sts"


def archive_of(sessions: Iterable[Session], first: date = FIRST) -> Archive:
    """An archive that holds these sessions and nothing else."""
    session_rows, failure_rows = [], []
    for number, one in enumerate(sessions):
        day = pd.Timestamp(first + timedelta(days=one.day), tz="UTC")
        common = {
            "report_key": f"{number:024x}", "policy_index": 0, "organization_name": one.reporter,
            "start_datetime": day, "day": day, "policy_type": one.policy_type, "policy_domain": one.domain,
            "policy_mode": "enforce",
        }  # fmt: skip
        total = sum(count for _, _, count in one.failures)
        session_rows.append({
            **common, "end_datetime": day + pd.Timedelta(hours=24), "policy_max_age": None, "policy_string": "",
            "mx_host": "", "total_successful_session_count": one.good, "total_failure_session_count": total,
            "detailed_failure_session_count": total,
        })  # fmt: skip
        failure_rows += [
            {**common, "result_type": kind, "receiving_mx_hostname": mx, "failed_session_count": count}
            for kind, mx, count in one.failures
        ]
    return Archive(sessions=_table("sessions", session_rows), failures=_table("failures", failure_rows))


def _table(name: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    dtypes = {column.name: column.dtype for column in schema.SCHEMA[name]}
    # A category's categories are sorted, as the schema has it.
    frame = pd.DataFrame(rows, columns=list(dtypes))
    return frame.astype({key: kind for key, kind in dtypes.items() if kind != "category"}).astype(
        {key: "category" for key, kind in dtypes.items() if kind == "category"}
    )


EXPIRED, FETCH = ResultType.CERTIFICATE_EXPIRED.value, ResultType.STS_POLICY_FETCH_ERROR.value
KINDS = [kind.value for kind in ResultType]
MX1 = "mx1.nordwind.example"
HOSTILE = (
    "$x^2$", "$\\frac{1}{0}$ and $", "\\$5", "_underscore.example", "a\nb\r\nc\td", "\x1b[31mred\x00\x07", "‮olleh\u200b",
    "<script>alert(1)</script>&amp;", "]]><!--", "m" * 500, "W" * 5000, "見出し.example", "é̵̢̛̀́" * 20, "\U0001f4a5", "{0} %s %(x)s",
    "no MX (policy host, or not given)", "other (3 MX)", "nan", "", " ",
)  # fmt: skip


@dataclass(frozen=True)
class Situation:
    """An archive in which a figure must be readable, and how to ask for it."""

    make: Callable[[], Archive]
    asked: dict[str, object] = field(default_factory=dict)


def _many(names: int, days: int = 40) -> list[Session]:
    return [
        Session(
            day, ((KINDS[n % 11], f"mx{n:02}.nordwind.example", 1 + (7 * n + day) % 50),), reporter=f"Reporter {n:02}"
        )
        for day in range(days)
        for n in range(names)
    ]


SITUATIONS: dict[str, Situation] = {
    "empty": Situation(lambda: archive_of([])),
    "one day": Situation(lambda: archive_of([Session(0, ((EXPIRED, MX1, 12),))])),
    "two days far apart": Situation(lambda: archive_of([Session(0, ((EXPIRED, MX1, 12),)), Session(90, ((FETCH, None, 3),))])),
    "gaps": Situation(lambda: archive_of(Session(d, ((EXPIRED, MX1, d + 1),)) for d in range(60) if d % 7 not in (2, 3))),
    "400 days, 11 types": Situation(
        lambda: archive_of(Session(d, tuple((k, MX1, 1 + (d * (n + 3)) % 97) for n, k in enumerate(KINDS))) for d in range(400))
    ),
    "across a new year": Situation(lambda: archive_of((Session(d, ((EXPIRED, MX1, 5),)) for d in range(20)), date(2025, 12, 20))),
    "one series": Situation(lambda: archive_of(Session(d, ((EXPIRED, MX1, 5 + d),)) for d in range(30))),
    "15 series": Situation(lambda: archive_of(_many(15))),
    "60 series": Situation(lambda: archive_of(_many(60, 10))),
    "all 13 known types and 5 more": Situation(
        lambda: archive_of([Session(0, tuple((k, MX1, 9 + n) for n, k in enumerate([*KINDS, UNATTRIBUTED, UNKNOWN, *"vwxyz"])))])
    ),
    "hostile names": Situation(
        lambda: archive_of(Session(n, ((name or UNKNOWN, name or None, 3 + n),), reporter=name) for n, name in enumerate(HOSTILE))
    ),
    "hostile domain": Situation(lambda: archive_of([Session(0, ((EXPIRED, MX1, 2),), domain="$a$" + "b" * 500)])),
    "no failure": Situation(lambda: archive_of(Session(d) for d in range(30))),
    "no session": Situation(lambda: archive_of(Session(d, good=0) for d in range(3))),
    "only failures": Situation(lambda: archive_of(Session(d, ((EXPIRED, MX1, 4),), good=0) for d in range(5))),
    "only tlsa": Situation(lambda: archive_of([Session(0, (("tlsa-invalid", MX1, 2),), policy_type="tlsa")])),
    "an unknown policy type": Situation(lambda: archive_of([Session(0, ((EXPIRED, MX1, 2),), policy_type="$odd$\n")])),
    "a domain that is not there": Situation(lambda: archive_of([Session()]), {"domain": "suedwind.example"}),
    "days before and after": Situation(
        lambda: archive_of([Session(d, ((EXPIRED, MX1, 2),)) for d in range(9)]), {"period": ("2026-02-20", "2026-03-20")}
    ),
    "counts of 10^12": Situation(lambda: archive_of(Session(d, ((EXPIRED, MX1, 10**12),)) for d in range(4))),
    "a date far off": Situation(
        lambda: archive_of([Session(-15000, ((EXPIRED, MX1, 7),)), *(Session(d, ((EXPIRED, MX1, 1),)) for d in range(9)), Session(2_900_000)])
    ),
}  # fmt: skip


@pytest.fixture(params=SITUATIONS, scope="session")
def situation(request: pytest.FixtureRequest) -> tuple[str, Archive, dict[str, object]]:
    """Each situation in turn: its name, its archive, and what is asked of the figure."""
    case = SITUATIONS[request.param]
    return request.param, case.make(), case.asked


@pytest.fixture(scope="session")
def archive() -> Callable[..., Archive]:
    """`archive_of`."""
    return archive_of


@pytest.fixture(scope="session")
def session() -> type[Session]:
    """`Session`."""
    return Session
