"""Every row of a usual troubleshooting guide is covered by an entry, and where the guide is imprecise the entry says so."""

from __future__ import annotations

import pytest

from mtasts_nb.knowledge import causes

CAUSES = causes()

#: Row of the guide → the entry that covers it, and a word that has to stand in its texts.
ROWS = {
    # three fundamentals
    "record: no result": ("record-missing", "TXT record"),
    "record: v=STS1": ("record-not-recognised", "v=STS1"),
    "record: no id": ("record-id-invalid", "1 to 32"),
    "file: status other than 200": ("policy-http-error", "neither 200"),
    "file: 301, 302": ("policy-http-redirect", "3xx"),
    "file: 403": ("policy-http-forbidden", "403"),
    "file: 404": ("policy-http-not-found", "404"),
    "file: Content-Type text/html": ("policy-content-type", "text/plain"),
    "file: version, mode, max_age": ("policy-file-fields", "max_age"),
    "file: mx": ("policy-file-mx", "mx line"),
    "certificate: out of date": ("policy-certificate-expired", "has expired"),
    "certificate: does not cover the host": ("policy-certificate-name", "subjectAltName"),
    "certificate: chain incomplete": ("policy-certificate-chain-incomplete", "intermediate"),
    # causes of sts-policy-fetch-error
    "fetch: file absent": ("policy-http-not-found", "404"),
    "fetch: DNS": ("policy-host-no-address", "CNAME"),
    "fetch: HTTP redirect": ("policy-http-redirect", "port 80"),
    "fetch: certificate": ("policy-certificate-expired", "sts-webpki-invalid"),
    "fetch: Cloudflare paused": ("policy-host-unreachable", "resume Cloudflare"),
    # MX not covered
    "not covered: Microsoft without wildcard": ("mx-not-in-policy", "*.mail.protection.outlook.com"),
    "not covered: Google, one pattern": ("mx-not-in-policy", "aspmx.l.google.com"),
    "not covered: own MX, wildcard too narrow": ("mx-not-in-policy", "exactly one label"),
    # TLS-RPT codes
    "starttls-not-supported": ("mx-starttls-missing", "Turn TLS on"),
    "certificate-host-mismatch": ("mx-certificate-name", "subjectAltName"),
    "certificate-expired": ("mx-certificate-expired", "Renew"),
    "certificate-not-trusted": ("mx-certificate-untrusted", "public authority"),
    "validation-failure as an incomplete chain": ("mx-certificate-chain-incomplete", "certificate-not-trusted"),
    "sts-policy-fetch-error": ("policy-host-unreachable", "443"),
    "sts-policy-invalid": ("policy-file-format", "key: value"),
    "sts-webpki-invalid": ("policy-certificate-untrusted", "public authority"),
    # Microsoft 365
    "microsoft: MX not covered": ("mx-not-in-policy", "mx.microsoft"),
    "microsoft: empty reports": ("reports-late", "Microsoft is late"),
    "microsoft: certificate of the MX": ("mx-certificate-expired", "Microsoft renews"),
    # Google Workspace
    "google: MX covered in part": ("mx-not-in-policy", "smtp.google.com"),
    "google: incomplete reports": ("reports-late", "reports on the next"),
    "google: change of MX": ("mx-not-in-policy", "change of MX"),
    # Cloudflare
    "cloudflare: 404": ("policy-http-not-found", ".well-known/mta-sts.txt"),
    "cloudflare: no certificate": ("policy-host-tls-fails", "Custom domains"),
    "cloudflare: Worker does not answer": ("policy-response-incomplete", "route"),
    "cloudflare: Content-Type": ("policy-content-type", "new Response"),
    "cloudflare: DNS": ("policy-host-no-address", "AAAA 100::"),
    # questions
    "why is my policy not fetched": ("policy-http-not-found", "/.well-known/mta-sts.txt"),
    "what does MX not covered mean": ("mx-not-in-policy", "wildcard"),
    "how is a certificate error mended": ("policy-certificate-expired", "Renew"),
    "why does enforce block mail": ("mx-not-in-policy", "exactly one label"),
    "Cloudflare Workers: what to check": ("policy-host-no-address", "Worker route"),
    "how long until a fix takes effect": ("sender-old-policy", "worst case"),
}


@pytest.mark.parametrize("row", list(ROWS))
def test_every_row_is_covered(row):
    code, word = ROWS[row]
    cause = CAUSES[code]
    texts = (
        cause.title, cause.meaning(), cause.fix(), cause.verify(), cause.myth, cause.fact,
        *(cause.at_provider(name) for name in cause.providers),
        *(command.shows for command in cause.commands()),
    )  # fmt: skip
    assert word in " ".join(texts)
