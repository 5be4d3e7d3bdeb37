"""The registry against the code, in both directions: every code that can be emitted is known, every known one is used."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtasts_nb
from mtasts_nb.analysis import NO_POLICY, NOBODYS_POLICY
from mtasts_nb.knowledge import causes, command_names, finding, finding_texts, fix_of
from mtasts_nb.policy import validate
from mtasts_nb.vocabulary import CauseKind

PACKAGE = Path(mtasts_nb.__file__).parent
TEXTS = finding_texts()
CAUSES = causes()

#: The functions that make a finding or a fault, and the position of its code among their arguments.
MAKERS = {"finding", "about", "fault", "new_fault", "Fault", "PatternFault", "UriFault", "lookup_code", "Finding"}
#: The codes that are put together at run time: the module, how the code begins, and its possible ends.
CERTIFICATE = (
    "expired", "not-yet-valid", "expires-soon", "self-signed", "untrusted", "chain-incomplete", "invalid",
    "common-name-only", "name-mismatch", "weak",
)  # fmt: skip
COMPOSED = {
    "certificates: {prefix}-certificate-{fault}": {
        f"{prefix}-certificate-{fault}" for prefix in ("policy", "mx") for fault in CERTIFICATE
    },
    "policy host: policy-host-{why it did not connect}": {
        f"policy-host-{why}" for why in ("refused", "timeout", "unreachable")
    },
    "decode: {prefix}-{encoding}": {
        f"{prefix}-{fault}"
        for prefix in ("policy", "sts-record", "tlsrpt-record")
        for fault in ("too-large", "utf16", "bom", "not-utf8")
    },
    "RRset: {record}-{rule}": {
        f"{record}-{rule}" for record in ("sts-record", "tlsrpt-record") for rule in ("missing", "multiple", "others")
    },
    "record: {key}-missing": {"id-missing", "rua-missing"},
    "policy: policy-max-age-{mistake}": {
        f"policy-max-age-{mistake}" for mistake in ("range", "negative", "quoted", "grouped", "unit", "not-a-number")
    },
    "pattern: pattern-{fault of the name}": {
        f"pattern-{fault}" for fault in ("name-long", "empty-label", "underscore", "character", "hyphen", "label-long")
    },
}


def _literals() -> Iterator[tuple[Path, str]]:
    """Yield the string literals of the rooms that emit findings, joined strings left out."""
    for room in ("policy", "probe"):
        for file in (PACKAGE / room).rglob("*.py"):
            tree = ast.parse(file.read_text("utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield file, node.value


def _emitted() -> set[str]:
    literals = {text for _, text in _literals()}
    ends = {text for text in literals if re.fullmatch(r"-[a-z0-9-]+", text)}
    records = {prefix + end for prefix in ("sts-record", "tlsrpt-record") for end in ends}
    return (literals & set(TEXTS)) | (records & set(TEXTS)) | set().union(*COMPOSED.values())


def _first_arguments() -> Iterator[tuple[str, str]]:
    """Yield the codes given as a literal to a function that makes a finding or fault, with the place."""
    for room in ("policy", "probe"):
        for file in (PACKAGE / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                first = node.args[0] if node.args else None
                if name in MAKERS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield f"{file.name}:{node.lineno}", first.value


def test_every_code_that_is_emitted_has_an_entry():
    unknown = []
    for place, code in _first_arguments():
        known = {code} if not code.startswith("-") else {f"sts-record{code}", f"tlsrpt-record{code}"}
        if not known <= set(TEXTS):
            unknown.append((place, code))
    assert unknown == []
    assert set().union(*COMPOSED.values()) <= set(TEXTS)


def test_every_entry_is_emitted():
    assert set(TEXTS) - _emitted() == set()


def test_the_codes_of_both_records_are_the_same():
    sts = {code.removeprefix("sts-record") for code in TEXTS if code.startswith("sts-record")}
    tlsrpt = {code.removeprefix("tlsrpt-record") for code in TEXTS if code.startswith("tlsrpt-record")}
    assert sts == tlsrpt


@pytest.mark.parametrize("code", list(TEXTS))
def test_an_entry_is_whole(code):
    text = TEXTS[code]
    assert text.cause or text.own_fix
    assert not text.cause or text.cause in CAUSES
    assert fix_of(code, domain="nordwind.example", name="name", id="1")
    assert text.rfc.startswith("RFC ") or (text.live and not text.cause) or text.cause == "outbound-port-25-closed"
    for message in text.messages.values():
        assert message.endswith((".", ")")), message
        names = {name for _, name, _, _ in string.Formatter().parse(message) if name}
        assert all(re.fullmatch(r"[a-z]+", name) for name in names)


@pytest.mark.parametrize("code", [code for code, text in TEXTS.items() if text.live])
def test_a_finding_of_a_probe_names_only_what_a_probe_gives(code):
    names = {"domain": "nordwind.example", "name": "_x.nordwind.example", "id": "1", "host": "mx1.nordwind.example"}
    variant = "domain" if "domain" in TEXTS[code].messages else ""
    one = finding(code, subject="s", variant=variant, **names)
    assert one.fix
    assert "{" not in one.message + one.fix


@pytest.mark.parametrize("code", list(CAUSES))
def test_every_cause_can_be_reached_and_acted_on(code):
    cause = CAUSES[code]
    by_evidence = cause.findings or cause.result_types
    # Without evidence of their own: what remains when a search ends, or is seen only by comparing senders.
    by_missing_reports = f'"{code}"' in (PACKAGE / "diagnosis" / "_no_reports.py").read_text("utf-8")
    by_policy_type = code in (NO_POLICY, NOBODYS_POLICY)
    assert by_evidence or by_missing_reports or by_policy_type or cause.kind in (CauseKind.OUTCOME, CauseKind.SENDER)
    assert set(cause.command_names) <= set(command_names())
    assert cause.rfc
    assert cause.verify()


def test_no_command_goes_unused():
    used = {name for cause in CAUSES.values() for name in cause.command_names}
    source = "".join(file.read_text("utf-8") for room in ("probe",) for file in (PACKAGE / room).rglob("*.py"))
    assert [name for name in command_names() if name not in used and f'"{name}"' not in source] == []


def test_a_syntax_error_of_the_record_has_a_cause():
    """A domain with such a record has no MTA-STS (RFC 8461 §3.1); nothing that shows it may be without a cause."""
    (error,) = validate(record="v=STSv1; id=20260208120000; x=a b").errors
    assert (error.code, CAUSES[TEXTS[error.code].cause].kind) == ("sts-record-value-malformed", CauseKind.FAULT)


#: The sections of RFC 8460 and RFC 8461, by their tables of contents.
SECTIONS = {
    "8460": "1 1.1 2 3 3.1 3.1.1 3.1.2 4 4.1 4.2 4.2.1 4.2.2 4.3 4.3.1 4.3.2 4.3.2.1 4.3.2.2 4.3.3 4.3.4 4.4 4.5 "
    "5 5.1 5.2 5.3 5.3.1 5.4 5.5 5.6 6 6.1 6.2 6.3 6.4 6.5 6.6 7",
    "8461": "1 1.1 2 3 3.1 3.2 3.3 3.4 4 4.1 4.2 5 5.1 6 7 7.1 7.2 8 8.1 8.2 8.3 8.4 9 9.1 9.2 9.3 10 10.1 10.2 10.3 10.4 10.5",
}


@pytest.mark.parametrize("rfc", SECTIONS)
def test_every_section_that_is_named_exists(rfc):
    texts = {file: file.read_text("utf-8") for kind in ("py", "toml") for file in PACKAGE.rglob(f"*.{kind}")}
    known, named = set(SECTIONS[rfc].split()), 0
    for file, text in texts.items():
        for sections in re.findall(rf"RFC {rfc} (§[\d.]+(?:, §[\d.]+)*)", text):
            numbers = {each.rstrip(".") for each in re.findall(r"§([\d.]+)", sections)}
            assert numbers <= known, (file, sections)
            named += len(numbers)
    assert named > 50
