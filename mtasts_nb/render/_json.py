"""Documents as data for JSON: every block an object with its kind, every line its plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from ._nodes import (
    Block,
    Cell,
    Document,
    Figures,
    Fold,
    Items,
    Line,
    Paragraph,
    Preformatted,
    Section,
    Steps,
    Table,
    Terms,
    as_blocks,
    as_line,
    cell_text,
    plain_line,
)

__all__ = ["to_data"]


def to_data(content: Document) -> list[dict[str, Any]]:
    """Return a document as lists and dicts that `json.dumps` takes.

    Examples
    --------
    >>> to_data(Document((Paragraph("It is fine."),)))
    [{'paragraph': 'It is fine.'}]
    """
    title = [{"title": plain_line(content.title)}] if content.title else []
    return [*title, *(_block(block) for block in content.body)]


def _content(body: Line | Block | Sequence[Block]) -> Any:
    line = as_line(body)
    return [_block(block) for block in as_blocks(body)] if line is None else plain_line(line)


def _cell(value: Cell) -> Any:
    return _content(value) if cell_text(value) is None else value  # type: ignore[arg-type]


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {"paragraph": plain_line(block.parts)}
        case Preformatted():
            return {"text": block.text}
        case Section():
            return {"section": plain_line(block.title), "body": [_block(part) for part in block.body]}
        case Fold():
            return {"section": plain_line(block.summary), "body": [_block(part) for part in block.body]}
        case Items():
            return {"items": [_content(item) for item in block.items]}
        case Terms():
            return {"terms": [{"term": term, "text": _content(body)} for term, body in block.items]}
        case Steps():
            return {
                "steps": [
                    {"status": None if status is None else status.text, "step": _content(body)}
                    for status, body in block.items
                ]
            }
        case Figures():
            return {"figures": [{"value": value, "label": label} for value, label in block.items]}
        case Table():
            rows = [{key: _cell(row.get(key)) for key in block.columns} for row in block.rows]
            return {"table": block.caption, "columns": dict(block.columns), "rows": rows}
    assert_never(block)
