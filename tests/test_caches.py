"""What is remembered between calls is bounded in bytes: a stranger's texts cannot fill the memory for good."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mtasts_nb
from mtasts_nb.analysis import _outside, _reported

PACKAGE = Path(mtasts_nb.__file__).parent
#: Each function with arguments whose answers are remembered, and why its arguments are small.
SMALL = {
    "analysis/_outside.py:_covers": "called for short texts only",
    "analysis/_reported.py:_causes_of_short": "called for short texts only",
    "plots/_style.py:_face": "one of two weights",
    "plots/_style.py:_advance": "one character, and one of two weights",
    "plots/_style.py:_drawable": "one character",
    "probe/wire/_tls.py:client_context": "constants of ours",
    "rollout/_measured.py:_seen": "numbers",
    "lab/_world.py:_parsed": "the lab's own zones",
}
CACHES = ("cache", "lru_cache")


def remembering() -> set[str]:
    """Return the functions with arguments that remember their answers."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (node.args.args or node.args.kwonlyargs):
                names = {ast.unparse(one).partition("(")[0].rpartition(".")[2] for one in node.decorator_list}
                if names.intersection(CACHES):
                    found.add(f"{path.relative_to(PACKAGE).as_posix()}:{node.name}")
    return found


def test_each_cache_has_small_arguments() -> None:
    assert remembering() == SMALL.keys()


@pytest.mark.parametrize(
    ("function", "cache", "size"),
    [(_outside.covers, _outside._covers, 2001), (_reported._named_causes, _reported._causes_of_short, 501)],
)
def test_a_long_text_is_not_remembered(function: object, cache: object, size: int) -> None:
    before = cache.cache_info().currsize  # type: ignore[attr-defined]
    function("x" * size, "MX")  # type: ignore[operator]
    assert cache.cache_info().currsize == before  # type: ignore[attr-defined]
    function("only here", "MX")  # type: ignore[operator]
    assert cache.cache_info().currsize == before + 1  # type: ignore[attr-defined]
