"""From what the caller gives to reports: sources, containers, mails, JSON, and the fast and the lenient reader.

Nothing here knows about tables; a report is handed on as it was read, with what was assumed.
"""

from __future__ import annotations

from ._budget import Budget, bytes_of
from ._dkim import DnsFunc, Signature, Verdict
from ._dkim_queue import DkimCheck
from ._json import decode_document
from ._lenient import MOST_DEVIATIONS, read_document, read_policy
from ._model import (
    LARGEST_TOTAL,
    Deviation,
    Hints,
    Input,
    Leaf,
    NeedsLenientReader,
    Payer,
    Rejected,
    Report,
    ReportedPolicy,
    Result,
    Skipped,
    Unreadable,
    absent_text,
    counts_differ,
    fault,
)
from ._sources import flat_sources, iter_inputs
from ._streams import gunzip
from ._typed import (
    TEXTS_OF_DETAIL,
    TEXTS_OF_ELEMENT,
    TEXTS_OF_REPORT,
    Periods,
    TypedReport,
    check_keys,
    count_texts,
    decode_report,
)
from ._unpack import unpack, unpack_path, unpack_stream
from ._values import DAY, is_address, is_plain_host, is_plain_type
from .remote import Mailbox, is_remote

__all__ = [
    "DAY",
    "LARGEST_TOTAL",
    "MOST_DEVIATIONS",
    "TEXTS_OF_DETAIL",
    "TEXTS_OF_ELEMENT",
    "TEXTS_OF_REPORT",
    "Budget",
    "Deviation",
    "DkimCheck",
    "DnsFunc",
    "Hints",
    "Input",
    "Leaf",
    "Mailbox",
    "NeedsLenientReader",
    "Payer",
    "Periods",
    "Rejected",
    "Report",
    "ReportedPolicy",
    "Result",
    "Signature",
    "Skipped",
    "TypedReport",
    "Unreadable",
    "Verdict",
    "absent_text",
    "bytes_of",
    "check_keys",
    "count_texts",
    "counts_differ",
    "decode_document",
    "decode_report",
    "fault",
    "flat_sources",
    "gunzip",
    "is_address",
    "is_plain_host",
    "is_plain_type",
    "is_remote",
    "iter_inputs",
    "read_document",
    "read_policy",
    "unpack",
    "unpack_path",
    "unpack_stream",
]
