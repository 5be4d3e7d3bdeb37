"""From a `Collector`'s numbers to the tables of an `Archive`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ._collect import Collector
from ._dates import DAY
from ._leaf import Refused
from ._resolve import Rows, resolve
from ._tables import text_array
from .schema import columns, text_dtype

__all__ = ["frames"]

Ints = npt.NDArray[np.int64]


def frames(collector: Collector) -> dict[str, pd.DataFrame]:
    """Return the six tables, by name; the collector is empty afterwards."""
    keys, digests = collector.keys, collector.digests
    rows = Rows(collector.reports.columns(), collector.sessions.columns(), collector.failures.columns())
    source, member = collector.source.column(), collector.member.column()
    report_id = collector.report_id.column()
    collector.keys, collector.digests = [], []
    verdict = resolve(keys, digests, rows, _Places(source, member))
    everything = np.arange(len(keys))
    start = rows.reports[2]
    packed = np.frombuffer(b"".join(keys), np.dtype([("high", ">u8"), ("low", ">u4")]))
    digest_head = np.frombuffer(b"".join(digests), np.dtype([("head", ">u8"), ("rest", "V24")]))["head"]
    shown = np.flatnonzero(verdict.copy_of == everything)
    shown = shown[np.lexsort((digest_head[shown], packed["low"][shown], packed["high"][shown], start[shown]))]
    key_text = _key_text(keys, digests, verdict.counts, verdict.copy_of)

    counted = shown[verdict.counts[shown] == shown]
    session_starts, failure_starts = rows.bounds()
    session_rows, which = _ranges(counted, session_starts)
    session_report = counted[which]
    failure_rows, failure_session = _ranges(session_rows, failure_starts)
    shared = _Shared(collector, rows, key_text, session_starts)
    sessions = shared.sessions(session_rows, session_report)
    failures = shared.failures(failure_rows, session_rows[failure_session], session_report[failure_session])
    reports = pd.DataFrame(
        {
            "report_key": _text(key_text.take(shown)),
            "organization_name": shared.organizations(rows.reports[0][shown]),
            "contact_info": _Category(collector.contacts.texts())(rows.reports[1][shown]),
            "report_id": _text(report_id.take(shown)),
            "start_datetime": _time(start[shown]),
            "end_datetime": _time(rows.reports[3][shown]),
            "source": _text(source.take(shown)),
            "member": _text(member.take(shown)),
            "sha256": _text(_hex(digests, 32).take(shown)),
            "size": rows.reports[4][shown],
            "duplicate_of": _text(key_text.take(pa.array(verdict.counts[shown], mask=verdict.counts[shown] == shown))),
            "conflict": verdict.conflict[shown],
        },
        copy=False,
    )
    outcome = np.where(verdict.copy_of != everything, 1, np.where(verdict.counts != everything, 2, 0))
    return {
        "inputs": _inputs(collector, source, member, outcome, key_text),
        "reports": reports,
        "sessions": sessions,
        "failures": failures,
        "deviations": _deviations(collector),
        "rejects": _rejects(collector),
    }


class _Places(Sequence[tuple[str, str]]):
    """Source and member by position, made into text only where one is asked for."""

    def __init__(self, source: Any, member: Any) -> None:
        self._source, self._member = source, member

    def __getitem__(self, at: Any) -> Any:
        return self._source[at].as_py(), self._member[at].as_py()

    def __len__(self) -> int:
        return len(self._source)


class _Category:
    """Makes categories of numbers: sorted, and none that does not occur."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._rank = np.empty(len(texts), np.int64)
        self._order = np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)
        self._rank[self._order] = np.arange(len(texts))

    def __call__(self, numbers: Ints) -> pd.Categorical[Any]:
        if not len(self._texts):
            return pd.Categorical.from_codes(numbers, dtype=pd.CategoricalDtype(_index([])))
        ranks = self._rank[numbers]
        there = numbers >= 0
        occurs = np.zeros(len(self._texts), np.bool_)
        occurs[ranks[there]] = True
        position = np.cumsum(occurs) - 1
        texts = [self._texts[at] for at in self._order[occurs]]
        codes = np.where(there, position[ranks], -1)
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(_index(texts)), validate=False)


class _Shared:
    """What sessions and failures have in common."""

    def __init__(self, collector: Collector, rows: Rows, key_text: Any, session_starts: Ints) -> None:
        self._collector, self._rows, self._key_text = collector, rows, key_text
        self._session_starts = session_starts
        self.organizations = _Category(collector.organizations.texts())
        seen = list(collector.policies)
        self._policy: dict[str, tuple[_Category, Ints]] = {}
        for name in ("policy_type", "policy_domain", "policy_mode", "policy_string", "mx_host"):
            numbers: dict[str | None, int] = {None: -1}
            coded = [numbers.setdefault(getattr(policy, name), len(numbers) - 1) for policy in seen]
            texts = [text for text in numbers if text is not None]
            self._policy[name] = _Category(texts), np.array(coded, np.int64)
        self._no_age = np.array([policy.policy_max_age is None for policy in seen], np.bool_)
        self._age = np.array([policy.policy_max_age or 0 for policy in seen], np.int64)

    def _of_policy(self, name: str, policy: Ints) -> pd.Categorical[Any]:
        category, numbers = self._policy[name]
        return category(numbers[policy])

    def _common(self, session_rows: Ints, report: Ints) -> dict[str, Any]:
        start = self._rows.reports[2][report]
        policy = self._rows.sessions[0][session_rows]
        return {
            "report_key": _text(self._key_text.take(report)),
            "policy_index": session_rows - self._session_starts[report],
            "organization_name": self.organizations(self._rows.reports[0][report]),
            "start_datetime": _time(start),
            "end_datetime": _time(self._rows.reports[3][report]),
            "day": _time(start - start % DAY),
            "policy_type": self._of_policy("policy_type", policy),
            "policy_domain": self._of_policy("policy_domain", policy),
            "policy_mode": self._of_policy("policy_mode", policy),
        }

    def sessions(self, session_rows: Ints, report: Ints) -> pd.DataFrame:
        policy = self._rows.sessions[0][session_rows]
        found = self._common(session_rows, report)
        found["policy_max_age"] = pd.arrays.IntegerArray(self._age[policy], self._no_age[policy])
        found["policy_string"] = self._of_policy("policy_string", policy)
        found["mx_host"] = self._of_policy("mx_host", policy)
        for name, column in zip(("successful", "failure"), (1, 2), strict=True):
            found[f"total_{name}_session_count"] = self._rows.sessions[column][session_rows]
        found["detailed_failure_session_count"] = self._rows.sessions[3][session_rows]
        return pd.DataFrame(found, columns=columns("sessions"), copy=False)

    def failures(self, failure_rows: Ints, session_rows: Ints, report: Ints) -> pd.DataFrame:
        found = self._common(session_rows, report)
        cells = [column[failure_rows] for column in self._rows.failures]
        texts = self._collector
        addresses = _Category(texts.addresses.texts())
        found["result_type"] = _Category(texts.words.texts())(cells[0])
        found["failed_session_count"] = cells[1]
        found["sending_mta_ip"] = addresses(cells[2])
        found["receiving_mx_hostname"] = _Category(texts.hosts.texts())(cells[3])
        found["receiving_mx_helo"] = _Category(texts.helos.texts())(cells[4])
        found["receiving_ip"] = addresses(cells[5])
        found["failure_reason_code"] = _Category(texts.reasons.texts())(cells[6])
        found["additional_information"] = _Category(texts.informations.texts())(cells[7])
        return pd.DataFrame({name: found[name] for name in columns("failures")}, copy=False)


def _index(texts: list[str]) -> Any:
    return pd.Index(pd.array(texts, dtype=text_dtype()))


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


def _key_text(keys: Sequence[bytes], digests: Sequence[bytes], counts: Ints, copy_of: Ints) -> Any:
    """Return report_key: the identity; a report that does not count has the head of its SHA-256 behind it."""
    text = _hex(keys, 12)
    set_aside = np.flatnonzero(counts[copy_of] != copy_of)
    if not len(set_aside):
        return text
    named = text.to_pylist()
    for at in set_aside:
        named[at] = f"{named[at]}~{digests[copy_of[at]].hex()[:12]}"
    return pa.array(named, pa.large_string())


_REASONS = ("a copy of a report already counted", "same identity as a report with other content, which counts")


def _inputs(collector: Collector, source: Any, member: Any, outcome: Ints, key_text: Any) -> pd.DataFrame:
    others = [
        (at, other.source, other.member, "rejected" if isinstance(other, Refused) else "skipped", other.reason)
        for at, other in collector.others
    ]
    reasons = _numbered([None, *_REASONS], outcome)
    outcomes = _numbered(["loaded", "duplicate", "duplicate"], outcome)
    if not others:
        return _input_frame(_text(source), _text(member), outcomes, reasons, _text(key_text))
    # Each stands where it was met among the reports.
    order = np.argsort(np.concatenate([np.arange(len(source)), [at - 0.5 for at, *_ in others]]), kind="stable")

    def joined(array: Any, more: list[str | None]) -> Any:
        return _text(pa.concat_arrays([array, text_array(more)]).take(order))

    def coded(column: list[str | None], more: list[str]) -> pd.Categorical[Any]:
        return _categorical([*column, *more]).take(order)

    return _input_frame(
        joined(source, [row[1] for row in others]),
        joined(member, [row[2] for row in others]),
        coded(list(outcomes), [row[3] for row in others]),
        coded([value if isinstance(value, str) else None for value in reasons], [row[4] for row in others]),
        joined(key_text, [None] * len(others)),
    )


def _input_frame(source: Any, member: Any, outcome: Any, reason: Any, key: Any) -> pd.DataFrame:
    cells = (source, member, outcome, reason, key)
    return pd.DataFrame(dict(zip(columns("inputs"), cells, strict=True)), copy=False)


def _numbered(texts: list[str | None], which: Ints) -> pd.Categorical[Any]:
    names = [text for text in dict.fromkeys(texts) if text is not None]
    numbers = np.array([names.index(text) if text is not None else -1 for text in texts], np.int64)
    return _Category(names)(numbers[which])


def _categorical(values: Sequence[str | None]) -> pd.Categorical[Any]:
    numbers: dict[str | None, int] = {None: -1}
    coded = np.array([numbers.setdefault(value, len(numbers) - 1) for value in values], np.int64)
    return _Category([text for text in numbers if text is not None])(coded)


def _deviations(collector: Collector) -> pd.DataFrame:
    source, member, value = (_text(texts.column()) for texts in collector.deviations)
    fields, treatments = collector.deviation_codes.columns()
    cells = {
        "source": source,
        "member": member,
        "field": _Category(collector.fields.texts())(fields),
        "value": value,
        "treatment": _Category(collector.treatments.texts())(treatments),
    }
    return pd.DataFrame(cells, copy=False)


def _rejects(collector: Collector) -> pd.DataFrame:
    found = [other for _, other in collector.others if isinstance(other, Refused)]
    return pd.DataFrame(
        {
            "source": _text(text_array([row.source for row in found])),
            "member": _text(text_array([row.member for row in found])),
            "stage": _categorical([row.stage for row in found]),
            "reason": _categorical([row.reason for row in found]),
            "detail": _text(text_array([row.detail for row in found])),
        }
    )
