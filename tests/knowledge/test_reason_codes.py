"""The wordings of senders: every one is in the table with its source, means one thing, and is read in linear time."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest
from OpenSSL import crypto

from mtasts_nb.knowledge import MX, POLICY_HOST, causes, read_data, reason_matches, reason_meanings, words_of
from mtasts_nb.knowledge._read import read_folder
from mtasts_nb.vocabulary import Area

TABLE = [
    (code, text, entry)
    for file in read_folder("reason_codes").values()
    for entry in file.values()
    for code, texts in entry["texts"].items()
    for text in texts
]
AT_MX = (Area.MX, Area.MX_CERTIFICATE, Area.DANE)
#: `X509_V_ERR_…` of x509_vfy.h by number, as far as these libraries have them in common.
X509 = {
    2: "certificate-issuer", 3: "revocation-unknown", 4: "certificate-invalid", 7: "certificate-invalid",
    9: "certificate-not-yet-valid", 10: "certificate-expired", 12: "revocation-unknown", 18: "certificate-untrusted",
    19: "certificate-untrusted", 20: "certificate-issuer", 21: "certificate-chain", 22: "certificate-invalid",
    23: "certificate-revoked", 24: "certificate-invalid", 25: "certificate-invalid", 26: "certificate-invalid",
    27: "certificate-issuer", 28: "certificate-untrusted", 47: "certificate-invalid", 62: "certificate-name",
    64: "certificate-name", 65: "dane-mismatch", 66: "certificate-weak", 67: "certificate-weak", 68: "certificate-weak",
}  # fmt: skip


def meanings(text: str, side: str = "", **options: bool) -> list[str]:
    return [match.meaning.code for match in reason_matches(text, side, **options)]


@pytest.mark.parametrize(("code", "text", "entry"), TABLE, ids=[text for _, text, _ in TABLE])
def test_every_wording_says_what_the_table_says(code, text, entry):
    assert entry["source"]
    side = entry.get("at") or (MX if reason_meanings()[code].causes.get(MX) else POLICY_HOST)
    written = text.replace("…", "mx1.nordwind.example")
    assert code in meanings(written, side, reported=True)
    assert code in meanings(f"  {written.upper()}!", side, reported=True)


def test_a_wording_is_in_the_table_once():
    counts = Counter((words_of(text), entry.get("at", "")) for _, text, entry in TABLE)
    assert [text for text, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("code", list(reason_meanings()))
def test_a_meaning_leads_to_causes_of_its_side(code):
    meaning = reason_meanings()[code]
    assert set(read_data("meanings")[code]) <= {"says", "general", MX, POLICY_HOST}
    assert meaning.says.endswith(".")
    assert code in {used for used, _, _ in TABLE}
    for side, codes in meaning.causes.items():
        for cause in codes:
            area = causes()[cause].area
            assert (area in AT_MX) == (side == MX) or area in (Area.RECORD, Area.SENDER)


@pytest.mark.parametrize("number", sorted(X509))
def test_what_openssl_itself_says(number):
    """The words of the library that is installed, whatever its version."""
    assert meanings(f"certificate verify failed: {crypto.X509StoreContextError.__name__}") == ["certificate-unverified"]
    text = crypto._ffi.string(crypto._lib.X509_verify_cert_error_string(number)).decode()
    assert meanings(text) == [X509[number]]
    assert meanings(f"error:0A000086:SSL routines::certificate verify failed (verify error:num={number}:{text})") == [
        X509[number]
    ]


@pytest.mark.parametrize("number", range(1, 128))
def test_no_error_of_openssl_is_missing(number):
    text = crypto._ffi.string(crypto._lib.X509_verify_cert_error_string(number)).decode()
    assert "error number" in text or meanings(text, MX, reported=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x509: certificate has expired or is not yet valid: current time is after 2026-02-08", "certificate-expired"),
        (
            "x509: certificate has expired or is not yet valid: current time is before 2026-02-08",
            "certificate-not-yet-valid",
        ),
        ("x509: certificate has expired or is not yet valid: ", "certificate-out-of-date"),
        ("certificate expired or not yet valid", "certificate-out-of-date"),
        ("x509: certificate is valid for mail.nordwind.example, not mx1.nordwind.example", "certificate-name"),
        ("CRL has expired", "revocation-unknown"),
        ("OCSP response has expired", "revocation-unknown"),
        (
            "no alternative certificate subject name matches target host name 'mta-sts.nordwind.example'",
            "certificate-name",
        ),
    ],
)
def test_the_most_specific_wording_decides(text, expected):
    assert meanings(text) == [expected]


@pytest.mark.parametrize(
    "text",
    ["", " ", "UNKNOWN", "error 7", "4.7.52", "192.5.7.5", "5.7.5.1", "version 15.7.325", "404", "no such host", "dns"],
)
def test_what_is_not_known_is_not_guessed(text):
    """Single words and network errors say too little where neither the result type nor the host is known."""
    assert meanings(text) == []


def test_a_word_counts_where_the_result_type_is_known():
    assert meanings("404", POLICY_HOST, reported=True) == ["http-not-found"]
    assert meanings("404", MX, reported=True) == []
    assert meanings("no such host", POLICY_HOST) == ["host-not-found"]


@pytest.mark.parametrize(
    "text",
    [
        "certificate is valid for " * 40_000,
        "x509: certificate is valid for " * 4_000 + "not",
        "a" * 1_000_000,
        "a." * 500_000,
        "1." * 500_000,
        "\N{COMBINING ACUTE ACCENT}" * 300_000,
        "ſ" * 300_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_text_is_read_in_linear_time(text):
    began = time.process_time()
    reason_matches(text, MX, reported=True)
    assert time.process_time() - began < 2


def test_a_match_is_plain_data():
    (match,) = reason_matches("MX_HOSTS_MISMATCH")
    assert (match.wording, match.causes()) == ("MX_HOSTS_MISMATCH", ("mx-not-in-policy",))
    assert replace(match, side=POLICY_HOST).causes() == ()
