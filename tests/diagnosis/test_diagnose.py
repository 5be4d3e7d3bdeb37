"""Every fault of the lab: the right cause first, the right leaf, the right level; a healthy domain has none."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

import mtasts_nb as sts
from mtasts_nb.diagnosis import diagnose
from mtasts_nb.knowledge import causes, finding_texts
from mtasts_nb.lab import FAULTS, VARIANTS, Lab
from mtasts_nb.probe import Provider, probe
from mtasts_nb.sender import simulate
from mtasts_nb.vocabulary import LEVEL_RULES, Effect, Severity, verdict_sentence

#: Which cause is behind each fault. Several faults share one where meaning and fix are the same.
CAUSES = {
    "record-missing": ("record-missing", "record-at-apex"),
    "record-not-recognised": (
        "record-version-typo", "record-version-case", "record-version-spaced", "record-quoted", "record-comma",
    ),
    "record-id-invalid": ("record-id-missing", "record-id-illegal", "record-id-empty", "record-id-long"),
    "record-multiple": ("record-two",),
    "record-alias-broken": ("record-cname-dangling", "record-cname-loop"),
    "record-lookup-fails": ("record-servfail", "record-refused", "record-timeout"),
    "record-not-propagated": ("record-old-cached",),
    "nameservers-disagree": ("record-missing-on-one-nameserver",),
    "nameserver-silent": ("nameserver-silent",),
    "dnssec-broken": ("zone-signatures-expired",),
    "policy-host-no-address": ("policy-host-no-address", "policy-host-cname-dangling"),
    "policy-host-lookup-fails": ("policy-host-servfail",),
    "policy-host-private-address": ("policy-host-private-address",),
    "policy-host-unreachable": ("policy-host-refused", "policy-host-timeout"),
    "policy-response-incomplete": ("policy-host-silent", "policy-host-slow", "policy-http-cut"),
    "policy-host-tls-fails": ("policy-host-closes-in-handshake",),
    "policy-host-tls-version": ("policy-host-tls-1.1-only",),
    "policy-http-redirect": ("policy-http-301", "policy-http-302"),
    "policy-http-forbidden": ("policy-http-403",),
    "policy-http-not-found": ("policy-http-404",),
    "policy-http-error": ("policy-http-500", "policy-http-503", "policy-http-204"),
    "policy-content-type": ("policy-content-type-html", "policy-content-type-missing"),
    "policy-html": ("policy-html-as-text", "policy-html-page"),
    "policy-too-large": ("policy-too-large", "policy-endless"),
    "policy-host-address-differs": (
        "policy-good-on-one-address", "policy-one-address-refused", "policy-differs-by-address",
    ),
    "policy-certificate-expired": ("policy-certificate-expired",),
    "policy-certificate-not-yet-valid": ("policy-certificate-not-yet-valid",),
    "policy-certificate-expires-soon": ("policy-certificate-expires-soon",),
    "policy-certificate-untrusted": ("policy-certificate-self-signed", "policy-certificate-unknown-ca"),
    "policy-certificate-name": ("policy-certificate-wrong-name", "policy-certificate-common-name-only"),
    "policy-certificate-chain-incomplete": ("policy-certificate-intermediate-missing",),
    "policy-certificate-weak": ("policy-certificate-weak-key",),
    "policy-file-fields": (
        "policy-file-version-missing", "policy-file-version-unknown", "policy-file-version-typo",
        "policy-file-mode-missing", "policy-file-mode-unknown", "policy-file-max-age-missing",
        "policy-file-max-age-hyphen", "policy-file-max-age-too-large", "policy-file-max-age-unit",
        "policy-file-max-age-negative",
    ),
    "policy-file-mx": (
        "policy-file-mx-missing", "policy-file-mx-list", "policy-file-mx-url", "policy-file-mx-port",
        "policy-file-mx-bare-wildcard", "policy-file-mx-wildcard-middle", "policy-file-mx-u-label",
        "policy-file-mx-trailing-dot",
    ),
    "policy-file-encoding": ("policy-file-byte-order-mark", "policy-file-utf-16", "policy-file-not-utf-8"),
    "policy-file-format": (
        "policy-file-comment", "policy-file-equals-sign", "policy-file-is-record", "policy-file-json", "policy-empty",
    ),
    "policy-max-age-short": ("policy-file-max-age-short",),
    "mx-missing": ("mx-none",),
    "mx-implicit": ("mx-implicit",),
    "mx-null": ("mx-null",),
    "mx-null-mixed": ("mx-null-mixed",),
    "mx-name-invalid": ("mx-ip-literal",),
    "mx-cname": ("mx-cname",),
    "mx-no-address": ("mx-no-address", "backup-no-address"),
    "mx-lookup-fails": ("mx-servfail",),
    # A pattern that is an address matches no host: the file is valid, and the host not covered.
    "mx-not-in-policy": (
        "mx-not-in-policy", "mx-wildcard-too-short", "mx-wildcard-too-deep", "backup-not-in-policy",
        "mx-implicit-not-in-policy", "policy-file-mx-ip-address",
    ),
    "mx-unreachable": ("mx-refused", "mx-timeout", "address-refused"),
    "port-25-no-answer": ("port-25-closed",),
    "mx-smtp-broken": ("mx-silent", "mx-closes-before-greeting", "mx-greeting-endless", "mx-drops-after-ehlo"),
    "mx-greeting-refused": ("mx-greeting-554", "mx-greeting-421"),
    "mx-ehlo-refused": ("mx-ehlo-refused",),
    "mx-starttls-missing": ("mx-no-starttls", "backup-no-starttls"),
    "mx-starttls-refused": ("mx-starttls-454",),
    "mx-starttls-stripped": ("mx-starttls-stripped",),
    "mx-tls-handshake-fails": ("mx-starttls-silent", "mx-closes-in-handshake", "mx-garbage-in-handshake"),
    "mx-tls-version": ("mx-tls-1.0-only",),
    "mx-certificate-expired": (
        "mx-certificate-expired", "backup-certificate-expired", "address-certificate-expired",
    ),
    "mx-certificate-not-yet-valid": ("mx-certificate-not-yet-valid",),
    "mx-certificate-expires-soon": ("mx-certificate-expires-soon",),
    "mx-certificate-untrusted": ("mx-certificate-self-signed", "mx-certificate-unknown-ca"),
    "mx-certificate-name": ("mx-certificate-wrong-name", "mx-certificate-common-name-only"),
    "mx-certificate-chain-incomplete": (
        "mx-certificate-intermediate-missing", "backup-certificate-intermediate-missing",
    ),
    "mx-certificate-weak": ("mx-certificate-weak-key",),
    "dane-tlsa-mismatch": ("dane-mismatch", "dane-backup-mismatch"),
    "dane-dnssec-broken": ("dane-signature-expired",),
    "dane-not-secure": ("dane-unsigned",),
    "dane-unusable": ("dane-unusable",),
    "resolver-not-validating": ("dane-not-validated", "dane-mismatch-not-validated"),
    "reporting-missing": ("tlsrpt-missing",),
    "reporting-record-invalid": (
        "tlsrpt-version-wrong", "tlsrpt-rua-missing", "tlsrpt-rua-scheme", "tlsrpt-rua-bare",
    ),
    "reporting-multiple": ("tlsrpt-two",),
}  # fmt: skip
#: Faults that are advice alone: the finding says all of it.
ADVICE = {
    "policy-host-tls-1.0-too": "policy-host-tls-old-offered",
    "mx-tls-1.0-too": "mx-tls-old-offered",
    "dane-no-next-key": "tlsa-no-next-key",
}
BY_FAULT = {fault: cause for cause, faults in CAUSES.items() for fault in faults} | ADVICE
#: Shows only between two looks.
TWO_LOOKS = "policy-changed-same-id"
ONE_LOOK = [name for name in FAULTS if name not in (TWO_LOOKS, *ADVICE)]
#: What a probe says of itself and not of the domain, and what stands beside a fault that says more.
NO_CAUSE = {
    "outbound-ipv6-closed", "probe-deadline-reached", "probe-limit-reached", "resolver-unreachable",
    *ADVICE.values(),
}  # fmt: skip


def test_every_fault_of_the_lab_has_its_cause():
    assert set(BY_FAULT) == {*ONE_LOOK, *ADVICE}
    assert set(CAUSES) <= set(causes())


def test_every_finding_of_a_probe_has_its_cause():
    explained = {code for text in causes().values() for code in text.findings}
    assert {code for code, text in finding_texts().items() if text.live} - explained == NO_CAUSE


@pytest.mark.parametrize(("name", "code"), ADVICE.items())
def test_advice_is_no_fault_now(name, code, look):
    found = diagnose(look(name))
    assert [(cause.code, cause.kind) for cause in found.causes] == [(code, "latent")]
    assert found.causes[0].fix
    assert (found.verdict.level, found.outcomes.delivery) == ("watch", "delivered")


@pytest.mark.parametrize("name", ONE_LOOK)
def test_the_right_cause_is_first(name, look):
    found = diagnose(look(name))
    first = found.causes[0]
    assert first.code == BY_FAULT[name]
    # Of silence one network cannot tell whose fault it is.
    assert first.confidence == ("medium" if name == "port-25-closed" else "high")
    assert first.state == "seen now"
    assert any(one.supports and one.source == "probe" for one in first.evidence)
    assert first.commands
    assert first.fix
    assert first.verify
    assert first.rfc.startswith("RFC ")


@pytest.mark.parametrize("name", ONE_LOOK)
def test_the_evidence_alone_leads_to_the_right_leaf(name, look):
    walk = diagnose(look(name)).walk("deferred")
    assert walk.cause is not None
    assert walk.cause.code == BY_FAULT[name]
    assert {step.by for step in walk.steps} == {"evidence"}
    assert walk.observation()


@pytest.mark.parametrize("name", [name for name in ONE_LOOK if FAULTS[name].result_type is not None])
def test_so_it_does_from_the_report_that_a_sender_writes(name, look):
    seen = look(name)
    archive = sts.load(json.dumps(simulate(seen).report()).encode(), progress=False)
    found = diagnose(seen, archive)
    walk = found.walk()
    assert walk.start == "report"
    assert walk.cause.code == BY_FAULT[name]
    assert found.causes[0].code == BY_FAULT[name]
    assert found.causes[0].failed > 0
    assert {group.state for group in found.groups} == {"reproduced now"}


@pytest.mark.parametrize("name", ONE_LOOK)
def test_the_level_follows_from_what_becomes_of_mail(name, look):
    fault, verdict = FAULTS[name], diagnose(look(name)).verdict
    if fault.delivery in ("deferred", "bounced"):
        assert verdict.level == "act now"
    elif fault.delivery == "without_sts":
        assert verdict.level == "act soon"
    else:
        assert verdict.level in ("act soon", "watch")
    assert verdict.rule == LEVEL_RULES[verdict.level]
    assert verdict_sentence(verdict).endswith(".")


@pytest.mark.parametrize("name", ONE_LOOK)
def test_a_diagnosis_can_be_shown_and_tabled(name, look):
    found = diagnose(look(name))
    html, text = found._repr_html_(), str(found)
    for cause in found.causes:
        assert cause.title.split("'")[0] in html
        assert cause.title in " ".join(text.split())
    assert "<script" not in html
    assert max(map(len, text.splitlines())) <= 400
    frame = found.to_frame()
    assert frame["code"].tolist() == [cause.code for cause in found.causes]
    assert frame.dtypes.astype(str)["rank"] == "int64"
    assert json.dumps(found.walk().to_json())


@pytest.mark.parametrize("name", VARIANTS)
def test_a_healthy_domain_has_no_cause(name, look):
    found = diagnose(look(variant=name))
    assert found.causes == ()
    assert found.not_observed == ()
    assert found.verdict.level == "fine"
    assert all(step.status in ("done", "not needed", "to do", "not known") for step in found.plan)
    assert [step.step for step in found.plan if step.status == "to do"] == ["Read the result types in the reports"]
    assert found.walk("deferred").position == "unexplained-failures"


def test_what_changed_under_the_same_id_shows_between_two_looks():
    with Lab(TWO_LOOKS) as lab:
        first = probe("nordwind.example", lab.settings)
        lab.advance()
        second = probe("nordwind.example", lab.settings)
    assert diagnose(second).causes == ()
    found = diagnose(second, before=first)
    assert [cause.code for cause in found.causes] == ["policy-id-unchanged"]
    assert found.walk("deferred").cause.code == "policy-id-unchanged"


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("policy-host-refused", "certificate and file of mta-sts.nordwind.example"),
        ("policy-http-404", "the policy file"),
        ("policy-file-comment", "whether the policy covers the MX hosts"),
        ("mx-no-starttls", "certificate of mx1.nordwind.example"),
        ("mx-servfail", "the MX hosts"),
        ("port-25-closed", "the MX hosts"),
    ],
)
def test_what_a_fault_hides_is_named(name, hidden, look):
    found = diagnose(look(name))
    assert any(what.startswith(hidden) for what, _ in found.not_observed)
    assert hidden in found._repr_html_()


def test_a_fault_at_the_backup_alone_holds_nothing_back(look):
    found = diagnose(look("backup-certificate-expired"))
    assert found.causes[0].mx == ("mx2.nordwind.example",)
    assert found.causes[0].effect is Effect.COSMETIC
    assert found.verdict.level == "act soon"


def test_the_text_to_publish_is_in_the_fix(look):
    assert "mx: mx1.nordwind.example" in diagnose(look("mx-not-in-policy")).causes[0].fix


def test_the_plan_ticks_what_the_evidence_settles(look):
    plan = {step.step: step for step in diagnose(look("policy-http-404")).plan}
    assert plan["Identify the problem"].ticked
    assert plan["Check the _mta-sts record"].ticked
    assert plan["Check the policy file"].status == "to do"
    assert plan["Check the certificate of the policy host"].ticked
    assert plan["Validate record and policy"].status == "to do"


def test_without_anything_there_is_nothing_to_diagnose():
    with pytest.raises(ValueError, match=r"sts\.probe"):
        diagnose()


def test_ranking_is_by_what_it_does_to_mail(look):
    for name in ("mx-implicit-not-in-policy", "policy-html-page", "policy-file-not-utf-8"):
        ranks = [(cause.effect.rank, cause.severity.rank) for cause in diagnose(look(name)).causes]
        assert all(first <= second for first, second in itertools.pairwise(ranks))
        assert Severity.ERROR.rank == 0


# fault of the lab, what the finding says, where, and what was observed there
REASONS = [
    ("policy-file-mx-list", ("One mx line holds one pattern", "policy file, line 3", "mx2.nordwind.example")),
    ("record-id-illegal", ("Only letters and digits", "_mta-sts record, column 13", "2026-02-08")),
    ("mx-certificate-expired", ("mx1.nordwind.example has expired", "192.0.2.25, 2001:db8::25")),
    ("policy-http-404", ("no file at the policy URL", "192.0.2.80, 2001:db8::80", "status 404")),
    ("mx-not-in-policy", ("`old1.nordwind.example` is another host", "MX host mx1.nordwind.example")),
    ("dane-mismatch", ("No TLSA record of mx1.nordwind.example matches", "192.0.2.25", "3 1 1")),
]


@pytest.mark.parametrize(("fault", "words"), REASONS)
def test_the_reason_of_a_finding_and_its_names_reach_the_diagnosis(fault, words, look):
    first = diagnose(look(fault)).causes[0]
    text = next(evidence.text for evidence in first.evidence if evidence.source == "probe")
    assert [word for word in words if word not in text] == []


def test_what_to_do_now_and_how_to_avoid_it_have_a_heading_each(look):
    diagnosis = diagnose(look("dane-mismatch"))
    first = diagnosis.causes[0]
    assert "in use now" in first.fix
    assert "two TTLs" in first.prevent
    for text in (str(diagnosis), diagnosis._repr_html_()):
        assert text.index("What to do now") < text.index("How to avoid it next time")


def test_where_a_service_hosts_the_policy_the_plan_says_so(look):
    """RFC 8461 §8.2: its customer has no web server to repair."""
    hoster = Provider(name="EasyDMARC", role="policy host", evidence="CNAME nordwind_example_mta_sts.easydmarc.pro")
    hosted = diagnose(replace(look("policy-certificate-expired"), providers=(hoster,)))
    assert hosted.causes[0].provider.startswith("EasyDMARC: This service hosts your policy")
    (step,) = (step for step in hosted.plan if step.step == "Fix what was identified")
    assert "At your provider, EasyDMARC: This service hosts your policy" in step.evidence
