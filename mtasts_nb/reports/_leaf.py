"""What travels between finding inputs, unpacking them and reading reports: a leaf, a refusal, or a pass.

The walker (`_sources.iter_inputs`) gives `Input`; the unpackers (`_containers.unpack`, `_containers.unpack_path`)
turn each into leaves. Every leaf ends as exactly one row of `Archive.inputs`; so does every `Refused` and `Passed`.

Names
-----
``source`` is what the caller can find again: the path as he gave it (a file below a folder: folder joined with the
rest), or ``<bytes 1>``, ``<file 2>`` with the 1-based position among the sources. It is always valid Unicode: bytes of
a file name that are not UTF-8 are shown as ``\\xNN``.
``member`` is the way down inside the source, its steps joined by `STEP`; empty for a plain file. Examples:
``2026/june.tar > a.json.gz``, ``message 12 > part 2 (example.json.gz)``, ``line 3``, ``item 2``. A bare gzip adds no step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import BinaryIO, NamedTuple

from ._report import Deviation

__all__ = ["STEP", "Hints", "Input", "Leaf", "Passed", "Refused", "member_name", "named", "step_down"]

#: Between the steps of a member.
STEP = " > "


class Input(NamedTuple):
    """One thing to read: a file on disk (`path`), or what the caller gave in memory (`stream`).

    A tuple, and made without a stat where the folder listing already says that it is a regular file: a folder may
    hold a hundred thousand of them. Exactly one of `path` and `stream` is set.
    """

    source: str
    path: str | bytes | None
    stream: bytes | BinaryIO | None = None


@dataclass(slots=True, frozen=True)
class Hints:
    """What lies around a report and may say what the report itself leaves out.

    Attributes
    ----------
    filename : str or None
        The attachment's or member's name; RFC 8460 §5.1 puts sender, domain and epochs in it.
    tls_report_domain, tls_report_submitter : str or None
        The mail headers of RFC 8460 §5.3.
    subject : str or None
        The mail's subject (RFC 8460 §5.3 fixes its form).
    mail : bytes or None
        The whole mail as it came, for the check of its DKIM signature; None where the report came by other ways.
        Set only when the unpackers are called with ``keep_mail=True``.
    """

    filename: str | None = None
    tls_report_domain: str | None = None
    tls_report_submitter: str | None = None
    subject: str | None = None
    mail: bytes | None = None


@dataclass(slots=True, frozen=True)
class Leaf:
    """A document that may be a report: decompressed bytes of one JSON text, in whatever encoding they came.

    `remarks` says what had to be mended or left out on the way to these bytes; each is a row of `Archive.deviations`.
    """

    source: str
    member: str
    data: bytes
    hints: Hints | None = None
    remarks: tuple[Deviation, ...] = ()


@dataclass(slots=True, frozen=True)
class Refused:
    """Something that could not be read.

    `stage` is one of ``read`` (the file system), ``unpack`` (compression, containers), ``mail``, ``decode`` (JSON),
    ``parse`` (a JSON text that is no understandable report). `reason` is a short stable code in kebab case, such as
    ``truncated``, ``expansion-ratio``, ``nesting``, ``not-a-regular-file``, ``unreadable``; `detail` is a sentence with
    the figures or the operating system's words.
    """

    source: str
    member: str
    stage: str
    reason: str
    detail: str


@dataclass(slots=True, frozen=True)
class Passed:
    """Something readable that holds no report: a mail of another kind, a README in a zip. `reason` says what it is."""

    source: str
    member: str
    reason: str


def step_down(member: str, name: str) -> str:
    """Return the member one step further down.

    Examples
    --------
    >>> step_down("", "a.zip"), step_down("a.zip", "b.json")
    ('a.zip', 'a.zip > b.json')
    """
    return f"{member}{STEP}{name}" if member else name


def member_name(raw: str) -> str:
    """Return a member's name as valid Unicode of bounded length."""
    name = raw if raw.isascii() else raw.encode("utf-8", "backslashreplace").decode()
    return name if len(name) <= 500 else f"{name[:500]}…"


def named(name: str, outer: Hints | None) -> Hints:
    """Return what lies around a member of that name, in a container around which lies `outer`."""
    base = name.rpartition("/")[2]
    return replace(outer, filename=base) if outer else Hints(base)


# The agreed signatures
# ---------------------
# _sources.iter_inputs(sources: Sequence[object], limits: Limits) -> Iterator[Input | Refused | Passed]
#     `Passed`: hidden files and what operating systems leave about.
#     Looks at every source before it returns (so a path that is not there, a glob that matches nothing or a folder
#     without any file raises SourceError before anything is read), then walks lazily, names in sorted order.
#     Strings and Paths are paths or globs; bytes, bytearray, memoryview and binary file objects are content.
#     A Maildir is walked as the folder it is: in cur and new each file is one mail, in tmp each is passed over.
#
# _containers.unpack(data: bytes, source: str, member: str, limits: Limits, *, depth: int = 0,
#                    hints: Hints | None = None, keep_mail: bool = False) -> Iterator[Leaf | Refused | Passed]
#     By content, never by name. One or more results per call, never none, never an exception. A JSON object is one
#     Leaf even if it is no report; `reports` decides that. NDJSON and JSON arrays are split here, a BOM, UTF-16 and
#     trailing NULs are left to the reader of the leaf (a Leaf's data may have them).
#
# _containers.unpack_path(path: str | bytes, source: str, limits: Limits, *, keep_mail: bool = False)
#                    -> Iterator[Leaf | Refused | Passed]
#     The same for a file that is big or starts like an mbox, zip or tar: streamed member by member.
#     Its leaves carry the name of the file, as those of `unpack` do where the caller gives it in `hints`.
# _containers.unpack_stream(file: BinaryIO, source: str, limits: Limits, *, hints: Hints | None = None,
#                           keep_mail: bool = False) -> Iterator[Leaf | Refused | Passed]
#     The same for a file object (`Input.stream` where it is not bytes), read from where it stands.
#
# The hot path in `_load` reads a small file whole, sees gzip magic, inflates it and decodes it as a report without a
# Leaf; only when that does not give a report does it hand the file's bytes to `unpack`.
