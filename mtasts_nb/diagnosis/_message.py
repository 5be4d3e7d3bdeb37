"""What a bounce, a log line or a reason code holds besides its words: names, status codes, and what became of the mail.

The text comes from a stranger. Only its beginning is read, in linear time, and what is taken from it are plain names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..knowledge import MX, POLICY_HOST, words_of
from ..sender import Delivery
from ..vocabulary import ResultType, is_on_policy_host

__all__ = ["READ", "Message", "read_message"]

#: So many characters are read.
READ: Final = 65536
_MOST: Final = 10

_TYPES = re.compile(rf"(?<![\w-])(?:{'|'.join(ResultType)})(?![\w-])")
_STATUS = re.compile(r"(?<![\w.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\w)")
_REPLY = re.compile(r"(?<![\w.:-])[45]\d\d(?=[ -]+[245]\.\d{1,3}\.\d{1,3}(?!\.?\w))")
# Words that say what became of the message, whatever the status code: Postfix, RFC 3464 §2.3.3, Exim, Exchange.
_BOUNCED = re.compile(
    r"status=(?:bounced|expired)|\baction: failed|delivery has failed|could not be delivered|undelivered mail|"
    r"permanent(?:ly)? (?:error|failure|failed)|^\S+ \S+ \S+ \*\* ",
    re.MULTILINE,
)
_DEFERRED = re.compile(
    r"status=deferred|\baction: delayed|\btemporary failure\b(?! in name)|delivery (?:is |has been )?delayed|\bdefer ?\(|"
    r"^\S+ \S+ \S+ == ",
    re.MULTILINE,
)
_NAME = r"([a-z0-9_](?:[a-z0-9_.-]{0,251})[a-z0-9])"
# A host with its address or port behind it, as mail servers write it; or after a word that says so.
_MX_HOSTS = (
    re.compile(r"(?<![\w.@-])" + _NAME + r"(?=\[[0-9a-f.:]{3,45}\]|:25\b| \([0-9a-f.:]{3,45}\))"),
    re.compile(r"(?:\bmx host|\bmx=|\brelay=|\bh=|\breceiving-mx-hostname\W{1,4})['\" ]?" + _NAME),
)
_DOMAINS = (
    re.compile(r"(?:\bto=<|final-recipient: *rfc822; *|original-recipient: *rfc822; *)[^@<>\s]{1,64}@" + _NAME),
    re.compile(r"(?<![\w.-])mta-sts\." + _NAME),
    re.compile(r"(?:mx hosts of|\bdomain|policy-domain\W{1,4})['\" ]{1,2}" + _NAME),
    re.compile(r"(?:=>|->|\*\*|==) [^@<>\s]{1,64}@" + _NAME),
    re.compile(r"<[^@<>\s]{1,64}@" + _NAME + r">"),
)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_SMTP_WORDS = (
    " smtp ",
    " esmtp ",
    " starttls ",
    " mx ",
    " tlsa ",
    " dane ",
    " postfix ",
    " exim ",
    " kumomta ",
    " port 25 ",
)
_PORT_25 = re.compile(r":25(?![\d.])")
_POLICY_HOST = re.compile(r"(?<![\w.-])mta-sts\.[a-z0-9-]|\.well-known/mta-sts\.txt|\bpolicy host\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What was taken from a text.

    Attributes
    ----------
    domain : str
        The policy domain: that of the recipient, or of the policy host; empty where none is named.
    mx : tuple of str
        The MX hosts that it names.
    result_type : ResultType or None
        The first result type of RFC 8460 that it names.
    statuses : tuple of str
        SMTP replies, then enhanced status codes (RFC 3463).
    delivery : Delivery
        `Delivery.DEFERRED` or `Delivery.BOUNCED` where it says so; else `Delivery.UNKNOWN`.
    side : str
        ``mx`` or ``policy-host``, where it says which one it is about; else empty.
    """

    domain: str
    mx: tuple[str, ...]
    result_type: ResultType | None
    statuses: tuple[str, ...]
    delivery: Delivery
    side: str


def read_message(text: str) -> Message:
    """Return names, codes and the delivery that a text names.

    Examples
    --------
    >>> one = read_message("to=<a@nordwind.example>, relay=mx1.nordwind.example[192.0.2.25]:25, dsn=4.7.5, status=deferred")
    >>> one.domain, one.mx, one.statuses, one.delivery.value, one.side
    ('nordwind.example', ('mx1.nordwind.example',), ('4.7.5',), 'deferred', 'mx')
    """
    text = text[:READ].casefold()
    match = _TYPES.search(text.replace("_", "-"))
    result_type = ResultType(match.group()) if match else None
    statuses = dict.fromkeys((*_REPLY.findall(text), *_STATUS.findall(text)))
    return Message(
        domain=next(_names(text, _DOMAINS), ""),
        mx=tuple(dict.fromkeys(_names(text, _MX_HOSTS)))[:_MOST],
        result_type=result_type,
        statuses=tuple(statuses)[:_MOST],
        delivery=_delivery(text, tuple(statuses)),
        side=_side(text, result_type),
    )


def _names(text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    for pattern in patterns:
        for match in pattern.finditer(text):
            name = match.group(1).strip(".").removeprefix("mta-sts.")
            labels = name.split(".")
            if len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit():
                yield name


def _delivery(text: str, statuses: tuple[str, ...]) -> Delivery:
    """Return what became of the message: by its words, else by the class of its status code (RFC 3463 §3.1)."""
    if _BOUNCED.search(text):
        return Delivery.BOUNCED
    if _DEFERRED.search(text):
        return Delivery.DEFERRED
    classes = {status[0] for status in statuses}
    return Delivery.BOUNCED if "5" in classes else Delivery.DEFERRED if "4" in classes else Delivery.UNKNOWN


def _side(text: str, result_type: ResultType | None) -> str:
    if result_type is not None:
        return POLICY_HOST if is_on_policy_host(result_type) else MX
    if _POLICY_HOST.search(text):
        return POLICY_HOST
    words = words_of(text)
    return MX if _PORT_25.search(text) or any(word in words for word in _SMTP_WORDS) else ""
