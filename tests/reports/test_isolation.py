"""Whatever goes wrong with one input is the row of that input; its neighbours load."""

from __future__ import annotations

import ast
import functools
import gzip
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mtasts_nb.reports import ingest, load
from mtasts_nb.reports._collect import Collector

PACKAGE = Path(ingest.__file__).parent
REPORT = (
    '{"organization-name": "B", "report-id": "%s", "contact-info": "x@b.example", '
    '"date-range": {"start-datetime": "2026-02-08T00:00:00Z", "end-datetime": "2026-02-08T23:59:59Z"}, '
    '"policies": [{"policy": {"policy-type": "sts", "policy-domain": "d.example", "policy-string": ["mode: none"]}, '
    '"summary": {"total-successful-session-count": 1, "total-failure-session-count": 1}, '
    '"failure-details": [{"result-type": "Certificate_Expired", "failed-session-count": 1}]}]}'
)
ERRORS = (RuntimeError("made to fail"), MemoryError(), RecursionError("made to fail"))
#: These take what the caller gave, before any input is read: what they raise is for the caller.
BEFORE_READING = {"flat_sources", "iter_inputs", "_flat", "_isolated"}
#: To these, the folder is the input.
OF_A_SOURCE = {"label", "_opened", "_path", "_at_least_one", "_walk", "_entries", "_guarded"}


def functions() -> Iterator[tuple[str, str]]:
    """Yield module and name of each function and method of the readers."""
    for path in sorted(PACKAGE.glob("_[a-z]*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                yield path.stem, node.name
            elif isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and not method.decorator_list:
                        yield path.stem, f"{node.name}.{method.name}"


def report(number: int) -> bytes:
    return (REPORT % number).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of each kind, a report or two in each."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "b.json").write_bytes(report(1))
    (folder / "c.json.gz").write_bytes(gzip.compress(report(2)))
    mail = b"From: a@b.example\nContent-Type: application/json; name*=utf-8''r\n\n"
    (folder / "d.mbox").write_bytes(b"From x 0:00\n%b%b\n\n" % (mail, report(3)) * 2)
    (folder / "e.json").write_bytes(b"[%b,%b]" % (report(4), report(5)))
    (folder / "f.zip").write_bytes(zipped(report(6), report(7)))
    (folder / "g.tar.xz").write_bytes(tarred(report(8), report(9)))
    (folder / "z.json").write_bytes(report(10))
    return folder


def zipped(*contents: bytes) -> bytes:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for number, content in enumerate(contents):
            file.writestr(f"{number}.json", content)
    return out.getvalue()


def tarred(*contents: bytes) -> bytes:
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as file:
        for number, content in enumerate(contents):
            info = tarfile.TarInfo(f"{number}.json")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return out.getvalue()


def failing_once(function: Callable[..., Any], error: Exception, calls: list[int]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise error
        return function(*args, **kwargs)

    return wrapper


def replace_everywhere(monkeypatch: pytest.MonkeyPatch, module: str, name: str, error: Exception) -> list[int]:
    """Make a function fail at its first call, under each name that it was imported by."""
    calls: list[int] = []
    home = importlib.import_module(f"{ingest.__name__}.{module}")
    if "." in name:
        owner, method = name.split(".")
        cls = getattr(home, owner)
        monkeypatch.setattr(cls, method, failing_once(cls.__dict__[method], error, calls))
        return calls
    function = getattr(home, name)
    failing = failing_once(function, error, calls)
    users = [importlib.import_module(f"{ingest.__name__}.{path.stem}") for path in PACKAGE.glob("_[a-z]*.py")]
    for user in (
        *users,
        ingest,
        *map(importlib.import_module, ("mtasts_nb.reports._load", "mtasts_nb.reports._collect")),
    ):
        if getattr(user, name, None) is function:
            monkeypatch.setattr(user, name, failing)
    return calls


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("module", "name"), list(functions()))
def test_a_reader_that_fails_costs_its_input_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, error: Exception
) -> None:
    if name in BEFORE_READING:
        pytest.skip("called before an input is read")
    from mtasts_nb.reports.ingest._lenient import _canonical
    from mtasts_nb.reports.ingest._values import is_address

    for cached in (_canonical, is_address):
        cached.cache_clear() if hasattr(cached, "cache_clear") else None
    replace_everywhere(monkeypatch, module, name, error)
    archive = load(folder, report(11), progress=False)
    if name in OF_A_SOURCE:
        assert list(archive.reports["report_id"]) == ["11"]
        assert len(archive.rejects) == 1
        return
    # A source that fails whole takes its two reports with it; nothing else is lost, and what is lost has a row.
    loaded = set(archive.reports["report_id"])
    expected = {str(number) for number in range(1, 12)}
    missing = expected - loaded
    assert missing <= {"8", "9"} or missing <= {"6", "7"} or missing <= {"4", "5"} or len(missing) <= 1
    assert len(archive.rejects) + (archive.inputs["outcome"] == "skipped").sum() >= bool(missing)
    assert set(archive.inputs["source"]) == {"<bytes 2>", *(str(path) for path in folder.iterdir())}
    assert archive.sessions["report_key"].nunique() == len(loaded)


def test_what_was_added_of_a_report_before_the_memory_ran_out_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(list[str]):
        def append(self, text: str) -> None:
            raise MemoryError

    collect = Collector.add
    before = []

    def add(self: Collector, data: bytes, *args: Any) -> None:
        before.append(self.member.rows)
        if len(before) == 2:
            self.member.rows = Full(self.member.rows)
        collect(self, data, *args)
        self.member.rows = list(self.member.rows)

    monkeypatch.setattr(Collector, "add", add)
    archive = load(b"[" + b",".join(map(report, range(3))) + b"]", progress=False)
    assert list(archive.rejects["reason"]) == ["memory"]
    assert sorted(archive.reports["report_id"]) == ["0", "2"]
    assert len(archive.failures) == 2


def test_a_number_of_400_digits_for_a_date_is_the_reject_row_of_its_report() -> None:
    for digits in (b"1" * 400, b'"' + b"1" * 400 + b'"', b"1e999", b"-" + b"9" * 4000, b'"1' + b"0" * 400 + b'-01-01"'):
        bad = report(1).replace(b'"2026-02-08T00:00:00Z"', digits)
        archive = load(bad, report(2), progress=False)
        assert list(archive.rejects["reason"]) == ["no-date"]
        assert len(archive.reports) == 1
