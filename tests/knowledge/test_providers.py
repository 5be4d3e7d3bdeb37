"""The one list of providers: the validator and the probe use the same names."""

from __future__ import annotations

import pytest

from mtasts_nb.knowledge import causes, hosted_note, mail_provider, providers
from mtasts_nb.probe import DnsAnswer, DnsAttempt, DnsQuery, HttpAttempt, HttpRequest, HttpResponse, MxHost, PolicyHost
from mtasts_nb.probe._run import recognise
from mtasts_nb.vocabulary import Status


def policy_host(*headers: tuple[str, str], cname: tuple[str, ...] = ()) -> PolicyHost:
    request = HttpRequest(url="", host="mta-sts.nordwind.example", address="192.0.2.80", port=443)
    response = HttpResponse(status_code=200, headers=headers)
    attempt = HttpAttempt(request=request, status=Status.COMPLETED, stage="done", response=response)
    answer = DnsAnswer(rcode="NOERROR", cname_chain=cname)
    query = DnsQuery(name="mta-sts.nordwind.example", type="A")
    asked = DnsAttempt(query=query, status=Status.COMPLETED, answer=answer)
    return PolicyHost(host="mta-sts.nordwind.example", a=asked, aaaa=asked, attempts=(attempt,))


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("nordwind-example.mail.protection.outlook.com", "Microsoft 365"),
        ("nordwind-example.o-v1.mx.microsoft", "Microsoft 365"),
        ("aspmx.l.google.com", "Google Workspace"),
        ("alt4.aspmx.l.google.com", "Google Workspace"),
        ("smtp.google.com", "Google Workspace"),
        ("aspmx2.googlemail.com", "Google Workspace"),
        ("aspmx3.googlemail.com", "Google Workspace"),
        ("nordwind-example.mail.protection.office365.us", "Microsoft 365"),
        ("nordwind-example.mail.protection.partner.outlook.cn", "Microsoft 365"),
        ("in1-smtp.messagingengine.com", "Fastmail"),
        ("mx1.nordwind.example", None),
        ("google.com.nordwind.example", None),
        ("notgoogle.com", None),
    ],
)
def test_an_mx_host(host, name):
    seen = recognise([MxHost(host=host, preference=10)], policy_host())
    assert [(one.name, one.role) for one in seen] == ([(name, "mx")] if name else [])
    known = mail_provider(host)
    assert (known.name if known else None) == name


@pytest.mark.parametrize("one", [one for one in providers() if one.mx], ids=lambda one: f"{one.name} {one.form}")
def test_both_know_every_provider(one):
    for domain in one.mx:
        assert domain == domain.lower().strip(".")
        seen = recognise([MxHost(host=f"mx.{domain}", preference=10)], policy_host())
        assert one.name in [known.name for known in seen]
        assert mail_provider(f"mx.{domain}").name.startswith(one.name)


def test_a_header():
    assert [one.name for one in recognise([], policy_host(("CF-Ray", "8a")))] == ["Cloudflare"]
    assert recognise([], policy_host(("Server", "nginx"))) == ()


def test_two_forms_of_one_provider_are_one():
    hosts = ("a.mail.protection.outlook.com", "a.o-v1.mx.microsoft")
    seen = recognise([MxHost(host=host, preference=10) for host in hosts], policy_host())
    assert [(one.name, one.evidence) for one in seen] == [("Microsoft 365", f"MX {hosts[0]}")]


def test_every_playbook_is_of_a_provider_that_is_recognised():
    names = {one.name for one in providers()} | {one.name.partition(" ")[0] for one in providers()}
    assert {name for text in causes().values() for name in text.providers} <= names


# the end of the CNAME of mta-sts. plus the domain, the service behind it
HOSTERS = [
    ("nordwind_example_mta_sts.easydmarc.pro", "EasyDMARC"),
    ("mta-sts-proxy.dmarctrust.com", "DMARCTrust"),
    ("nordwind.example.mailhardener.com", "Mailhardener"),
    ("nordwind.uriports.com", "URIports"),
    ("nordwind.powerdmarc.com", "PowerDMARC"),
    ("nordwind.ondmarc.com", "Red Sift OnDMARC"),
]


@pytest.mark.parametrize(("cname", "name"), HOSTERS)
def test_a_service_that_hosts_policies(cname, name):
    """RFC 8461 §8.2: its customers change the policy there; they have no web server to repair."""
    seen = recognise([], policy_host(cname=(cname,)))
    assert [(one.name, one.role) for one in seen] == [(name, "policy host")]
    note = causes()["policy-certificate-expired"].at_provider(name, "nordwind.example")
    assert note == hosted_note(name).replace("{domain}", "nordwind.example")
    assert "mta-sts.nordwind.example" in note
    assert causes()["mx-certificate-expired"].at_provider(name) == ""


def test_a_web_host_serves_what_its_customers_put_there():
    assert {one.name for one in providers() if one.hosted} == {name for _, name in HOSTERS}
    assert hosted_note("GitHub Pages") == ""


# provider, cause, words of what is different there
FACTS = [
    ("Cloudflare", "policy-http-forbidden", "Bot Fight Mode cannot be skipped by any rule"),
    ("Cloudflare Workers", "policy-http-forbidden", "cannot be skipped by any rule"),
    ("Cloudflare Workers", "policy-host-unreachable", "100:: leads nowhere by itself"),
    ("Microsoft 365", "mx-not-in-policy", "office365.us"),
    ("Microsoft 365", "mx-not-in-policy", "partner.outlook.cn"),
    ("Microsoft 365", "mx-not-in-policy", "mx.microsoft"),
    ("Google Workspace", "mx-not-in-policy", "aspmx3.googlemail.com"),
]


@pytest.mark.parametrize(("name", "code", "words"), FACTS)
def test_what_is_different_at_a_provider(name, code, words):
    assert words in causes()[code].at_provider(name)


def test_the_placeholder_of_cloudflare_is_known():
    """100::/64 is the discard prefix (RFC 6666)."""
    cause = causes()["policy-host-private-address"]
    assert "100:: (RFC 6666)" in cause.meaning()
    assert "If the address is 100::" in cause.fix()
