"""Reads small files for another process: names come in, contents go out. Run as a script by `_read_ahead`.

It imports next to nothing, for it has to be at work after ten milliseconds. In: batches of names, each batch a length
(four bytes, big end first) and as many bytes, names separated by NUL. Out, for each batch: the length of all contents
together, for each name a number, and then the contents, one after the other. All numbers have four bytes, big end
first; that of a name is the length of its content, with what it is in the top two bits:

==== ===================================================================================
bits the content
==== ===================================================================================
0    none: too large, or it cannot be read; the other process looks for itself
1    what came out of gzip: one member, whole, at most a mebibyte, beginning like an object
2    the file as it is
==== ===================================================================================
"""

from __future__ import annotations

import os
import sys
import zlib

SMALL = 64 * 1024
LARGEST = 1024 * 1024
LARGEST_BATCH = 16 * LARGEST
FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def content(name: bytes) -> tuple[int, bytes]:
    """Return what is in a file, and what it is (see above)."""
    try:
        descriptor = os.open(name, FLAGS)
        try:
            data = os.read(descriptor, SMALL)
        finally:
            os.close(descriptor)
    except OSError:
        return 0, b""
    if len(data) >= SMALL:
        return 0, b""
    if data[:2] == b"\x1f\x8b":
        inflater = zlib.decompressobj(31)
        try:
            text = inflater.decompress(data, LARGEST)
        except zlib.error:
            return 2, data
        if inflater.eof and not inflater.unused_data and text[:1] == b"{":
            return 1, text
    return 2, data


def main() -> None:
    """Answer until nothing comes in any more."""
    # Built in, both: `threading` and `queue` would take longer to import than all the rest.
    from _queue import SimpleQueue
    from _struct import pack
    from _thread import start_new_thread

    batches: SimpleQueue[list[bytes] | None] = SimpleQueue()
    names_in, contents_out = sys.stdin.buffer, sys.stdout.buffer

    def take_in() -> None:
        # Its own thread, so that the other side never waits to hand over names while we wait to hand over contents.
        while len(head := names_in.read(4)) == 4:
            batches.put(names_in.read(int.from_bytes(head, "big")).split(b"\0"))
        batches.put(None)

    start_new_thread(take_in, ())
    while (names := batches.get()) is not None:
        numbers: list[int] = []
        contents: list[bytes] = []
        size = 0
        for name in names:
            # Hostile files could fill the memory together; a batch of honest ones is far smaller.
            kind, data = content(name) if size < LARGEST_BATCH else (0, b"")
            numbers.append(kind << 30 | len(data))
            contents.append(data)
            size += len(data)
        contents_out.write(pack(f">{len(numbers) + 1}I", size, *numbers))
        contents_out.write(b"".join(contents))
        contents_out.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        # The other process has gone, or wants us gone; nobody is left to tell.
        os._exit(0)
