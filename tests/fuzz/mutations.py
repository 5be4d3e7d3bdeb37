"""Inputs made from seeds with hypothesis: bytes altered, cut, repeated, joined; the same engine in CI and without atheris."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["mutated"]

#: Pieces that mean something to some reader.
_PIECES = [
    b"", b"\x00", b"\xff", b"\r\n", b"\n", b";", b"=", b":", b'"', b"\\u0000", b"\\ud800", b"{", b"[", b"]}", b"null", b"-1",
    b"9" * 400, b"1e999", b"\xef\xbb\xbf", b"\x1f\x8b", b"PK\x03\x04", b"From ", b"--", b"=?", b"NaN", b"\xc3\xa9", b" " * 200,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Return a seed with one to six changes, or nothing of a seed at all."""
    data = bytearray(draw(st.sampled_from([*seeds, b""])))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.integers(0, 4))
        if kind == 0:
            data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
        elif kind == 1:
            data[at:at] = draw(st.sampled_from(_PIECES))
        elif kind == 2:
            del data[at : at + draw(st.integers(1, 60))]
        elif kind == 3:
            data += draw(st.sampled_from(seeds))[:at]
        else:
            end = at + draw(st.integers(1, 40))
            data[at:at] = data[at:end] * draw(st.integers(1, 3))
    return bytes(data)
