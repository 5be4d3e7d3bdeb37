"""Redaction: no original in the page or anywhere in what the notebook reads, and the same numbers as without it."""

from __future__ import annotations

import html
import importlib
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mtasts_nb as sts
from mtasts_nb.cli import main
from mtasts_nb.errors import PublishError, SourceError
from mtasts_nb.publish._promises import broken_promises
from mtasts_nb.publish._redact import leaks
from mtasts_nb.publish._redact_data import names_in, names_in_probe, redacted_archive, redacted_probe
from mtasts_nb.publish._redact_names import Pseudonyms
from mtasts_nb.reports import Archive, schema


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
    assert re.search(r"key of host\d\.domain\d\.example \((192\.0\.2|198\.18)\.\d+(\.\d+)?\) changed by …", redacted)
    assert "M. Lind, …" in redacted
    assert "no matching DANE TLSA records" in redacted
    assert "<dd>a snapshot, redacted</dd>" in redacted
    assert "1 source, names left out" in redacted


def test_a_hostile_archive_leaves_nothing(tmp_path: Path, hostile: str, hostile_sources: Path) -> None:
    page = sts.publish(tmp_path / "x.html", hostile_sources, redact="seed", progress=False).read_text(encoding="utf-8")
    assert broken_promises(page) == []
    text = _all_text(page)
    for piece in ("evil", "pwned", "onerror", "enclose", hostile[:20].lower()):
        assert piece not in text, piece
    assert "validation-failure" in text


# -- the archive


@pytest.mark.parametrize("seed", [None, "seed"])
def test_numbers_are_the_same_and_names_are_not(sample: Archive, seed: str | None) -> None:
    clean = redacted_archive(sample, Pseudonyms(seed, avoid=names_in(sample)))
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


def test_every_policy_is_one_still_and_permits_the_same_hosts(sample: Archive) -> None:
    clean = redacted_archive(sample, Pseudonyms(avoid=names_in(sample)))
    for before, after in zip(sample.sessions["policy_string"], clean.sessions["policy_string"], strict=True):
        if before.startswith("version"):
            one, other = sts.parse_policy(before), sts.parse_policy(after)
            assert (one.mode, one.max_age, len(one.mx)) == (other.mode, other.max_age, len(other.mx))
        elif before:
            assert re.fullmatch(r"\d \d \d [0-9a-f]{64}", after)
            assert before[6:14] not in after


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
    clean = redacted_archive(sts.load(json.dumps(report).encode(), b"{acme", progress=False), Pseudonyms())
    assert "acme" not in _everything(clean)
    assert "ace::1" not in _everything(clean)
    assert clean.failures["failure_reason_code"].tolist() == ["… (192.0.2.1): certificate expired, id …"]
    assert clean.failures["result_type"].tolist() == ["x-result-type-1"]
    assert clean.sessions["policy_type"].tolist() == ["x-policy-type-1"]
    assert "(another key)" in clean.deviations["field"].tolist()


# -- names


def test_seeds_and_mappings() -> None:
    one, same, other = Pseudonyms("a"), Pseudonyms("a"), Pseudonyms("b")
    other.host("mx9.elsewhere.test")
    for ask in ("domain", "host", "reporter"):
        assert getattr(one, ask)("mx1.nordwind.test") == getattr(same, ask)("mx1.nordwind.test")
        assert getattr(one, ask)("mx1.nordwind.test") != getattr(other, ask)("mx1.nordwind.test")
    chosen = Pseudonyms(given={"Nordwind.test": "customer.example", "Post": "A large provider"})
    assert chosen.domain("nordwind.test") == "customer.example"
    assert chosen.host("MX1.nordwind.test.") == "host1.customer.example"
    assert chosen.reporter("Post") == "A large provider"


def test_no_pseudonym_is_somebodys_name() -> None:
    names = Pseudonyms(avoid=["domain1.example", "Reporter A", "192.0.2.1"])
    assert (names.domain("x.test"), names.reporter("x"), names.address("10.0.0.1")) == (
        "domain2.example",
        "Reporter B",
        "192.0.2.2",
    )


_LABEL = st.sampled_from(["a", "b", "mx", "*", "mta-sts"])
_NAME = st.lists(_LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "nordwind.test"]))


@given(st.lists(_NAME, min_size=2, max_size=6), st.sampled_from([None, "seed"]))
def test_different_names_stay_different_and_patterns_match_what_they_did(found: list[str], seed: str | None) -> None:
    names = Pseudonyms(seed)
    names.domain("nordwind.test")
    made = {name: names.host(name) for name in found}
    assert len(set(made.values())) == len(made)
    for pattern in found:
        for host in found:
            if "*" not in host:
                assert sts.mx_matches(made[pattern], made[host]) == sts.mx_matches(pattern, host)


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("X509_V_ERR_CERT_HAS_EXPIRED", "X509_V_ERR_CERT_HAS_EXPIRED"),
        ("certificate has expired (_ssl.c:1006)", "certificate has expired (…)"),
        ("454 4.7.0 TLS not available", "454 4.7.0 TLS not available"),
        ("queue 4F2A9B: error 71", "… error 71"),
        ("mx1.nordwind.test [203.0.113.9] said: 550 no", "host1.domain1.example [192.0.2.1] … 550 no"),
        ("Anna Lind <anna@nordwind.test> failed", "… <…> failed"),
        ("3 1 1 ABCDEF0123456789", "3 1 1 " + "00000001" * 8),
        ("", ""),
    ],
)
def test_free_text_keeps_the_words_of_the_protocols(text: str, scrubbed: str) -> None:
    assert Pseudonyms().scrubbed(text) == scrubbed


# -- a probe


@pytest.mark.parametrize(
    "fault", ["", "mx-not-in-policy", "policy-certificate-expired", "record-id-missing", "mx-starttls-stripped"]
)
def test_a_redacted_probe_shows_a_sender_the_same(fault: str) -> None:
    with sts.lab.Lab(fault) if fault else sts.lab.Lab() as lab:
        probe = sts.probe("nordwind.example", lab.settings)
    clean = redacted_probe(probe, Pseudonyms(avoid=names_in_probe(probe)))
    shown = clean.to_json() + str(clean) + clean._repr_html_()
    assert "nordwind" not in shown.lower()
    assert _found(names_in_probe(probe), shown.lower()) == []
    rows = [[(row.delivery, row.result_type) for row in sts.simulate(one).rows] for one in (probe, clean)]
    assert rows[0] == rows[1]
    assert [one.code for one in clean.findings] == [one.code for one in probe.findings]


# -- the last look


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<p>at mx1.nordwind.test:25</p>", {"mx1.nordwind.test", "nordwind.test"}),
        ('<img alt="MX1.NORDWIND.TEST">', {"mx1.nordwind.test", "nordwind.test"}),
        ("<p>https://mta-sts.nordwind.test/x</p>", {"nordwind.test"}),
        ("<p>tls@nordwind.test</p>", {"nordwind.test"}),
        ('<img src="data:image/svg+xml;charset=utf-8,%3Ctext%3Enordwind%2Etest">', {"nordwind.test"}),
        ("<p>nordwind&#46;test</p>", {"nordwind.test"}),
        ("<p>Post &amp; Co</p>", {"Post & Co"}),
        ("<p>203.0.113.9, 2001:db8::1.</p>", {"203.0.113.9", "2001:db8::1"}),
        ("<p>nordwind.tests 203.0.113.90 mx1.nordwind.tes</p>", set()),
    ],
)
def test_an_original_is_found_wherever_it_hides(page: str, found: set[str]) -> None:
    originals = {"mx1.nordwind.test", "nordwind.test", "203.0.113.9", "2001:db8::1", "Post & Co", "Post"}
    assert leaks(page, originals) == found


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
        ("", "an empty seed"),
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
    for extra in ([], ["--redact"], ["--redact", "abc"]):
        assert main(["report", str(tmp_path), "-o", out, *extra]) == 0
    assert asked == [None, True, "abc"]
    capsys.readouterr()
