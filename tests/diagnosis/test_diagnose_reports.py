"""Reports alone: the sample's seven incidents, random worlds, and quiet ones."""

from __future__ import annotations

import pytest

import mtasts_nb as sts
from mtasts_nb.diagnosis import diagnose
from tests.fleet.scenarios import scenario

#: Each incident of the sample: its cause, and the host concerned.
SAMPLE = {
    ("suedwind.example", "tlsa-invalid"): "dane-tlsa-mismatch",
    ("suedwind.example", "certificate-expired"): "mx-certificate-expired",
    ("suedwind.example", "validation-failure"): "mx-not-in-policy",
    ("suedwind.example", "sts-policy-fetch-error"): "policy-http-not-found",
    ("nordwind.example", "sts-webpki-invalid"): "policy-certificate-expired",
    ("nordwind.example", "starttls-not-supported"): "mx-starttls-stripped",
    ("nordwind.example", "certificate-not-trusted"): "mx-certificate-chain-incomplete",
}


@pytest.fixture(scope="module")
def of_sample(sample):
    return diagnose(archive=sample)


def test_the_open_incident_of_the_sample_comes_first(of_sample):
    first = of_sample.causes[0]
    assert (first.code, first.policy_domain, first.mx) == (
        "dane-tlsa-mismatch",
        "suedwind.example",
        ("mx1.suedwind.example",),
    )
    assert of_sample.present == (first,)
    assert of_sample.verdict.level == "act now"
    assert of_sample.domain == ""


@pytest.mark.parametrize(("key", "cause"), list(SAMPLE.items()))
def test_every_incident_of_the_sample_has_its_cause(key, cause, of_sample):
    groups = [group for group in of_sample.groups if group.state != "background noise"]
    causes = {(group.reported.policy_domain, group.reported.result_type): group.causes[0].code for group in groups}
    assert causes[key] == cause
    assert set(causes) == set(SAMPLE)


def test_the_walk_from_the_sample_ends_at_the_open_incident(of_sample):
    walk = of_sample.walk()
    assert walk.start == "report"
    assert walk.cause.code == "dane-tlsa-mismatch"


#: The cause of each kind of incident that the generator makes.
KINDS = {
    "mx-expired": "mx-certificate-expired",
    "mx-wrong-name": "mx-certificate-name",
    "mx-chain": "mx-certificate-chain-incomplete",
    "mx-no-starttls": "mx-starttls-missing",
    "mx-old-tls": "mx-tls-version",
    "mx-moved": "mx-not-in-policy",
    "tlsa-old-key": "dane-tlsa-mismatch",
    "dnssec-expired": "dane-dnssec-broken",
    "dane-unvalidated": "dane-required",
    "policy-gone": "policy-http-not-found",
    "policy-broken": "policy-file-fields",
    "policy-host-expired": "policy-certificate-expired",
}


@pytest.mark.parametrize("seed", [1, 4, 9, 13, 21])
def test_random_worlds(seed):
    """The bench has 30 of them."""
    made = scenario(seed, 1, days=60)
    found = diagnose(archive=sts.load(made.ndjson(), progress=False, workers=1))
    wanted = KINDS[made.truth[0]["incident"].rpartition("-")[0]]
    keys = {(row["policy_domain"], row["result_type"], row["receiving_mx_hostname"]) for row in made.truth}
    groups = [
        group
        for group in found.groups
        if (group.reported.policy_domain, group.reported.result_type, group.reported.mx) in keys
    ]
    largest = max(groups, key=lambda group: group.reported.failed)
    assert wanted in [candidate.code for candidate in largest.causes[:2]]
    assert wanted in [cause.code for cause in found.causes[:2]]


@pytest.mark.parametrize("seed", [300, 301])
def test_a_quiet_world_has_no_cause(seed):
    found = diagnose(archive=sts.load(scenario(seed, 0, days=60).ndjson(), progress=False, workers=1))
    assert found.causes == ()
    assert found.verdict.level == "fine"
    assert {group.state for group in found.groups} <= {"background noise"}


def test_an_empty_archive_says_nothing_of_any_domain():
    found = diagnose(archive=sts.load(b'{"no": "report"}', progress=False))
    assert found.causes == found.groups == ()
    assert found.days is None
    assert len(found.to_frame()) == 0
    assert found._repr_html_()
