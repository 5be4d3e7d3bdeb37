"""Statements agree with their numbers: at none, one and many, and where nothing is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtasts_nb.analysis import key_figures, meanings, scope, story
from tests import golden

FAILED = "certificate-expired"


def _texts(view) -> list[str]:
    return [text for _, text in view.statements]


def test_what_they_say(archive_of) -> None:
    clean = [(day, "Post", 100, {}) for day in (0, 1, 3, 4, 5, 6)]
    goes_on = [(day, "Post", 0, {FAILED: 20}) for day in (0, 1)]
    goes_on += [(day, "Post", 80, {}) for day in (2, 3, 4, 5)]
    goes_on += [(day, "Post", 30, {"tlsa-invalid": 30}, {"kind": "tlsa"}) for day in (4, 5)]
    cases = {
        "no report": [],
        "one report without a failure": [(0, "Post", 1, {})],
        "one incident that deferred mail and is over": [*clean, (2, "Post", 0, {FAILED: 12}), (2, "Kontor", 40, {})],
        "several incidents, one ongoing": goes_on,
        "sporadic failures": [(day, "Post", 1000, {"validation-failure": 1}) for day in range(5)],
    }
    texts = {}
    for name, rows in cases.items():
        archive = archive_of(*rows)
        texts[name] = "\n\n".join(str(view(archive)) for view in (story, scope, key_figures))
    golden.check(Path(__file__).with_name("story.txt"), texts)


def test_figures_of_one_report(archive_of) -> None:
    assert key_figures(archive_of()).figures == (("–", "no report came"),)
    figures = key_figures(archive_of((0, "Post", 1, {}))).figures
    assert {("1 of 1", "day with a report"), ("1", "reporter sent figures")} <= set(figures)


@pytest.mark.parametrize(
    ("mode", "result_type", "text"),
    [
        ("testing", FAILED, "50 failed sessions had no effect on delivery"),  # RFC 8461 §5
        ("enforce", "sts-policy-fetch-error", "No mail was deferred by 50 failed sessions"),  # §3.3
        (None, FAILED, "For 50 failed sessions the reports do not show the effect."),
        ("enforce", FAILED, "Mail from 1 reporter was deferred on 1 day, up to 50 failed sessions"),
    ],
)
def test_only_a_failing_mx_under_enforce_defers_mail(archive_of, mode, result_type, text) -> None:
    archive = archive_of((0, "Post", 0, {result_type: 50}, {"mode": mode}))
    assert _texts(story(archive))[1].startswith(text)


def test_sts_and_tlsa_are_never_added(archive_of) -> None:
    archive = archive_of((0, "Post", 10, {FAILED: 1}), (0, "Post", 10, {"tlsa-invalid": 1}, {"kind": "tlsa"}))
    (numbers,) = _texts(scope(archive))[:1]
    assert "under MTA-STS 1 of 11 sessions failed (9.1 %); under DANE 1 of 11 sessions failed (9.1 %)" in numbers
    assert "not added up" in numbers
    assert "22" not in numbers


def test_the_reasons_given_by_senders_are_kept_and_harmless(archive_of) -> None:
    archive = archive_of((0, "Post", 0, {"validation-failure": 50}, {"reason": "<b>mx\u202e-mismatch</b>"}))
    assert meanings(archive).items[0].reasons == (("<b>mx\u202e-mismatch</b>", 50),)
    for html in (story(archive)._repr_html_(), meanings(archive)._repr_html_()):
        assert "<b>" not in html
        assert "\u202e" not in html


def test_the_most_frequent_kinds_are_open_and_each_folded_one_says_how_much_it_is(archive_of) -> None:
    kinds = {FAILED: 40, "certificate-not-trusted": 30, "validation-failure": 20, "starttls-not-supported": 10}
    html = meanings(archive_of((0, "Post", 0, kinds)))._repr_html_()
    heads = [part.split("</summary>")[0] for part in html.split("<details")[1:]]
    assert [head.startswith(" open>") for head in heads] == [True, True, False, False]
    assert heads[3].endswith("(<code>starttls-not-supported</code>): 10 failed sessions")
    assert html.count("<details") == html.count("</details>") == 4


def test_meanings_name_the_host_and_the_mode(archive_of) -> None:
    archive = archive_of(
        (0, "Post", 0, {FAILED: 50}, {"mode": "testing"}), (0, "Post", 9, {"sts-webpki-invalid": 1}, {"mx": "x"})
    )
    html = meanings(archive)._repr_html_()
    assert "-connect mx1.nordwind.example:25" in html
    assert "<dt>Effect on mail, mode testing</dt>" in html
    assert html.index("certificate-expired") < html.index("sts-webpki-invalid")
    assert (
        meanings(archive_of((0, "Post", 1, {})))
        ._repr_html_()
        .endswith("<p>No failure was reported, so there is nothing to explain.</p></div>")
    )
