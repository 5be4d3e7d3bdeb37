"""What the caller points at, and what there is to read there."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtasts_nb.errors import SourceError
from mtasts_nb.reports.ingest import Input, Rejected, Skipped, iter_inputs
from mtasts_nb.settings import Limits


def found(*sources: object) -> list[Input | Rejected | Skipped]:
    return list(iter_inputs(sources, Limits()))


def inputs(*sources: object) -> list[str]:
    return [item.source for item in found(*sources) if isinstance(item, Input)]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files at several depths, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "a.json",
        "b.json.gz",
        "2026/01/x.json.gz",
        "2026/02/y.json.gz",
        "2026/z.eml",
        "odd[1].json",
        "with space/ü.json",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
    return tmp_path


ALL = [
    "2026/01/x.json.gz",
    "2026/02/y.json.gz",
    "2026/z.eml",
    "a.json",
    "b.json.gz",
    "odd[1].json",
    "with space/ü.json",
]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (".", [f"./{name}" for name in ALL]),
        ("2026", ALL[:3]),
        ("2026/", ALL[:3]),
        (Path("2026"), ALL[:3]),
        ("a.json", ["a.json"]),
        ("./a.json", ["./a.json"]),
        ("*.json", ["a.json", "odd[1].json"]),
        ("odd[1].json", ["odd[1].json"]),  # a file of that name is there: no pattern
        ("odd[[]1].json", ["odd[1].json"]),
        ("?.json*", ["a.json", "b.json.gz"]),
        ("**", ALL),
        ("**/*.gz", ["2026/01/x.json.gz", "2026/02/y.json.gz", "b.json.gz"]),
        ("**/**/*.gz", ["2026/01/x.json.gz", "2026/02/y.json.gz", "b.json.gz"]),
        ("2026/**/*.gz", ["2026/01/x.json.gz", "2026/02/y.json.gz"]),
        ("2026/**/02/*", ["2026/02/y.json.gz"]),
        ("2026/0[12]", ["2026/01/x.json.gz", "2026/02/y.json.gz"]),  # folders that match count whole
        ("20*", ALL[:3]),
        ("*/*.eml", ["2026/z.eml"]),
    ],
)
def test_a_path_or_a_pattern_gives_its_files_in_sorted_order(tree: Path, source: object, expected: list[str]) -> None:
    assert inputs(source) == expected


def test_an_absolute_pattern_and_an_absolute_folder_are_shown_as_given(tree: Path) -> None:
    assert inputs(f"{tree}/2026/*/*") == [f"{tree}/2026/01/x.json.gz", f"{tree}/2026/02/y.json.gz"]
    assert inputs(tree / "2026") == [f"{tree}/{name}" for name in ALL[:3]]


def test_the_home_folder_is_found_by_its_tilde(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tree))
    assert [Path(source).name for source in inputs("~/2026/*.eml")] == ["z.eml"]
    [item] = found("~/a.json")
    assert isinstance(item, Input)
    assert item == Input("~/a.json", str(tree / "a.json"))


def test_content_and_lists_are_sources_too(tree: Path) -> None:
    opened = io.BytesIO(b"{}")
    with Path("a.json").open("rb") as named, Path("a.json").open() as text:
        items = found(b"{}", [bytearray(b"1"), ("a.json", [memoryview(b"2")])], opened, named, text)
    assert items == [
        Input("<bytes 1>", None, b"{}"),
        Input("<bytes 2>", None, b"1"),
        Input("a.json", "a.json"),
        Input("<bytes 4>", None, b"2"),
        Input("<file 5>", None, opened),
        Input("a.json", None, named),
        Input("a.json", None, text.buffer),
    ]


def test_a_generator_of_paths_is_a_source(tree: Path) -> None:
    assert inputs(path for path in sorted(tree.glob("*.json"))) == [f"{tree}/a.json", f"{tree}/odd[1].json"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no-such.json", "'no-such.json' does not exist"),
        ("no-such/", "'no-such/' does not exist"),
        ("~no-such-user/a.json", "'~no-such-user/a.json' does not exist"),
        ("a.json/below", "Not a directory"),
        ("*.nothing", "matches no file"),
        ("no-such/*.json", "there is no folder 'no-such'"),
        ("void", "has no file in it"),
        ("", "does not exist"),
        ("nul\0byte", "null byte"),
        ('{"organization-name": "x"}', "given as bytes"),
        ('{"organization-name": "x", "policies": []}', "given as bytes"),
        ('{"organization-name": "x", "policies": [' + "1, " * 2000, "given as bytes"),
        ("x" * 5000, "too long"),
    ],
)
def test_nothing_to_read_is_said_before_anything_is_read(tree: Path, source: str, message: str) -> None:
    (tree / "void" / "deeper").mkdir(parents=True)
    with pytest.raises(SourceError, match=message) as caught:
        iter_inputs(["a.json", source], Limits())
    assert len(str(caught.value)) < 600


def test_the_error_for_a_folder_of_litter_alone_says_what_was_passed_over(tree: Path) -> None:
    (tree / "litter").mkdir()
    (tree / "litter" / ".DS_Store").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"1 skipped \(such as 'litter/.DS_Store': hidden file\)"):
        found("litter")


def test_no_source_at_all_is_an_error() -> None:
    with pytest.raises(SourceError, match="No source"):
        found()
    with pytest.raises(SourceError, match="No source"):
        found([])


@pytest.mark.parametrize("source", [None, 1, 1.5, {"a": 1}, object()])
def test_a_source_of_another_type_is_a_type_error(source: object) -> None:
    with pytest.raises(TypeError, match=r"not (NoneType|int|float|dict|object)"):
        found(source)


def test_a_list_within_itself_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(TypeError):
        found(endless)


def test_hidden_files_and_system_litter_are_passed_over_with_a_reason(tmp_path: Path) -> None:
    for name in (".hidden", ".git/config", "Thumbs.db", "desktop.ini", "__MACOSX/a.json", "a.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    rows = found(tmp_path)
    assert [Path(row.source).name for row in rows if isinstance(row, Input)] == ["a.json"]
    assert {Path(row.source).name: row.reason for row in rows if isinstance(row, Skipped)} == {
        ".git": "hidden file: a folder, not read",
        ".hidden": "hidden file",
        "Thumbs.db": "left by the operating system",
        "__MACOSX": "left by the operating system: a folder, not read",
        "desktop.ini": "left by the operating system",
    }
    # What is named is meant.
    assert inputs(tmp_path / ".hidden", tmp_path / ".git") == [f"{tmp_path}/.hidden", f"{tmp_path}/.git/config"]


def test_a_maildir_gives_its_delivered_mails_and_those_of_its_hidden_folders(tmp_path: Path) -> None:
    for name in ("cur/1.M1P1.mx:2,S", "new/2.M1P1.mx", "tmp/3.M1P1.mx", ".TLS reports/cur/4", ".TLS reports/tmp/5"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".TLS reports/new").mkdir()
    assert inputs(tmp_path) == [
        f"{tmp_path}/{name}" for name in (".TLS reports/cur/4", "cur/1.M1P1.mx:2,S", "new/2.M1P1.mx")
    ]
    passed = [row for row in found(tmp_path) if isinstance(row, Skipped)]
    assert [Path(row.source).name for row in passed] == ["5", "3.M1P1.mx"]
    assert {row.reason for row in passed} == {"in a Maildir's tmp: its delivery was not finished"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
def test_what_is_no_regular_file_is_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "to-device").symlink_to("/dev/zero")
    (tmp_path / "nowhere").symlink_to("missing")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "z.json").write_bytes(b"{}")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket is short
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        rows = found(tmp_path)
    assert [row.source for row in rows if isinstance(row, Input)] == [f"{tmp_path}/z.json"]
    refused = {Path(row.source).name: row for row in rows if isinstance(row, Rejected)}
    assert {name: row.reason for name, row in refused.items()} == {
        "fifo": "not-a-regular-file",
        "nowhere": "unreadable",
        "self": "unreadable",
        "socket": "not-a-regular-file",
        "to-device": "not-a-regular-file",
    }
    assert refused["to-device"].detail.startswith("a character device")
    assert all(row.stage == "read" for row in refused.values())
    # Named one by one they are refused just so, and cost nothing beside them.
    single = found(tmp_path / "fifo", tmp_path / "nowhere", tmp_path / "self", tmp_path / "z.json")
    assert [type(row) for row in single] == [Rejected, Rejected, Rejected, Input]


def test_links_that_lead_in_circles_end_and_each_folder_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.json").write_bytes(b"{}")
    for name in ("a/up", "a/up2"):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    rows = found(tmp_path)
    assert [row.source for row in rows if isinstance(row, Input)] == [f"{tmp_path}/a/one.json"]
    passed = [row for row in rows if isinstance(row, Skipped)]
    assert [row.source for row in passed] == [f"{tmp_path}/{name}" for name in ("a/up", "a/up2", "b")]
    assert inputs(f"{tmp_path}/**/*.json") == [f"{tmp_path}/a/one.json"]


def test_a_doubling_ladder_of_links_is_walked_in_linear_time(tmp_path: Path) -> None:
    for level in range(40):  # 2 to the 40th ways down
        (tmp_path / f"{level:02}").mkdir()
        for link in ("x", "y"):
            (tmp_path / f"{level:02}" / link).symlink_to(tmp_path / f"{level + 1:02}")
    (tmp_path / "40").mkdir()
    (tmp_path / "40" / "end.json").write_bytes(b"{}")
    assert len(inputs(tmp_path / "00")) == 1


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    (tmp_path / "a.json").write_bytes(b"{}")
    rows = found(tmp_path)
    assert [type(row) for row in rows] == [Input, Rejected]


@pytest.fixture
def deep_tree(tmp_path: Path) -> Iterator[Path]:
    """A tree of 1,200 folders, taken down again: `shutil.rmtree` is no match for it."""
    here = Path.cwd()
    os.chdir(tmp_path)
    for _ in range(1200):
        os.mkdir("d")  # noqa: PTH102
        os.chdir("d")
    Path("deep.json").touch()
    os.chdir(here)
    yield tmp_path
    os.chdir(tmp_path)
    for _ in range(1200):
        os.chdir("d")
    Path("deep.json").unlink()
    for _ in range(1200):
        os.chdir("..")
        Path("d").rmdir()
    os.chdir(here)


def test_a_tree_deeper_than_the_stack_is_walked(deep_tree: Path) -> None:
    assert len(inputs(deep_tree)) == 1


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_no_utf8_is_shown_as_valid_text_and_can_be_opened(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/r\xe9port.json"
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"{}")
    [item] = found(tmp_path)
    assert isinstance(item, Input)
    assert item.source == f"{tmp_path}/r\\xe9port.json"
    assert item.path is not None
    assert Path(os.fsdecode(item.path)).read_bytes() == b"{}"


@given(st.lists(st.text("ab*?[]!/.", max_size=12), max_size=3))
def test_any_text_is_a_path_a_pattern_or_a_source_error(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "patterns"
    folder.mkdir(exist_ok=True)
    (folder / "ab").write_bytes(b"{}")
    try:
        for item in iter_inputs([f"{folder}/{text}" for text in texts], Limits()):
            assert item.source
    except SourceError:
        pass
