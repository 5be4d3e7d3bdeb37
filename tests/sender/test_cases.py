"""Cases by section: cache and policy id, DANE beside MTA-STS, what was not observed, the message's fate."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import mtasts_nb as sts
from mtasts_nb.errors import PolicyError
from mtasts_nb.lab import Lab
from mtasts_nb.policy import Policy
from mtasts_nb.probe import DnsAnswer, DnsAttempt, DnsQuery, DnsRecord, probe
from mtasts_nb.sender import COLUMNS, Delivery, simulate
from mtasts_nb.vocabulary import Mode, PolicyType, ResultType, Status

DOMAIN = "nordwind.example"
OLD = Policy(mode=Mode.ENFORCE, max_age=604800, mx=("old.nordwind.example",))
SAME = Policy(mode=Mode.ENFORCE, max_age=604800, mx=("*.nordwind.example",))
FETCH, INVALID = ResultType.STS_POLICY_FETCH_ERROR, ResultType.STS_POLICY_INVALID
ID = "20260208120000"


def each_host(seen, change):
    return replace(seen, mx_hosts=tuple(change(mx) for mx in seen.mx_hosts))


def each_attempt(seen, change, *hosts):
    return each_host(
        seen,
        lambda mx: (
            replace(mx, attempts=tuple(change(a) for a in mx.attempts))
            if not hosts or mx.host.partition(".")[0] in hosts
            else mx
        ),
    )


def not_observed(attempt):
    return replace(attempt, status=Status.NOT_OBSERVED, stage="connect", reason="no-way-out", tls=None)


def refused(attempt):
    return replace(attempt, status=Status.FAILED, stage="connect", reason="refused", tls=None, tlsa=())


def insecure(attempt):
    return replace(attempt, answer=replace(attempt.answer, authenticated=False))


def of_type(outcomes, kind):
    return [row for row in outcomes.rows if row.policy_type is kind]


# ---- RFC 8461 §3.3, §5.1: the cache


@pytest.mark.parametrize(
    ("fault", "result"),
    [("policy-http-404", FETCH), ("policy-host-refused", FETCH), ("policy-file-mode-missing", INVALID),
     ("policy-certificate-expired", ResultType.STS_WEBPKI_INVALID)],
)  # fmt: skip
@pytest.mark.parametrize("cached_id", [None, "anotherid"])
def test_a_failing_fetch_leaves_the_cached_policy_in_force(fault, result, cached_id, look):
    without = simulate(look(fault))
    assert (without.delivery, without.result_types) == (Delivery.WITHOUT_STS, (result,))
    kept = simulate(look(fault), cached_policy=SAME, cached_id=cached_id)
    assert (kept.delivery, kept.result_types, kept.policy_source) == (Delivery.DELIVERED, (result,), "cached")
    assert kept.policy_why.startswith("Policy fetch failed")
    old = simulate(look(fault), cached_policy=OLD, cached_id=cached_id)
    assert old.delivery is Delivery.DEFERRED
    assert old.result_types == (result, ResultType.VALIDATION_FAILURE)


def test_under_the_same_id_nothing_is_fetched_and_no_failure_noticed(look):
    """RFC 8461 §3.1: a sender fetches the policy anew when the id changes."""
    outcomes = simulate(look("policy-http-404"), cached_policy=SAME, cached_id=ID)
    assert (outcomes.delivery, outcomes.result_types, outcomes.policy_source) == (Delivery.DELIVERED, (), "cached")


def test_a_policy_changed_under_the_same_id_does_not_reach_a_sender_that_has_the_old_one():
    with Lab("policy-changed-same-id") as lab:
        lab.advance()
        seen = probe(DOMAIN, lab.settings)
    assert simulate(seen).mode is Mode.TESTING
    assert simulate(seen, cached_policy=OLD, cached_id=ID).mode is Mode.ENFORCE
    assert simulate(seen, cached_policy=OLD, cached_id=ID).delivery is Delivery.DEFERRED
    assert simulate(seen, cached_policy=OLD, cached_id="20260101000000").mode is Mode.TESTING


def test_a_sender_that_does_not_look_goes_by_its_cache_be_the_live_policy_good_or_not(healthy):
    outcomes = simulate(healthy, cached_policy=OLD.to_text())
    assert outcomes.delivery is Delivery.DEFERRED
    assert outcomes.policy == OLD
    assert "cache" in outcomes.what_if or "holds" in outcomes.what_if
    assert of_type(outcomes, PolicyType.STS)[0].failure_reason_code == "mx-mismatch"


@pytest.mark.parametrize("fault", ["record-missing", "record-two", "record-servfail", "record-id-missing"])
def test_a_record_that_is_gone_leaves_the_cached_policy_in_force(fault, look):
    """RFC 8461 §3.1: a missing record is no removal; only mode none is (§8.3)."""
    outcomes = simulate(look(fault), cached_policy=OLD)
    assert (outcomes.delivery, outcomes.policy_source) == (Delivery.DEFERRED, "cached")
    assert simulate(look(fault), cached_policy=OLD, cached_id=ID).delivery is Delivery.DEFERRED


def test_a_policy_of_max_age_0_is_out_of_date_as_soon_as_it_is_had(look):
    outcomes = simulate(look("policy-http-404"), cached_policy=replace(OLD, max_age=0))
    assert (outcomes.delivery, outcomes.policy_source) == (Delivery.WITHOUT_STS, "none")


def test_a_cached_policy_in_mode_none_protects_nothing(healthy):
    outcomes = simulate(healthy, cached_policy=Policy(mode=Mode.NONE, max_age=86400))
    assert (outcomes.delivery, outcomes.failures) == (Delivery.WITHOUT_STS, ())


def test_cache_and_mode_together(healthy):
    outcomes = simulate(healthy, mode="testing", cached_policy=OLD)
    assert outcomes.delivery is Delivery.WITHOUT_STS
    assert set(outcomes.result_types) == {ResultType.VALIDATION_FAILURE}


@pytest.mark.parametrize("mode", ["enforce", "testing", "none"])
def test_without_a_policy_there_is_no_mode_to_change(mode, look):
    outcomes = simulate(look("record-missing"), mode=mode)
    assert (outcomes.mode, outcomes.delivery, outcomes.failures) == (None, Delivery.WITHOUT_STS, ())
    assert {row.policy_type for row in outcomes.rows} == {PolicyType.NO_POLICY_FOUND}


# ---- RFC 8461 §2, RFC 7672: DANE


def without_match(attempt):
    return replace(
        attempt, tlsa=tuple(replace(match, matches=False, detail="presented: another") for match in attempt.tlsa)
    )


@pytest.mark.parametrize("mode", ["enforce", "testing", "none"])
def test_mta_sts_never_overrides_a_failing_dane_check(mode, dane):
    outcomes = simulate(each_attempt(dane, without_match), mode=mode)
    assert outcomes.delivery is Delivery.DEFERRED
    assert outcomes.result_types == (ResultType.TLSA_INVALID,)
    assert all(row.policy_type is PolicyType.TLSA for row in outcomes.failures)
    assert not any(row.delivery.accepted for row in outcomes.rows if row.mx)


def test_a_session_under_both_policies_has_a_row_under_each(dane):
    rows = [row for row in simulate(dane).rows if row.mx]
    assert len(rows) == 8
    assert {row.policy_type for row in rows} == {PolicyType.TLSA, PolicyType.STS}


@pytest.mark.parametrize("what", ["mx", "addresses", "tlsa"])
def test_tlsa_counts_only_where_every_answer_is_secure(what, dane):
    """RFC 7672 §2.2: the same mismatch means nothing where one of the answers is not validated."""
    seen = each_attempt(dane, without_match)
    if what == "mx":
        seen = replace(seen, mx=insecure(seen.mx))
    elif what == "addresses":
        seen = each_host(seen, lambda mx: replace(mx, a=insecure(mx.a)))
    else:
        seen = each_host(seen, lambda mx: replace(mx, tlsa=insecure(mx.tlsa)))
    outcomes = simulate(seen)
    assert (outcomes.delivery, outcomes.failures) == (Delivery.DELIVERED, ())
    assert all("ignored" in row.why for row in outcomes.rows if row.mx)
    others = {other.profile for other in outcomes.differences if other.delivery is Delivery.DEFERRED}
    assert others == ({"postfix", "postfix-tlspol"} if what == "mx" else set())  # RFC 7672 §2.2.1 allows it


def without_starttls(attempt):
    return replace(attempt, status=Status.FAILED, stage="starttls", reason="starttls-missing", starttls_offered=False,
                   tls=None, tlsa=())  # fmt: skip


@pytest.mark.parametrize("records", ["usable", "unusable"])
@pytest.mark.parametrize("mode", ["enforce", "testing", "none"])
def test_secure_tlsa_records_require_starttls_in_every_mode(mode, records, dane):
    """RFC 7672 §2.2: also where none of them is usable, TLS is."""
    seen = each_attempt(dane, without_starttls)
    if records == "unusable":
        seen = each_host(seen, lambda mx: replace(mx, tlsa=of_usage(mx.tlsa, 1)))
    outcomes = simulate(seen, mode=mode)
    assert outcomes.delivery is Delivery.DEFERRED
    assert set(outcomes.result_types) == {ResultType.STARTTLS_NOT_SUPPORTED}


def of_usage(attempt, usage):
    records = tuple(replace(record, text=f"{usage}{record.text[1:]}") for record in attempt.answer.records)
    return replace(attempt, answer=replace(attempt.answer, records=records))


def expired(attempt):
    validation = attempt.tls.validation
    leaf = replace(attempt.tls.chain[0], not_after=attempt.tls.chain[0].not_before)
    tls = replace(attempt.tls, chain=(leaf, *attempt.tls.chain[1:]), validation=replace(validation, days_left=-3.0))
    return replace(attempt, tls=tls)


@pytest.mark.parametrize(("usage", "result"), [(3, None), (2, ResultType.CERTIFICATE_EXPIRED)])
def test_dates_count_for_a_trust_anchor_and_not_for_the_host_s_own_key(usage, result, dane):
    """RFC 7672 §3.1.1, §3.1.2."""

    def change(attempt):
        attempt = expired(attempt)
        return replace(attempt, tlsa=tuple(replace(m, record=f"{usage}{m.record[1:]}") for m in attempt.tlsa))

    outcomes = simulate(each_attempt(dane, change), mode="none")
    assert outcomes.result_types == (() if result is None else (result,))
    assert outcomes.delivery is (Delivery.DELIVERED if result is None else Delivery.DEFERRED)


def test_a_matching_tlsa_record_does_not_lift_what_enforce_forbids(dane):
    outcomes = simulate(dane, cached_policy=OLD)
    assert outcomes.delivery is Delivery.DEFERRED
    assert all(row.policy_type is PolicyType.STS for row in outcomes.failures)
    assert simulate(dane, cached_policy=OLD, mode="testing").delivery is Delivery.DELIVERED  # authenticated by DANE


def failed_lookup(attempt):
    return replace(attempt, status=Status.FAILED, reason="servfail", detail="the server answered SERVFAIL", answer=None)


def test_tlsa_that_cannot_be_had_from_a_signed_zone_closes_the_host(dane):
    outcomes = simulate(each_host(dane, lambda mx: replace(mx, tlsa=failed_lookup(mx.tlsa))), mode="none")
    assert (outcomes.delivery, outcomes.result_types) == (Delivery.DEFERRED, (ResultType.DNSSEC_INVALID,))


def test_tlsa_that_cannot_be_had_from_an_unsigned_zone_is_not_even_asked_for(healthy):
    known = replace(healthy.mx, answer=replace(healthy.mx.answer, authenticated=True))
    seen = each_host(healthy, lambda mx: replace(mx, tlsa=failed_lookup(mx.tlsa)))
    outcomes = simulate(replace(seen, signed_name=known))
    assert (outcomes.delivery, outcomes.failures) == (Delivery.DELIVERED, ())
    # A resolver that does not validate does not know whether the zone is signed.
    assert simulate(seen).delivery is Delivery.UNKNOWN


# ---- What was not observed


def unasked(attempt):
    return replace(attempt, status=Status.NOT_OBSERVED, reason="deadline", detail="out of time", answer=None)


def test_what_was_not_observed_is_unknown_and_nothing_is_reported(healthy, dane):
    cases = [
        each_attempt(healthy, not_observed),
        replace(healthy, sts=unasked(healthy.sts)),
        replace(healthy, mx=unasked(healthy.mx), mx_hosts=()),
        each_host(healthy, lambda mx: replace(mx, a=unasked(mx.a), aaaa=unasked(mx.aaaa), attempts=())),
        each_host(healthy, lambda mx: replace(mx, attempts=())),
        each_host(healthy, lambda mx: replace(mx, problem="limit", a=None, aaaa=None, attempts=())),
        each_host(dane, lambda mx: replace(mx, tlsa=unasked(mx.tlsa))),
        replace(
            healthy,
            policy_host=replace(healthy.policy_host, attempts=tuple(map(not_observed, healthy.policy_host.attempts))),
        ),
    ]
    for seen in cases:
        outcomes = simulate(seen)
        assert outcomes.delivery is Delivery.UNKNOWN
        assert outcomes.failures == ()
        assert str(outcomes)
        assert outcomes._repr_html_()


def test_an_unobserved_record_does_not_hide_what_an_uncached_look_would_find_of_the_policy_host(healthy):
    seen = replace(healthy, sts=unasked(healthy.sts))
    assert simulate(seen, cached_policy=SAME).delivery is Delivery.DELIVERED  # goes by its cache
    assert simulate(seen, cached_policy=SAME, cached_id=ID).delivery is Delivery.UNKNOWN  # would have looked


def test_a_host_that_is_not_in_the_policy_is_not_connected_to_so_that_nobody_need_have_looked(healthy):
    outcomes = simulate(each_attempt(healthy, not_observed), cached_policy=OLD)
    assert outcomes.delivery is Delivery.DEFERRED


def test_one_family_that_could_not_be_looked_at_does_not_hide_the_other(healthy):
    def change(attempt):
        return not_observed(attempt) if ":" in attempt.request.address else attempt

    seen = each_attempt(healthy, change)
    place = replace(seen.policy_host, attempts=tuple(change(attempt) for attempt in seen.policy_host.attempts))
    outcomes = simulate(replace(seen, policy_host=place))
    assert (outcomes.delivery, outcomes.policy_source) == (Delivery.DELIVERED, "live")
    assert {row.delivery for row in outcomes.rows if ":" in row.address} == {Delivery.UNKNOWN}


# ---- RFC 5321 §5.1, §8.4: the message's fate


@pytest.mark.parametrize(
    ("first", "second", "fate"),
    [
        (None, without_starttls, "delivered"),
        (without_starttls, None, "delivered"),
        (refused, None, "delivered"),
        (not_observed, None, "delivered"),
        (refused, without_starttls, "deferred"),
        (not_observed, without_starttls, "unknown"),
        (without_starttls, not_observed, "unknown"),
        (refused, refused, "deferred"),
    ],
)
def test_every_host_is_tried_in_order_of_preference(first, second, fate, healthy):
    seen = healthy
    for host, change in (("mx1", first), ("mx2", second)):
        seen = each_attempt(seen, change, host) if change else seen
    assert simulate(seen).delivery == fate


def test_a_refused_connection_is_no_failure_of_tls(healthy):
    outcomes = simulate(each_attempt(healthy, refused))
    assert (outcomes.delivery, outcomes.failures) == (Delivery.DEFERRED, ())


def no_such_domain(seen):
    query = DnsQuery(name=DOMAIN, type="MX")
    answer = DnsAnswer(rcode="NXDOMAIN")
    return DnsAttempt(query=query, status=Status.COMPLETED, detail="no such name", answer=answer)


def test_a_domain_that_does_not_exist_bounces(healthy):
    outcomes = simulate(replace(healthy, mx=no_such_domain(healthy), mx_hosts=()))
    assert outcomes.delivery is Delivery.BOUNCED
    assert [row.mx for row in outcomes.rows if row.mx] == [DOMAIN]


def test_a_null_mx_bounces_and_one_among_others_is_passed_over(look):
    assert simulate(look("mx-null")).delivery is Delivery.BOUNCED
    assert simulate(look("mx-null-mixed")).delivery is Delivery.DELIVERED


def test_an_address_lookup_that_fails_is_temporary_and_no_address_is_not(healthy):
    nothing = DnsAnswer(rcode="NOERROR")
    failing = each_host(
        healthy, lambda mx: replace(mx, a=failed_lookup(mx.a), aaaa=failed_lookup(mx.aaaa), attempts=())
    )
    empty = each_host(
        healthy,
        lambda mx: replace(mx, a=replace(mx.a, answer=nothing), aaaa=replace(mx.aaaa, answer=nothing), attempts=()),
    )
    assert simulate(failing).delivery is Delivery.DEFERRED
    assert simulate(empty).delivery is Delivery.BOUNCED


def test_a_5xx_greeting_and_a_4xx_greeting_send_the_sender_on(look):
    for fault in ("mx-greeting-554", "mx-greeting-421"):
        outcomes = simulate(look(fault))
        assert (outcomes.delivery, outcomes.failures) == (Delivery.DEFERRED, ())
    bounced = {other.profile for other in simulate(look("mx-greeting-554")).differences}
    assert bounced == {"exim"}
    assert simulate(look("mx-greeting-421")).differences == ()


# ---- Outcomes


def test_the_frame_has_the_columns_of_the_contract(look):
    frame = simulate(look("mx-no-starttls")).to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["result_type"].isna().sum() == 1  # the policy host
    assert set(frame.loc[frame["mx"] != "", "delivery"]) == {"deferred"}


@pytest.mark.parametrize("fault", ["mx-certificate-expired", "policy-http-404", "dane-mismatch", "record-missing"])
def test_the_report_is_one_that_the_kit_reads(fault, look):
    outcomes = simulate(look(fault))
    archive = sts.load(json.dumps(outcomes.report()).encode(), progress=False)
    assert list(archive.inputs["outcome"]) == ["loaded"]
    assert len(archive.deviations) == 0
    assert set(archive.failures["result_type"]) == set(outcomes.result_types)
    assert archive.failures["failed_session_count"].sum() == len(outcomes.failures)


def test_what_strangers_wrote_is_shown_as_text(healthy):
    evil = '"><script>alert(1)</script>\x1b[31m\u202e'
    record = DnsRecord(name="x", type="TXT", ttl=1, text=f"v=STSv1; id={evil};")
    seen = replace(healthy, sts=replace(healthy.sts, answer=replace(healthy.sts.answer, records=(record,))))
    seen = each_host(seen, lambda mx: replace(mx, host=evil))
    seen = each_attempt(seen, lambda a: replace(refused(a), detail=evil))
    for outcomes in (simulate(seen), simulate(seen, cached_policy=OLD)):
        assert "<script" not in outcomes._repr_html_()
        assert not {"\x1b", "\u202e"} & set(str(outcomes) + outcomes._repr_html_())


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"mode": "enforced"}, ValueError), ({"cached_id": "1"}, ValueError), ({"cached_policy": "hello"}, PolicyError)],
)
def test_wrong_questions_are_refused_in_words(arguments, error, healthy):
    with pytest.raises(error, match=r"RFC 8461|cached_policy"):
        simulate(healthy, **arguments)


def test_the_facade_has_it(healthy):
    assert sts.simulate(healthy) == simulate(healthy)
    assert isinstance(sts.simulate(healthy), sts.Outcomes)
