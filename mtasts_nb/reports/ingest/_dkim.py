"""Whether a report mail is signed by a key that may sign reports (RFC 8460 §3, RFC 6376).

RFC 8460 §3 asks for a valid signature whose key record allows the service type ``tlsrpt`` or ``*``, and has recipients
ignore other report mails. Archives are read months later, though, when keys have been replaced, and often hold only the
attachments. So the result is noted, and no report is left out for it.

The check itself is dkimpy's. Its patterns and its arithmetic take long on hostile mails and keys: mails and keys larger
than any honest one are not given to it.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Final

from ._model import Deviation
from ._values import excerpt

__all__ = ["FIELD", "DkimCheck", "DnsFunc"]

#: Takes a name as bytes and `timeout` in seconds; gives the TXT record as bytes, or None where there is none.
DnsFunc = Callable[..., "bytes | None"]

#: What these rows of `Archive.deviations` have as their field.
FIELD: Final = "dkim"
VALID: Final = "valid signature, by a key that may sign TLS reports"
OTHER_SERVICE: Final = "valid signature, but by a key that may not sign TLS reports (RFC 8460 §3)"
INVALID: Final = "no valid signature"
NO_KEY: Final = "cannot be checked: the key is not in the DNS (any longer)"
UNSIGNED: Final = "no signature"
NOT_CHECKED: Final = "not checked"

_TIMEOUT: Final = 5
_DEADLINE: Final = 120.0
_MOST_SIGNATURES: Final = 5
_LARGEST_MAIL: Final = 4 * 1024 * 1024
_LARGEST_HEADER: Final = 64 * 1024
_LARGEST_SIGNATURE: Final = 8 * 1024
#: A key of 8,192 bits has 1,400 characters.
_LARGEST_KEY: Final = 2000
_BLANK_RUN: Final = re.compile(rb"[\t ]{201}")
_HEADER_END: Final = re.compile(rb"\r?\n\r?\n")
_SIGNATURE: Final = re.compile(
    rb"^dkim-signature[ \t]*:(?:[^\r\n]*\r?\n)(?:[ \t][^\r\n]*\r?\n)*", re.IGNORECASE | re.MULTILINE
)
_SERVICE: Final = re.compile(rb";\s*s\s*=([^;]*)")

_QUIET = logging.getLogger("mtasts_nb.dkim")
_QUIET.setLevel(logging.CRITICAL + 1)


def _resolver() -> DnsFunc:
    from dkim.dnsplug import get_txt

    ask: DnsFunc = get_txt
    return ask


class DkimCheck:
    """Checks mails, one after another; asks the DNS once per key.

    Parameters
    ----------
    dnsfunc : callable, optional
        Asked in place of the DNS; see `DnsFunc`.
    deadline : float, optional
        Longest time for all mails together, in seconds; mails after that are marked as not checked.
    clock : callable, optional
        Seconds that only grow.
    """

    def __init__(
        self,
        dnsfunc: DnsFunc | None = None,
        *,
        deadline: float = _DEADLINE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = dnsfunc
        self._answers: dict[bytes, bytes | None] = {}
        self._clock = clock
        self._left = deadline
        self._last: tuple[bytes, Deviation] | None = None

    def verify(self, mail: bytes) -> Deviation:
        """Return the verdict on a mail as a row of `Archive.deviations`; never raises."""
        # Two reports of one mail come one after the other.
        if self._last is None or self._last[0] is not mail:
            began = self._clock()
            value, treatment = self._verdict(mail)
            self._left -= self._clock() - began
            self._last = mail, Deviation(FIELD, excerpt(value), treatment)
        return self._last[1]

    def _verdict(self, mail: bytes) -> tuple[str | None, str]:
        if self._left <= 0:
            return "the time for DKIM checks is over", NOT_CHECKED
        end = _HEADER_END.search(mail, 0, _LARGEST_HEADER)
        header = mail[: end.start() + 2] if end else mail
        signatures = [match.group() for match in _SIGNATURE.finditer(header[:_LARGEST_HEADER])]
        if len(mail) > _LARGEST_MAIL or len(header) > _LARGEST_HEADER:
            return f"the mail is too large ({len(mail)} bytes, {len(header)} of them headers)", NOT_CHECKED
        if not signatures:
            return None, UNSIGNED
        if _BLANK_RUN.search(mail) or max(map(len, signatures)) > _LARGEST_SIGNATURE:
            return "the mail is built to keep a verifier busy", NOT_CHECKED
        verdicts = [self._signature(mail, index) for index in range(min(len(signatures), _MOST_SIGNATURES))]
        # One good signature is enough (RFC 6376 §6.1); else the most informative verdict counts.
        order = [VALID, OTHER_SERVICE, INVALID, NO_KEY, NOT_CHECKED]
        return min(verdicts, key=lambda verdict: order.index(verdict[1]))

    def _signature(self, mail: bytes, index: int) -> tuple[str | None, str]:
        import dkim

        asked: list[bytes] = []
        services: list[bool] = []

        def record(name: bytes, timeout: int = _TIMEOUT) -> bytes | None:
            asked.append(name)
            text = self._record(name, timeout)
            if text is None:
                return None
            service = _SERVICE.search(b";" + text)
            words = {word.strip() for word in service[1].split(b":")} if service else {b"*"}
            services.append(bool(words & {b"*", b"tlsrpt"}))
            # dkimpy knows a single service type, not the list that RFC 6376 §3.6.1 allows; it is checked here.
            return _SERVICE.sub(b"", b";" + text)[1:]

        try:
            valid = dkim.DKIM(mail, logger=_QUIET, timeout=_TIMEOUT, tlsrpt=True).verify(idx=index, dnsfunc=record)
        except (dkim.ValidationError, dkim.MessageFormatError) as error:
            return str(error), INVALID
        except Exception as error:  # noqa: BLE001 - what else it raises on hostile mails is not documented
            return f"{type(error).__name__}: {error}", NOT_CHECKED
        selector, _, domain = (
            (asked[0] if asked else b"").decode("ascii", "replace").rstrip(".").partition("._domainkey.")
        )
        signer = f"{domain} (selector {selector})" if domain else None
        if not services:
            return signer, NO_KEY
        if not valid:
            return signer, INVALID
        return signer, VALID if services[-1] else OTHER_SERVICE

    def _record(self, name: bytes, timeout: int) -> bytes | None:
        if name not in self._answers:
            try:
                answer = (self._ask or _resolver())(name, timeout=timeout)
            except Exception:  # noqa: BLE001 - whatever a resolver raises: there is no answer
                answer = None
            self._answers[name] = answer if answer is not None and len(answer) <= _LARGEST_KEY else None
        return self._answers[name]
