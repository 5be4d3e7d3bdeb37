"""The `_mta-sts` record: RFC 8461 §3.1, case by case."""

from __future__ import annotations

import pytest

import mtasts_nb as sts
from mtasts_nb.vocabulary import Severity

LONGEST_ID = "0123456789abcdefABCDEF0123456789"

# Accepted: the text, the id, the extensions.
ACCEPTED = [
    # §3.1 sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
    ("v=STSv1; id=20160831085700Z;", "20160831085700Z", ()),
    ("v=STSv1; id=20160831085700Z", "20160831085700Z", ()),
    ("v=STSv1;id=1", "1", ()),
    ("v=STSv1;id=1;", "1", ()),
    # §3.1 sts-field-delim = *WSP ";" *WSP
    ("v=STSv1;   id=1", "1", ()),
    ("v=STSv1;\tid=1\t;\t", "1", ()),
    ("v=STSv1; id=1 ; ", "1", ()),
    ("v=STSv1 ; id=1", "1", ()),
    # §3.1 sts-id = %s"id=" 1*32(ALPHA / DIGIT)
    ("v=STSv1; id=a", "a", ()),
    ("v=STSv1; id=Z9", "Z9", ()),
    (f"v=STSv1; id={LONGEST_ID}", LONGEST_ID, ()),
    # §3.1 the order of the fields after the version is not significant
    ("v=STSv1; a=b; id=1", "1", (("a", "b"),)),
    ("v=STSv1; id=1; a=b", "1", (("a", "b"),)),
    # §3.1 sts-extension, sts-ext-name, sts-ext-value
    ("v=STSv1; id=1; x.y_z-1=~", "1", (("x.y_z-1", "~"),)),
    (f"v=STSv1; id=1; {'k' * 32}=v", "1", (("k" * 32, "v"),)),
    ('v=STSv1; id=1; note="x"', "1", (("note", '"x"'),)),
    ("v=STSv1; id=1; path=C:\\x", "1", (("path", "C:\\x"),)),
    ("v=STSv1; id=1; 1=2", "1", (("1", "2"),)),
    # §3.2, last paragraph: of a repeated field the first counts, the others are passed over
    ("v=STSv1; id=1; id=2", "1", ()),
    ("v=STSv1; id=1; id=2026-02-08", "1", ()),
    ("v=STSv1; id=1; v=STSv2", "1", ()),
    ("v=STSv1; id=1; a=b; a=c", "1", (("a", "b"),)),
    # %s"id=" is case-sensitive: ID is another key
    ("v=STSv1; id=1; ID=2", "1", (("ID", "2"),)),
    (b"v=STSv1; id=1;", "1", ()),
]

# Refused: the text, the code of the first error.
REFUSED = [
    # §3.1 sts-version = %s"v=STSv1"
    ("", "sts-record-empty"),
    ("  \t ", "sts-record-empty"),
    ("v=STS1; id=1", "sts-record-version-typo"),
    ("v=STSv1.0; id=1", "sts-record-version-typo"),
    ("v=STS-v1; id=1", "sts-record-version-typo"),
    ("v=MTASTSv1; id=1", "sts-record-version-typo"),
    ("v= STSv1; id=1", "sts-record-version-typo"),
    ("v:STSv1; id=1", "sts-record-version-typo"),
    ("STSv1; id=1", "sts-record-version-typo"),
    ("v=stsv1; id=1", "sts-record-version-case"),
    ("V=STSv1; id=1", "sts-record-version-case"),
    ("v=STSV1; id=1", "sts-record-version-case"),
    ("v=STSv2; id=1", "sts-record-version-unknown"),
    ("v=STSv12; id=1", "sts-record-version-unknown"),
    ("id=1", "sts-record-version-missing"),
    ("id=1; v=STSv1", "sts-record-version-not-first"),
    ("v=TLSRPTv1; rua=mailto:tlsrpt@nordwind.example", "sts-record-other-kind"),
    ("v=spf1 -all", "sts-record-other-kind"),
    ("v=DMARC1; p=none", "sts-record-other-kind"),
    ("version: STSv1", "sts-record-other-kind"),
    # §3.1 sts-field-delim
    ("v=STSv1 id=1", "sts-record-version-delimiter"),
    ("v=STSv1, id=1", "sts-record-version-delimiter"),
    ("v=STSv1;; id=1", "sts-record-field-empty"),
    ("v=STSv1; id=1;;", "sts-record-field-empty"),
    ("v=STSv1; id=1; ;", "sts-record-field-empty"),
    # nothing before the version, nothing after the last field
    (" v=STSv1; id=1", "sts-record-leading-space"),
    ("v=STSv1; id=1 ", "sts-record-trailing-space"),
    ("v=STSv1; id=1\n", "sts-record-trailing-space"),
    ("v=STSv1; id=1;\r\n", "sts-record-trailing-space"),
    # §3.1 sts-id: required, 1 to 32 letters and digits
    ("v=STSv1", "id-missing"),
    ("v=STSv1;", "id-missing"),
    ("v=STSv1; a=b", "id-missing"),
    ("v=STSv1; ID=1", "id-missing"),
    ("v=STSv1; id=", "id-empty"),
    ("v=STSv1; id=2026 02 08", "id-space"),
    ("v=STSv1; id=2026-02-08", "id-character"),
    ("v=STSv1; id=a_b", "id-character"),
    ("v=STSv1; id=ä", "id-character"),
    ("v=STSv1; id=1=2", "id-character"),
    ('v=STSv1; id=1"', "id-quoted"),
    ('v=STSv1; id="1"', "id-quoted"),
    ("v=STSv1; id=“1”", "id-quoted"),
    ("v=STSv1; id=1\\;", "id-quoted"),
    (f"v=STSv1; id={LONGEST_ID}x", "id-long"),
    # the first id counts, also when it is the wrong one
    ("v=STSv1; id=-; id=1", "id-character"),
    # §3.1 sts-extension
    ("v=STSv1; id=1; a", "sts-record-field-malformed"),
    ("v=STSv1; id: 1", "sts-record-field-malformed"),
    ("v=STSv1; id=1; a=", "sts-record-value-malformed"),
    ("v=STSv1; id=1; a=b=c", "sts-record-value-malformed"),
    ("v=STSv1; id=1; a=b c", "sts-record-value-malformed"),
    ("v=STSv1; id=1; a=é", "sts-record-value-malformed"),
    ("v=STSv1; id=1; a=b; a=b c", "sts-record-value-malformed"),
    ("v=STSv1; id = 1", "sts-record-key-malformed"),
    ("v=STSv1; id=1; -a=b", "sts-record-key-malformed"),
    (f"v=STSv1; id=1; {'k' * 33}=v", "sts-record-key-malformed"),
    ("v=STSv1;\n id=1", "sts-record-key-malformed"),
    # what tools and editors leave round a record
    ('"v=STSv1; id=1"', "sts-record-quoted"),
    ('"v=STSv1; " "id=1"', "sts-record-quoted"),
    ("'v=STSv1; id=1'", "sts-record-quoted"),
    ("“v=STSv1; id=1”", "sts-record-quoted"),
    ("v=STSv1\\; id=1", "sts-record-backslash"),
    ('_mta-sts.nordwind.example. 300 IN TXT "v=STSv1; id=1"', "sts-record-zone-line"),
    # encodings
    (b"\xef\xbb\xbfv=STSv1; id=1", "sts-record-bom"),
    ("\ufeffv=STSv1; id=1", "sts-record-bom"),
    (b"\xff\xfev\x00=\x00", "sts-record-utf16"),
    (b"v=STSv1; id=\xe9", "sts-record-not-utf8"),
    ("v=STSv1; id=1\x00", "id-character"),
    ("v=STSv1; id=" + "1" * 70_000, "sts-record-too-large"),
]


def test_the_table_is_as_large_as_promised() -> None:
    assert len(ACCEPTED) + len(REFUSED) >= 60


@pytest.mark.parametrize(("text", "id_", "extensions"), ACCEPTED, ids=lambda value: repr(value)[:60])
def test_accepted(text: str | bytes, id_: str, extensions: tuple[tuple[str, str], ...]) -> None:
    record = sts.parse_sts_record(text)
    assert (record.version, record.id, record.extensions, record.raw) == ("STSv1", id_, extensions, text)
    assert sts.parse_sts_record(record.to_text()) == record
    assert not sts.validate(record=text).errors


@pytest.mark.parametrize(("text", "code"), REFUSED, ids=lambda value: repr(value)[:60])
def test_refused(text: str | bytes, code: str) -> None:
    with pytest.raises(sts.RecordError) as caught:
        sts.parse_sts_record(text)
    error = caught.value
    assert (error.reason, error.raw) == ("syntax", text)
    findings = sts.validate(record=text)
    assert code in findings.errors.codes
    assert findings.errors[0].effect == "disables protection"
    if right := findings.corrected.get("record"):
        assert not sts.validate(record=right).errors


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("v=STS1; id=20260208", "v=STSv1; id=20260208;"),
        ("v=stsv1;id=20260208", "v=STSv1; id=20260208;"),
        ("v=STSv1; id=2026-02-08", "v=STSv1; id=20260208;"),
        ("v=STSv1; ID=20260208", "v=STSv1; id=20260208;"),
        ("v=STSv1; id = 20260208", "v=STSv1; id=20260208;"),
        ("v=STSv1, id=20260208", "v=STSv1; id=20260208;"),
        ("v=STSv1; id: 20260208", "v=STSv1; id=20260208;"),
        ('"v=STSv1; " "id=20260208"', "v=STSv1; id=20260208;"),
        ("“v=STSv1; id=20260208”", "v=STSv1; id=20260208;"),
        ("v=STSv1\\; id=20260208\\;", "v=STSv1; id=20260208;"),
        ('_mta-sts 300 IN TXT ( "v=STSv1; id=20260208" )', "v=STSv1; id=20260208;"),
        ("id=20260208; v=STSv1", "v=STSv1; id=20260208;"),
        (f"v=STSv1; id={LONGEST_ID}x", f"v=STSv1; id={LONGEST_ID};"),
        ("v=STSv1 ; id=20260208; keep=me", "v=STSv1; id=20260208; keep=me;"),
    ],
)
def test_the_text_that_was_meant(text: str, right: str) -> None:
    findings = sts.validate(record=text)
    assert findings.corrected == {"record": right}
    assert {finding.fix for finding in findings if "unknown-field" not in finding.code} == {right}


def test_a_missing_id_is_made_from_the_policy_and_changes_with_it() -> None:
    policy = "version: STSv1\nmode: testing\nmx: mx1.nordwind.example\nmax_age: 86400\n"
    one, again, other = (
        sts.validate(record="v=STSv1;", policy=text).corrected["record"]
        for text in (policy, policy, policy.replace("testing", "enforce"))
    )
    assert one == again != other


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("v=STSv1; id=1;", ()),
        ("v=STSv1 ; id=1", ("sts-record-version-space",)),  # erratum 6285
        ("v=STSv1; id=1; id=2", ("sts-record-duplicate-field",)),
        ("v=STSv1; id=1; note=x", ("sts-record-unknown-field",)),
    ],
)
def test_what_is_allowed_and_worth_a_word(text: str, codes: tuple[str, ...]) -> None:
    findings = sts.validate(record=text)
    assert findings.codes == codes
    assert not findings.of(Severity.ERROR)


def test_the_error_says_where_what_and_what_was_expected() -> None:
    with pytest.raises(sts.RecordError, match=r"column 13: .*letters and digits") as caught:
        sts.parse_sts_record("v=STSv1; id=2026-02-08; x=y")
    error = caught.value
    assert (error.column, error.field, error.actual, error.expected) == (13, "id", "2026-02-08", "20260208")
    assert error.rfc == "RFC 8461 §3.1"


# §3.1: "records that do not begin with "v=STSv1;" are discarded. If the number of resulting records is not one …"
RRSETS = [
    ([], "missing"),
    (["v=spf1 -all"], "missing"),
    (["v=STS1; id=1"], "missing"),
    (["v=STSv1 ; id=1"], "missing"),
    (["v=stsv1; id=1"], "missing"),
    (['"v=STSv1; id=1"'], "missing"),
    (["v=STSv1"], "missing"),
    (["v=STSv1; id=1", "v=STSv1; id=2"], "multiple"),
    (["v=STSv1; id=1", "v=STSv1; id=1"], "multiple"),
    (["v=STSv1; id=1", "v=STSv1;"], "multiple"),
    (["v=STSv1; id=-"], "syntax"),
    (["v=spf1 -all", "v=STSv1;"], "syntax"),
    ([b"v=STSv1; id=\xff"], "syntax"),
]


@pytest.mark.parametrize(("texts", "reason"), RRSETS, ids=repr)
def test_the_rule_of_several_records_refuses(texts: list[str | bytes], reason: str) -> None:
    with pytest.raises(sts.RecordError) as caught:
        sts.find_sts_record(texts)
    assert caught.value.reason == reason
    assert sts.validate(record=texts).errors


@pytest.mark.parametrize(
    "texts",
    [
        ["v=STSv1; id=1;"],
        ["v=spf1 -all", "v=STSv1; id=1;"],
        ["v=STSv1; id=1;", "v=STS1; id=2", "google-site-verification=x", ""],
        [b"v=STSv1; id=1;"],
        "v=STSv1; id=1;",
    ],
    ids=repr,
)
def test_the_rule_of_several_records_finds(texts: list[str] | str) -> None:
    assert sts.find_sts_record(texts).id == "1"
    assert not sts.validate(record=texts).errors


def test_a_slip_in_the_only_record_is_named_beside_the_missing_one() -> None:
    codes = sts.validate(record=["v=spf1 -all", "v=STS1; id=1"]).codes
    assert codes == ("sts-record-missing", "sts-record-version-typo")


def test_a_record_made_by_hand_is_never_written_wrong() -> None:
    for wrong in ({"id": "a b"}, {"id": "1; id=2"}, {"id": "1", "extensions": (("a", "1"), ("a", "2"))}):
        with pytest.raises(sts.RecordError):
            sts.StsRecord(**wrong).to_text()
