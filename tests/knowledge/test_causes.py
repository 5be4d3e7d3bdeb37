"""The causes: of one shape, complete, safe to copy from, and right where guides are not."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import mtasts_nb
from mtasts_nb.knowledge import causes, command, command_names, providers, read_data
from mtasts_nb.vocabulary import Area, CauseKind, ResultType

CAUSES = causes()
PACKAGE = Path(mtasts_nb.__file__).parent
#: As `mtasts_nb.probe` recognises them.
PROVIDERS = {one.name for one in providers()} | {one.name.partition(" ")[0] for one in providers()}


@pytest.mark.parametrize("code", list(CAUSES))
def test_what_a_cause_is_tied_to(code):
    cause = CAUSES[code]
    assert cause.area in Area
    assert cause.kind in CauseKind
    assert set(cause.result_types) <= set(map(str, ResultType))
    assert all(re.fullmatch(r"RFC \d{4} §[\d.]+(, §[\d.]+)*", part) for part in cause.rfc.split("; "))
    assert cause.command_names
    assert set(cause.command_names) <= set(command_names())
    assert set(cause.effect) == {"enforce", "testing", "none"}
    assert set(cause.providers) <= PROVIDERS


@pytest.mark.parametrize("code", list(CAUSES))
def test_the_texts_of_a_cause(code):
    cause = CAUSES[code]
    assert 0 < len(cause.title) < 100
    assert cause.title[-1] not in ".:"
    texts = (cause.meaning(), cause.fix(), cause.verify())
    assert all(text.endswith((".", ")", '"')) for text in texts)
    assert bool(cause.myth) == bool(cause.fact)
    assert not re.search(r"{(domain|mx)}", " ".join(texts))


@pytest.mark.parametrize("result_type", list(ResultType))
def test_every_result_type_has_causes_in_an_order(result_type):
    ranks = sorted(rank for cause in CAUSES.values() if (rank := cause.result_types.get(result_type)))
    assert ranks == list(range(1, len(ranks) + 1))
    assert ranks


def test_no_effect_goes_unused():
    used = {cause.effect["enforce"] for cause in CAUSES.values()}
    used |= {read_data("effects")[one["effect"]]["enforce"] for one in read_data("result_types").values()}
    assert {effect["enforce"] for effect in read_data("effects").values()} == used


@pytest.mark.parametrize("name", command_names())
def test_the_commands_are_those_that_prove_something(name):
    one = command(name, "nordwind.example", "mx1.nordwind.example")
    assert not re.search(r"{(domain|mx)}|\bDOMAIN\b|MX-HOST", one.shell + one.shows)
    words = shlex.split(one.shell)
    if "curl" in words:
        assert not {"-I", "-L", "--head", "--location"} & set(words), "senders GET, and follow no redirect"
    if "s_client" in words:
        assert "-servername" in words, "senders send SNI (RFC 8461 §7.1)"
    if "return code" in one.shows or "Verification: OK" in one.shows:
        assert "-verify_hostname" in words, "code 0 proves no name without it"


@pytest.mark.parametrize("code", ["mx-certificate-name", "policy-certificate-name"])
def test_where_openssl_falls_back_to_the_common_name_the_text_warns(code):
    """-verify_hostname falls back to the CN where there is no SAN; senders do not (RFC 8461 §4.2, §3.3)."""
    assert "falls back to the common name" in " ".join(one.shows for one in CAUSES[code].commands())


@pytest.mark.parametrize("name", ["x; rm -rf ~", "$(id)", "`id`", "-o", "a b", "a\nb", "", "ä.example", "x" * 300])
def test_a_hostile_name_never_reaches_a_command_or_a_text(name):
    for cause in CAUSES.values():
        assert cause.commands(name, name) == cause.commands()
        for text in (cause.meaning, cause.fix, cause.verify):
            assert text(name) == text()


# standards: what many guides say otherwise
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("policy-certificate-expired", "sts-webpki-invalid"),
        ("mx-certificate-expired", "is about the MX only"),
        ("mx-certificate-chain-incomplete", "certificate-not-trusted"),
        ("policy-http-redirect", "port 80"),
        ("mx-certificate-name", "Only the subjectAltName"),
        ("sender-old-policy", "worst case"),
        ("mx-not-in-policy", "not aspmx.l.google.com"),
        ("policy-content-type", "SHOULD"),
        ("reports-late", "come from the senders"),
        ("policy-http-not-found", "HEAD"),
        ("policy-host-unreachable", "never use port 80"),
    ],
)
def test_where_guides_are_wrong_the_fact_is_given(code, words):
    assert words in CAUSES[code].fact


# cause, a word of what to do now, a word of how to avoid it next time
NOW_AND_NEXT_TIME = [
    ("dane-tlsa-mismatch", "in use now", "next to the old one"),  # RFC 7671 §8.1: two TTLs, which is too late now
    ("mx-not-in-policy", "add the host", "old and the new hosts"),  # RFC 8461 §8.1
    ("mx-certificate-expired", "reload the mail server", "renewal hook"),
    ("mx-certificate-chain-incomplete", "no new one is needed", "change its intermediate"),
    ("policy-certificate-expired", "reload the web server", "automatic renewal"),
    ("policy-http-not-found", "/.well-known/mta-sts.txt", "deployment"),
    ("policy-id-unchanged", "Change the id", "first the file"),
    ("record-multiple", "Delete all but one", "change the id in the existing record"),
    ("record-not-propagated", "Wait", "lower the TTL"),
    ("sender-old-policy", "old policy valid again", "before and after"),
    ("fixed-since", "Nothing has to be fixed", "does not happen again"),
]


@pytest.mark.parametrize(("code", "now", "next_time"), NOW_AND_NEXT_TIME)
def test_what_to_do_now_is_told_apart_from_how_to_avoid_it(code, now, next_time):
    cause = CAUSES[code]
    assert now in cause.fix()
    assert next_time in cause.prevent()
    assert next_time not in cause.fix()


@pytest.mark.parametrize("code", list(CAUSES))
def test_a_fix_is_about_now_and_needs_no_finding(code):
    cause = CAUSES[code]
    assert not re.search(r"\bnext (time|change|move)\b|in future|[Tt]he finding", cause.fix())
    assert not cause.prevent() or cause.prevent().endswith(".")


#: RFC 5321 §4.5.4.1: senders give up, after 4 to 5 days; Exchange Online after 24 hours.
PROMISE = re.compile(
    r"(no|without) (mail|message)s? (is|are|being) lost|nothing is lost|never (lost|bounce)|no mail bounces",
    re.IGNORECASE,
)


def test_nothing_promises_that_no_mail_is_lost():
    texts = [cause.meaning() + cause.fix() + cause.prevent() + cause.verify() for cause in CAUSES.values()]
    texts += [text for effect in read_data("effects").values() for text in effect.values()]
    assert [text for text in texts if PROMISE.search(text)] == []


@pytest.mark.parametrize("name", ["unfindable", "not-reached", "host-refused", "dane", "one-dane-sender", "one-sender"])
def test_where_mail_is_deferred_the_end_of_the_queue_is_told(name):
    text = read_data("effects")[name]["enforce"]
    assert re.search(r"defer", text)
    assert "bounces when the queue life ends" in text


def test_only_faults_of_hosts_that_senders_use_defer_mail():
    """RFC 8461 §3.3, §5: a policy that cannot be fetched defers no mail by itself."""
    for cause in CAUSES.values():
        if cause.kind is not CauseKind.FAULT or cause.code == "policy-id-unchanged":
            continue
        if cause.area in (Area.POLICY_HOST, Area.POLICY_CERTIFICATE, Area.POLICY_FILE):
            assert "No mail is deferred" in cause.effect["enforce"]


def test_the_text_for_a_family_of_providers_applies_to_its_members():
    cause = CAUSES["policy-http-forbidden"]
    assert cause.at_provider("Cloudflare Pages") == cause.at_provider("Cloudflare") != ""
    assert cause.at_provider("Netlify") == ""
    assert "nordwind.example" in CAUSES["policy-host-tls-fails"].at_provider("Cloudflare Pages", "nordwind.example")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("mx-certificate-expired", "Reports still arrive: senders must deliver them in spite of it (RFC 8460 §3)."),
        ("policy-http-not-found", "five minutes or longer before it tries again (RFC 8461 §3.3)."),
        ("record-missing", "subdomains do not inherit"),
    ],
)
def test_what_people_ask_in_an_outage_is_answered_once(code, words):
    """In the texts that the diagnosis, the flowchart, `explain` and the postmortem show, each in one place."""
    cause = CAUSES[code]
    assert words in cause.effect["enforce"] + cause.meaning()
    sources = "".join(file.read_text("utf-8") for file in (PACKAGE / "knowledge").rglob("*.toml"))
    assert sources.count(words) == 1
