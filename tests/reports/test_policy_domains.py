"""Policy domains that a report leaves out, or gives as an MX host."""

from __future__ import annotations

import json

import pytest

import mtasts_nb as sts


def report(*policies: dict[str, object], day: int = 8, **top: object) -> bytes:
    period = {"start-datetime": f"2026-02-{day:02}T00:00:00Z", "end-datetime": f"2026-02-{day:02}T23:59:59Z"}
    head = {
        "organization-name": "Example Post",
        "contact-info": "tls@post.example",
        "report-id": "1",
        "date-range": period,
    }
    return json.dumps({**head, **top, "policies": policies}).encode()


def element(kind: str, domain: str | None, good: int = 1, **policy: object) -> dict[str, object]:
    named = {} if domain is None else {"policy-domain": domain}
    counts = {"total-successful-session-count": good, "total-failure-session-count": 0}
    return {"policy": {"policy-type": kind, **named, **policy}, "summary": counts}


@pytest.mark.parametrize(
    ("report_id", "domain"),
    [
        pytest.param("2026-02-08T00:00:00Z_nordwind.example", "nordwind.example", id="moment and domain"),
        pytest.param("2026-02-08-Nordwind.example", "nordwind.example", id="day and domain"),
        pytest.param("<nordwind.example_20260208>", "nordwind.example", id="domain and day"),
        pytest.param(
            "post.example!nordwind.example!1770508800!1770595199", "nordwind.example", id="RFC 8460 §5.1: a file name"
        ),
        pytest.param("2026-02-08_post.example", "unknown", id="the reporter's own domain"),
        pytest.param("5065427c-23d3@mail.nordwind.example", "unknown", id="a message id names its sender"),
        pytest.param("nordwind.example", "unknown", id="a name alone may be anybody's"),
        pytest.param("2026-02-08", "unknown", id="no name"),
        pytest.param("2026-02-08_" + "a." * 5000 + "example", "unknown", id="too long for a name"),
    ],
)
def test_a_missing_domain_is_taken_from_the_report_id(report_id: str, domain: str) -> None:
    archive = sts.load(report(element("no-policy-found", None), **{"report-id": report_id}), progress=False)
    assert archive.sessions["policy_domain"].tolist() == [domain]
    [row] = archive.deviations.to_dict("records")
    assert row["field"] == "policies[0].policy.policy-domain"
    assert row["treatment"] == f"absent, taken {'as unknown' if domain == 'unknown' else 'from the report-id'}"


def test_the_file_name_counts_before_the_report_id(tmp_path) -> None:
    file = tmp_path / "post.example!suedwind.example!1770508800!1770595199.json"
    file.write_bytes(report(element("sts", None), **{"report-id": "2026-02-08_nordwind.example"}))
    archive = sts.load(file, progress=False)
    assert archive.sessions["policy_domain"].tolist() == ["suedwind.example"]


LISTED = {"mx-host": ["mx1.nordwind.example", "*.hosts.example"]}


def domains(*reports: bytes) -> list[str]:
    return sts.load(*reports, progress=False).sessions["policy_domain"].tolist()


def test_sessions_under_an_mx_host_count_for_its_domain() -> None:
    """RFC 8460 §4.4: a report is about a domain; TLSA records are about a host."""
    mta_sts = report(element("sts", "nordwind.example", **LISTED))
    hosts = report(element("tlsa", "mx1.nordwind.example", 3), element("tlsa", "mx7.hosts.example", 4), day=9)
    for order in ((mta_sts, hosts), (hosts, mta_sts)):
        archive = sts.load(*order, progress=False)
        assert archive.sessions["policy_domain"].tolist() == ["nordwind.example"] * 3
        rows = archive.deviations[["field", "value"]].to_numpy().tolist()
        assert rows == [
            ["policies[0].policy.policy-domain", "mx1.nordwind.example"],
            ["policies[1].policy.policy-domain", "mx7.hosts.example"],
        ]
        [day] = sts.daily(archive, policy_type="tlsa")["sessions"].unique().tolist()
        assert day == 7


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        pytest.param(
            [report(element("tlsa", "mx1.nordwind.example"))],
            ["mx1.nordwind.example"],
            id="no policy shows whose it is",
        ),
        pytest.param(
            [report(element("sts", "nordwind.example", **LISTED), element("tlsa", "x.y.hosts.example"))],
            ["nordwind.example", "x.y.hosts.example"],
            id="RFC 8461 §4.1: a wildcard is one label",
        ),
        pytest.param(
            [
                report(
                    element("sts", "nordwind.example", **LISTED),
                    element("sts", "suedwind.example", **LISTED),
                    element("tlsa", "a.hosts.example"),
                )
            ],
            ["nordwind.example", "suedwind.example", "a.hosts.example"],
            id="the host of two domains",
        ),
        pytest.param(
            [
                report(
                    element("sts", "nordwind.example", **LISTED),
                    element("sts", "evil.example", **LISTED),
                    element("tlsa", "mx1.nordwind.example"),
                )
            ],
            ["nordwind.example", "evil.example", "nordwind.example"],
            id="of two, the one that it is a name in",
        ),
        pytest.param(
            [
                report(
                    element("sts", "nordwind.example", **LISTED),
                    element("no-policy-found", "mx1.nordwind.example"),
                    element("tlsa", "mx1.nordwind.example"),
                )
            ],
            ["nordwind.example", "mx1.nordwind.example", "mx1.nordwind.example"],
            id="a name that is a mail domain too",
        ),
        pytest.param(
            [report(element("sts", "nordwind.example", **LISTED), element("tlsa", "nordwind.example"))],
            ["nordwind.example", "nordwind.example"],
            id="as it should be",
        ),
    ],
)
def test_what_is_not_surely_an_mx_host_stays(reports: list[bytes], expected: list[str]) -> None:
    assert domains(*reports) == expected
