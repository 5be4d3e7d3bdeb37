"""Spans of days in which failures exceed what a domain has on normal days, and whether a fix held."""
