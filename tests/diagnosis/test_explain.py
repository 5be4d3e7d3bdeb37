"""`explain`: texts as mail servers write them lead to the cause; other texts lead nowhere."""

from __future__ import annotations

import base64
import io
import json
import quopri
import time

import pytest

import mtasts_nb as sts
from mtasts_nb.cli import main
from mtasts_nb.diagnosis import Answer, TextExplanation, explain
from mtasts_nb.knowledge import causes, finding_texts
from mtasts_nb.render import document as document_of
from mtasts_nb.render import to_html, to_text
from mtasts_nb.vocabulary import ResultType

POSTFIX = (
    "Nov 24 09:12:01 out postfix/smtp[4711]: 4XyZ1k2: to=<anna@nordwind.example>, "
    "relay=mx1.nordwind.example[192.0.2.25]:25, delay=3.1, dsn={dsn}, status={status} ({text})"
)
NO_RELAY = "Nov 24 09:12:01 out postfix/smtp[4711]: 4XyZ1k2: to=<anna@nordwind.example>, relay=none, dsn={dsn}, status={status} ({text})"
EXIM = "2026-11-24 09:12:01 1tBcD-000001-Aa {mark} anna@nordwind.example R=dnslookup T=remote_smtp H=mx1.nordwind.example [192.0.2.25]: {text}"
KUMO = '{{"type":"TransientFailure","recipient":"anna@nordwind.example","response":{{"code":400,"content":"{text}"}}}}'
NDR = """Delivery has failed to these recipients or groups:

anna@nordwind.example
Remote server returned '{text}'

Original-recipient: rfc822;anna@nordwind.example
Final-recipient: rfc822;anna@nordwind.example
Action: failed
Status: 5.7.5
"""


def postfix(text: str, dsn: str = "4.7.5", status: str = "deferred") -> str:
    return POSTFIX.format(text=text, dsn=dsn, status=status)


TEXTS = [
    # Exchange Online
    ("450 4.4.8 MX hosts of 'nordwind.example' failed MTA-STS validation.", "mx-not-in-policy", "high", "deferred"),
    (NDR.format(text="550 5.4.8 MX hosts of 'nordwind.example' failed MTA-STS validation."), "mx-not-in-policy", "high", "bounced"),
    ("450 4.7.5 Remote certificate failed MTA-STS validation. Reason: SubjectMismatch", "mx-certificate-name", "high", "deferred"),
    (NDR.format(text="550 5.7.5 Remote certificate failed MTA-STS validation. Reason: UntrustedRoot"), "mx-certificate-untrusted", "high", "bounced"),
    ("550 5.7.5 Remote certificate failed MTA-STS validation.", "mx-certificate-name", "medium", "bounced"),
    ("5.7.5", "mx-certificate-name", "medium", "bounced"),
    ("450 4.7.321 starttls-not-supported: Destination mail server must support TLS to receive mail.", "mx-starttls-missing", "medium", "deferred"),
    ("5.7.322", "mx-certificate-expired", "high", "bounced"),
    ("450 4.7.322 certificate-expired: Destination mail server's certificate is expired.", "mx-certificate-expired", "high", "deferred"),
    ("550 5.7.323 tlsa-invalid: The domain failed DANE validation", "dane-tlsa-mismatch", "medium", "bounced"),
    ("4.7.324", "dane-dnssec-broken", "medium", "deferred"),
    ("550 5.7.324 dnssec-invalid: Destination domain returned invalid DNSSEC records", "dane-dnssec-broken", "medium", "bounced"),
    ("550 5.7.325 certificate-host-mismatch: Remote certificate MUST have a common name or subject alternative name matching the hostname (DANE)", "mx-certificate-name", "high", "bounced"),
    ("450 4.4.316 Connection refused [Message=Socket error code 10061]", "mx-unreachable", "high", "deferred"),
    ("450 4.4.317 Cannot connect to remote server [Message=451 5.7.3 STARTTLS is required to send mail]", "mx-starttls-missing", "high", "bounced"),
    # Postfix
    (postfix("Server certificate not trusted"), "mx-certificate-chain-incomplete", "medium", "deferred"),
    (postfix("Server certificate not verified"), "mx-certificate-name", "medium", "deferred"),
    (postfix("Cannot start TLS: handshake failure"), "mx-tls-handshake-fails", "medium", "deferred"),
    (postfix("TLS is required, but was not offered by host mx1.nordwind.example[192.0.2.25]", "4.7.4"), "mx-starttls-missing", "high", "deferred"),
    (postfix("TLS is required, but host mx1.nordwind.example[192.0.2.25] refused to start TLS: 454 4.7.0 TLS not available due to local problem", "4.7.0"), "mx-starttls-refused", "high", "deferred"),
    (postfix("TLS is required, but our TLS engine is unavailable"), "sender-path", "high", "deferred"),
    (postfix("TLSA lookup error for mx1.nordwind.example:25"), "dane-dnssec-broken", "high", "deferred"),
    (postfix("connect to mx1.nordwind.example[192.0.2.25]:25: Connection timed out", "4.4.1"), "mx-unreachable", "high", "deferred"),
    (postfix("connect to mx1.nordwind.example[2001:db8::25]:25: Network is unreachable", "4.4.1"), "mx-unreachable", "high", "deferred"),
    (postfix("host mx1.nordwind.example[192.0.2.25] refused to talk to me: 554 5.7.1 Service unavailable", "4.0.0"), "mx-greeting-refused", "high", "deferred"),
    (postfix("lost connection with mx1.nordwind.example[192.0.2.25] while receiving the initial server greeting", "4.4.2"), "mx-smtp-broken", "high", "deferred"),
    (NO_RELAY.format(dsn="5.4.4", status="bounced", text="Host or domain name not found. Name service error for name=nordwind.example type=MX: Host not found"), "domain-not-found", "medium", "bounced"),
    (NO_RELAY.format(dsn="4.4.3", status="deferred", text="Host or domain name not found. Name service error for name=nordwind.example type=MX: Host not found, try again"), "mx-lookup-fails", "medium", "deferred"),
    (NO_RELAY.format(dsn="5.4.4", status="bounced", text="Name service error for name=mx1.nordwind.example type=A: Host found but no data record of requested type"), "mx-no-address", "high", "bounced"),
    (NO_RELAY.format(dsn="5.1.0", status="bounced", text="Domain nordwind.example does not accept mail (nullMX)"), "mx-null", "high", "bounced"),
    ("postfix/smtp[1]: certificate verification failed for mx1.nordwind.example[192.0.2.25]:25: untrusted issuer /C=XX/O=Nordwind/CN=Nordwind CA", "mx-certificate-chain-incomplete", "medium", "unknown"),
    ("postfix/smtp[1]: mx1.nordwind.example[192.0.2.25]:25: certificate verification failed: num=10:certificate has expired", "mx-certificate-expired", "high", "unknown"),
    ("postfix/smtp[1]: certificate verification failed for mx1.nordwind.example[192.0.2.25]:25: self-signed certificate", "mx-certificate-untrusted", "high", "unknown"),
    # Exim
    (EXIM.format(mark="==", text="a TLS session is required, but the server did not offer TLS support"), "mx-starttls-missing", "high", "deferred"),
    (EXIM.format(mark="==", text="a TLS session is required, but an attempt to start TLS failed"), "mx-starttls-missing", "medium", "deferred"),
    ('[192.0.2.25] SSL verify error: certificate name mismatch: DN="/CN=mail.suedwind.example" H="mx1.nordwind.example"', "mx-certificate-name", "high", "unknown"),
    ("[192.0.2.25] SSL verify error: depth=0 error=certificate has expired cert=/CN=mx1.nordwind.example (starttls)", "mx-certificate-expired", "high", "unknown"),
    (EXIM.format(mark="==", text="DANE error: tlsa lookup DEFER"), "dane-dnssec-broken", "high", "deferred"),
    ("2026-11-24 09:12:01 1tBcD-000001-Aa TLS error on connection to mx1.nordwind.example [192.0.2.25] (SSL_connect): error:0A000102:SSL routines::unsupported protocol", "mx-tls-version", "high", "unknown"),
    (EXIM.format(mark="==", text="failure while setting up TLS session"), "mx-starttls-missing", "medium", "deferred"),
    # KumoMTA
    (KUMO.format(text="tls policy is Required but STARTTLS is not advertised by ResolvedAddress { name: mx1.nordwind.example }:25"), "mx-starttls-missing", "high", "unknown"),
    (KUMO.format(text="TLS handshake with ResolvedAddress { name: mx1.nordwind.example }:25 failed: invalid peer certificate: NotValidForName"), "mx-certificate-name", "high", "unknown"),
    (KUMO.format(text="TLS handshake with ResolvedAddress { name: mx1.nordwind.example }:25 failed: invalid peer certificate: UnknownIssuer"), "mx-certificate-chain-incomplete", "medium", "unknown"),
    ("DANE TLSA lookup for mx1.nordwind.example could not be securely resolved: bogus", "dane-dnssec-broken", "high", "unknown"),
    (KUMO.format(text="MTA-STS policy for nordwind.example is set to enforce but the current MX candidate mx9.nordwind.example does not match the list of allowed hosts. MtaStsPolicy"), "mx-not-in-policy", "high", "unknown"),
    # mox
    ("mx host mx9.nordwind.example does not match enforced mta-sts policy with hosts mx1.nordwind.example", "mx-not-in-policy", "high", "unknown"),
    ("tls error: STARTTLS TLS handshake: tls: failed to verify certificate: x509: certificate is valid for www.nordwind.example, not mx1.nordwind.example", "mx-certificate-name", "high", "unknown"),
    ("smtp-starttls-reply-code-454", "mx-starttls-refused", "high", "unknown"),
    ("all-unusable-records+ignored", "dane-unusable", "high", "unknown"),
    ("extended-dns-error-7-Signature-Expired", "dane-dnssec-broken", "medium", "unknown"),
    # Gmail
    ("The response was: TLS Negotiation failed, the certificate doesn't match the host.", "mx-certificate-name", "medium", "unknown"),
    # result types (RFC 8460 §4.3), and reason codes
    ("certificate-host-mismatch", "mx-certificate-name", "high", "unknown"),
    ("certificate-not-trusted", "mx-certificate-chain-incomplete", "medium", "unknown"),
    ("STS_WEBPKI_INVALID", "policy-certificate-expired", "medium", "unknown"),
    ("sts-policy-invalid", "policy-file-fields", "medium", "unknown"),
    ("dane-required", "dane-required", "high", "unknown"),
    ("validation-failure", "mx-not-in-policy", "medium", "unknown"),
    ('"result-type": "sts-policy-fetch-error", "failure-reason-code": "http: 302 redirect not allowed"', "policy-http-redirect", "high", "unknown"),
    ('"result-type": "sts-webpki-invalid", "failure-reason-code": "x509: certificate signed by unknown authority"', "policy-certificate-chain-incomplete", "medium", "unknown"),
    ("MX_HOSTS_MISMATCH", "mx-not-in-policy", "high", "unknown"),
    ("mtasts-policy-mx-mismatch", "mx-not-in-policy", "high", "unknown"),
    ("X509_V_ERR_DANE_NO_MATCH", "dane-tlsa-mismatch", "high", "unknown"),
    ("250-XXXXXXXA", "mx-starttls-stripped", "high", "unknown"),
    ("bad https response code: 404", "policy-http-not-found", "high", "unknown"),
    ("no-policy-found", "record-missing", "medium", "unknown"),
    # the policy host
    ("Get \"https://mta-sts.nordwind.example/.well-known/mta-sts.txt\": tls: failed to verify certificate: x509: certificate is valid for www.nordwind.example, not mta-sts.nordwind.example", "policy-certificate-name", "high", "unknown"),
    ("Get \"https://mta-sts.nordwind.example/.well-known/mta-sts.txt\": dial tcp: lookup mta-sts.nordwind.example on 192.0.2.53:53: no such host", "policy-host-no-address", "high", "unknown"),
    ("fetching mta-sts.nordwind.example/.well-known/mta-sts.txt: connect: connection refused", "policy-host-unreachable", "high", "unknown"),
    ("curl: (60) SSL certificate problem: certificate has expired https://mta-sts.nordwind.example/", "policy-certificate-expired", "high", "unknown"),
    ("curl: (60) SSL: no alternative certificate subject name matches target host name 'mta-sts.nordwind.example'", "policy-certificate-name", "high", "unknown"),
    ("curl: (22) The requested URL returned error: 404", "policy-http-not-found", "high", "unknown"),
    ("curl: (28) Operation timed out after 60000 milliseconds", "policy-response-incomplete", "medium", "unknown"),
    ("policy host mta-sts.nordwind.example: 503 Service Unavailable", "policy-http-error", "high", "unknown"),
    ("javax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid certification path to requested target, host mta-sts.nordwind.example", "policy-certificate-chain-incomplete", "medium", "unknown"),
    # either side
    ("x509: certificate has expired or is not yet valid: current time 2026-11-24T09:00:00Z is after 2026-11-20T00:00:00Z", "mx-certificate-expired", "medium", "unknown"),
    ("The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch", "mx-certificate-name", "medium", "unknown"),
    ("The certificate is NOT trusted. The certificate chain uses expired certificate.", "mx-certificate-expired", "medium", "unknown"),
    ("error:1416F086:SSL routines:tls_process_server_certificate:certificate verify failed", "mx-certificate-chain-incomplete", "medium", "unknown"),
    # codes of the kit
    ("mx-certificate-expired", "mx-certificate-expired", "high", "unknown"),
    (" `POLICY_HTTP_REDIRECT`. ", "policy-http-redirect", "high", "unknown"),
    ("tlsa-mismatch", "dane-tlsa-mismatch", "high", "unknown"),
]  # fmt: skip

UNRELATED = [
    "hello world",
    "The printer is out of paper",
    "550 5.1.1 <anna@nordwind.example>: Recipient address rejected: User unknown in virtual mailbox table",
    "452 4.2.2 The recipient's inbox is out of storage space",
    "550 5.7.26 This mail has been blocked because the sender is unauthenticated",
    "550-5.7.1 Service unavailable, client host [192.0.2.7] blocked using a blocklist",
    "451 4.7.1 Greylisting in action, please come back later",
    "552 5.3.4 Message size exceeds fixed maximum message size",
    "postfix/smtpd[9]: disconnect from unknown[192.0.2.7] ehlo=1 quit=1 commands=2",
    "Trusted TLS connection established to mx1.nordwind.example[192.0.2.25]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384",
    "Verified TLS connection established to mx1.nordwind.example[192.0.2.25]:25",
    "sshd[12]: Connection reset by 192.0.2.9 port 51022 [preauth]",
    "psql: could not connect to server: Connection refused",
    "GET /index.html HTTP/1.1 404 Not Found",
    "kernel: Out of memory: Killed process 4711",
    "status=sent (250 2.0.0 OK 1763974321 a1b2 - gsmtp)",
    "opendkim[7]: signature=abc domain=nordwind.example result=\"signature verification failed\"",
    "notBefore=Nov  1 00:00:00 2026 GMT notAfter=Jan 30 23:59:59 2027 GMT",
    "Verify return code: 0 (ok)",
    "v=STSv1; id=20261124090000;",
    "the certificate of the course expired yesterday",
    "4.7.52 192.5.7.5 5.7.5.1",
]  # fmt: skip


@pytest.mark.parametrize(("text", "cause", "confidence", "delivery"), TEXTS, ids=[text[:60] for text, *_ in TEXTS])
def test_a_text_leads_to_its_cause(text, cause, confidence, delivery):
    explanation = explain(text)
    assert explanation.known
    first = explanation.causes[0]
    assert (first.code, first.confidence, explanation.message.delivery) == (cause, confidence, delivery)
    assert first.walk.cause is causes()[cause]
    assert explanation.next_checks == ()


@pytest.mark.parametrize("text", UNRELATED)
def test_another_text_is_not_known_and_nothing_is_guessed(text):
    explanation = explain(text)
    assert (explanation.known, explanation.causes, explanation.readings) == (False, (), ())
    shown = str(explanation)
    assert shown.startswith("This text is not known to the kit")
    assert "dig +short TXT _mta-sts." in shown
    assert explanation.to_json()["causes"] == []


@pytest.mark.parametrize("code", list(causes()))
def test_every_cause_has_its_place_in_the_flowchart(code):
    (only,) = explain(code).causes
    chart = only.walk.chart
    assert (only.code, only.confidence) == (code, "high")
    ends = [node for node, _ in only.path[1:]] + [code]
    assert [chart.nodes[node].to[answer] for node, answer in only.path] == ends
    assert only.path[0][0] in chart.starts.values()


@pytest.mark.parametrize("code", list(finding_texts()))
def test_every_finding_leads_to_its_cause_or_says_what_to_do(code):
    explanation, text = explain(code), finding_texts()[code]
    assert explanation.known
    # Some findings are named like their cause.
    assert [each.code for each in explanation.causes] == ([text.cause] if text.cause else [])
    assert (
        "{" not in str(explanation).partition("In the flowchart")[0].replace("${", "").replace("%{", "") or text.cause
    )


@pytest.mark.parametrize("result_type", list(ResultType))
def test_a_result_type_leads_to_its_causes_from_the_report(result_type):
    explanation = explain(result_type)
    assert result_type in causes()[explanation.causes[0].code].result_types
    assert explanation.causes[0].walk.start == "report"
    assert explanation.causes[0].path[0] == (
        "about-policy-host",
        Answer.YES if result_type.startswith("sts-") else Answer.NO,
    )


def test_the_names_in_a_text_are_data():
    message = explain(postfix("Server certificate not trusted")).message
    assert (message.domain, message.mx, message.statuses) == ("nordwind.example", ("mx1.nordwind.example",), ("4.7.5",))
    message = explain(NDR.format(text="550 5.4.8 MX hosts of 'nordwind.example' failed MTA-STS validation.")).message
    assert (message.domain, message.mx, message.delivery) == ("nordwind.example", (), "bounced")
    message = explain("Get https://mta-sts.nordwind.example/.well-known/mta-sts.txt: EOF").message
    assert (message.domain, message.side) == ("nordwind.example", "policy-host")


def test_the_names_reach_the_commands():
    (first, *_) = explain(postfix("Server certificate not verified")).causes
    shells = [command["shell"] for command in first.walk.to_json()["cause"]["commands"]]
    assert any("mx1.nordwind.example:25" in shell for shell in shells)
    provider = explain(
        postfix("Server certificate not verified")
        .replace("mx1.nordwind", "nordwind-example.mail.protection.outlook.com")
        .replace("outlook.com.example", "outlook.com")
    )
    assert "Microsoft 365" in provider.causes[0].walk.provider_notes()


def test_words_of_the_log_decide_before_the_class_of_the_status():
    """Postfix can defer a 5xx (soft_bounce), and bounces a 4xx when the time in its queue ends."""
    assert explain(postfix("TLSA lookup error for x", "5.7.5", "deferred")).message.delivery == "deferred"
    assert (
        explain(postfix("TLSA lookup error for x", "4.7.5", "expired, returned to sender")).message.delivery
        == "bounced"
    )


def test_where_the_side_is_open_both_are_given():
    explanation = explain("x509: certificate has expired or is not yet valid: ")
    assert explanation.either_side
    assert {each.code for each in explanation.causes} == {
        "mx-certificate-expired", "policy-certificate-expired", "mx-certificate-not-yet-valid", "policy-certificate-not-yet-valid",
    }  # fmt: skip
    assert "does not say whether it is about an MX host" in str(explanation)
    assert not explain(postfix("certificate has expired")).either_side


def test_a_known_wording_without_a_cause_says_so():
    explanation = explain("verify error:num=3:unable to get certificate CRL")
    assert (explanation.known, explanation.causes) == (True, ())
    assert "could not check whether the certificate is revoked" in str(explanation)
    assert explanation.next_checks


@pytest.mark.parametrize("text", ["", "  \n", "\t"])
def test_an_empty_text_is_an_error(text):
    with pytest.raises(ValueError, match="empty"):
        explain(text)


HOSTILE = [
    "<script>alert(1)</script> certificate has expired \x1b[31m \u202e to=<a@$(id).example>, relay=`id`.example[1]:25",
    "certificate has expired " * 100_000,
    "to=<" * 200_000,
    "mta-sts." * 200_000,
    "a." * 500_000,
    "5.7.5" * 200_000,
    "== " * 300_000,
    "x" * 1_000_000 + ":25",
    "a\n" * 400_000,
    "status-" * 200_000,
    "<a@" * 300_000,
    "\ud800 certificate has expired",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_a_hostile_text_is_read_quickly_and_shown_as_text(text):
    began = time.process_time()
    explanation = explain(text)
    html, shown, data = explanation._repr_html_(), str(explanation), json.dumps(explanation.to_json())
    assert time.process_time() - began < 5
    assert "<script" not in html
    assert not {"\x1b", "\u202e"} & set(html + shown)
    assert "$(id)" not in "".join(one["shell"] for one in json.loads(data)["next_checks"])
    assert all(
        "`" not in command.shell for each in explanation.causes for command in each.walk.cause.commands("$(id)", "`id`")
    )
    assert len(shown) < 60_000


def test_it_shows_itself_everywhere():
    explanation = sts.explain("550 5.7.322 certificate-expired: Destination mail server's certificate is expired.")
    assert isinstance(explanation, TextExplanation)
    assert repr(explanation) == "<TextExplanation: mx-certificate-expired (high)>"
    shown = to_text(document_of(explanation))
    for part in (
        "The certificate has expired.",
        "Bounced: it was returned",
        "Confidence: high",
        "What to do",
        "In the flowchart",
    ):
        assert part in shown
    assert "<h" in to_html(document_of(explanation))
    assert list(explanation.to_json()) == [
        "text", "known", "result_type", "statuses", "delivery", "policy_domain", "mx", "about", "finding", "readings", "causes",
        "next_checks",
    ]  # fmt: skip


def _mail(encoding: str, body: str) -> str:
    header = (
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
    )
    return (
        "Subject: Undeliverable\r\nContent-Type: multipart/report; boundary=cut\r\n\r\n--cut\r\n"
        f"{header}\r\n{body}\r\n--cut--\r\n"
    )


SAVED = NDR.format(text="550 5.7.323 tlsa-invalid: The domain failed DANE validation – naïve")


@pytest.mark.parametrize(
    "saved",
    [
        pytest.param(_mail("base64", base64.encodebytes(SAVED.encode()).decode()), id="RFC 2045 §6.8"),
        pytest.param(_mail("Quoted-Printable", quopri.encodestring(SAVED.encode()).decode()), id="RFC 2045 §6.7"),
        pytest.param(_mail("8bit", SAVED), id="RFC 2045 §2.8"),
        pytest.param(base64.encodebytes(SAVED.encode()).decode(), id="a body alone, base64"),
        pytest.param(quopri.encodestring(SAVED.encode()).decode(), id="a body alone, quoted-printable"),
        pytest.param(_mail("base64", base64.encodebytes(SAVED.encode()).decode()[:-3] + "*"), id="cut off"),
    ],
)
def test_a_saved_bounce_is_read_as_a_person_would_read_it(saved: str) -> None:
    explanation = explain(saved)
    assert explanation.causes[0].code == "dane-tlsa-mismatch"
    assert (explanation.message.domain, explanation.message.delivery.value) == ("nordwind.example", "bounced")


@pytest.mark.parametrize(
    "text",
    [
        "a 2048-bit key, x=3D y\n",
        "QUJD",
        "Content-Transfer-Encoding: base64\n\n\u2028=\ud800\n",
        "Content-Transfer-Encoding: base64\n" * 9000,
        "=\n" * 30_000,
    ],
)
def test_what_is_not_encoded_or_broken_is_read_as_it_is(text: str) -> None:
    began = time.process_time()
    assert not explain(text).known
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "output"),
    [
        (["5.7.325"], "", 0, "The certificate of an MX host is for another name"),
        (["status:", "4.7.324"], "", 0, "The DNSSEC signatures do not validate."),
        (
            [],
            NDR.format(text="550 5.4.8 MX hosts of 'nordwind.example' failed MTA-STS validation."),
            0,
            "nordwind.example",
        ),
        (["-"], "sts-webpki-invalid\n", 0, "sts-webpki-invalid"),
        (["--json", "mx-null"], "", 0, '"code": "mx-null"'),
        (["The printer is out of paper"], "", 1, "This text is not known to the kit"),
        (["--json", "hello"], "", 1, '"known": false'),
        ([], " \n", 2, "no text given"),
        ([""], "", 2, "no text given"),
        (["\x1b[31mcertificate has expired"], "", 0, "\\x1b[31m"),
    ],
)
def test_the_command(arguments, stdin, status, output, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
    assert main(["explain", *arguments]) == status
    captured = capsys.readouterr()
    assert output in captured.out + captured.err
    assert "\x1b" not in captured.out + captured.err
