"""The policy file: RFC 8461 §3.2, case by case."""

from __future__ import annotations

import pytest

import mtasts_nb as sts
from mtasts_nb.vocabulary import Effect, Mode, Severity

HEAD = "version: STSv1\nmode: enforce\n"
MX = "mx: mx1.nordwind.example\n"
AGE = "max_age: 604800\n"
LABEL = "a" * 63
LONG = ".".join([LABEL, LABEL, LABEL, "a" * 61])  # 253 characters


def with_mx(value: str) -> str:
    return f"{HEAD}mx: {value}\n{AGE}"


def with_field(line: str) -> str:
    return f"{HEAD}{MX}{AGE}{line}\n"


ACCEPTED = {
    # §3.2 example of the RFC, and each mode
    "the RFC's example": "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n",
    "testing": f"version: STSv1\nmode: testing\n{MX}max_age: 86400\n",
    "none without mx": "version: STSv1\nmode: none\nmax_age: 86400\n",
    "none with mx": f"version: STSv1\nmode: none\n{MX}max_age: 86400\n",
    # sts-policy-term = LF / CRLF; the last line may do without
    "CRLF": (HEAD + MX + AGE).replace("\n", "\r\n"),
    "LF and CRLF mixed": HEAD.replace("\n", "\r\n") + MX + AGE,
    "no line end at the end": (HEAD + MX + AGE).rstrip("\n"),
    "no line end, blanks at the end": (HEAD + MX + AGE).rstrip("\n") + " \t",
    # sts-policy-field *WSP; sts-policy-field-delim = ":" *WSP
    "white space after values": "version: STSv1 \nmode: enforce\t\nmx: mx1.nordwind.example  \nmax_age: 604800 \t\n",
    "no space after the colon": "version:STSv1\nmode:enforce\nmx:mx1.nordwind.example\nmax_age:604800\n",
    "much space after the colon": "version: \t STSv1\nmode:   enforce\nmx:\tmx1.nordwind.example\nmax_age:  604800\n",
    # the order is free
    "version last": f"mode: enforce\n{AGE}{MX}version: STSv1\n",
    "mx apart": f"{HEAD}{MX}{AGE}mx: mx2.nordwind.example\n",
    # sts-policy-max-age-value = 1*10(DIGIT), 0 to 31557600
    "max_age 0": f"{HEAD}{MX}max_age: 0\n",
    "max_age 31557600": f"{HEAD}{MX}max_age: 31557600\n",
    "max_age with zeros": f"{HEAD}{MX}max_age: 0000604800\n",
    # sts-policy-mx-value = ["*."] Domain
    "wildcard": with_mx("*.nordwind.example"),
    "wildcard of one label": with_mx("*.example"),
    "one label": with_mx("mail"),
    "upper case": with_mx("MX1.NORDWIND.EXAMPLE"),
    "digits and hyphens": with_mx("1-a.0.x--y.example"),
    "A-label": with_mx("xn--bcher-kva.example"),
    "label of 63": with_mx(f"{LABEL}.example"),
    "name of 253": with_mx(LONG),
    "digits like an address": with_mx("192.0.2.25"),
    # sts-policy-extension, sts-policy-ext-name, sts-policy-ext-value
    "an extension": with_field("contact: postmaster"),
    "an extension with spaces": with_field("note: two words and = ; : # more"),
    "an extension in UTF-8": with_field("note: grüße 世界 😀"),
    "a key of 32": with_field(f"{'k' * 32}: v"),
    "a key with signs": with_field("x-a_b.c: v"),
    "keys are case-sensitive": with_field("Mode: testing"),
    # a repeated field other than mx: the first counts, the others are passed over
    "two modes": f"version: STSv1\nmode: enforce\nmode: testing\n{MX}{AGE}",
    "two modes, the second unknown": f"version: STSv1\nmode: enforce\nmode: bogus\n{MX}{AGE}",
    "two max_age": f"{HEAD}{MX}{AGE}max_age: never\n",
    "two versions": f"{HEAD}{MX}{AGE}version: STSv2; mode: x\n",
    "two extensions": with_field("a: 1\na: 2"),
    "the same mx twice": f"{HEAD}{MX}{MX}{AGE}",
}

REFUSED = [
    # the file as a whole
    ("", "policy-empty", None),
    ("\r\n \t\n", "policy-empty", None),
    (b"\x00\x00", "policy-empty", None),
    ("<!DOCTYPE html>\n<html><title>404 Not Found</title></html>", "policy-html", 1),
    ("\n<html>", "policy-html", 1),
    ('<?xml version="1.0"?><Error/>', "policy-html", 1),
    ('{"version": "STSv1"}', "policy-json", 1),
    ("v=STSv1; id=20260208;", "policy-is-record", 1),
    ("k: " + "v" * 65_534, "policy-too-large", None),
    (HEAD + MX + AGE + "k: v\n" * 14_000, "policy-too-large", None),
    (b"\xef\xbb\xbf" + (HEAD + MX + AGE).encode(), "policy-bom", 1),
    ("\ufeff" + HEAD + MX + AGE, "policy-bom", 1),
    ((HEAD + MX + AGE).encode("utf-16"), "policy-utf16", 1),
    (with_field("note: gr\xfc\xdfe").encode("latin-1"), "policy-not-utf8", 5),
    (with_field("note: \xed\xa0\x80").encode("latin-1"), "policy-not-utf8", 5),
    ("version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800", "policy-escaped-newline", 1),
    ("version: STSv1; mode: enforce; mx: mx1.nordwind.example; max_age: 604800", "policy-one-line", 1),
    # lines
    ((HEAD + MX + AGE).replace("\n", "\r"), "policy-bare-cr", 1),
    ((HEAD + MX + AGE).replace("\n", "\r\r\n"), "policy-bare-cr", 1),
    (HEAD + MX + AGE.strip() + "\r", "policy-bare-cr", 4),
    (HEAD + "\n" + MX + AGE, "policy-blank-line", 3),
    (HEAD + MX + AGE + "\n", "policy-blank-line", 5),
    (HEAD + MX + AGE + "   ", "policy-blank-line", 5),
    ("\n" + HEAD + MX + AGE, "policy-blank-line", 1),
    (f"# our policy\n{HEAD}{MX}{AGE}", "policy-comment", 1),
    (f"{HEAD}{MX}{AGE}// end\n", "policy-comment", 5),
    (f"{HEAD} {MX}{AGE}", "policy-leading-space", 3),
    (f"\tversion: STSv1\nmode: enforce\n{MX}{AGE}", "policy-leading-space", 1),
    (f"{HEAD}mx : mx1.nordwind.example\n{AGE}", "policy-space-before-colon", 3),
    (f"{HEAD}mx\t: mx1.nordwind.example\n{AGE}", "policy-space-before-colon", 3),
    (f"{HEAD}mx=mx1.nordwind.example\n{AGE}", "policy-no-colon", 3),
    (f"{HEAD}mx mx1.nordwind.example\n{AGE}", "policy-no-colon", 3),
    (f"{HEAD}{MX}{AGE}hello\n", "policy-no-colon", 5),
    (HEAD + MX + "max_age: 604800\x00\n", "policy-control-character", 4),
    (f"{HEAD}mx: mx1\x0b.nordwind.example\n{AGE}", "policy-control-character", 3),
    (f"version:\u00a0STSv1\nmode: enforce\n{MX}{AGE}", "policy-value-malformed", 1),
    (f"{HEAD}mx: mx1.nordwind.example\u00a0\n{AGE}", "policy-value-malformed", 3),
    (f"{HEAD}\u2003{MX}{AGE}", "policy-value-malformed", 3),
    # keys
    (with_field("-key: v"), "policy-key-malformed", 5),
    (with_field(f"{'k' * 33}: v"), "policy-key-malformed", 5),
    (with_field("kéy: v"), "policy-key-malformed", 5),
    (with_field(": v"), "policy-key-malformed", 5),
    (f"{HEAD}{MX}max age: 604800\n", "policy-key-malformed", 4),
    (f'{HEAD}{MX}"max_age": 604800\n', "policy-key-malformed", 4),
    # sts-policy-version, required
    (f"mode: enforce\n{MX}{AGE}", "policy-version-missing", None),
    (f"Version: STSv1\nmode: enforce\n{MX}{AGE}", "policy-version-missing", 1),
    (f"version: STSv2\nmode: enforce\n{MX}{AGE}", "policy-version-unknown", 1),
    (f"version: stsv1\nmode: enforce\n{MX}{AGE}", "policy-version-unknown", 1),
    (f"version: STS1\nmode: enforce\n{MX}{AGE}", "policy-version-unknown", 1),
    (f"version: v=STSv1\nmode: enforce\n{MX}{AGE}", "policy-version-unknown", 1),
    (f'version: "STSv1"\nmode: enforce\n{MX}{AGE}', "policy-version-unknown", 1),
    (f"version:\nmode: enforce\n{MX}{AGE}", "policy-version-unknown", 1),
    (f"version: STSv1 STSv1\nmode: enforce\n{MX}{AGE}", "policy-version-unknown", 1),
    # sts-policy-mode, required
    (f"version: STSv1\n{MX}{AGE}", "policy-mode-missing", None),
    (f"version: STSv1\nMode: enforce\n{MX}{AGE}", "policy-mode-missing", 2),
    (f"version: STSv1\npolicy: enforce\n{MX}{AGE}", "policy-mode-missing", 2),
    (f"version: STSv1\nmode: Enforce\n{MX}{AGE}", "policy-mode-unknown", 2),
    (f"version: STSv1\nmode: enforced\n{MX}{AGE}", "policy-mode-unknown", 2),
    (f"version: STSv1\nmode: test\n{MX}{AGE}", "policy-mode-unknown", 2),
    (f'version: STSv1\nmode: "enforce"\n{MX}{AGE}', "policy-mode-unknown", 2),
    (f"version: STSv1\nmode: enforce;\n{MX}{AGE}", "policy-mode-unknown", 2),
    (f"version: STSv1\nmode:\n{MX}{AGE}", "policy-mode-unknown", 2),
    (f"version: STSv1\nmode: bogus\nmode: enforce\n{MX}{AGE}", "policy-mode-unknown", 2),
    # sts-policy-max-age, required
    (HEAD + MX, "policy-max-age-missing", None),
    (f"{HEAD}{MX}max-age: 604800\n", "policy-max-age-missing", 4),
    (f"{HEAD}{MX}maxage: 604800\n", "policy-max-age-missing", 4),
    (f"{HEAD}{MX}Max_Age: 604800\n", "policy-max-age-missing", 4),
    (f"{HEAD}{MX}ttl: 604800\n", "policy-max-age-missing", 4),
    (f"{HEAD}{MX}max_age: 31557601\n", "policy-max-age-range", 4),
    (f"{HEAD}{MX}max_age: 9999999999\n", "policy-max-age-range", 4),
    (f"{HEAD}{MX}max_age: 00000604800\n", "policy-max-age-range", 4),
    (f"{HEAD}{MX}max_age: -1\n", "policy-max-age-negative", 4),
    (f"{HEAD}{MX}max_age: 7d\n", "policy-max-age-unit", 4),
    (f"{HEAD}{MX}max_age: 604800s\n", "policy-max-age-unit", 4),
    (f"{HEAD}{MX}max_age: 604,800\n", "policy-max-age-grouped", 4),
    (f'{HEAD}{MX}max_age: "604800"\n', "policy-max-age-quoted", 4),
    (f"{HEAD}{MX}max_age: 604800;\n", "policy-max-age-quoted", 4),
    (f"{HEAD}{MX}max_age: +604800\n", "policy-max-age-not-a-number", 4),
    (f"{HEAD}{MX}max_age: 604800.0\n", "policy-max-age-not-a-number", 4),
    (f"{HEAD}{MX}max_age: one week\n", "policy-max-age-not-a-number", 4),
    (f"{HEAD}{MX}max_age:\n", "policy-max-age-not-a-number", 4),
    (f"{HEAD}{MX}max_age: ٣٦٠٠\n", "policy-max-age-not-a-number", 4),
    # sts-policy-mx: at least one unless mode is none
    (HEAD + AGE, "policy-mx-missing", None),
    (f"version: STSv1\nmode: testing\n{AGE}", "policy-mx-missing", None),
    (f"{HEAD}MX: mx1.nordwind.example\n{AGE}", "policy-mx-missing", 3),
    (f"{HEAD}mxs: mx1.nordwind.example\n{AGE}", "policy-mx-missing", 3),
    (with_mx(""), "pattern-empty", 3),
    (with_mx("mx1.nordwind.example, mx2.nordwind.example"), "pattern-list", 3),
    (with_mx("mx1.nordwind.example mx2.nordwind.example"), "pattern-list", 3),
    (with_mx("mx1.nordwind.example;"), "pattern-list", 3),
    (with_mx("10 mx1.nordwind.example"), "pattern-priority", 3),
    (with_mx("mx1.nordwind.example # primary"), "pattern-comment", 3),
    (with_mx("mx1.nordwind.example:25"), "pattern-port", 3),
    (with_mx("https://mx1.nordwind.example/"), "pattern-url", 3),
    (with_mx("smtp://mx1.nordwind.example:25"), "pattern-url", 3),
    (with_mx("mx1.nordwind.example/inbound"), "pattern-url", 3),
    (with_mx("postmaster@nordwind.example"), "pattern-email", 3),
    (with_mx("mx1.nordwind.example."), "pattern-trailing-dot", 3),
    (with_mx(".nordwind.example"), "pattern-leading-dot", 3),
    (with_mx("mx1..nordwind.example"), "pattern-empty-label", 3),
    (with_mx("*"), "pattern-bare-wildcard", 3),
    (with_mx("*."), "pattern-bare-wildcard", 3),
    (with_mx("*.*"), "pattern-bare-wildcard", 3),
    (with_mx("*nordwind.example"), "pattern-wildcard-dot", 3),
    (with_mx("*.*.nordwind.example"), "pattern-wildcard-several", 3),
    (with_mx("**.nordwind.example"), "pattern-wildcard-several", 3),
    (with_mx("mx*.nordwind.example"), "pattern-wildcard-partial", 3),
    (with_mx("mx1.*.example"), "pattern-wildcard-middle", 3),
    (with_mx("[192.0.2.25]"), "pattern-address-literal", 3),
    (with_mx("2001:db8::25"), "pattern-address-literal", 3),
    (with_mx("[IPv6:2001:db8::25]"), "pattern-address-literal", 3),
    (with_mx("192.0.2.0/24"), "pattern-address-literal", 3),
    (with_mx("mx1.bücher.example"), "pattern-u-label", 3),
    (with_mx("*.bücher.example"), "pattern-u-label", 3),
    (with_mx('"mx1.nordwind.example"'), "pattern-quoted", 3),
    (with_mx("“mx1.nordwind.example”"), "pattern-quoted", 3),
    (with_mx("<mx1.nordwind.example>"), "pattern-quoted", 3),
    (with_mx("mx: mx1.nordwind.example"), "pattern-key-doubled", 3),
    (with_mx("mx_1.nordwind.example"), "pattern-underscore", 3),
    (with_mx("-mx1.nordwind.example"), "pattern-hyphen", 3),
    (with_mx("mx1-.nordwind.example"), "pattern-hyphen", 3),
    (with_mx("mx1!.nordwind.example"), "pattern-character", 3),
    (with_mx(f"{LABEL}a.example"), "pattern-label-long", 3),
    (with_mx(LONG + "a"), "pattern-name-long", 3),
    # a wrong mx makes the whole file wrong, also beside right ones, also in mode none
    (f"{HEAD}{MX}mx: *\n{AGE}", "pattern-bare-wildcard", 4),
    ("version: STSv1\nmode: none\nmx: *\nmax_age: 86400\n", "pattern-bare-wildcard", 3),
    # sts-policy-ext-value
    (with_field("note:"), "policy-value-malformed", 5),
    (with_field("note: a\tb"), "policy-value-malformed", 5),
    (f"version: STSv1\nmode: enforce\nmode:\n{MX}{AGE}", "policy-value-malformed", 3),
]


def test_the_table_is_as_large_as_promised() -> None:
    assert len(ACCEPTED) + len(REFUSED) >= 100


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(text: str) -> None:
    policy = sts.parse_policy(text)
    assert policy.raw == text
    assert sts.parse_policy(text.encode()) == policy
    assert sts.parse_policy(policy.to_text()) == policy
    assert not sts.validate(policy=text).errors


@pytest.mark.parametrize(("text", "code", "line"), REFUSED, ids=lambda value: repr(value)[:60])
def test_refused(text: str | bytes, code: str, line: int | None) -> None:
    with pytest.raises(sts.PolicyError) as caught:
        sts.parse_policy(text)
    assert caught.value.raw == text
    findings = sts.validate(policy=text)
    finding = next(finding for finding in findings.errors if finding.code == code)
    assert finding.subject == (f"policy file, line {line}" if line else "policy file")
    assert finding.effect == Effect.DISABLES_PROTECTION
    assert finding.fix
    if right := findings.corrected.get("policy"):
        assert not sts.validate(policy=right).errors


def test_what_a_policy_says() -> None:
    policy = sts.parse_policy(
        b"version: STSv1\r\nmode: testing\r\nmx: *.Nordwind.example\r\nnote: a b\r\nmx: mx.example\r\nmax_age: 86400"
    )
    assert policy == sts.Policy(
        mode=Mode.TESTING,
        max_age=86400,
        mx=("*.Nordwind.example", "mx.example"),
        extensions=(("note", "a b"),),
    )
    assert isinstance(policy.raw, bytes)


def test_the_first_of_a_repeated_field_counts() -> None:
    policy = sts.parse_policy(f"version: STSv1\nmode: enforce\nmode: none\n{MX}{AGE}max_age: 1\n")
    assert (policy.mode, policy.max_age) == (Mode.ENFORCE, 604800)


def test_the_error_says_where_what_and_what_was_expected() -> None:
    with pytest.raises(
        sts.PolicyError, match=r"^line 3: .*port 25.*mx1\.nordwind\.example:25.*RFC 8461 §3\.2"
    ) as caught:
        sts.parse_policy(with_mx("mx1.nordwind.example:25"))
    error = caught.value
    assert (error.line, error.field, error.reason) == (3, "mx", "pattern-port")
    assert (error.actual, error.expected) == ("mx1.nordwind.example:25", "mx1.nordwind.example")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Version: STSv1\nMode: Enforce\nMX: mx1.nordwind.example\nMax-Age: 7d\n", HEAD + MX + AGE),
        ("version: STSv1; mode: enforce; mx: mx1.nordwind.example; max_age: 604800", HEAD + MX + AGE),
        ("version: STSv1\\nmode: enforce\\nmx: mx1.nordwind.example\\nmax_age: 604800\\n", HEAD + MX + AGE),
        ((HEAD + MX + AGE).encode("utf-16"), HEAD + MX + AGE),
        (b"\xef\xbb\xbf" + (HEAD + MX + AGE).replace("\n", "\r\n").encode() + b"\r\n", HEAD + MX + AGE),
        (f"# mail\n\n{HEAD}{MX}{AGE}", HEAD + MX + AGE),
        ((HEAD + MX + AGE).replace(":", " ="), HEAD + MX + AGE),
        ("version: STSv1\nmode: 'enforce'\nmx: <mx1.nordwind.example>\nmax_age: 604.800\n", HEAD + MX + AGE),
        (with_mx("10 mx1.nordwind.example., 20 mx2.nordwind.example:25"), None),
        (with_mx("mx1.nordwind.example.,mx2.nordwind.example:25"), HEAD + MX + MX.replace("1", "2") + AGE),
        (with_mx("https://mx1.nordwind.example/"), HEAD + MX + AGE),
        (with_mx("*.bücher.example"), with_mx("*.xn--bcher-kva.example")),
        (with_mx(".nordwind.example"), with_mx("*.nordwind.example")),
        (with_mx("mx*.nordwind.example"), with_mx("*.nordwind.example")),
        # what stays unknown is chosen so that no mail can be held back
        (f"version: STSv1\n{MX}", f"version: STSv1\nmode: testing\n{MX}max_age: 86400\n"),
        (f"{HEAD}{MX}max_age: 0\n", HEAD + MX + AGE),
        (f"{HEAD}{MX}max_age: 40000000\n", f"{HEAD}{MX}max_age: 31557600\n"),
        (f"version: STSv1\nmode: None\n{MX}{AGE}", f"version: STSv1\nmode: none\n{AGE}"),
        # nothing is known of the MX: no text is made up
        (f"{HEAD}{AGE}", None),
        ("<html>", None),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_the_text_that_was_meant(text: str | bytes, right: str | None) -> None:
    corrected = sts.validate(policy=text).corrected.get("policy")
    if right is not None:
        assert corrected == right
    elif corrected is not None:
        assert "mx1.nordwind.example" in corrected


@pytest.mark.parametrize(
    ("text", "code", "severity"),
    [
        (f"version: STSv1\nmode: none\n{MX}max_age: 86400\n", "policy-none-with-mx", Severity.ADVICE),
        (f"{HEAD}{MX}max_age: 86399\n", "policy-max-age-short", Severity.WARNING),
        (f"{HEAD}{MX}max_age: 0\n", "policy-max-age-short", Severity.WARNING),
        (f"{HEAD}{MX}max_age: 86400\n", "policy-max-age-under-week", Severity.ADVICE),
        (HEAD.replace("\n", "\r\n") + MX + AGE, "policy-line-ends-mixed", Severity.ADVICE),
        (with_field("contact: x"), "policy-unknown-field", Severity.ADVICE),
        (with_field("Mode: testing"), "policy-key-typo", Severity.WARNING),
        (with_field("max-age: 60"), "policy-key-typo", Severity.WARNING),
        (with_field("mode: testing"), "policy-duplicate-field", Severity.WARNING),
        (with_field("mode: enforce"), "policy-duplicate-field", Severity.ADVICE),
        (with_field("mx: MX1.nordwind.example"), "pattern-duplicate", Severity.ADVICE),
        (with_mx("192.0.2.25"), "pattern-ip-address", Severity.WARNING),
        (with_mx("mail"), "pattern-single-label", Severity.WARNING),
        (with_mx("*.example"), "pattern-wildcard-tld", Severity.WARNING),
        (with_mx("mx1.xn--0.example"), "pattern-a-label-invalid", Severity.WARNING),
    ],
)
def test_what_is_allowed_and_worth_a_word(text: str, code: str, severity: Severity) -> None:
    findings = sts.validate(policy=text)
    assert [(finding.code, finding.severity) for finding in findings] == [(code, severity)]
    sts.parse_policy(text)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + MX + AGE,
        (HEAD + MX + AGE).replace("\n", "\r\n"),
        f"version: STSv1\nmode: testing\n{MX}max_age: 86400\n",
        "version: STSv1\nmode: none\nmax_age: 86400\n",
    ],
)
def test_a_good_policy_gives_no_finding(text: str) -> None:
    assert not sts.validate(policy=text)


def test_all_faults_are_told_at_once_and_in_the_order_of_their_severity() -> None:
    findings = sts.validate(policy="version: STS1\nmode: enforced\nmx: *\nmax_age: 1d\n\nnote: x\n")
    assert set(findings.codes) == {
        "policy-version-unknown",
        "policy-mode-unknown",
        "pattern-bare-wildcard",
        "policy-max-age-unit",
        "policy-blank-line",
        "policy-unknown-field",
    }
    ranks = [finding.severity.rank for finding in findings]
    assert ranks == sorted(ranks)


def test_hundreds_of_equal_faults_are_told_together() -> None:
    findings = sts.validate(policy=HEAD + MX + AGE + "\n" * 500)
    assert len(findings) == 11
    assert any("490 more times (lines 15, 16" in finding.message for finding in findings)


@pytest.mark.parametrize("unit", ["\n", "a\n", ":\n", "mx: *\n"], ids=repr)
def test_a_text_with_thousands_of_faults_is_not_read_on(unit: str) -> None:
    findings = sts.validate(policy=HEAD + MX + AGE + unit * 10_000)
    assert "policy-too-many-faults" in findings.codes
    assert len(findings) < 30


def test_a_policy_made_by_hand_is_never_written_wrong() -> None:
    good = {"mode": Mode.ENFORCE, "max_age": 604800, "mx": ("mx1.nordwind.example",)}
    for wrong in (
        {"mx": ()},
        {"mx": ("mx1.nordwind.example\nmode: none",)},
        {"mode": "off"},
        {"max_age": -1},
        {"max_age": 31557601},
        {"version": "STSv2"},
        {"extensions": (("mode", "none"),)},
        {"extensions": (("a", " b"),)},
    ):
        with pytest.raises(sts.PolicyError):
            sts.Policy(**{**good, **wrong}).to_text()


@pytest.mark.parametrize("key", ["MX", "Mx", "mxs", "mx-host", "host"])
def test_a_misspelt_mx_beside_a_right_one_permits_nothing(key: str) -> None:
    """RFC 8461 §3.2: the field name is case-sensitive; any other key is an extension, which senders pass over."""
    text = f"version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\n{key}: mx2.nordwind.example\nmax_age: 604800\n"
    policy = sts.parse_policy(text)
    assert policy.mx == ("mx1.nordwind.example",)
    assert policy.extensions == ((key, "mx2.nordwind.example"),)
    assert not policy.matches("mx2.nordwind.example")
    assert sts.parse_policy(policy.to_text()) == policy
    findings = sts.validate(policy=text, mx_hosts=["mx1.nordwind.example", "mx2.nordwind.example"])
    assert {"policy-key-typo", "mx-not-covered"} <= set(findings.codes)
    assert sts.parse_policy(findings.corrected["policy"]).matches("mx2.nordwind.example")
