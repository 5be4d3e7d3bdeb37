"""Why no reports arrive: each reason with what shows it, and an empty archive that is never taken for a clean one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.diagnosis import Answer, NoReports, Walk, flowchart
from mtasts_nb.errors import SourceError
from mtasts_nb.probe import DnsAnswer, DnsRecord, Probe, SmtpReply
from mtasts_nb.vocabulary import Level, ReasonState, Status
from tests.archive_of import FIRST, ArchiveOf

Look = Callable[..., Probe]
CONFIRMED, POSSIBLE, NOT_OBSERVED, RULED_OUT = ReasonState
OWN = "v=TLSRPTv1; rua=mailto:reports@nordwind.example"


def with_record(probe: Probe, text: str) -> Probe:
    """The same probe with another `_smtp._tls` record."""
    record = DnsRecord(name=probe.tlsrpt.query.name, type="TXT", ttl=300, text=text)
    answer = DnsAnswer(rcode="NOERROR", records=(record,))
    return replace(probe, tlsrpt=replace(probe.tlsrpt, status=Status.COMPLETED, reason="", answer=answer))


def with_ehlo(probe: Probe, *lines: str) -> Probe:
    """The same probe, whose MX hosts answer EHLO with these lines."""
    reply = SmtpReply(code=250, lines=lines)
    hosts = tuple(
        replace(mx, attempts=tuple(replace(each, ehlo=reply, ehlo_after_tls=reply) for each in mx.attempts))
        for mx in probe.mx_hosts
    )
    return replace(probe, mx_hosts=hosts)


def on(probe: Probe, day: int) -> Probe:
    """The same probe, taken so many days after the first day of `archive_of`."""
    return replace(probe, started=datetime(FIRST.year, FIRST.month, FIRST.day + day, 12, tzinfo=UTC))


def states(answer: NoReports) -> dict[str, ReasonState]:
    return {reason.code: reason.state for reason in answer.reasons}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("tlsrpt-missing", "reporting-missing"),
        ("tlsrpt-two", "reporting-multiple"),
        ("tlsrpt-rua-bare", "reporting-record-invalid"),
        ("tlsrpt-rua-missing", "reporting-record-invalid"),
        ("mx-refused", "reporting-mailbox-unreachable"),
        ("mx-null", "reporting-mailbox-unreachable"),
    ],
)
def test_a_fault_of_record_or_mailbox_is_shown(look: Look, fault: str, code: str) -> None:
    """RFC 8460 §3."""
    answer = sts.why_no_reports(look(fault))
    assert states(answer)[code] is CONFIRMED
    assert answer.reasons[0].state is CONFIRMED


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (OWN, {"reporting-missing": RULED_OUT, "reporting-several-addresses": RULED_OUT, "reporting-mailbox-elsewhere": RULED_OUT,
               "reporting-mailbox-unreachable": RULED_OUT, "reporting-endpoint": RULED_OUT, "reporting-mail-filtered": NOT_OBSERVED}),
        ("v=TLSRPTv1; rua=mailto:a@mail.nordwind.example", {"reporting-mailbox-elsewhere": RULED_OUT,
                                                          "reporting-mailbox-unreachable": NOT_OBSERVED}),
        ("v=TLSRPTv1; rua=mailto:a@suedwind.example", {"reporting-mailbox-elsewhere": POSSIBLE,
                                                     "reporting-mailbox-unreachable": NOT_OBSERVED}),
        ("v=TLSRPTv1; rua=mailto:a@notnordwind.example", {"reporting-mailbox-elsewhere": POSSIBLE}),
        ("v=TLSRPTv1; rua=https://r.suedwind.example/v1", {"reporting-endpoint": NOT_OBSERVED, "reporting-mailbox-elsewhere": POSSIBLE}),
        (f"{OWN},https://r.nordwind.example/v1", {"reporting-several-addresses": POSSIBLE, "reporting-endpoint": NOT_OBSERVED}),
    ],
)  # fmt: skip
def test_the_addresses_of_the_record(look: Look, record: str, expected: dict[str, ReasonState]) -> None:
    """RFC 8460 §3: several addresses, mailto and https, no record that allows another domain."""
    got = states(sts.why_no_reports(with_record(look(), record)))
    assert {code: got.get(code) for code in expected} == expected


def test_an_https_address_alone_has_no_mailbox(look: Look) -> None:
    got = states(sts.why_no_reports(with_record(look(), "v=TLSRPTv1; rua=https://r.nordwind.example/v1")))
    assert not {"reporting-mailbox-unreachable", "reporting-mailbox-size", "reporting-mail-filtered"} & set(got)


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (("SIZE 65536", "STARTTLS"), CONFIRMED),
        (("size 1048576",), CONFIRMED),
        (("SIZE 52428800",), RULED_OUT),
        (("SIZE 0",), RULED_OUT),
        (("SIZE",), RULED_OUT),
        (("STARTTLS",), NOT_OBSERVED),
        (("SIZE nonsense", "SIZES 10"), NOT_OBSERVED),
    ],
)
def test_the_size_limit_that_the_mail_server_announces(look: Look, lines: tuple[str, ...], state: ReasonState) -> None:
    """RFC 1870 §4."""
    answer = sts.why_no_reports(with_ehlo(with_record(look(), OWN), *lines))
    assert states(answer)["reporting-mailbox-size"] is state


def test_a_report_that_causes_a_report(look: Look) -> None:
    """RFC 8460 §3: to be delivered despite TLS failures, and not by every sender."""
    answer = sts.why_no_reports(with_record(look("mx-certificate-expired"), OWN))
    assert states(answer)["reporting-mailbox-tls"] is POSSIBLE
    assert states(sts.why_no_reports(with_record(look(), OWN)))["reporting-mailbox-tls"] is RULED_OUT


def test_a_mailbox_elsewhere_is_judged_by_its_own_probe(look: Look) -> None:
    elsewhere = replace(look("mx-refused"), domain="suedwind.example")
    probe = with_record(look(), "v=TLSRPTv1; rua=mailto:a@suedwind.example")
    assert states(sts.why_no_reports(probe, mailboxes=[elsewhere]))["reporting-mailbox-unreachable"] is CONFIRMED
    well = replace(look(), domain="suedwind.example")
    assert states(sts.why_no_reports(probe, mailboxes=[well]))["reporting-mailbox-unreachable"] is RULED_OUT


def test_what_was_not_observed_is_no_evidence(look: Look) -> None:
    probe = replace(look(), tlsrpt=replace(look().tlsrpt, status=Status.NOT_OBSERVED, answer=None, detail="no route"))
    got = states(sts.why_no_reports(probe))
    assert got["reporting-lookup-fails"] is NOT_OBSERVED
    assert "reporting-missing" not in got
    assert CONFIRMED not in got.values()


def test_reporters_that_stopped(look: Look, archive_of: ArchiveOf) -> None:
    probe = on(with_record(look(), OWN), 25)
    archive = archive_of(*((day, "Alpha", 10, {}) for day in range(12)), *((day, "Beta", 20, {}) for day in range(24)))
    answer = sts.why_no_reports(probe, archive)
    assert [(each.organization_name, each.days) for each in answer.silent] == [("Alpha", 12)]
    assert answer.silent[0].last == FIRST.replace(day=12)
    assert answer.arriving
    assert states(answer)["reporters-silent"] is CONFIRMED
    assert states(answer)["reports-late"] is RULED_OUT
    later = sts.why_no_reports(on(probe, 30), archive)
    assert [each.organization_name for each in later.silent] == ["Beta", "Alpha"]
    assert not later.arriving
    assert states(later)["reports-late"] is POSSIBLE


def test_a_reporter_that_never_wrote_every_day_has_not_stopped(look: Look, archive_of: ArchiveOf) -> None:
    archive = archive_of(*((day, "Alpha", 1, {}) for day in (0, 7, 14, 20)))
    answer = sts.why_no_reports(on(with_record(look(), OWN), 26), archive)
    assert answer.silent == ()
    assert states(answer)["reporting-little-mail"] is POSSIBLE


def test_reports_about_another_domain_do_not_count(look: Look, archive_of: ArchiveOf) -> None:
    other = archive_of(*((day, "Alpha", 5, {}, {"domain": "suedwind.example"}) for day in range(20)))
    answer = sts.why_no_reports(on(with_record(look(), OWN), 20), other)
    assert answer.first is answer.last is None
    assert not answer.arriving


# -- an empty archive


EMPTY = {
    "nothing": lambda: sts.Archive(),
    "other mail": lambda: sts.load(b"Subject: lunch\n\nAt noon?\n", progress=False),
    "damaged": lambda: sts.load(b'{"policies": 7}', progress=False),
}


@pytest.mark.parametrize("name", list(EMPTY))
def test_an_empty_archive_is_never_fine(look: Look, name: str) -> None:
    archive = EMPTY[name]()
    diagnosis = sts.diagnose(archive=archive)
    assert diagnosis.verdict.level is Level.NOT_KNOWN
    assert "not known" in f"{diagnosis}".lower()
    for text in (f"{diagnosis}", f"{archive}", f"{analysis.story(archive)}"):
        assert "fine" not in text.lower()
    answer = sts.why_no_reports(with_record(look(), OWN), archive)
    assert "not known" in f"{answer}"
    assert answer.inputs == ({} if name == "nothing" else {"skipped": 1} if name == "other mail" else {"rejected": 1})
    with pytest.raises(SourceError, match="no TLS report"):
        archive.require_reports()


@pytest.mark.parametrize("name", list(EMPTY))
def test_with_an_empty_archive_the_walk_ends_where_reports_are_missing(look: Look, name: str) -> None:
    walk = sts.diagnose(look(), EMPTY[name]()).walk()
    assert walk.cause is not None
    assert walk.cause.code == "reports-late"


# -- the flowchart


def test_there_is_a_way_in_for_who_gets_no_reports() -> None:
    chart = flowchart()
    assert chart.start_titles["no-reports"] == "No reports arrive"
    codes = {reason for reason in chart.reachable(chart.starts["no-reports"]) if reason in chart.leaves}
    assert {code for code in chart.leaves if code.startswith(("reporting-", "report"))} <= codes
    walk = Walk("no-reports")
    for answer in ("yes", "yes", "no", "yes", "no", "no"):
        walk.answer(Answer(answer))
    assert walk.cause is not None
    assert walk.cause.code == "reporting-mailbox-size"


def test_it_shows_itself_and_what_strangers_wrote_as_text(look: Look, archive_of: ArchiveOf) -> None:
    hostile = "<script>alert(1)</script>\x1b[31m"
    archive = archive_of(*((day, hostile, 1, {}) for day in range(4)))
    answer = sts.why_no_reports(on(with_record(look(), OWN), 28), archive)
    html, text = answer._repr_html_(), f"{answer}"
    assert "<script>" not in html
    assert "\x1b" not in html + text
    assert "have stopped: the last is about 2026-03-04" in text
    assert len(answer.to_frame()) == len(answer.reasons)
