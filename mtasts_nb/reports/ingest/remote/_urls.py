"""Which texts name a source elsewhere."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["BUCKETS", "MAILBOXES", "is_remote", "scheme_of"]

MAILBOXES: Final = ("imaps", "imap")
BUCKETS: Final = ("s3", "gs", "az")
_SCHEME: Final = re.compile(rf"({'|'.join((*MAILBOXES, *BUCKETS))})://", re.IGNORECASE)


def scheme_of(source: str) -> str:
    """Return the scheme of a mailbox or bucket; empty where the text is a path or pattern.

    Examples
    --------
    >>> scheme_of("IMAPS://reports@mail.nordwind.example"), scheme_of("reports/")
    ('imaps', '')
    """
    match = _SCHEME.match(source)
    return match[1].lower() if match else ""


def is_remote(source: object) -> bool:
    """Return whether a source is the address of a mailbox or bucket.

    Examples
    --------
    >>> is_remote("s3://reports/2026"), is_remote("s3/reports"), is_remote(b"imaps://")
    (True, False, False)
    """
    return isinstance(source, str) and bool(scheme_of(source))
