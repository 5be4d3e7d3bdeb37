"""Answers of the DNS as they come in the wild: broken, cut, refused, far too many; none is taken for "there is none"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from mtasts_nb.lab import Lab
from mtasts_nb.probe import Probe, load_probe, probe
from mtasts_nb.probe.wire._dns import MOST_RECORDS, follow, parse, question, read_answer
from mtasts_nb.probe.wire._network import StepError
from mtasts_nb.vocabulary import Status

DOMAIN = "nordwind.example"
RECORD = f"_mta-sts.{DOMAIN}."


def response(*texts: str, kind: str = "TXT", name: str = RECORD) -> tuple[dns.message.Message, dns.message.Message]:
    """A question, and the response to it."""
    asked = question(dns.name.from_text(name), kind, recursive=True, unchecked=False, edns=True)
    answer = dns.message.make_response(asked, recursion_available=True)
    if texts:
        answer.answer.append(dns.rrset.from_text_list(dns.name.from_text(name), 300, "IN", kind, texts))
    return asked, answer


def received(answer: dns.message.Message) -> dns.message.Message:
    """The response as it is read from the wire."""
    return dns.message.from_wire(answer.to_wire(max_size=65535))


class TestReading:
    def test_a_whole_one(self):
        asked, answer = response('"v=STSv1; id=1;"')
        assert parse(answer.to_wire(), asked).answer == answer.answer

    @pytest.mark.parametrize("cut", range(1, 25))
    def test_an_answer_that_breaks_off_is_no_answer_without_records(self, cut):
        """Without TC (RFC 2181 §9) somebody cut it on the way; "no TXT record" would be a verdict without evidence."""
        asked, answer = response('"v=STSv1; id=1;"')
        answer.use_edns(-1)
        with pytest.raises(StepError, match="cannot be read") as caught:
            parse(answer.to_wire()[:-cut], asked)
        assert caught.value.reason == "malformed"

    def test_what_was_cut_by_its_server_is_asked_for_again(self):
        asked, answer = response('"v=STSv1; id=1;"')
        answer.use_edns(-1)
        answer.flags |= dns.flags.TC
        assert parse(answer.to_wire()[:-9], asked).flags & dns.flags.TC

    def test_a_fault_beside_the_answer_costs_nothing(self):
        asked, answer = response('"v=STSv1; id=1;"')
        answer.use_edns(-1)
        answer.additional.append(dns.rrset.from_text("ns.example.", 300, "IN", "AAAA", "2001:db8::1"))
        read = parse(answer.to_wire()[:-3], asked)
        assert follow(read).records[0].text == "v=STSv1; id=1;"

    @pytest.mark.parametrize(
        "forge",
        [
            lambda wire: bytes([wire[0] ^ 1]) + wire[1:],  # another identity
            lambda wire: wire[:2] + bytes([wire[2] & 0x7F]) + wire[3:],  # a question, not a response
            lambda wire: wire.replace(b"\x08_mta-sts", b"\x08_mta-stz"),  # another question
            lambda wire: wire.replace(b"\x00\x10\x00\x01", b"\x00\x01\x00\x01", 1),  # another type
        ],
    )
    def test_what_does_not_belong_to_the_question_is_passed_over(self, forge):
        """RFC 5452 §9.1."""
        asked, answer = response('"v=STSv1; id=1;"')
        assert parse(forge(answer.to_wire()), asked) is None

    def test_a_name_that_does_not_exist_has_no_records_whatever_is_beside(self):
        """RFC 2308 §2.1: the code is about the name; resolver libraries go by it too."""
        asked, answer = response('"v=STSv1; id=1;"')
        answer.set_rcode(dns.rcode.NXDOMAIN)
        section = follow(parse(answer.to_wire(), asked))
        assert section.records == ()
        assert read_answer(answer, section, (), (), "udp").rcode == "NXDOMAIN"

    def test_a_record_is_never_cut(self):
        """RFC 6698 §2.1: a whole certificate in a TLSA record; half of it would match nothing."""
        _, answer = response("3 0 0 " + "ab" * 9000, kind="TLSA", name=f"_25._tcp.mx1.{DOMAIN}.")
        way = follow(received(answer))
        assert way.records[0].text.replace(" ", "") == "300" + "ab" * 9000


class TestTooMany:
    def test_what_is_kept_does_not_depend_on_the_order(self):
        texts = [f'"spam {number:04}"' for number in range(300)]
        _, one = response(*texts, '"v=STSv1; id=1;"')
        _, other = response('"v=STSv1; id=1;"', *reversed(texts))
        ways = [follow(received(answer)) for answer in (one, other)]
        assert ways[0].records == ways[1].records
        assert ways[0].dropped == 301 - MOST_RECORDS
        # The one that counts is among them (RFC 8461 §3.1).
        assert "v=STSv1; id=1;" in [record.text for record in ways[0].records]

    def test_the_best_mx_are_kept(self):
        _, answer = response(*[f"{999 - n} mx{n}.{DOMAIN}." for n in range(200)], kind="MX", name=f"{DOMAIN}.")
        way = follow(received(answer))
        assert [int(record.text.split()[0]) for record in way.records] == list(range(800, 800 + MOST_RECORDS))
        assert read_answer(answer, way, (), (300,), "tcp").records_dropped == 200 - MOST_RECORDS

    def test_it_is_said(self, tmp_path):
        """In the findings, in the snapshot, and after it."""
        with Lab() as lab:
            others = [f'"other {number}"' for number in range(100)]
            lab.world.zone.set("_mta-sts", "TXT", '"v=STSv1; id=20261101;"', *others)
            lab.world.zone.set("@", "MX", *[f"{n} mx{n % 2 + 1}.{DOMAIN}." for n in range(1, 100)])
            lab.world.zone.set("_25._tcp.mx1", "TLSA", *[f"3 1 1 {number:064x}" for number in range(70)])
            seen = probe(DOMAIN, lab.settings)
        assert seen.record.id == "20261101"
        assert seen.sts.answer.records_dropped == 101 - MOST_RECORDS
        (found,) = (one for one in seen.findings if one.code == "probe-limit-reached")
        for words in (f"_mta-sts.{DOMAIN}: 37 more TXT records", "35 more MX hosts", "6 more TLSA records"):
            assert words in found.evidence
        assert load_probe(seen.save(tmp_path / "probe.json")).limits_hit == seen.limits_hit

    def test_a_tlsa_record_that_was_not_kept_may_be_the_one_that_matches(self, look):
        seen = look("dane-mismatch")
        assert "tlsa-mismatch" in seen.findings.codes
        hosts = tuple(
            replace(mx, tlsa=replace(mx.tlsa, answer=replace(mx.tlsa.answer, records_dropped=1)))
            for mx in seen.mx_hosts
        )
        assert "tlsa-mismatch" not in replace(seen, mx_hosts=hosts).findings.codes


def test_a_host_named_twice_is_tried_at_its_better_preference():
    with Lab() as lab:
        lab.world.zone.set("@", "MX", f"10 mx1.{DOMAIN}.", f"20 mx2.{DOMAIN}.", f"30 mx1.{DOMAIN}.")
        seen = probe(DOMAIN, lab.settings)
    assert [(mx.preference, mx.host) for mx in seen.mx_hosts] == [(10, f"mx1.{DOMAIN}"), (20, f"mx2.{DOMAIN}")]


@contextmanager
def resolver_that(change: Callable[[bytes, bytes | None], bytes | None]) -> Iterator[Lab]:
    """A lab whose resolver's answers are changed on the way."""
    with Lab(timeout=1.5) as lab:
        yield lab_with(lab, change)


def lab_with(lab: Lab, change: Callable[[bytes, bytes | None], bytes | None]) -> Lab:
    from mtasts_nb.lab import _dns

    original = _dns.NameServer.answer

    def answer(self, wire, *, stream):
        given = original(self, wire, stream=stream)
        return change(wire, given) if self.address == lab.settings.nameservers[0] else given

    _dns.NameServer.answer = answer
    lab._stack.callback(setattr, _dns.NameServer, "answer", original)
    return lab


def without_edns(wire: bytes, given: bytes | None) -> bytes | None:
    asked = dns.message.from_wire(wire)
    if asked.edns < 0:
        return given
    refusal = dns.message.make_response(asked)
    refusal.use_edns(-1)
    refusal.set_rcode(dns.rcode.FORMERR)
    return refusal.to_wire()


def refusing(wire: bytes, given: bytes | None) -> bytes:
    refusal = dns.message.make_response(dns.message.from_wire(wire), recursion_available=True)
    refusal.set_rcode(dns.rcode.REFUSED)
    return refusal.to_wire()


def referring(wire: bytes, given: bytes | None) -> bytes:
    referral = dns.message.make_response(dns.message.from_wire(wire))
    referral.authority.append(dns.rrset.from_text("example.", 300, "IN", "NS", "ns1.example."))
    return referral.to_wire()


def test_a_resolver_from_before_edns_is_asked_without_it():
    """RFC 6891 §7: FORMERR to a question with EDNS is no word on the domain."""
    with resolver_that(without_edns) as lab:
        assert probe(DOMAIN, lab.settings).findings.codes == ()


@pytest.mark.parametrize("change", [refusing, referring])
def test_a_resolver_that_does_not_serve_us_gives_no_verdict(change):
    """Not ours to ask, or an authoritative server given with --resolver: the domain may be in perfect order."""
    with resolver_that(change) as lab:
        seen: Probe = probe(DOMAIN, lab.settings)
    assert seen.findings.codes == ("resolver-unreachable",)
    assert {one.status for one in (seen.sts, seen.mx, seen.tlsrpt, seen.policy_host.a)} == {Status.NOT_OBSERVED}
    assert "[FAULT]" not in str(seen)
