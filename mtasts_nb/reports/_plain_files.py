"""Stands in for the walker and the unpackers until they are there: files and folders of .json, .gz, mails, zip, mbox."""
# mypy: ignore-errors
# ruff: noqa
from __future__ import annotations

import email, gzip, io, os, zipfile
from pathlib import Path

from ..errors import SourceError
from ._leaf import Hints, Input, Leaf, Passed, Refused


def iter_inputs(sources, limits):
    out = []
    for n, s in enumerate(sources, 1):
        if isinstance(s, (str, Path)):
            p = Path(s)
            if not p.exists():
                raise SourceError(f"{s}: no such path. Check its spelling.")
            files = sorted(str(q) for q in p.rglob("*") if q.is_file()) if p.is_dir() else [str(p)]
            if not files:
                raise SourceError(f"{s}: an empty folder. Point to a folder that holds reports.")
            out += [Input(f, f) for f in files]
        else:
            out.append(Input(f"<bytes {n}>", None, bytes(s) if not hasattr(s, "read") else s.read()))
    return iter(out)


def unpack(data, source, member, limits, *, depth=0, hints=None, keep_mail=False):
    try:
        if data[:2] == b"\x1f\x8b":
            yield from unpack(gzip.decompress(data), source, member, limits, hints=hints)
        elif data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as z:
                for name in z.namelist():
                    yield from unpack(z.read(name), source, name, limits, hints=Hints(filename=name))
        elif data[:5] == b"From ":
            for i, one in enumerate(data.split(b"\nFrom "), 1):
                yield from unpack(one.split(b"\n", 1)[1], source, f"message {i}", limits)
        elif data.lstrip()[:1] in (b"{", b"["):
            yield Leaf(source, member, data, hints)
        elif b"\nContent-Type:" in data or b"MIME-Version" in data:
            m = email.message_from_bytes(data)
            h = lambda k: m.get(k)
            found = False
            for part in m.walk():
                if part.is_multipart():
                    continue
                body = part.get_payload(decode=True) or b""
                if body[:2] == b"\x1f\x8b" or body.lstrip()[:1] == b"{":
                    found = True
                    yield from unpack(body, source, member, limits, hints=Hints(part.get_filename(), h("TLS-Report-Domain"), h("TLS-Report-Submitter"), h("Subject")))
            if not found:
                yield Passed(source, member, "a mail without a report")
        else:
            yield Passed(source, member, "not a report")
    except Exception as e:
        yield Refused(source, member, "unpack", "truncated", str(e))


def unpack_path(path, source, limits, *, keep_mail=False):
    yield from unpack(Path(path).read_bytes(), source, "", limits)


def unpack_stream(stream, source, limits, *, keep_mail=False):
    yield from unpack(stream.read(), source, "", limits)
