"""Publish a notebook: find it, set its parameters, run it, make the page, check it, and write it in one step."""

from __future__ import annotations

import glob
import hashlib
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..bundled import sample_dir
from ..errors import PublishError, SourceError
from ..files import private_folder, read_file, write_file
from ..markup import one_line, plural, when
from ..render import PUBLISHING
from ..reports import Mailbox, is_remote, load
from ..settings import utc_now
from ..store import Store
from ._execute import execute
from ._notebook import Notebook, examples_in, find_notebook, with_parameters
from ._page import ADDED, About, page
from ._promises import check
from ._session import open_notebook, require_saved
from ._stored import store_sources

if TYPE_CHECKING:
    from ..reports import Archive
    from ._redact import Redaction

__all__ = ["publish"]

_DEFAULT = "06_incident_postmortem"
#: Programs whose version can change a figure in the page.
_PROGRAMS = ("pandas", "numpy", "pyarrow", "msgspec", "matplotlib", "nbconvert", "nh3")
_EVIDENCE_CELL = "from mtasts_nb.publish._evidence import evidence_in\nevidence_in(globals(), {})"
_NOTHING = About("", "", "", "", {"mtasts-nb": "", "Python": ""}, {}, "", "")
_SAMPLE_WARNING = (
    "This page is made from the sample archive that comes with the kit: invented reports about invented domains."
)


def publish(
    out: str | Path,
    *sources: object,
    archive: Archive | None = None,
    domain: str | None = None,
    notebook: str | Path | None = None,
    parameters: Mapping[str, object] | None = None,
    redact: object = None,
    timeout: float = 1800.0,
    progress: bool = True,
    now: Callable[[], datetime] = utc_now,
) -> Path:
    """Run a notebook and write it as one self-contained HTML file; return the file's path.

    The file contains no script and loads nothing. It carries its evidence: input names and hashes, versions, parameters,
    what was rejected and assumed, and in one place the time at which it was made. Apart from that time, the same inputs
    give the same file.

    Parameters
    ----------
    out : str or Path
        The file to write. It is replaced in one step, and only when all went well.
    *sources : str, Path, bytes, binary file, Mailbox or Store
        What `load` takes. Relative paths count from the present directory. None: the bundled sample. Mailboxes and buckets
        are read here, before the notebook runs.
    archive : Archive, optional
        What `load` gave for these sources, where it is at hand: they are not read again.
    domain : str, optional
        Only this policy domain; None is all of them.
    notebook : str or Path, optional
        The name of a guided notebook, or the path of any notebook. It gets `sources` and `domain` through its cell
        tagged ``parameters``. None: called in a notebook, that one as it is saved, with the sentences and the sources
        that you gave it; anywhere else, ``06_incident_postmortem``.
    parameters : mapping of str to object, optional
        Further names that this cell assigns, with the values to take instead: text, numbers, dates, None, and lists
        and mappings of them.
    redact : bool, str, int or mapping of str to str, optional
        Replace domains, hosts, addresses, reporters and names of files by pseudonyms, each the same throughout, before
        anything is computed, so that the document can be sent outside. With True they are of this
        document only. A text or number is a secret seed, at least 20 characters that are hard to guess: documents made
        with the same seed have the same pseudonyms, and with the seed the inputs' hashes can be checked. A mapping gives
        pseudonyms of your choice to some names. Counts, days, result types, policy modes and max_age are kept. Of
        reasons, title, author and events, common words, numbers and dates are kept, and the rest becomes a pseudonym or
        an ellipsis; contact addresses, additional-information and the content of non-standard fields are left out. A
        page with a host name or address that is no pseudonym is not written. The text and code of a notebook of your own
        are not redacted.
    timeout : float
        Longest run of one cell, in seconds.
    progress : bool
        Show a bar: in a notebook, and on a terminal once the run has taken two seconds.
    now : callable
        Gives the time to state, in UTC.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    PublishError
        There is no such notebook or parameter, the notebook that this is called in has changes that are not saved, a
        cell failed (the message names notebook, cell, error and what to
        do), the file cannot be written, or a redacted page would still contain a name.
    SourceError
        There is nothing to read where a source points, or a mailbox or bucket cannot be opened.

    Examples
    --------
    >>> publish("report.html", redact=[])
    Traceback (most recent call last):
    mtasts_nb.errors.PublishError: redact is []: give True, a seed as text, or a mapping of names.
    """
    target = _writable(Path(out))
    here = open_notebook() if notebook is None else None
    if notebook is None and PUBLISHING in os.environ:
        return target  # this call is in the notebook that is being published
    stored = find_notebook(here or notebook or _DEFAULT)
    if here is not None:
        require_saved(stored)
        sources = sources or stored.sources
    given = dict(parameters or {})
    _check_sources(sources)
    with ExitStack() as stack:
        redaction: Redaction | None = None
        if redact is not None and redact is not False:
            folder = stack.enter_context(private_folder())
            redaction = _redacted(stored, sources, archive, domain, given, redact, folder)
            given, literals = redaction.parameters, {"sources": redaction.sources}
        else:
            if domain is not None:
                given["domain"] = domain
            literals = {"sources": _source_literal(sources, archive, stack, progress=progress)} if sources else {}
        node = with_parameters(stored, given, literals)
        _add_evidence(node, examples_in(stored.node) if literals else {})
        execute(node, stored.name, cwd=str(Path.cwd()), timeout=timeout, progress=progress)
    about = _about(stored, sources, domain, given, now())
    if redaction is not None:
        about = _about_redacted(about, redaction, guided=stored.guided)
    html = page(node, about)
    check(html, stored.name)
    if redaction is not None:
        redaction.check(html, stored, page(_own_part(node), _NOTHING) if stored.guided else "")
    _write(target, html)
    return target


def _own_part(node: Any) -> Any:
    """Return what is in a notebook whatever its parameters are: no cell that publishing added, only outputs of its examples."""
    own = deepcopy(node)
    own.cells = [cell for cell in own.cells if ADDED not in cell.metadata]
    examples = examples_in(own)
    for cell in own.cells:
        if cell.cell_type == "code" and cell.id not in examples:
            cell.outputs = []
    return own


def _redacted(
    stored: Notebook,
    sources: Sequence[object],
    archive: Archive | None,
    domain: str | None,
    given: Mapping[str, object],
    how: object,
    folder: Path,
) -> Redaction:
    from ._redact import redact_inputs

    if not sources and not _is_sample(stored, sources):
        raise PublishError(
            f"{stored.name} reads sources of its own, which cannot be redacted. Give the sources to publish(…), and let "
            "the notebook read its parameter `sources`."
        )
    return redact_inputs(sources, domain, given, how, folder, archive, stored.parameters)


def _about_redacted(about: About, redaction: Redaction, *, guided: bool) -> About:
    """Return what the page says about itself, without names."""
    from ._redact import NOTE

    return replace(
        about,
        notebook=about.notebook if guided else redaction.text(about.notebook),
        parameters={"sources": f"{redaction.origin}, names left out", **redaction.texts},
        subject=redaction.domain or ("All domains" if about.subject else ""),
        origin=redaction.origin,
        warning=f"{NOTE} {about.warning}".strip(),
    )


def _writable(out: Path) -> Path:
    """Return the target; raise an error before the run where it cannot be written."""
    if out.is_dir():
        raise PublishError(
            f"{one_line(out)} is a folder. Name the file to write, for example {one_line(out / 'report.html')}."
        )
    if not out.parent.is_dir():
        raise PublishError(f"The folder {one_line(out.parent)} does not exist. Make it, or name another file.")
    if out.exists() and not os.access(out, os.W_OK):
        raise PublishError(f"{one_line(out)} is write-protected. Name another file.")
    if not os.access(out.parent, os.W_OK):
        raise PublishError(f"The folder {one_line(out.parent)} is not writable. Name a file elsewhere.")
    return out


def _check_sources(sources: Sequence[object]) -> None:
    """Raise an error before a kernel is started where a source is of no use."""
    for source in sources:
        if isinstance(source, str | os.PathLike):
            text = os.fspath(source)
            if isinstance(text, str) and not is_remote(text) and not _exists(text):
                raise SourceError(
                    f"There is nothing at {one_line(text)}: no such file or folder, and no file matches it as a pattern. "
                    "Check the path, or give the folder that holds the reports."
                )
        elif not isinstance(source, bytes | bytearray | memoryview | Mailbox | Store) and not hasattr(source, "read"):
            raise PublishError(
                f"publish takes what load takes (paths, patterns, bytes, binary files), not {type(source).__name__}: "
                "it runs the notebook, which reads the reports itself."
            )


def _exists(text: str) -> bool:
    """Return whether `load` would find something: a path, with `~` for the home folder, or a pattern that matches."""
    text = os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser raises where there is no such user
    return Path(text).exists() or any(glob.iglob(text, recursive=True))  # noqa: PTH207


def _source_literal(sources: Sequence[Any], archive: Archive | None, stack: ExitStack, *, progress: bool) -> str:
    """Return Python text for the list of sources; what is in memory goes into private files for the kernel to read."""
    if archive is None and any(isinstance(source, Mailbox) or is_remote(source) for source in sources):
        # Read here, where a password can be asked for; the kernel gets the tables.
        archive = load(*sources, progress=progress).require_reports()
    if archive is not None:
        return store_sources(archive, stack.enter_context(private_folder()) / "archive")
    texts = []
    folder: Path | None = None
    for position, source in enumerate(sources):
        if isinstance(source, Store):
            texts.append(source.as_code())
            continue
        if isinstance(source, str | os.PathLike):
            texts.append(repr(os.fspath(source)))
            continue
        if folder is None:
            folder = stack.enter_context(private_folder())
        path = folder / str(position)
        path.write_bytes(source.read() if hasattr(source, "read") else bytes(source))
        texts.append(f"__import__('pathlib').Path({str(path)!r}).read_bytes()")
    return f"[{', '.join(texts)}]"


def _add_evidence(node: Any, examples: Mapping[str, frozenset[str]]) -> None:
    """Add the cell that shows what the figures rest on: not on the archive of an example, which may be the largest."""
    import nbformat

    for cell in node.cells:
        if "injected-parameters" in cell.metadata.get("tags", ()):
            cell.metadata[ADDED] = True
    cell = nbformat.v4.new_code_cell(
        _EVIDENCE_CELL.format(sorted({name for names in examples.values() for name in names})),
        id="evidence",
        metadata={ADDED: True},
    )  # type: ignore[no-untyped-call]
    node.cells.append(cell)


def _named(source: object, position: int) -> str:
    if isinstance(source, str | os.PathLike):
        return one_line(os.fspath(source), 120)
    if isinstance(source, Mailbox):
        return one_line(source.name, 120)
    if isinstance(source, Store):
        return one_line(source.uri, 120)
    return f"<file {position}>" if hasattr(source, "read") else f"<bytes {position}>"


def _is_sample(stored: Notebook, sources: Sequence[object]) -> bool:
    if not sources:
        return stored.reads_sample
    paths = [Path(os.fsdecode(os.fspath(source))) for source in sources if isinstance(source, str | os.PathLike)]
    home = sample_dir().resolve()
    return len(paths) == len(sources) and all(path.exists() and path.resolve() == home for path in paths)


def _about(
    stored: Notebook, sources: Sequence[object], domain: str | None, given: Mapping[str, object], made: datetime
) -> About:
    names = [_named(source, position) for position, source in enumerate(sources, 1)]
    sample = _is_sample(stored, sources)
    if sample:
        origin = "the bundled sample archive"
    elif not names:
        own = stored.guided or "sources" not in stored.parameters
        origin = "the notebook’s own texts and examples" if own else "the sources that the notebook names"
    else:
        origin = names[0] if len(names) == 1 else plural(len(names), "source")
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    made = made.astimezone(UTC).replace(microsecond=0)
    texts = {name: _as_text(name, value) for name, value in sorted(given.items())}
    return About(
        notebook=stored.name,
        sha256=stored.sha256,
        made=when(made),
        made_iso=made.isoformat().replace("+00:00", "Z"),
        versions={"mtasts-nb": __version__, "Python": platform.python_version(), **_versions()},
        parameters={"sources": listed or origin, **texts},
        subject=_subject(stored, domain),
        origin=origin,
        warning=_SAMPLE_WARNING if sample else "",
    )


#: Parameters that name a file whose content is in the document.
_FILES = ("events", "probe")
_LARGEST_FILE = 64 * 1024 * 1024


def _as_text(name: str, value: object) -> str:
    """Return a parameter as text; of a file, its hash too."""
    if isinstance(value, tuple | list) and all(isinstance(part, date) for part in value):
        return " to ".join(str(part) for part in value)
    text = one_line(value, 300)
    if name in _FILES and isinstance(value, str | os.PathLike) and str(value):
        with suppress(OSError):  # the notebook has read it, and says so where it could not
            return f"{text}, SHA-256 {hashlib.sha256(read_file(Path(value), _LARGEST_FILE)).hexdigest()}"
    return text


def _subject(stored: Notebook, domain: str | None) -> str:
    """Return what the page is about: the domain asked for, else the notebook's own, else all domains."""
    chosen = domain or stored.parameters.get("domain")
    if chosen:
        return one_line(chosen, 120)
    return "All domains" if "sources" in stored.parameters and "domain" in stored.parameters else ""


def _versions() -> dict[str, str]:
    return {program: metadata.version(program) for program in _PROGRAMS}


def _write(target: Path, html: str) -> None:
    try:
        write_file(target, html.encode("utf-8"))
    except OSError as error:
        raise PublishError(f"{one_line(target)} cannot be written: {error.strerror}. Name another file.") from error
