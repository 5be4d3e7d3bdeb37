"""The `_smtp._tls` record: RFC 8460 §3, case by case."""

from __future__ import annotations

import pytest

import mtasts_nb as sts
from mtasts_nb.policy import find_tlsrpt_record

MAIL = "mailto:tlsrpt@nordwind.example"
HTTPS = "https://reports.nordwind.example/v1/tlsrpt"

ACCEPTED = [
    # §3 tlsrpt-record = tlsrpt-version 1*(field-delim tlsrpt-field) [field-delim]
    (f"v=TLSRPTv1;rua={MAIL}", (MAIL,)),
    (f"v=TLSRPTv1; rua={MAIL}", (MAIL,)),
    (f"v=TLSRPTv1; rua={MAIL};", (MAIL,)),
    (f"v=TLSRPTv1;\trua={MAIL} ; ", (MAIL,)),
    (f"v=TLSRPTv1 ; rua={MAIL}", (MAIL,)),
    (f"v=TLSRPTv1; rua={HTTPS}", (HTTPS,)),
    # §3 tlsrpt-rua = %s"rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)
    (f"v=TLSRPTv1; rua={MAIL},{HTTPS}", (MAIL, HTTPS)),
    (f"v=TLSRPTv1; rua={MAIL} , {HTTPS}", (MAIL, HTTPS)),
    (f"v=TLSRPTv1; rua={HTTPS},\t{MAIL},mailto:b@c.example", (HTTPS, MAIL, "mailto:b@c.example")),
    # §3 commas, exclamation points and semicolons in a URI are encoded
    ("v=TLSRPTv1; rua=mailto:a%2Cb%21c%3Bd@nordwind.example", ("mailto:a%2Cb%21c%3Bd@nordwind.example",)),
    ("v=TLSRPTv1; rua=https://r.example/a?b=c&d=%2C#e", ("https://r.example/a?b=c&d=%2C#e",)),
    # RFC 3986 §3.1: schemes are not case-sensitive; §3.2: port and user
    ("v=TLSRPTv1; rua=MAILTO:a@b.example", ("MAILTO:a@b.example",)),
    ("v=TLSRPTv1; rua=HTTPS://r.example", ("HTTPS://r.example",)),
    ("v=TLSRPTv1; rua=https://r.example:8443/", ("https://r.example:8443/",)),
    ("v=TLSRPTv1; rua=https://u:p@r.example/", ("https://u:p@r.example/",)),
    ("v=TLSRPTv1; rua=https://[2001:db8::1]/r", ("https://[2001:db8::1]/r",)),
    ("v=TLSRPTv1; rua=https://192.0.2.1/r", ("https://192.0.2.1/r",)),
    ("v=TLSRPTv1; rua=mailto:a+tls.rpt-1@b.example?subject=tls", ("mailto:a+tls.rpt-1@b.example?subject=tls",)),
    ("v=TLSRPTv1; rua=mailto:a@xn--bcher-kva.example", ("mailto:a@xn--bcher-kva.example",)),
    # §3: reports may go to another domain; RFC 8460 asks for no authorisation record
    ("v=TLSRPTv1; rua=mailto:x@reports.example", ("mailto:x@reports.example",)),
    # §3 unknown fields are ignored
    (f"v=TLSRPTv1; a=b; rua={MAIL}", (MAIL,)),
    (f"v=TLSRPTv1; rua={MAIL}; ruf=mailto:x@y.example", (MAIL,)),
    (f"v=TLSRPTv1; rua={MAIL}; RUA=x", (MAIL,)),
    # a second rua: no rule; the first is taken, and the finding says so
    (f"v=TLSRPTv1; rua={MAIL}; rua={HTTPS}", (MAIL,)),
    # a scheme that nobody serves beside one that can be used
    (f"v=TLSRPTv1; rua={MAIL},http://r.example/", (MAIL, "http://r.example/")),
    (f"v=TLSRPTv1; rua=ftp://r.example/,{MAIL}", ("ftp://r.example/", MAIL)),
    (f"v=TLSRPTv1; rua={MAIL}".encode(), (MAIL,)),
]

REFUSED = [
    # §3 tlsrpt-version = %s"v=TLSRPTv1"
    ("", "tlsrpt-record-empty"),
    (f"v=TLSRPT1; rua={MAIL}", "tlsrpt-record-version-typo"),
    (f"v=TLSRPT; rua={MAIL}", "tlsrpt-record-version-typo"),
    (f"v=TLS-RPTv1; rua={MAIL}", "tlsrpt-record-version-typo"),
    (f"v=TLSPRTv1; rua={MAIL}", "tlsrpt-record-version-unknown"),
    (f"v=tlsrptv1; rua={MAIL}", "tlsrpt-record-version-case"),
    (f"v=TLSRPTV1; rua={MAIL}", "tlsrpt-record-version-case"),
    (f"v=TLSRPTv2; rua={MAIL}", "tlsrpt-record-version-unknown"),
    (f"rua={MAIL}", "tlsrpt-record-version-missing"),
    (f"rua={MAIL}; v=TLSRPTv1", "tlsrpt-record-version-not-first"),
    ("v=STSv1; id=1", "tlsrpt-record-other-kind"),
    (f"v=DMARC1; p=none; rua={MAIL}", "tlsrpt-record-other-kind"),
    # §3 field-delim
    (f"v=TLSRPTv1 rua={MAIL}", "tlsrpt-record-version-delimiter"),
    (f"v=TLSRPTv1, rua={MAIL}", "tlsrpt-record-version-delimiter"),
    (f"v=TLSRPTv1;; rua={MAIL}", "tlsrpt-record-field-empty"),
    (f" v=TLSRPTv1; rua={MAIL}", "tlsrpt-record-leading-space"),
    (f"v=TLSRPTv1; rua={MAIL}\n", "tlsrpt-record-trailing-space"),
    # §3 tlsrpt-rua is required
    ("v=TLSRPTv1", "rua-missing"),
    ("v=TLSRPTv1;", "rua-missing"),
    ("v=TLSRPTv1; RUA=mailto:a@b.example", "rua-missing"),
    ("v=TLSRPTv1; ruf=mailto:a@b.example", "rua-missing"),
    ("v=TLSRPTv1; rua=", "rua-empty"),
    (f"v=TLSRPTv1; rua={MAIL},", "rua-empty"),
    (f"v=TLSRPTv1; rua=,{MAIL}", "rua-empty"),
    (f"v=TLSRPTv1; rua={MAIL},,{HTTPS}", "rua-empty"),
    # §3 tlsrpt-uri = URI: a scheme, and the characters of RFC 3986
    ("v=TLSRPTv1; rua=tlsrpt@nordwind.example", "rua-scheme-missing"),
    ("v=TLSRPTv1; rua=reports.nordwind.example/v1", "rua-scheme-missing"),
    (f"v=TLSRPTv1; rua={MAIL},b@c.example", "rua-scheme-missing"),
    (f"v=TLSRPTv1; rua=<{MAIL}>", "rua-quoted"),
    (f'v=TLSRPTv1; rua="{MAIL}"', "rua-quoted"),
    ("v=TLSRPTv1; rua=mailto:<a@b.example>", "rua-quoted"),
    ("v=TLSRPTv1; rua=mailto: a@b.example", "rua-space"),
    (f"v=TLSRPTv1; rua={MAIL} {HTTPS}", "rua-space"),
    (f"v=TLSRPTv1; rua={MAIL}!10m", "rua-size-limit"),
    ("v=TLSRPTv1; rua=mailto:a!b@c.example", "rua-unencoded"),
    ("v=TLSRPTv1; rua=mailto:a@bücher.example", "rua-character"),
    ("v=TLSRPTv1; rua=mailto:a{b}@c.example", "rua-character"),
    ("v=TLSRPTv1; rua=https://r.example/100%", "rua-percent"),
    ("v=TLSRPTv1; rua=https://r.example/%zz", "rua-percent"),
    ("v=TLSRPTv1; rua=https://r.example/#a#b", "rua-character"),
    # §3 two schemes: mailto and https
    ("v=TLSRPTv1; rua=http://r.example/", "rua-scheme-unknown"),
    ("v=TLSRPTv1; rua=ftp://r.example/", "rua-scheme-unknown"),
    # an address must be one
    ("v=TLSRPTv1; rua=mailto:", "rua-mailto"),
    ("v=TLSRPTv1; rua=mailto:a", "rua-mailto"),
    ("v=TLSRPTv1; rua=mailto:@b.example", "rua-mailto"),
    ("v=TLSRPTv1; rua=mailto:a@", "rua-mailto"),
    ("v=TLSRPTv1; rua=mailto:a@b@c.example", "rua-mailto"),
    ("v=TLSRPTv1; rua=mailto://a@b.example", "rua-mailto"),
    ("v=TLSRPTv1; rua=mailto:a@b..example", "rua-mailto"),
    ("v=TLSRPTv1; rua=https:r.example", "rua-https"),
    ("v=TLSRPTv1; rua=https://", "rua-https"),
    ("v=TLSRPTv1; rua=https:///v1", "rua-https"),
    ("v=TLSRPTv1; rua=https://r.example:99999/", "rua-https"),
    # addresses separated by a semicolon end the field
    (f"v=TLSRPTv1; rua={MAIL};mailto:b@c.example", "tlsrpt-record-field-malformed"),
    # §3 tlsrpt-extension
    (f"v=TLSRPTv1; rua={MAIL}; a=b=c", "tlsrpt-record-value-malformed"),
    (f"v=TLSRPTv1; rua = {MAIL}", "tlsrpt-record-key-malformed"),
    # what tools leave round a record, and encodings
    (f'"v=TLSRPTv1; rua={MAIL}"', "tlsrpt-record-quoted"),
    (f"v=TLSRPTv1\\; rua={MAIL}", "tlsrpt-record-backslash"),
    (f'_smtp._tls.nordwind.example. IN TXT "v=TLSRPTv1; rua={MAIL}"', "tlsrpt-record-zone-line"),
    (b"v=TLSRPTv1; rua=mailto:\xff@b.example", "tlsrpt-record-not-utf8"),
]  # fmt: skip


def test_the_table_is_as_large_as_promised() -> None:
    assert len(ACCEPTED) + len(REFUSED) >= 50


@pytest.mark.parametrize(("text", "rua"), ACCEPTED, ids=lambda value: repr(value)[:70])
def test_accepted(text: str | bytes, rua: tuple[str, ...]) -> None:
    record = sts.parse_tlsrpt_record(text)
    assert (record.version, record.rua, record.raw) == ("TLSRPTv1", rua, text)
    assert sts.parse_tlsrpt_record(record.to_text()) == record
    assert not sts.validate(tlsrpt_record=text).errors


@pytest.mark.parametrize(("text", "code"), REFUSED, ids=lambda value: repr(value)[:70])
def test_refused(text: str | bytes, code: str) -> None:
    with pytest.raises(sts.RecordError) as caught:
        sts.parse_tlsrpt_record(text)
    assert (caught.value.reason, caught.value.raw) == ("syntax", text)
    findings = sts.validate(tlsrpt_record=text)
    assert code in findings.errors.codes
    assert {finding.effect for finding in findings} == {"cosmetic"}  # no mail is held back, no protection lost
    if right := findings.corrected.get("tlsrpt_record"):
        assert not sts.validate(tlsrpt_record=right)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("v=TLSRPTv1; rua=tlsrpt@nordwind.example", f"v=TLSRPTv1; rua={MAIL};"),
        (f"v=TLSRPTv1; rua={MAIL}!10m", f"v=TLSRPTv1; rua={MAIL};"),
        (f"v=TLSRPTv1; rua={MAIL};mailto:b@c.example", f"v=TLSRPTv1; rua={MAIL},mailto:b@c.example;"),
        (f"v=TLSRPTv1; rua={MAIL}; rua={HTTPS}", f"v=TLSRPTv1; rua={MAIL},{HTTPS};"),
        (f"v=TLSRPTv1; rua={MAIL} {HTTPS}", f"v=TLSRPTv1; rua={MAIL},{HTTPS};"),
        (f"v=TLSRPTv1; RUA={MAIL}", f"v=TLSRPTv1; rua={MAIL};"),
        (f"v=TLSRPT1; rua={MAIL}", f"v=TLSRPTv1; rua={MAIL};"),
        ("v=TLSRPTv1; rua=mailto:<tlsrpt@nordwind.example>", f"v=TLSRPTv1; rua={MAIL};"),
        ("v=TLSRPTv1; rua=mailto://tlsrpt@nordwind.example", f"v=TLSRPTv1; rua={MAIL};"),
        ("v=TLSRPTv1; rua=http://reports.nordwind.example/v1/tlsrpt", f"v=TLSRPTv1; rua={HTTPS};"),
        (f"v=TLSRPTv1; rua={MAIL},ftp://r.example/", f"v=TLSRPTv1; rua={MAIL};"),
        ("v=TLSRPTv1; rua=mailto:a!b@c.example", "v=TLSRPTv1; rua=mailto:a%21b@c.example;"),
        ("v=TLSRPTv1; rua=mailto:a@bücher.example", "v=TLSRPTv1; rua=mailto:a@xn--bcher-kva.example;"),
    ],
)
def test_the_text_that_was_meant(text: str, right: str) -> None:
    assert sts.validate(tlsrpt_record=text).corrected == {"tlsrpt_record": right}


def test_no_authorisation_record_is_asked_for() -> None:
    # DMARC has one for addresses in another domain (RFC 7489 §7.1); RFC 8460 has none.
    assert not sts.validate(tlsrpt_record="v=TLSRPTv1; rua=mailto:x@reports.example")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([], "missing"),
        (["v=TLSRPT1; rua=mailto:a@b.example"], "missing"),
        ([f"v=TLSRPTv1; rua={MAIL}"] * 2, "multiple"),
        (["v=TLSRPTv1; rua="], "syntax"),
    ],
    ids=repr,
)
def test_the_rule_of_several_records_refuses(texts: list[str], reason: str) -> None:
    with pytest.raises(sts.RecordError) as caught:
        find_tlsrpt_record(texts)
    assert caught.value.reason == reason
    # That there is none is a warning: RFC 8460 asks no domain to have it. One that is meant and wrong is an error.
    assert bool(sts.validate(tlsrpt_record=texts).errors) is bool(texts)
    assert sts.validate(tlsrpt_record=texts)[0].effect == "cosmetic"


def test_the_rule_of_several_records_passes_over_others() -> None:
    assert find_tlsrpt_record(["v=spf1 -all", f"v=TLSRPTv1; rua={MAIL}"]).rua == (MAIL,)
