"""A postmortem in sentences: they agree with their numbers, and say plainly what is not known."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.analysis import load_events
from mtasts_nb.errors import SourceError
from mtasts_nb.postmortem import Case, open_case

EXPIRED = "certificate-expired"
QUIET = [(day, who, 400, {}) for day in range(20) for who in ("Post", "Kontor")]
SHOWN = (
    "heading", "sentences", "facts", "figures", "impact", "by_reporter", "timeline", "happenings", "evidence", "cause",
    "fix_check", "actions", "by_mx", "by_result_type", "other_incidents",
)  # fmt: skip


def _told(case: Case) -> dict[str, str]:
    return dict(case.sentences().statements)


def _everything(case: Case) -> str:
    html = " ".join(getattr(case, name)()._repr_html_() for name in SHOWN)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " | ", re.sub("</?strong>", "", html)))


def test_no_report_is_not_no_failure(archive_of) -> None:
    case = open_case(archive_of())
    assert _told(case) == {
        "What happened.": "Not known: no report came for this period. That is not the same as no failure."
    }
    case = open_case(archive_of(*QUIET), period=("2027-01-01", "2027-01-31"))
    assert "no report came for 2027-01-01 to 2027-01-31." in _told(case)["What happened."]
    assert case.pictured() == []


def test_no_incident_is_said_plainly(archive_of) -> None:
    told = _told(open_case(archive_of(*QUIET)))
    assert told == {
        "What happened.": "Between 2026-03-01 and 2026-03-20, no failure was reported.",
        "How far that goes.": "2 reporters reported 16,000 sessions under MTA-STS on 20 days; senders that do not report are not seen.",
    }
    told = _told(open_case(archive_of(*QUIET, (20, "Post", 399, {"validation-failure": 1}))))
    assert told["What happened."] == (
        "Between 2026-03-01 and 2026-03-21, there was no incident that stands out: 1 failed session came scattered, too "
        "few on any day to stand out."
    )


def test_on_too_few_days_that_much_fails_is_not_called_normal(archive_of) -> None:
    told = _told(open_case(archive_of(*[(day, "Post", 50, {"validation-failure": 40}) for day in range(3)])))
    assert told["What happened."] == (
        "Between 2026-03-01 and 2026-03-03, there was no incident that stands out: 120 of 270 sessions under MTA-STS "
        "failed (44.4 %), and reports about 3 days are too little to tell what is normal."
    )


def test_one_report_only(archive_of) -> None:
    told = _told(open_case(archive_of((0, "Post", 1, {}))))
    assert told["What happened."] == "On 2026-03-01, no failure was reported."
    assert told["How far that goes."].startswith("1 reporter reported 1 session under MTA-STS on 1 day;")
    told = _told(open_case(archive_of((0, "Post", 0, {EXPIRED: 50}))))
    assert told["What happened."].startswith(
        "From 2026-03-01 on, 50 of 50 sessions reported under MTA-STS about nordwind.example (100 %) failed at "
        "mx1.nordwind.example with certificate-expired, seen by 1 of 1 reporter: the certificate of an MX host"
    )
    assert told["What it did to mail."].startswith(
        "Mail from 1 reporter was held back on 1 day, up to 50 failed sessions:"
    )
    assert told["Is it over?"] == "Not over: on 2026-03-01, the last day with reports, 50 sessions failed this way."


def test_an_incident_from_its_first_day_to_the_reports_after_it(archive_of) -> None:
    bad = [(day, "Post", 0, {EXPIRED: 40}) for day in (20, 21)] + [
        (day, "Kontor", 30, {EXPIRED: 10}) for day in (20, 21)
    ]
    after = [(day, who, 400, {}) for day in range(22, 30) for who in ("Post", "Kontor")]
    case = open_case(archive_of(*QUIET, *bad, *after))
    told = _told(case)
    assert told["What happened."].startswith(
        "From 2026-03-21 to 2026-03-22, 100 of 160 sessions reported under MTA-STS about nordwind.example (62.5 %) failed"
    )
    assert told["What it did to mail."].startswith(
        "Mail from 1 reporter was held back on 2 days, up to 80 failed sessions:"
    )
    assert "; 20 sessions failed where others of the same reporter and day succeeded" in told["What it did to mail."]
    assert told["Is it over?"] == (
        "Over, as far as reported: it was last seen on 2026-03-22; of 6,400 sessions that the 2 reporters that saw it "
        "reported after that, none failed this way; reports reach to 2026-03-30."
    )
    facts = dict(case.facts().facts)
    assert list(facts) == ["What", "When", "Where", "Who saw it", "Why", "Mended?"]
    assert facts["When"] == "2026-03-21 to 2026-03-22 (2 days), worst on 2026-03-21"
    assert facts["Who saw it"] == "Post (80 of 80 sessions) and Kontor (20 of 80 sessions)"
    assert facts["Mended?"] == "Yes, as far as reported: last seen on 2026-03-22, reports reach to 2026-03-30."
    mended = open_case(archive_of(*QUIET, *bad, *after), fixed_at="2026-03-22T12:00+01:00")
    assert _told(mended)["Is it over?"].startswith("Fixed, as far as reported:")


def test_too_early_names_how_many_are_silent(archive_of) -> None:
    bad = [(day, who, 0, {EXPIRED: 40}) for day in (20, 21) for who in ("Post", "Kontor")]
    case = open_case(archive_of(*QUIET, *bad), fixed_at="2026-03-22T23:00")
    assert _told(case)["Is it over?"].startswith("Too early to say: certificate-expired")
    assert "Watch the reports of 48 hours" in repr(case.actions())


@pytest.mark.parametrize(
    ("result_type", "options", "told"),
    [  # RFC 8461 §5, §3.3; RFC 7672 §2.2
        (EXPIRED, {"mode": "enforce"}, "Mail from 1 reporter was held back on 2 days"),
        (EXPIRED, {"mode": "testing"}, "80 failed sessions held nothing back, since the policy was in testing"),
        (EXPIRED, {"mode": None}, "Of 80 failed sessions the reports do not say what they did."),
        ("sts-policy-fetch-error", {}, "Nothing was held back in 80 sessions in which the policy could not be used"),
        ("tlsa-invalid", {"kind": "tlsa"}, "Mail from 1 reporter was held back on 2 days"),
    ],
)
def test_the_effect_goes_by_the_mode(archive_of, result_type, options, told) -> None:
    quiet = [(day, "Post", 400, {}, options) for day in range(20)]
    case = open_case(archive_of(*quiet, *[(day, "Post", 0, {result_type: 40}, options) for day in (20, 21)]))
    assert _told(case)["What it did to mail."].startswith(told)


def test_sts_and_tlsa_are_never_added(archive_of) -> None:
    tlsa = {"kind": "tlsa"}
    quiet = [*QUIET, *[(day, "Post", 400, {}, tlsa) for day in range(20)]]
    bad = [(day, "Post", 0, {EXPIRED: 40}) for day in (20, 21)]
    bad += [(day, "Post", 0, {"tlsa-invalid": 40}, tlsa) for day in (20, 21)]
    case = open_case(archive_of(*quiet, *bad))
    assert len(case.lead) == 2, "one story"
    assert (
        "up to 80 failed sessions under MTA-STS and 80 failed sessions under DANE"
        in _told(case)["What it did to mail."]
    )
    assert "160" not in _everything(case)


def test_the_latest_is_what_goes_on_else_what_ended_last(sample) -> None:
    case = open_case(sample)
    assert case.incidents["result_type"].tolist() == ["tlsa-invalid"]
    assert len(case.others) == 6
    assert case.heading().title == "The TLSA records do not match the certificate: suedwind.example"
    case = open_case(sample, domain="nordwind.example")
    assert case.incidents["result_type"].tolist() == ["certificate-not-trusted"]
    facts = dict(case.facts().facts)
    assert facts["Where"] == "mx2.nordwind.example, MX of nordwind.example; the policy also names mx1.nordwind.example"


def test_a_period_tells_every_incident_that_touches_it_whole(sample) -> None:
    case = open_case(sample, period=("2026-10-06", "2026-10-06"))
    assert case.incidents["result_type"].tolist() == ["certificate-not-trusted", "sts-policy-fetch-error"]
    assert (str(case.first.date()), str(case.last.date())) == ("2026-10-05", "2026-10-20")
    told = _told(case)
    assert "2,283 of 51,289 sessions" in told["What happened."]
    assert ", in all 2 incidents" in repr(case.figures()), "the figures are of more than the sentences"
    assert told["Besides."] == (
        "In the same time there was sts-policy-fetch-error (suedwind.example, 2026-10-06 to 2026-10-10)."
    )
    assert [row["result_type"] for row in case.pictured()] == ["certificate-not-trusted", "sts-policy-fetch-error"]
    assert len(open_case(sample, period=None).incidents) == 7


@pytest.mark.parametrize(
    ("period", "told"),
    [("yesterday", "latest incident"), (("2026-02-02", "2026-02-01"), "before it begins"), (("2026-02-02",), "a pair")],
)
def test_a_period_that_is_none(sample, period, told) -> None:
    with pytest.raises(ValueError, match=told):
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
def test_words_agree_with_their_numbers(archive_of, failed, reporters, days, quiet) -> None:
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


def test_a_strangers_words_stay_words(archive_of) -> None:
    evil = "<script>alert(1)</script>\u202e"
    options = {"reason": evil, "mx": "<img src=x>"}
    case = open_case(archive_of(*QUIET, *[(day, evil, 0, {EXPIRED: 40}, options) for day in (20, 21)]))
    for name in SHOWN:
        html = getattr(case, name)()._repr_html_()
        assert "<script" not in html, name
        assert "<img" not in html, name
        assert "\u202e" not in html, name
        assert repr(getattr(case, name)()).isprintable() or "\n" in repr(getattr(case, name)()), name


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
    ("text", "told"),
    [
        ("when,what\n1,2", "has no columns time and text; its first line holds when, what"),
        ("", "its first line holds nothing"),
        ("time,text\n2026-03-02,a\nsoon,b", "line 3: soon is no time"),
        ("time,text\n,b", "line 2: nothing is no time"),
        ("time,text\n99999-03-02,b", "is no time"),
        ("time,text\n" + "2026-03-02,x\n" * 2001, "more than 2000 events"),
        ("x" * 1_000_001, "larger than a list of events"),
    ],
    ids=["columns", "empty", "no time", "time missing", "far time", "too many", "too large"],
)
def test_events_that_cannot_be_read_are_told_with_the_form_expected(tmp_path, text, told) -> None:
    with pytest.raises(SourceError, match=told) as caught:
        load_events(_csv(tmp_path, text))
    assert "`time,text`" in str(caught.value) or "Keep those" in str(caught.value)


def test_no_such_file_of_events(tmp_path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        load_events(tmp_path / "none.csv")


def test_events_around_the_days_are_listed_and_others_counted(sample) -> None:
    events = pd.DataFrame({"time": ["2026-10-20T09:00Z", "2026-01-01"], "text": ["key changed", "new year"]})
    table = open_case(sample, events=events).happenings()
    assert table.frame["text"].tolist() == ["key changed"]
    assert table.caption == "1 event around these days, as given by hand. 1 other further off."


# -- a probe


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("mx-certificate-expired", "met it still: certificate-expired at mx1.nordwind.example."),
        ("", "did not meet it any more."),
    ],
)
def test_a_probe_says_whether_a_sender_would_meet_it_now(archive_of, fault, told) -> None:
    with sts.lab.Lab(fault) if fault else sts.lab.Lab() as lab:
        probe = sts.probe("nordwind.example", lab.settings)
    rows = [*QUIET, *[(day, "Post", 0, {EXPIRED: 40}) for day in (20, 21)]]
    case = open_case(archive_of(*rows), probe=probe)
    assert told in _told(case)["Is it over?"]
    assert told in dict(case.facts().facts)["Mended?"]
    other = open_case(archive_of(*[(*row[:4], {"domain": "x.example"}) for row in rows]), probe=probe)
    assert "is of nordwind.example, another domain." in _told(other)["Is it over?"]
