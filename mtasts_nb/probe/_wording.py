"""Every finding that a probe can give by itself: its code, how bad it is at worst, and its words.

Faults inside a text (the record, the policy file, an MX that no pattern covers) are the findings of `mtasts_nb.policy`
with the codes of that package; here is what only a look at the live domain can show.

Severity and effect here are those of the worst case. `_findings` lowers them by rules written there: a fault seen
at only some addresses of the policy host, or at an MX that others stand in for, is not the same as one seen everywhere.

In the words, ``{host}`` is the host at fault, ``{domain}`` the policy domain, ``{name}`` a DNS name.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..vocabulary import Effect, Severity

__all__ = ["WORDING", "Wording", "finding_codes"]

_ERROR, _WARNING, _ADVICE = Severity.ERROR, Severity.WARNING, Severity.ADVICE
_HOLDS, _DISABLES, _COSMETIC = Effect.HOLDS_MAIL, Effect.DISABLES_PROTECTION, Effect.COSMETIC


@dataclass(frozen=True, slots=True)
class Wording:
    """What a finding says, whoever the domain is."""

    severity: Severity
    effect: Effect
    message: str
    fix: str
    rfc: str


WORDING: dict[str, Wording] = {
    # What keeps the probe itself from looking. No fault of the domain, and no verdict on it.
    "resolver-unreachable": Wording(
        _ADVICE,
        _COSMETIC,
        "No resolver answered any question, so nothing could be looked at and nothing is said about {domain}.",
        "Check this machine's network, or name a resolver: mtasts-nb probe {domain} --resolver 192.0.2.53",
        "",
    ),
    "outbound-port-25-closed": Wording(
        _ADVICE,
        _COSMETIC,
        "Outbound port 25 is closed from this network: every connection to it was silently dropped. "
        "Nothing is said about the MX hosts.",
        "On a machine that may send mail: mtasts-nb probe {domain} --save {domain}.json\n"
        'Then here: mtasts_nb.load_probe("{domain}.json")',
        "",
    ),
    "probe-deadline-reached": Wording(
        _ADVICE,
        _COSMETIC,
        "The time for the whole probe ran out before every step was done. What was not looked at is not observed.",
        "mtasts-nb probe {domain} --timeout 30",
        "",
    ),
    "probe-limit-reached": Wording(
        _ADVICE,
        _COSMETIC,
        "{domain} names more hosts or addresses than one probe visits; the rest was not looked at.",
        "Publish fewer MX hosts and addresses: senders too stop after a few.",
        "RFC 5321 §5.1",
    ),
    # DNS
    "domain-not-found": Wording(
        _ERROR,
        _HOLDS,
        "{domain} does not exist in the DNS. Mail to it bounces.",
        "Check the spelling; if it is right, check the registration and the delegation of the domain.",
        "RFC 5321 §5.1",
    ),
    "dnssec-bogus": Wording(
        _ERROR,
        _HOLDS,
        "The DNSSEC signatures for {name} do not validate. Resolvers that validate give no answer at all, and senders "
        "behind them see nothing of this domain.",
        "Sign the zone anew, or correct the DS record at the parent: expired signatures and a key roll-over "
        "that left an old DS are the usual reasons.",
        "RFC 4035 §5.5",
    ),
    "nameserver-not-answering": Wording(
        _WARNING,
        _COSMETIC,
        "An authoritative name server for {name} does not answer while others do. Look-ups are slow or fail at times.",
        "Repair that server, or take it out of the NS records.",
        "RFC 1912 §2.8",
    ),
    "nameservers-disagree": Wording(
        _WARNING,
        _DISABLES,
        "The authoritative name servers give different answers for {name}. "
        "What a sender sees depends on the server that it happens to ask.",
        "Wait for the zone transfer, or find out why the secondary does not get the new zone.",
        "RFC 1034 §4.3.5",
    ),
    "not-propagated-yet": Wording(
        _WARNING,
        _DISABLES,
        "The resolver still answers from its cache with an older {name}; the authoritative servers already "
        "have another one. Not propagated yet.",
        "Wait until the TTL has run out, and probe again.",
        "RFC 1034 §3.6",
    ),
    "cname-chain-broken": Wording(
        _ERROR,
        _DISABLES,
        "The CNAME chain at {name} leads in a circle or is too long. It has no answer.",
        "Point {name} straight at the name that holds the record.",
        "RFC 1034 §3.6.2",
    ),
    # The `_mta-sts` record: the first fundamental
    "sts-record-missing": Wording(
        _ERROR,
        _DISABLES,
        "There is no MTA-STS record at {name}. Senders treat {domain} as without MTA-STS.",
        '{name}. 300 IN TXT "v=STSv1; id={id};"',
        "RFC 8461 §3.1",
    ),
    "sts-record-lookup-failed": Wording(
        _ERROR,
        _DISABLES,
        "The look-up of the TXT record at {name} failed. "
        "Senders without a cached policy treat {domain} as without MTA-STS.",
        "Ask each authoritative server by itself and repair the one that fails.",
        "RFC 8461 §3.1",
    ),
    # The policy host: the second fundamental
    "policy-host-no-address": Wording(
        _ERROR,
        _DISABLES,
        "The policy host {host} has no address. Senders cannot get the policy (sts-policy-fetch-error).",
        "Publish A and AAAA records for {host}, or a CNAME to the host that serves the policy.",
        "RFC 8461 §3.3",
    ),
    "policy-host-lookup-failed": Wording(
        _ERROR,
        _DISABLES,
        "The look-up of the address of {host} failed. Senders cannot get the policy (sts-policy-fetch-error).",
        "Ask each authoritative server by itself and repair the one that fails.",
        "RFC 8461 §3.3",
    ),
    "policy-host-address-private": Wording(
        _ERROR,
        _DISABLES,
        "{host} has an address that cannot be reached from the internet. Senders that choose it cannot get the policy.",
        "Publish only addresses that are routed on the internet. At Cloudflare Workers the placeholder AAAA 100:: "
        "must be proxied.",
        "RFC 6890 §2.2",
    ),
    "policy-host-refused": Wording(
        _ERROR,
        _DISABLES,
        "{host} refuses connections to port 443. Senders cannot get the policy (sts-policy-fetch-error).",
        "Start the web server, or open port 443 in the firewall.",
        "RFC 8461 §3.3",
    ),
    "policy-host-timeout": Wording(
        _ERROR,
        _DISABLES,
        "{host} does not answer in time. Senders cannot get the policy (sts-policy-fetch-error).",
        "Find out which step hangs (it is named in the evidence); look at firewall and web server.",
        "RFC 8461 §3.3",
    ),
    "policy-host-unreachable": Wording(
        _ERROR,
        _DISABLES,
        "There is no route to {host}. Senders cannot get the policy (sts-policy-fetch-error).",
        "Check the address in the DNS and the routing of its network.",
        "RFC 8461 §3.3",
    ),
    "policy-host-closed": Wording(
        _ERROR,
        _DISABLES,
        "{host} closes the connection before the answer is complete. "
        "Senders cannot get the policy (sts-policy-fetch-error).",
        "Look into the web server's log for that moment.",
        "RFC 8461 §3.3",
    ),
    "policy-host-tls-version": Wording(
        _ERROR,
        _DISABLES,
        "{host} offers no TLS version newer than 1.1. Senders need 1.2 or newer and refuse the policy.",
        "Turn on TLS 1.2 and 1.3.",
        "RFC 8461 §3.3; RFC 8996",
    ),
    "policy-host-tls-failed": Wording(
        _ERROR,
        _DISABLES,
        "The TLS handshake with {host} fails. Senders cannot get the policy.",
        "Look at the alert in the evidence: often the server has no certificate for this name, or no common cipher.",
        "RFC 8461 §3.3",
    ),
    "policy-http-redirect": Wording(
        _ERROR,
        _DISABLES,
        "The policy URL answers with a redirect. Senders must not follow it (sts-policy-fetch-error).",
        "Serve the file at https://{host}/.well-known/mta-sts.txt itself, with status 200.",
        "RFC 8461 §3.3",
    ),
    "policy-http-not-found": Wording(
        _ERROR,
        _DISABLES,
        "There is no file at the policy URL. Senders cannot get the policy (sts-policy-fetch-error).",
        "Put the policy file at https://{host}/.well-known/mta-sts.txt; static hosts often leave out folders "
        "whose name begins with a dot.",
        "RFC 8461 §3.3",
    ),
    "policy-http-forbidden": Wording(
        _ERROR,
        _DISABLES,
        "The policy URL is forbidden to strangers. Senders cannot get the policy (sts-policy-fetch-error).",
        "Allow everybody to read the file; take it out of logins, bot protection and country blocks.",
        "RFC 8461 §3.3",
    ),
    "policy-http-server-error": Wording(
        _ERROR,
        _DISABLES,
        "The web server fails at the policy URL. Senders cannot get the policy (sts-policy-fetch-error).",
        "Look into the web server's log for that moment.",
        "RFC 8461 §3.3",
    ),
    "policy-http-status": Wording(
        _ERROR,
        _DISABLES,
        "The policy URL does not answer with status 200. Senders cannot get the policy (sts-policy-fetch-error).",
        "Serve the file with status 200.",
        "RFC 8461 §3.3",
    ),
    "policy-http-invalid": Wording(
        _ERROR,
        _DISABLES,
        "{host} answers on port 443 with something that is not HTTP. Senders cannot get the policy.",
        "Find out what listens on port 443 of that address.",
        "RFC 9112 §2",
    ),
    "policy-content-type": Wording(
        _WARNING,
        _DISABLES,
        "The policy is not served as text/plain. Strict senders may refuse it (postfix-mta-sts-resolver and "
        "postfix-tlspol do), lenient ones take it (mox).",
        "Content-Type: text/plain; charset=utf-8",
        "RFC 8461 §3.2",
    ),
    "policy-too-large": Wording(
        _ERROR,
        _DISABLES,
        "The policy file is larger than 64 KiB. Senders stop reading there (sts-policy-fetch-error).",
        "A policy of any real domain is below 2 KiB: check that the right file is served.",
        "RFC 8461 §3.3",
    ),
    "policy-empty": Wording(
        _ERROR,
        _DISABLES,
        "The policy file is empty (sts-policy-invalid).",
        "Publish the policy; the deployment seems to have lost its content.",
        "RFC 8461 §3.2",
    ),
    "policy-address-differs": Wording(
        _WARNING,
        _DISABLES,
        "The addresses of {host} serve different policies. Which one a sender gets depends on chance.",
        "Deploy the same file everywhere.",
        "RFC 8461 §3.3",
    ),
    "policy-changed-same-id": Wording(
        _ERROR,
        _DISABLES,
        "The policy file changed while the id stayed the same. "
        "Senders with a cached policy do not notice until it expires.",
        '_mta-sts.{domain}. 300 IN TXT "v=STSv1; id={id};"',
        "RFC 8461 §3.1",
    ),
    # Its certificate: the third fundamental
    "policy-certificate-expired": Wording(
        _ERROR,
        _DISABLES,
        "The certificate of the policy host {host} has expired. Senders refuse the policy (sts-webpki-invalid); "
        "mail is not held back by it.",
        "Renew it, and reload the web server; then find out why the renewal did not run.",
        "RFC 8461 §3.3",
    ),
    "policy-certificate-not-yet-valid": Wording(
        _ERROR,
        _DISABLES,
        "The certificate of the policy host {host} is not valid yet. Senders refuse the policy (sts-webpki-invalid).",
        "Check the clock of the machine that issued it, or put the previous certificate back.",
        "RFC 8461 §3.3",
    ),
    "policy-certificate-self-signed": Wording(
        _ERROR,
        _DISABLES,
        "The certificate of the policy host {host} is self-signed. Senders refuse the policy (sts-webpki-invalid).",
        "Install one from a public CA.",
        "RFC 8461 §3.3",
    ),
    "policy-certificate-name-mismatch": Wording(
        _ERROR,
        _DISABLES,
        "The certificate on {host} does not name it. Senders refuse the policy (sts-webpki-invalid).",
        "Issue a certificate with the SAN {host}; at hosting providers, add it as a custom domain.",
        "RFC 8461 §3.3; RFC 9525 §6.3",
    ),
    "policy-certificate-common-name-only": Wording(
        _ERROR,
        _DISABLES,
        "The certificate on {host} names it in the common name only. "
        "Only a SAN counts: senders refuse the policy (sts-webpki-invalid).",
        "Issue a certificate with the SAN {host}.",
        "RFC 8461 §3.3; RFC 9525 §2",
    ),
    "policy-certificate-chain-incomplete": Wording(
        _ERROR,
        _DISABLES,
        "{host} does not send an intermediate certificate. Browsers may fetch it by themselves, senders do not: "
        "they refuse the policy (sts-webpki-invalid).",
        "Install the full chain (with Let's Encrypt: fullchain.pem, not cert.pem).",
        "RFC 8461 §3.3; RFC 8446 §4.4.2",
    ),
    "policy-certificate-untrusted": Wording(
        _ERROR,
        _DISABLES,
        "The certificate of the policy host {host} comes from a CA that is not trusted. "
        "Senders refuse the policy (sts-webpki-invalid).",
        "Install one from a public CA.",
        "RFC 8461 §3.3",
    ),
    "policy-certificate-invalid": Wording(
        _ERROR,
        _DISABLES,
        "The certificate of the policy host {host} does not validate. Senders refuse the policy (sts-webpki-invalid).",
        "Look at OpenSSL's reason in the evidence.",
        "RFC 8461 §3.3; RFC 5280 §6",
    ),
    "policy-certificate-expires-soon": Wording(
        _WARNING,
        _DISABLES,
        "The certificate of the policy host {host} is about to expire, and the usual time to renew it has passed.",
        "Find out why the renewal did not run.",
        "RFC 8461 §3.3",
    ),
    "policy-certificate-weak": Wording(
        _WARNING,
        _DISABLES,
        "The certificate of the policy host {host} uses a weak key or signature. Some senders refuse it.",
        "Issue one with ECDSA P-256 or RSA 2048 and SHA-256.",
        "RFC 9325 §4.5",
    ),
    # MX records
    "mx-lookup-failed": Wording(
        _ERROR,
        _HOLDS,
        "The look-up of the MX records of {domain} failed. Senders wait and try again.",
        "Ask each authoritative server by itself and repair the one that fails.",
        "RFC 5321 §5.1",
    ),
    "mx-missing": Wording(
        _ERROR,
        _HOLDS,
        "{domain} has no MX record and no address. Mail to it bounces.",
        "Publish MX records.",
        "RFC 5321 §5.1",
    ),
    "mx-implicit": Wording(
        _WARNING,
        _COSMETIC,
        "{domain} has no MX record. Senders deliver to the address of the domain itself, "
        "and it is that name which policy and certificate have to cover.",
        "Publish MX records.",
        "RFC 5321 §5.1",
    ),
    "mx-null": Wording(
        _WARNING,
        _COSMETIC,
        "{domain} says with a null MX that it accepts no mail: all mail to it bounces, whatever the policy says.",
        "If mail is wanted, publish MX records; if not, MTA-STS is not needed.",
        "RFC 7505 §3",
    ),
    "mx-null-mixed": Wording(
        _ERROR,
        _COSMETIC,
        "{domain} has a null MX beside others. A null MX has to stand alone; senders differ in what they do.",
        "Delete the record with the host '.'.",
        "RFC 7505 §3",
    ),
    "mx-ip-literal": Wording(
        _ERROR,
        _HOLDS,
        "The MX record names an address where a host name has to stand. "
        "No certificate and no policy pattern can match it.",
        "Publish a host name with A and AAAA records, and name it in the MX record.",
        "RFC 5321 §5.1; RFC 1035 §3.3.9",
    ),
    "mx-name-invalid": Wording(
        _ERROR,
        _HOLDS,
        "The MX record names something that is no host name.",
        "Name a host with A and AAAA records.",
        "RFC 1123 §2.1",
    ),
    "mx-cname": Wording(
        _WARNING,
        _COSMETIC,
        "The MX host {host} is an alias (CNAME). That is not allowed; "
        "senders differ in which name they check the certificate against.",
        "Name the host with the address itself in the MX record.",
        "RFC 5321 §5.1; RFC 2181 §10.3",
    ),
    "mx-no-address": Wording(
        _ERROR,
        _HOLDS,
        "The MX host {host} has no address. Senders pass it over.",
        "Publish A and AAAA records for {host}, or take it out of the MX records.",
        "RFC 5321 §5.1",
    ),
    "mx-address-lookup-failed": Wording(
        _ERROR,
        _HOLDS,
        "The look-up of the address of the MX host {host} failed.",
        "Ask each authoritative server by itself and repair the one that fails.",
        "RFC 5321 §5.1",
    ),
    "mx-address-private": Wording(
        _ERROR,
        _HOLDS,
        "The MX host {host} has an address that cannot be reached from the internet.",
        "Publish only addresses that are routed on the internet.",
        "RFC 6890 §2.2",
    ),
    # SMTP at the MX
    "mx-refused": Wording(
        _ERROR,
        _HOLDS,
        "{host} refuses connections to port 25.",
        "Start the mail server, or open port 25 in the firewall.",
        "RFC 5321 §3.1",
    ),
    "mx-timeout": Wording(
        _ERROR,
        _HOLDS,
        "{host} does not answer in time.",
        "Find out which step hangs (it is named in the evidence); look at firewall, greet delay and load.",
        "RFC 5321 §4.5.3.2",
    ),
    "mx-unreachable": Wording(
        _ERROR,
        _HOLDS,
        "There is no route to {host}.",
        "Check the address in the DNS and the routing of its network.",
        "RFC 5321 §5.1",
    ),
    "mx-closed": Wording(
        _ERROR,
        _HOLDS,
        "{host} closes the connection in the middle of the conversation.",
        "Look into the mail server's log for that moment.",
        "RFC 5321 §3.8",
    ),
    "mx-smtp-invalid": Wording(
        _ERROR,
        _HOLDS,
        "{host} answers on port 25 with something that is not SMTP.",
        "Find out what listens on port 25 of that address.",
        "RFC 5321 §4.2",
    ),
    "mx-greeting-rejected": Wording(
        _ERROR,
        _HOLDS,
        "{host} greets with a permanent refusal. It may be meant for this network only: look at the text.",
        "If it is not a block list, let the server greet with 220.",
        "RFC 5321 §3.1",
    ),
    "mx-greeting-deferred": Wording(
        _ERROR,
        _HOLDS,
        "{host} greets with a temporary refusal. Senders wait and try again.",
        "Look at the server's load and limits; it may be meant for this network only.",
        "RFC 5321 §4.2.1",
    ),
    "mx-ehlo-rejected": Wording(
        _ERROR,
        _HOLDS,
        "{host} refuses EHLO. Without it there is no STARTTLS.",
        "Let the server accept EHLO, or look for a middlebox that does not know it.",
        "RFC 5321 §4.1.1.1; RFC 3207 §4",
    ),
    "mx-starttls-missing": Wording(
        _ERROR,
        _HOLDS,
        "{host} does not offer STARTTLS (starttls-not-supported).",
        "Turn TLS on in the mail server; look for a middlebox that strips STARTTLS.",
        "RFC 8461 §4; RFC 3207 §4",
    ),
    "mx-starttls-stripped": Wording(
        _ERROR,
        _HOLDS,
        "Something on the path to {host} hides STARTTLS (starttls-not-supported): "
        "its line in the EHLO answer is overwritten, or the server takes the command though it does not list it.",
        "Turn off SMTP inspection in the firewall before the server (Cisco: no inspect esmtp).",
        "RFC 8461 §10; RFC 3207 §6",
    ),
    "mx-starttls-refused": Wording(
        _ERROR,
        _HOLDS,
        "{host} offers STARTTLS and then refuses it (starttls-not-supported).",
        "Look into the mail server's log: often the key or certificate file cannot be read.",
        "RFC 3207 §4",
    ),
    "mx-tls-version": Wording(
        _ERROR,
        _HOLDS,
        "{host} offers no TLS version newer than 1.1 (validation-failure).",
        "Turn on TLS 1.2 and 1.3.",
        "RFC 8996; RFC 9325 §3.1.1",
    ),
    "mx-tls-failed": Wording(
        _ERROR,
        _HOLDS,
        "The TLS handshake with {host} fails (validation-failure).",
        "Look at the alert in the evidence, and into the mail server's log.",
        "RFC 8461 §4.2; RFC 3207 §4.1",
    ),
    "mx-ehlo-after-tls-failed": Wording(
        _WARNING,
        _HOLDS,
        "{host} does not answer EHLO after STARTTLS as it should.",
        "Look into the mail server's log for that moment.",
        "RFC 3207 §4.2",
    ),
    # Its certificate
    "mx-certificate-expired": Wording(
        _ERROR,
        _HOLDS,
        "The certificate of {host} has expired (certificate-expired).",
        "Renew it, and reload the mail server; then find out why the renewal did not run.",
        "RFC 8461 §4.2",
    ),
    "mx-certificate-not-yet-valid": Wording(
        _ERROR,
        _HOLDS,
        "The certificate of {host} is not valid yet (certificate-not-trusted or validation-failure).",
        "Check the clock of the machine that issued it, or put the previous certificate back.",
        "RFC 8461 §4.2",
    ),
    "mx-certificate-self-signed": Wording(
        _ERROR,
        _HOLDS,
        "The certificate of {host} is self-signed (certificate-not-trusted).",
        "Install one from a public CA.",
        "RFC 8461 §4.2",
    ),
    "mx-certificate-name-mismatch": Wording(
        _ERROR,
        _HOLDS,
        "The certificate of {host} does not name it (certificate-host-mismatch).",
        "Issue a certificate with the SAN {host}, or name the certificate's host in the MX record.",
        "RFC 8461 §4.2; RFC 9525 §6.3",
    ),
    "mx-certificate-common-name-only": Wording(
        _ERROR,
        _HOLDS,
        "The certificate of {host} names it in the common name only; only a SAN counts (certificate-host-mismatch).",
        "Issue a certificate with the SAN {host}.",
        "RFC 8461 §4.2; RFC 9525 §2",
    ),
    "mx-certificate-chain-incomplete": Wording(
        _ERROR,
        _HOLDS,
        "{host} does not send an intermediate certificate (certificate-not-trusted).",
        "Install the full chain (with Let's Encrypt: fullchain.pem, not cert.pem).",
        "RFC 8461 §4.2; RFC 8446 §4.4.2",
    ),
    "mx-certificate-untrusted": Wording(
        _ERROR,
        _HOLDS,
        "The certificate of {host} comes from a CA that is not trusted (certificate-not-trusted).",
        "Install one from a public CA.",
        "RFC 8461 §4.2",
    ),
    "mx-certificate-invalid": Wording(
        _ERROR,
        _HOLDS,
        "The certificate of {host} does not validate (validation-failure).",
        "Look at OpenSSL's reason in the evidence.",
        "RFC 8461 §4.2; RFC 5280 §6",
    ),
    "mx-certificate-expires-soon": Wording(
        _WARNING,
        _HOLDS,
        "The certificate of {host} is about to expire, and the usual time to renew it has passed.",
        "Find out why the renewal did not run.",
        "RFC 8461 §4.2",
    ),
    "mx-certificate-weak": Wording(
        _WARNING,
        _HOLDS,
        "The certificate of {host} uses a weak key or signature. Some senders refuse it.",
        "Issue one with ECDSA P-256 or RSA 2048 and SHA-256.",
        "RFC 9325 §4.5",
    ),
    # DANE, where the domain uses it
    "tlsa-mismatch": Wording(
        _ERROR,
        _HOLDS,
        "No TLSA record of {host} matches what it presents (tlsa-invalid). Senders that check DANE do not deliver to it.",
        "Publish the TLSA record of the new key, wait for the old TTL, and only then change the key.",
        "RFC 7672 §2.2; RFC 7671 §8",
    ),
    "tlsa-lookup-failed": Wording(
        _ERROR,
        _HOLDS,
        "The look-up of the TLSA records of {host} failed. Senders that check DANE do not deliver to it.",
        "Sign the zone anew, or repair the name server that does not answer.",
        "RFC 7672 §2.1.1",
    ),
    "tlsa-not-secure": Wording(
        _WARNING,
        _COSMETIC,
        "{host} has TLSA records, but the answers are not secured by DNSSEC: senders ignore them.",
        "Sign the zone, or take the TLSA records out.",
        "RFC 7672 §2.2",
    ),
    "tlsa-unusable": Wording(
        _WARNING,
        _COSMETIC,
        "{host} has TLSA records that no sender can use for SMTP.",
        "Use 3 1 1 (or 2 1 1); the usages 0 and 1 are not for SMTP.",
        "RFC 7672 §3.1.3",
    ),
    # TLS reporting
    "tlsrpt-record-missing": Wording(
        _WARNING,
        _COSMETIC,
        "There is no TLS reporting record at {name}. Nobody tells you when delivery fails.",
        '{name}. 3600 IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@{domain}"',
        "RFC 8460 §3",
    ),
    "tlsrpt-record-lookup-failed": Wording(
        _WARNING,
        _COSMETIC,
        "The look-up of the TXT record at {name} failed. Senders send no reports.",
        "Ask each authoritative server by itself and repair the one that fails.",
        "RFC 8460 §3",
    ),
}


def finding_codes() -> tuple[str, ...]:
    """Return every code that the probe itself can give, in the order in which it looks.

    Examples
    --------
    >>> "mx-certificate-expired" in finding_codes()
    True
    """
    return tuple(WORDING)
