"""What the kit knows in words: meaning, effect, causes, commands and fixes. Text, no logic.

The words lie in TOML files, one folder per language; a second language is a second folder with the same files.
"""

from __future__ import annotations

from ._causes import AREAS, KINDS, CauseText, cause_texts
from ._commands import Command
from ._providers import Provider, providers
from ._result_types import ResultTypeText, explain, result_type_texts
from ._text import languages, read_data, read_toml
from ._topics import Topic, topics

__all__ = [
    "AREAS",
    "KINDS",
    "CauseText",
    "Command",
    "Provider",
    "ResultTypeText",
    "Topic",
    "cause_texts",
    "explain",
    "languages",
    "providers",
    "read_data",
    "read_toml",
    "result_type_texts",
    "topics",
]
