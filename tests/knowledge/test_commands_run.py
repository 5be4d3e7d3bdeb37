"""The commands that are printed, run against the lab: they show what their texts say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from mtasts_nb.knowledge import command
from mtasts_nb.lab import Lab

pytestmark = pytest.mark.skipif(
    not (shutil.which("openssl") and shutil.which("curl")), reason="needs the programs openssl and curl"
)
DOMAIN, MX = "nordwind.example", "mx1.nordwind.example"

# fault of the lab, command, what it prints
SHOWN = [
    (None, "curl-policy", r"200 OK(.|\n)*text/plain(.|\n)*version: STSv1"),
    (None, "curl-policy-headers", r"200 OK(.|\n)*text/plain"),
    (None, "curl-policy-timing", r"^200 \d+ bytes"),
    (None, "curl-policy-bytes", r"^0000000 +v +e +r +s +i +o +n"),
    (None, "openssl-policy-host", r"Verification: OK"),
    (None, "openssl-policy-host-dates", r"notBefore=.*\nnotAfter="),
    (None, "openssl-policy-host-names", r"DNS:mta-sts\.nordwind\.example"),
    (None, "openssl-policy-host-chain", r"i:CN ?= ?Lab Root(.|\n)*Verify return code: 0 \(ok\)"),
    (None, "openssl-policy-host-key", r"Public-Key: \(256 bit\)"),
    (None, "openssl-mx", r"Protocol version: TLSv1\.3(.|\n)*Verification: OK"),
    (None, "openssl-mx-dates", r"notBefore=.*\nnotAfter="),
    (None, "openssl-mx-names", r"DNS:mx1\.nordwind\.example"),
    (None, "openssl-mx-chain", r"i:CN ?= ?Lab Root(.|\n)*Verify return code: 0 \(ok\)"),
    (None, "openssl-mx-key", r"Public-Key: \(256 bit\)"),
    (None, "openssl-mx-spki", r"\b[0-9a-f]{64}\b"),
    ("policy-http-301", "curl-policy-headers", r"301 "),
    ("policy-http-404", "curl-policy-headers", r"404 "),
    ("mx-certificate-wrong-name", "openssl-mx", r"hostname mismatch"),
    ("mx-certificate-intermediate-missing", "openssl-mx-chain", r"Verify return code: 2[01] "),
    ("mx-certificate-self-signed", "openssl-mx-chain", r"Verify return code: 18 "),
    ("policy-certificate-wrong-name", "openssl-policy-host", r"hostname mismatch"),
]


@pytest.mark.parametrize(("fault", "name", "shown"), SHOWN)
def test_a_command_shows_what_its_text_says(fault, name, shown):
    with Lab(fault) as lab:
        routes = {address: route for address, route in lab.settings.routes.items() if ":" not in address[0]}
        web = next(route for (_, port), route in routes.items() if port == 443)
        host, port = routes["192.0.2.25", 25]
        shell = command(name, DOMAIN, MX).shell
        shell = shell.replace(f"{MX}:25", f"{host}:{port}")
        shell = shell.replace(f"-connect mta-sts.{DOMAIN}:443", f"-connect {web[0]}:{web[1]}")
        shell = shell.replace(
            "curl ", f"curl --noproxy '*' --connect-to ::{web[0]}:{web[1]} --cacert $SSL_CERT_FILE ", 1
        )
        run = subprocess.run(
            ["/bin/sh", "-c", shell],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "SSL_CERT_FILE": str(lab.settings.trust_roots)},
        )
    assert re.search(shown, run.stdout + run.stderr), run.stdout + run.stderr
