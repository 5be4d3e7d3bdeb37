"""What is fuzzed: each target takes any bytes and raises only where a promise is broken.

A target is a function of one input. What it may raise (`RecordError` for a bad record) it catches itself; whatever else
comes out is a fault. Beside "nothing raises", a target checks what holds for every input: both report readers agree, no
canary survives redaction, a reply is bounded.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import dns.name

import mtasts_nb as sts
from mtasts_nb.analysis import load_events
from mtasts_nb.diagnosis import explain as explain_text
from mtasts_nb.errors import SnapshotError, SourceError
from mtasts_nb.knowledge import reason_matches
from mtasts_nb.probe import load_probe
from mtasts_nb.probe.wire import _dns, _smtp
from mtasts_nb.probe.wire._network import StepError
from mtasts_nb.publish._redact_names import Pseudonyms
from mtasts_nb.publish._redact_text import redacted_text
from mtasts_nb.reports import schema
from mtasts_nb.reports._archive import Archive
from mtasts_nb.reports._collect import Collector
from mtasts_nb.reports._frames import frames
from mtasts_nb.reports.ingest import Leaf, Rejected, Skipped, Unreadable, decode_document, read_document, unpack_stream

__all__ = ["CONTAINERS", "CORPUS", "TARGETS", "Target", "seeds"]

CORPUS: Final = Path(__file__).parent / "corpus"
LIMITS: Final = sts.Limits()
#: Making six tables takes a hundred times as long as reading a report: they are made of this many inputs at once.
BATCH: Final = 500


@dataclass(frozen=True)
class Target:
    """One function to fuzz. `corpus` is the folder of its seeds; `container`: one execution unpacks and decompresses.

    A container target whose name begins with ``in-`` takes what is inside, and packs it itself.
    """

    name: str
    run: Callable[[bytes], None]
    container: bool = False

    @property
    def corpus(self) -> Path:
        return CORPUS / self.name


def seeds(target: Target) -> list[bytes]:
    """Return the seeds of a target, in the order of their names."""
    return [path.read_bytes() for path in sorted(target.corpus.iterdir())]


def _text(data: bytes) -> str:
    # What the DNS and files hand on: bytes that are not UTF-8 stay visible, and half a surrogate pair is possible.
    return data.decode("utf-8", "surrogateescape")


def record(data: bytes) -> None:
    text = _text(data)
    try:
        found = sts.parse_sts_record(text)
    except sts.RecordError:
        found = None
    if found is not None:
        assert 1 <= len(found.id) <= 32
        assert found.id.isalnum()
        assert found.id.isascii()
    reason_code = ""
    try:
        sts.find_sts_record(text.split("\n"))
    except sts.RecordError as error:
        reason_code = error.reason
    assert reason_code in ("", "missing", "multiple", "syntax")
    sts.validate(record=text)


def tlsrpt(data: bytes) -> None:
    text = _text(data)
    with contextlib.suppress(sts.RecordError):
        assert sts.parse_tlsrpt_record(text).rua
    sts.validate(tlsrpt_record=text)


def policy(data: bytes) -> None:
    try:
        parsed = sts.parse_policy(data)
    except sts.PolicyError:
        parsed = None
    if parsed is not None:
        assert 0 <= parsed.max_age <= 31_557_600
        # What we write, we read: without the extensions, whose order is theirs.
        assert sts.parse_policy(parsed.to_text()).mx == parsed.mx
        for pattern in parsed.mx[:5]:
            sts.mx_matches(pattern, "mx1.nordwind.example")
    sts.validate(policy=data, mx_hosts=["mx1.nordwind.example"])


class _Batch:
    """Reads report after report into one collector, and makes tables of them from time to time."""

    def __init__(self) -> None:
        self._collector = Collector(LIMITS)
        self._inputs: list[bytes] = []

    def take(self, data: bytes) -> None:
        self._collector.add(data, "fuzz")
        self._inputs.append(data)
        if len(self._inputs) >= BATCH:
            self.finish()

    def finish(self) -> None:
        collector, self._collector = self._collector, Collector(LIMITS)
        inputs, self._inputs = self._inputs, []
        try:
            check_tables(collector, len(inputs))
        except Exception as error:
            raise AssertionError(f"the tables of these {len(inputs)} inputs: {inputs!r}") from error


def check_tables(collector: Collector, inputs: int) -> None:
    """Check what holds for the tables of any reports: every input is listed, and every session's failures add up."""
    archive = Archive(**frames(collector))
    for name in schema.SCHEMA:
        schema.check(name, getattr(archive, name))
    assert len(archive.inputs) == inputs
    key = ["report_key", "policy_index"]
    both = ["total_failure_session_count", "detailed_failure_session_count"]
    want = archive.sessions.set_index(key)[both].max(axis=1)
    have = archive.failures.groupby(key)["failed_session_count"].sum()
    assert want.sub(have, fill_value=0).eq(0).all()


_BATCHED: Final = _Batch()


def report(data: bytes) -> None:
    """One JSON text: what the fast reader takes, the lenient reader reads in the same way, with the same remarks."""
    _BATCHED.take(data)
    fast = Collector(LIMITS)
    if not fast.add_typed(data, "fuzz"):
        return
    document, assumed = decode_document(data, LIMITS)
    read = read_document(document, None)
    assert list(assumed) == []
    slow = Collector(LIMITS)
    slow._add_lenient(read, data, "fuzz", "")
    for deviation in read.deviations:
        slow.deviate("fuzz", "", deviation)
    assert remarks(fast) == remarks(slow)
    for table in ("reports", "sessions", "failures"):
        assert getattr(fast, table).cells == getattr(slow, table).cells, table
    assert fast.keys == slow.keys


def remarks(collector: Collector) -> list[tuple[object, ...]]:
    """Return what was noted of the reports taken, in its order: value, field, treatment."""
    fields, treatments = collector.fields.texts(), collector.treatments.texts()
    codes = collector.deviation_codes.cells
    values = collector.deviations[2].rows
    return [(value, fields[codes[2 * at]], treatments[codes[2 * at + 1]]) for at, value in enumerate(values)]


def lenient(data: bytes) -> None:
    """The lenient reader alone, which the fast reader keeps well-formed reports away from."""
    try:
        document, _ = decode_document(data, LIMITS)
        found = read_document(document, None)
    except Unreadable:
        return
    for result in found.results:
        assert 0 <= result.summary.total_failure_session_count <= 10**12
        assert 0 <= result.summary.total_successful_session_count <= 10**12


def container(data: bytes) -> None:
    """Any container: a stream of bytes ends in leaves, rejects and skipped, bounded, and never in an exception."""
    found = 0
    for result in unpack_stream(io.BytesIO(data), "fuzz", LIMITS, keep_mail=True):
        assert isinstance(result, Leaf | Rejected | Skipped)
        found += 1
        if isinstance(result, Leaf):
            assert len(result.data) <= LIMITS.report_bytes
            _BATCHED_LEAVES.take(result.data)
    assert found, "an input without a row"


_BATCHED_LEAVES: Final = _Batch()


def packed_gzip(data: bytes) -> None:
    """A gzip whose content is altered, and whose checksum is right."""
    container(gzip.compress(data, 1, mtime=0))


def packed_tar_xz(data: bytes) -> None:
    container(lzma.compress(with_header_sums(data), preset=0))


def packed_tar_bz2(data: bytes) -> None:
    container(bz2.compress(with_header_sums(data), 1))


def with_header_sums(data: bytes) -> bytes:
    """Return a tar with the sum of each header made right: else every altered header would be refused for its sum."""
    made, at = bytearray(data), 0
    while at + 512 <= len(made):
        header = made[at : at + 512]
        if any(header):
            header[148:156] = b" " * 8
            made[at + 148 : at + 156] = b"%06o\0 " % sum(header)
        try:
            size = int(header[124:136].strip(b"\0 ") or b"0", 8)
        except ValueError:
            size = 0
        at += 512 * (1 + max(0, size + 511) // 512)
    return bytes(made)


def explain(data: bytes) -> None:
    text = _text(data)
    if text.strip():
        found = explain_text(text)
        assert repr(found)


def reason(data: bytes) -> None:
    for match in reason_matches(_text(data)):
        assert match.meaning


@cache
def _file() -> Path:
    folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    return Path(tempfile.mkdtemp(prefix="mtasts-nb-fuzz-", dir=folder)) / "input"


def snapshot(data: bytes) -> None:
    _file().write_bytes(data)
    try:
        probe = load_probe(_file())
    except SnapshotError:
        return
    assert probe.findings is not None
    assert probe.verdict
    assert repr(probe)


def events(data: bytes) -> None:
    _file().write_bytes(data)
    try:
        found = load_events(_file())
    except SourceError:
        return
    assert found["time"].is_monotonic_increasing
    assert all(len(text) <= 400 for text in found["text"])


CANARY: Final = "Kanarienvogel"


def redaction(data: bytes) -> None:
    """A name between any two texts does not survive."""
    text = _text(data)
    before, _, after = text.partition("|")
    for name in (CANARY, f"{CANARY}.example", f"{CANARY}@nordwind.example"):
        out = redacted_text(f"{before} {name} {after}", Pseudonyms(b"a key for tests only"))
        assert CANARY.lower() not in out.lower()


class _Server:
    """A stream that gives the bytes in pieces: the first byte of the input says how long each is."""

    def __init__(self, data: bytes) -> None:
        self._size = 1 + (data[0] if data else 0)
        self._left = io.BytesIO(data[1:])

    def receive(self, size: int, deadline: object, step: str) -> bytes:
        return self._left.read(min(size, self._size))


class _NoClock:
    def step(self, times: float = 1.0) -> None:
        return None


def smtp(data: bytes) -> None:
    dialogue = _smtp._Dialogue(_NoClock(), _Server(data))  # type: ignore[arg-type]
    for _ in range(4):
        try:
            reply = dialogue.reply("fuzz")
        except StepError:
            return
        assert 200 <= reply.code <= 599
        assert len(reply.lines) <= _smtp.MOST_LINES
        assert all(len(line) <= _smtp.LONGEST_LINE for line in reply.lines)


_QUESTIONS: Final = [
    _dns.question(dns.name.from_text(name), kind, recursive=True, unchecked=False, edns=True)
    for name, kind in (("_mta-sts.nordwind.example", "TXT"), ("nordwind.example", "MX"), ("mx1.nordwind.example", "A"))
]
for _at, _each in enumerate(_QUESTIONS):
    _each.id = 0x1200 + _at


def dns_answer(data: bytes) -> None:
    for message in _QUESTIONS:
        # The id is checked before anything else; that it is right is no discovery for a fuzzer.
        wire = message.id.to_bytes(2, "big") + data[2:]
        try:
            response = _dns.parse(wire, message)
            if response is None:
                continue
            section = _dns.follow(response)
            answer = _dns.read_answer(response, section, section.chain, section.ttls, "udp")
        except StepError:
            continue
        assert len(answer.records) <= _dns.MOST_RECORDS


_TEXTS: Final = {
    "record": record,
    "tlsrpt": tlsrpt,
    "policy": policy,
    "report": report,
    "lenient": lenient,
    "explain": explain,
    "reason": reason,
    "snapshot": snapshot,
    "events": events,
    "redaction": redaction,
    "smtp": smtp,
    "dns": dns_answer,
}
#: Those that are packed after the change: a changed byte of the packed form rarely gets past its checksum.
_PACKED: Final = {"in-gzip": packed_gzip, "in-tar-xz": packed_tar_xz, "in-tar-bz2": packed_tar_bz2}
CONTAINERS: Final = dict.fromkeys(("gzip", "zip", "tar", "mail", "mbox"), container) | _PACKED
TARGETS: Final[dict[str, Target]] = {name: Target(name, run) for name, run in _TEXTS.items()} | {
    name: Target(name, run, container=True) for name, run in CONTAINERS.items()
}
