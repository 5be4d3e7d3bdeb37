"""A notebook that has run, as one page."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from ..markup import MISSING, html_text, plural, terminal_text
from ..render import NARROW_SVG, style
from ._clean import clean_markdown, clean_output, slug
from ._drawing import inline_svg
from ._promises import is_only_a_picture

__all__ = ["About", "page"]

#: The mark of an output that lists what the numbers rest on (`_evidence`).
EVIDENCE = "mtasts_nb_evidence"
#: The mark of a cell that `publish` put in; not shown as code.
ADDED = "mtasts_nb_added"

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_HEADING = re.compile(r"<h([1-6])[^>]*>(.*?)</h\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
# The first kind that an output offers is the one shown. A widget is shown by its HTML, never by a script.
_KINDS = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/latex", "text/plain")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_REMOVED = {"remove-cell", "remove_cell"}
#: The tag of a markdown cell that begins with a heading: in the page, what it heads is folded.
_FOLD = "fold"
#: Bytes of all parts together; a page is below two million with its style sheet and what it says about itself.
_LARGEST = 1_900_000


@dataclass(frozen=True, slots=True)
class About:
    """What the page says about itself: title, sources, versions.

    Attributes
    ----------
    notebook, sha256 : str
        Name and hash of the notebook as stored.
    made : str
        The one stated time, `2026-02-08 14:05 UTC`.
    made_iso : str
        The same for machines.
    versions : mapping of str to str
        Program to version.
    parameters : mapping of str to str
        What the caller set, as text.
    subject : str
        What the page is about, in a phrase: the domain, or all domains.
    origin : str
        Where the reports came from, in a phrase.
    warning : str
        A sentence every reader must see first; empty where there is none.
    """

    notebook: str
    sha256: str
    made: str
    made_iso: str
    versions: Mapping[str, str]
    parameters: Mapping[str, str]
    subject: str
    origin: str
    warning: str = ""


@dataclass(slots=True)
class _Body:
    """The page's content on its way: fragments of HTML in order, and the code that made them."""

    parts: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    appended: list[str] = field(default_factory=list)
    heading: str = ""
    figures: int = 0
    has_evidence: bool = False
    #: The levels of the headings whose sections are folded, and open at this place.
    folds: list[int] = field(default_factory=list)


def page(node: Any, about: About) -> str:
    """Return the HTML of a notebook that has run.

    The page holds no script and no address that would be loaded. Its policy (CSP) allows images from inside the file
    and the one style sheet, by its hash; an attribute `style` would not apply, so none is let through.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    body = _body(node)
    _make_room(body)
    title, content, contents = _ordered("\n".join(body.parts), fallback=about.notebook.replace("_", " "))
    page_style = (resources.files(__package__) / "_page.css").read_text(encoding="utf-8")
    # In a layer, a rule of the documents' sheet gives way to any rule of the page, however specific it is.
    sheet = f"@layer page, documents;\n@layer documents {{\n{style()}}}\n{_dark_figures()}{page_style}"
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("_page.html.j2").render(
        about=about,
        title=Markup(title),  # noqa: S704 - sanitised above, as is every other Markup here
        plain_title=Markup(_TAG.sub("", title)),  # noqa: S704
        content=Markup(content),  # noqa: S704
        contents=[(Markup(anchor), Markup(text)) for anchor, text in contents],  # noqa: S704
        evidence=Markup("\n".join(body.appended)),  # noqa: S704
        code=body.code,
        style=Markup(sheet),  # noqa: S704 - ours
        style_hash=digest,
        missing=MISSING,
    )


def _dark_figures() -> str:
    """Return the rules that give each colour of a figure its counterpart on a dark page; not on paper, which is white."""
    # From the file: importing `plots` for it would load matplotlib.
    table = tomllib.loads((resources.files("mtasts_nb") / "plots" / "colours.toml").read_text(encoding="utf-8"))
    rules = "".join(
        f'  svg [fill="{light}"] {{ fill: {dark}; }} svg [stroke="{light}"] {{ stroke: {dark}; }}\n'
        for light, dark in table["colours"].values()
    )
    return f"@media screen and (prefers-color-scheme: dark) {{\n{rules}}}\n"


def _make_room(body: _Body) -> None:
    """Leave out the largest parts of a page that would be larger than promised; each is counted in one line."""
    spare = _LARGEST - sum(len(text.encode("utf-8")) for text in (*body.parts, *body.appended, *body.code))
    sized = [
        (len(text.encode("utf-8")), texts, at) for texts in (body.parts, body.appended) for at, text in enumerate(texts)
    ]
    for size, texts, at in sorted(sized, key=lambda each: each[0], reverse=True):
        if spare >= 0:
            return
        texts[at] = (
            f'<p class="sts-note">An output of {plural(size // 1000, "kB", "kB")} was left out: it would not fit into this '
            "page, which holds 2 MB. Run the notebook to see it, or choose one domain or fewer days.</p>"
        )
        spare += size - len(texts[at].encode("utf-8"))


def _body(node: Any) -> _Body:
    body = _Body()
    for cell in node.cells:
        if _REMOVED & set(cell.metadata.get("tags", ())):
            continue
        if cell.cell_type == "markdown":
            _add_markdown(body, clean_markdown(cell.source), fold=_FOLD in cell.metadata.get("tags", ()))
        elif cell.cell_type == "code":
            added = bool(cell.metadata.get(ADDED))
            if cell.source.strip() and not added:
                body.code.append(_visible_source(cell.source))
            (body.appended if added else body.parts).extend(_outputs(cell.outputs, body))
            body.has_evidence |= not added and any(map(_is_evidence, cell.outputs))
    body.parts.extend("</details>" for _ in body.folds)
    if body.has_evidence:
        body.appended.clear()  # the notebook lists it itself, where its author wanted it
    return body


def _add_markdown(body: _Body, text: str, *, fold: bool) -> None:
    """Add the HTML of a markdown cell; a heading ends the folded sections of its level and below."""
    heading = _HEADING.search(text)
    if heading is None:
        body.parts.append(text)
        return
    level = int(heading.group(1))
    while body.folds and body.folds[-1] >= level:
        body.folds.pop()
        body.parts.append("</details>")
    body.heading = _TAG.sub("", heading.group(2)).strip()
    if not fold or text[: heading.start()].strip():
        body.parts.append(text)
        return
    body.folds.append(level)
    body.parts += [f"<details><summary>{heading.group()}</summary>", text[heading.end() :]]


def _is_evidence(output: Mapping[str, Any]) -> bool:
    mark = output.get("metadata", {}).get("text/html", {})
    return isinstance(mark, Mapping) and bool(mark.get(EVIDENCE))


def _visible_source(source: str) -> str:
    """Return code with hidden and reordering characters as escapes: what a reader sees is what ran."""
    lines = (line.rstrip() for line in source.splitlines())
    return "\n".join(line[: len(line) - len(line.lstrip())] + terminal_text(line, 10_000) for line in lines)


def _outputs(outputs: Sequence[Mapping[str, Any]], body: _Body) -> Iterator[str]:
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            text = _verbatim(_text(output["text"]).rstrip())
            # The error stream matters to the author of the page, seldom to its reader.
            yield (
                f"<details><summary>Messages of the program</summary>{text}</details>"
                if output.get("name") == "stderr"
                else text
            )
        elif kind == "error":
            yield _verbatim(f"{output.get('ename', '')}: {output.get('evalue', '')}", 2000)
        else:
            yield from _displayed(output.get("data", {}), output.get("metadata", {}), body)


def _verbatim(text: str, width: int | None = None) -> str:
    return f'<pre class="sts-text">{html_text(_ANSI.sub("", text), width)}</pre>'


def _displayed(data: Mapping[str, Any], metadata: Mapping[str, Any], body: _Body) -> Iterator[str]:
    kinds = [kind for kind in _KINDS if kind in data]
    if not kinds or (_WIDGET in data and kinds[0] in ("text/latex", "text/plain")):
        return  # a live view without a static rendering: its text is the widget's class, of no use to a reader
    kind, value = kinds[0], data[kinds[0]]
    of_kind = metadata.get(kind)
    own = of_kind if isinstance(of_kind, Mapping) else metadata
    if kind == "text/html":
        yield clean_output(_text(value))
    elif kind == "text/markdown":
        yield clean_output(clean_markdown(_text(value)))
    elif kind.startswith("image/"):
        alt = str(own.get("alt") or metadata.get("alt") or "")
        alt = alt or f"Figure in the section “{body.heading or 'start'}”. It came without a description."
        body.figures += 1
        yield _figure(kind, _text(value), _text(data.get(NARROW_SVG, "")), alt, f"f{body.figures}")
    else:
        yield _verbatim(_text(value))


def _text(value: object) -> str:
    return "".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _figure(kind: str, value: str, narrow: str, alt: str, prefix: str) -> str:
    """Return a figure inside the file, an SVG as a part of the page where it consists of shapes alone.

    Anything else is an image: an SVG in an image element can neither run nor load anything.
    """
    if kind == "image/svg+xml":
        if not is_only_a_picture(value.encode("utf-8")):
            return '<p class="sts-note">A figure was left out: its SVG holds a script or an address.</p>'
        if drawing := inline_svg(value, prefix, alt, "wide"):
            return f"<figure>{drawing}{inline_svg(narrow, f'{prefix}n', alt, 'narrow') or ''}</figure>"
        address = "data:image/svg+xml;charset=utf-8," + _as_address(value)
    else:
        encoded = re.sub(r"\s+", "", value)
        if not re.fullmatch(r"[A-Za-z0-9+/]+=*", encoded):
            return '<p class="sts-note">A figure was left out: its data is damaged.</p>'
        address = f"data:{kind};base64,{encoded}"
    return (
        '<figure class="frame" role="region" tabindex="0" aria-label="Figure">'
        f'<img src="{address}" alt="{html_text(alt)}"></figure>'
    )


def _as_address(svg: str) -> str:
    """Return an SVG as the rest of a data address in an attribute: a quarter smaller than base64."""
    if "'" not in svg:
        svg = svg.replace('"', "'")  # the attribute around it has double quotes
    svg = svg.replace("%", "%25").replace("#", "%23").replace("\t", "%09").replace("\r", "%0D").replace("\n", "%0A")
    return svg.replace("&", "&amp;").replace('"', "&quot;")  # in a quoted attribute nothing else needs an escape


def _ordered(page_html: str, fallback: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Return the title, the content without it, and the contents list.

    One first-level heading, no level left out on the way down, a name for each: what a screen reader walks by.
    """
    first = _HEADING.search(page_html)
    title = html_text(fallback)
    if first and first.group(1) == "1":
        title = first.group(2).strip()
        page_html = page_html[: first.start()] + page_html[first.end() :]
    level, names, contents = 1, set[str](), list[tuple[str, str]]()

    def numbered(match: re.Match[str]) -> str:
        nonlocal level
        level = min(max(int(match.group(1)), 2), level + 1)
        text = match.group(2).strip()
        base = name = slug(text) or "section"
        count = 1
        while name in names:
            count += 1
            name = f"{base}-{count}"
        names.add(name)
        if level == 2:
            contents.append((name, _TAG.sub("", text)))
        return f'<h{level} id="{name}">{text}</h{level}>'

    return title, _HEADING.sub(numbered, page_html), contents
