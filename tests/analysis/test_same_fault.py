"""One fault, reported in several ways: it is over, or seen by few, only if that holds for all of them together."""

from __future__ import annotations

import pytest

from mtasts_nb.analysis import reported

EXPIRED, FAILURE = "certificate-expired", "validation-failure"
NAMELESS, REASON = {"mx": None, "policy_mx": "mx1.nordwind.example"}, {"reason": "certificate has expired"}
ONCE = [(day, "Post", 900, {EXPIRED: 100}) if 10 <= day < 15 else (day, "Post", 1000, {}) for day in range(40)]


def bank(kind: str, start: int = 10, stop: int = 40, **options: object) -> list[tuple[object, ...]]:
    return [
        (day, "Bank", 900, {kind: 100}, options) if start <= day < stop else (day, "Bank", 1000, {})
        for day in range(40)
    ]


@pytest.mark.parametrize(
    ("rest", "state"),
    [
        pytest.param([], "fixed since", id="gone in every way"),
        pytest.param(bank(FAILURE, **REASON), "still reported", id="as the catch-all, with the reason (RFC 8460 §4.3)"),
        pytest.param(bank(FAILURE), "still reported", id="as the catch-all, without a reason"),
        pytest.param(bank("unknown", **NAMELESS), "still reported", id="no type"),
        pytest.param(bank(EXPIRED, **NAMELESS), "still reported", id="no MX name"),
        pytest.param([
            (day, "Bank", 900, {EXPIRED: 100}, {"kind": "tlsa"}) for day in range(10, 40)
        ], "still reported", id="under tlsa"),
        pytest.param(bank(FAILURE, reason="no shared cipher"), "fixed since", id="another reason is another fault"),
        pytest.param(bank(EXPIRED, mx="mx2.nordwind.example"), "fixed since", id="another MX"),
        pytest.param(bank("sts-policy-fetch-error"), "fixed since", id="the policy host"),
        pytest.param(bank(FAILURE, start=25), "fixed since", id="began after it was over"),
        pytest.param(bank(FAILURE, stop=15), "fixed since", id="the other way is over too"),
    ],
)  # fmt: skip
def test_it_is_over_only_if_no_way_of_reporting_it_goes_on(archive_of, rest, state) -> None:
    (group,) = [group for group in reported(archive_of(*ONCE, *rest)) if group.reporters == ("Post",)]
    assert group.state == state
    assert (group.continued is None) == (state == "fixed since")


def test_nobody_is_spared_who_reports_the_same_without_the_mx_name(archive_of) -> None:
    rows = [(day, "Post", 900, {EXPIRED: 100}, NAMELESS) for day in range(5)]
    rows += [(day, f"R{n}", 900, {EXPIRED: 100}) for day in range(5) for n in range(3)]
    groups = reported(archive_of(*rows))
    assert len(groups) == 2
    for group in groups:
        assert group.spared == ()
        assert group.state == "still reported"
        assert len(group.reporters) + len(group.also) == 4
        assert sum(failed for _, failed in group.policies) == group.failed


@pytest.mark.parametrize(
    ("kind", "mode", "effect"),
    [
        ("sts-policy-fetch-error", "none", "no effect"),
        ("sts-policy-fetch-error", "testing", "no effect"),
        ("sts-webpki-invalid", "testing", "no effect"),
        ("sts-webpki-invalid", None, "protection lost"),
        ("sts-policy-fetch-error", "enforce", "protection lost"),
        (EXPIRED, "none", "no effect"),
        (EXPIRED, "enforce", "deferred"),
        (EXPIRED, None, "not known"),
    ],
)
def test_what_it_did_to_mail_by_mode(archive_of, kind, mode, effect) -> None:
    """RFC 8461 §5; a report without a policy-string does not say it."""
    (group,) = reported(archive_of((0, "Post", 0, {kind: 9}, {"mode": mode})))
    assert group.mail == effect
