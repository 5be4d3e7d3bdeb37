"""Profiles of known senders: data with sources, and for one of them a judge: its own code, run against the lab."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mtasts_nb import sender
from mtasts_nb.errors import PolicyError
from mtasts_nb.lab import FAULTS
from mtasts_nb.policy import Policy
from mtasts_nb.sender import profiles, simulate
from mtasts_nb.sender._profiles import topic_texts
from mtasts_nb.sender._reading import read_policy
from mtasts_nb.vocabulary import Area, Mode
from tests.lab.second_sender import ACCEPTS

POLICY_SIDE = [
    fault
    for fault in FAULTS.values()
    if fault.area in (Area.RECORD, Area.POLICY_HOST, Area.POLICY_CERTIFICATE, Area.POLICY_FILE)
]
RESOLVER = "postfix-mta-sts-resolver"


def differences(outcomes):
    return {other.profile: other for other in outcomes.differences}


def test_every_rule_names_its_source():
    for name, profile in profiles().items():
        assert profile.name == name
        assert profile.source.startswith("https://")
        assert profile.title
        assert profile.version
        assert date.fromisoformat(profile.date)
        topics = [rule.topic for rule in profile.rules] + list(profile.unknown)
        assert len(set(topics)) == len(topics) > 0
        assert profile.queue_source.startswith("https://") == (profile.queue_life is not None) == bool(profile.product)
        for rule in profile.rules:
            assert rule.source.startswith("https://")
            assert rule.text.endswith(".")


# sender, hours until a message that cannot be delivered bounces, by default
QUEUES = [
    ("exchange-online", 24),
    ("postfix", 5 * 24),
    ("postfix-mta-sts-resolver", None),  # that of Postfix
    ("postfix-tlspol", None),
    ("exim", 4 * 24),
    ("kumomta", 7 * 24),
    ("mox", None),
    ("halon", None),
    ("gmail", None),
]


@pytest.mark.parametrize(("name", "hours"), QUEUES)
def test_how_long_a_message_is_queued(name, hours):
    """RFC 5321 §4.5.4.1 asks for 4 to 5 days; some senders give up long before."""
    assert profiles()[name].queue_life == hours


def test_every_sender_is_in_that_table():
    assert set(profiles()) == {name for name, _ in QUEUES}


def test_what_is_not_published_is_a_topic_that_others_differ_in():
    known = {rule.topic for profile in profiles().values() for rule in profile.rules} - {"sts", "dane-insecure-mx"}
    assert {topic for profile in profiles().values() for topic in profile.unknown} == known


def test_every_rule_is_applied_somewhere():
    """A topic or a behaviour that no code asks for is a typo."""
    code = "".join(file.read_text("utf-8") for file in Path(sender.__file__).parent.glob("_*.py"))
    rules = [rule for profile in profiles().values() for rule in profile.rules]
    assert {word for rule in rules for word in (rule.topic, rule.behaviour) if f'"{word}"' not in code} == set()


@pytest.mark.parametrize("fault", POLICY_SIDE, ids=[fault.name for fault in POLICY_SIDE])
def test_the_profile_takes_the_policies_that_the_sender_itself_takes(fault, look):
    """`ACCEPTS` is held against postfix-mta-sts-resolver itself (tests/lab/test_second_sender.py)."""
    takes = fault.name in ACCEPTS
    if fault.addresses:
        return  # which address it connects to is chance
    if fault.result_type is None and fault.delivery == "delivered":
        return  # everybody takes it
    outcomes = simulate(look(fault.name))
    other = differences(outcomes).get(RESOLVER)
    has_policy = (other.outcomes if other else outcomes).policy is not None
    covered = outcomes.policy is not None  # the strict sender takes it too
    assert has_policy == (takes or covered)


# fault of the lab, profile, its delivery, what decides (a word of the rule)
ACTS_OTHERWISE = [
    ("record-version-spaced", "mox", "delivered", "ABNF"),
    ("record-version-spaced", RESOLVER, "delivered", "white space"),
    ("record-version-spaced", "postfix-tlspol", "delivered", "ABNF"),
    ("record-two", "kumomta", "delivered", "joins"),
    ("record-id-missing", "halon", "delivered", "id"),
    ("record-id-illegal", RESOLVER, "delivered", "any id"),
    ("policy-content-type-html", "mox", "delivered", "Content-Type"),
    ("policy-content-type-missing", "mox", "delivered", "Content-Type"),
    ("policy-content-type-html", "halon", "delivered", "Content-Type"),
    ("policy-html-page", "mox", "without_sts", "Content-Type"),
    ("policy-certificate-common-name-only", RESOLVER, "delivered", "common name"),
    ("policy-file-comment", RESOLVER, "delivered", "colon"),
    ("policy-file-max-age-too-large", "mox", "delivered", "limit"),
    ("policy-file-max-age-too-large", "postfix-tlspol", "delivered", "limit"),
    ("policy-file-max-age-too-large", "kumomta", "delivered", "limit"),
    ("policy-file-mx-list", "kumomta", "delivered", "patterns"),
    ("dane-mismatch", RESOLVER, "delivered", "DANE"),
    ("mx-greeting-554", "exim", "bounced", "5xx"),
    ("mx-certificate-expired", "postfix", "without_sts", "MTA-STS"),
]


@pytest.mark.parametrize(("fault", "profile", "delivery", "word"), ACTS_OTHERWISE)
def test_who_acts_otherwise_and_why(fault, profile, delivery, word, look):
    other = differences(simulate(look(fault)))[profile]
    assert other.delivery == delivery
    assert word in other.why
    assert other.sources


# fault of the lab, profile: alike
ACTS_ALIKE = [
    ("record-two", "mox"),
    ("record-two", RESOLVER),
    ("record-two", "postfix-tlspol"),  # since 1.12, as the three below
    ("record-id-missing", "postfix-tlspol"),
    ("policy-content-type-html", "postfix-tlspol"),
    ("policy-content-type-missing", "postfix-tlspol"),
    ("record-missing", RESOLVER),
    ("record-missing", "postfix"),
    ("policy-http-301", "mox"),
    ("policy-content-type-html", RESOLVER),
    ("policy-content-type-html", "kumomta"),
    ("policy-file-comment", "postfix-tlspol"),
    ("policy-file-mx-list", "postfix-tlspol"),
    ("policy-file-max-age-too-large", RESOLVER),
    ("dane-mismatch", "postfix-tlspol"),
    ("dane-mismatch", "postfix"),
    ("mx-certificate-expired", "mox"),
    ("mx-refused", "postfix"),
]


@pytest.mark.parametrize(("fault", "profile"), ACTS_ALIKE)
def test_who_acts_alike(fault, profile, look):
    assert profile not in differences(simulate(look(fault)))


def test_a_healthy_domain_gives_no_reason_to_name_senders(healthy, dane):
    for outcomes in (simulate(healthy), simulate(healthy, mode="testing"), simulate(dane)):
        assert outcomes.differences == ()
        assert outcomes.unpublished == ()


# fault of the lab, the topics that decide and about which Exchange Online and Gmail publish nothing
NOT_KNOWN = [
    ("policy-content-type-html", {"content-type"}),
    ("record-version-spaced", {"record"}),
    ("policy-file-max-age-too-large", {"max-age"}),
    ("policy-certificate-common-name-only", {"common-name"}),
    ("dane-mismatch", {"dane"}),
    ("mx-greeting-554", {"greeting-5xx"}),
    ("mx-certificate-expired", set()),  # RFC 8461 §4.2 leaves no choice, and no known sender makes one
    ("record-missing", set()),
    ("policy-http-301", set()),
]


@pytest.mark.parametrize(("fault", "topics"), NOT_KNOWN)
def test_what_a_sender_does_not_publish_is_not_guessed(fault, topics, look):
    outcomes = simulate(look(fault))
    silent = {sender.profile: set(sender.topics) for sender in outcomes.unpublished}
    assert silent == ({"exchange-online": topics, "gmail": topics} if topics else {})
    assert not {"exchange-online", "gmail"} & set(differences(outcomes))
    assert ("Known senders of which this is not known" in str(outcomes)) == bool(topics)


def test_every_topic_that_is_not_published_has_its_words():
    assert set(topic_texts()) == {topic for profile in profiles().values() for topic in profile.unknown}


def test_unrelated_records_at_the_name_can_undo_the_policy_at_one_sender(look):
    assert set(differences(simulate(look(variant="chunked-record")))) == {"kumomta"}


def test_dane_takes_the_place_of_a_policy_that_forbids_the_host(dane):
    """RFC 8461 §2 leaves it open; several senders ask DANE only."""
    outcomes = simulate(dane, cached_policy=Policy(mode=Mode.ENFORCE, max_age=86400, mx=("old.nordwind.example",)))
    assert outcomes.delivery == "deferred"
    others = differences(outcomes)
    for name in ("postfix-tlspol", "kumomta", "halon", "postfix"):
        assert others[name].delivery == "delivered"


def test_dane_is_overridden_by_a_policy_in_mode_enforce_only(look):
    outcomes = simulate(look("dane-mismatch"), mode="testing")
    assert outcomes.delivery == "deferred"
    assert RESOLVER not in differences(outcomes)


SAMPLE = "version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmax_age: 86400\n"

# policy text, which profiles take it
TEXTS = [
    (SAMPLE, {"postfix-mta-sts-resolver", "postfix-tlspol", "mox", "kumomta", "halon"}),
    ("\n" + SAMPLE, {"postfix-mta-sts-resolver", "kumomta", "halon"}),
    ("hello\n" + SAMPLE, {"postfix-mta-sts-resolver", "halon"}),
    (SAMPLE + "mode: testing\n", {"postfix-mta-sts-resolver", "postfix-tlspol", "mox", "halon"}),
    (SAMPLE.replace("86400", "99999999"), {"postfix-tlspol", "mox", "kumomta", "halon"}),
    (SAMPLE.replace("86400", "one day"), set()),
    (SAMPLE.replace("86400", "99999999999"), set()),
    (SAMPLE.replace("mx1.", "mx1 ."), {"postfix-mta-sts-resolver", "kumomta", "halon"}),
    (SAMPLE.replace("enforce", "enforced"), set()),
    (SAMPLE.replace("STSv1", "STSv2"), set()),
    (SAMPLE.replace("mx: mx1.nordwind.example\n", ""), set()),
    ("", set()),
]


@pytest.mark.parametrize(("text", "takers"), TEXTS)
def test_which_senders_take_a_policy_text(text, takers):
    def takes(name):
        try:
            read_policy(text.encode(), profiles()[name])
        except PolicyError:
            return False
        return True

    read = ("postfix-mta-sts-resolver", "postfix-tlspol", "mox", "kumomta", "halon")
    assert {name for name in read if takes(name)} == takers


def test_of_a_repeated_key_one_sender_takes_the_last():
    text = SAMPLE + "mode: testing\n"
    assert read_policy(text, profiles()["mox"]).mode is Mode.ENFORCE
    assert read_policy(text, profiles()[RESOLVER]).mode is Mode.TESTING
