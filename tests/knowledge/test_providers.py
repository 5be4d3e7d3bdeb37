"""The one list of providers: the validator and the probe use the same names."""

from __future__ import annotations

import pytest

from mtasts_nb.knowledge import causes, mail_provider, providers
from mtasts_nb.probe import DnsAttempt, DnsQuery, HttpAttempt, HttpRequest, HttpResponse, MxHost, PolicyHost
from mtasts_nb.probe._run import recognise
from mtasts_nb.vocabulary import Status


def policy_host(*headers: tuple[str, str]) -> PolicyHost:
    request = HttpRequest(url="", host="mta-sts.nordwind.example", address="192.0.2.80", port=443)
    response = HttpResponse(status_code=200, headers=headers)
    attempt = HttpAttempt(request=request, status=Status.COMPLETED, stage="done", response=response)
    asked = DnsAttempt(query=DnsQuery(name="mta-sts.nordwind.example", type="A"), status=Status.COMPLETED)
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
