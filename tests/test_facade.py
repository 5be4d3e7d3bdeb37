"""The façade: complete, sorted, and light to import."""

from __future__ import annotations

import subprocess
import sys

import mtasts_nb as sts


def test_all_is_sorted_and_every_name_can_be_reached() -> None:
    assert list(sts.__all__) == sorted(sts.__all__)
    for name in sts.__all__:
        assert getattr(sts, name) is not None, name


def test_import_loads_nothing_heavy() -> None:
    heavy = ("pandas", "matplotlib", "ipywidgets", "httpcore", "dns", "pyarrow", "nbconvert", "numpy")
    script = f"import sys, mtasts_nb; print(*[m for m in {heavy!r} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


def test_a_function_is_not_hidden_by_the_package_of_the_same_name() -> None:

    assert callable(sts.publish)
    assert "mtasts_nb.publish" in sys.modules
