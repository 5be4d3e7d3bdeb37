"""The registry: what is known about every finding, cause, result type and provider, and every command. Data, no logic.

The texts are in TOML files. A finding names its cause; the cause has the fix, the commands and how to confirm the fix;
a result type has its causes, ranked. Each is said in one place.
"""

from __future__ import annotations

from ._causes import CauseText, causes
from ._commands import Command, command, command_names
from ._finding import finding, fix_of
from ._findings import FindingText, finding_texts
from ._glossary import Glossary, glossary
from ._providers import Provider, hosted_note, mail_provider, providers
from ._read import read_data
from ._reason_codes import (
    MX,
    POLICY_HOST,
    ReasonMatch,
    ReasonMeaning,
    causes_of_reason,
    reason_matches,
    reason_meanings,
    reason_side,
    words_of,
)
from ._renewal import RenewalClient, renewal_clients
from ._result_types import ResultTypeText, result_type_text, result_type_texts

__all__ = [
    "MX",
    "POLICY_HOST",
    "CauseText",
    "Command",
    "FindingText",
    "Glossary",
    "Provider",
    "ReasonMatch",
    "ReasonMeaning",
    "RenewalClient",
    "ResultTypeText",
    "causes",
    "causes_of_reason",
    "command",
    "command_names",
    "finding",
    "finding_texts",
    "fix_of",
    "glossary",
    "hosted_note",
    "mail_provider",
    "providers",
    "read_data",
    "reason_matches",
    "reason_meanings",
    "reason_side",
    "renewal_clients",
    "result_type_text",
    "result_type_texts",
    "words_of",
]
