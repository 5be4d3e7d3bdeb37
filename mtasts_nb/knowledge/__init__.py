"""What the kit knows in words: meaning, effect, causes, commands and fixes. Text, no logic.

The words lie in TOML files, one folder per language; a second language is a second folder with the same files.
"""

from __future__ import annotations

from ._result_types import Command, ResultTypeText, explain, result_type_texts
from ._text import languages, read_toml

__all__ = ["Command", "ResultTypeText", "explain", "languages", "read_toml", "result_type_texts"]
