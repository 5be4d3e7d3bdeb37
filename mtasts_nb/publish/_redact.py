"""What a redacted document is made from: the notebook gets reports, events and a probe that contain no original name.

Redaction comes before anything is computed, so that no output can forget it. At the end the page is searched for every
original anyway, and is not written if it contains one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..analysis import load_events, narrow
from ..bundled import sample_dir
from ..errors import PublishError
from ..markup import one_line, plural
from ..probe import Probe, load_probe
from ..reports import Archive, load
from ..sender import simulate
from ._notebook import Notebook
from ._redact_check import code_names, leaks, strangers, texts_of
from ._redact_data import names_in, names_in_probe, redacted_archive, redacted_probe
from ._redact_names import Pseudonyms, check_given, key_of
from ._redact_text import redacted_text
from ._stored import store_sources

__all__ = ["Redaction", "redact_inputs"]

#: What a reader of a redacted page must know first.
NOTE = (
    "Redacted: domains, hosts, addresses, reporters and file names are pseudonyms, each the same throughout. Counts, days "
    "and result types are as reported."
)
#: Parameters of a notebook that name a file; each file is read, redacted, and replaced.
_EVENTS, _PROBE = "events", "probe"


@dataclass(frozen=True)
class Redaction:
    """Inputs without originals, and what to search the page for.

    Attributes
    ----------
    sources : str
        Python text for the notebook's parameter `sources`.
    parameters : dict of str to object
        The other parameters, redacted.
    texts : dict of str to str
        The parameters as the page states them.
    domain : str or None
        The policy domain's pseudonym.
    origin : str
        Where the reports came from, in a phrase without names.
    originals : frozenset of str
        Names, addresses, report ids and file names that must not be in the page.
    names : Pseudonyms
        Those given out.
    """

    sources: str
    parameters: dict[str, object]
    texts: dict[str, str]
    domain: str | None
    origin: str
    originals: frozenset[str] = field(repr=False)
    names: Pseudonyms = field(repr=False)

    def text(self, text: str) -> str:
        """Return a text redacted: the name of a notebook."""
        return redacted_text(text, self.names)

    def check(self, page: str, notebook: Notebook, own: str = "") -> None:
        """Raise PublishError where the page contains an original, or a host name or an address that is no pseudonym.

        Parameters
        ----------
        page : str
            The page to check.
        notebook : Notebook
            What it was made from.
        own : str
            Of a guided notebook, the page of what is in it whatever the inputs are: its text, its code, its examples.
        """
        texts = texts_of(page, own)
        revealed = leaks(texts, self.originals) | strangers(texts, self.names.made, code_names(notebook.node))
        if revealed:
            raise PublishError(
                f"The page made from {notebook.name} would contain {plural(len(revealed), 'name')} that redaction replaces, such "
                f"as {one_line(min(revealed), 80)!r}. Nothing was written. If the notebook's own text or code names it, remove "
                "it there; otherwise please report this, with the notebook."
            )


def redact_inputs(
    sources: Sequence[object],
    domain: str | None,
    parameters: Mapping[str, object],
    how: object,
    folder: Path,
    archive: Archive | None = None,
    defaults: Mapping[str, object] = MappingProxyType({}),
) -> Redaction:
    """Return the inputs redacted; they are written to a private folder, for the notebook to read.

    Parameters
    ----------
    sources : sequence
        What `load` takes; empty: the bundled sample.
    domain : str, optional
        The policy domain asked for.
    parameters : mapping
        Further parameters of the notebook.
    how : bool, str, int or mapping
        True; or a seed; or names with their pseudonyms.
    folder : Path
        Private to this process and its child.
    archive : Archive, optional
        What `load` gave for the sources, where it is at hand.
    defaults : mapping
        What the notebook assigns to its parameters: a text of them that names what the sources name is redacted too.
    """
    given = check_given(how) if isinstance(how, Mapping) else None
    if not isinstance(how, Mapping | str | int):
        raise PublishError(f"redact is {one_line(repr(how), 80)}: give True, a seed as text, or a mapping of names.")
    key = key_of(how)
    taken: Sequence[Any] = sources or [sample_dir()]
    archive = archive or load(*taken, progress=False).require_reports()
    if domain is not None:
        narrow(archive, domain)  # raises an error for a mistyped domain, by its name
    probe = parameters.get(_PROBE)
    seen = load_probe(probe) if isinstance(probe, str | Path) and str(probe) else None
    avoid = names_in(archive) | (names_in_probe(seen) if seen else set())
    names = Pseudonyms(key, given, avoid)
    clean = redacted_archive(archive, names)
    made: dict[str, object] = {}
    texts: dict[str, str] = {}
    for name, value in sorted(parameters.items()):
        if name == _PROBE and seen is not None:
            made[name], texts[name] = str(_probe(seen, names).save(folder / "probe.json")), "a snapshot, redacted"
        elif name == _EVENTS and isinstance(value, str | Path) and str(value):
            made[name], texts[name] = str(_events(value, names, folder / "events.csv")), "a file, redacted"
        else:
            made[name] = _parameter(value, names)
            texts[name] = one_line(made[name], 300)
    originals = frozenset(_originals(archive, seen, names))
    for name, value in defaults.items():
        if name not in {*parameters, "sources", "domain"} and isinstance(value, str) and leaks({value}, originals):
            made[name] = _parameter(value, names)
            texts[name] = one_line(made[name], 300)
    default = defaults.get("domain")
    if domain is None and isinstance(default, str) and default in set(archive.sessions["policy_domain"]):
        domain = default
    own = names.domain(domain) if domain is not None else None
    if own is not None:
        made["domain"] = own
        texts["domain"] = own
    return Redaction(
        store_sources(clean, folder / "archive"),
        made,
        texts,
        own,
        plural(len(sources), "source") if sources else "the bundled sample archive",
        originals,
        names,
    )


def _probe(probe: Probe, names: Pseudonyms) -> Probe:
    clean = redacted_probe(probe, names)
    before, after = (
        (
            sorted(finding.code for finding in each.findings),
            [(row.policy_type, row.delivery, row.result_type) for row in simulate(each).rows],
        )
        for each in (probe, clean)
    )
    if before != after:
        raise PublishError(
            "The probe cannot be redacted: the fault is in a text that redaction removes, so the document would be wrong. "
            "Leave the probe out."
        )
    return clean


def _events(path: str | Path, names: Pseudonyms, target: Path) -> Path:
    events = load_events(path)
    events["text"] = [redacted_text(text, names) for text in events["text"]]
    events.to_csv(target, index=False, date_format="%Y-%m-%dT%H:%M:%S%z")
    return target


def _parameter(value: object, names: Pseudonyms) -> object:
    """Return a parameter with the names in it replaced."""
    if isinstance(value, str | Path):
        made = redacted_text(str(value), names)
        return made if re.search(r"\w", made) else ""  # a title or an author of which nothing is left
    if isinstance(value, list | tuple):
        parts = [_parameter(part, names) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, Mapping):
        return {_parameter(key, names): _parameter(part, names) for key, part in value.items()}
    return value


def _originals(archive: Archive, probe: Probe | None, names: Pseudonyms) -> Iterable[str]:
    yield from names.originals
    yield from names_in(archive)
    if probe is not None:
        yield from names_in_probe(probe)
    for column in ("contact_info", "report_id", "source", "member", "sha256"):
        yield from map(str, archive.reports[column].unique())
    for column in ("source", "member"):
        yield from map(str, archive.inputs[column].unique())
