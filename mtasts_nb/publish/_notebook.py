"""Find a notebook, and put the caller's parameters into it."""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ..bundled import notebooks_dir
from ..errors import PublishError
from ..files import read_file
from ..markup import one_line

__all__ = ["Notebook", "examples_in", "find_notebook", "names_of_bundled", "with_parameters"]

#: The tag of the one cell whose assignments a caller may override.
TAG = "parameters"
#: Marks the cell that holds the overrides; it is not shown as code.
INJECTED = "injected-parameters"
_LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook as it is stored.

    Attributes
    ----------
    name : str
        The file's name without its suffix.
    sha256 : str
        Of the stored file.
    node : Any
        The parsed notebook, format 4.
    guided : bool
        Whether it is one of the kit's own. One that takes `sources` reads the bundled sample where none are given.
    """

    name: str
    sha256: str
    node: Any
    guided: bool = False

    @property
    def parameters(self) -> dict[str, object]:
        """The names that its tagged cell assigns, each with its value, or None where that is more than a literal."""
        tagged = (cell for cell in self.node.cells if TAG in cell.metadata.get("tags", ()))
        first = next(tagged, None)
        return {} if first is None else _assigned(first.source)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that its tagged cell names; empty where it names none, or makes them by more than literals."""
        value = self.parameters.get("sources")
        listed = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
        return tuple(listed) if all(isinstance(each, str) and each for each in listed) else ()

    @property
    def reads_sample(self) -> bool:
        """Whether it is a guided notebook, or a copy of one, that names no sources and so reads the bundled sample."""
        known = self.guided or self.name in names_of_bundled()
        return known and self.parameters.get("sources", None) in ([], (), "")


def names_of_bundled() -> list[str]:
    """Return the names of the guided notebooks, in order.

    Examples
    --------
    >>> "06_incident_postmortem" in names_of_bundled()
    True
    """
    return sorted(path.stem for path in notebooks_dir().glob("*.ipynb"))


def find_notebook(notebook: str | Path) -> Notebook:
    """Return a guided notebook by its name, or any notebook by its path.

    Raises
    ------
    PublishError
        There is no such notebook, or the file is not one.
    """
    path = Path(notebook)
    if path.suffix != ".ipynb":
        path = (
            notebooks_dir() / f"{path.name}.ipynb"
            if path.name == str(notebook)
            else path.with_name(path.name + ".ipynb")
        )
    elif not path.is_file() and path.name == str(notebook):
        path = notebooks_dir() / path.name
    if not path.is_file():
        raise PublishError(
            f"There is no notebook {one_line(notebook)}. Give the path of an .ipynb file, or one of the guided "
            f"notebooks: {', '.join(names_of_bundled())}."
        )
    try:
        raw = read_file(path, _LARGEST)
    except OSError as error:
        raise PublishError(
            f"The notebook {one_line(path)} cannot be read: {error.strerror or error}. If it is too large, clear its "
            "outputs and save it."
        ) from error
    guided = path.resolve().parent == notebooks_dir().resolve()
    return Notebook(path.stem, hashlib.sha256(raw).hexdigest(), _parse(raw, path), guided)


def _parse(raw: bytes, path: Path) -> Any:
    import warnings

    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a notebook of an older minor format is fine here
            return nbformat.reads(raw.decode("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:
        # nbformat has no common base for what a malformed file raises; for the caller it is all one.
        raise PublishError(
            f"{one_line(path)} is not a notebook that can be read ({one_line(error, 160)}). "
            "Open it in JupyterLab and save it again, or give another file."
        ) from error


def _assigned(source: str) -> dict[str, object]:
    """Return the names that a parameters cell assigns at its top level, with their values where they are literals."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return {}
    values: dict[str, object] = {}
    for statement in body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        try:
            literal = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            literal = None
        values.update({target.id: literal for target in targets if isinstance(target, ast.Name)})
    return values


def examples_in(node: Any) -> dict[str, frozenset[str]]:
    """Return the code cells that read no parameter, nor anything made from one, so that they are the same for everyone.

    The key is the id of the cell, the value are the names that it assigns.
    """
    made: set[str] = set()
    examples: dict[str, frozenset[str]] = {}
    for cell in node.cells:
        if cell.cell_type != "code":
            continue
        try:
            parts = list(ast.walk(ast.parse(cell.source)))
        except SyntaxError:
            break  # what it makes is not known, so every later cell may show it
        names = [part for part in parts if isinstance(part, ast.Name)]
        assigned = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        if TAG in cell.metadata.get("tags", ()) or made.intersection(name.id for name in names):
            made |= assigned | {part.name for part in parts if isinstance(part, ast.FunctionDef | ast.ClassDef)}
        else:
            examples[cell.id] = frozenset(assigned)
    return examples


def _literal(name: str, value: object) -> str:
    """Return Python text that gives the value again."""
    if value is None or isinstance(value, bool | int | str):
        return repr(value)
    if isinstance(value, float):
        return f"float({str(value)!r})"  # repr of nan and inf is no literal
    if isinstance(value, Path):
        return repr(str(value))
    if isinstance(value, datetime):
        return f"__import__('datetime').datetime.fromisoformat({value.isoformat()!r})"
    if isinstance(value, date):
        return f"__import__('datetime').date.fromisoformat({value.isoformat()!r})"
    if isinstance(value, list | tuple):
        inner = "".join(_literal(name, item) + ", " for item in value)
        return f"[{inner.rstrip(', ')}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(name, key)}: {_literal(name, item)}" for key, item in value.items()) + "}"
    raise PublishError(
        f"The parameter {name!r} is a {type(value).__name__}, which cannot be written into a notebook. "
        "Give text, numbers, dates, paths, None, or lists and mappings of them."
    )


def with_parameters(notebook: Notebook, parameters: Mapping[str, object], literals: Mapping[str, str]) -> Any:
    """Return a copy of the notebook with a cell after the one tagged `parameters` that sets them.

    Parameters
    ----------
    notebook : Notebook
        What `find_notebook` gave.
    parameters : mapping of str to object
        Values to set; each name must be one that the tagged cell assigns.
    literals : mapping of str to str
        The same for values given as Python text.

    Raises
    ------
    PublishError
        The notebook has no tagged cell, does not know a name, or a value cannot be written down.
    """
    import nbformat

    node = copy.deepcopy(notebook.node)
    wanted = {name: _literal(name, value) for name, value in parameters.items()} | dict(literals)
    if not wanted:
        return node
    tagged = [index for index, cell in enumerate(node.cells) if TAG in cell.metadata.get("tags", ())]
    if not tagged:
        raise PublishError(
            f"The notebook {notebook.name} has no cell tagged '{TAG}', so {_listed(wanted)} cannot be set. "
            "Tag the cell that assigns them (JupyterLab: the gear at the right, Cell Tags)."
        )
    known = _assigned(node.cells[tagged[0]].source)
    if unknown := sorted(set(wanted) - set(known)):
        raise PublishError(
            f"The notebook {notebook.name} has no parameter {_listed(unknown)}. It has {_listed(sorted(known))}."
        )
    lines = "\n".join(f"{name} = {text}" for name, text in sorted(wanted.items()))
    cell = nbformat.v4.new_code_cell(lines, id=INJECTED, metadata={"tags": [INJECTED]})  # type: ignore[no-untyped-call]
    node.cells.insert(tagged[0] + 1, cell)
    return node


def _listed(names: object) -> str:
    texts = [one_line(name, 60) for name in names]  # type: ignore[attr-defined]
    return ", ".join(texts) or "none"
