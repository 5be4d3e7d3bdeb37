"""Sources elsewhere: a mailbox by IMAP, a bucket. Both give the content of a message or an object as one input."""

from __future__ import annotations

from ._buckets import bucket_items
from ._mailbox import Mailbox
from ._urls import is_remote, scheme_of

__all__ = ["Mailbox", "bucket_items", "is_remote", "scheme_of"]
