"""An archive whose names are replaced, and whose free text is scrubbed or left out, before anything is computed from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..reports import Archive, schema
from ..vocabulary import UNATTRIBUTED, UNKNOWN, PolicyType, ResultType
from ._redact_names import is_host

if TYPE_CHECKING:
    import pandas as pd

    from ._redact_names import Pseudonyms

__all__ = ["names_in", "policy_line", "redacted_archive"]

Replace = Callable[[str], str | None]
_KEPT_TYPES = frozenset(map(str, ResultType)) | {UNATTRIBUTED, UNKNOWN}
_KEPT_POLICY_TYPES = frozenset(map(str, PolicyType)) | {UNKNOWN}
_POLICY_LINE = re.compile(
    r"(version: *STSv1|mode: *(enforce|testing|none)|max_age: *\d{1,10} ?[a-z]?|#)", re.IGNORECASE
)
_MX_LINE = re.compile(r"(mx: *)(\S+)", re.IGNORECASE)
# The keys of RFC 8460 §4.4 and those that are read in their place.
_FIELDS = frozenset(
    [
        "organization-name",
        "date-range",
        "start-datetime",
        "end-datetime",
        "contact-info",
        "report-id",
        "policies",
        "policy",
        "policy-type",
        "policy-string",
        "policy-domain",
        "mx-host",
        "mx-host-pattern",
        "summary",
        "total-successful-session-count",
        "total-failure-session-count",
        "failure-details",
        "result-type",
        "sending-mta-ip",
        "receiving-mx-hostname",
        "receiving-mx-helo",
        "receiving-ip",
        "failed-session-count",
        "additional-information",
        "failure-reason-code",
        "dkim",
    ]
)
_LEFT_OUT = "(left out)"


def redacted_archive(archive: Archive, names: Pseudonyms) -> Archive:
    """Return the archive with pseudonyms, in every table.

    Kept are counts, times, policy types and modes, max_age, registered result types, what was done with odd fields, and
    why inputs were refused. Names, addresses, reporters, file names and report ids get pseudonyms. Reason codes keep the
    words of the protocols. Left out are contact addresses, additional-information, what stood in odd fields, details of
    refusals, sizes and hashes; with a seed, keyed hashes stand in their place.
    """
    _number(archive, names)
    keys = _Keys()
    inputs = _numbered("input")
    members = _numbered("part")
    types, policy_types = _numbered("x-result-type-", ""), _numbered("x-policy-type-", "")
    replace: dict[str, Replace] = {
        "report_key": keys,
        "duplicate_of": keys,
        "organization_name": names.reporter,
        "contact_info": lambda _: "",
        "report_id": _numbered("report"),
        "source": inputs,
        "member": lambda text: members(text) if text else text,
        "sha256": lambda text: names.keyed(text) or _LEFT_OUT,
        "policy_domain": names.domain,
        "policy_type": lambda text: text if text in _KEPT_POLICY_TYPES else policy_types(text),
        "policy_string": lambda text: _policy(text, names),
        "mx_host": lambda text: "\n".join(map(names.host, text.split("\n"))),
        "result_type": lambda text: text if text in _KEPT_TYPES else types(text),
        "sending_mta_ip": names.address,
        "receiving_mx_hostname": names.host,
        "receiving_mx_helo": lambda _: None,
        "receiving_ip": names.address,
        "failure_reason_code": names.scrubbed,
        "additional_information": lambda _: None,
        "field": _field,
        "value": lambda _: None,
        "treatment": names.prose,
        "reason": names.prose,
        "detail": lambda _: _LEFT_OUT,
    }
    tables = {}
    for table, columns in schema.SCHEMA.items():
        frame = getattr(archive, table).copy()
        for column in columns:
            if column.name in replace:
                frame[column.name] = _replaced(frame[column.name], replace[column.name], column.dtype)
        if "size" in frame:
            frame["size"] = frame["size"] * 0
        schema.check(table, frame)
        tables[table] = frame
    return Archive(looked_at=[f"source {place}" for place in range(1, len(archive.looked_at) + 1)], **tables)


def names_in(archive: Archive) -> set[str]:
    """Return every name, address and file name in an archive: no pseudonym may be one of them."""
    found: set[str] = set()
    for table, column in (
        ("sessions", "policy_domain"), ("failures", "policy_domain"), ("failures", "receiving_mx_hostname"),
        ("failures", "receiving_ip"), ("failures", "sending_mta_ip"), ("sessions", "organization_name"),
        ("reports", "organization_name"), ("sessions", "mx_host"),
    ):  # fmt: skip
        for text in _texts(getattr(archive, table)[column]):
            found.update(text.split("\n"))
    return found


def _number(archive: Archive, names: Pseudonyms) -> None:
    """Ask for pseudonyms in an order that says nothing but what the document says: by sessions, the most first."""
    counted = archive.sessions.assign(
        n=archive.sessions["total_successful_session_count"] + archive.sessions["total_failure_session_count"]
    )
    for column, ask in (("policy_domain", names.domain), ("organization_name", names.reporter)):
        sums = counted.groupby(column, observed=True)["n"].sum()
        for name in sorted(map(str, sums.index), key=lambda name: (-int(sums[name]), name)):
            ask(name)
    hosts = {text for column in ("mx_host",) for text in _texts(archive.sessions[column])}
    lines = {line for text in hosts for line in text.split("\n")} | set(
        _texts(archive.failures["receiving_mx_hostname"])
    )
    for host in sorted(lines):
        names.host(host)


def _texts(series: pd.Series) -> Iterable[str]:
    return (str(text) for text in series.dropna().unique())


class _Keys:
    """Report keys in the order in which they are met; what follows a ``~`` is kept, it counts copies."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        key, mark, rest = text.partition("~")
        return self._seen.setdefault(key, f"{len(self._seen) + 1:024x}") + mark + rest


def _numbered(word: str, gap: str = " ") -> Callable[[str], str]:
    seen: dict[str, str] = {}
    return lambda text: seen.setdefault(text, f"{word}{gap}{len(seen) + 1}")


def _field(text: str) -> str:
    words = [word for word in re.split(r"[.\[\]]|\d+", text) if word]
    return text if all(word in _FIELDS for word in words) else "(another key)"


def _policy(text: str, names: Pseudonyms) -> str:
    return "\n".join(policy_line(line, names) for line in text.split("\n"))


def policy_line(line: str, names: Pseudonyms) -> str:
    """Return a line of a policy file with its names replaced."""
    if _POLICY_LINE.fullmatch(line.strip()):
        return line
    match = _MX_LINE.fullmatch(line.strip())
    if match and is_host(match[2]):
        return match[1] + names.host(match[2]) + ("." if match[2].endswith(".") else "")
    return "# …" if line.lstrip().startswith("#") else names.scrubbed(line)


def _replaced(series: pd.Series, replace: Replace, dtype: str) -> pd.Series:
    """Return a column with its texts replaced, each distinct one once."""
    import numpy as np
    import pandas as pd

    if dtype == schema.CATEGORY:
        used = series.cat.remove_unused_categories()
        codes, categories = used.cat.codes.to_numpy(), [str(text) for text in used.cat.categories]
    else:
        codes, found = pd.factorize(series)
        categories = [str(text) for text in found]
    made = [replace(text) for text in categories]
    if dtype != schema.CATEGORY:
        values = np.array([*made, None], object)[codes]
        texts: pd.Series = pd.Series(values, index=series.index, dtype=schema.text_dtype())
        return texts
    distinct = sorted({text for text in made if text is not None})
    place = {text: number for number, text in enumerate(distinct)}
    to_new = np.array([*(-1 if text is None else place[text] for text in made), -1], np.int64)
    index = pd.Index(distinct, dtype=schema.text_dtype())
    column: pd.Series = pd.Series(pd.Categorical.from_codes(to_new[codes], categories=index), index=series.index)
    return column
