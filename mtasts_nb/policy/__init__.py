"""DNS records and the policy file as text: parse, match, validate offline. Pure: no I/O, no clock.

RFC 8461 §3.1 (`_mta-sts` record), §3.2 (policy file), §4.1 (matching), and RFC 8460 §3 (`_smtp._tls` record).
"""

from ._coverage import smallest_covering
from ._names import domain_name, mx_host_names, mx_matches, places
from ._policy import Policy, draft_policy, parse_policy
from ._sts_record import StsRecord, draft_record, find_sts_record, parse_sts_record
from ._tlsrpt_record import TlsRptRecord, find_tlsrpt_record, parse_tlsrpt_record
from ._validate import validate
from ._views import Beside, MxRow, MxTable, beside, mx_table

__all__ = [
    "Beside",
    "MxRow",
    "MxTable",
    "Policy",
    "StsRecord",
    "TlsRptRecord",
    "beside",
    "domain_name",
    "draft_policy",
    "draft_record",
    "find_sts_record",
    "find_tlsrpt_record",
    "mx_host_names",
    "mx_matches",
    "mx_table",
    "parse_policy",
    "parse_sts_record",
    "parse_tlsrpt_record",
    "places",
    "smallest_covering",
    "validate",
]
