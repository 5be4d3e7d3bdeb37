"""What a person sees: everything from outside is text, whatever it says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mtasts_nb.probe import DnsAnswer, DnsRecord, SmtpReply, compare_probes
from mtasts_nb.vocabulary import Status

NASTY = "<script>alert(1)</script>\x1b[31m\u202e\x00\r\n=HYPERLINK(1)\"'`$(reboot)"


@pytest.fixture(scope="module")
def hostile(healthy):
    """The healthy probe, with the nasty text wherever a stranger could have written it."""

    def answer(attempt):
        records = (DnsRecord(name=NASTY, type="TXT", ttl=300, text=NASTY),)
        return replace(attempt, detail=NASTY, answer=DnsAnswer(rcode="NOERROR", records=records, cname_chain=(NASTY,)))

    def session(tls):
        leaf = replace(tls.chain[0], subject=NASTY, issuer=NASTY, dns_names=(NASTY,), common_names=(NASTY,), key=NASTY)
        verdict = replace(tls.validation.verdict, code=62, text=NASTY)
        validation = replace(tls.validation, name_matches=False, name_detail=NASTY, verdict=verdict)
        return replace(tls, chain=(leaf,), version=NASTY, cipher=NASTY, validation=validation)

    def smtp(attempt):
        reply = SmtpReply(code=554, lines=(NASTY,))
        return replace(attempt, status=Status.FAILED, stage="greeting", reason="greeting-554", detail=NASTY,
                       greeting=reply, ehlo=reply, starttls=reply, tls=session(attempt.tls))  # fmt: skip

    def http(attempt):
        response = replace(attempt.response, status_code=302, headers=(("Location", NASTY), (NASTY, NASTY)))
        return replace(attempt, detail=NASTY, response=response, tls=session(attempt.tls))

    host = healthy.policy_host
    return replace(
        healthy,
        sts=answer(healthy.sts),
        tlsrpt=answer(healthy.tlsrpt),
        authoritative=tuple(answer(one) for one in healthy.authoritative),
        policy_host=replace(host, a=answer(host.a), attempts=tuple(http(one) for one in host.attempts)),
        mx_hosts=tuple(
            replace(mx, host=NASTY, a=answer(mx.a), attempts=tuple(smtp(one) for one in mx.attempts))
            for mx in healthy.mx_hosts
        ),
        limits_hit=(NASTY,),
    )


def test_html(hostile, healthy):
    for html in (
        hostile._repr_html_(),
        hostile.commands._repr_html_(),
        compare_probes(healthy, hostile)._repr_html_(),
        hostile.findings._repr_html_(),
    ):
        assert "<script" not in html
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", html)


def test_terminal(hostile, healthy):
    for text in (str(hostile), str(hostile.commands), str(compare_probes(healthy, hostile)), repr(hostile)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)


def test_tables(hostile, healthy):
    for frame in (hostile.checks, hostile.findings.to_frame(), compare_probes(healthy, hostile).to_frame()):
        text = frame.to_csv()
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_no_printed_command_runs_what_a_stranger_wrote(hostile):
    """A name from the DNS that is no host name is not put into a command at all."""
    assert not any("reboot" in one.line for one in hostile.commands)


def test_the_fundamentals_come_first_then_mx_by_mx(healthy):
    html = healthy._repr_html_()
    places = [html.index(words) for words in ("_mta-sts", "Policy file", "Certificate of", "_smtp._tls", "MX hosts")]
    assert places == sorted(places)
    assert html.index("<strong>mx1.nordwind.example") < html.index("<strong>mx2.nordwind.example")


def test_what_was_not_observed_is_called_so(look):
    seen = look("port-25-closed")
    assert "not observed" in seen._repr_html_()
    assert "[?]" in str(seen)
    smtp = seen.checks[seen.checks["step"].str.startswith("smtp")]
    assert set(smtp["status"]) == {"not observed"}


def test_the_checks_table(healthy):
    """One row per attempt and check; columns as documented."""
    checks = healthy.checks
    assert list(checks.columns) == ["step", "subject", "host", "address", "status", "reason", "detail", "seconds"]
    assert str(checks["seconds"].dtype) == "float64"
    assert (checks["step"] == "smtp handshake").sum() == 4
    assert (checks["step"] == "mx certificate").sum() == 4
    assert (checks["step"] == "https response").sum() == 2
    assert set(checks["status"]) == {"completed"}


def test_the_certificate_commands_look_at_the_names_themselves(healthy):
    """RFC 9525 §2: only the SAN counts; `-verify_hostname` and curl fall back to the common name without one."""
    for one in (*healthy.commands.of("certificate"), *healthy.commands.of("mx")[1:]):
        check, names = one.line.splitlines()
        assert "-verify_hostname" in check
        assert names.endswith("openssl x509 -noout -subject -ext subjectAltName")
        assert "common name" in one.expect
        assert "DNS m" in one.observed  # the names of the certificate
    assert str(healthy.commands).count("openssl s_client") == 2 * 3


@pytest.mark.browser
def test_it_fits_a_phone_in_a_notebook(look, chromium):
    """A fix to paste wraps, or it takes the whole width; host names beside it are not broken letter by letter."""
    html = f"<meta charset=utf-8><body style='font:16px sans-serif'>{look('port-25-closed')._repr_html_()}"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, play.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser:
        page = browser.new_page(viewport={"width": 390, "height": 900})
        page.set_content(html)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator(".sts-steps li").first.bounding_box()["width"] >= 300
        assert page.locator(".sts-doc td").last.bounding_box()["height"] < 900
