"""The columns of every table an `Archive` holds: names, types, what is missing when, what they mean.

This is the only definition, and `check` compares every table with it. Names are the RFC's own keys (RFC 8460 §4.4)
in snake case. Times are UTC, to the microsecond; counts are int64; repeated text is a category whose categories are
sorted; `policy_string` and `mx_host` are one text with a line feed between entries.

Examples
--------
>>> columns("rejects")
['source', 'member', 'stage', 'reason', 'detail']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OUTCOMES", "SCHEMA", "Column", "SchemaError", "check", "columns", "describe", "empty"]

TEXT: Final = "str"
CATEGORY: Final = "category"
COUNT: Final = "int64"
OPTIONAL_COUNT: Final = "Int64"
TIME: Final = "datetime64[us, UTC]"
FLAG: Final = "bool"
REQUIRED: Final = False
OPTIONAL: Final = True

#: What became of an input, by the column `outcome`.
OUTCOMES: Final = ("loaded", "duplicate", "skipped", "rejected")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, whether a value may be missing, and what it means."""

    name: str
    dtype: str
    optional: bool
    meaning: str


class SchemaError(ValueError):
    """A table is not as `SCHEMA` says."""


_KEY = Column(
    "report_key", TEXT, REQUIRED, "identity of the report: 24 hex digits; `~` and more digits where it does not count"
)
_SOURCE = Column("source", TEXT, REQUIRED, "the path as given, or the position of a source given in memory")
_MEMBER = Column("member", TEXT, REQUIRED, "the path inside the source; empty for a plain file")
_INDEX = Column("policy_index", COUNT, REQUIRED, "position in the report's `policies`, from 0")
_ORGANIZATION = Column(
    "organization_name", CATEGORY, REQUIRED, "the reporter, as it names itself; empty if it does not"
)
_START = Column("start_datetime", TIME, REQUIRED, "begin of the reporting period")
_END = Column("end_datetime", TIME, REQUIRED, "end of the reporting period")
_DAY = Column("day", TIME, REQUIRED, "midnight of the UTC day of start_datetime")
_TYPE = Column("policy_type", CATEGORY, REQUIRED, "sts, tlsa, no-policy-found, another as reported, or unknown")
_DOMAIN = Column("policy_domain", CATEGORY, REQUIRED, "the domain the policy is about, in lower case; or unknown")
_MODE = Column("policy_mode", CATEGORY, OPTIONAL, "enforce, testing or none, from policy_string; missing without one")

SCHEMA: Final[dict[str, tuple[Column, ...]]] = {
    "inputs": (
        _SOURCE,
        _MEMBER,
        Column("outcome", CATEGORY, REQUIRED, "loaded, duplicate, skipped (not a report) or rejected"),
        Column(
            "reason", CATEGORY, OPTIONAL, "why it was skipped, rejected or not counted; missing where it was loaded"
        ),
        Column("report_key", TEXT, OPTIONAL, "the report in it; missing where it was skipped or rejected"),
    ),
    "reports": (
        _KEY,
        _ORGANIZATION,
        Column("contact_info", CATEGORY, REQUIRED, "how to reach the reporter; empty if absent"),
        Column("report_id", TEXT, REQUIRED, "the reporter's own id, not unique between reports; empty if absent"),
        _START,
        _END,
        _SOURCE,
        _MEMBER,
        Column("sha256", TEXT, REQUIRED, "SHA-256 of the JSON text, decompressed, in hex"),
        Column("size", COUNT, REQUIRED, "size of the JSON text in bytes"),
        Column(
            "duplicate_of", TEXT, OPTIONAL, "report_key of the report that counts in its place; missing where it counts"
        ),
        Column("conflict", FLAG, REQUIRED, "whether another report of the same identity has other content"),
        Column(
            "signed_by",
            CATEGORY,
            OPTIONAL,
            "domain whose valid DKIM signature its mail has; missing where unsigned or not checked (`deviations`, dkim)",
        ),
    ),
    "sessions": (
        _KEY,
        _INDEX,
        _ORGANIZATION,
        _START,
        _END,
        _DAY,
        _TYPE,
        _DOMAIN,
        _MODE,
        Column("policy_max_age", OPTIONAL_COUNT, OPTIONAL, "seconds, from policy_string; missing without one"),
        Column("policy_string", CATEGORY, REQUIRED, "the policy as the sender saw it, one line each; empty if absent"),
        Column("mx_host", CATEGORY, REQUIRED, "the MX host patterns of the policy, one line each; empty if absent"),
        Column("total_successful_session_count", COUNT, REQUIRED, "sessions that complied with the policy"),
        Column("total_failure_session_count", COUNT, REQUIRED, "sessions that failed, by the report's summary"),
        Column("detailed_failure_session_count", COUNT, REQUIRED, "sessions that failed, added up over the details"),
    ),
    "failures": (
        _KEY,
        _INDEX,
        _ORGANIZATION,
        _START,
        _DAY,
        _TYPE,
        _DOMAIN,
        _MODE,
        Column("result_type", CATEGORY, REQUIRED, "RFC 8460 §4.3, another as reported, unknown, or unattributed"),
        Column("sending_mta_ip", CATEGORY, OPTIONAL, "address of the sender"),
        Column("receiving_mx_hostname", CATEGORY, OPTIONAL, "MX host, in lower case; missing where none was reached"),
        Column("receiving_mx_helo", CATEGORY, OPTIONAL, "what the MX host called itself"),
        Column("receiving_ip", CATEGORY, OPTIONAL, "address of the MX host"),
        Column("failed_session_count", COUNT, REQUIRED, "sessions that failed this way"),
        Column("failure_reason_code", CATEGORY, OPTIONAL, "reason given by the sender, as reported"),
        Column("additional_information", CATEGORY, OPTIONAL, "usually an address with more about it, as reported"),
    ),
    "deviations": (
        _SOURCE,
        _MEMBER,
        Column("field", CATEGORY, REQUIRED, "where in the report, such as `policies[0].policy.mx-host`; or dkim"),
        Column("value", TEXT, OPTIONAL, "the value there, shortened; missing where there was none"),
        Column("treatment", CATEGORY, REQUIRED, "how it was treated"),
    ),
    "rejects": (
        _SOURCE,
        _MEMBER,
        Column("stage", CATEGORY, REQUIRED, "read, unpack, mail, decode or parse"),
        Column("reason", CATEGORY, REQUIRED, "a short code"),
        Column("detail", TEXT, REQUIRED, "what was there and what was expected"),
    ),
}


def columns(table: str) -> list[str]:
    """Return the names of a table's columns, in order.

    Parameters
    ----------
    table : str
        One of the keys of `SCHEMA`.
    """
    return [column.name for column in SCHEMA[table]]


def describe(table: str) -> pd.DataFrame:
    """Return what a table's columns mean, as a DataFrame: column, dtype, optional, meaning.

    Examples
    --------
    >>> describe("sessions").column.tolist()[:2]
    ['report_key', 'policy_index']
    """
    import pandas as pd

    return pd.DataFrame([(c.name, c.dtype, c.optional, c.meaning) for c in SCHEMA[table]]).set_axis(
        ["column", "dtype", "optional", "meaning"], axis=1
    )


def empty(table: str) -> pd.DataFrame:
    """Return a table without rows, with the right columns and types.

    Examples
    --------
    >>> check("sessions", empty("sessions"))
    """
    import pandas as pd

    return pd.DataFrame({column.name: _empty_column(column) for column in SCHEMA[table]})


def _empty_column(column: Column) -> pd.Series:
    import pandas as pd

    if column.dtype == CATEGORY:
        return pd.Series(pd.Categorical([], categories=pd.Index([], dtype=text_dtype())))
    dtype = text_dtype() if column.dtype == TEXT else column.dtype
    return pd.Series([], dtype=dtype)


def text_dtype() -> Any:
    """Return the type of text columns: Arrow strings, NaN where missing (pandas 3 calls it `str`)."""
    import numpy as np
    import pandas as pd

    return pd.StringDtype("pyarrow", na_value=np.nan)


def check(table: str, frame: pd.DataFrame) -> None:
    """Compare a table with the schema.

    Parameters
    ----------
    table : str
        One of the keys of `SCHEMA`.
    frame : DataFrame
        The table.

    Raises
    ------
    SchemaError
        A column is missing, unknown, out of order, of another type, or lacks a value that it must have.

    Examples
    --------
    >>> check("rejects", empty("rejects").drop(columns="stage"))
    Traceback (most recent call last):
    mtasts_nb.reports.schema.SchemaError: rejects: columns are source, member, reason, detail; expected source, member, stage, reason, detail
    """
    have = [str(name) for name in frame.columns]
    if have != columns(table):
        raise SchemaError(f"{table}: columns are {', '.join(have)}; expected {', '.join(columns(table))}")
    for column in SCHEMA[table]:
        series = frame[column.name]
        if not _fits(series.dtype, column.dtype):
            raise SchemaError(f"{table}.{column.name} is {series.dtype}; expected {column.dtype}")
        if not column.optional and bool(series.isna().any()):
            raise SchemaError(f"{table}.{column.name} has missing values; it must have none")


def _fits(have: object, want: str) -> bool:
    import pandas as pd

    if want == CATEGORY:
        return isinstance(have, pd.CategoricalDtype) and isinstance(have.categories.dtype, pd.StringDtype)
    if want == TEXT:
        return isinstance(have, pd.StringDtype)
    return str(have) == want
