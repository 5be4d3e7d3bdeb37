"""Outages as an expert sees them: what happened, the reports and the probe of it, and what is to be said at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

import mtasts_nb as sts
from mtasts_nb.diagnosis import Diagnosis, diagnose
from mtasts_nb.probe import Probe
from mtasts_nb.vocabulary import Effect, Level
from tests.diagnosis.test_diagnose_join import report

REPORTERS = ("Aster Post", "Birke Mail", "Clematis Net")
DAYS = 14
NOW, SOON, FINE = Level.ACT_NOW, Level.ACT_SOON, Level.FINE
#: Successes, failures and options of one report.
Row = tuple[int, Mapping[str, int], Mapping[str, Any]]
GOOD: Row = (90, {}, {})


def failing(since: int, result_type: str, count: int = 40, good: int = 0, **options: Any) -> Callable[[int, int], Row]:
    """All reporters fail since so many days."""
    return lambda ago, _who: (good, {result_type: count}, options) if ago <= since else GOOD


def tlsa_not_rolled(ago: int, who: int) -> Row:
    # Only the first validates DANE; the others go by MTA-STS and see a good certificate.
    return (
        (0, {"tlsa-invalid": 40}, {"kind": "tlsa"})
        if not who and ago <= 3
        else (90, {}, {"kind": "sts" if who else "tlsa"})
    )


def one_middlebox(ago: int, who: int) -> Row:
    return (0, {"starttls-not-supported": 40}, {}) if who == 2 and ago <= 4 else GOOD


def one_is_denied(ago: int, who: int) -> Row:
    denied = {"reason": "bad https response code: 403"}
    return (30, {"sts-policy-fetch-error": 30}, denied) if who == 1 and ago <= 5 else GOOD


def fixed(ago: int, who: int) -> Row:
    return (0, {"certificate-expired": 40}, {}) if 4 <= ago <= 7 else GOOD


def record_lost(ago: int, who: int) -> Row:
    return (90, {}, {"kind": "no-policy-found"}) if ago <= 5 else GOOD


def one_without_sts(ago: int, who: int) -> Row:
    return (90, {}, {"kind": "no-policy-found"}) if who == 2 else GOOD


class Said(NamedTuple):
    """What an expert says: how urgent it is, what it does to mail, and the first cause."""

    level: Level
    effect: Effect
    cause: str


HELD, LOST, NOTHING = Effect.DEFERS_MAIL, Effect.DISABLES_PROTECTION, Effect.COSMETIC
OUTAGES = [
    # What happened; the lab's fault at the probe; the reports; with the probe; by the reports alone.
    pytest.param("dane-mismatch", tlsa_not_rolled, Said(NOW, HELD, "dane-tlsa-mismatch"),
                 Said(NOW, HELD, "dane-tlsa-mismatch"), id="a renewal made a new key, the TLSA records are the old ones"),
    pytest.param("mx-certificate-expired", failing(2, "certificate-expired"), Said(NOW, HELD, "mx-certificate-expired"),
                 Said(NOW, HELD, "mx-certificate-expired"), id="a certificate expired at night"),
    pytest.param("policy-certificate-expired", failing(3, "sts-webpki-invalid", 20, 90, reason="certificate has expired"),
                 Said(SOON, LOST, "policy-certificate-expired"), Said(SOON, LOST, "policy-certificate-expired"),
                 id="the policy host's certificate expired, mail flows"),
    pytest.param(None, one_middlebox, Said(NOW, HELD, "sender-path"), Said(NOW, HELD, "mx-starttls-stripped"),
                 id="one sender's firewall inspects SMTP"),
    pytest.param(None, one_is_denied, Said(SOON, LOST, "policy-http-forbidden"), Said(SOON, LOST, "policy-http-forbidden"),
                 id="bot protection denies one sender the policy file"),
    pytest.param(None, fixed, Said(FINE, NOTHING, ""), Said(FINE, NOTHING, ""), id="fixed three days ago"),
    pytest.param("record-missing", record_lost, Said(SOON, LOST, "record-missing"), Said(SOON, LOST, "policy-not-found"),
                 id="the record was lost when the zone moved"),
    pytest.param(None, one_without_sts, Said(Level.WATCH, LOST, "sender-no-policy"), Said(Level.WATCH, LOST, "sender-no-policy"),
                 id="one sender does not do MTA-STS"),
    pytest.param(None, record_lost, Said(Level.WATCH, LOST, "sender-no-policy"), Said(SOON, LOST, "policy-not-found"),
                 id="the record was lost and is back, the reports are of before"),
    pytest.param("mx-certificate-wrong-name", failing(DAYS, "certificate-host-mismatch", mode="testing"), None,
                 Said(SOON, LOST, "mx-certificate-name"), id="the wrong name in testing: delivered anyway"),
]  # fmt: skip


def reports(probe: Probe, row: Callable[[int, int], Row]) -> sts.Archive:
    """The reports of two weeks before the probe."""
    blobs = []
    for ago in range(1, DAYS + 1):
        day = (probe.started.date() - timedelta(days=ago)).isoformat()
        for who, reporter in enumerate(REPORTERS):
            good, failed, options = row(ago, who)
            blobs.append(report(day, reporter, good, failed, **options))
    assert all(json.loads(blob) for blob in blobs)
    return sts.load(*blobs, progress=False)


def said(found: Diagnosis) -> Said:
    verdict = found.verdict
    assert verdict.effect is not None
    return Said(verdict.level, verdict.effect, verdict.cause)


@pytest.mark.parametrize(("fault", "row", "both", "alone"), OUTAGES)
def test_what_is_said_of_an_outage(fault: str | None, row: Any, both: Said | None, alone: Said, look: Any) -> None:
    probe = look(fault)
    archive = reports(probe, row)
    if both is not None:
        assert said(diagnose(probe, archive)) == both
    assert said(diagnose(archive=archive)) == alone


def test_what_a_sender_that_gets_no_policy_does_to_mail(look: Any) -> None:  # RFC 8461 §3.3
    found = diagnose(look(None), reports(look(None), one_is_denied))
    (path,) = (cause for cause in found.causes if cause.code == "sender-path")
    assert path.mail.startswith("No mail is deferred by this.")


def test_a_lost_record_speaks_against_enforce(look: Any) -> None:
    archive = reports(look("record-missing"), record_lost)
    rows = sts.readiness(archive).reasons
    (row,) = rows[rows["topic"] == "Senders without the policy"].to_dict("records")
    assert row["says"] == "against"
    assert "None finds a policy any more" in row["evidence"]
