"""The words of the field, from `glossary.toml`, and every result type, from its own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..render import Document, Paragraph, Rendered, Terms, document
from ..vocabulary import ResultType
from ._read import read_data
from ._result_types import result_type_texts

__all__ = ["Glossary", "glossary"]


@dataclass(frozen=True, slots=True, repr=False)
class Glossary(Rendered):
    """Words of the field, each with what it means.

    Attributes
    ----------
    terms : mapping of str to str
        What each means, in the order in which one meets them.
    """

    terms: Mapping[str, str]


def glossary(part: str = "") -> Glossary:
    """Return the words of the field that contain a text, in their name or their meaning; all without one.

    Parameters
    ----------
    part : str
        What to look for, in capitals or not.

    Examples
    --------
    >>> print(glossary("label of"))
    No term contains this. Look for a shorter part.
    >>> list(glossary("sts-webpki").terms)
    ['sts-webpki-invalid']
    """
    terms = {entry["name"]: entry["text"] for entry in read_data("glossary")["term"]}
    texts = result_type_texts()
    for result_type in ResultType:
        text = texts[result_type.value]
        terms[result_type.value] = f"{text.title}. {text.short} {text.rfc}"
    wanted = part.strip().casefold()
    return Glossary({name: text for name, text in terms.items() if wanted in f"{name} {text}".casefold()})


@document.register
def _(words: Glossary) -> Document:
    if not words.terms:
        return Document((Paragraph("No term contains this. Look for a shorter part."),))
    return Document((Terms([(name, (Paragraph(text),)) for name, text in words.terms.items()]),))
