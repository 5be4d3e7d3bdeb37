"""Redaction: no original in the page or anywhere in what the notebook reads, and the same numbers as without it."""

from __future__ import annotations

import html
import importlib
import json
import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb.cli import main
from mtasts_nb.errors import PublishError, SourceError
from mtasts_nb.probe import Probe
from mtasts_nb.publish._promises import broken_promises
from mtasts_nb.publish._redact import _probe
from mtasts_nb.publish._redact_check import strangers, texts_of
from mtasts_nb.publish._redact_data import names_in, names_in_probe, redacted_archive, redacted_probe
from mtasts_nb.publish._redact_names import Pseudonyms, key_of
from mtasts_nb.reports import Archive, schema
from tests.archive_of import report_of

#: Hard to guess, but for readers of this file.
SEED = "41f9c02be77d5a1863c4"


@pytest.fixture(scope="module")
def sample() -> Archive:
    return sts.load(sts.sample_dir(), progress=False)


def _originals(archive: Archive) -> set[str]:
    """Every name in an archive, and every part of a file's name, gathered anew."""
    found: set[str] = set()
    for table, columns in {
        "sessions": ("policy_domain", "organization_name", "mx_host"),
        "failures": ("receiving_mx_hostname", "receiving_mx_helo", "receiving_ip", "sending_mta_ip", "additional_information"),
        "reports": ("organization_name", "contact_info", "report_id", "sha256", "report_key"),
    }.items():  # fmt: skip
        for column in columns:
            for text in getattr(archive, table)[column].dropna().unique():
                found.update(str(text).splitlines())
    for column in ("source", "member"):
        for text in archive.inputs[column].unique():
            found.update(part for part in re.split(r"[/!]| > ", str(text)) if "." in part or len(part) > 12)
    return {text.strip() for text in found if len(text.strip()) > 3}


def _all_text(page: str) -> str:
    data = [unquote(address) for address in re.findall(r'data:image/svg\+xml[^"]*', page)]
    return "\n".join([page, html.unescape(page), *data]).lower()


def _found(originals: set[str], text: str) -> list[str]:
    edge = r"(?<![\w.-]){}(?![\w-]|\.\w)"
    return [
        one for one in sorted(originals) if one.lower() in text and re.search(edge.format(re.escape(one.lower())), text)
    ]


def _everything(archive: Archive) -> str:
    return "\n".join(getattr(archive, table).to_csv() for table in schema.SCHEMA).lower()


# -- the page


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("redacted")
    events = folder / "changes-at-suedwind.csv"
    events.write_text(
        "time,text\n2026-10-20T09:00Z,key of mx1.suedwind.example (192.0.2.40) changed by anna@suedwind.example\n"
    )
    with sts.lab.Lab("dane-mismatch") as lab:
        seen = sts.probe("nordwind.example", lab.settings).save(folder / "nordwind.json")
    page = sts.publish(
        folder / "out.html",
        sts.sample_dir(),
        domain="suedwind.example",
        parameters={
            "title": "What Meridian Mail Cloud met at suedwind.example",
            "author": "M. Lind, postmaster@suedwind.example",
            "events": events,
            "probe": seen,
        },
        redact=True,
        progress=False,
    )
    return page.read_text(encoding="utf-8")


def test_no_original_is_in_the_page(redacted: str, sample: Archive) -> None:
    text = _all_text(redacted)
    assert _found(_originals(sample), text) == []
    for word in ("suedwind", "nordwind", "meridian", "grosskontor", "192.0.2.40", "anna@", "data/sample", "changes-at"):
        assert word not in text, word


def test_the_redacted_page_tells_the_same(redacted: str) -> None:
    assert broken_promises(redacted) == []
    assert "Redacted: domains, hosts, addresses" in redacted
    assert "<h1>What Reporter " in redacted
    assert "10,286 of 11,086 sessions under DANE for domain" in redacted
    assert re.search(r"key of host-\w{4}\.domain-\w{4}\.example \(198\.1[89]\.\d+\.\d+\) changed by …", redacted)
    assert "Lind" not in redacted
    assert "no matching DANE TLSA records" in redacted
    assert "<dd>a snapshot, redacted</dd>" in redacted
    assert "1 source, names left out" in redacted


def test_a_hostile_archive_leaves_nothing(tmp_path: Path, hostile: str, hostile_sources: Path) -> None:
    page = sts.publish(tmp_path / "x.html", hostile_sources, redact=SEED, progress=False).read_text(encoding="utf-8")
    assert broken_promises(page) == []
    text = _all_text(page)
    for piece in ("evil", "pwned", "onerror", "enclose", hostile[:20].lower()):
        assert piece not in text, piece
    assert "validation-failure" in text


# -- the archive


def test_numbers_are_the_same_and_names_are_not(sample: Archive) -> None:
    clean = redacted_archive(sample, Pseudonyms(b"a", avoid=names_in(sample)))
    assert _found(_originals(sample), _everything(clean)) == []
    for table in schema.SCHEMA:
        schema.check(table, getattr(clean, table))
        assert len(getattr(clean, table)) == len(getattr(sample, table))
    before, after = sts.find_incidents(sample), sts.find_incidents(clean)
    kept = [
        "start",
        "end",
        "peak",
        "policy_type",
        "result_type",
        "failed_session_count",
        "share",
        "reporters",
        "ongoing",
    ]
    order = ["start", "failed_session_count"]
    assert before[kept].sort_values(order).to_csv() == after[kept].sort_values(order).to_csv()
    for column in ("policy_domain", "organization_name", "policy_string", "mx_host"):
        assert clean.sessions[column].nunique() == sample.sessions[column].nunique(), column
    for column in ("receiving_mx_hostname", "receiving_ip", "sending_mta_ip"):
        assert clean.failures[column].nunique() == sample.failures[column].nunique(), column


def test_every_policy_is_one_still_and_permits_as_many_hosts(sample: Archive) -> None:
    clean = redacted_archive(sample, Pseudonyms(b"a", avoid=names_in(sample)))
    shapes: list[Counter[tuple[object, ...]]] = []
    for archive in (sample, clean):
        texts = [text for text in archive.sessions["policy_string"] if text.startswith("version")]
        policies = [sts.parse_policy(text) for text in texts]
        shapes.append(Counter((policy.mode, policy.max_age, len(policy.mx)) for policy in policies))
    assert shapes[0] == shapes[1]
    records = [
        {text for text in archive.sessions["policy_string"] if text[:1].isdigit()} for archive in (sample, clean)
    ]
    assert all(re.fullmatch(r"\d \d \d [0-9a-f]{64}", text) for text in records[1])
    assert len(records[0]) == len(records[1])
    assert not records[0] & records[1]


def test_the_order_of_rows_is_that_of_pseudonyms(sample: Archive) -> None:
    for key in (b"a", b"b"):
        clean = redacted_archive(sample, Pseudonyms(key, avoid=names_in(sample)))
        for table in ("reports", "sessions", "failures"):
            assert getattr(clean, table)["report_key"].is_monotonic_increasing
        for table in ("deviations", "rejects"):
            assert getattr(clean, table)["source"].astype("str").is_monotonic_increasing


def test_why_and_how_inputs_were_read_is_kept(sample: Archive) -> None:
    clean = redacted_archive(sample, Pseudonyms(b"a", avoid=names_in(sample)))
    for table, column in (
        ("deviations", "treatment"),
        ("deviations", "field"),
        ("rejects", "reason"),
        ("inputs", "reason"),
    ):
        before, after = (Counter(getattr(archive, table)[column].dropna()) for archive in (sample, clean))
        assert before == after, column


def test_what_nobody_foresaw_is_left_out() -> None:
    report = {
        "organization-name": "Acme Mail",
        "contact-info": "tls@acme.test",
        "report-id": "Acme-1",
        "acme-key": "Acme",
        "date-range": {"start-datetime": "2026-03-01T00:00:00Z", "end-datetime": "2026-03-01T23:59:59Z"},
        "policies": [
            {
                "policy": {"policy-type": "Acme-type", "policy-domain": "acme.test", "policy-string": ["owner: Acme", "mx: acme"], "mx-host": ["*.acme.test"]},
                "summary": {"total-successful-session-count": "1 Acme", "total-failure-session-count": 2},
                "failure-details": [
                    {
                        "result-type": "acme-failed", "failed-session-count": 2, "receiving-mx-hostname": "acme",
                        "receiving-ip": "acme-address", "sending-mta-ip": "2001:DB8:ACE::1", "receiving-mx-helo": "acme Hello",
                        "failure-reason-code": "Acme gateway acme.test/1 (10.1.2.3): certificate expired, id ACME77",
                        "additional-information": "https://acme.test/x",
                    }
                ],
            }
        ],
    }  # fmt: skip
    clean = redacted_archive(sts.load(json.dumps(report).encode(), b"{acme", progress=False), Pseudonyms(b"a"))
    assert "acme" not in _everything(clean)
    assert "ace::1" not in _everything(clean)
    (reason,) = clean.failures["failure_reason_code"]
    assert re.fullmatch(
        r"… gateway domain-[a-z]{4}\.example/1 \(198\.1[89]\.\d+\.\d+\): certificate expired, id …", reason
    )
    assert re.fullmatch(r"x-result-type-[a-z]{4}", clean.failures["result_type"][0])
    assert re.fullmatch(r"x-policy-type-[a-z]{4}", clean.sessions["policy_type"][0])


# -- names


def test_the_same_key_gives_the_same_pseudonyms_and_a_mapping_wins() -> None:
    one, same, other = Pseudonyms(b"a"), Pseudonyms(b"a"), Pseudonyms(b"b")
    same.host("mx9.elsewhere.test")
    for ask in ("domain", "host", "reporter"):
        assert getattr(one, ask)("mx1.nordwind.test") == getattr(same, ask)("mx1.nordwind.test")
        assert getattr(one, ask)("mx1.nordwind.test") != getattr(other, ask)("mx1.nordwind.test")
    chosen = Pseudonyms(b"a", given={"Nordwind.test": "customer.example", "Post": "A large provider"})
    assert chosen.domain("nordwind.test") == "customer.example"
    assert re.fullmatch(r"host-[a-z]{4}\.customer\.example", chosen.host("MX1.nordwind.test."))
    assert chosen.reporter("Post") == "A large provider"


@pytest.mark.parametrize("ask", ["domain", "host", "address", "reporter"])
def test_pseudonyms_have_no_order(ask: str) -> None:
    """Neither that of the names, nor that in which they were asked for: other keys, other orders."""
    names = [f"10.0.0.{number}" if ask == "address" else f"mx{number}.test" for number in range(1, 6)]
    orders = set()
    for key in range(30):
        made = [getattr(Pseudonyms(bytes([key])), ask)(name) for name in names]
        orders.add(tuple(sorted(range(5), key=made.__getitem__)))
    assert len(orders) > 15


def test_no_pseudonym_is_the_name_of_another() -> None:
    names = Pseudonyms(b"a")
    taken = {names.domain("x.test"), names.reporter("x"), names.address("10.0.0.1")}
    others = Pseudonyms(b"a", avoid=taken)
    assert not taken & {others.domain("x.test"), others.reporter("x"), others.address("10.0.0.1")}


def test_more_addresses_than_the_range_has() -> None:
    names = Pseudonyms(b"a")
    made = {names.address(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}") for number in range(133_000)}
    assert len(made) == 133_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mx.bücher.test", "MX.xn--bcher-kva.TEST."),
        ("mx。bücher．test", "mx.bücher.test"),
    ],
)
def test_a_name_has_one_pseudonym_however_it_is_written(one: str, other: str) -> None:
    names = Pseudonyms(b"a")
    assert names.host(one) == names.host(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:DB8:0::9", "2001:db8::9"), ("::ffff:203.0.113.9", "203.0.113.9"), ("fe80::1%eth0", "fe80::1")],
)
def test_an_address_has_one_pseudonym_however_it_is_written(one: str, other: str) -> None:
    names = Pseudonyms(b"a")
    assert names.address(one) == names.address(other)


_LABEL = st.sampled_from(["a", "b", "mx", "*", "mta-sts"])
_NAME = st.lists(_LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "nordwind.test"]))


@given(st.lists(_NAME, min_size=2, max_size=6), st.binary(max_size=3))
def test_different_names_stay_different_and_patterns_match_what_they_did(found: list[str], key: bytes) -> None:
    names = Pseudonyms(key)
    names.domain("nordwind.test")
    made = {name: names.host(name) for name in found}
    assert len(set(made.values())) == len(made)
    for pattern in found:
        for host in found:
            if "*" not in host:
                assert sts.mx_matches(made[pattern], made[host]) == sts.mx_matches(pattern, host)


@pytest.mark.parametrize(
    "seed",
    ["", "seed", "a" * 40, "0123456789" * 4, "abcdefghijklmnopqrstuvwxyz", 2026, 31337, "nordwind nordwind nordwind"],
)
def test_a_seed_that_could_be_guessed_is_refused(tmp_path: Path, seed: object) -> None:
    with pytest.raises(PublishError, match=r"too easy to guess.*secrets\.token_hex.*Or give True"):
        sts.publish(tmp_path / "x.html", redact=seed, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_seed_gives_a_key_and_none_is_random() -> None:
    assert key_of(SEED) == key_of(SEED) != key_of(SEED + "x")
    assert key_of(how=True) != key_of(how=True)


# -- a probe


@pytest.mark.parametrize(
    "fault", ["", "mx-not-in-policy", "policy-certificate-expired", "record-id-missing", "mx-starttls-stripped"]
)
def test_a_redacted_probe_shows_a_sender_the_same(fault: str) -> None:
    with sts.lab.Lab(fault) if fault else sts.lab.Lab() as lab:
        probe = sts.probe("nordwind.example", lab.settings)
    clean = redacted_probe(probe, Pseudonyms(b"a", avoid=names_in_probe(probe)))
    shown = clean.to_json() + str(clean) + clean._repr_html_()
    assert "nordwind" not in shown.lower()
    assert _found(names_in_probe(probe), shown.lower()) == []
    rows = [[(row.delivery, row.result_type) for row in sts.simulate(one).rows] for one in (probe, clean)]
    assert rows[0] == rows[1]
    assert [one.code for one in clean.findings] == [one.code for one in probe.findings]


# -- what is refused


def test_a_notebook_that_names_an_original_is_not_published(tmp_path: Path, stored, cell) -> None:
    path = stored("# About nordwind.example", cell("sources = []", tags=["parameters"]), cell("1"))
    with pytest.raises(
        PublishError, match=r"would contain 1 name that redaction replaces, such as 'nordwind\.example'"
    ):
        sts.publish(tmp_path / "x.html", sts.sample_dir(), notebook=path, redact=True, progress=False)
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (3.5, "give True"),
        ([], "give True"),
        ({"a": 1}, "text for text"),
        ({"a": "x", "b": "x"}, "one pseudonym to two names"),
    ],
)
def test_what_redact_cannot_be(tmp_path: Path, how: object, told: str) -> None:
    with pytest.raises(PublishError, match=told):
        sts.publish(tmp_path / "x.html", redact=how, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_slip_in_the_domain_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no report is about nordwnd\.example"):
        sts.publish(tmp_path / "x.html", domain="nordwnd.example", redact=True, progress=False)


def test_the_command_takes_a_seed_or_none(tmp_path: Path, monkeypatch, capsys) -> None:
    asked: list[object] = []

    def take(out: Path, *sources: object, redact: object = None, **_: object) -> Path:
        asked.append(redact)
        out.write_text("x")
        return out

    monkeypatch.setattr(importlib.import_module("mtasts_nb.publish"), "publish", take)
    out = str(tmp_path / "x.html")
    source = tmp_path / "one.json"
    source.write_bytes(report_of(1, "Post", 10, {}))
    (tmp_path / "seed").write_text("abc\n")
    for extra in ([], ["--redact"], ["--redact", str(tmp_path / "seed")]):
        assert main(["report", str(source), "-o", out, *extra]) == 0
    monkeypatch.setenv("MTASTS_NB_REDACT_SEED", "def")
    assert main(["report", str(source), "-o", out, "--redact"]) == 0
    assert asked == [None, True, "abc", "def"]
    capsys.readouterr()
    assert main(["report", str(source), "-o", out, "--redact", "no-such-file"]) == 2
    assert "The seed of --redact cannot be read" in capsys.readouterr().err


_POLICY = b"version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmax_age: 86400\n"


@pytest.mark.parametrize(
    "body",
    [
        _POLICY.decode().encode("utf-16"),
        _POLICY + b"note: b\xfccher\n",
        _POLICY + b"contact: anna@b\xfccher.com.mx\n",
        _POLICY + b"# b\xfccher, 203.0.113.9\n",
        _POLICY + b"mx: b\xfccher.test\n",
        _POLICY + b"mx: *.b\xfccher.com.mx:25\n",
        _POLICY + b'mx = "b\xfccher.test"\n',
        _POLICY.replace(b"86400", b"86400\xff"),
        _POLICY.replace(b"enforce", b"enforce\xa0"),
        b"<html>b\xfccher</html>",
        b"\x80\x81",
        b"\xff\xfe\x00",
    ],
)
def test_a_probe_whose_policy_is_no_text_can_be_redacted(look, body: bytes) -> None:
    """RFC 8461 §3.2 allows UTF-8 only; the finding that it is not is what such a document is about."""
    odd = _serving(look(), body)
    assert {finding.code for finding in odd.findings} & {"policy-utf16", "policy-not-utf8"}
    names = Pseudonyms(b"a")
    clean = _probe(odd, names)
    assert not re.search(rb"cher|anna|113|\xfc", b"".join(clean.policy_host.policy_files))
    assert strangers(texts_of(clean._repr_html_()), names.made) == set()


@pytest.mark.parametrize(
    ("body", "truncated", "code"),
    [
        (_POLICY.replace(b"enforce", b"enf\0orce"), False, "policy-control-character"),
        (_POLICY.replace(b"mx1.", b"mx1.\x07"), False, "policy-control-character"),
        (b"\x1b" + _POLICY, False, "policy-control-character"),
        (_POLICY + b"\x0bnote: kanarienvogel.test\n", False, "policy-control-character"),
        (_POLICY + b"kanarienvogel: kanarienvogel.test\n", False, "policy-unknown-field"),
        (_POLICY + b"note: kanarienvogel\n" * 4000, False, "policy-too-large"),
        (_POLICY + b"mx: kanarienvogel.test\n" * 2000, True, "policy-too-large"),
        (b"<html>" + b"kanarienvogel " * 6000, False, "policy-html"),
        (b"kanarienvogel" * 6000, False, "policy-too-large"),
    ],
)
def test_a_probe_whose_policy_has_other_faults_can_be_redacted(look, body: bytes, truncated: bool, code: str) -> None:
    odd = _serving(look(), body, truncated=truncated)
    assert code in {finding.code for finding in odd.findings}
    names = Pseudonyms(b"a")
    began = time.process_time()
    clean = _probe(odd, names)
    assert time.process_time() - began < 5, "bounded"
    assert code in {finding.code for finding in clean.findings}
    assert b"kanarienvogel" not in b"".join(clean.policy_host.policy_files)
    assert strangers(texts_of(clean._repr_html_()), names.made) == set()


def _serving(probe: Probe, body: bytes, *, truncated: bool = False) -> Probe:
    """Return a probe whose policy host answered with other content."""
    attempts = tuple(
        replace(attempt, response=replace(attempt.response, body=body, truncated=truncated))
        if attempt.response
        else attempt
        for attempt in probe.policy_host.attempts
    )
    return replace(probe, policy_host=replace(probe.policy_host, attempts=attempts))


def test_pseudonyms_are_no_words() -> None:
    names = Pseudonyms(b"a")
    letters = "".join(names.reporter(f"Post {number}").removeprefix("Reporter ") + " " for number in range(300))
    assert not set(letters) & set("AEIOUYFKST")
    assert not re.search(r"(.)\1", letters)
