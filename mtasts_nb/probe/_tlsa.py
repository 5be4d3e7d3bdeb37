"""The text of a TLSA record, as far as senders can use it."""

from __future__ import annotations

__all__ = ["tlsa_record"]


def tlsa_record(text: str) -> tuple[int, int, int, bytes]:
    """Return usage, selector, matching type and data of a TLSA record (RFC 6698 §2).

    Raises
    ------
    ValueError
        No sender can use it for SMTP (RFC 7672 §3.1); the message says why.

    Examples
    --------
    >>> tlsa_record("3 1 1 00ff")
    (3, 1, 1, b'\\x00\\xff')
    """
    parts = text.split()
    try:
        usage, selector, matching = (int(part) for part in parts[:3])
        data = bytes.fromhex("".join(parts[3:]))
    except ValueError:
        raise ValueError("not a TLSA record") from None
    if usage not in (2, 3):
        raise ValueError(f"usage {usage} is not for SMTP")
    if selector not in (0, 1) or matching not in (0, 1, 2) or not data:
        raise ValueError("unknown selector or matching type")
    return usage, selector, matching, data
