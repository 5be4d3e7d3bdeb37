"""The causes: of one shape, whole in every language, safe to copy from, and right where guides are not."""

from __future__ import annotations

import re
import shlex
from collections import Counter

import pytest

from mtasts_nb.knowledge import AREAS, KINDS, cause_texts, languages, read_data, read_toml
from mtasts_nb.vocabulary import ResultType

DATA = read_data("causes")
SHELLS = read_data("commands")
TEXT_KEYS = {"title", "meaning", "fix", "verify"}
TEXT_MORE = {"shows", "providers", "myth", "fact"}
DATA_KEYS = {"area", "kind", "effect", "rfc", "commands"}
DATA_MORE = {"findings", "result_types", "reasons"}
#: As `mtasts_nb.probe` recognises them.
PROVIDERS = {
    "Microsoft 365", "Google Workspace", "Cloudflare", "Cloudflare Pages", "Cloudflare Workers", "GitHub Pages",
}  # fmt: skip


@pytest.mark.parametrize("code", list(DATA))
def test_what_a_cause_is_tied_to(code):
    one = DATA[code]
    assert set(one) >= DATA_KEYS
    assert set(one) <= DATA_KEYS | DATA_MORE
    assert one["area"] in AREAS
    assert one["kind"] in KINDS
    assert set(one.get("result_types", {})) <= set(map(str, ResultType))
    assert all(re.fullmatch(r"RFC \d{4} §[\d.]+(, §[\d.]+)*", part) for part in one["rfc"].split("; "))
    assert one["commands"]
    assert set(one["commands"]) <= set(SHELLS)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", word) for word in one.get("reasons", ()))


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_words_for_every_cause(language):
    told = {}
    for area in AREAS:
        words = read_toml(f"causes/{area.replace('-', '_')}", language)
        assert not set(words) & set(told)
        assert all(DATA[code]["area"] == area for code in words)
        told |= words
    assert set(told) == set(DATA)
    effects, general = read_toml("effects", language), read_toml("commands", language)
    assert set(effects) == {one["effect"] for one in DATA.values()}
    assert all(set(effect) == {"enforce", "testing", "none"} for effect in effects.values())
    assert set(general) == set(SHELLS)
    for code, words in told.items():
        assert set(words) >= TEXT_KEYS, code
        assert set(words) <= TEXT_KEYS | TEXT_MORE, code
        assert ("myth" in words) == ("fact" in words), code
        assert set(words.get("shows", {})) <= set(DATA[code]["commands"]), code
        assert set(words.get("providers", {})) <= PROVIDERS, code
        assert len(words["title"]) < 100
        assert words["title"][-1] not in ".:"
        sentences = [words[key] for key in ("meaning", "fix", "verify")]
        assert all(text.endswith((".", ")", '"')) for text in sentences), code
        assert set(re.findall(r"{(\w+)}", str(sentences))) <= {"domain"}, code


def test_no_finding_shows_two_causes():
    codes = Counter(finding for one in DATA.values() for finding in one.get("findings", ()))
    assert [code for code, count in codes.items() if count > 1] == []


@pytest.mark.parametrize("result_type", list(ResultType))
def test_every_result_type_has_causes_in_an_order(result_type):
    places = sorted(one.get("result_types", {}).get(str(result_type), 0) for one in DATA.values())
    places = [place for place in places if place]
    assert places == list(range(1, len(places) + 1))


def test_no_command_goes_unused():
    assert {name for one in DATA.values() for name in one["commands"]} == set(SHELLS)


@pytest.mark.parametrize("code", list(DATA))
def test_the_commands_are_those_that_prove_something(code):
    for command in cause_texts()[code].commands("nordwind.example", "mx1.nordwind.example"):
        assert not re.search(r"{(domain|mx)}|\bDOMAIN\b|MX-HOST", command.shell + command.shows)
        words = shlex.split(command.shell)
        if "curl" in words:
            assert not {"-I", "-L", "--head", "--location"} & set(words), "senders GET, and follow no redirect"
        if "s_client" in words:
            assert "-servername" in words, "senders send SNI (RFC 8461 §7.1)"
        if "return code" in command.shows or "Verification: OK" in command.shows:
            assert "-verify_hostname" in words, "code 0 proves no name without it"


def test_where_openssl_takes_the_common_name_it_is_said():
    """-verify_hostname falls back to the CN where there is no SAN; senders do not (RFC 8461 §4.2, §3.3)."""
    for code in ("mx-certificate-name", "policy-certificate-name"):
        shown = " ".join(one.shows for one in cause_texts()[code].commands())
        assert "falls back to the common name" in shown


@pytest.mark.parametrize("name", ["x; rm -rf ~", "$(id)", "`id`", "-o", "a b", "a\nb", "", "ä.example", "x" * 300])
def test_a_hostile_name_never_reaches_a_command_or_a_text(name):
    for text in cause_texts().values():
        assert text.commands(name, name) == text.commands()
        for told in (text.meaning, text.fix, text.verify):
            assert told(name) == told()


# standards: what many guides say otherwise
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("policy-certificate-expired", "sts-webpki-invalid"),
        ("mx-certificate-expired", "is about the MX only"),
        ("mx-certificate-chain-incomplete", "certificate-not-trusted"),
        ("policy-http-redirect", "port 80"),
        ("mx-certificate-name", "Only subjectAltName"),
        ("sender-old-policy", "worst case"),
        ("mx-not-in-policy", "not aspmx.l.google.com"),
        ("policy-content-type", "SHOULD"),
        ("reports-late", "come from the senders"),
        ("policy-http-not-found", "HEAD"),
        ("policy-host-unreachable", "never ask port 80"),
    ],
)
def test_where_guides_differ_it_is_said(code, said):
    assert said in cause_texts()[code].fact


def test_only_faults_of_hosts_that_senders_use_hold_mail_back():
    """RFC 8461 §3.3, §5: a policy that cannot be had holds nothing back by itself."""
    for text in cause_texts().values():
        if text.area in ("policy-host", "policy-certificate", "policy-file") and text.kind == "fault":
            assert "waits" not in text.effect["testing"]
            assert "No mail is held back" in text.effect["enforce"] or text.code == "policy-id-unchanged"


def test_what_is_said_of_a_family_of_providers_holds_for_its_members():
    text = cause_texts()["policy-http-forbidden"]
    assert text.at_provider("Cloudflare Pages") == text.at_provider("Cloudflare") != ""
    assert text.at_provider("Netlify") == ""
    assert "nordwind.example" in cause_texts()["policy-host-tls-fails"].at_provider(
        "Cloudflare Pages", "nordwind.example"
    )


def test_a_language_without_texts_is_named():
    with pytest.raises(LookupError, match=r"'xx'.*en"):
        cause_texts("xx")
