"""A postmortem in statements: they agree with their numbers, and say plainly what is not known."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.analysis import load_events
from mtasts_nb.errors import SourceError
from mtasts_nb.postmortem import Postmortem, open_case
from mtasts_nb.vocabulary import FixStatus, MailEffect, State
from tests import golden

EXPIRED = "certificate-expired"
QUIET = [(day, who, 400, {}) for day in range(20) for who in ("Post", "Kontor")]
SECTIONS = (
    "heading", "opening", "sentences", "facts", "impact", "by_reporter", "timeline", "nearby_events", "evidence", "cause",
    "fix_check", "actions", "by_mx", "by_result_type", "other_incidents",
)  # fmt: skip


def _statements(case: Postmortem) -> dict[str, str]:
    return dict(case.sentences().statements)


def _everything(case: Postmortem) -> str:
    html = " ".join(getattr(case, name)()._repr_html_() for name in SECTIONS)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " | ", re.sub("</?strong>", "", html)))


@pytest.mark.parametrize("fixed_at", [None, "2026-03-17", "2026-04-20"])
def test_it_is_not_called_over_while_some_report_the_same_in_another_way(archive_of, fixed_at):
    """RFC 8460 §4.3: senders differ in the result type of one fault; Kontor names it by the catch-all and a reason."""
    bad = range(10, 15)
    rows = [(day, "Post", 900 if day in bad else 1000, {EXPIRED: 100} if day in bad else {}) for day in range(40)]
    others = {"reason": "certificate has expired"}
    rows += [
        (day, "Kontor", 100, {"validation-failure": 15}, others) if day >= 10 else (day, "Kontor", 115, {})
        for day in range(40)
    ]
    case = open_case(archive_of(*rows), fixed_at=fixed_at)
    assert case.top["result_type"] == EXPIRED
    assert case.fix.verdict is (FixStatus.TOO_EARLY if fixed_at == "2026-04-20" else FixStatus.FIXED)
    goes_on = "Not reported this way since, but validation-failure at mx1.nordwind.example"
    if fixed_at == "2026-04-20":
        assert case.continued is None, "nothing is reported after that fix"
        return
    assert case.opening().openness == "not known to be over"
    assert dict(case.facts().facts)["Resolved?"].startswith("Not known: last seen on 2026-03-15")
    assert goes_on in dict(case.facts().facts)["Resolved?"]
    assert goes_on in _statements(case)["Is it over?"]


def _incident(last_day: int = 29) -> list[tuple]:
    bad = [(day, "Post", 0, {EXPIRED: 40}) for day in (20, 21)]
    bad += [(day, "Kontor", 30, {EXPIRED: 10}) for day in (20, 21)]
    return [*QUIET, *bad, *[(day, who, 400, {}) for day in range(22, last_day + 1) for who in ("Post", "Kontor")]]


def test_what_it_says(archive_of, sample) -> None:
    failing = [(day, "Post", 50, {"validation-failure": 40}) for day in range(3)]
    cases = {
        "no report": open_case(archive_of()),
        "no report in the period": open_case(archive_of(*QUIET), period=("2027-01-01", "2027-01-31")),
        "no failure": open_case(archive_of(*QUIET)),
        "no incident": open_case(archive_of(*QUIET, (20, "Post", 399, {"validation-failure": 1}))),
        "too few days to know": open_case(archive_of(*failing)),
        "one report, no failure": open_case(archive_of((0, "Post", 1, {}))),
        "one report, ongoing": open_case(archive_of((0, "Post", 0, {EXPIRED: 50}))),
        "over": open_case(archive_of(*_incident())),
        "fixed at a given time": open_case(archive_of(*_incident()), fixed_at="2026-03-22T12:00+01:00"),
        "too early to say": open_case(archive_of(*_incident(21)), fixed_at="2026-03-22T23:00"),
        "two incidents": open_case(sample, period=("2026-10-06", "2026-10-06")),
    }
    texts = {
        name: "\n\n".join(str(getattr(case, section)()) for section in ("heading", "opening", "sentences", "facts", "actions"))
        for name, case in cases.items()
    }  # fmt: skip
    golden.check(Path(__file__).with_name("statements.txt"), texts)


def test_the_whole_document(sample) -> None:
    events = pd.DataFrame({"time": ["2026-10-20T09:00Z", "2026-01-01"], "text": ["key changed", "new year"]})
    case = open_case(sample, domain="nordwind.example", events=events)
    texts = {section: getattr(case, section)() for section in SECTIONS if section != "cause"}
    golden.check(Path(__file__).with_name("document.txt"), texts)


def test_what_is_known_as_data(archive_of) -> None:
    case = open_case(archive_of(*_incident()))
    assert case.fix is not None
    assert case.fix.verdict is FixStatus.FIXED
    assert case.probe_check is None
    effects = case.own_cells.failures.groupby("effect")["failed"].sum().to_dict()
    assert effects == {MailEffect.DEFERRED: 80, MailEffect.POSSIBLY_DELAYED: 20}
    assert open_case(archive_of(*QUIET), period=("2027-01-01", "2027-01-31")).incidents_to_plot() == []


@pytest.mark.parametrize(
    ("result_type", "options", "text"),
    [  # RFC 8461 §5, §3.3; RFC 7672 §2.2
        (EXPIRED, {"mode": "enforce"}, "Mail from 1 reporter was deferred on 2 days"),
        (EXPIRED, {"mode": "testing"}, "80 failed sessions had no effect on delivery: the policy was in testing"),
        (EXPIRED, {"mode": None}, "For 80 failed sessions the reports do not show the effect."),
        (
            "sts-policy-fetch-error",
            {},
            "No mail was deferred by 80 failed sessions in which the policy could not be used",
        ),
        ("tlsa-invalid", {"kind": "tlsa"}, "Mail from 1 reporter was deferred on 2 days"),
    ],
)
def test_the_effect_goes_by_the_mode(archive_of, result_type, options, text) -> None:
    quiet = [(day, "Post", 400, {}, options) for day in range(20)]
    case = open_case(archive_of(*quiet, *[(day, "Post", 0, {result_type: 40}, options) for day in (20, 21)]))
    assert _statements(case)["What it did to mail."].startswith(text)


def test_sts_and_tlsa_are_never_added(archive_of) -> None:
    tlsa = {"kind": "tlsa"}
    quiet = [*QUIET, *[(day, "Post", 400, {}, tlsa) for day in range(20)]]
    bad = [(day, "Post", 0, {EXPIRED: 40}) for day in (20, 21)]
    bad += [(day, "Post", 0, {"tlsa-invalid": 40}, tlsa) for day in (20, 21)]
    case = open_case(archive_of(*quiet, *bad))
    assert len(case.lead) == 2, "one story"
    assert (
        "up to 80 failed sessions under MTA-STS and 80 failed sessions under DANE"
        in _statements(case)["What it did to mail."]
    )
    assert "160" not in _everything(case)


def test_the_latest_is_the_ongoing_one_else_the_one_that_ended_last(sample) -> None:
    case = open_case(sample)
    assert case.incidents["result_type"].tolist() == ["tlsa-invalid"]
    assert len(case.others) == 6
    assert case.heading().title == "The TLSA records do not match the certificate: suedwind.example"
    case = open_case(sample, domain="nordwind.example")
    assert case.incidents["result_type"].tolist() == ["certificate-not-trusted"]
    facts = dict(case.facts().facts)
    assert facts["Where"] == "mx2.nordwind.example, MX of nordwind.example; the policy also names mx1.nordwind.example"


def test_a_period_includes_every_incident_on_its_days_whole(sample) -> None:
    case = open_case(sample, period=("2026-10-06", "2026-10-06"))
    assert case.incidents["result_type"].tolist() == ["certificate-not-trusted", "sts-policy-fetch-error"]
    assert (str(case.first.date()), str(case.last.date())) == ("2026-10-05", "2026-10-20")
    texts = _statements(case)
    assert "2,283 of 51,289 sessions" in texts["What happened."]
    assert dict(case.opening().figures.figures)["2,283"] == "sessions failed under MTA-STS", "of the lead"
    assert "sts-policy-fetch-error (suedwind.example, 2026-10-06 to 2026-10-10)" in texts["Other incidents."]
    assert [row["result_type"] for row in case.incidents_to_plot()] == [
        "certificate-not-trusted",
        "sts-policy-fetch-error",
    ]
    assert len(open_case(sample, period=None).incidents) == 7


@pytest.mark.parametrize(
    ("period", "text"),
    [("yesterday", "latest incident"), (("2026-02-02", "2026-02-01"), "before it begins"), (("2026-02-02",), "a pair")],
)
def test_a_period_that_is_none(sample, period, text) -> None:
    with pytest.raises(ValueError, match=text):
        open_case(sample, period=period)


def test_title_and_author_are_as_given_and_harmless(sample) -> None:
    html = open_case(sample, title="<b>Why\u202e</b>", author="M. <i>Lind").heading()._repr_html_()
    assert "&lt;b&gt;Why\\u202e&lt;/b&gt;" in html
    assert "By M. &lt;i&gt;Lind." in html


@pytest.mark.parametrize(
    ("failed", "reporters", "days", "quiet"),
    [
        (0, 1, 1, 0), (0, 2, 2, 0), (1, 1, 1, 0), (1, 2, 1, 20), (2, 1, 2, 0), (5, 1, 1, 1), (5, 2, 2, 20), (20, 1, 1, 20),
        (20, 1, 2, 20), (1000, 1, 1, 0), (1000, 1, 2, 20), (1000, 2, 1, 0), (1000, 2, 2, 20),
    ],
)  # fmt: skip
def test_nouns_agree_with_their_numbers(archive_of, failed, reporters, days, quiet) -> None:
    rows = [(day, "Post", 400, {}) for day in range(quiet)]
    bad = [
        (quiet + day, f"Post {who}", 0 if failed else 1, {EXPIRED: failed} if failed else {})
        for day in range(days)
        for who in range(reporters)
    ]
    text = _everything(open_case(archive_of(*rows, *bad)))
    nouns = "sessions|reporters|days|incidents|hosts|inputs|events|kinds|types"
    assert re.findall(rf"(?<![\d,.-])1 (?:failed |other |more )?(?:{nouns})\b", text) == []
    one = nouns.replace("s|", "|").removesuffix("s")
    assert re.findall(rf"(?<![\d,.-])(?:0|[2-9]|\d[\d,]+) (?:failed |other |more )?(?:{one})\b", text) == []
    assert "nan" not in text.lower().split()


def test_what_a_stranger_wrote_stays_text(archive_of) -> None:
    evil = "<script>alert(1)</script>\u202e"
    options = {"reason": evil, "mx": "<img src=x>"}
    case = open_case(archive_of(*QUIET, *[(day, evil, 0, {EXPIRED: 40}, options) for day in (20, 21)]))
    for name in SECTIONS:
        html = getattr(case, name)()._repr_html_()
        assert "<script" not in html, name
        assert "<img" not in html, name
        assert "\u202e" not in html, name
        assert "\u202e" not in str(getattr(case, name)()), name


# -- events


def _csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "events.csv"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("time,text\n2026-03-02,deployed", ("2026-03-02T00:00:00+00:00", "deployed")),
        ("\ufeffTime;Text\r\n2026-03-02T10:00+01:00;a, b\r\n;\r\n", ("2026-03-02T09:00:00+00:00", "a, b")),
        ("text\ttime\tby\nx\t2026-03-02T10:00:00Z\tme", ("2026-03-02T10:00:00+00:00", "x")),
        ('time,text\n2026-03-05,late\n2026-03-02,"two\nlines"', ("2026-03-02T00:00:00+00:00", "two lines")),
    ],
)
def test_events_as_people_write_them(tmp_path, text, first) -> None:
    frame = load_events(_csv(tmp_path, text))
    assert (frame["time"][0].isoformat(), frame["text"][0]) == first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when,what\n1,2", "has no columns time and text; its first line holds when, what"),
        ("", "its first line holds nothing"),
        ("time,text\n2026-03-02,a\nsoon,b", "line 3: soon is no time"),
        ("time,text\n,b", "line 2: nothing is no time"),
        ("time,text\n99999-03-02,b", "is no time"),
        ("time,text\n" + "2026-03-02,x\n" * 2001, "more than 2000 events"),
        ("x" * 1_000_001, "larger than 1,000,000 bytes"),
    ],
    ids=["columns", "empty", "no time", "time missing", "far time", "too many", "too large"],
)
def test_events_that_cannot_be_read_name_the_form_expected(tmp_path, text, message) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        load_events(_csv(tmp_path, text))
    assert "`time,text`" in str(caught.value) or "Keep those" in str(caught.value)


def test_no_such_file_of_events(tmp_path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        load_events(tmp_path / "none.csv")


def test_events_around_the_days_are_listed_and_others_counted(sample) -> None:
    events = pd.DataFrame({"time": ["2026-10-20T09:00Z", "2026-01-01"], "text": ["key changed", "new year"]})
    table = open_case(sample, events=events).nearby_events()
    assert table.frame["text"].tolist() == ["key changed"]
    assert table.caption == "1 event around these days, from the events file. 1 other event on other days."


# -- a probe


@pytest.mark.parametrize(
    ("fault", "state", "text"),
    [
        (
            "mx-certificate-expired",
            State.REPRODUCED,
            "still reproduces it: certificate-expired at mx1.nordwind.example.",
        ),
        ("", State.FIXED, "does not reproduce it."),
    ],
)
def test_a_probe_says_whether_a_sender_would_still_see_it(archive_of, fault, state, text) -> None:
    with sts.lab.Lab(fault) if fault else sts.lab.Lab() as lab:
        probe = sts.probe("nordwind.example", lab.settings)
    rows = [*QUIET, *[(day, "Post", 0, {EXPIRED: 40}) for day in (20, 21)]]
    case = open_case(archive_of(*rows), probe=probe)
    assert case.probe_check is not None
    assert case.probe_check.state is state
    assert text in _statements(case)["Is it over?"]
    assert text in dict(case.facts().facts)["Resolved?"]
    other = open_case(archive_of(*[(*row[:4], {"domain": "x.example"}) for row in rows]), probe=probe)
    assert "is of nordwind.example, another domain." in _statements(other)["Is it over?"]
