"""Sentences agree with their numbers: at none, one and many, and where nothing is known."""

from __future__ import annotations

import pytest

from mtasts_nb.analysis import key_figures, meanings, scope, story

FAILED = "certificate-expired"


def _texts(told) -> list[str]:
    return [text for _, text in told.statements]


def test_no_report_is_not_no_failure(archive_of) -> None:
    assert _texts(story(archive_of())) == [
        "Not known: no report came for this period. That is not the same as no failure."
    ]
    assert _texts(scope(archive_of())) == ["No report came."]
    assert key_figures(archive_of()).figures == (("–", "no report came"),)


def test_one_report_without_failure(archive_of) -> None:
    archive = archive_of((0, "Post", 1, {}))
    assert _texts(story(archive)) == ["On 2026-03-01, no failure was reported."]
    assert _texts(scope(archive)) == [
        "On 2026-03-01, 1 reporter sent figures about nordwind.example: under MTA-STS none of 1 session failed."
    ]
    assert ("1 of 1", "day with a report") in key_figures(archive).figures
    assert ("1", "reporter sent figures") in key_figures(archive).figures


def test_one_incident_that_held_mail_back_and_is_over(archive_of) -> None:
    clean = [(day, "Post", 100, {}) for day in (0, 1, 3, 4, 5, 6)]
    archive = archive_of(*clean, (2, "Post", 0, {FAILED: 12}), (2, "Kontor", 40, {}))
    happened, effect, now = _texts(story(archive))
    assert happened == (
        "Between 2026-03-01 and 2026-03-07, one kind of failure stood out: certificate-expired at "
        "mx1.nordwind.example, for nordwind.example: 12 failed sessions on 2026-03-03, seen by 1 of 2 reporters."
    )
    assert effect == (
        "Mail of 1 reporter was held back, on 1 day in all: none of that day's sessions succeeded where enforce or "
        "DANE asks senders to wait (12 failed sessions)."
    )
    assert now.startswith(
        "Over, as far as reported: the last day with failures in numbers was 2026-03-03, and reports came for 4 days after it"
    )


def test_many_incidents_of_which_one_goes_on(archive_of) -> None:
    rows = [(day, "Post", 0, {FAILED: 20}) for day in (0, 1)]
    rows += [(day, "Post", 80, {}) for day in (2, 3, 4, 5)]
    rows += [(day, "Post", 30, {"tlsa-invalid": 30}, {"kind": "tlsa"}) for day in (4, 5)]
    happened, _, now = _texts(story(archive_of(*rows)))
    assert "failures stood out 2 times, most of all tlsa-invalid at" in happened
    assert now == (
        "Not over: on 2026-03-06, the last day with reports, this had not gone quiet: tlsa-invalid at mx1.nordwind.example."
    )


def test_scattered_failures_are_no_incident(archive_of) -> None:
    archive = archive_of(*[(day, "Post", 1000, {"validation-failure": 1}) for day in range(5)])
    happened, effect, now = _texts(story(archive))
    assert (
        happened
        == "Between 2026-03-01 and 2026-03-05, 5 failed sessions came scattered, too few on any day to stand out."
    )
    assert effect.startswith("Mail was delayed at most:")
    assert now == "Nothing stands out on the last day with reports, 2026-03-05."


@pytest.mark.parametrize(
    ("mode", "result_type", "told"),
    [
        ("testing", FAILED, "Nothing in the reports says that mail was held back."),  # RFC 8461 §5
        ("enforce", "sts-policy-fetch-error", "Nothing in the reports says that mail was held back."),  # §3.3
        (None, FAILED, "Nothing in the reports says that mail was held back."),
        ("enforce", FAILED, "Mail of 1 reporter was held back"),
    ],
)
def test_only_a_failing_mx_under_enforce_holds_mail(archive_of, mode, result_type, told) -> None:
    archive = archive_of((0, "Post", 0, {result_type: 50}, {"mode": mode}))
    assert _texts(story(archive))[1].startswith(told)


def test_sts_and_tlsa_are_never_added(archive_of) -> None:
    archive = archive_of((0, "Post", 10, {FAILED: 1}), (0, "Post", 10, {"tlsa-invalid": 1}, {"kind": "tlsa"}))
    (numbers,) = _texts(scope(archive))[:1]
    assert "under MTA-STS 1 of 11 sessions failed (9.1 %); under DANE 1 of 11 sessions failed (9.1 %)" in numbers
    assert "not added up" in numbers
    assert "22" not in numbers


def test_the_reporters_own_words_are_kept_and_harmless(archive_of) -> None:
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
    assert heads[3].endswith("(<code>starttls-not-supported</code>)</h3> 10 failed sessions")
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
        meanings(archive_of((0, "Post", 1, {})))._repr_html_()
        == "<p>No failure was reported, so there is nothing to explain.</p>"
    )
