"""Whether a report mail is signed by a domain that may send reports (RFC 8460 §3, RFC 6376).

RFC 8460 §3 has recipients ignore report mails without a valid signature, and asks that the key's record allow the
service type ``tlsrpt`` or ``*``. Archives often hold only the attachments, so this is told, and nothing is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ._report import Deviation

__all__ = ["DkimCheck", "DnsFunc"]

#: Takes a name and a timeout in seconds, gives the TXT record or None.
DnsFunc = Callable[..., "bytes | None"]

_TIMEOUT: Final = 5
#: For all mails together; then mails are marked as not checked.
_DEADLINE: Final = 120.0
_MOST_SIGNATURES: Final = 5
_LARGEST_MAIL: Final = 8 * 1024 * 1024


class DkimCheck:
    """Checks mails, one after another; asks the DNS once per key.

    Parameters
    ----------
    dnsfunc : callable, optional
        Asked in place of the DNS.
    deadline : float, optional
        Longest time for all mails together, in seconds.
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

    def of(self, mail: bytes) -> Deviation:
        """Return the verdict on a mail as a row of `Archive.deviations`, field ``dkim``; never raises."""
        # Two reports of one mail come one after the other.
        if self._last is None or self._last[0] is not mail:
            began = self._clock()
            self._last = mail, self._verdict(mail)
            self._left -= self._clock() - began
        return self._last[1]

    def _verdict(self, mail: bytes) -> Deviation:
        if self._left <= 0:
            return _row(None, "not checked: the time for DKIM checks is used up")
        if len(mail) > _LARGEST_MAIL:
            return _row(None, "not checked: the mail is too large")
        import dkim

        try:
            message = dkim.DKIM(mail, timeout=_TIMEOUT, tlsrpt=True)
            count = sum(name.lower() == b"dkim-signature" for name, _ in message.headers)
        except Exception as error:  # noqa: BLE001 - dkimpy raises many kinds on hostile mails
            return _row(None, f"not checked: {type(error).__name__}")
        if not count:
            return _row(None, "no signature; RFC 8460 §3 has recipients ignore such a report")
        faults: list[str] = []
        for index in range(min(count, _MOST_SIGNATURES)):
            try:
                valid = message.verify(idx=index, dnsfunc=self._record)
            except Exception as error:  # noqa: BLE001
                faults.append(_named(error))
                continue
            signer = _signer(message)
            if valid:
                return _row(signer, "valid signature, and the key may sign TLS reports")
            faults.append(f"{signer or 'a signature'} does not verify")
        return _row(None, f"no valid signature: {'; '.join(dict.fromkeys(faults))}")

    def _record(self, name: bytes, timeout: int = _TIMEOUT) -> bytes | None:
        if name not in self._answers:
            if self._ask is not None:
                self._answers[name] = self._ask(name, timeout=timeout)
            else:
                from dkim.dnsplug import get_txt

                self._answers[name] = get_txt(name, timeout=timeout)
        return self._answers[name]


def _signer(message: object) -> str | None:
    domain = getattr(message, "domain", None)
    return domain.decode("ascii", "replace")[:253] if isinstance(domain, bytes) else None


def _named(error: Exception) -> str:
    from ._values import shown

    return str(shown(f"{type(error).__name__}: {error}"))


def _row(value: str | None, treatment: str) -> Deviation:
    return Deviation("dkim", value, treatment)
