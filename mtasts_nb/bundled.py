"""The folders of the guided notebooks and the sample archive, in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["notebooks_dir", "sample_dir"]

_PACKAGE = Path(__file__).resolve().parent


def _first_existing(*candidates: Path) -> Path:
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(
        f"{candidates[0]} is missing: the package was installed without it. Install the complete package again."
    )


def sample_dir() -> Path:
    """Return the folder of the bundled sample archive of TLS reports.

    Examples
    --------
    >>> sample_dir().name
    'sample'
    """
    return _first_existing(_PACKAGE / "_bundled" / "sample", _PACKAGE.parent / "data" / "sample")


def notebooks_dir() -> Path:
    """Return the folder of the guided notebooks.

    Examples
    --------
    >>> notebooks_dir().name
    'notebooks'
    """
    return _first_existing(_PACKAGE / "_bundled" / "notebooks", _PACKAGE.parent / "notebooks")
