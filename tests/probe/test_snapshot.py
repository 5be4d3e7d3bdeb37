"""Snapshots: what is saved comes back, whatever strangers wrote into it; what is no snapshot is refused with a reason."""

from __future__ import annotations

import json
import typing
from datetime import UTC, datetime
from enum import Enum
from types import UnionType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtasts_nb.errors import SnapshotError
from mtasts_nb.probe import Probe, load_probe
from mtasts_nb.probe._snapshot import SCHEMA

# What the probe keeps is decoded from bytes as UTF-8 with escapes, so it holds no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MOMENT = st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(9999, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


def values(kind):
    """Anything that a field of this type may hold."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (UnionType, typing.Union):
        return st.one_of(*(values(one) for one in arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(one) for one in arguments))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if hasattr(kind, "__dataclass_fields__"):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{name: values(hints[name]) for name in kind.__dataclass_fields__})
    plain = {str: TEXT, int: st.integers(-(2**53), 2**53), bytes: st.binary(max_size=20), bool: st.booleans(),
             float: st.floats(allow_nan=False, allow_infinity=False), datetime: MOMENT, type(None): st.none()}  # fmt: skip
    return plain[kind]


class Evidence(Probe):
    """A probe whose findings are left out: made-up evidence need not make sense to the judges."""

    findings = ()


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_probe_comes_back_as_it_was(data, healthy, tmp_path_factory):
    hints = typing.get_type_hints(Probe)
    name = data.draw(st.sampled_from(["domain", "started", "vantage", "sts", "policy_host", "mx_hosts", "providers"]))
    fields = {key: getattr(healthy, key) for key in Probe.__dataclass_fields__}
    seen = Evidence(**{**fields, name: data.draw(values(hints[name]))})
    file = tmp_path_factory.mktemp("snapshot") / "probe.json"
    seen.save(file)
    again = load_probe(file)
    assert {key: getattr(again, key) for key in fields} == {key: getattr(seen, key) for key in fields}


def test_each_piece_of_evidence_is_in_the_file(healthy, tmp_path):
    """Somebody with jq and doubt: records, TTLs, headers, body, certificates, replies."""
    text = healthy.save(tmp_path / "probe.json").read_text("utf-8")
    whole = json.loads(text)
    assert whole["schema"] == SCHEMA
    seen = whole["probe"]
    assert seen["sts"]["answer"]["records"][0]["ttl"] == 300
    assert seen["policy_host"]["attempts"][0]["response"]["status_code"] == 200
    assert seen["policy_host"]["attempts"][0]["tls"]["chain"][0]["der"]
    assert seen["mx_hosts"][0]["attempts"][0]["ehlo"]["lines"]
    assert seen["mx_hosts"][0]["attempts"][0]["tls"]["validation"]["verdict"]["code"] == 0
    assert seen["authoritative"][0]["query"]["server"] == "ns1.nordwind.example"
    assert whole["findings"] == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "not a snapshot this version reads"),
        (b'{"schema": "mtasts-nb probe 99"}', "mtasts-nb probe 99"),
        (json.dumps({"schema": SCHEMA}).encode(), "is damaged"),
        (json.dumps({"schema": SCHEMA, "probe": {"domain": 7}}).encode(), "is damaged"),
        (json.dumps({"schema": SCHEMA, "probe": {"domain": "a.example"}}).encode(), "is damaged"),
    ],
)
def test_what_is_no_snapshot_is_refused_with_the_reason(content, told, tmp_path):
    file = tmp_path / "probe.json"
    file.write_bytes(content)
    with pytest.raises(SnapshotError, match=told):
        load_probe(file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SnapshotError, match="cannot be read"):
        load_probe(tmp_path / "nowhere.json")


def test_a_probe_is_frozen(healthy):
    with pytest.raises(AttributeError):
        healthy.domain = "other.example"
