"""What a redacted document is made from: the notebook gets reports, events and a probe that hold no original any more.

Redaction comes before anything is computed, so that no output can forget it. In the end the page is searched for every
original all the same, and not written where one is found.
"""

from __future__ import annotations

import html
import pickle
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..analysis import load_events, narrow
from ..bundled import sample_dir
from ..errors import PublishError
from ..markup import one_line, plural, visible
from ..probe import Probe, load_probe
from ..reports import Archive, load
from ..sender import simulate
from ._redact_archive import names_in, redacted_archive
from ._redact_names import Pseudonyms, check_given
from ._redact_probe import names_in_probe, redacted_probe

__all__ = ["Redaction", "redact_inputs", "redacted_sources"]

#: What a reader of a redacted page must know first.
NOTE = (
    "Redacted: domains, hosts, addresses, reporters and file names are pseudonyms, each the same throughout. Counts, days "
    "and result types are as reported."
)
#: Where a notebook made by hand takes a file by name; each is read, redacted, and given in its place.
_EVENTS, _PROBE = "events", "probe"
_WORDS = re.compile(r"[\w.@:+-]+")
_CUT = re.compile(r"[@:+/]")


@dataclass(frozen=True)
class Redaction:
    """Inputs without originals, and what to search the page for.

    Attributes
    ----------
    sources : str
        Python text for the notebook's parameter `sources`.
    parameters : dict of str to object
        The other parameters, redacted.
    shown : dict of str to str
        The parameters as the page states them.
    domain : str or None
        The policy domain's pseudonym.
    origin : str
        Where the reports came from, in a phrase without names.
    originals : frozenset of str
        Names, addresses, report ids and file names that must not be in the page.
    """

    sources: str
    parameters: dict[str, object]
    shown: dict[str, str]
    domain: str | None
    origin: str
    originals: frozenset[str] = field(repr=False)

    def check(self, page: str, notebook: str) -> None:
        """Raise PublishError where the page holds an original."""
        if found := leaks(page, self.originals):
            raise PublishError(
                f"The page made from {notebook} would hold {plural(len(found), 'name')} that redaction replaces, such as "
                f"{one_line(min(found), 80)!r}. Nothing was written. If the notebook's own text or code names it, take "
                "it out there; else please report it, with the notebook."
            )


def redact_inputs(
    sources: Sequence[object], domain: str | None, parameters: Mapping[str, object], how: object, folder: Path
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
    """
    given = check_given(how) if isinstance(how, Mapping) else None
    if not isinstance(how, Mapping | str | int):
        raise PublishError(f"redact is {one_line(repr(how), 80)}: give True, a seed as text, or a mapping of names.")
    seed = None if given is not None or how is True else str(how)
    if seed == "":
        raise PublishError("redact is an empty seed: give True, or a text that nobody can guess.")
    taken: Sequence[Any] = sources or [sample_dir()]
    archive = load(*taken, progress=False).require_reports()
    if domain is not None:
        narrow(archive, domain)  # a slip in the domain is told here, by its name
    probe = parameters.get(_PROBE)
    seen = load_probe(probe) if isinstance(probe, str | Path) and str(probe) else None
    avoid = names_in(archive) | (names_in_probe(seen) if seen else set())
    names = Pseudonyms(seed, given, avoid)
    clean = redacted_archive(archive, names)
    place = folder / "archive"
    place.write_bytes(pickle.dumps(clean, protocol=pickle.HIGHEST_PROTOCOL))
    made: dict[str, object] = {}
    shown: dict[str, str] = {}
    for name, value in sorted(parameters.items()):
        if name == _PROBE and seen is not None:
            made[name], shown[name] = str(_probe(seen, names).save(folder / "probe.json")), "a snapshot, redacted"
        elif name == _EVENTS and isinstance(value, str | Path) and str(value):
            made[name], shown[name] = str(_events(value, names, folder / "events.csv")), "a file, redacted"
        else:
            made[name] = _parameter(value, names)
            shown[name] = one_line(made[name], 300)
    own = names.domain(domain) if domain is not None else None
    if own is not None:
        made["domain"] = own
        shown["domain"] = own
    return Redaction(
        f"__import__({__name__!r}, fromlist=['redacted_sources']).redacted_sources({str(place)!r})",
        made,
        shown,
        own,
        plural(len(sources), "source") if sources else "the bundled sample archive",
        frozenset(_originals(archive, seen, names)),
    )


def redacted_sources(path: str) -> list[Archive]:
    """Return the redacted archive that `redact_inputs` wrote, as the list of sources of a notebook."""
    archive: Archive = pickle.loads(Path(path).read_bytes())  # noqa: S301 - our own file, in our private folder
    return [archive]


def _probe(probe: Probe, names: Pseudonyms) -> Probe:
    clean = redacted_probe(probe, names)
    before, after = (
        [(row.policy_type, row.delivery, row.result_type) for row in simulate(one).rows] for one in (probe, clean)
    )
    if before != after:
        raise PublishError(
            "The probe cannot be redacted: what is wrong there is in a text that redaction leaves out, and the document "
            "would tell something else. Leave the probe out."
        )
    return clean


def _events(path: str | Path, names: Pseudonyms, target: Path) -> Path:
    events = load_events(path)
    events["text"] = [names.prose(text) for text in events["text"]]
    events.to_csv(target, index=False, date_format="%Y-%m-%dT%H:%M:%S%z")
    return target


def _parameter(value: object, names: Pseudonyms) -> object:
    """Return a parameter with the names in it replaced."""
    if isinstance(value, str | Path):
        return names.prose(str(value))
    if isinstance(value, list | tuple):
        parts = [_parameter(one, names) for one in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, Mapping):
        return {key: _parameter(one, names) for key, one in value.items()}
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


def leaks(page: str, originals: Iterable[str]) -> set[str]:
    """Return the originals that are in a page, in its text, attributes, or data addresses.

    Looked for are those that can be told from ordinary words: with a dot, a colon, an at sign, a digit, or a blank in
    them. Upper and lower case are the same.
    """
    texts = [page, html.unescape(page)]
    texts += [unquote(address) for address in re.findall(r"data:image/svg\+xml[^\"]*", page)]
    whole = "\n".join(texts).lower()
    words: set[str] = set()
    for word in set(_WORDS.findall(whole)):
        core = word.strip(".:@-+")
        parts = {core, *(part.strip(".-") for part in _CUT.split(core))}
        words |= parts
        # A host is found by its domain, too.
        words |= {
            part[at + 1 :] for part in parts if part.count(".") <= 20 for at, sign in enumerate(part) if sign == "."
        }
    found = set()
    for original in originals:
        text = " ".join(visible(original).split()).lower()
        if len(text) < 4 or not re.search(r"[.:@\d\s]", text):
            continue
        if text in words if _WORDS.fullmatch(text) else text in whole:
            found.add(original)
    return found
