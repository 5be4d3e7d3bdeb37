"""The sample archive, read here without any of the package's own readers: what it holds, and that truth.csv is true."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.archives import SEED, iter_reports, write_sample
from tests.fleet.reading import Read, leaves, plain

DAYS = [date(2026, 7, 4) + timedelta(days=number) for number in range(120)]


@pytest.fixture(scope="module")
def sample(root: Path) -> Path:
    return root / "data" / "sample"


@pytest.fixture(scope="module")
def every(sample: Path) -> list[Read]:
    """Every readable report, copies included."""
    out = []
    for place, name, data in leaves(sample):
        text = plain(data)
        if text and text[:1] == b"{":
            out.append(Read(place, name.split("!")[1], json.loads(text)))
    return out


@pytest.fixture(scope="module")
def distinct(every: list[Read]) -> list[Read]:
    """Each report once; of two with other figures, the first."""
    return list({read.identity: read for read in reversed(every)}.values())


@pytest.fixture(scope="module")
def truth(sample: Path) -> list[dict[str, str]]:
    with (sample / "truth.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two, other = tmp_path / "one", tmp_path / "two", tmp_path / "other"
    for folder, seed in ((one, 5), (two, 5), (other, 6)):
        write_sample(folder, seed=seed, days=30)

    def content(folder: Path) -> dict[str, bytes]:
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert content(one) == content(two) != content(other)
    write_sample(two, seed=6, days=30)  # in place of the earlier one
    assert content(two) == content(other)


def test_the_committed_sample_is_what_the_generator_writes(sample: Path, tmp_path: Path) -> None:
    """By content: another build of zlib may pack the same reports into other bytes."""
    write_sample(tmp_path, seed=SEED)

    def content(folder: Path) -> dict[str, bytes | None]:
        return {leaf.place + "|" + leaf.name: plain(leaf.data) for leaf in leaves(folder)}

    committed, fresh = content(sample), content(tmp_path)
    assert sorted(committed) == sorted(fresh)
    assert [place for place in fresh if committed[place] != fresh[place]] == []

    # The mails around the reports too: what is base64 in them is compared above.
    def heads(folder: Path) -> list[str]:
        text = [p.read_text() for p in sorted([*folder.rglob("*.eml"), *folder.rglob("*.mbox")])]
        return [re.sub(r"(?m)^H4sI[\s\S]*?^--", "--", part) for part in text]

    assert heads(sample) == heads(tmp_path)


def test_its_size(sample: Path, distinct: list[Read]) -> None:
    files = [path for path in sample.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert sum(-(-path.stat().st_size // 4096) * 4096 for path in files) < 3_000_000  # as `du` counts
    assert 900 <= len(distinct) <= 1250
    assert len({read.who for read in distinct}) == 8
    assert {read.domain for read in distinct} == {"nordwind.example", "suedwind.example"}
    assert (min(read.day for read in distinct), max(read.day for read in distinct)) == (DAYS[0], DAYS[-1])
    names = {
        detail["receiving-mx-hostname"]
        for r in distinct
        for _, detail in r.details()
        if "receiving-mx-hostname" in detail
    }
    assert names == {"mx1.nordwind.example", "mx2.nordwind.example", "mx1.suedwind.example"}


_DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
_HOST = re.compile(
    r"[\w-]+(?:\.[\w-]+)*@[\w.-]+|\b(?:[a-z0-9-]+\.)+(?:com|net|org|de|ru|io|eu|info|cloud|mail|example)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|(?<![\w:.])[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,}(?![\w:])", re.IGNORECASE
)


def test_nothing_real_is_in_it(sample: Path) -> None:
    """Only .example (RFC 2606) and documentation addresses (RFC 5737, RFC 3849), in reports, mails and file names."""
    texts = [(plain(leaf.data) or b"").decode() + " " + leaf.place for leaf in leaves(sample)]
    for path in [*sample.rglob("*.eml"), *sample.rglob("*.mbox")]:
        texts.append(re.sub(r"(?m)^(H4sI|\t(b=| \w))[\s\S]*?^(?=--|Date)", "", path.read_text()))
    hosts, addresses = set(), set()
    for text in texts:
        hosts |= {host.lower().strip(".") for host in _HOST.findall(text)}
        addresses |= {found for found in _ADDRESS.findall(text) if not re.fullmatch(r"\d\d:\d\d:\d\d", found)}
    assert len(hosts) > 15
    assert len(addresses) > 15
    assert {host for host in hosts if not host.endswith(".example")} == set()
    strange = {a for a in addresses if not any(ipaddress.ip_address(a) in net for net in _DOCUMENTATION)}
    assert strange == set()


def _recount(distinct: Iterable[Read], row: dict[str, str]) -> dict[date, int]:
    """Failed sessions of the row's group by day, from the raw JSON."""
    group = (row["policy_domain"], row["policy_type"], row["receiving_mx_hostname"], row["result_type"])
    out: dict[date, int] = defaultdict(int)
    for read in distinct:
        for policy_type, detail in read.details():
            if (
                read.domain,
                policy_type,
                detail.get("receiving-mx-hostname", ""),
                detail.get("result-type", ""),
            ) == group:
                out[read.day] += int(detail["failed-session-count"])
    return out


def _span(row: dict[str, str]) -> tuple[date, date]:
    return date.fromisoformat(row["start"]), date.fromisoformat(row["end"] or DAYS[-1].isoformat())


def test_truth_is_about_seven_incidents_the_last_of_them_open(truth: list[dict[str, str]]) -> None:
    assert [(row["result_type"], row["held_back"]) for row in truth] == [
        ("starttls-not-supported", "false"),  # one sender, in testing
        ("sts-webpki-invalid", "false"),  # the policy host holds no mail
        ("certificate-expired", "true"),  # enforce, the only MX
        ("validation-failure", "true"),  # MX outside a policy in enforce
        ("certificate-not-trusted", "false"),  # the backup only
        ("sts-policy-fetch-error", "false"),
        ("tlsa-invalid", "true"),
    ]
    assert [bool(row["end"]) for row in truth] == [True] * 6 + [False]
    assert all(len(row["story"]) > 100 for row in truth)
    assert truth[0]["reporters"] == "Talweg Secure Gateway"


def test_truth_counts_what_the_reports_say(truth: list[dict[str, str]], distinct: list[Read]) -> None:
    for row in truth:
        first, last = _span(row)
        counts = _recount(distinct, row)
        assert sum(n for day, n in counts.items() if first <= day <= last) == int(row["failed_session_count"]), row[
            "incident"
        ]


def test_each_incident_is_seen_in_its_span_and_not_outside(truth: list[dict[str, str]], distinct: list[Read]) -> None:
    for row in truth:
        first, last = _span(row)
        counts = _recount(distinct, row)
        inside = [counts[day] for day in DAYS if first <= day <= last]
        outside = [counts[day] for day in DAYS if not first <= day <= last]
        assert counts[first] > 0 < counts[last], row["incident"]
        assert max(outside) <= 15, row["incident"]  # a bad day of the background
        assert sum(outside) / len(outside) < 1.5, row["incident"]
        assert sum(inside) / len(inside) > 50, row["incident"]
        peak = max(range(len(inside)), key=inside.__getitem__)
        assert peak > 0, f"{row['incident']} does not grow"
        if row["end"]:
            assert inside[-1] < inside[peak] / 2, f"{row['incident']} has no tail"


def test_there_is_a_background_of_failures(distinct: list[Read], truth: list[dict[str, str]]) -> None:
    """Low, and over-dispersed: most days next to nothing, some many times the mean."""
    quiet: dict[date, int] = defaultdict(int)
    sessions = 0
    groups = [(row["policy_domain"], row["result_type"], *_span(row)) for row in truth]
    for read in distinct:
        if read.domain != "nordwind.example":
            continue
        sessions += sum(int(entry["summary"]["total-successful-session-count"]) for entry in read.report["policies"])
        for _, detail in read.details():
            kind = detail.get("result-type", "")
            if not any(d == read.domain and k == kind and a <= read.day <= b for d, k, a, b in groups):
                quiet[read.day] += int(detail["failed-session-count"])
    counts = [quiet[day] for day in DAYS]
    mean = sum(counts) / len(counts)
    assert 0.0003 < sum(counts) / sessions < 0.004
    assert sum((n - mean) ** 2 for n in counts) / len(counts) > 1.5 * mean


def test_gaps_are_as_in_life(distinct: list[Read]) -> None:
    days: dict[str, set[date]] = defaultdict(set)
    for read in distinct:
        days[read.who].add(read.day)
    together = set().union(*days.values())
    assert set(DAYS) - together == {date(2026, 8, 8), date(2026, 8, 9)}  # the mailbox was full
    assert min(r.day for r in distinct if r.domain == "suedwind.example") == date(2026, 7, 14)  # a late start
    assert sum(min(seen) > date(2026, 7, 8) for seen in days.values()) >= 3  # reporters that come
    assert sum(max(seen) < date(2026, 10, 25) for seen in days.values()) >= 1  # and go
    assert sum(all(day.weekday() < 5 for day in seen) for seen in days.values()) >= 2
    volume = Counter[bool]()
    for read in distinct:
        if read.domain == "nordwind.example":
            volume[read.day.weekday() >= 5] += int(
                read.report["policies"][0]["summary"]["total-successful-session-count"]
            )
    assert volume[True] / 2 < 0.7 * volume[False] / 5


def _policies(read: Read, name: str) -> list[Any]:
    return [entry["policy"][name] for entry in read.report["policies"] if name in entry["policy"]]


def _summary(read: Read, name: str) -> list[Any]:
    return [entry["summary"][name] for entry in read.report["policies"]]


def _surplus(read: Read) -> list[int]:
    """Total minus details, for each policy."""
    out = []
    for entry in read.report["policies"]:
        found = entry.get("failure-details") or []
        found = [found] if isinstance(found, dict) else found
        details = sum(int(d.get("failed-session-count", 0)) for d in found)
        out.append(int(entry["summary"]["total-failure-session-count"]) - details)
    return out


QUIRKS: dict[str, Callable[[Read], object]] = {
    "report-id of date and domain, time included": lambda r: re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00Z_[\w.]+", r.report["report-id"]),
    "report-id of date and domain": lambda r: re.fullmatch(r"\d{4}-\d\d-\d\d_[\w.]+", r.report["report-id"]),
    "TLSA records as an array inside one string": lambda r: any(
        p[0].startswith('["3 1 1 ') for p in _policies(r, "policy-string") if isinstance(p, list) and p
    ),
    "TLSA records as a list": lambda r: any(p[0].startswith("3 1 1 ") for p in _policies(r, "policy-string") if isinstance(p, list) and p),
    "policy fetch error without sending-mta-ip": lambda r: any(
        d.get("result-type") == "sts-policy-fetch-error" and "sending-mta-ip" not in d for _, d in r.details()
    ),
    "policy fetch error with sending-mta-ip": lambda r: any(
        d.get("result-type") == "sts-policy-fetch-error" and "sending-mta-ip" in d for _, d in r.details()
    ),
    "mx-host a string": lambda r: any(isinstance(p, str) for p in _policies(r, "mx-host")),
    "mx-host-pattern with the key inside": lambda r: any(p[0].startswith("mx: ") for p in _policies(r, "mx-host-pattern")),
    "policy-string one string with line breaks": lambda r: any(isinstance(p, str) and "\r\n" in p for p in _policies(r, "policy-string")),
    "no policy-string and no mx-host for sts": lambda r: any(
        e["policy"]["policy-type"] == "sts" and not {"policy-string", "mx-host"} & set(e["policy"])
        and e["summary"]["total-successful-session-count"] for e in r.report["policies"]
    ),
    "date without a zone": lambda r: r.report["date-range"]["start-datetime"][-1] != "Z" and "+" not in r.report["date-range"]["start-datetime"],
    "date with an offset": lambda r: "+02:00" in r.report["date-range"]["start-datetime"],
    "end at the next midnight": lambda r: r.report["date-range"]["end-datetime"].endswith("T00:00:00Z"),
    "total above details": lambda r: max(_surplus(r)) > 0,
    "details above total": lambda r: min(_surplus(r)) < 0,
    "no-policy-found without policy-domain": lambda r: any(
        e["policy"]["policy-type"] == "no-policy-found" and "policy-domain" not in e["policy"] for e in r.report["policies"]
    ),
    "no-policy-found with policy-domain": lambda r: any(
        e["policy"]["policy-type"] == "no-policy-found" and "policy-domain" in e["policy"] for e in r.report["policies"]
    ),
    "several lines of EHLO": lambda r: any("\r\n250-" in d.get("receiving-mx-helo", "") for _, d in r.details()),
    "result-type absent": lambda r: any(d and "result-type" not in d for _, d in r.details()),
    "contact-info null": lambda r: r.report.get("contact-info", "") is None,
    "contact-info absent": lambda r: "contact-info" not in r.report,
    "failure-details null": lambda r: any(e.get("failure-details", 0) is None for e in r.report["policies"]),
    "failure-details absent": lambda r: any("failure-details" not in e for e in r.report["policies"]),
    "failure-details an empty object": lambda r: any(e.get("failure-details") == {} for e in r.report["policies"]),
    "failure-details one object": lambda r: any(isinstance(e.get("failure-details"), dict) and e["failure-details"] for e in r.report["policies"]),
    "counts as text": lambda r: any(isinstance(n, str) for n in _summary(r, "total-successful-session-count")),
    "policy-type in capitals": lambda r: "STS" in _policies(r, "policy-type"),
    "the same sessions under sts and tlsa": lambda r: {"sts", "tlsa"} <= set(_policies(r, "policy-type")),
    "two policies of one day": lambda r: len({json.dumps(p) for p in _policies(r, "policy-string") if "STSv1" in json.dumps(p)}) > 1,
    "IPv6": lambda r: any(":" in d.get("receiving-ip", "") for _, d in r.details()),
    **{
        f"reason {reason}": lambda r, reason=reason: any(d.get("failure-reason-code") == reason for _, d in r.details())
        for reason in ("MX_HOSTS_MISMATCH", "mx-mismatch", "bad https response code: 404", "HTTP status 404", "no matching DANE TLSA records")
    },
}  # fmt: skip


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_quirk_is_in_it(quirk: str, distinct: list[Read]) -> None:
    assert any(QUIRKS[quirk](read) for read in distinct)


def test_forms(sample: Path, every: list[Read], distinct: list[Read]) -> None:
    place = Counter(re.sub(r"[/\d-].*", "", read.place) + Path(read.place).suffix for read in every)
    assert all(place[kind] > 50 for kind in ("https.gz", "attachments.gz", "mail.eml", "put.gz")), place
    assert sum(read.place.startswith("mailbox") for read in every) > 150
    assert any(read.place.endswith(".json") for read in every)
    found = list(leaves(sample))
    assert [leaf.place.split("/")[0] for leaf in found if plain(leaf.data) is None] == ["attachments"]  # cut off
    other = [leaf for leaf in found if (plain(leaf.data) or b"{")[:1] != b"{"]
    assert sorted(leaf.place for leaf in other if ".mbox" not in leaf.place) == [
        "README.md", "mail/mailbox-nearly-full.eml", "mail/out-of-office.eml", "mail/question.eml",
        "put-aside-2026-09-16.zip/README.txt", "truth.csv",
    ]  # fmt: skip
    assert len(other) == 7  # and one in an mbox
    by_identity = defaultdict(list)
    for read in every:
        by_identity[read.identity].append(json.dumps(read.report))
    copies = [found for found in by_identity.values() if len(found) > 1]
    assert len(every) - len(distinct) == sum(len(found) - 1 for found in copies)
    assert sum(len(set(found)) == 1 for found in copies) >= 6  # the same twice
    assert sum(len(set(found)) == 2 for found in copies) == 2  # the same identity, other figures


def test_reports_show_which_policy_each_sender_held(distinct: list[Read]) -> None:
    """After the rollback of 2026-09-09, 10:55: within a day, or up to four days on the old copy."""
    last: dict[str, date] = {}
    for read in distinct:
        if read.domain == "suedwind.example" and date(2026, 9, 8) <= read.day < date(2026, 9, 20):
            for text in map(json.dumps, _policies(read, "policy-string")):
                if "enforce" in text:
                    last[read.who] = max(read.day, last.get(read.who, read.day))
    assert {day for who, day in last.items() if not who.startswith("Talweg")} == {date(2026, 9, 9)}
    assert last["Talweg Secure Gateway"] >= date(2026, 9, 11)


def test_sts_and_tlsa_count_the_same_sessions(distinct: list[Read]) -> None:
    seen = 0
    for read in distinct:
        total = Counter[str]()
        for entry in read.report["policies"]:
            summary = entry["summary"]
            if entry["policy"].get("policy-string"):
                total[entry["policy"]["policy-type"]] += (
                    summary["total-successful-session-count"] + summary["total-failure-session-count"]
                    if read.who.startswith("Meridian") else 0
                )  # fmt: skip
        if total["tlsa"] and read.day > date(2026, 10, 10):
            assert total["sts"] == total["tlsa"], read.place
            seen += 1
    assert seen > 15


def test_the_reports_can_be_had_without_files(distinct: list[Read]) -> None:
    known = {json.dumps(read.report) for read in distinct}
    fresh = [json.dumps(report) for report in iter_reports()]
    assert len(fresh) == len(distinct) + 1  # the one that is cut off
    assert sum(report in known for report in fresh) >= len(fresh) - 3  # and two of which the corrected copy counts


def test_truth_has_the_columns_that_the_package_documents(sample: Path) -> None:
    header = next(csv.reader(io.StringIO((sample / "truth.csv").read_text(encoding="utf-8"))))
    assert header == [
        "incident", "start", "end", "policy_domain", "policy_type", "receiving_mx_hostname", "result_type",
        "reporters", "failed_session_count", "held_back", "story",
    ]  # fmt: skip
