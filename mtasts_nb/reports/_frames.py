"""From a `Collector`'s numbers to the tables of an `Archive`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ._collect import Collector
from ._columns import Codes, Ints, text_array
from ._duplicates import Duplicates, Rows, Rule, find_duplicates
from ._mx_domains import TREATMENT, domains_of_mx_hosts
from ._origins import Settled
from .ingest import DAY, Deviation, Rejected, ReportedPolicy
from .schema import columns, text_dtype

__all__ = ["frames"]

_POLICY_TEXTS = ("policy_type", "policy_domain", "policy_mode", "policy_string", "mx_host")
_REASONS = {
    Rule.USUAL_SIGNER: "same identity as a report with other content, signed as usual for this reporter, which counts",
    Rule.SIGNED: "same identity as a report with other content, which is signed and counts",
    Rule.RECEIVED_FIRST: "same identity as a report with other content, which was received first and counts",
    Rule.FULLER: "same identity as a report with other content, which counts",
}
#: By number, outcome and reason: a report that counts, a copy of another, one that another counts in the place of.
_OUTCOMES: tuple[tuple[str, str | None], ...] = (
    ("loaded", None),
    ("duplicate", "a copy of a report already counted"),
    *(("duplicate", _REASONS[rule]) for rule in Rule),
)


def frames(collector: Collector, settled: Settled | None = None) -> dict[str, pd.DataFrame]:
    """Return the six tables, by name; the collector is empty afterwards."""
    settled = settled or Settled()
    keys, digests = collector.keys, collector.digests
    collector.keys, collector.digests = [], []
    rows = Rows(collector.reports.columns(), collector.sessions.columns(), collector.failures.columns())
    source, member, report_id = collector.source.column(), collector.member.column(), collector.report_id.column()
    duplicates = find_duplicates(keys, digests, rows, _Names(source, member), settled.received, settled.signed_by)
    everything = np.arange(len(keys))
    start = rows.reports[2]
    # Sorted by start, key and digest.
    packed = np.frombuffer(b"".join(keys), np.dtype([("high", ">u8"), ("low", ">u4")]))
    digest_head = np.frombuffer(b"".join(digests), np.dtype([("head", ">u8"), ("rest", "V24")]))["head"]
    listed = np.flatnonzero(duplicates.copy_of == everything)
    listed = listed[np.lexsort((digest_head[listed], packed["low"][listed], packed["high"][listed], start[listed]))]
    key_text = _key_text(keys, digests, duplicates)
    counts = duplicates.counts[listed]

    counted = listed[counts == listed]
    session_rows, which = _ranges(counted, rows.session_starts)
    failure_rows, failure_session = _ranges(session_rows, rows.failure_starts)
    shared = _Shared(collector, rows, key_text, _joined(collector, rows, source, member))
    sessions = shared.sessions(session_rows, counted[which])
    failures = shared.failures(failure_rows, session_rows[failure_session], counted[which][failure_session])
    reports = {
        "report_key": _text(key_text.take(listed)),
        "organization_name": shared.organizations(rows.reports[0][listed]),
        "contact_info": _Category(collector.contacts)(rows.reports[1][listed]),
        "report_id": _text(report_id.take(listed)),
        "start_datetime": _time(start[listed]),
        "end_datetime": _time(rows.reports[3][listed]),
        "source": _text(source.take(listed)),
        "member": _text(member.take(listed)),
        "sha256": _text(_hex(digests, 32).take(listed)),
        "size": rows.reports[4][listed],
        "duplicate_of": _text(key_text.take(pa.array(counts, mask=counts == listed))),
        "conflict": duplicates.conflict[listed],
        "signed_by": _category([*map(duplicates.signed_by.get, listed.tolist())]),
    }
    set_aside = np.where(duplicates.counts != everything, 2 + duplicates.rule, 0)
    outcome = np.where(duplicates.copy_of != everything, 1, set_aside)
    return {
        "inputs": _inputs(collector, source, member, outcome, key_text),
        "reports": _table("reports", reports),
        "sessions": sessions,
        "failures": failures,
        "deviations": _deviations(collector),
        "rejects": _rejects(collector),
    }


def _table(name: str, cells: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({column: cells[column] for column in columns(name)}, copy=False)


class _Names(Sequence[tuple[str, str]]):
    """Source and member by position, made into text only when asked for."""

    def __init__(self, source: Any, member: Any) -> None:
        self._source, self._member = source, member

    def __getitem__(self, at: Any) -> Any:
        return self._source[at].as_py(), self._member[at].as_py()

    def __len__(self) -> int:
        return len(self._source)


class _Category:
    """Makes categories of numbers: sorted, and only those that occur."""

    def __init__(self, codes: Codes) -> None:
        self._texts = codes.texts()
        self._order = np.array(sorted(range(len(self._texts)), key=self._texts.__getitem__), np.int64)
        # The last entry is for the number -1, a missing text.
        self._rank = np.full(len(self._texts) + 1, len(self._texts), np.int64)
        self._rank[self._order] = np.arange(len(self._texts))

    def __call__(self, numbers: Ints) -> pd.Categorical[Any]:
        ranks = self._rank[numbers]
        occurs = np.zeros(len(self._rank), np.bool_)
        occurs[ranks] = True
        occurs[-1] = False
        position = np.where(occurs, np.cumsum(occurs) - 1, -1)
        texts = [self._texts[at] for at in self._order[occurs[:-1]]]
        kind = pd.CategoricalDtype(pd.Index(pd.array(texts, dtype=text_dtype())))
        return pd.Categorical.from_codes(position[ranks], dtype=kind, validate=False)


def _category(texts: Sequence[str | None]) -> pd.Categorical[Any]:
    codes = Codes()
    numbers = np.array([codes[text] for text in texts], np.int64)
    return _Category(codes)(numbers)


def _joined(collector: Collector, rows: Rows, source: Any, member: Any) -> list[ReportedPolicy]:
    """Return the policies, those of MX hosts under their domain, and note each report that has one."""
    policies = list(collector.policies)
    domains = domains_of_mx_hosts(policies)
    if not domains:
        return policies
    of_report = np.repeat(np.arange(len(rows.reports[0])), rows.reports[-1])
    for session in np.flatnonzero(np.isin(rows.sessions[0], list(domains))).tolist():
        report, policy = int(of_report[session]), policies[int(rows.sessions[0][session])]
        field = f"policies[{session - int(rows.session_starts[report])}].policy.policy-domain"
        deviation = Deviation(field, policy.policy_domain, TREATMENT)
        collector.deviate(source[report].as_py(), member[report].as_py(), deviation)
    return [
        policy._replace(policy_domain=domains[at]) if at in domains else policy for at, policy in enumerate(policies)
    ]


class _Shared:
    """What sessions and failures have in common."""

    def __init__(self, collector: Collector, rows: Rows, key_text: Any, policies: list[ReportedPolicy]) -> None:
        self._collector, self._rows, self._key_text = collector, rows, key_text
        self.organizations = _Category(collector.organizations)
        self._policy: dict[str, tuple[_Category, Ints]] = {}
        for name in _POLICY_TEXTS:
            codes = Codes()
            numbers = np.array([codes[getattr(policy, name)] for policy in policies], np.int64)
            self._policy[name] = _Category(codes), numbers
        self._no_age = np.array([policy.policy_max_age is None for policy in policies], np.bool_)
        self._age = np.array([policy.policy_max_age or 0 for policy in policies], np.int64)

    def _of_policy(self, name: str, policy: Ints) -> pd.Categorical[Any]:
        category, numbers = self._policy[name]
        return category(numbers[policy])

    def _common(self, session_rows: Ints, report: Ints) -> dict[str, Any]:
        start = self._rows.reports[2][report]
        policy = self._rows.sessions[0][session_rows]
        return {
            "report_key": _text(self._key_text.take(report)),
            "policy_index": session_rows - self._rows.session_starts[report],
            "organization_name": self.organizations(self._rows.reports[0][report]),
            "start_datetime": _time(start),
            "day": _time(start - start % DAY),
            **{name: self._of_policy(name, policy) for name in _POLICY_TEXTS[:3]},
        }

    def sessions(self, session_rows: Ints, report: Ints) -> pd.DataFrame:
        policy, successful, failed, detailed, _ = (column[session_rows] for column in self._rows.sessions)
        cells = {
            "end_datetime": _time(self._rows.reports[3][report]),
            "policy_max_age": pd.arrays.IntegerArray(self._age[policy], self._no_age[policy]),
            "policy_string": self._of_policy("policy_string", policy),
            "mx_host": self._of_policy("mx_host", policy),
            "total_successful_session_count": successful,
            "total_failure_session_count": failed,
            "detailed_failure_session_count": detailed,
        }
        return _table("sessions", self._common(session_rows, report) | cells)

    def failures(self, failure_rows: Ints, session_rows: Ints, report: Ints) -> pd.DataFrame:
        numbers = [column[failure_rows] for column in self._rows.failures]
        texts = self._collector
        addresses = _Category(texts.addresses)
        cells = {
            "result_type": _Category(texts.types)(numbers[0]),
            "failed_session_count": numbers[1],
            "sending_mta_ip": addresses(numbers[2]),
            "receiving_mx_hostname": _Category(texts.hosts)(numbers[3]),
            "receiving_mx_helo": _Category(texts.helos)(numbers[4]),
            "receiving_ip": addresses(numbers[5]),
            "failure_reason_code": _Category(texts.reasons)(numbers[6]),
            "additional_information": _Category(texts.informations)(numbers[7]),
        }
        return _table("failures", self._common(session_rows, report) | cells)


def _ranges(chosen: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """Return the rows that belong to the chosen parents, and for each row which of the chosen it belongs to."""
    begin, end = starts[chosen], starts[chosen + 1]
    lengths = end - begin
    offset = np.repeat(begin - (np.cumsum(lengths) - lengths), lengths)
    return np.arange(int(lengths.sum())) + offset, np.repeat(np.arange(len(chosen)), lengths)


def _time(microseconds: Ints) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(microseconds.view("M8[us]")).tz_localize("UTC")


def _text(array: Any) -> Any:
    return text_dtype().__from_arrow__(array)


def _hex(digests: Sequence[bytes], size: int) -> Any:
    offsets = np.arange(0, (len(digests) + 1) * 2 * size, 2 * size, dtype=np.int64)
    text = b"".join(digests).hex().encode()
    return pa.LargeStringArray.from_buffers(len(digests), pa.py_buffer(offsets), pa.py_buffer(text))


def _key_text(keys: Sequence[bytes], digests: Sequence[bytes], duplicates: Duplicates) -> Any:
    """Return report_key: the identity; a report that does not count has the beginning of its SHA-256 after it."""
    text = _hex(keys, 12)
    copy_of = duplicates.copy_of
    set_aside = np.flatnonzero(duplicates.counts[copy_of] != copy_of)
    if not len(set_aside):
        return text
    texts = text.to_pylist()
    for at in set_aside:
        texts[at] = f"{texts[at]}~{digests[copy_of[at]].hex()[:12]}"
    return pa.array(texts, pa.large_string())


def _inputs(collector: Collector, source: Any, member: Any, outcome: Ints, key_text: Any) -> pd.DataFrame:
    others = [other for _, other in collector.others]
    # Each is listed where it was met among the reports.
    positions = np.concatenate([np.arange(len(source)), [at - 0.5 for at, _ in collector.others]])
    order = np.argsort(positions, kind="stable")

    def texts(column: Any, more: list[str | None]) -> Any:
        return _text(pa.concat_arrays([column, text_array(more)]).take(order) if more else column)

    def categories(by_outcome: Sequence[str | None], more: list[str]) -> pd.Categorical[Any]:
        codes = Codes()
        numbers = np.array([codes[text] for text in (*by_outcome, *more)], np.int64)
        return _Category(codes)(np.concatenate([numbers[outcome], numbers[len(by_outcome) :]])[order])

    cells = {
        "source": texts(source, [other.source for other in others]),
        "member": texts(member, [other.member for other in others]),
        "outcome": categories(
            [outcome for outcome, _ in _OUTCOMES],
            ["rejected" if isinstance(other, Rejected) else "skipped" for other in others],
        ),
        "reason": categories([reason for _, reason in _OUTCOMES], [other.reason for other in others]),
        "report_key": texts(key_text, [None] * len(others)),
    }
    return _table("inputs", cells)


def _deviations(collector: Collector) -> pd.DataFrame:
    source, member, value = (_text(texts.column()) for texts in collector.deviations)
    fields, treatments = collector.deviation_codes.columns()
    cells = {
        "source": source,
        "member": member,
        "field": _Category(collector.fields)(fields),
        "value": value,
        "treatment": _Category(collector.treatments)(treatments),
    }
    return _table("deviations", cells)


def _rejects(collector: Collector) -> pd.DataFrame:
    rows = [other for _, other in collector.others if isinstance(other, Rejected)]
    cells: dict[str, Any] = {
        name: _text(text_array([getattr(row, name) for row in rows])) for name in ("source", "member", "detail")
    }
    cells |= {name: _category([getattr(row, name) for row in rows]) for name in ("stage", "reason")}
    return _table("rejects", cells)
