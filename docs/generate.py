"""What of the site is made from the package: a page for each result type, finding and cause, and the notebooks as they run.

A text is said once, in `mtasts_nb.knowledge`; here it only gets its place, its links and its headings.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from mtasts_nb import notebooks_dir
from mtasts_nb.cli._main import COMMANDS, main
from mtasts_nb.files import write_file
from mtasts_nb.knowledge import CauseText, Command, FindingText, causes, finding_texts, result_type_texts
from mtasts_nb.reports.schema import SCHEMA
from mtasts_nb.vocabulary import CauseKind, Mode

__all__ = ["write"]

_WIDGETS = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")
_ORPHAN = "---\norphan: true\n---\n\n"
_CELL_SECONDS = 120
_KINDS = {
    CauseKind.FAULT: "A fault, to fix now.",
    CauseKind.LATENT: "Works today, and may fail later or for some senders.",
    CauseKind.SENDER: "Not at this domain: on the sender's side.",
    CauseKind.VANTAGE: "Not observed: a limit of where the probe ran.",
    CauseKind.OUTCOME: "No fault was found.",
}


def write(target: Path, *, run: bool = True) -> None:
    """Write every generated page below the folder; only what changed, so that a second build is quick."""
    pages = {
        **_result_types(),
        **_causes(),
        **_findings(),
        "columns.md": _columns(),
        "commands.md": _command_help(),
    }
    for name, text in pages.items():
        # A page of one code is reached by its index and by search: 400 of them in each page's contents help nobody.
        _write(target / name, (_ORPHAN * ("/" in name and not name.endswith("index.md")) + text).encode())
    for stale in target.glob("*/*.md"):
        if str(stale.relative_to(target).as_posix()) not in pages:
            stale.unlink()
    names = sorted(Path(notebooks_dir()).glob("[0-9]*.ipynb"))
    with ThreadPoolExecutor(2) as pool:
        for path, content in zip(names, pool.map(_executed if run else Path.read_bytes, names), strict=True):
            _write(target / "notebooks" / path.name, content)


def _write(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content)


def _executed(path: Path) -> bytes:
    node = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(node, timeout=_CELL_SECONDS, resources={"metadata": {"path": str(path.parent)}}).execute()
    node.metadata.pop("widgets", None)
    for cell in node.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                for kind in _WIDGETS:
                    output.get("data", {}).pop(kind, None)
            cell.outputs = [output for output in cell.outputs if output.output_type != "display_data" or output.data]
    return nbformat.writes(node).encode()  # type: ignore[no-untyped-call,no-any-return]


def _text(words: str) -> str:
    """Return a text of the registry as Markdown: nothing in it is markup but a code span."""
    return re.sub(r"([\\*_<>\[\]#|$])", r"\\\1", words).replace("{domain}", "DOMAIN").replace("{mx}", "MX-HOST")


def _section(heading: str, words: str) -> Iterator[str]:
    if words:
        yield f"## {heading}\n\n{_text(words)}\n"


def _shell(commands: Iterable[Command]) -> Iterator[str]:
    listed = list(commands)
    if listed:
        yield "## Look yourself\n"
    for command in listed:
        yield f"```console\n$ {command.shell.replace(chr(10), chr(10) + '$ ')}\n```\n\n{_text(command.shows)}\n"


def _effects(effect: Mapping[str, str]) -> Iterator[str]:
    yield "## What it does to mail\n"
    yield "| Policy mode | Effect |\n|---|---|"
    for mode in Mode:
        yield f"| {mode} | {_text(effect.get(mode, '')) or 'none'} |"
    yield ""


def _myth(myth: str, fact: str) -> Iterator[str]:
    if myth:
        yield f"## What is often said\n\n{_text(myth)}\n\n{_text(fact)}\n"


def _link(folder: str, code: str, title: str = "") -> str:
    return f"[{_text(title) if title else f'`{code}`'}](../{folder}/{code}.md)"


def _index(title: str, words: str, rows: Iterable[str], head: str) -> str:
    table = "\n".join(rows)
    return f"# {title}\n\n{words}\n\n{head}\n{table}\n"


def _result_types() -> dict[str, str]:
    pages = {}
    for code, text in result_type_texts().items():
        lines = [f"# {code}\n", f"**{_text(text.title)}.** {_text(text.short)}\n"]
        lines += _section("What the sender observed", text.meaning)
        lines += _effects(text.effect)
        if text.ranked:
            lines += ["## Causes, the most likely first\n"]
            lines += [
                f"{rank}. {_link('causes', cause.code, cause.title)}" for rank, cause in enumerate(text.ranked, 1)
            ]
            lines += [""]
        lines += _section("What to do", text.fix_for())
        lines += _shell(text.commands())
        lines += _myth(text.myth, text.fact)
        lines += [f"Source: {text.rfc}.\n"] if text.rfc else []
        pages[f"result-types/{code}.md"] = "\n".join(lines)
    rows = (f"| [`{code}`]({code}.md) | {_text(text.short)} |" for code, text in result_type_texts().items())
    words = "What a sender writes into its report (RFC 8460 §4.3), and what mtasts-nb adds where a report says nothing."
    pages["result-types/index.md"] = _index("Result types", words, rows, "| Result type | In one sentence |\n|---|---|")
    return pages


def _causes() -> dict[str, str]:
    pages = {}
    for code, cause in causes().items():
        pages[f"causes/{code}.md"] = "\n".join(_cause(cause))
    rows = (f"| [{_text(cause.title)}]({code}.md) | {cause.area.value} |" for code, cause in causes().items())
    words = "What `sts.diagnose` can name. Each has its meaning, its fix and the commands that confirm it."
    pages["causes/index.md"] = _index("Causes", words, rows, "| Cause | Where |\n|---|---|")
    return pages


def _cause(cause: CauseText) -> Iterator[str]:
    yield f"# {_text(cause.title)}\n\n`{cause.code}`. {_KINDS[cause.kind]}\n"
    yield from _section("What it means", cause.meaning())
    yield from _effects(cause.effect)
    yield from _section("What to do now", cause.fix())
    yield from _section("How to avoid it next time", cause.prevent())
    yield from _section("How to confirm that it is fixed", cause.verify())
    if cause.providers:
        yield "## At your provider\n"
        yield from (f"- **{_text(name)}**: {_text(cause.at_provider(name))}" for name in cause.providers)
        yield ""
    yield from _shell(cause.commands())
    yield from _myth(cause.myth, cause.fact)
    if cause.result_types:
        yield "## What senders report\n"
        yield ", ".join(_link("result-types", code) for code in cause.result_types) + ".\n"
    if cause.findings:
        yield "## What shows it\n"
        yield ", ".join(_link("findings", code) for code in cause.findings) + ".\n"
    if cause.rfc:
        yield f"Source: {cause.rfc}.\n"


def _findings() -> dict[str, str]:
    pages = {}
    for code, finding in finding_texts().items():
        pages[f"findings/{code}.md"] = "\n".join(_finding(finding))
    rows = (
        f"| [`{code}`]({code}.md) | {finding.severity.value} | {finding.effect.label} |"
        for code, finding in finding_texts().items()
    )
    words = "What `mtasts-nb validate` and a probe can find wrong. Severity and effect are those of the worst case."
    head = "| Finding | Severity | Effect |\n|---|---|---|"
    pages["findings/index.md"] = _index("Findings", words, rows, head)
    return pages


def _finding(finding: FindingText) -> Iterator[str]:
    yield f"# {finding.code}\n"
    yield f"Severity: {finding.severity.value}. Effect: {finding.effect.label}.\n"
    yield "## What it says\n"
    for message in dict.fromkeys(finding.messages.values()):
        yield f"> {_text(message)}\n"
    yield from _section("What senders do then", finding.consequence)
    if finding.own_fix:
        yield from _section("What to do", finding.own_fix)
    if finding.cause:
        cause = causes()[finding.cause]
        yield f"## Cause, fix and commands\n\n{_link('causes', cause.code, cause.title)}.\n"
    if finding.rfc:
        yield f"Source: {finding.rfc}.\n"


def _columns() -> str:
    lines = ["# Columns\n", "Each table of an `Archive` (`sts.load`). Times are UTC; counts are sessions.\n"]
    for table, columns in SCHEMA.items():
        lines += [f"## {table}\n", "| Column | Type | May be missing | Meaning |\n|---|---|---|---|"]
        lines += [
            f"| `{column.name}` | `{column.dtype}` | {'yes' if column.optional else 'no'} | {_meaning(column.meaning)} |"
            for column in columns
        ]
        lines += [""]
    return "\n".join(lines)


def _meaning(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")


def _command_help() -> str:
    lines = ["# The command `mtasts-nb`\n"]
    for command in ((), *((name,) for name in COMMANDS)):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main([*command, "--help"])
        name = " ".join(("mtasts-nb", *command))
        lines += [f"## {name}\n", f"```text\n{printed.getvalue().strip()}\n```\n"]
    return "\n".join(lines)
