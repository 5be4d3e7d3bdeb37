"""Snapshots: what is saved comes back, whatever strangers wrote into it; what is no snapshot is refused with a reason."""

from __future__ import annotations

import json
import os
import typing
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import UnionType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtasts_nb.errors import SnapshotError
from mtasts_nb.probe import HttpRequest, PolicyHost, Probe, SmtpRequest, TlsSession, compare_probes, load_probe
from mtasts_nb.probe._probe import SCHEMA
from mtasts_nb.vocabulary import Findings

# What the probe keeps is decoded from bytes as UTF-8 with escapes, so it holds no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MOMENT = st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(9999, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)

# What is not free text: an address that is one, and the host that the domain implies.
ADDRESS = st.sampled_from(["192.0.2.1", "2001:db8::1"])
BOUND = {
    (HttpRequest, "address"): ADDRESS,
    (SmtpRequest, "address"): ADDRESS,
    (PolicyHost, "host"): st.just("mta-sts.nordwind.example"),
}


def sound(value):
    """The value, without a verdict on a chain that is not there."""
    if isinstance(value, TlsSession) and (seen := value.validation):
        baseless = not value.chain or (seen.completed_verdict and not seen.fetches)
        return replace(value, validation=None) if baseless else value
    return value


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
        given = {
            name: BOUND[kind, name] if (kind, name) in BOUND else values(hints[name])
            for name in kind.__dataclass_fields__
        }
        return st.builds(kind, **given).map(sound)
    plain = {str: TEXT, int: st.integers(-(2**53), 2**53), bytes: st.binary(max_size=20), bool: st.booleans(),
             float: st.floats(allow_nan=False, allow_infinity=False), datetime: MOMENT, type(None): st.none()}  # fmt: skip
    return plain[kind]


class Unjudged(Probe):
    """A probe whose findings are left out: made-up evidence need not make sense to the judges."""

    findings = Findings()


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_probe_comes_back_as_it_was(data, healthy, tmp_path_factory):
    hints = typing.get_type_hints(Probe)
    name = data.draw(st.sampled_from(["started", "vantage", "sts", "policy_host", "mx_hosts", "providers"]))
    fields = {key: getattr(healthy, key) for key in Probe.__dataclass_fields__}
    seen = Unjudged(**{**fields, name: data.draw(values(hints[name]))})
    file = tmp_path_factory.mktemp("snapshot") / "probe.json"
    seen.save(file)
    again = load_probe(file)
    assert {key: getattr(again, key) for key in fields} == {key: getattr(seen, key) for key in fields}


def test_a_snapshot_of_an_earlier_version_loads():
    """Written by version 0.1.0, from the lab with the fault dane-mismatch."""
    seen = load_probe(Path(__file__).with_name("snapshot-0.1.0.json"))
    assert seen.findings.codes == ("tlsa-mismatch", "tlsa-mismatch")
    assert [finding.host for finding in seen.findings] == ["mx1.nordwind.example", "mx2.nordwind.example"]
    assert seen.mode == "enforce"


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
        (b"[" * 100_000, "not a snapshot this version reads"),
        (b'{"a": ' + b"[" * 100_000, "is not JSON"),
        (b'{"schema": "mtasts-nb probe 1", "probe": ' + b'{"sts":' * 100_000, "is not JSON"),
        (b"[]", "not a snapshot this version reads"),
        (b"null", "not a snapshot this version reads"),
        (b'{"schema": ["mtasts-nb probe 1"]}', "not a snapshot this version reads"),
        (b'{"schema": "\\u001b[2J"}', r"x1b\[2J"),
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


def put(value, *path):
    """An edit of a snapshot as JSON."""

    def edit(seen):
        *way, last = path
        for step in way:
            seen = seen[step]
        seen[last] = value

    return edit


FIRST_TLS = ("mx_hosts", 0, "attempts", 0, "tls")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        # The domain stands in commands to paste, in names of files, in fixes.
        (put("nordwind.example; reboot", "domain"), "not a domain"),
        (put("../../nordwind", "domain"), "not a domain"),
        (put("-nordwind.example", "domain"), "not a domain"),
        (put("\x1b[2J.example", "domain"), "not a domain"),
        (put("Nordwind.example", "domain"), "not a policy domain"),
        (put("", "domain"), "No domain given"),
        (put("$(reboot)", "policy_host", "host"), "not the policy host"),
        (put("mta-sts.suedwind.example", "policy_host", "host"), "not the policy host"),
        (put("\x1b[2J", "mx_hosts", 0, "attempts", 0, "request", "address"), "address"),
        (put("fe80::1%$(id)", "mx_hosts", 0, "attempts", 0, "request", "address"), "address"),
        (put("localhost", "policy_host", "attempts", 0, "request", "address"), "address"),
        # Moments that cannot be compared, or not be told.
        (put("2026-01-01T00:00:00", "started"), "no time zone"),
        (put("2026-01-01T00:00:00", *FIRST_TLS, "chain", 0, "not_after"), "no time zone"),
        (put("0001-01-01T00:00:00+14:00", *FIRST_TLS, "chain", 0, "not_after"), "out of range"),
        (put("9999-12-31T23:59:59-14:00", *FIRST_TLS, "validation", "at"), "out of range"),
        # Verdicts without evidence.
        (put([], *FIRST_TLS, "chain"), "empty"),
        (put({"code": 0, "text": "ok"}, *FIRST_TLS, "validation", "completed_verdict"), "without another certificate"),
        (put("enforced", "sts", "status"), "damaged"),
        (put("not base64!", *FIRST_TLS, "chain", 0, "der"), "damaged"),
        (put(10**400, "seconds"), "damaged|not JSON"),
        (put("10", "mx_hosts", 0, "preference"), "damaged"),
    ],
)
def test_what_no_probe_could_have_seen_is_refused(edit, told, healthy, tmp_path):
    whole = json.loads(healthy.to_json())
    edit(whole["probe"])
    file = tmp_path / "probe.json"
    file.write_text(json.dumps(whole))
    with pytest.raises(SnapshotError, match=told) as caught:
        load_probe(file)
    assert "\x1b" not in str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "probe.json"
    os.mkfifo(pipe)
    for place in (pipe, tmp_path, Path("/dev/zero"), tmp_path / "a\0b"):
        with pytest.raises(SnapshotError):
            load_probe(place)


def test_a_snapshot_of_an_older_version_still_loads(healthy, tmp_path):
    """Of the same schema, from before `records_dropped`; and one with a field that this version does not know."""
    whole = json.loads(healthy.to_json())
    del whole["probe"]["sts"]["answer"]["records_dropped"]
    whole["probe"]["weather"] = {"later": ["version"]}
    file = tmp_path / "probe.json"
    file.write_text(json.dumps(whole))
    assert load_probe(file) == healthy


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXT, inner, max_size=2)),
    max_leaves=4,
)


def places(value, path=()):
    """Every place in a JSON value."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_was_edited_it_is_refused_or_can_be_shown(data, look, tmp_path_factory):
    """Any one or two values of a snapshot changed: never anything but a `SnapshotError` at loading."""
    seen = look(
        data.draw(st.sampled_from(["backup-certificate-intermediate-missing", "dane-mismatch", "policy-http-301"]))
    )
    whole = json.loads(seen.to_json())
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(places(whole["probe"]))))
        put(data.draw(JSON), *path)(whole["probe"])
    file = tmp_path_factory.mktemp("edited") / "probe.json"
    file.write_text(json.dumps(whole))
    try:
        again = load_probe(file)
    except SnapshotError:
        return
    assert "\x1b" not in str(again) + str(again.commands) + str(compare_probes(seen, again))
    assert again._repr_html_()
    assert len(again.checks)
    again.to_json()


def test_a_probe_is_frozen(healthy):
    with pytest.raises(AttributeError):
        healthy.domain = "other.example"
