"""The documentation site: a page for each code, commands and names that exist, links that lead somewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb import cli
from mtasts_nb.knowledge import causes, finding_texts, result_type_texts

DOCS = Path(__file__).resolve().parent.parent / "docs"
WRITTEN = sorted(path for path in DOCS.rglob("*.md") if "generated" not in path.parts and "_build" not in path.parts)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("docs") / "generated"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(DOCS), *sys.path])
        import generate

        generate.write(target, run=False)
    return target


@pytest.mark.parametrize(
    ("folder", "codes"),
    [("result-types", result_type_texts()), ("causes", causes()), ("findings", finding_texts())],
    ids=["result types", "causes", "findings"],
)
def test_each_code_has_a_page_that_its_index_leads_to(pages: Path, folder: str, codes: dict[str, object]) -> None:
    index = (pages / folder / "index.md").read_text(encoding="utf-8")
    assert {path.stem for path in (pages / folder).glob("*.md")} == {*codes, "index"}
    assert set(re.findall(r"\(([\w-]+)\.md\)", index)) == set(codes)


def test_links_between_generated_pages_lead_to_pages(pages: Path) -> None:
    broken = [
        (page.name, link)
        for page in pages.rglob("*.md")
        for link in re.findall(r"\]\(([^):]+\.md)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert broken == []


def test_a_page_says_what_the_registry_says(pages: Path) -> None:
    text = (pages / "causes" / "mx-certificate-expired.md").read_text(encoding="utf-8")
    cause = causes()["mx-certificate-expired"]
    for part in (cause.title, cause.meaning(), cause.fix(), cause.prevent(), cause.commands()[0].shell):
        assert part in text


def test_every_public_name_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "functions.md").read_text(encoding="utf-8")
    errors = {name for name in sts.__all__ if name.endswith("Error")}  # the whole tree is there
    assert [name for name in sts.__all__ if name not in errors and not re.search(rf"\b{name}\b", text)] == [
        "__version__"
    ]


@pytest.mark.parametrize("page", WRITTEN, ids=[path.relative_to(DOCS).as_posix() for path in WRITTEN])
def test_commands_and_names_in_written_pages_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"(?<![\w-])sts\.(\w+)", text):
        assert hasattr(sts, name), name
    lines = "\n".join(re.findall(r"^ *```console\n(.*?)```", text, re.MULTILINE | re.DOTALL))
    for command, rest in re.findall(r"^ *mtasts-nb (\w+)(.*)$", lines, re.MULTILINE):
        assert cli.main([command, "--help"]) == 0
        known = capsys.readouterr().out
        assert [option for option in re.findall(r"(?<!\S)--[\w-]+", rest) if option not in known] == [], command
