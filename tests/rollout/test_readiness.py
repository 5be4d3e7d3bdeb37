"""`readiness`: may the domain go on, and every reason that decides it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.errors import PolicyError
from mtasts_nb.lab import Lab
from mtasts_nb.probe import Probe
from mtasts_nb.reports import Archive
from mtasts_nb.rollout import Readiness
from tests import golden

FIRST = date(2026, 3, 1)
DAY = 86_400
MX1, MX2 = "mx1.nordwind.example", "mx2.nordwind.example"
EXPIRED = "certificate-expired"


def report(
    offset: int,
    *,
    good: int = 100,
    failed: Mapping[tuple[str, str], int] | None = None,
    mode: str | None = "testing",
    days: int = 7,
    reporter: str = "Kontor",
    kind: str = "sts",
    domain: str = "nordwind.example",
) -> bytes:
    """One report; failures by result type and MX."""
    when = (FIRST + timedelta(days=offset)).isoformat()
    policy: dict[str, Any] = {"policy-type": kind, "policy-domain": domain}
    if mode and kind == "sts":
        policy["policy-string"] = ["version: STSv1", f"mode: {mode}", f"mx: *.{domain}", f"max_age: {days * DAY}"]
    details = [
        {"result-type": result, "failed-session-count": count, **({"receiving-mx-hostname": mx} if mx else {})}
        for (result, mx), count in (failed or {}).items()
    ]
    summary = {"total-successful-session-count": good, "total-failure-session-count": sum((failed or {}).values())}
    return json.dumps(
        {
            "organization-name": reporter, "contact-info": "tls@post.example", "report-id": f"{reporter} {when} {kind} {domain}",
            "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
            "policies": [{"policy": policy, "summary": summary, "failure-details": details}],
        }
    ).encode()  # fmt: skip


def clean(first: int, last: int, **options: Any) -> list[bytes]:
    return [report(day, **options) for day in range(first, last + 1)]


def judged(blobs: Iterable[bytes], probe: Probe | None = None, **asked: Any) -> Readiness:
    return sts.readiness(sts.load(*blobs, progress=False), probe, **asked)


def says(answer: Readiness) -> dict[str, str]:
    return dict(zip(answer.reasons["topic"], answer.reasons["says"], strict=True))


def evidence(answer: Readiness, topic: str) -> str:
    return str(answer.reasons.set_index("topic").loc[topic, "evidence"])


# -- the phases


@pytest.mark.parametrize(
    ("mode", "days", "target"),
    [
        ("none", 1, ("testing", DAY)),
        ("testing", 1, ("testing", 7 * DAY)),
        ("testing", 7, ("enforce", 7 * DAY)),
        ("testing", 30, ("enforce", 7 * DAY)),
        ("enforce", 1, ("enforce", 7 * DAY)),
        ("enforce", 7, ("enforce", 30 * DAY)),
        ("enforce", 30, (None, None)),
    ],
)
def test_the_next_phase_is_the_default_step(mode: str, days: int, target: tuple[str | None, int | None]) -> None:
    answer = judged(clean(0, 39, mode=mode, days=days))
    assert (answer.policy_mode, answer.max_age) == (mode, days * DAY)
    assert (answer.target_mode, answer.target_max_age) == target
    assert answer.verdict == "yes"


@pytest.mark.parametrize(
    ("mode", "days", "length", "verdict"),
    [
        pytest.param("testing", 1, 13, "not yet", id="13 days of testing"),
        pytest.param("testing", 1, 14, "yes", id="two clean weeks"),
        pytest.param("testing", 7, 13, "not yet", id="13 days of testing, before enforce"),
        pytest.param("testing", 7, 14, "yes", id="two clean weeks, before enforce"),
        pytest.param("enforce", 7, 29, "not yet", id="29 days of enforce"),
        pytest.param("enforce", 7, 30, "yes", id="a clean month of enforce"),
    ],
)
def test_how_many_clean_days(mode: str, days: int, length: int, verdict: str) -> None:
    assert judged(clean(0, length - 1, mode=mode, days=days)).verdict == verdict


def test_days_count_from_the_change_of_mode_not_of_max_age() -> None:
    longer = judged([*clean(0, 9, days=1), *clean(10, 15, days=7)])
    assert longer.verdict == "yes"
    enforced = judged([*clean(0, 39), *clean(40, 59, mode="enforce")])
    assert enforced.verdict == "not yet"
    assert "too few before 2026-05-10" in evidence(enforced, "Days of reports")


def test_another_step_and_other_thresholds_can_be_asked_for() -> None:
    blobs = clean(0, 9)
    assert judged(blobs, clean_days=10).verdict == "yes"
    asked = judged(blobs, mode="testing", max_age=30 * DAY)
    assert (asked.target_mode, asked.target_max_age, asked.verdict) == ("testing", 30 * DAY, "not yet")
    back = judged(clean(0, 9, mode="enforce"), mode="testing")
    assert back.verdict == "yes"  # no mail is deferred in testing (RFC 8461 §5)


# -- what the reports say


def test_days_without_a_report_are_unknown_not_clean() -> None:
    few = [blob for day, blob in enumerate(clean(0, 13)) if day in (0, 3, 5, 7, 9, 13)]
    answer = judged(few)
    assert answer.verdict == "cannot tell"
    assert evidence(answer, "Days of reports") == "6 days with a report of the last 14 days, up to 2026-03-14."
    assert judged(few, coverage=0.4).verdict == "yes"


def test_too_few_sessions_tell_nothing() -> None:
    answer = judged(clean(0, 13, good=7))
    assert answer.verdict == "cannot tell"
    assert says(answer)["Sessions under MTA-STS"] == "cannot tell"
    assert judged(clean(0, 13, good=7), min_sessions=98).verdict == "yes"


def test_an_incident_in_these_days_speaks_against_it_and_one_before_does_not() -> None:
    def world(at: int) -> list[bytes]:
        return [report(d, failed={(EXPIRED, MX1): 60} if at <= d < at + 3 else None) for d in range(60)]

    answer = judged(world(50))
    assert answer.verdict == "not yet"
    assert evidence(answer, "Incidents at an MX") == (
        "certificate-expired at mx1.nordwind.example, 2026-04-20 to 2026-04-22: 180 failed sessions."
    )
    assert judged(world(30)).verdict == "yes"
    assert judged(world(50), until="2026-04-19").verdict == "yes"


def test_time_outs_of_any_day_do_not_but_steady_failure_does() -> None:
    noise = [report(d, good=999, failed={("validation-failure", MX1): 1}) for d in range(40)]
    assert judged(noise).verdict == "yes"
    steady = [report(d, good=90, failed={("validation-failure", MX1): 5}) for d in range(40)]
    answer = judged(steady)
    assert answer.verdict == "not yet"
    assert says(answer)["Failures at the MX hosts"] == "against"
    assert (
        evidence(answer, "Failures at the MX hosts") == "70 of 1,330 sessions failed (5.3 %): mx1.nordwind.example 70."
    )


def test_failures_on_the_policy_host_defer_no_mail_but_while_they_last_no_step_reaches_the_senders() -> None:
    def world(first: int, last: int) -> list[bytes]:
        gone = {("sts-policy-fetch-error", ""): 4}
        return [report(d, failed=gone if first <= d <= last else None) for d in range(40)]

    over, lasting = judged(world(30, 33)), judged(world(36, 39))
    assert (over.verdict, says(over)["Policy host"]) == ("yes", "note")
    assert "last on 2026-04-03." in evidence(over, "Policy host")
    assert (lasting.verdict, says(lasting)["Policy host"]) == ("not yet", "against")
    assert lasting.by_mx.empty
    assert lasting.would_defer.empty


def test_what_enforce_would_have_deferred() -> None:
    blobs = clean(0, 20)
    blobs += [report(21, good=0, failed={(EXPIRED, MX1): 30, (EXPIRED, MX2): 12})]
    blobs += [report(21, good=50, failed={(EXPIRED, MX1): 9}, reporter="Bank")]
    blobs += [report(22, good=80, failed={("sts-webpki-invalid", ""): 20})]
    answer = judged(blobs)
    assert answer.would_defer.drop(columns="day").to_numpy().tolist() == [
        ["Bank", "possibly delayed", 9, 59, MX1],
        ["Kontor", "deferred", 42, 42, f"{MX1}\n{MX2}"],
    ]
    text = evidence(answer, "Deferred by enforce")
    assert text.startswith(
        "Up to 42 sessions from Kontor, on 1 day on which every session of that sender failed. Perhaps"
    )
    assert "9 failed sessions from Bank" in text
    assert answer.by_mx[["receiving_mx_hostname", "failed"]].to_numpy().tolist() == [[MX1, 39], [MX2, 12]]


FAILED = "validation-failure"


@pytest.mark.parametrize(
    ("small", "says_so", "verdict"),
    [
        pytest.param([report(d, good=0, failed={(EXPIRED, MX1): 2}, reporter="Small") for d in range(5, 20)], "against", "not yet", id="it always fails"),
        pytest.param([report(d, good=0, failed={(FAILED, ""): 1}, reporter="Small") for d in (9, 12, 15)], "against", "not yet", id="no MX named"),
        pytest.param([report(d, good=1, failed={(FAILED, MX1): 1}, reporter="Small") for d in range(5, 20)], "against", "not yet", id="half of its sessions"),
        pytest.param([report(d, good=0, failed={("unattributed", ""): 2}, reporter="Small") for d in range(5, 20)], "cannot tell", "not yet",
                     id="it does not say what fails"),
        pytest.param([report(9, good=0, failed={(FAILED, MX1): 1}, reporter="Small")], None, "yes", id="one time-out"),
        pytest.param([report(d, good=9, failed={(FAILED, MX1): 1}, reporter="Small") for d in range(5, 20)], None, "yes", id="a tenth of its sessions"),
        pytest.param([report(d, good=0, failed={("sts-policy-fetch-error", ""): 2}, reporter="Small") for d in range(5, 12)], None, "yes", id="the policy host"),
    ],
)  # fmt: skip
def test_a_small_sender_that_cannot_deliver_is_seen(small: list[bytes], says_so: str | None, verdict: str) -> None:
    answer = judged([*clean(0, 19, good=5000), *small])
    assert says(answer).get("Senders that cannot deliver") == says_so
    assert answer.verdict == verdict
    assert ("Small" in evidence(answer, "Senders that cannot deliver")) if says_so else True


@pytest.mark.parametrize(
    ("host", "days", "verdict"),
    [
        pytest.param("mx9.suedwind.example", (8, 11, 17), "not yet", id="outside, a few sessions a week"),
        pytest.param("a.b.nordwind.example", (8,), "not yet", id="4.1: the wildcard stands for one label"),
        pytest.param("MX2.Nordwind.Example.", (8, 11, 17), "yes", id="covered, written in another way"),
        pytest.param("[192.0.2.1]", (8,), "yes", id="no host name"),
        pytest.param("mx9.suedwind.example", (2, 4), "yes", id="before these days"),
    ],
)
def test_an_mx_outside_the_policy_is_seen_however_few_its_sessions(  # RFC 8461 §4.1
    host: str, days: tuple[int, ...], verdict: str
) -> None:
    blobs = [report(d, good=5000, failed={(FAILED, host): 1} if d in days else None) for d in range(20)]
    answer = judged(blobs)
    assert answer.verdict == verdict
    assert ("MX hosts outside the policy" in says(answer)) == (verdict != "yes")


def test_reports_without_a_policy_string_are_no_yes() -> None:
    blind = judged(clean(0, 39, mode=None))
    assert (blind.verdict, blind.policy_mode, blind.policy_observed) == ("cannot tell", None, False)
    assert blind.sentences[0].startswith("Cannot tell: nordwind.example from a policy that was not observed to")
    # One who names the policy in few sessions does not speak for those who do not.
    mixed = judged([*clean(0, 19, good=2), *clean(0, 19, good=5000, mode=None, reporter="Blind")])
    assert mixed.verdict == "cannot tell"
    assert "70,000 more sessions in reports that do not say which policy" in evidence(mixed, "Sessions under MTA-STS")
    # But their failures count.
    fails = [report(d, good=0, failed={(EXPIRED, MX1): 9}, mode=None, reporter="Blind") for d in range(20)]
    assert judged([*clean(0, 19, good=5000), *fails]).verdict == "not yet"
    # No policy at all is known to be none.
    none = judged(clean(0, 19, kind="no-policy-found"))
    assert (none.verdict, none.policy_observed, none.target_mode) == ("yes", True, "testing")


def test_what_is_not_known_is_not_told_as_perhaps_nothing() -> None:
    blobs = [report(d, good=0, failed={("unattributed", ""): 5}, reporter="Dark") for d in (10, 11)]
    text = evidence(judged([*clean(0, 19), *blobs]), "Deferred by enforce")
    assert "Not known for 10 failed sessions from Dark" in text
    assert "Perhaps" not in text


def test_while_no_policy_is_seen_only_senders_with_a_cached_one_may_defer() -> None:
    gone = {("sts-policy-fetch-error", ""): 4}
    blobs = [report(d, failed=gone if d == 36 else None, mode="enforce") for d in range(40)]
    blobs += clean(0, 39, mode="testing", reporter="Late")
    text = evidence(judged(blobs), "Policy host")
    assert text.endswith("Of the reporters only Kontor may have a policy in enforce cached.")


@pytest.mark.parametrize(
    "blobs",
    [
        pytest.param([], id="empty"),
        pytest.param([report(0)], id="one day"),
        pytest.param([report(0, mode=None)], id="no policy-string"),
        pytest.param([report(0, kind="no-policy-found")], id="no policy found"),
        pytest.param([report(0, kind="tlsa")], id="tlsa alone"),
        pytest.param([report(0, good=0)], id="no session"),
        pytest.param([report(0, days=0)], id="a max_age of 0"),
        pytest.param([report(0, mode="")], id="no mode"),
        pytest.param([report(0, mode="strict")], id="an unknown mode"),
        pytest.param([report(0, domain="suedwind.example")], id="another domain"),
        pytest.param([report(d, domain="") for d in range(3)], id="no domain"),
    ],
)
@pytest.mark.parametrize("policy", [None, "nonsense"])
def test_nothing_crashes_on_little(blobs: list[bytes], policy: str | None) -> None:
    source = sts.load(*blobs, progress=False) if blobs else Archive()
    domain = "nordwind.example"
    text = policy or f"version: STSv1\nmode: enforce\nmx: {MX1}\nmax_age: 86400\n"
    for moment in (pd.Timestamp("2026-03-02", tz="Asia/Tokyo"), pd.Timestamp("2026-03-02")):
        for name, plan in (
            ("rollback", lambda now: sts.plan_rollback(text, None, 300, None, source, domain=domain, now=now)),
            ("removal", lambda now: sts.plan_removal(text, None, 300, None, source, domain=domain, now=now)),
            ("move", lambda now: sts.plan_mx_migration(text, None, 300, [MX2], None, source, domain=domain, now=now)),
        ):
            if policy == "nonsense":
                with pytest.raises(PolicyError):
                    plan(lambda at=moment: at)
            else:
                assert str(plan(lambda at=moment: at)), name
    answer = sts.readiness(source, domain=domain)
    assert str(answer)
    assert answer._repr_html_()
    history = sts.policy_history(source, domain)
    assert str(history)
    assert len(history.enforcing(pd.Timestamp("2026-03-02"))) <= 1
    assert history.curve().empty


def test_what_other_policy_types_show_is_noted() -> None:
    blobs = clean(0, 20)
    blobs += [report(20, kind="tlsa", failed={("tlsa-invalid", MX1): 40}, reporter="Dane")]
    blobs += [report(20, kind="no-policy-found", good=3, reporter="Blind")]
    answer = judged(blobs)
    assert answer.verdict == "yes"
    assert evidence(answer, "DANE").startswith("40 failed sessions from Dane under tlsa")
    assert evidence(answer, "Senders without the policy").startswith("3 sessions from Blind under no-policy-found")
    assert set(answer.senders["policy_type"]) == {"sts", "tlsa", "no-policy-found"}


def test_who_still_applies_an_older_policy_is_named() -> None:
    blobs = clean(0, 40, reporter="Slow") + clean(0, 19) + clean(20, 40, mode="enforce")
    answer = judged(blobs, clean_days=20)
    assert "Slow" in evidence(answer, "Older policy")


@pytest.mark.parametrize(
    ("until", "verdict", "step"),
    [
        pytest.param(
            "2026-07-17", "yes", ("testing", 7 * DAY), id="two clean weeks, and the policy changed the day after"
        ),
        pytest.param("2026-08-01", "not yet", ("enforce", 7 * DAY), id="STARTTLS stripped until the day before"),
        pytest.param("2026-09-13", "yes", ("enforce", 30 * DAY), id="a month in enforce without a fault at an MX"),
        pytest.param(None, "yes", (None, None), id="nothing left to do"),
    ],
)
def test_the_sample_step_by_step(
    sample: Archive, until: str | None, verdict: str, step: tuple[str | None, int | None]
) -> None:
    answer = sts.readiness(sample, domain="nordwind.example", until=until)
    assert (answer.verdict, answer.target_mode, answer.target_max_age) == (verdict, *step)


def test_the_sample_days_after_a_rollback(sample: Archive) -> None:
    answer = sts.readiness(sample, domain="suedwind.example", until="2026-09-09")
    assert (answer.policy_mode, answer.verdict) == ("testing", "not yet")
    # The certificate of its only MX had expired, in enforce.
    before = sts.readiness(sample, domain="suedwind.example", until="2026-09-07")
    assert evidence(before, "Deferred by enforce").startswith("Up to 1,572 sessions from ")


# -- with a probe


@pytest.fixture(scope="module")
def probes() -> dict[str, Probe]:
    probes = {}
    for fault in (None, "mx-certificate-expired", "policy-http-404"):
        with Lab(fault) as lab:
            probes[fault or "well"] = sts.probe("nordwind.example", lab.settings)
    return probes


def since(probe: Probe, **more: Any) -> list[bytes]:
    """Forty clean days up to the day before a probe, under the policy that it saw."""
    last = (probe.started.date() - FIRST).days - 1
    return clean(last - 39, last, mode="enforce", **more)


def test_a_probe_without_errors_speaks_for_it(probes: Mapping[str, Probe]) -> None:
    answer = judged(since(probes["well"]), probes["well"])
    assert answer.verdict == "yes"
    assert {"Probe": "for", "A sender in enforce": "for"}.items() <= says(answer).items()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("mx-certificate-expired", "a message is deferred"),
        ("policy-http-404", "find no policy"),
    ],
)
def test_what_a_probe_finds_now_outweighs_clean_weeks(probes: Mapping[str, Probe], fault: str, words: str) -> None:
    answer = judged(since(probes[fault]), probes[fault])
    assert answer.verdict == "not yet"
    assert says(answer)["Probe"] == "against"
    assert words in evidence(answer, "A sender in enforce")


def test_reports_that_end_long_before_the_probe_leave_it_open(probes: Mapping[str, Probe]) -> None:
    probe = probes["well"]
    last = (probe.started.date() - FIRST).days - 5
    blobs = clean(last - 39, last, mode="enforce")
    answer = judged(blobs, probe)
    assert answer.verdict == "cannot tell"
    assert evidence(answer, "Reports up to date").endswith(
        f"5 days before the probe of {probe.started:%Y-%m-%d %H:%M} UTC."
    )
    assert judged(blobs, probe, stale_days=5).verdict == "yes"


def test_a_mode_that_reports_do_not_show_yet_has_no_clean_days(probes: Mapping[str, Probe]) -> None:
    probe = probes["well"]
    last = (probe.started.date() - FIRST).days - 1
    answer = judged(clean(last - 39, last, mode="testing"), probe)
    assert (answer.policy_mode, answer.verdict) == ("enforce", "not yet")
    assert evidence(answer, "Days of reports").startswith("No report yet")


def test_what_the_probe_could_not_see_leaves_it_open(probes: Mapping[str, Probe]) -> None:
    from dataclasses import replace

    closed = replace(probes["well"], port_25_closed=True)
    answer = judged(since(closed), closed)
    assert answer.verdict == "cannot tell"
    assert "port 25" in evidence(answer, "MX hosts observed")


def test_a_probe_alone_cannot_tell(probes: Mapping[str, Probe]) -> None:
    answer = sts.readiness(Archive(), probes["well"])
    assert (answer.domain, answer.verdict) == ("nordwind.example", "cannot tell")


# -- what it looks like


def test_what_it_says() -> None:
    texts = {
        "two clean weeks": judged(clean(0, 13)),
        "one report": judged(clean(0, 0, good=200)),
        "three days of failures": judged([report(d, failed={(EXPIRED, MX1): 50}) for d in range(3)]),
        "no report": sts.readiness(Archive(), domain="nordwind.example"),
    }
    golden.check(Path(__file__).with_name("readiness.txt"), texts)


def test_tables_keep_their_columns_and_types_without_rows() -> None:
    full = judged([*clean(0, 20), report(21, failed={(EXPIRED, MX1): 30})])
    none = sts.readiness(Archive(), domain="nordwind.example")
    for name in ("reasons", "by_mx", "would_defer", "senders"):
        assert getattr(none, name).dtypes.astype(str).to_dict() == getattr(full, name).dtypes.astype(str).to_dict(), (
            name
        )
    assert none._repr_html_()
    assert none.reasons["says"].tolist()[0] == "cannot tell"


def test_what_decides_comes_first() -> None:
    order = {"against": 0, "cannot tell": 1, "for": 2, "note": 3}
    answer = judged([report(d, failed={(EXPIRED, MX1): 50}) for d in range(3)])
    ranks = answer.reasons["says"].map(order)
    assert ranks.is_monotonic_increasing


def test_hostile_text_is_shown_as_text() -> None:
    evil = "<script>alert(1)</script>"
    blobs = [report(d, good=1, failed={(evil, evil): 50}, reporter=evil, domain="nordwind.example") for d in range(9)]
    answer = judged(blobs)
    assert "<script" not in answer._repr_html_()
    assert evil in str(answer)
    assert "\x1b" not in str(judged([report(0, reporter="\x1b[31m")]))


def test_only_the_domain_asked_for_counts() -> None:
    bad = [report(d, failed={(EXPIRED, MX1): 80}, domain="suedwind.example") for d in range(20)]
    both = sts.load(*clean(0, 19), *bad, progress=False)
    assert sts.readiness(both, domain="Nordwind.Example.").verdict == "yes"
    assert sts.readiness(both, domain="suedwind.example").verdict == "not yet"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "the reports are about nordwind.example, suedwind.example: name one with domain="),
        ({"domain": "nordwind.example", "coverage": 1.5}, "coverage is 1.5"),
        ({"domain": "nordwind.example", "max_failed_share": -1}, "max_failed_share is -1"),
        ({"domain": "nordwind.example", "clean_days": -1}, "clean_days is -1"),
        ({"domain": "nordwind.example", "mode": "strict"}, "mode is 'strict'"),
    ],
)
def test_what_cannot_be_asked(asked: dict[str, Any], expected: str) -> None:
    both = sts.load(report(0), report(0, domain="suedwind.example"), progress=False)
    with pytest.raises(ValueError, match=expected):
        sts.readiness(both, **asked)


def test_a_probe_of_another_domain(probes: Mapping[str, Probe]) -> None:
    with pytest.raises(ValueError, match="the probe is of nordwind"):
        sts.readiness(Archive(), probes["well"], "suedwind.example")


def test_days_are_utc_and_until_includes_its_day() -> None:
    answer = judged(clean(0, 20), until=pd.Timestamp("2026-03-14T23:59", tz="UTC"))
    assert answer.last_day == date(2026, 3, 14)
