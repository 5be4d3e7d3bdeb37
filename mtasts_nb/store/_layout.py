"""What is where in a store: the kinds of files, their columns, and the version of this layout.

A store is one Delta table, so that one commit is all or nothing for everything that it holds. It is partitioned by
`kind` (which table of an archive a file is of) and `period` (a UTC day, or a month). A file has the columns of its kind
only.

Sessions and failures name their report by its row in the file of reports of the same name and day (column `report`): a
report key is 12 bytes that do not compress, and would be half of what a store takes.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

__all__ = ["BY_DAY", "KINDS", "LAYOUT_VERSION", "ROLLUPS", "TEXTS", "delta_schema", "empty_table", "file_schema"]

#: A store says which layout it has; one with a higher number was written by a later mtasts-nb.
LAYOUT_VERSION: Final = 1

_WORD: Final = pa.dictionary(pa.int32(), pa.string())
_TIME: Final = pa.timestamp("us", "UTC")
_COUNT: Final = pa.int64()
_ROW: Final = pa.int32()

_POLICY: Final = {"policy_type": _WORD, "policy_domain": _WORD, "policy_mode": _WORD}
_OF_SESSION: Final = {"report": _ROW, "policy_index": _ROW, "organization_name": _WORD, "start_datetime": _TIME}
#: Rollups are sorted by these, the domain first: a question is often about one.
_ROLLUP: Final = {
    "policy_domain": _WORD,
    "policy_type": _WORD,
    "day": _TIME,
    "organization_name": _WORD,
    "policy_mode": _WORD,
}

#: Columns by kind. Repeated text (`_WORD`) is stored once per file.
KINDS: Final[dict[str, dict[str, Any]]] = {
    "reports": {
        "report_key": pa.binary(12),
        "sha256": pa.binary(32),
        "counts": pa.bool_(),
        "organization_name": _WORD,
        "contact_info": _WORD,
        "report_id": pa.string(),
        "start_datetime": _TIME,
        "end_datetime": _TIME,
        "source": pa.string(),
        "member": pa.string(),
        "size": _COUNT,
        "signed_by": _WORD,
        # When the first mail with it was received, in microseconds from 1970-01-01; missing where it was a file.
        "received": _COUNT,
    },
    "sessions": {
        **_OF_SESSION,
        "end_datetime": _TIME,
        **_POLICY,
        "policy_max_age": _COUNT,
        "policy_string": _WORD,
        "mx_host": _WORD,
        "total_successful_session_count": _COUNT,
        "total_failure_session_count": _COUNT,
        "detailed_failure_session_count": _COUNT,
    },
    "failures": {
        **_OF_SESSION,
        **_POLICY,
        "result_type": _WORD,
        "sending_mta_ip": _WORD,
        "receiving_mx_hostname": _WORD,
        "receiving_mx_helo": _WORD,
        "receiving_ip": _WORD,
        "failed_session_count": _COUNT,
        "failure_reason_code": _WORD,
        "additional_information": _WORD,
    },
    "deviations": {
        "source": pa.string(),
        "member": pa.string(),
        "field": _WORD,
        "value": pa.string(),
        "treatment": _WORD,
    },
    "rejects": {
        "source": pa.string(),
        "member": pa.string(),
        "stage": _WORD,
        "reason": _WORD,
        "detail": pa.string(),
    },
    "daily_sessions": {
        **_ROLLUP,
        "row_count": _COUNT,
        "session_count": _COUNT,
    },
    "daily_failures": {
        **_ROLLUP,
        "result_type": _WORD,
        "receiving_mx_hostname": _WORD,
        "failed_session_count": _COUNT,
    },
}
#: The kinds with one period a day; those of the others are months.
BY_DAY: Final = ("reports", "sessions", "failures")
#: Sums of sessions and failures, kept so that `daily` need not read them.
ROLLUPS: Final = ("daily_sessions", "daily_failures")
#: The columns of repeated text, by kind.
TEXTS: Final = {kind: [name for name, dtype in columns.items() if dtype == _WORD] for kind, columns in KINDS.items()}


def file_schema(kind: str) -> Any:
    """Return the Arrow schema of the files of a kind."""
    return pa.schema(KINDS[kind].items())


def empty_table(kind: str) -> Any:
    """Return a table of a kind without rows."""
    return file_schema(kind).empty_table()


def delta_schema() -> Any:
    """Return the schema of the whole table: the two partition columns, and the columns of every kind."""
    plain = {_WORD: pa.string(), pa.binary(12): pa.binary(), pa.binary(32): pa.binary()}
    columns = {"kind": pa.string(), "period": pa.string()}
    for kind in KINDS.values():
        columns |= {name: plain.get(dtype, dtype) for name, dtype in kind.items()}
    return pa.schema(columns.items())
