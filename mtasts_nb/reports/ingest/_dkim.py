"""Whether a report mail is signed by a key that may sign reports (RFC 8460 §3, RFC 6376).

RFC 8460 §3 asks for a valid signature whose key record allows the service type ``tlsrpt`` or ``*``, and has recipients
ignore other report mails. Archives are read months later, though, when keys have been replaced, and often hold only the
attachments. So the result is noted, and a report is left out for it only where the caller asks for that.

The check itself is dkimpy's. Its patterns and its arithmetic take long on hostile mails and keys: mails and keys larger
than any honest one are not given to it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from enum import StrEnum
from typing import Final, NamedTuple

from ._model import Deviation
from ._values import excerpt

__all__ = ["FIELD", "MOST_WAIT", "DnsFunc", "Key", "Signature", "Verdict", "author_domain", "check", "claims"]

#: Takes a name as bytes and `timeout` in seconds; gives the TXT record as bytes, or None where there is none.
DnsFunc = Callable[..., "bytes | None"]
#: Gives the key record of the key asked for, or None; raises `NotAsked` where it may not be asked for.
Lookup = Callable[[], "bytes | None"]

#: What these rows of `Archive.deviations` have as their field.
FIELD: Final = "dkim"
#: Longest wait for one DNS answer, in seconds.
MOST_WAIT: Final = 5

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
_AUTHOR: Final = re.compile(
    rb"^from[ \t]*:([^\r\n]{0,998}(?:\r?\n[ \t][^\r\n]{0,998}){0,9})", re.IGNORECASE | re.MULTILINE
)
_SERVICE: Final = re.compile(rb";\s*s\s*=([^;]*)")
_NAME: Final = re.compile(rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,126}")

_QUIET = logging.getLogger("mtasts_nb.dkim")
_QUIET.setLevel(logging.CRITICAL + 1)


class Signature(StrEnum):
    """What a check of a mail's signatures gave; those before others tell more."""

    VALID = "valid"
    OTHER_SERVICE = "other-service"
    INVALID = "invalid"
    NO_KEY = "no-key"
    NOT_CHECKED = "not-checked"
    UNSIGNED = "unsigned"
    FORWARDED = "forwarded"
    NO_MAIL = "no-mail"


_TREATMENTS: Final = {
    Signature.VALID: "valid signature, by a key that may sign TLS reports",
    Signature.OTHER_SERVICE: "valid signature, but by a key that may not sign TLS reports (RFC 8460 §3)",
    Signature.INVALID: "no valid signature",
    Signature.NO_KEY: "cannot be checked: the key is not in the DNS (any longer)",
    Signature.NOT_CHECKED: "not checked",
    Signature.UNSIGNED: "no signature",
    Signature.FORWARDED: "in a mail inside another mail, which its reporter did not sign as it is",
    Signature.NO_MAIL: "did not come as a mail, so that there is no signature to check",
}
_INFORMATIVE: Final = list(Signature)


class Key(NamedTuple):
    """Which key a signature claims: the domain (d=) and the selector (s=), in lower case."""

    domain: str
    selector: str

    @property
    def name(self) -> bytes:
        """Where its record is (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}.".encode()

    def __str__(self) -> str:
        return f"{self.domain} (selector {self.selector})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check gave: by which domain's key, and what there is to say about it."""

    result: Signature
    domain: str | None = None
    detail: str | None = None

    @property
    def signed_by(self) -> str | None:
        """The domain that signed; None where the signature is not valid for a TLS report."""
        return self.domain if self.result is Signature.VALID else None

    @property
    def treatment(self) -> str:
        """The result in words."""
        return _TREATMENTS[self.result]

    def deviation(self) -> Deviation:
        """Return the verdict as a row of `Archive.deviations`."""
        return Deviation(FIELD, excerpt(self.detail), self.treatment)

    def rank(self, author: str | None) -> tuple[int, bool, str]:
        """Return what the best verdict on a mail has the least of.

        One good signature is enough (RFC 6376 §6.1). Of several, the one by the author's own domain counts: reports
        are to be signed by the reporting domain (RFC 8460 §3).
        """
        domain = self.domain or ""
        own = author is not None and (author == domain or author.endswith(f".{domain}"))
        return _INFORMATIVE.index(self.result), not own, domain


class NotAsked(Exception):  # noqa: N818 - a result, not a fault of the program
    """The key record was not asked for, or there was no answer; the text says why."""


def author_domain(mail: bytes) -> str | None:
    """Return the domain of the mail's From address; None where there is none."""
    field = _AUTHOR.search(_header(mail))
    address = parseaddr(b" ".join(field[1].split()).decode("utf-8", "replace"))[1] if field else ""
    return address.rpartition("@")[2].strip().lower() or None


def claims(mail: bytes) -> list[Key | None] | Verdict:
    """Return which key each signature of a mail claims (None: nothing that could be one); a verdict where none is to be checked.

    Examples
    --------
    >>> claims(b"From: a@b.example\\r\\n\\r\\n").result
    <Signature.UNSIGNED: 'unsigned'>
    >>> claims(b"DKIM-Signature: v=1; d=B.example;\\r\\n s=x; b=\\r\\nFrom: a@b.example\\r\\n\\r\\n")
    [Key(domain='b.example', selector='x')]
    """
    header = _header(mail)
    signatures = _SIGNATURE.findall(header[:_LARGEST_HEADER])
    if len(mail) > _LARGEST_MAIL or len(header) > _LARGEST_HEADER:
        size = f"the mail is too large ({len(mail)} bytes, {len(header)} of them headers)"
        return Verdict(Signature.NOT_CHECKED, None, size)
    if not signatures:
        return Verdict(Signature.UNSIGNED)
    if _BLANK_RUN.search(mail) or max(map(len, signatures)) > _LARGEST_SIGNATURE:
        return Verdict(Signature.NOT_CHECKED, None, "the mail is built to keep a verifier busy")
    return [_key(signature) for signature in signatures[:_MOST_SIGNATURES]]


def _header(mail: bytes) -> bytes:
    end = _HEADER_END.search(mail, 0, _LARGEST_HEADER)
    return mail[: end.start() + 2] if end else mail


def _key(signature: bytes) -> Key | None:
    tags = {}
    for tag in signature.partition(b":")[2].split(b";"):
        name, _, value = tag.partition(b"=")
        tags[name.strip()] = b"".join(value.split())
    domain, selector = tags.get(b"d", b""), tags.get(b"s", b"")
    if not (_NAME.fullmatch(domain) and _NAME.fullmatch(selector)):
        return None
    return Key(domain.decode().lower(), selector.decode().lower())


def check(mail: bytes, index: int, key: Key, lookup: Lookup) -> Verdict:
    """Return the verdict on one signature of a mail; never raises."""
    import dkim

    answers: list[bytes | None] = []
    refusal: list[str] = []
    may_sign = False

    def record(name: bytes, **_: object) -> bytes | None:
        nonlocal may_sign
        if name.lower() != key.name:
            refusal.append("its key is named in a way that can be read as two names")
            return None
        try:
            text = lookup()
        except NotAsked as error:
            refusal.append(str(error))
            return None
        answers.append(text)
        if text is None or len(text) > _LARGEST_KEY:
            answers[-1] = None
            return None
        service = _SERVICE.search(b";" + text)
        words = {word.strip() for word in service[1].split(b":")} if service else {b"*"}
        may_sign = bool(words & {b"*", b"tlsrpt"})
        # dkimpy knows a single service type, not the list that RFC 6376 §3.6.1 allows; it is checked here.
        return _SERVICE.sub(b"", b";" + text)[1:]

    try:
        # With tlsrpt, dkimpy hashes the whole body: l= must not be used (RFC 8460 §3).
        valid = dkim.DKIM(mail, logger=_QUIET, timeout=MOST_WAIT, tlsrpt=True).verify(idx=index, dnsfunc=record)
    except (dkim.ValidationError, dkim.MessageFormatError) as error:
        result, detail = Signature.INVALID, str(error)
    except Exception as error:  # noqa: BLE001 - what else it raises on hostile mails is not documented
        result, detail = Signature.NOT_CHECKED, f"{type(error).__name__}: {error}"
    else:
        result, detail = Signature.INVALID, str(key)
        if answers == [None]:
            result = Signature.NO_KEY
        elif valid:
            result = Signature.VALID if may_sign else Signature.OTHER_SERVICE
    if refusal:
        return Verdict(Signature.NOT_CHECKED, key.domain, refusal[0])
    return Verdict(result, key.domain, detail)
