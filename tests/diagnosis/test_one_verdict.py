"""Level, effect on mail, cause and confidence are the same for all who show them, and no text claims more than they do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import pytest

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.check import Kind, observe
from mtasts_nb.cli import main
from mtasts_nb.lab import FAULTS
from mtasts_nb.postmortem import open_case
from mtasts_nb.sender import simulate
from mtasts_nb.vocabulary import (
    Confidence,
    Effect,
    Level,
    ResultType,
    Verdict,
    cause_clause,
    verdict_sentence,
)
from tests.archive_of import report_of

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DOMAIN = "nordwind.example"
ONE_PROBE = [name for name in FAULTS if name != "policy-changed-same-id"]
REPORTED = [name for name in ONE_PROBE if FAULTS[name].result_type is not None]
URGENT = (Level.ACT_NOW, Level.ACT_SOON)


def core(verdict: Verdict) -> tuple[object, ...]:
    return verdict.level, verdict.effect, verdict.cause, verdict.confidence, verdict.title, verdict.mx


def words(text: object) -> str:
    return " ".join(str(text).split())


def claim(verdict: Verdict) -> str:
    return cause_clause(verdict.title, verdict.confidence)


# -- by a probe


@pytest.mark.parametrize("name", ONE_PROBE)
def test_probe_diagnose_check_and_explain_agree_on_a_fault(name, look):
    probe = look(name)
    verdict, diagnosis = probe.verdict, sts.diagnose(probe)
    assert core(diagnosis.verdict) == core(verdict)
    assert verdict.level is not Level.FINE
    assert verdict.level.value in repr(probe)
    sentence = words(verdict_sentence(verdict))
    assert sentence in words(probe)
    assert sentence in words(diagnosis)
    problems = observe(None, [probe], now=NOW).problems
    levels = [problem.level for problem in problems if problem.kind is Kind.FINDING]
    if verdict.level in URGENT:
        assert min(levels, key=lambda level: level.rank) is verdict.level
    else:
        assert not set(levels) & set(URGENT)
    if not verdict.cause:
        return
    row = diagnosis.to_frame().set_index("code").loc[verdict.cause]
    assert (row["title"], row["confidence"]) == (verdict.title, verdict.confidence)
    assert row["effect"] == (verdict.effect.value if verdict.effect else "not known")
    explained = sts.explain(verdict.cause)
    if explained.causes:
        assert explained.causes[0].walk.cause.code == verdict.cause or explained.finding == verdict.cause


# -- by reports


def assert_agree(archive, domain: str, verdict: Verdict, problems) -> None:
    """All who show a verdict by these reports show this one."""
    own = analysis.narrow(archive, domain)
    diagnosis, case = sts.diagnose(archive=own), open_case(own)
    assert core(diagnosis.verdict) == core(verdict), domain
    assert core(case.verdict) == core(verdict), domain
    opening, heading = words(case.opening()), words(case.heading())
    assert verdict.level.value in opening
    if verdict.cause:
        assert claim(verdict) in f"{opening} {heading}"
    if case.top is not None and verdict.cause and verdict.confidence is not Confidence.HIGH:
        assert verdict.title not in heading  # a title has no room for a doubt
    table = diagnosis.to_frame()[["code", "title", "confidence", "state", "effect"]]  # notebook 04
    if verdict.cause in set(table["code"]):
        first = table.iloc[0]
        assert (first["title"], first["effect"]) == (
            verdict.title,
            verdict.effect.value if verdict.effect else "not known",
        )
        assert verdict.confidence is None or first["confidence"] == verdict.confidence
    if case.main_cause is not None and case.main_cause.code == verdict.cause:  # notebook 06
        assert (case.main_cause.confidence, case.main_cause.effect) == (verdict.confidence, verdict.effect)
        assert claim(verdict).lower() in words(case.cause()).lower()
    for problem in problems:
        if problem.domains == (domain,) and problem.kind is Kind.INCIDENT and problem.ongoing:
            urgent = problem.certain and verdict.level in URGENT
            assert problem.level is (verdict.level if urgent else Level.WATCH)


@pytest.fixture(scope="module")
def of_all_faults(look):
    """Reports of one day on every fault that is reported, each at a domain of its own."""
    return sts.load(*(_blob(look, name) for name in REPORTED), progress=False, workers=1)


def _blob(look, name: str) -> bytes:
    return json.dumps(simulate(look(name)).report()).replace(DOMAIN, f"{name}.example").encode()


@pytest.fixture(scope="module")
def shown_of_all(of_all_faults) -> tuple[Mapping[str, Verdict], tuple]:
    return analysis.reported_verdicts(of_all_faults), observe(of_all_faults, now=NOW).problems


@pytest.mark.parametrize("name", REPORTED)
def test_load_diagnose_page_check_and_notebooks_agree_on_the_report_of_a_fault(name, of_all_faults, shown_of_all):
    verdicts, problems = shown_of_all
    verdict = verdicts[f"{name}.example"]
    assert verdict.level is not Level.FINE
    assert_agree(of_all_faults, f"{name}.example", verdict, problems)


@cache
def _archive(*blobs: bytes):
    return sts.load(*blobs, progress=False, workers=1)


def days(first: int, last: int, good: int, failed: Mapping[str, int], **options) -> list[tuple]:
    return [(day, "Post", good, failed, options) for day in range(first, last)]


EXPIRED, FETCH = {"certificate-expired": 60}, {"sts-policy-fetch-error": 60}
#: `test_verdict` has small archives of other kinds.
MORE = {
    "fetch error without a reason": [*days(0, 20, 100, {}), *days(20, 24, 40, FETCH)],
    "fetch error with a reason": [*days(0, 20, 100, {}), *days(20, 24, 40, FETCH, reason="404")],
    "over": [*days(0, 20, 100, {}), *days(20, 24, 0, EXPIRED), *days(24, 34, 100, {})],
    "no policy string": days(0, 3, 10, EXPIRED, mode=None),
    "testing": days(0, 3, 10, EXPIRED, mode="testing"),
    "delayed at most": [*days(0, 20, 100, {}), *days(20, 24, 90, EXPIRED)],
    "no policy, for anyone": days(0, 20, 100, {}, kind="no-policy-found"),
    "no policy any more": [*days(0, 20, 100, {}), *days(20, 30, 100, {}, kind="no-policy-found")],
    "dane": [*days(0, 20, 100, {}, kind="tlsa"), *days(20, 24, 0, {"tlsa-invalid": 60}, kind="tlsa")],
}


@pytest.mark.parametrize("rows", MORE.values(), ids=MORE)
def test_all_agree_on_an_archive(rows):
    archive = _archive(*(report_of(*row) for row in rows))
    problems = observe(archive, now=NOW).problems
    for domain, verdict in analysis.reported_verdicts(archive).items():
        if verdict.level is not Level.NOT_KNOWN:
            assert_agree(archive, domain, verdict, problems)


@pytest.mark.parametrize("name", [each.value for each in ResultType])
def test_explain_names_the_cause_that_a_bare_report_has(name):
    """A result type alone, without policy, host or reason: the same first cause, with the same confidence."""
    kind = "tlsa" if ResultType(name).needs_dane else "sts"
    archive = _archive(report_of(0, "Post", 0, {name: 50}, {"mode": None, "kind": kind}))
    verdict, explained = analysis.reported_verdicts(archive)[DOMAIN], sts.explain(name).causes[0]
    assert (verdict.cause, verdict.confidence) == (explained.code, explained.confidence)


# -- in right words


def verdict_of(rows: list[tuple]) -> Verdict:
    return analysis.reported_verdicts(_archive(*(report_of(*row) for row in rows)))[DOMAIN]


def test_a_cause_that_is_not_certain_is_named_as_probable():
    verdict = verdict_of(MORE["fetch error without a reason"])
    assert verdict.confidence is Confidence.MEDIUM
    assert "; probable cause: The policy file is missing" in verdict_sentence(verdict)
    case = open_case(_archive(*(report_of(*row) for row in MORE["fetch error without a reason"])))
    assert words(case.heading()).startswith("Policy could not be fetched: nordwind.example")
    assert "Why Probable cause: The policy file is missing." in words(case.facts())
    certain = verdict_of(MORE["fetch error with a reason"])
    assert certain.confidence is Confidence.HIGH
    assert "(nordwind.example): The policy file is missing" in verdict_sentence(certain)


def test_without_a_failure_there_is_no_noise():
    quiet, noisy = days(0, 20, 100, {}), [*days(0, 20, 1000, {}), *days(20, 21, 1000, {"validation-failure": 1})]
    assert verdict_sentence(verdict_of(quiet)).endswith("; reports show no failure.")
    assert verdict_sentence(verdict_of(noisy)).endswith("; reports show only background noise.")
    for rows, text in ((quiet, "Reports show no failure."), (noisy, "Reports show only background noise.")):
        assert text in words(sts.diagnose(archive=_archive(*(report_of(*row) for row in rows))))


def test_what_no_sender_protects_is_not_fine():
    """RFC 8460 §4.4: the sessions are counted as successes, and nothing was checked."""
    archive = _archive(*(report_of(*row) for row in MORE["no policy, for anyone"]))
    verdict = verdict_of(MORE["no policy, for anyone"])
    assert (verdict.level, verdict.effect, verdict.cause) == (
        Level.ACT_SOON,
        Effect.DISABLES_PROTECTION,
        "policy-not-found",
    )
    assert "mail is not protected" in verdict_sentence(verdict)
    assert "Senders find no policy for nordwind.example, so mail to it is not protected." in words(
        analysis.story(archive)
    )
    some = [*days(0, 20, 100, {}), (19, "Kontor", 5, {}, {"kind": "no-policy-found"})]
    assert (verdict_of(some).level, verdict_of(some).cause) == (Level.WATCH, "sender-no-policy")
    dane = [
        *days(0, 20, 100, {}, kind="tlsa"),
        *[(day, "Kontor", 5, {}, {"kind": "no-policy-found"}) for day in range(20)],
    ]
    assert verdict_of(dane).level is Level.FINE  # a sender without DANE finds none where there is only DANE


@pytest.mark.parametrize(
    ("name", "cause", "level"),
    [(None, "sender-no-policy", Level.WATCH), ("record-missing", "record-missing", Level.ACT_SOON)],
)
def test_a_probe_says_whether_there_is_a_policy_that_no_sender_finds(name, cause, level, look):
    archive = _archive(*(report_of(*row) for row in MORE["no policy, for anyone"]))
    diagnosis = sts.diagnose(look(name), archive)
    assert (diagnosis.verdict.level, diagnosis.verdict.cause) == (level, cause)
    assert "policy-not-found" not in {each.code for each in diagnosis.causes}


def test_what_is_over_is_told_as_over():
    diagnosis = sts.diagnose(archive=_archive(*(report_of(*row) for row in MORE["over"])))
    text = words(diagnosis)
    assert "1. Over: The certificate of an MX host has expired" in text
    assert "What it did to mail Mail was deferred." in text
    assert "What fixes it Renew the certificate" in text
    assert "What to do now" not in text
    assert "Effect on mail" not in text


def test_no_cause_is_shown_as_cosmetic(look):
    """A backup that fails changes nothing for mail now; the word is for the data, not for people."""
    probe = look("backup-certificate-expired")
    diagnosis = sts.diagnose(probe)
    assert Effect.COSMETIC in {cause.effect for cause in diagnosis.causes}
    for view in (diagnosis, probe.findings):
        assert "cosmetic" not in words(view).lower()
        assert "defers no mail now" in words(view).lower()


def test_the_most_urgent_incident_leads_the_story_the_page_and_the_postmortem():
    """One that is over ended last and is the largest; the open one defers mail, and is smaller."""
    rows = [
        *days(0, 28, 1000, {}, domain="a.example"),
        *days(28, 30, 100, {"sts-policy-fetch-error": 900}, domain="a.example"),
        *days(0, 26, 100, {}, domain="b.example"),
        *days(26, 30, 0, EXPIRED, domain="b.example"),
    ]  # fmt: skip
    archive = _archive(*(report_of(*row) for row in rows))
    incidents = sts.find_incidents(archive)
    assert incidents.sort_values("failed_session_count").iloc[-1]["policy_domain"] == "a.example"
    first = analysis.most_urgent(incidents, analysis.cells(archive)).iloc[0]
    assert first["policy_domain"] == "b.example"
    assert "The most urgent: From 2026-03-27 on, 240 of 240 sessions under MTA-STS for b.example" in words(
        analysis.story(archive)
    )
    for period in ("latest incident", None):
        case = open_case(archive, period=period)
        assert case.domain == "b.example"
        assert "b.example" in words(case.opening())


def test_load_counts_the_domains_that_are_fine(tmp_path, capsys):
    rows = [report_of(0, "Post", 5, {}, {"domain": f"fine{number}.example"}) for number in range(40)]
    rows += [
        report_of(0, "Post", 0, EXPIRED, {"domain": "z-now.example"}),
        report_of(0, "Post", 40, FETCH, {"domain": "y-soon.example"}),
    ]
    for number, blob in enumerate(rows):
        (tmp_path / f"{number}.json").write_bytes(blob)
    assert main(["load", str(tmp_path)]) == 0
    printed = words(capsys.readouterr().out)
    assert "No problems found with 40 policy domains." in printed
    assert printed.index("z-now.example") < printed.index("y-soon.example") < printed.index("40 policy domains")
    assert not [number for number in range(3, 40) if f"fine{number}.example" in printed]


DANE_ONLY = "Mail from senders that validate DANE is deferred or bounced"


def test_a_fault_that_only_senders_that_validate_dane_see_is_said_to_be_theirs(look):
    """RFC 7672 §2.2: to others, the TLSA records mean nothing."""
    assert verdict_sentence(look("dane-mismatch").verdict).startswith(DANE_ONLY)
    (verdict,) = analysis.reported_verdicts(_archive(*(report_of(*row) for row in MORE["dane"]))).values()
    assert verdict_sentence(verdict).startswith(DANE_ONLY)


def test_a_fault_that_all_see_is_not_theirs_alone(look):
    assert not look("mx-certificate-expired").verdict.dane_only
    others = [*MORE["dane"], *days(20, 24, 0, EXPIRED)]
    (verdict,) = analysis.reported_verdicts(_archive(*(report_of(*row) for row in others))).values()
    assert not verdict.dane_only
    assert verdict_sentence(verdict).startswith("Mail is deferred or bounced")
