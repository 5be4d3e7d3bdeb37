"""Every regular expression of the package takes linear time: none can be made to backtrack by what a stranger writes.

The patterns are found in the source, so that a new one is tested with no row to add. The worst inputs are made of the
pattern itself: what each repetition in it takes, many times, after what leads to it and before what fails. Each is run
by the methods that the package calls.
"""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import pytest

import mtasts_nb

PACKAGE = Path(mtasts_nb.__file__).parent
METHODS = ("match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer")
#: Patterns made at run time, each with an example; "" where only the caller's own text and ours are in them.
MADE_AT_RUN_TIME = {
    # the caller's glob pattern
    ("reports/ingest/_sources.py", "re.compile(fnmatch.translate(part))"): "",
    # our own drawing
    (
        "plots/_flowchart.py",
        """re.search(f'id="{position}">.*?<rect x="(\\\\d+)" y="(\\\\d+)" width="(\\\\d+)" height="(\\\\d+)"', svg)""",
    ): "",
    ("policy/_record_lint.py", "re.search(f';[ \\\\t]*{kind.tag}[ \\\\t]*(;|$)', text)"): r";[ \t]*v=STSv1[ \t]*(;|$)",
    ("publish/_redact_names.py", "re.compile(f'{parts}(?!\\\\w)', case)"): r"(?<!\w)Example\s+Ltd\.(?!\w)",
}
#: Patterns for text of ours only, where no stranger can write the character that makes them slow.
OURS = {
    "plots/_flowchart.py:_LABEL": "our own drawing",
    "plots/_show.py:_COMMENT": "matplotlib's SVG: a stranger's < is escaped",
    "plots/_show.py:_METADATA": "matplotlib's SVG: a stranger's < is escaped",
    "publish/_promises.py:re.sub(b'<!DOCTYPE[^>\\\\[]*>', b'', svg)": "matplotlib's SVG: a stranger's < is escaped",
    "publish/_clean.py:_TAG": "HTML of a page that was written here: a stranger's < is escaped",
    "publish/_clean.py:html": "HTML of a page that was written here: a stranger's < is escaped",
    "publish/_page.py:_HEADING": "HTML of a page that was written here: a stranger's < is escaped",
    "publish/_page.py:_TAG": "HTML of a page that was written here: a stranger's < is escaped",
}
#: Worst inputs that are not made of the pattern's own repetitions.
MORE: dict[str, tuple[str, ...]] = {}
SIZES = (16, 20, 24, 32, 40, 48, 64, 128, 512, 2048, 10_000)
#: Seconds of CPU time. Linear is far below it at the largest size, quadratic far above.
SUSPICIOUS = 0.02


class Found(NamedTuple):
    where: str
    pattern: re.Pattern[Any]
    methods: tuple[str, ...]


def found() -> Iterator[Found]:
    """Yield each pattern of the package with the methods that it is used by."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    uses = {path: dict(_uses(tree)) for path, tree in trees.items()}
    for path, tree in trees.items():
        where = path.relative_to(PACKAGE).as_posix()
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_re(node)]
        if not calls:
            continue
        module = importlib.import_module(
            ".".join(("mtasts_nb", *where.removesuffix(".py").split("/"))).removesuffix(".__init__")
        )
        names = dict(_names(tree))
        for call in calls:
            text = ast.unparse(call)
            example = MADE_AT_RUN_TIME.get((where, text))
            if example == "":
                continue
            pattern, flags = (example, 0) if example else _evaluated(call, vars(module))
            method = call.func.attr  # type: ignore[attr-defined]
            if method == "compile":
                name = names.get(call, "")
                used = uses[path].get(name) or {m for other in uses.values() for m in other.get(name, ())}
                methods = tuple(sorted(used or set(METHODS[:3])))
            else:
                methods = (method,)
            yield Found(f"{where}:{names.get(call) or text[:60]}", re.compile(pattern, flags), methods)


def _is_re(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in (*METHODS, "compile")
    )


def _names(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            for part in ast.walk(node.value):
                if isinstance(part, ast.Call):
                    yield part, ast.unparse(target)
            for part in ast.walk(node.value):  # after it, because the nearer name counts
                if isinstance(part, ast.keyword) and part.arg:
                    yield part.value, part.arg


def _uses(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in METHODS
            and isinstance(node.value, ast.Name | ast.Attribute)
        ):
            name = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            uses.setdefault(name, set()).add(node.attr)
    yield from uses.items()


def _evaluated(call: ast.Call, names: dict[str, Any]) -> tuple[Any, int]:
    """Return pattern and flags; a pattern made of anything but constants has to be named in `MADE_AT_RUN_TIME`."""
    method = call.func.attr  # type: ignore[attr-defined]
    place = {"compile": 1, "match": 2, "search": 2, "fullmatch": 2, "findall": 2, "finditer": 2}.get(method, 4)
    flags = [word.value for word in call.keywords if word.arg == "flags"] + call.args[place : place + 1]

    def value(node: ast.expr) -> Any:
        return eval(compile(ast.Expression(node), "pattern", "eval"), names)

    return value(call.args[0]), int(value(flags[0])) if flags else 0


# -- worst inputs


def attacks(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what leads to a repetition, what it repeats, and what makes it fail."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    whole = _sample(tree)
    pumps = {(before, pump) for before, pump in _repeated(tree, "") if pump}
    pumps |= {("", before + pump) for before, pump in pumps}
    pumps |= {("", char) for char in (*whole, " ", "a", "0")} | {("", whole), ("", whole[:-1])}
    pumps = {(before, pump) for before, pump in pumps if pump}
    for before, pump in sorted(pumps | {(before, pump[0]) for before, pump in pumps}):
        for end in ("\x01", "", "\n") if "$" in str(pattern.pattern) else ("\x01", ""):
            yield before, pump, end


def _sample(tree: Any) -> str:
    """Return a text that the tree matches, or nearly: each repetition at least once."""
    return "".join(_piece(operator, argument) for operator, argument in tree)


def _piece(operator: Any, argument: Any) -> str:
    if operator is code.LITERAL:
        return chr(argument)
    if operator is code.NOT_LITERAL:
        return "a" if argument != ord("a") else "b"
    if operator is code.ANY:
        return "a"
    if operator is code.IN:
        return _member(argument)
    if operator in REPEATS:
        low, _, body = argument
        return _sample(body) * max(1, min(low, 50))
    if operator is code.BRANCH:
        return _sample(argument[1][0])
    if operator is code.SUBPATTERN:
        return _sample(argument[3])
    if operator is code.ATOMIC_GROUP:
        return _sample(argument)
    return ""  # places, looks around, references


REPEATS = (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT)
CLASSES = {"DIGIT": "0123456789", "SPACE": " \t\n\r\f\v", "WORD": "azAZ09_"}


def _member(items: Any) -> str:
    chars: list[str] = []
    negated = False
    for operator, argument in items:
        if operator is code.NEGATE:
            negated = True
        elif operator is code.LITERAL:
            chars.append(chr(argument))
        elif operator is code.RANGE:
            chars += map(chr, range(argument[0], min(argument[1], argument[0] + 200) + 1))
        elif operator is code.CATEGORY:
            name = str(argument).removeprefix("CATEGORY_")
            if name.startswith("NOT_"):
                chars += [char for char in "a0 -." if char not in CLASSES[name.removeprefix("NOT_")]]
            else:
                chars += CLASSES[name]
    if not negated:
        return chars[0]
    return next(char for char in "a0 -.\u00e9" if char not in chars)


def _repeated(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    """Yield what each repetition repeats, after a text that leads to it."""
    for operator, argument in tree:
        if operator in REPEATS:
            body = argument[2]
            if argument[1] > 20:
                yield before, _sample(body)
                for other in _alternatives(body):
                    yield before, other
            yield from _repeated(body, before)
        elif operator is code.BRANCH:
            for branch in argument[1]:
                yield from _repeated(branch, before)
        elif operator is code.SUBPATTERN:
            yield from _repeated(argument[3], before)
        elif operator is code.ATOMIC_GROUP:
            yield from _repeated(argument, before)
        elif operator in (code.ASSERT, code.ASSERT_NOT):
            yield from _repeated(argument[1], before)
        before += _piece(operator, argument)


def _alternatives(tree: Any) -> Iterator[str]:
    """Yield samples of each branch within a repetition."""
    for operator, argument in tree:
        if operator is code.BRANCH:
            yield from (_sample(branch) for branch in argument[1])
        elif operator is code.SUBPATTERN:
            yield from _alternatives(argument[3])


# -- time


def runner(pattern: re.Pattern[Any], method: str) -> Callable[[Any], object]:
    empty = b"" if isinstance(pattern.pattern, bytes) else ""
    return {
        "sub": lambda text: pattern.sub(empty, text),
        "subn": lambda text: pattern.subn(empty, text),
        "finditer": lambda text: sum(1 for _ in pattern.finditer(text)),
    }.get(method, getattr(pattern, method))


def seconds(run: Callable[[Any], object], text: Any, repeats: int = 1) -> float:
    best = float("inf")
    for _ in range(repeats):
        began = time.thread_time()
        run(text)
        best = min(best, time.thread_time() - began)
    return best


def slow(pattern: re.Pattern[Any], method: str) -> tuple[str, str, str] | None:
    """Return an input for which the time grows more than linearly with its length; None where there is none."""
    run = runner(pattern, method)

    def text(before: str, pump: str, end: str, size: int) -> Any:
        made = before + pump * max(1, size // len(pump)) + end
        return made.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else made

    for before, pump, end in (*attacks(pattern), *(("", pump, "\x01") for pump in MORE.get(str(pattern.pattern), ()))):
        # In small steps: exponential time would never come back from a large one.
        for size in SIZES:
            took = seconds(run, text(before, pump, end, size))
            if took > 10 * SUSPICIOUS and size < 1000:
                return before, pump, end
            if took > SUSPICIOUS:
                quarter = seconds(run, text(before, pump, end, size // 4), 5)
                # Four times the length is four times the time, or sixteen times; other processes make both uncertain.
                if seconds(run, text(before, pump, end, size), 5) > max(SUSPICIOUS, 9 * quarter):
                    return before, pump, end
    return None


ALL = list(found())
PATTERNS = [one for one in ALL if one.where not in OURS]


def test_the_patterns_of_the_package_are_found() -> None:
    assert len(PATTERNS) > 100
    assert OURS.keys() <= {one.where for one in ALL}


@pytest.mark.parametrize(
    ("pattern", "methods"), [(p, m) for _, p, m in PATTERNS], ids=[where for where, _, _ in PATTERNS]
)
def test_a_pattern_takes_linear_time(pattern: re.Pattern[Any], methods: tuple[str, ...]) -> None:
    for method in methods:
        assert slow(pattern, method) is None, (method, pattern.pattern)


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"(a+)+b", "match"),
        (r"a.*b.*c", "search"),
        (r"\s+$", "search"),
        (r"(x|xx)*y", "match"),
        (rb"[^=]*=[^=]*;", "search"),
    ],
)
def test_a_slow_pattern_is_noticed(pattern: Any, method: str) -> None:
    assert slow(re.compile(pattern), method) is not None
