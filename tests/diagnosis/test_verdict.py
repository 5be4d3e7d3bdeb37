"""One verdict: probe, reports, diagnosis, `load` and document show the same; no finding is dropped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.cli import main
from mtasts_nb.diagnosis import diagnose
from mtasts_nb.knowledge import causes, finding_texts
from mtasts_nb.lab import FAULTS, Lab
from mtasts_nb.postmortem import open_case
from mtasts_nb.sender import simulate
from mtasts_nb.vocabulary import Finding, Findings, Level, Severity, verdict_sentence
from tests.analysis.test_tables import ARCHIVES
from tests.archive_of import report_of
from tests.fleet.scenarios import scenario

ONE_PROBE = [name for name in FAULTS if name != "policy-changed-same-id"]


REPORTED = [name for name in ONE_PROBE if FAULTS[name].result_type is not None]
#: One fault for each result type and cause.
OF_EACH_CAUSE = list(
    {
        (FAULTS[name].result_type, finding_texts()[FAULTS[name].expects[0]].cause): name for name in reversed(REPORTED)
    }.values()
)


def core(verdict):
    return verdict.level, verdict.effect, verdict.cause, verdict.mx, verdict.confidence


def words(text: object) -> str:
    return " ".join(str(text).split())


def assert_document_shows(case, verdict):
    """The page's first screen has the level, and the cause: in the title, or in a sentence of its own."""
    start = case.opening()
    assert start.level is verdict.level
    assert verdict.level.value in words(start)
    if start.verdict is None and verdict.cause:
        assert verdict.level is Level.FINE or verdict.title in words(case.heading())
    elif start.verdict is not None:
        assert words(verdict_sentence(verdict)) in words(start)


@pytest.fixture
def agree(tmp_path: Path, capsys) -> Callable[[Sequence[bytes]], dict[str, Level]]:
    """Checks that all who show a verdict on these reports show the same; gives the level of each policy domain."""

    def check(blobs: Sequence[bytes]) -> dict[str, Level]:
        for number, blob in enumerate(blobs):
            (tmp_path / f"{number}.json").write_bytes(blob)
        assert main(["load", str(tmp_path)]) in (0, 1)  # 1: some inputs are rejected
        printed = words(capsys.readouterr().out)
        archive = sts.load(*blobs, progress=False, workers=1)
        verdicts, rows = analysis.reported_verdicts(archive), analysis.overview(archive).frame
        assert sorted(verdicts) == sorted(rows["policy_domain"].unique())
        for domain, verdict in verdicts.items():
            own = analysis.narrow(archive, domain)
            levels = [Level(level) for level in rows.loc[rows["policy_domain"] == domain, "attention"]]
            # A policy type without recent reports is not known by itself; the domain is, by the others.
            levels = [level for level in levels if level is not Level.NOT_KNOWN] or levels
            assert min(levels, key=lambda level: level.rank) is verdict.level
            assert words(verdict).endswith(f"{verdict.level.value} {words(verdict_sentence(verdict))}")
            assert words(verdict) in printed
            if verdict.level is Level.NOT_KNOWN:
                continue  # known only beside the other domains, whose reports are newer
            case = open_case(own)
            assert core(diagnose(archive=own).verdict) == core(verdict)
            assert core(case.verdict) == core(verdict)
            assert_document_shows(case, verdict)
        assert rows["attention"].map(lambda level: Level(level).rank).is_monotonic_increasing
        return {domain: verdict.level for domain, verdict in verdicts.items()}

    return check


@pytest.mark.parametrize("name", REPORTED)
def test_the_report_of_a_fault_does_not_change_what_its_probe_shows(name, look):
    probe = look(name)
    archive = sts.load(json.dumps(simulate(probe).report()).encode(), progress=False)
    assert core(diagnose(probe, archive).verdict)[:3] == core(probe.verdict)[:3]


def test_probe_and_reports_in_a_postmortem(look):
    for name in ("policy-http-404", "mx-certificate-expired", "dane-mismatch"):
        probe = look(name)
        archive = sts.load(json.dumps(simulate(probe).report()).encode(), progress=False)
        assert core(open_case(archive, probe=probe).verdict) == core(diagnose(probe, archive).verdict)


def test_all_agree_on_the_reports_of_faults(look, agree):
    """Each fault is at a domain of its own: `load` shows ten verdicts. `test_one_verdict` has all faults, without `load`."""
    blobs = [
        json.dumps(simulate(look(name)).report()).replace("nordwind.example", f"{name}.example").encode()
        for name in OF_EACH_CAUSE[::5]
    ]
    assert Level.FINE not in agree(blobs).values()


@pytest.mark.parametrize(("rows", "level"), ARCHIVES)
def test_all_agree_on_a_small_archive(rows, level, agree):
    assert agree([report_of(*row) for row in rows])["nordwind.example"] == level


@pytest.mark.parametrize(("seed", "incidents"), [(5, 2), (13, 4), (300, 0)])
def test_all_agree_on_a_world(seed, incidents, agree):
    levels = agree([scenario(seed, incidents, days=60 if incidents < 3 else 120).ndjson()])
    assert incidents or set(levels.values()) == {Level.FINE}


def test_all_agree_on_the_sample(agree):
    blobs = [file.read_bytes() for file in sorted(Path(sts.sample_dir()).rglob("*")) if file.is_file()]
    assert agree(blobs) == {"nordwind.example": Level.FINE, "suedwind.example": Level.ACT_NOW}


def test_a_syntax_error_of_the_record_is_named_and_never_fine():
    """With a malformed extension the domain has no MTA-STS (RFC 8461 §3.1)."""
    with Lab() as lab:
        lab.world.zone.set("_mta-sts", "TXT", '"v=STSv1; id=20260208120000; x=a b"')
        probe = sts.probe("nordwind.example", lab.settings)
    assert [finding.code for finding in probe.findings.errors] == ["sts-record-value-malformed"]
    verdict = diagnose(probe).verdict
    assert (verdict.level, verdict.cause) == (Level.ACT_SOON, "record-id-invalid")
    assert verdict.title in verdict_sentence(verdict)
    assert core(verdict) == core(probe.verdict)


def test_every_error_and_warning_is_named_and_never_fine(look):
    for code, text in finding_texts().items():
        if text.severity is Severity.ADVICE:
            continue
        finding = Finding(
            code=code, severity=text.severity, effect=text.effect, subject="it", message=f"{code} is wrong.", fix="Do."
        )
        probe = replace(look())
        probe.__dict__["findings"] = Findings([finding])
        diagnosis = diagnose(probe)
        assert diagnosis.verdict.level is not Level.FINE, code
        assert core(probe.verdict) == core(diagnosis.verdict), code
        assert [cause.code for cause in diagnosis.causes if cause.code == code or cause.code in causes()], code


def test_an_empty_archive_is_not_known():
    verdict = diagnose(archive=sts.load(b'{"no": "report"}', progress=False)).verdict
    assert (verdict.level, verdict.effect) == (Level.NOT_KNOWN, None)


def test_without_a_policy_string_nobody_claims_that_no_mail_is_deferred(archive_of):
    """Reports of some large senders name no policy: whether it was enforced, and so whether mail waits, is not known."""
    archive = archive_of((0, "Post", 0, {"certificate-expired": 30}, {"mode": None}))
    diagnosis = diagnose(archive=archive)
    assert (diagnosis.verdict.level, diagnosis.verdict.effect) == (Level.ACT_SOON, None)
    assert "do not show whether mail is deferred" in verdict_sentence(diagnosis.verdict)
    assert diagnosis.causes[0].mail.startswith("The reports do not name the policy")
    assert diagnosis.to_frame()["effect"][0] == "not known"
    for view in (diagnosis, open_case(archive).opening()):
        assert "no mail is deferred" not in words(view).lower()
    known = archive_of(
        (0, "Post", 0, {"certificate-expired": 30}, {"mode": None}), (0, "Kontor", 0, {"certificate-expired": 3})
    )
    assert diagnose(archive=known).verdict.level is Level.ACT_NOW


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(0, "Post", 900, {"certificate-expired": 100})], id="one report"),
        pytest.param([(0, "Post", 900, {"validation-failure": 100})], id="one report, of a type that may be noise"),
        pytest.param([(0, "Post", 900, {}), (0, "Kontor", 0, {"certificate-not-trusted": 40})], id="one day, two senders"),
        pytest.param(
            [*[(day, "Post", 1000, {}) for day in range(7)], (7, "Post", 921, {"validation-failure": 79})],
            id="a week of history, the last day fails",
        ),
    ],
)  # fmt: skip
def test_one_report_or_one_day_with_real_failures_is_never_nothing_to_do(archive_of, rows):
    archive = archive_of(*rows)
    diagnosis, case = diagnose(archive=archive), open_case(archive)
    assert diagnosis.verdict.level in (Level.ACT_NOW, Level.ACT_SOON), diagnosis.verdict
    assert diagnosis.causes[0].present
    assert diagnosis.causes[0].fix
    assert_document_shows(case, diagnosis.verdict)
