"""What holds for every text: the grammar decides, nothing else is raised, a fix is right, and time is linear."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb.policy import find_tlsrpt_record

Parser = Callable[[bytes | str], object]
PARSERS: dict[str, tuple[Parser, str]] = {
    "record": (sts.parse_sts_record, "record"),
    "policy": (sts.parse_policy, "policy"),
    "tlsrpt": (sts.parse_tlsrpt_record, "tlsrpt_record"),
}

# ------------------------------------------------------------------------------------------------ the grammars
# RFC 8461 §3.1, RFC 8460 §3 and RFC 8461 §3.2, written down a second time, as plain regular expressions.
# They are slow and say nothing about what is wrong; they only decide.
DELIMITER = r"[ \t]*;[ \t]*"
EXTENSION = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+"
STS_RECORD = re.compile(rf"v=STSv1(?:{DELIMITER}{EXTENSION})+(?:{DELIMITER})?")
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
PATTERN = re.compile(rf"(?:\*\.)?(?P<domain>{LABEL}(?:\.{LABEL})*)")
VCHAR = "[\x21-\x7e\x80-\ud7ff\ue000-\U0010ffff]"
POLICY_LINE = re.compile(rf"(?P<key>[A-Za-z0-9][A-Za-z0-9_.-]{{0,31}}):[ \t]*(?P<value>{VCHAR}(?:[ ]|{VCHAR})*?)[ \t]*")


def record_is_valid(text: str) -> bool:
    if not STS_RECORD.fullmatch(text):
        return False
    ids = [field[3:] for field in re.split(DELIMITER, text) if field.startswith("id=")]
    return bool(ids) and re.fullmatch(r"[A-Za-z0-9]{1,32}", ids[0]) is not None


def policy_is_valid(data: bytes) -> bool:
    if len(data) > 65536:
        return False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    lines = re.split(r"\r?\n", text)
    if len(lines) > 1 and lines[-1] == "":
        lines.pop()
    first: dict[str, str] = {}
    mx: list[str] = []
    for line in lines:
        if not (match := POLICY_LINE.fullmatch(line)):
            return False
        first.setdefault(match["key"], match["value"])
        if match["key"] == "mx":
            mx.append(match["value"])
    if not all((match := PATTERN.fullmatch(value)) and len(match["domain"]) <= 253 for value in mx):
        return False
    return (
        first.get("version") == "STSv1"
        and first.get("mode") in ("enforce", "testing", "none")
        and re.fullmatch(r"[0-9]{1,10}", first.get("max_age", "")) is not None
        and int(first["max_age"]) <= 31557600
        and (bool(mx) or first["mode"] == "none")
    )


# ------------------------------------------------------------------------------------------------ near-valid texts
HOST = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z0-9]{1,6}){1,3}", fullmatch=True)
KEY = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True)
VALUE = st.from_regex(r"[\x21-\x7eäß€😀]([ \x21-\x7eäß€😀]{0,8}[\x21-\x7eäß€😀])?", fullmatch=True)
RECORD_VALUE = st.from_regex(r"[\x21-\x3a\x3c\x3e-\x7e]{1,9}", fullmatch=True)
LINE = st.one_of(
    st.sampled_from(
        [
            "version: STSv1", "version: STSv2", "version:STSv1 ", "Version: STSv1", "mode: enforce", "mode: testing",
            "mode:none", "mode: Enforce", "mode : none", "max_age: 86400", "max_age: 0", "max_age: 31557601",
            "max_age: 1d", "max-age: 86400", "mx: *.nordwind.example", "mx: mx1.nordwind.example ", "mx: mx1.example:25",
            "mx: *", "mx: 192.0.2.1", "mx:", "", " ", "# note", "x-note: free text", "mx: bücher.example",
            "mx: a, b", "\ttab: x", "k: a\tb", "mx mx1.example", "mode=enforce",
        ]
    ),
    HOST.map("mx: {}".format),
    st.builds("{}: {}".format, KEY, VALUE),
    st.text(max_size=12),
)  # fmt: skip
POLICY_TEXT = st.lists(LINE, max_size=7).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\r", "\n\n"]).map(
        lambda end: end.join(["version: STSv1", "mode: testing", "mx: a.example", *lines, "max_age: 86400"])
    )
)
ANY_POLICY = st.one_of(st.binary(max_size=200), st.text(max_size=200), POLICY_TEXT, st.lists(LINE).map("\n".join))
FIELD = st.one_of(
    st.sampled_from(
        [
            "id=1", "id=2026-02-08", "id=", "id", "ID=5", "id =1", "v=STSv1", "v=STSv2", "", " ", "rua=mailto:a@b.example",
            "rua=https://r.example/v1?a=b", "rua=mailto:a@b.example,https://r.example", "rua=http://r.example", "rua=",
            "rua=a@b.example", "rua=mailto:a@b.example!10m", "rua=mailto:a@b.example , mailto:c@d.example", "mailto:a@b.example",
            "a=b=c", "x.y_z-1=~", "id=\"1\"", "note=\\",
        ]
    ),
    st.builds("{}={}".format, KEY, RECORD_VALUE),
    st.text(max_size=8),
)  # fmt: skip
HEAD = st.sampled_from(
    ["v=STSv1", "v=TLSRPTv1", "v=STS1", "v=stsv1", " v=STSv1", '"v=STSv1', "V=STSv1", "v=STSv1\\", "", "“v=STSv1"]
)
RECORD_TEXT = st.builds(
    lambda head, fields, delimiter, tail: delimiter.join([head, *fields]) + tail,
    HEAD,
    st.lists(FIELD, max_size=5),
    st.sampled_from([";", "; ", " ;\t", ",", " "]),
    st.sampled_from(["", ";", "; ", " ", "\n", '"', ";;"]),
)
ANY_RECORD = st.one_of(st.binary(max_size=100), st.text(max_size=100), RECORD_TEXT, RECORD_TEXT.map(str.encode))
POLICIES = st.builds(
    sts.Policy,
    mode=st.sampled_from(["enforce", "testing"]),
    max_age=st.integers(0, 31557600),
    mx=st.lists(st.builds(str.__add__, st.sampled_from(["", "*."]), HOST), min_size=1).map(tuple),
    extensions=st.dictionaries(KEY.filter(lambda key: key not in ("version", "mode", "mx", "max_age")), VALUE).map(
        lambda fields: tuple(fields.items())
    ),
)


# ------------------------------------------------------------------------------------------------ the properties
def refusal(parse: Callable[..., object], data: object) -> sts.PolicyError | sts.RecordError | None:
    """The error with which a text is refused, None where it is taken; any other exception fails the test."""
    try:
        parse(data)
    except (sts.PolicyError, sts.RecordError) as error:
        return error
    return None


@given(POLICIES)
def test_a_policy_survives_as_a_file(policy: sts.Policy) -> None:
    assert sts.parse_policy(policy.to_text()) == policy
    assert sts.parse_policy(policy.to_text().replace("\n", "\r\n").encode()) == policy


@given(ANY_POLICY)
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbfversion: STSv1\n")
@example("version: STSv1\nmode: none\nmax_age: 1\nversion: x; mode\n")
@example("\ud800")
def test_the_grammar_decides_about_a_policy(data: bytes | str) -> None:
    encoded = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    error = refusal(sts.parse_policy, data)
    assert (error is None) is policy_is_valid(encoded)
    if error is not None:
        assert isinstance(error, sts.PolicyError)
        assert error.raw == data
        assert error.reason
        assert error.rfc


@given(ANY_RECORD)
@example("v=STSv1 ; id=1; a=b\\; c=d")
@example('v=STSv1; id=1; note="x"')
def test_the_grammar_decides_about_a_record(data: bytes | str) -> None:
    text = data if isinstance(data, str) else data.decode("latin-1")
    error = refusal(sts.parse_sts_record, data)
    assert (error is None) is record_is_valid(text)
    if error is not None:
        assert isinstance(error, sts.RecordError)
        assert error.raw == data
        assert error.reason == "syntax"


@pytest.mark.parametrize("kind", PARSERS)
@given(data=st.one_of(ANY_POLICY, ANY_RECORD))
def test_a_text_is_refused_exactly_when_a_finding_is_an_error(kind: str, data: bytes | str) -> None:
    parse, argument = PARSERS[kind]
    assert (refusal(parse, data) is not None) is bool(sts.validate(**{argument: data}).errors)


@given(
    st.none() | ANY_RECORD | st.lists(ANY_RECORD, max_size=4),
    st.none() | ANY_POLICY,
    st.none() | st.text(max_size=60) | st.lists(HOST | st.text(max_size=30), max_size=6),
    st.none() | ANY_RECORD | st.lists(ANY_RECORD, max_size=4),
)
def test_validate_never_raises_and_its_corrections_validate(record, policy, mx_hosts, tlsrpt_record) -> None:
    findings = sts.validate(record, policy, mx_hosts, tlsrpt_record)
    str(findings), repr(findings), findings._repr_html_(), findings.to_json()
    for argument, text in findings.corrected.items():
        hosts = mx_hosts if argument == "policy" else None
        again = sts.validate(**{argument: text}, mx_hosts=hosts)
        # A name that no pattern can permit, such as an address in an MX record, no policy can mend.
        assert {finding.code for finding in again.errors} <= {"mx-not-covered"}
    for finding in findings:
        if finding.fix.startswith("v=STSv1"):
            sts.parse_sts_record(finding.fix)
        elif finding.fix.startswith("v=TLSRPTv1"):
            sts.parse_tlsrpt_record(finding.fix)
        elif finding.fix.startswith("version:"):
            sts.parse_policy(finding.fix)


@given(ANY_POLICY, st.lists(HOST, min_size=1, max_size=5))
def test_a_corrected_policy_permits_every_host(policy: bytes | str, hosts: list[str]) -> None:
    if text := sts.validate(policy=policy, mx_hosts=hosts).corrected.get("policy"):
        right = sts.parse_policy(text)
        hard = [host for host in hosts if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", host)]
        assert right.mode == "none" or all(right.matches(host) for host in hard)


@given(st.lists(ANY_RECORD, max_size=4))
def test_an_rrset_is_refused_exactly_when_a_finding_is_an_error(texts: list[bytes | str]) -> None:
    for find, argument in ((sts.find_sts_record, "record"), (find_tlsrpt_record, "tlsrpt_record")):
        error = refusal(find, texts)
        findings = sts.validate(**{argument: texts})
        assert error is None or error.reason in ("missing", "multiple", "syntax")
        if argument == "tlsrpt_record" and error is not None and error.reason == "missing":
            # No domain has to have it (RFC 8460): that there is none is a warning, and said whatever else is.
            assert [one.severity for one in findings if one.code == "tlsrpt-record-missing"] == ["warning"]
        else:
            assert (error is not None) is bool(findings.errors)


@given(st.text(max_size=40), st.text(max_size=40))
def test_matching_never_raises_and_a_pattern_permits_itself_only_without_wildcard(pattern: str, host: str) -> None:
    assert sts.mx_matches(pattern, host) in (True, False)
    if sts.mx_matches(pattern, host) and not pattern.startswith("*."):
        assert pattern.lower() == host.removesuffix(".").lower()


# ------------------------------------------------------------------------------------------------ the cost
def _calls(run: Callable[[], object]) -> int:
    """Count the calls, of Python and of C, that a function makes: a measure of work that no busy machine disturbs."""
    count = 0

    def seen(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize(
    "unit",
    [b"\n", b";", b"a", b"mx: a.example\n", b"mx: *,\n", b"k: v\n", b"id=1;", b"mx: -\n", b'\\"', b"max: 1\n"],
    ids=repr,
)
def test_twice_the_text_is_at_most_twice_the_work(kind: str, unit: bytes) -> None:
    argument = PARSERS[kind][1]
    texts = [unit * (size // len(unit)) for size in (15_000, 60_000)]
    short, long = (_calls(partial(sts.validate, **{argument: text})) for text in texts)
    assert long <= 4.4 * short + 2_000
