"""A second sender, postfix-mta-sts-resolver: where it decides otherwise than RFC 8461, and how to ask it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mtasts_nb.lab import Lab

__all__ = ["ACCEPTS", "LOOKUP_IS_FETCH_ERROR", "second_sender"]

# Faults with which this sender accepts the policy, where RFC 8461 does not, and why.
_ID = "It checks that there is an id, not its characters (RFC 8461 §3.1)."
_PATTERN = "It does not check the syntax of the patterns; one that is no host name matches no host."
ACCEPTS = {
    "record-version-spaced": "It keeps every record that begins v=STSv1, with or without the semicolon.",
    "record-id-illegal": _ID,
    "record-id-empty": _ID,
    "record-id-long": _ID,
    "policy-good-on-one-address": "It uses the address that is connected first, here the good one.",
    "policy-certificate-common-name-only": "Python's ssl falls back to the common name where there is no SAN.",
    "policy-file-mx-list": _PATTERN,
    "policy-file-mx-url": _PATTERN,
    "policy-file-mx-port": _PATTERN,
    "policy-file-mx-bare-wildcard": _PATTERN,
    "policy-file-mx-wildcard-middle": _PATTERN,
    "policy-file-mx-u-label": _PATTERN,
    "policy-file-mx-trailing-dot": _PATTERN,
    "policy-file-comment": "It skips lines that it cannot parse.",
}
# Failed lookups that it calls a fetch error, so that a cached policy stays in use; without one, mail goes without STS.
LOOKUP_IS_FETCH_ERROR = {
    "record-cname-loop",
    "record-servfail",
    "record-refused",
    "record-timeout",
    "zone-signatures-expired",
}


@contextmanager
def second_sender() -> Iterator[Callable[[Lab], tuple[str, str | None]]]:
    """Give a function that returns the decision about a lab's domain, VALID, NONE or FETCH_ERROR, and the mode."""
    command = [sys.executable, "-W", "ignore", Path(__file__).with_name("second_sender_process.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def decide(lab: Lab) -> tuple[str, str | None]:
            settings = lab.settings
            question = {
                "domain": lab.domain,
                "dns": settings.routes[settings.nameservers[0], 53][1],
                "routes": [(address, port, to) for (address, port), to in settings.routes.items()],
                "roots": str(settings.trust_roots),
                "timeout": settings.timeout,
            }
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, "the peer has ended"
            decision = json.loads(answer)
            return decision["status"], decision["mode"]

        yield decide
        process.stdin.close()
