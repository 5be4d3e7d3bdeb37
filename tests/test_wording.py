"""Plain English: no phrase and no name of the tables below is in the package, the notebooks or the documents.

The reader is a mail administrator, often not a native speaker. `python -m tests.test_wording [PATH…]` prints every
match as `file:line: phrase → better`.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Words that a redacted text may keep: whatever servers say.
EXEMPT = {"mtasts_nb/publish/_plain_words.txt"}
SUFFIXES = {".py", ".toml", ".css", ".j2", ".txt", ".svg", ".html", ".json", ".md", ".ipynb"}

_OBJECT = r"(?: (?:a|an|the|its|their|any|every|this|that|such|deferred|waiting))*(?: (?:message|mail|it|them)s?)"
_ARTICLE = "a an the this that each every one no first second last next another later earlier new only single"

# The first word in all its forms; how the phrase goes on (words joined by one space, whatever quotes, line ends or
# underscores lie between them); what to write instead. Identifiers are read as the words they are made of.
PHRASES: tuple[tuple[str, str, str], ...] = (
    # Terms.
    ("mend mends mended mending", "", "fix, fixed"),
    ("hold holds held holding", r"(?: \w+){0,4}? back", "defer, queue"),
    # Only of messages: a client or a queue may give up.
    ("give gives gave given giving", _OBJECT + " up", "bounce, return to sender"),
    ("message messages mail", r"(?: (?:that|which|is|are|was|were|be|to|about|would|waits?|being)){1,5} given up",
     "is bounced"),
    ("anew", "", "again, refreshed"),
    # Only where characters are meant: equals signs, and who signs with a key, are ordinary English.
    ("signs", r" (?:that (?:no|are|is|can)|which|in it|long|outside|not allowed)", "characters"),
    ("x control other ordinary typographic or more fewer }", " signs", "characters"),
    ("longer", r" than (?:\d+|[{] .{0,40}?[}]) signs", "characters"),
    ("slip slips slipped slipping", "", "typo, mistake"),
    ("old", r" cop(?:y|ies)", "cached policy"),
    ("permit permits permitted permitting", "", "match, cover"),
    # Not the verb: a file that looks like a report.
    (_ARTICLE, " look(?! like)", "check"),
    ("two three both first second last earlier later", " looks(?! like)", "checks"),
    ("look looks looked looking", " again", "check again"),
    ("look looks looked looking", " at", "check"),
    # To stand for something, and what is understood or stand-alone, are other words.
    ("stand stands stood standing", "(?! for)(?! alone)", "be, is published"),
    ("all", " the same(?! \\w+s? (?:as|way|time))", "anyway, still"),
    ("met", " (?:it|them)", "reproduced"),
    ("is are was were be been being", " had", "fetched from; could not be fetched"),
    ("had", " from", "fetched from"),
    ("told", "", "shown, reported"),
    ("what", r" is (?:to be )?said of", "assessment"),
    ("chance", "", "background noise"),
    ("come comes came coming", " scattered", "sporadic"),
    ("scattered", " fail(?:ure|ed)", "sporadic"),
    ("stand stands stood standing", " out", "exceed the baseline"),
    ("how", " sure", "confidence"),
    ("spoken spoke", " to", "connected to"),
    ("turn turns turned turning", r"(?: \w+){0,2} (?:back|away)", "reject"),
    ("own", " words", "reason given by the sender"),
    # Of policies; a host may take over from another.
    ("took taken", " over", "picked up, applied"),
    ("take takes taking", r" over(?: \w+){0,2} polic(?:y|ies)", "picked up, applied"),
    ("bear bears bore borne bearing", r"(?: \w+){0,3} out", "confirm"),
    ("void", "", "invalid, ignored"),
    ("in", " (?:the )?clear", "in cleartext, unencrypted"),
    ("lie lies lay lying", " ahead", "not expired"),
    ("no", " more valid", "expired"),
    ("inner", " networks?", "private network (RFC 1918)"),
    ("outer", " zones?", "public DNS"),
    ("anybody", "", "anyone"),
    ("whoever", "", "anyone who"),
    ("no nobody", r"(?: sender)? minds", "senders ignore this"),
    # Sentences.
    ("be", " there others or not", "even if there are others"),
    ("has", r" said yet", "No fix time given."),
    ("nobody", r" (?:has said|says|said)(?: yet)?", "not given"),
    ("nobody", " can connect", "MX host unreachable"),
    ("not", " told here", "not covered here"),
    ("as", " given by hand", "from the events file"),
    ("what", " is to be said", "Assessment"),
    ("first", " that holds", "The first matching rule applies"),
    ("would", " settle", "To confirm, check:"),
    ("for", " ever", "permanently"),
    ("tell tells telling", " of", "show"),
    ("go goes gone going went", " quiet", "stopped; was still occurring"),
    ("failure failures failed sessions", " in numbers", "significant failures"),
    ("by", " the evidence", "from evidence"),
    ("away", " with", "Remove"),
    ("by", " (?:two|three|both|more|several) ways", "by two routes"),
    ("no", " answer is a no", "no answer: choose No"),
    ("that", " there is none is", "no record: choose Yes"),
    ("has", r" (?:each|it|the|any|every|a|an|this|your)(?: \w+){1,12} [?]", "Does … have"),
    ("meant", " so", "malformed"),
    ("wait waits waiting", r" at", "is queued at"),
    ("at", r" (?:their|its) side", "at the sender"),
    ("does do not hold holds", r"(?: not hold)? an smtp conversation", "does not speak SMTP"),
    ("is are", " content", "passes"),
    ("angry", " people", "complaints"),
    # To run out of memory is ordinary; a TTL or a copy expires.
    ("run runs ran running", " out(?! of)", "expire"),
    ("nothing", " wrong was seen", "No problems found."),
    ("tell tells telling", r"(?: \w+){0,3} apart", "distinguish"),
    ("seen", r" by (?:[{]|\d+|one|some|two|all|most|every|each)", "reported by"),
    ("reports", " of \\d+ hours", "reports for 48 hours"),
    ("contradict contradicts", " (?:another|each)", "Conflicting reports with the same identity"),
    ("tell", " those who", "Tell affected users"),
    ("failed", " for another reason", "reason not given by senders"),
)  # fmt: skip

# Identifiers with this part, in any spelling (`told`, `_told`, `told_once`, `ToldOnce`).
PARTS: dict[str, str] = {
    "told": "text, message",
    "said": "text, message",
    "shown": "view, rendered",
    "mine": "own_rows",
    "crew": "ThreadGroup, or concurrent.futures",
    "stance": "SenderState",
    "stances": "SenderState",
    "fate": "delivery",
    "fates": "delivery",
    "otherwise": "ProfileDifference",
    "manner": "behaviour",
    "manners": "behaviour",
    "clues": "WalkEvidence",
    "litter": "_ignored_files",
    "besides": "other_incidents_note",
    "happenings": "events",
    "pictured": "incidents_to_plot",
}

# Whole identifiers, as written: as parts of longer names (`none_found`, `one_line`, `placeholder`), in other cases
# (`seen`, a set; `sign`, a verb) these are ordinary.
WHOLE: dict[str, str] = {
    "found": "matches, or the thing's name",
    "one": "the thing's name",
    "place": "the thing's name",
    "Odd": "NeedsLenientReader",
    "Passed": "Skipped",
    "Refused": "Rejected",
    "meet": "assess",
    "Sign": "Symptom",
    "Clues": "WalkEvidence",
    "Seen": "ProbeView",
    "_looked_again": "_comparable",
    "_standing_out": "_outliers",
}

# Modules; an attribute `_closed` is ordinary.
MODULES = {"_closed": "_vantage"}

# A stable value: snapshots and tables hold it, and `Effect.label` is what a person reads.
STABLE = {
    ("mtasts_nb/vocabulary/_terms.py", "holds mail back"),
    # Names in .NET and OpenSSL, quoted.
    ("mtasts_nb/knowledge/reason_codes/libraries.toml", "permitted"),
    ("mtasts_nb/knowledge/reason_codes/openssl.toml", "permitted"),
}

_TOKEN = re.compile(
    r"""\\[nrt]|(?<![A-Za-z])[fFrRbB]{1,2}(?=["'])|([A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\w\s"'#`\\*-])"""
)
_STARTS: dict[str, list[tuple[re.Pattern[str], str]]] = defaultdict(list)
for _words, _tail, _better in PHRASES:
    for _word in _words.split():
        _STARTS[_word].append((re.compile(re.escape(_word) + _tail + r"(?!\w)"), _better))


@dataclass(frozen=True, order=True)
class Match:
    """One phrase or name to be replaced, and where it is."""

    file: str
    line: int
    phrase: str
    better: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.phrase} → {self.better}"


def phrases(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, phrase and what to write instead, for each phrase in a text."""
    starts, words, at, line, before = [], [], 0, 1, 0
    for token in _TOKEN.finditer(text):
        if word := token[1]:
            line += text.count("\n", before, token.start())
            before = token.start()
            starts.append((at, line, word.lower()))
            words.append(word.lower())
            at += len(word) + 1
    joined = " ".join(words)
    for at, line, word in starts:
        for pattern, better in _STARTS.get(word, ()):
            if match := pattern.match(joined, at):
                yield line, match[0], better


def names(code: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, identifier and what to write instead, for each such name in Python code."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield from _judged(node.lineno, name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield from _judged(node.lineno, name)
            case ast.alias(name=name, asname=asname):
                for each in (*name.split("."), asname or ""):
                    yield from _judged(node.lineno, each)
            case _:
                pass


def _judged(line: int, name: str) -> Iterator[tuple[int, str, str]]:
    if name in WHOLE:
        yield line, name, WHOLE[name]
    for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name):
        if better := PARTS.get(part.lower()):
            yield line, name, better


def _keys(toml: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(toml.splitlines(), 1):
        for name in re.findall(r"(?:^|[{,.[])\s*([A-Za-z_][\w-]*)(?=\s*[=.\]])", line):
            yield from _judged(number, name.replace("-", "_"))


def matches(file: Path) -> list[Match]:
    """Return what is to be replaced in a file, by line; for a notebook, the line is the number of the cell."""
    text = file.read_text(encoding="utf-8")
    hits: list[tuple[int, str, str]] = []
    if file.suffix == ".ipynb":
        for number, cell in enumerate(json.loads(text)["cells"], 1):
            source = "".join(cell["source"])
            within = list(phrases(source))
            if cell["cell_type"] == "code":
                within += names("".join(line for line in cell["source"] if not line.startswith(("%", "!"))))
            hits += [(number, phrase, better) for _, phrase, better in within]
    else:
        hits += phrases(text)
        if file.suffix == ".py":
            hits += names(text)
        if file.suffix == ".toml":
            hits += _keys(text)
    hits += [(1, f"the name {file.stem}", better) for _, _, better in _judged(1, file.stem)]
    if file.stem in MODULES:
        hits.append((1, f"the name {file.stem}", MODULES[file.stem]))
    where = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)
    return sorted({Match(where, *hit) for hit in hits if (where, hit[1]) not in STABLE})


def areas() -> dict[str, list[Path]]:
    """Return the files of each area: a folder of the package, its own modules, the notebooks, each document."""
    files: dict[str, list[Path]] = defaultdict(list)
    for file in sorted((ROOT / "mtasts_nb").rglob("*")):
        inside = file.relative_to(ROOT)
        if file.suffix in SUFFIXES and "__pycache__" not in file.parts and inside.as_posix() not in EXEMPT:
            files["/".join(inside.parts[:2]) if len(inside.parts) > 2 else "mtasts_nb"].append(file)
    files["docs"] = sorted(
        file
        for file in (ROOT / "docs").rglob("*.*")
        if file.suffix in {".md", ".py"} and not {"generated", "_build"} & set(file.parts)
    )
    files["notebooks"] = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "pyproject.toml", "Makefile"):
        files[name] = [ROOT / name]
    return dict(files)


AREAS = areas()


@pytest.mark.parametrize("area", AREAS)
def test_plain_english(area):
    hits = [hit for file in AREAS[area] for hit in matches(file)]
    assert not hits, "\n" + "\n".join(map(str, hits))


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ('"mail is held "\n    f"back"', "held back"),
        ("# The policy is\n# had from there", "is had"),
        ("class HeldBack", "held back"),
        ("stands = held_back", "held back"),
        ("Has each MX host a name?", "has each mx host a name ?"),
        ("seen by {count} of them", "seen by {"),
        ("32 or more signs", "more signs"),
    ],
)
def test_a_phrase_is_recognised_across_lines_quotes_and_names(text, phrase):
    assert phrase in [match for _, match, _ in phrases(text)]


@pytest.mark.parametrize(
    "text",
    ["understand it. Stand-alone", "held. Then back", "it stands for one label", "equals signs", "amend", "avoid",
     "not found", "run out of memory", "told_you".replace("told", "toll")],
)  # fmt: skip
def test_ordinary_english_passes(text):
    assert [match for _, match, _ in phrases(text)] == []


def test_names_are_judged_whole_or_by_their_parts():
    code = "def f(told_once, not_found, found):\n    return x.mine(one=1).one_line, Odd, odd, found"
    assert {name for _, name, _ in names(code)} == {"told_once", "found", "mine", "one", "Odd"}


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(AREAS)
    chosen = [file for name in wanted for file in AREAS.get(name, [Path(name).resolve()])]
    for file in chosen:
        for hit in matches(file):
            print(hit)
