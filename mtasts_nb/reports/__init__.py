"""RFC 8460 as data: sources to bytes to reports to tables, and the one aggregate `daily`."""

from __future__ import annotations

from . import schema
from ._archive import Archive, Stored, domain_name, moments, outcomes
from ._daily import FAILURE_KEYS, SESSION_KEYS, Source, SummingSource, daily, sum_groups, sum_pieces
from ._load import Part, load, load_parts
from .ingest import Input, Mailbox, flat_sources, is_remote, iter_inputs

__all__ = [
    "FAILURE_KEYS",
    "SESSION_KEYS",
    "Archive",
    "Input",
    "Mailbox",
    "Part",
    "Source",
    "Stored",
    "SummingSource",
    "daily",
    "domain_name",
    "flat_sources",
    "is_remote",
    "iter_inputs",
    "load",
    "load_parts",
    "moments",
    "outcomes",
    "schema",
    "sum_groups",
    "sum_pieces",
]
